//! Recordings that were kept: as they are, or compressed with gzip.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use pbx::Kind;

/// Read at a time.
const BUFFER_BYTES: usize = 64 << 10;

/// A recording, read as it is or decompressed.
pub(super) type Trace = Box<dyn BufRead>;

/// Opens a recording.
///
/// # Errors
/// When it cannot be read, or is a folder.
pub(super) fn open(path: &Path) -> io::Result<Trace> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::other("it is a folder, not a recording"));
    }
    let mut plain = BufReader::with_capacity(BUFFER_BYTES, file);
    let is_gzip = plain.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(if is_gzip {
        Box::new(BufReader::with_capacity(BUFFER_BYTES, flate2::bufread::MultiGzDecoder::new(plain)))
    } else {
        Box::new(plain)
    })
}

/// Which PBX a recording is of, as far as its first bytes show.
///
/// # Errors
/// When it cannot be read.
pub(super) fn kind_of(trace: &mut Trace) -> io::Result<Option<Kind>> {
    Ok(Kind::of_bytes(trace.fill_buf()?))
}
