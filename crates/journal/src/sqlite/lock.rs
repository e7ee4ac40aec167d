//! One gateway a data folder: a lock the system releases when the process is gone, however it went.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use crate::JournalError;

const FILE: &str = "ringbud.lock";
/// A process id is no longer than this.
const PID_BYTES: u64 = 20;

/// The lock, held until it is dropped.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    pub(crate) fn take(folder: &Path) -> Result<Self, JournalError> {
        let place = folder.join(FILE);
        let unwritable = |error: io::Error| JournalError::Unwritable {
            place: place.display().to_string(),
            why: error.to_string(),
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&place).map_err(unwritable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::InUse {
                    place: folder.display().to_string(),
                    by: holder(&mut file).unwrap_or_else(|| "unknown".to_owned()),
                });
            }
            Err(TryLockError::Error(error)) => return Err(unwritable(error)),
        }
        sign(&mut file).map_err(unwritable)?;
        Ok(Self { _file: file })
    }
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn holder(file: &mut File) -> Option<String> {
    let mut text = String::new();
    file.take(PID_BYTES).read_to_string(&mut text).ok()?;
    let pid = text.trim();
    (!pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit())).then(|| pid.to_owned())
}
