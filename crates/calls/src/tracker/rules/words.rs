//! What each word of the PBX sets off, one after the other.
//!
//! No single word is sure to come, and none in a sure order (scenarios `reordered`).

use crate::tracker::arena::ChannelKey;
use crate::tracker::channel::{Agent, Caller, Presence};
use crate::tracker::graph::Route;
use crate::tracker::leg::{Leg, State};
use crate::tracker::state::{Context, Tracker};
use crate::{DialOutcome, EndReason, Meeting, Origin, PbxTime, Seen};

impl Tracker {
    pub(in crate::tracker) fn appeared(&mut self, cx: &mut Context<'_>, who: Seen<'_>, origin: Origin) {
        let Some(key) = self.known_or_new(cx, who, Some(origin)) else { return };
        if let Some(channel) = self.channels.get_mut(key) {
            if !(channel.placed() && origin == Origin::Called) {
                channel.origin = Some(origin);
            }
            channel.presence = Presence::Confirmed;
            channel.beginning_missed = false;
        }
        if origin == Origin::Placed {
            self.places(cx, key, cx.at);
        }
    }

    /// A channel that looked like one being reached calls (scenario `07: placed channels begin down`). Nobody
    /// who is being reached is ever said to.
    pub(in crate::tracker) fn placing(&mut self, cx: &mut Context<'_>, who: Seen<'_>) {
        let before = self.channels.find(who.id).and_then(|key| self.channels.get(key));
        let had_number = before.is_some_and(|channel| *channel.dialled == *who.dialled);
        let Some(key) = self.known_or_new(cx, who, None) else { return };
        let Some(channel) = self.channels.get_mut(key) else { return };
        if channel.caller != Caller::Unknown || channel.ringing_at.is_some() || !channel.is_silent() {
            return;
        }
        // The number may have been there from the beginning, or be dialled only now.
        let at = if had_number { channel.made_at } else { cx.at };
        channel.dialled = who.dialled.into();
        channel.origin = Some(Origin::Placed);
        self.places(cx, key, at);
    }

    pub(in crate::tracker) fn changed(&mut self, who: Seen<'_>) {
        if let Some(key) = self.channels.find(who.id) {
            self.learn(key, who);
        }
    }

    pub(in crate::tracker) fn ordered(&mut self, who: Seen<'_>, dialled: &str) {
        let channel = self.channels.find(who.id).and_then(|key| self.channels.get_mut(key));
        if let Some(channel) = channel.filter(|_| !dialled.is_empty()) {
            channel.rare_mut().ordered = Some(dialled.into());
        }
    }

    pub(in crate::tracker) fn agent(&mut self, cx: &mut Context<'_>, who: Seen<'_>, is_on: bool) {
        let Some(key) = self.known_or_new(cx, who, None) else { return };
        if is_on {
            self.tell_placed_now(cx, key);
            if let Some(channel) = self.channels.get_mut(key) {
                channel.agent.get_or_insert_with(|| Box::new(Agent::default()));
            }
        } else {
            self.talk_is_over(cx, key, EndReason::HungUpByEmployee);
        }
    }

    pub(in crate::tracker) fn ringing(&mut self, cx: &mut Context<'_>, who: Seen<'_>) {
        let Some(key) = self.known_or_new(cx, who, None) else { return };
        let Some(channel) = self.channels.get_mut(key) else { return };
        // Some technologies say of whoever called that it rings when the other side does.
        if channel.placed() || channel.ringing_at.is_some() {
            return;
        }
        channel.ringing_at = Some(cx.at);
        self.begin_or_wait(cx, key);
    }

    pub(in crate::tracker) fn up(&mut self, cx: &mut Context<'_>, who: Seen<'_>) {
        let Some(key) = self.known_or_new(cx, who, None) else { return };
        self.is_up(cx, key, cx.at);
        self.gives_the_caller(cx, key);
    }

    pub(in crate::tracker) fn dial_began(
        &mut self,
        cx: &mut Context<'_>,
        from: Option<Seen<'_>>,
        to: Seen<'_>,
    ) {
        let from = from.map(|from| (self.known_or_new(cx, from, None), from.dialled));
        let Some(to) = self.known_or_new(cx, to, None) else { return };
        let caller = match from {
            None => match self.line_reached_for(to) {
                Some(from) => self.reaches(cx, from, to, ""),
                None => Caller::Nobody,
            },
            Some((None, _)) => return,
            Some((Some(from), dialled)) => self.reaches(cx, from, to, dialled),
        };
        if let Some(channel) = self.channels.get_mut(to) {
            channel.caller = caller;
            channel.take_lost();
            channel.origin.get_or_insert(Origin::Called);
        }
        self.losing.end(to);
        self.new_round(to);
        self.link_unlinked(cx);
        self.begin_or_wait(cx, to);
    }

    pub(in crate::tracker) fn reaches(
        &mut self,
        cx: &mut Context<'_>,
        from: ChannelKey,
        to: ChannelKey,
        dialled: &str,
    ) -> Caller {
        self.carry_forwarding(from, to);
        if self.channels.get(to).is_some_and(|to| to.caller != Caller::Channel(from))
            && let Some(channel) = self.channels.get_mut(from)
        {
            channel.dials.push(to);
        }
        self.dials_out(cx, from, to, dialled);
        Caller::Channel(from)
    }

    /// Whoever answered before, it is open again who takes the call.
    pub(in crate::tracker) fn new_round(&mut self, to: ChannelKey) {
        if let Route::Party { key: party, .. } = self.route_to(to)
            && let Some(party) = self.channels.get_mut(party)
        {
            party.taken = false;
            party.lifted_at = None;
        }
    }

    pub(in crate::tracker) fn dial_ended(
        &mut self,
        cx: &mut Context<'_>,
        from: Option<Seen<'_>>,
        to: Seen<'_>,
        outcome: DialOutcome,
        forward: &str,
    ) {
        let from = from.and_then(|from| self.heard(cx, from.id, false));
        let Some(to) = self.heard(cx, to.id, false) else { return };
        let phone = from.and_then(|from| self.phone_behind_dialler(from));
        for key in [from, phone].into_iter().flatten() {
            if let Some(channel) = self.channels.get_mut(key) {
                channel.last_outcome = Some(outcome);
            }
        }
        match outcome {
            DialOutcome::Answered => self.dial_answered(cx, from, to),
            DialOutcome::NoAnswer | DialOutcome::Busy | DialOutcome::Cancelled | DialOutcome::Failed => {
                if !forward.is_empty() {
                    self.forwarded(cx, from, to, forward);
                }
                self.dial_failed(cx, to, outcome);
            }
        }
    }

    pub(in crate::tracker) fn joined(
        &mut self,
        cx: &mut Context<'_>,
        who: Seen<'_>,
        bridge: &str,
        meeting: Meeting,
        in_place_of: &str,
    ) {
        self.bridges_told = true;
        let Some(key) = self.known_or_new(cx, who, None) else { return };
        let front = self.channels.get(key).map(|channel| channel.dialled.clone()).unwrap_or_default();
        if !self.enter(key, bridge, meeting) {
            return;
        }
        if meeting == Meeting::Waiting {
            self.caller_left(cx, key);
            return;
        }
        self.link_unlinked(cx);
        if !in_place_of.is_empty() && self.takes_the_place(cx, key, in_place_of) {
            return;
        }
        self.given_in_bridge(cx, key);
        // Most bridges are of two whose call was answered before, and need no further look.
        if self.concerns_a_beginning(key) {
            self.meetings_in_bridge(cx, key, meeting, who.dialled, &front);
            self.conversations_in_bridge(cx, key, meeting);
        }
    }

    pub(in crate::tracker) fn left(&mut self, cx: &mut Context<'_>, who: Seen<'_>, bridge: &str) {
        let Some(key) = self.channels.find(who.id) else { return };
        if self.bridge_of(key).is_some_and(|there| there.id == bridge) {
            self.leave(key);
            self.caller_left(cx, key);
        }
    }

    pub(in crate::tracker) fn paired(&mut self, cx: &mut Context<'_>, one: Seen<'_>, two: Seen<'_>) {
        let (Some(one), Some(two)) = (self.known_or_new(cx, one, None), self.known_or_new(cx, two, None))
        else {
            return;
        };
        self.pair(one, two);
        self.link_unlinked(cx);
    }

    // Small things

    /// Who leaves a queue unanswered goes on waiting: the dialplan may ring others.
    pub(in crate::tracker) fn queue(&mut self, at: PbxTime, who: Seen<'_>, queue: &str) {
        if let Some(channel) = self.channels.find(who.id).and_then(|key| self.channels.get_mut(key)) {
            channel.set_queue(queue);
            if !queue.is_empty() {
                channel.waiting_since.get_or_insert(at);
            }
        }
    }

    pub(in crate::tracker) fn hanging_up(&mut self, who: Seen<'_>) {
        if let Some(channel) = self.channels.find(who.id).and_then(|key| self.channels.get_mut(key)) {
            channel.hanging_up = true;
        }
    }

    /// Nothing but the note changes: holding is no event, and a held conversation goes on.
    pub(in crate::tracker) fn held(&mut self, cx: &mut Context<'_>, who: Seen<'_>, since: Option<PbxTime>) {
        let Some(key) = self.heard(cx, who.id, false) else { return };
        let Some(channel) = self.channels.get_mut(key) else { return };
        // Asterisk takes back before every transfer, held or not; what says nothing new is not noted.
        if channel.rare().held_since.is_some() == since.is_some() {
            return;
        }
        channel.rare_mut().held_since = since;
        if matches!(channel.leg, Leg::Open(_)) {
            self.note(cx, key);
        }
    }

    pub(in crate::tracker) fn rings(&self, key: ChannelKey) -> bool {
        self.channels
            .get(key)
            .is_some_and(|channel| matches!(&channel.leg, Leg::Open(open) if open.state == State::Ringing))
    }
}
