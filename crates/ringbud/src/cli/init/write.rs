//! Writing what was answered: the secret, the configuration, the data folder, each so that only who needs it reads it.
//!
//! Nothing that is there is overwritten.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::{Gid, Uid};

use super::Failure;

/// The user the service runs as, where there is one.
const SERVICE: &str = "ringbud";

/// Who may read: only we, or the service's group too where we are root and it is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Readers {
    service: Option<(u32, u32)>,
}

impl Readers {
    pub(super) fn here() -> Self {
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        Self { service: crate::whoami::is_root().then(|| ids_of(&users, SERVICE)).flatten() }
    }

    /// A file that was not there.
    pub(super) fn create(self, file: &Path, text: &str) -> Result<(), Failure> {
        let failed = |error| cannot(file, &error);
        if let Some(folder) =
            file.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
        {
            // The configuration's own folder: the service has to get in.
            let mode = if self.service.is_some() { 0o750 } else { 0o700 };
            self.make(folder, mode, false).map_err(|error| cannot(folder, &error))?;
        }
        let mode = if self.service.is_some() { 0o640 } else { 0o600 };
        let mut made =
            OpenOptions::new().write(true).create_new(true).mode(mode).open(file).map_err(failed)?;
        let written = self.hand_over(file, false).and_then(|()| fill(&mut made, text));
        if let Err(error) = written {
            let _ = std::fs::remove_file(file);
            return Err(cannot(file, &error));
        }
        Ok(())
    }

    /// What is added to a file: all of it or nothing; its mode and owner stay.
    pub(super) fn add(file: &Path, text: &str) -> Result<(), Failure> {
        let failed = |error| cannot(file, &error);
        let mut there = OpenOptions::new().append(true).open(file).map_err(failed)?;
        let before = there.metadata().map_err(failed)?.len();
        if let Err(error) = fill(&mut there, text) {
            let _ = there.set_len(before);
            return Err(cannot(file, &error));
        }
        Ok(())
    }

    /// The data folder, which is the service's own.
    pub(super) fn data_folder(self, folder: &Path) -> Result<(), Failure> {
        if folder.is_dir() {
            return Ok(());
        }
        self.make(folder, 0o700, true).map_err(|error| cannot(folder, &error))
    }

    fn make(self, folder: &Path, mode: u32, as_service: bool) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(mode).create(folder)?;
        self.hand_over(folder, as_service)
    }

    fn hand_over(self, path: &Path, as_owner: bool) -> io::Result<()> {
        let Some((user, group)) = self.service else { return Ok(()) };
        let user = as_owner.then(|| Uid::from_raw(user));
        Ok(rustix::fs::chown(path, user, Some(Gid::from_raw(group)))?)
    }
}

fn fill(file: &mut File, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("{} cannot be written: {error}", path.display()))
}

/// The number of a user and of its group, by the system's file.
fn ids_of(users: &str, name: &str) -> Option<(u32, u32)> {
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut parts = line.split(':').skip(2);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_written_is_for_its_owner_alone_and_overwrites_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("etc/ringbud.toml");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let readers = Readers { service: None };
        readers.create(&file, "a\n").unwrap();
        assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
        let refused = readers.create(&file, "b\n").unwrap_err();
        assert!(refused.why.contains("File exists"), "{}", refused.why);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        Readers::add(&file, "b\n").unwrap();
        assert_eq!((std::fs::read_to_string(&file).unwrap().as_str(), mode(&file)), ("a\nb\n", 0o640));
        let data = folder.path().join("var/data");
        readers.data_folder(&data).unwrap();
        assert_eq!(mode(&data), 0o700);
    }

    #[test]
    fn the_services_user_is_found_by_name() {
        let users =
            "root:x:0:0:root:/root:/bin/bash\nringbud:x:998:997::/var/lib/ringbud:/usr/sbin/nologin\n";
        assert_eq!(ids_of(users, "ringbud"), Some((998, 997)));
        assert_eq!(ids_of(users, "ring"), None);
    }
}
