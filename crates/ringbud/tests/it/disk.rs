//! Small file systems of a test's own, to be filled and broken. Only root can make them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Room on the small disk.
const SIZE: &str = "size=6m";
/// And on one that can break.
const IMAGE_BYTES: u64 = 32 << 20;

/// A small file system, mounted over a folder; unmounted when dropped, however the test ends.
pub(crate) struct Disk {
    folder: PathBuf,
    /// What it lies in, if it is no memory.
    image: Option<PathBuf>,
}

impl Disk {
    /// None where nobody may mount; in CI that is a failure.
    pub(crate) fn over(folder: &Path) -> Option<Self> {
        std::fs::create_dir_all(folder).unwrap();
        let is_there = mount(&["-t", "tmpfs", "-o", SIZE, "ringbud-test", folder.to_str().unwrap()]);
        Self { folder: folder.to_owned(), image: None }.or_left_out(is_there)
    }

    /// One with a journal of its own, that can break.
    pub(crate) fn in_an_image(folder: &Path) -> Option<Self> {
        std::fs::create_dir_all(folder).unwrap();
        let image = folder.with_extension("image");
        std::fs::File::create(&image).and_then(|file| file.set_len(IMAGE_BYTES)).unwrap();
        let is_made = Command::new("mkfs.ext4").arg("-q").arg(&image).status();
        let disk = Self { folder: folder.to_owned(), image: Some(image) };
        let is_there = is_made.is_ok_and(|status| status.success()) && disk.mount_image();
        disk.or_left_out(is_there)
    }

    fn mount_image(&self) -> bool {
        let Some(image) = &self.image else { return false };
        mount(&["-o", "loop", image.to_str().unwrap(), self.folder.to_str().unwrap()])
    }

    fn or_left_out(self, is_there: bool) -> Option<Self> {
        if is_there {
            return Some(self);
        }
        let why = "the tests of bad disks need root, to mount one";
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}");
        println!("*** LEFT OUT: {why}. ***");
        None
    }

    /// The file system gives up, as after errors of the device: nothing is written any more.
    pub(crate) fn breaks(&self) {
        assert!(mount(&["-o", "remount,abort", self.folder.to_str().unwrap()]));
    }

    pub(crate) fn is_mounted_again(&self) {
        assert!(Command::new("umount").arg(&self.folder).status().unwrap().success());
        assert!(self.mount_image());
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }

    /// Leaves no room at all.
    pub(crate) fn fill(&self) {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(self.ballast()).unwrap();
        for block in [vec![0_u8; 65_536], vec![0; 4_096]] {
            while std::io::Write::write_all(&mut file, &block).is_ok() {}
        }
    }

    pub(crate) fn make_room(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }

    pub(crate) fn read_only(&self, is_so: bool) {
        let how = if is_so { "remount,ro" } else { "remount,rw" };
        assert!(mount(&["-o", how, self.folder.to_str().unwrap()]), "{how}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
    }
}

fn mount(arguments: &[&str]) -> bool {
    Command::new("mount").args(arguments).status().is_ok_and(|status| status.success())
}
