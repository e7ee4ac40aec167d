//! Who this gateway is: an id that lies in its data folder, and a number for this run.

use std::io::{self, Write as _};
use std::path::Path;

use chacha20poly1305::aead::OsRng;
use chacha20poly1305::aead::rand_core::RngCore as _;

use super::lease::Me;
use crate::JournalError;

const FILE: &str = "ringbud.gateway";
const ID_BYTES: usize = 16;

/// That of a data folder, which the caller has locked.
pub(super) fn of(folder: &Path, name: String) -> Result<Me, JournalError> {
    let place = folder.join(FILE);
    let id = match std::fs::read_to_string(&place) {
        Ok(text) if is_id(text.trim()) => Ok(text.trim().to_owned()),
        Ok(_) => make(&place),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(&place),
        Err(error) => Err(error),
    };
    let id = id.map_err(|error| JournalError::Unwritable {
        place: place.display().to_string(),
        why: error.to_string(),
    })?;
    Ok(Me { id, name, run: OsRng.next_u64().cast_signed() })
}

/// That of a data folder, if a gateway has run in it.
pub fn id_in(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string(folder.join(FILE)).ok()?;
    Some(text.trim().to_owned()).filter(|id| is_id(id))
}

fn is_id(text: &str) -> bool {
    text.len() == 2 * ID_BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn make(place: &Path) -> io::Result<String> {
    let mut bytes = [0; ID_BYTES];
    OsRng.fill_bytes(&mut bytes);
    let id: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(place)?;
    writeln!(file, "{id}")?;
    file.sync_all()?;
    Ok(id)
}
