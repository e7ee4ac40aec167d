//! Tells an Asterisk that is too old: before 12 the dialling and the meeting of channels were told by other
//! events, and whatever was made of the rest would be plausible and wrong.
//!
//! Any of three shows it: the version (`CoreSettings`), the greeting (before 12 the manager interface counted
//! 1.x), or an event that 12 did away with.

use super::message::Message;
use crate::link::{Age, Failure, Kind};

/// The oldest that is followed.
const NEEDED: u64 = 12;
/// The same for people.
const NEEDED_WORD: &str = "12";
/// The first number of the manager interface of 12.
const NEEDED_INTERFACE: u64 = 2;

fn too_old(version: impl Into<String>) -> Age {
    Age::TooOld(Failure::TooOld { kind: Kind::Asterisk, version: version.into(), needed: NEEDED_WORD })
}

/// By `AsteriskVersion`: `16.28.0~dfsg-0+deb11u4`, `certified/13.21-cert6`, `SVN-branch-1.8-r431099`,
/// `GIT-master-1a2b3c4`.
pub(super) fn by_version(version: &str) -> Age {
    let number = version.split(['-', '/', '~', '+', ' ']).find(|part| {
        part.starts_with(|c: char| c.is_ascii_digit())
            && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    });
    match number.and_then(|number| number.split('.').next()?.parse::<u64>().ok()) {
        None => Age::Unknown,
        Some(major) if major < NEEDED => too_old(version),
        Some(_) => Age::Followed,
    }
}

/// By the greeting: `Asterisk Call Manager/5.0.4`. A proxy greets otherwise, and says nothing so.
pub(super) fn by_greeting(greeting: &str) -> Age {
    let interface = greeting.trim_end().strip_prefix("Asterisk Call Manager/").unwrap_or_default();
    match interface.split('.').next().and_then(|major| major.parse::<u64>().ok()) {
        None => Age::Unknown,
        Some(major) if major < NEEDED_INTERFACE => too_old(format!("with manager interface {interface}")),
        Some(_) => Age::Followed,
    }
}

/// By an event: what 12 did away with, or what only 12 and later write.
pub(super) fn by_event(message: &Message<'_>) -> Age {
    match message.event() {
        Some(event @ ("Link" | "Unlink" | "Bridge")) if message.get("Channel1").is_some() => {
            too_old(format!("that sends the event {event}"))
        }
        Some("Dial") if message.get("SubEvent").is_some() || message.get("SrcUniqueID").is_some() => {
            too_old("that sends the event Dial")
        }
        // Before 1.6 the state had no number.
        Some("Newchannel") if message.get("State").is_some() && message.get("ChannelState").is_none() => {
            too_old("whose Newchannel shows no number of the state")
        }
        // Since 12 every event of a channel shows the whole of it.
        Some("Newchannel") if message.get("Priority").is_some() || message.get("Linkedid").is_some() => {
            Age::Followed
        }
        // Before, it showed neither that nor whom the channel is connected with.
        Some("Newchannel") if message.get("AccountCode").is_some() && message.get("Context").is_some() => {
            match message.get("ConnectedLineNum") {
                None => too_old("whose Newchannel shows no priority"),
                Some(_) => Age::Followed,
            }
        }
        Some("DialBegin" | "DialEnd" | "BridgeEnter" | "BridgeLeave") => Age::Followed,
        Some(_) | None => match message.get("AsteriskVersion") {
            Some(version) => by_version(version),
            None => Age::Unknown,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_old_by_its_first_number_however_it_is_written() {
        for old in
            ["1.8.32.3", "1.4.44", "11.25.3", "SVN-branch-1.8-r431099", "certified/11.6-cert18", "10.12.4"]
        {
            assert!(matches!(by_version(old), Age::TooOld(_)), "{old}");
        }
        for followed in [
            "12.8.2",
            "13.38.3",
            "16.28.0~dfsg-0+deb11u4",
            "certified/13.21-cert6",
            "GIT-18-1a2b3c4",
            "22.10.1",
        ] {
            assert_eq!(by_version(followed), Age::Followed, "{followed}");
        }
        for unknown in ["", "GIT-master-1a2b3c4", "UNKNOWN"] {
            assert_eq!(by_version(unknown), Age::Unknown, "{unknown}");
        }
    }

    #[test]
    fn a_greeting_is_old_by_the_first_number_of_the_interface() {
        for old in ["Asterisk Call Manager/1.0\r\n", "Asterisk Call Manager/1.3"] {
            assert!(matches!(by_greeting(old), Age::TooOld(_)), "{old}");
        }
        assert_eq!(by_greeting("Asterisk Call Manager/2.0.0\r\n"), Age::Followed);
        assert_eq!(by_greeting("Asterisk Call Manager/11.0.0"), Age::Followed);
        assert_eq!(by_greeting("Asterisk Call Manager Proxy/1.21"), Age::Unknown);
    }
}
