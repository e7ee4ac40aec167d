//! Which FreeSWITCH it is, and whether it can be followed.

use crate::link::{Failure, Kind};

/// The oldest that is followed.
const NEEDED: &str = "1.10";

/// The version in what `status` prints: `FreeSWITCH (Version 1.10.12 -release-…) is ready`.
pub(super) fn in_status(said: &str) -> Option<&str> {
    let rest = said.split_once("(Version ")?.1;
    let end = rest.find([' ', ')']).unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

/// Why a version cannot be followed, if it cannot. What is no number is not held against it.
pub(super) fn too_old(version: &str) -> Option<Failure> {
    let mut numbers = version.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let (major, minor) = (numbers.next()?, numbers.next()?);
    let version = version.to_owned();
    ((major, minor) < (1, 10)).then_some(Failure::TooOld { kind: Kind::FreeSwitch, version, needed: NEEDED })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_the_status_and_old_ones_are_told_apart() {
        let status = "UP 0 years, 0 days\nFreeSWITCH (Version 1.11.1-release  64bit) is ready\n";
        assert_eq!(in_status(status), Some("1.11.1-release"));
        assert_eq!(in_status("nonsense"), None);
        for version in ["1.10.12-dev", "1.11.1-release", "1.10", "2.0", "x", ""] {
            assert_eq!(too_old(version), None, "{version}");
        }
        for version in ["1.8.7", "1.6.20-37", "1.9"] {
            assert!(too_old(version).is_some(), "{version}");
        }
    }
}
