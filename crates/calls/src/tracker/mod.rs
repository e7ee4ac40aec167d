//! The tracker: follows the channels of one PBX and says what happens to its phones.
//!
//! Below are [`arena`] (keys), [`leg`], [`channel`] and [`state`], what is held; [`timers`] and [`link`], what is
//! waited for and how sure it is. On them stand the parts that know rules: [`graph`], who is connected with whom
//! and who reached whom; [`rules`], how legs begin, are answered and end; [`transfers`], who was sent where;
//! [`presence`], what a lost link makes unsure. Nothing here fails: what does not fit is an anomaly, and on it
//! goes.

mod arena;
mod channel;
mod graph;
mod leg;
mod link;
mod presence;
mod rules;
mod state;
mod timers;
mod transfers;

use crate::{Directory, Input, Output, PbxTime};
use state::Context;

pub use state::{Tracker, TrackerLimits};

impl Tracker {
    /// One thing the PBX says, and what follows from it. First does what was due before `at`.
    pub fn handle(
        &mut self,
        at: PbxTime,
        input: Input<'_>,
        directory: &dyn Directory,
        out: &mut Vec<Output>,
    ) {
        self.handle_timeout(at, directory, out);
        let before = self.now;
        if at < before {
            self.clock_set_back(at);
        }
        self.now = before.max(at);
        let cx = &mut Context { at, directory, out };
        match input {
            Input::Appeared { who, origin } => self.appeared(cx, who, origin),
            Input::Placing { who } => self.placing(cx, who),
            Input::Ordered { who, dialled } => self.ordered(who, dialled),
            Input::Agent { who, is_on } => self.agent(cx, who, is_on),
            Input::Changed { who } => self.changed(who),
            Input::Ringing { who } => self.ringing(cx, who),
            Input::Up { who } => self.up(cx, who),
            Input::DialBegan { from, to } => self.dial_began(cx, from, to),
            Input::DialEnded { from, to, outcome, forward } => {
                self.dial_ended(cx, from, to, outcome, forward)
            }
            Input::Joined { who, bridge, meeting, in_place_of } => {
                self.joined(cx, who, bridge, meeting, in_place_of);
            }
            Input::Left { who, bridge } => self.left(cx, who, bridge),
            Input::Paired { one, two } => self.paired(cx, one, two),
            Input::Held { who } => self.held(cx, who, Some(at)),
            Input::Unheld { who } => self.held(cx, who, None),
            Input::BlindTransfer { by, party, to } => self.blind_transfer(cx, by, party, to),
            Input::AttendedTransfer { first, second, party, target } => {
                self.attended_transfer(cx, *first, *second, party.copied(), target.copied());
            }
            Input::PickedUp { by, from } => self.picked_up(cx, by, from),
            Input::Parked { party, space } => self.parked(cx, party, space),
            Input::Retrieved { by, party } => self.retrieved(cx, by, party),
            Input::ParkingTimedOut { party } => self.parking_timed_out(cx, party),
            Input::Arrived { party } => self.unmark(cx, party),
            Input::QueueEntered { who, queue } => self.queue(at, who, queue),
            Input::QueueLeft { who } => self.queue(at, who, ""),
            Input::HangingUp { who } => self.hanging_up(who),
            Input::Gone { who, cause } => self.gone(cx, who, cause),
            Input::LinkLost => self.link_lost(at),
            Input::Restarted => self.restarted(cx, before),
            Input::Snapshot { listed } => self.snapshot(cx, listed),
        }
    }

    /// Does what is due by `now`.
    pub fn handle_timeout(&mut self, now: PbxTime, directory: &dyn Directory, out: &mut Vec<Output>) {
        if self.next_deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        let cx = &mut Context { at: now, directory, out };
        self.settle_gap(cx);
        self.tell_lost(cx);
        self.tell_placed(cx);
        self.tell_unlinked(cx);
        self.tell_rung_by_program(cx);
        self.tell_parkings(cx);
    }

    /// The PBX's clock was set back: nothing waits longer for it than it would have waited without.
    fn clock_set_back(&mut self, at: PbxTime) {
        self.link.set_back(at);
        let (unlinked, by_program) = (&mut self.unlinked, &mut self.by_program);
        for waits in [unlinked, by_program, &mut self.placed, &mut self.losing, &mut self.parkings] {
            waits.set_back(at);
        }
    }

    /// Whether the number of whoever is at a channel's end must not be shown.
    pub fn is_withheld(&self, channel: &str) -> bool {
        let found = self.channels.find(channel).and_then(|key| self.channels.get(key));
        found.is_some_and(|channel| channel.withheld)
    }

    /// When `handle_timeout` should be called, if nothing is said before.
    pub fn next_deadline(&self) -> Option<PbxTime> {
        let mut first = self.link.deadline();
        for waits in [&self.unlinked, &self.by_program, &self.placed, &self.losing, &self.parkings] {
            // Mostly nothing waits, and everything that is said asks.
            if let Some(deadline) = waits.deadline() {
                first = Some(first.map_or(deadline, |first| first.min(deadline)));
            }
        }
        first
    }
}
