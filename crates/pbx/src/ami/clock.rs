//! The PBX's clock, as far as its messages tell it.
//!
//! With `timestampevents=yes` every event says when it happened. Without, the answers to our pings do, and
//! the time since then is measured by our own monotonic clock; in a recording not even that is there, and
//! the newest channel's id, which begins with the second it was made in, has to do.

use std::time::Duration;

use calls::PbxTime;

/// How far back a message may be dated and still be taken for one that was overtaken: its time is then that
/// of the one before it. Further back the PBX's clock was set, and is believed.
const REORDERED: Duration = Duration::from_secs(2);

/// What is known of the PBX's clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    /// The last moment the PBX is known to have been heard.
    heard: Option<PbxTime>,
    /// The newest time of an input whose message said when it happened.
    told: Option<PbxTime>,
    /// What the PBX's clock said when ours, monotonic one said what.
    anchor: Option<(PbxTime, Duration)>,
}

impl Clock {
    /// Knows only when the PBX was heard last.
    pub(super) const fn starting_at(heard: Option<PbxTime>) -> Self {
        Self { heard, told: None, anchor: None }
    }

    /// The last moment the PBX is known to have been heard.
    pub(super) const fn heard(&self) -> Option<PbxTime> {
        self.heard
    }

    /// The PBX said what time it is.
    pub(super) fn said(&mut self, time: PbxTime, arrival: Option<Duration>) {
        self.anchor = arrival.map(|arrival| (time, arrival));
        self.heard = Some(in_order(self.heard, time));
    }

    /// The time of an input: what its message says, never a little before what an input before it said; or now. Now is when
    /// a message was read: what happened before that and is read behind it keeps its own time. Messages that give no
    /// input do not count, so that it does not matter whether a filter keeps them away.
    pub(super) fn tell(&mut self, stamp: Option<PbxTime>) -> PbxTime {
        let time = in_order(self.told, stamp.or(self.heard).unwrap_or_default());
        if stamp.is_some() {
            self.told = Some(time);
        }
        time
    }

    /// The PBX said something that happened at this moment or after.
    pub(super) fn not_before(&mut self, time: PbxTime) {
        if self.heard.is_none_or(|heard| heard < time) {
            self.heard = Some(time);
        }
    }

    /// Something without a time came in.
    pub(super) fn arrived(&mut self, arrival: Option<Duration>) {
        if let (Some((time, then)), Some(now)) = (self.anchor, arrival) {
            self.not_before(time + now.saturating_sub(then));
        }
    }

    /// The link is gone, and with it what our own clock says about the PBX's.
    pub(super) const fn link_lost(&mut self) {
        self.anchor = None;
    }
}

/// A moment after another, unless it lies so far back that the PBX's clock must have been set.
fn in_order(before: Option<PbxTime>, time: PbxTime) -> PbxTime {
    match before {
        Some(before) if before > time && before.since(time) <= REORDERED => before,
        Some(_) | None => time,
    }
}

/// `1795343903.920987`.
pub(super) fn timestamp(text: &str) -> Option<PbxTime> {
    let bytes = text.as_bytes();
    let dot = bytes.iter().position(|&b| b == b'.').unwrap_or(bytes.len());
    let seconds = digits(&bytes[..dot])?;
    let fraction = bytes.get(dot + 1..).unwrap_or_default();
    let fraction = &fraction[..fraction.len().min(6)];
    let micros = if fraction.is_empty() { 0 } else { digits(fraction)? * POWERS[6 - fraction.len()] };
    Some(PbxTime::from_micros(seconds * 1_000_000 + micros))
}

const POWERS: [i64; 6] = [1, 10, 100, 1_000, 10_000, 100_000];

/// Up to eleven digits: seconds until the year 5138.
fn digits(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > 11 {
        return None;
    }
    text.iter().try_fold(0, |number: i64, digit| {
        digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_read_to_the_microsecond() {
        assert_eq!(timestamp("1795343903.920987"), Some(PbxTime::from_micros(1_795_343_903_920_987)));
        assert_eq!(timestamp("1795343903.5"), Some(PbxTime::from_micros(1_795_343_903_500_000)));
        assert_eq!(timestamp("1795343903"), Some(PbxTime::from_secs(1_795_343_903)));
        for nonsense in ["", ".", "x.1", "1.x", "-1.0", "123456789012.0"] {
            assert_eq!(timestamp(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn an_overtaken_message_does_not_turn_the_clock_back_but_a_set_clock_does() {
        let mut clock = Clock::default();
        clock.said(PbxTime::from_secs(100), None);
        clock.said(PbxTime::from_secs(99), None);
        assert_eq!(clock.heard(), Some(PbxTime::from_secs(100)));
        clock.said(PbxTime::from_secs(50), None);
        assert_eq!(clock.heard(), Some(PbxTime::from_secs(50)));
    }

    #[test]
    fn what_was_said_before_a_list_was_read_and_comes_behind_it_keeps_its_time() {
        let (mut clock, at) = (Clock::default(), PbxTime::from_micros);
        let mut says = |time: PbxTime| {
            clock.said(time, Some(Duration::ZERO));
            clock.tell(Some(time))
        };
        assert_eq!(says(at(100)), at(100));
        assert_eq!(says(at(90)), at(100), "one that was overtaken by another");
        let mut list = clock;
        list.arrived(Some(Duration::from_micros(40)));
        assert_eq!(list.tell(None), at(130));
        list.said(at(110), Some(Duration::from_micros(50)));
        assert_eq!(list.tell(Some(at(110))), at(110));
        assert_eq!(list.tell(None), at(130), "now does not go back");
    }

    #[test]
    fn between_pongs_our_own_clock_goes_on_counting() {
        let mut clock = Clock::default();
        clock.said(PbxTime::from_secs(100), Some(Duration::from_secs(7)));
        clock.arrived(Some(Duration::from_secs(10)));
        assert_eq!(clock.heard(), Some(PbxTime::from_secs(103)));
    }
}
