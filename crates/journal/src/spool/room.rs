//! How much the spool may take of the disk it is on.

use std::path::Path;

/// This part of a disk stays free, but of a large one no more than this.
const STAYS_FREE: u64 = 10;
const STAYS_FREE_BYTES: u64 = 1_000_000_000;

/// The bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) most_bytes: u64,
}

impl Room {
    /// Whether so much more may be written beside what is there; if not, why.
    pub(super) fn takes(self, folder: &Path, used: u64, more: u64) -> Result<(), String> {
        if used.saturating_add(more) > self.most_bytes {
            let megabytes = self.most_bytes / 1_000_000;
            return Err(format!("it is full: {megabytes} MB are in it (spool_megabytes in [journal])"));
        }
        // A system that does not say has the bound above.
        let Ok(disk) = rustix::fs::statvfs(folder) else { return Ok(()) };
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        let stays_free = (bytes(disk.f_blocks) / STAYS_FREE).min(STAYS_FREE_BYTES);
        if bytes(disk.f_bavail) < stays_free.saturating_add(more) {
            let megabytes = stays_free / 1_000_000;
            return Err(format!("its disk has to keep {megabytes} MB free, and has no more"));
        }
        Ok(())
    }
}
