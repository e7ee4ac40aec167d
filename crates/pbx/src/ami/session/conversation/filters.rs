//! Event filters: how this Asterisk understands them, and whether it heeds them.

use crate::ami::message::Message;

/// No line of an action is longer: Asterisk reads no more than a thousand bytes of one.
const MAX_PATTERN_BYTES: usize = 800;

/// How a filter is worded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// `MatchCriteria: name(Hangup)`: cheap, and new. An older Asterisk answers `Success` and filters nothing.
    Named,
    /// A regular expression over the text of the whole event, which all understand.
    Pattern,
}

impl Way {
    /// The one a version understands.
    pub(super) fn of(version: &str) -> Self {
        let numbers = version
            .split(['-', '/', '~', '+', ' '])
            .find(|part| part.starts_with(|c: char| c.is_ascii_digit()))
            .unwrap_or_default();
        let mut numbers = numbers.split('.').map_while(|number| number.parse::<u32>().ok());
        match (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) {
            (22.., _) | (21, 5..) | (20, 10..) => Self::Named,
            _ => Self::Pattern,
        }
    }

    /// The headers of the actions that let these events through, and no others.
    pub(super) fn headers(self, events: &[&str]) -> Vec<(&'static str, String)> {
        match self {
            Self::Named => events.iter().map(|event| ("MatchCriteria", format!("name({event})"))).collect(),
            Self::Pattern => patterns(events).into_iter().map(|pattern| ("Filter", pattern)).collect(),
        }
    }
}

/// `Event: (Hangup|Newchannel)[^A-Za-z]`: without the class it would take `HangupRequest`, too, and `$` is no end
/// of a line here.
fn patterns(events: &[&str]) -> Vec<String> {
    let mut patterns = Vec::new();
    let mut names = String::new();
    for event in events {
        if !names.is_empty() && names.len() + event.len() > MAX_PATTERN_BYTES {
            patterns.push(format!("Event: ({names})[^A-Za-z]"));
            names.clear();
        }
        if !names.is_empty() {
            names.push('|');
        }
        names.push_str(event);
    }
    patterns.push(format!("Event: ({names})[^A-Za-z]"));
    patterns
}

/// Whether an event is one that a filter should have kept away. Replies and lists are never filtered; they bear no
/// privilege.
pub(super) fn should_be_away(event: &str, message: &Message<'_>, wanted: &[&str]) -> bool {
    !wanted.contains(&event) && message.get("Privilege").is_some() && message.get("ActionID").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_only_sent_to_versions_that_heed_them() {
        for named in ["22.10.1", "22.0.0", "23.1.0", "21.5.0", "20.10.0", "20.15.2", "certified/22.8-cert1"] {
            assert_eq!(Way::of(named), Way::Named, "{named}");
        }
        for pattern in [
            "16.28.0~dfsg-0+deb11u4",
            "13.38.3",
            "18.26.4",
            "20.9.3",
            "21.4.0",
            "certified/20.7-cert3",
            "",
            "GIT-master-1a2b",
        ] {
            assert_eq!(Way::of(pattern), Way::Pattern, "{pattern}");
        }
    }

    #[test]
    fn patterns_name_every_event_and_fit_a_line() {
        let many: Vec<String> = (0..200).map(|number| format!("Event{}", "x".repeat(number % 17))).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let patterns = patterns(&many);
        assert!(patterns.iter().all(|pattern| pattern.len() < 1_000));
        let named: usize = patterns.iter().map(|pattern| pattern.split('|').count()).sum();
        assert_eq!(named, many.len());
    }
}
