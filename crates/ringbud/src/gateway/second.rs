//! The second reader of a PBX: what it says is written down nowhere while another gateway has the PBX, and is at hand when
//! that one is gone.

use std::collections::VecDeque;
use std::time::Duration;

use calls::{PbxTime, Restored, Told};
use journal::{Append, Grant};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// So much of what the PBX said is at hand, by its clock: longer than it takes until somebody who is gone is missed.
const AT_HAND: Duration = Duration::from_secs(60);
/// So many moments are at hand at most.
const MOMENTS_AT_HAND: usize = 100_000;
/// What was said so shortly before the PBX was heard last may not be kept yet.
const BEFORE_HEARD: Duration = Duration::from_secs(2);

/// A moment on its way to the journal.
#[derive(Debug)]
pub struct Heard {
    /// What was said.
    pub moment: Append,
    /// When it reached us, by a clock that never jumps.
    pub at: Instant,
}

/// Whose the PBX is, as its event writer is told.
pub enum Turn {
    /// It is this gateway's from now on.
    Given(Given),
    /// It is another's from now on; told when what was heard until then is kept.
    Back(oneshot::Sender<()>),
}

/// That the PBX is this gateway's from now on.
pub struct Given {
    /// To write under.
    pub grant: Grant,
    /// What was kept of the PBX by those who had it.
    pub kept: Restored,
    /// Told when what was at hand is kept, too.
    pub done: oneshot::Sender<()>,
}

/// What the second reader of a PBX has at hand.
#[derive(Default)]
pub(super) struct Second {
    moments: VecDeque<Heard>,
}

impl Second {
    /// What the PBX says while it is another gateway's.
    pub(super) fn add(&mut self, heard: Heard) {
        let since = heard.moment.heard_at;
        self.moments.push_back(heard);
        let is_old = |oldest: &Heard| oldest.moment.heard_at + AT_HAND < since;
        while self.moments.len() > MOMENTS_AT_HAND || self.moments.front().is_some_and(is_old) {
            self.moments.pop_front();
        }
    }

    /// What may not be kept yet, each event as the next of its leg as that was told.
    pub(super) fn news(self, kept: &Restored) -> Vec<Heard> {
        let mut told = Told::of(kept);
        let heard = kept.last_heard.unwrap_or(PbxTime::from_micros(0));
        let is_news = |one: &Heard| one.moment.heard_at + BEFORE_HEARD >= heard;
        let moments = self.moments.into_iter().filter(is_news).map(|Heard { moment, at }| {
            let events = moment.events.into_iter();
            let events = events.filter_map(|(event, to)| told.next(event).map(|event| (event, to)));
            Heard { moment: Append { events: events.collect(), ..moment }, at }
        });
        moments.collect()
    }
}

#[cfg(test)]
mod tests {
    use calls::PbxName;
    use journal::WallTime;
    use tokio::time::Instant;

    use super::*;

    fn at(micros: i64) -> Heard {
        let moment = Append {
            grant: Grant::ALONE,
            pbx: PbxName::new("pbx1"),
            events: Vec::new(),
            notes: Vec::new(),
            heard_at: PbxTime::from_micros(micros),
            received_at: WallTime(0),
            age: Duration::ZERO,
        };
        Heard { moment, at: Instant::now() }
    }

    fn heard(second: &Second) -> (usize, Option<i64>) {
        (second.moments.len(), second.moments.front().map(|oldest| oldest.moment.heard_at.as_micros()))
    }

    #[test]
    fn a_minute_is_at_hand_by_the_clock_of_the_pbx() {
        let mut second = Second::default();
        let minute = i64::try_from(AT_HAND.as_micros()).unwrap();
        [0, 1, minute].into_iter().for_each(|micros| second.add(at(micros)));
        assert_eq!(heard(&second), (3, Some(0)), "just within it");
        second.add(at(minute + 1));
        assert_eq!(heard(&second), (3, Some(1)));
        // A clock that was set back throws nothing away.
        second.add(at(-minute));
        assert_eq!(heard(&second), (4, Some(1)));
    }

    #[test]
    fn no_more_moments_than_the_bound_are_at_hand_and_the_oldest_go() {
        let mut second = Second::default();
        let bound = i64::try_from(MOMENTS_AT_HAND).unwrap();
        (0..bound + 7).for_each(|micros| second.add(at(micros)));
        assert_eq!(heard(&second), (MOMENTS_AT_HAND, Some(7)));
    }

    #[test]
    fn what_was_said_shortly_before_the_pbx_was_heard_last_is_handed_in_and_nothing_older() {
        let mut second = Second::default();
        let before = i64::try_from(BEFORE_HEARD.as_micros()).unwrap();
        [0, 1, before, before + 1].into_iter().for_each(|micros| second.add(at(micros)));
        let kept = Restored { last_heard: Some(PbxTime::from_micros(before + 1)), ..Restored::default() };
        let news: Vec<_> = second.news(&kept).iter().map(|one| one.moment.heard_at.as_micros()).collect();
        assert_eq!(news, [1, before, before + 1]);
    }
}
