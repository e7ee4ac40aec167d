//! The key that secrets in the store are sealed with: where it lies, what it is called, and taking another.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use journal::Sqlite;
use journal::seal::Sealer;
use sha2::{Digest, Sha256};

use crate::config::Config;
use crate::folder::{StoreError, journal_in};

/// The file of the key, where the configuration names none.
pub const KEY_FILE: &str = "secret.key";
/// The file of the key that takes its place, while everything is sealed anew.
const NEXT_FILE: &str = "secret.key.next";
/// So much of its sum names a key.
const ID_BYTES: usize = 8;

/// A key. Never printed; its id is.
pub struct Key([u8; 32]);

impl Key {
    /// These bytes.
    pub fn of(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A new one.
    ///
    /// # Errors
    /// That the system has no random bytes.
    pub fn fresh() -> io::Result<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(Self(bytes))
    }

    /// That of a text in the configuration.
    pub fn of_text(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// The one the configuration names, if it names one.
    ///
    /// # Errors
    /// That it cannot be read.
    pub fn configured(config: &Config) -> Result<Option<Self>, StoreError> {
        let Some(source) = &config.secret_key else { return Ok(None) };
        Ok(Some(Self::of_text(source.read()?.expose())))
    }

    /// That of a file.
    ///
    /// # Errors
    /// The system's, or that the file does not hold exactly 32 bytes.
    pub fn in_file(file: &Path) -> io::Result<Self> {
        let bytes = std::fs::read(file)?.try_into();
        bytes.map(Self).map_err(|_| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{} does not hold a key of 32 bytes", file.display()),
            )
        })
    }

    /// That of the text in a file, as the configuration would have it.
    ///
    /// # Errors
    /// The system's, or that there is nothing in it.
    pub fn of_text_in(file: &Path) -> io::Result<Self> {
        let text = std::fs::read_to_string(file)?;
        match text.trim_end_matches(['\r', '\n']) {
            "" => Err(io::Error::new(io::ErrorKind::InvalidData, "it is empty; expected the key in it")),
            text => Ok(Self::of_text(text)),
        }
    }

    /// What is sealed with it.
    pub fn sealer(&self) -> Sealer {
        Sealer::new(self.0)
    }

    /// The key itself, for the one place that keeps it.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What it is called: tells nothing of it.
    pub fn id(&self) -> String {
        let mut sum = Sha256::new_with_prefix(b"ringbud key id\n");
        sum.update(self.0);
        sum.finalize().iter().take(ID_BYTES).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Writes it where only its owner reads it; on the disk when this returns.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(file)?;
        file.write_all(&self.0)?;
        file.sync_all()
    }
}

/// The key of a data folder.
pub fn file_in(folder: &Path) -> PathBuf {
    folder.join(KEY_FILE)
}

/// Takes a new key for a store that nobody uses and seals everything with it; the old key and how many settings hold
/// secrets. Killed at any moment, the next start has the key that opens the store: the new one lies beside the old
/// before anything is sealed with it, and takes its place after everything is.
///
/// # Errors
/// That somebody uses it, or a file cannot be written; then the old key is good.
pub fn rotate(folder: &Path, fresh: &Key) -> Result<usize, StoreError> {
    let held = Sqlite::hold(folder)?;
    finish_rotation(folder)?;
    let file = file_in(folder);
    let failed = |why| StoreError::Key { file: file.clone(), why };
    let old = Key::in_file(&file).map_err(failed)?;
    let next = folder.join(NEXT_FILE);
    fresh.write(&next).and_then(|()| sync_folder(folder)).map_err(failed)?;
    let sealed = match held.seal_anew(&old.sealer(), &fresh.sealer()) {
        Ok(sealed) => sealed,
        Err(error) => {
            finish_rotation(folder)?;
            let _ = std::fs::remove_file(&next);
            return Err(error.into());
        }
    };
    take_place(folder).map_err(failed)?;
    Ok(sealed)
}

/// What a rotation that was killed has left to do: puts the new key in its place if the store is sealed with it.
///
/// # Errors
/// That a file cannot be read or written.
pub fn finish_rotation(folder: &Path) -> Result<(), StoreError> {
    let (file, next) = (file_in(folder), folder.join(NEXT_FILE));
    if !next.is_file() || !journal_in(folder).is_file() {
        return Ok(());
    }
    let failed = |why| StoreError::Key { file: next.clone(), why };
    // Cut off while it was written: nothing was sealed with it yet.
    let Ok(fresh) = Key::in_file(&next) else { return Ok(()) };
    let present = Key::in_file(&file).map_err(failed)?;
    let opens = |key: &Key| Sqlite::is_opened_by(folder, &key.sealer());
    if !opens(&present)? && opens(&fresh)? {
        take_place(folder).map_err(failed)?;
        tracing::warn!("the secret key was being changed when it was interrupted: it is changed now");
    }
    Ok(())
}

fn take_place(folder: &Path) -> io::Result<()> {
    match std::fs::rename(folder.join(NEXT_FILE), file_in(folder)) {
        // Another process has finished it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }?;
    sync_folder(folder)
}

/// Names in a folder are on the disk when this returns.
///
/// # Errors
/// The system's.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}
