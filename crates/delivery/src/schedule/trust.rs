//! How far a gateway may act that is not alone: until when, whether it decides, and which parts it has just taken
//! from another.
//!
//! What is behind an event in its lane moves only when the event is taken or passed by. That it was taken is a fact,
//! whoever brings it; to pass it by is a decision, the owner's alone. So every sender goes through a lane in one
//! order from its lowest unsettled event on, however many of them do so at once.

use journal::{EventSeq, Part};
use rustc_hash::FxHashMap;

use super::slab::{Slot, State};
use super::{Out, Schedule, Verdict};
use crate::policy::{LONGEST_REQUEST, Moment};

/// Until when a gateway may act.
#[derive(Debug)]
pub(super) struct Trust {
    until: Moment,
    decides: bool,
    /// Parts that another may still have requests of under way, and until when.
    careful: FxHashMap<Part, Moment>,
    /// Slots that are to be passed by, when somebody decides again.
    standing: Vec<u32>,
}

impl Trust {
    /// Of one that has its store for itself.
    pub(super) fn for_ever() -> Self {
        Self { until: Moment(i64::MAX), decides: true, careful: FxHashMap::default(), standing: Vec::new() }
    }

    pub(super) fn acts(&self, now: Moment) -> bool {
        now < self.until
    }

    pub(super) fn decides(&self, now: Moment) -> bool {
        self.decides && self.acts(now)
    }
}

impl Schedule {
    pub(super) fn trusted(&mut self, now: Moment, until: Moment, decides: bool, out: &mut Vec<Out>) {
        self.trust.until = until;
        self.trust.decides = decides;
        if !self.trust.decides(now) {
            return;
        }
        for at in std::mem::take(&mut self.trust.standing) {
            match self.slab.get(at).state {
                State::StandingCancelled => self.settle(now, at, Verdict::Cancelled, out),
                _ => self.make_ready(at),
            }
        }
    }

    pub(super) fn granted(&mut self, now: Moment, part: Part, careful_until: Moment) {
        self.trust.careful.retain(|_, until| now < *until);
        if now < careful_until {
            self.trust.careful.insert(part, careful_until);
        }
    }

    /// Nothing more of a part is started. What is out, and what is being settled, stays until that is over.
    pub(super) fn leaving(&mut self, now: Moment, part: Part) {
        let all = self.slab.of(part);
        let (behind, heads): (Vec<u32>, Vec<u32>) =
            all.into_iter().partition(|at| self.slab.get(*at).state == State::Behind);
        for at in behind {
            self.lanes.unlink(&mut self.slab, at);
            self.remove(now, at);
        }
        for at in heads {
            match self.slab.get(at).state {
                State::Ready => self.remove_listed(now, at),
                State::Retrying => self.remove(now, at),
                State::Standing | State::StandingCancelled => self.remove_standing(now, at),
                _ => {}
            }
        }
    }

    pub(super) fn revoked(&mut self, now: Moment, part: Part, unanswered: u32) {
        self.trust.careful.remove(&part);
        self.unsettled -= unanswered;
        self.leaving(now, part);
        for at in self.slab.of(part) {
            match self.slab.get(at).state {
                State::InFlight | State::InFlightCancelled => {
                    self.slab.get_mut(at).state = State::InFlightFenced;
                }
                State::InFlightFenced => {}
                _ => self.remove(now, at),
            }
        }
    }

    /// How many requests of a part are out.
    pub fn in_flight_of(&self, part: Part) -> usize {
        let is_out = |at: &u32| {
            matches!(
                self.slab.get(*at).state,
                State::InFlight | State::InFlightCancelled | State::InFlightFenced
            )
        };
        self.slab.of(part).iter().filter(|at| is_out(at)).count()
    }

    /// Lets a slot stand until somebody decides.
    pub(super) fn stand(&mut self, at: u32) {
        let slot = self.slab.get_mut(at);
        slot.state = match slot.state {
            State::InFlightCancelled => State::StandingCancelled,
            _ => State::Standing,
        };
        self.trust.standing.push(at);
    }

    pub(super) fn remove_standing(&mut self, now: Moment, at: u32) {
        self.stands_no_more(at);
        self.remove(now, at);
    }

    pub(super) fn stands_no_more(&mut self, at: u32) {
        self.trust.standing.retain(|other| *other != at);
    }

    /// Whether another may still have a request for it under way.
    pub(super) fn is_careful(&self, now: Moment, slot: &Slot) -> bool {
        self.trust.careful.get(&EventSeq(slot.seq).part()).is_some_and(|until| now < *until)
    }

    /// When a delivery is given up at the earliest, if it is not taken before.
    pub(super) fn given_up_at(&self, slot: &Slot) -> Moment {
        let at = slot.since.plus(self.webhooks[slot.webhook as usize].patience.with(slot.kind));
        match self.trust.careful.get(&EventSeq(slot.seq).part()) {
            Some(until) => at.plus(LONGEST_REQUEST).min((*until).max(at)),
            None => at,
        }
    }
}
