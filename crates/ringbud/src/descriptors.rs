//! File descriptors: as many as the system gives, and most of them for strangers only after the links to the PBXs and
//! the journal have theirs.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// For links to PBXs, the journal, web services that are called, and the log.
const RESERVED: u64 = 512;
/// HTTP connections there are at least.
const FEWEST: u64 = 64;

/// Takes as many as the system allows; how many that is.
pub(crate) fn raise() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let before = current.unwrap_or(u64::MAX);
    if setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_err() {
        return before;
    }
    maximum.unwrap_or(u64::MAX)
}

/// How many of them HTTP connections may take, of at most so many.
pub(crate) fn for_http(all: u64, most: usize) -> usize {
    let share = all.saturating_sub(RESERVED).max(all / 4).max(FEWEST);
    usize::try_from(share).unwrap_or(most).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_get_what_the_links_and_the_journal_do_not_need() {
        assert_eq!(for_http(1_024, 1_024), 512);
        assert_eq!(for_http(524_288, 1_024), 1_024);
        assert_eq!(for_http(256, 1_024), 64);
        assert_eq!(for_http(u64::MAX, 1_024), 1_024);
    }
}
