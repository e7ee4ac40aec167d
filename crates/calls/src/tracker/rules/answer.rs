//! How legs are answered: the employee's own answer, and the other side's of an outgoing leg.
//!
//! Who lifts may be asked to confirm first, so lifting is no answer yet: that is when the caller is given to the
//! phone (whoever dialled it goes up, or the phone joins a bridge). Nor is a bridge an answer by itself; but it
//! is where an outgoing leg's conversation begins when nobody was dialled for it (a conference, a parked call).

use crate::tracker::arena::ChannelKey;
use crate::tracker::channel::{Caller, Party};
use crate::tracker::graph::Route;
use crate::tracker::leg::{Leg, State};
use crate::tracker::state::{Context, Tracker};
use crate::tracker::timers::ANSWER_SLACK;
use crate::{Meeting, Origin, PbxTime};

impl Tracker {
    /// A channel is up. For everything but a phone that is being reached this means nothing by itself (a menu, a
    /// queue and voicemail pick up too).
    pub(in crate::tracker) fn is_up(&mut self, cx: &mut Context<'_>, key: ChannelKey, at: PbxTime) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        if channel.placed() {
            channel.up_at.get_or_insert(at);
            return;
        }
        if channel.up_at.is_some() {
            return;
        }
        channel.up_at = Some(at);
        channel.take_lost();
        let is_helper = channel.is_helper();
        self.losing.end(key);
        if !is_helper
            && let Route::Party { key: party, .. } = self.route_to(key)
            && let Some(party) = self.channels.get_mut(party)
        {
            party.lifted_at = Some(at);
        }
        self.begin_or_wait(cx, key);
        // Whoever was heard in the bridge before it answered.
        if self.is_real(key) && self.channels.get(key).is_some_and(|channel| channel.bridge.is_some()) {
            for other in self.dialling_around(key) {
                self.converse(cx, other, at, false);
            }
        }
    }

    pub(in crate::tracker) fn dial_answered(
        &mut self,
        cx: &mut Context<'_>,
        from: Option<ChannelKey>,
        to: ChannelKey,
    ) {
        let Some(channel) = self.channels.get_mut(to) else { return };
        let was_dialled = channel.caller != Caller::Unknown;
        if let (Some(from), false) = (from, was_dialled) {
            channel.caller = Caller::Channel(from);
        }
        channel.reached_at = Some(cx.at);
        if channel.placed() {
            // Somebody else's attempt ends at a phone that placed a call of its own: it took that call
            // over (pickup, Replaces). The Pickup event may come before or after, or not at all.
            return self.took_over(cx, to, cx.at, true);
        }
        self.is_up(cx, to, cx.at);
        let Some(from) = from else { return };
        // Where the PBX does not tell its bridges (they may be filtered away) this has to do, for those whom no
        // helper reaches: it is helpers that ask to confirm.
        let has_to_do = !self.bridges_told && !self.is_helper(from);
        if has_to_do {
            self.given(cx, to);
        }
        // A helper is up when whoever is behind it has accepted.
        if has_to_do || self.is_helper(to) {
            self.conversation(cx, from, to);
        }
    }

    /// Whoever dials is given whom it reached: a channel goes up, or takes its place in a bridge.
    pub(in crate::tracker) fn gives_the_caller(&mut self, cx: &mut Context<'_>, dialler: ChannelKey) {
        let Some(channel) = self.channels.get(dialler) else { return };
        if channel.dials.is_empty() {
            return;
        }
        for dialled in channel.dials.clone() {
            self.given(cx, dialled);
            let is_reached = self.channels.get(dialled).is_some_and(|one| one.reached_at.is_some());
            if is_reached && !self.is_helper(dialled) {
                self.conversation(cx, dialler, dialled);
            }
        }
    }

    /// A channel joined a bridge: it has the caller, or whom it called.
    pub(in crate::tracker) fn given_in_bridge(&mut self, cx: &mut Context<'_>, key: ChannelKey) {
        self.given(cx, key);
    }

    /// `Answered`, if the phone was lifted and still rings: at that moment, or now if it was asked to confirm.
    fn given(&mut self, cx: &mut Context<'_>, key: ChannelKey) {
        let Some(up_at) = self.channels.get(key).and_then(|channel| channel.up_at) else { return };
        if self.rings(key) {
            self.answer(cx, key, just(up_at, cx.at));
        }
    }

    /// The other side of an outgoing leg answered, if there is one at the dialling end and somebody real
    /// at the other.
    pub(in crate::tracker) fn conversation(
        &mut self,
        cx: &mut Context<'_>,
        from: ChannelKey,
        to: ChannelKey,
    ) {
        let Some(caller) = self.phone_behind_dialler(from) else { return };
        if self.is_dialling(caller) && self.reaches_somebody(to, caller) {
            let at = self.answered_at(caller, to, cx.at);
            self.converse(cx, caller, at, false);
        }
    }

    /// When the other side answered: as the attempt that reached it ended, if that was just now.
    fn answered_at(&self, caller: ChannelKey, to: ChannelKey, now: PbxTime) -> PbxTime {
        let mine = self.channels.get(caller).map(|caller| caller.dials.clone()).unwrap_or_default();
        let reached = mine.iter().copied().chain([to]).filter_map(|key| self.channels.get(key)?.reached_at);
        reached.max().map_or(now, |reached| just(reached, now))
    }

    /// Outgoing legs whose conversation begins because a channel joined a bridge.
    pub(in crate::tracker) fn conversations_in_bridge(
        &mut self,
        cx: &mut Context<'_>,
        key: ChannelKey,
        meeting: Meeting,
    ) {
        self.tell_placed_now(cx, key);
        let others = self.others_in_bridge(key);
        if others.iter().chain([&key]).any(|member| self.is_only_heard(*member)) {
            return;
        }
        let only_helpers = !others.is_empty() && others.iter().all(|other| self.is_helper(*other));
        // Alone in a bridge is first in a conference, unless a helper brought the phone there: then the
        // helper's other half is still to come, and whoever it dials to answer.
        let by_helper = only_helpers || (others.is_empty() && self.came_by_helper(key));
        let waits_for_helper = by_helper && meeting != Meeting::Room;
        if self.is_dialling(key) && (!waits_for_helper || self.reaches_somebody(key, key)) {
            let at = self.answered_at(key, key, cx.at);
            self.converse(cx, key, at, false);
        }
        for other in self.dialling_around(key) {
            if self.reaches_somebody(other, other) || meeting == Meeting::Room {
                let at = self.answered_at(other, key, cx.at);
                self.converse(cx, other, at, false);
            }
        }
    }

    /// Whether a line is in a bridge so that it is heard how it rings, and nobody there has answered.
    fn is_only_heard(&self, key: ChannelKey) -> bool {
        self.channels.get(key).is_some_and(|channel| {
            let is_reached = channel.up_at.is_some() || channel.reached_at.is_some();
            let is_line = matches!(channel.party, Party::Trunk) && channel.origin == Some(Origin::Called);
            is_line && !is_reached && !channel.beginning_missed
        })
    }

    /// Whether anybody in the bridge of a channel might have dialled and not been answered, or has no leg
    /// yet.
    pub(in crate::tracker) fn concerns_a_beginning(&self, key: ChannelKey) -> bool {
        let members = self.bridge_of(key).map(|bridge| &bridge.members);
        members.into_iter().flatten().filter_map(|member| self.channels.get(*member)).any(|member| {
            let begins = match &member.leg {
                Leg::Open(open) => open.state == State::Dialling,
                Leg::Silent => member.is_phone(),
                Leg::Over => false,
            };
            begins || member.is_helper() || member.agent.is_some()
        })
    }

    /// The dialling legs in the bridge of a channel, or behind the helpers there.
    pub(in crate::tracker) fn dialling_around(&self, key: ChannelKey) -> Vec<ChannelKey> {
        let members = self.others_in_bridge(key).into_iter().chain([key]);
        let parties = members.flat_map(|member| {
            let far = self.channels.get(member).and_then(|channel| channel.other_half());
            [Some(member), far.and_then(|far| self.behind(far))]
        });
        parties.flatten().filter(|party| self.is_dialling(*party)).collect()
    }

    /// An agent's login is a call without a conversation, whoever it is given.
    pub(in crate::tracker) fn is_dialling(&self, key: ChannelKey) -> bool {
        self.channels.get(key).is_some_and(|channel| {
            channel.agent.is_none()
                && matches!(&channel.leg, Leg::Open(open) if open.state == State::Dialling)
        })
    }

    /// `Answered`, if the leg still rings. Who the counterpart is may have changed since it rang.
    pub(in crate::tracker) fn answer(&mut self, cx: &mut Context<'_>, key: ChannelKey, at: PbxTime) {
        if !self.rings(key) {
            return;
        }
        let (party, arrived_by) = match self.route_to(key) {
            Route::Party { key: party, transfer } => (Some(party), transfer),
            Route::Unknown | Route::Nobody => (None, None),
        };
        let rang_for = self.open(key).and_then(|open| open.party);
        let changed = party.filter(|party| rang_for != Some(*party));
        let counterpart = changed.and_then(|party| self.leg_id(party));
        let number =
            party.and_then(|party| self.channels.get(party)).map(|party| party.shown_number().to_owned());
        if let Some(party) = party {
            self.take(party);
        }
        let Some(channel) = self.channels.get_mut(key) else { return };
        channel.take_lost();
        let Leg::Open(open) = &mut channel.leg else { return };
        if counterpart.is_some() {
            open.counterpart = counterpart;
            open.party = party;
        }
        if let Some(number) = number.filter(|number| **number != *open.a_number) {
            open.a_number = number.as_str().into();
        }
        cx.tell(open.answer(at));
        self.losing.end(key);
        self.note(cx, key);
        let Some(party) = party else { return };
        if let Some(transfer) = arrived_by {
            self.party_was_transferred(cx, party, &transfer);
        }
        if self.is_dialling(party) {
            self.converse(cx, party, at, false);
        }
    }

    /// The other side of an outgoing leg answered. No event tells it; the duration counts from here.
    pub(in crate::tracker) fn converse(
        &mut self,
        cx: &mut Context<'_>,
        key: ChannelKey,
        at: PbxTime,
        assumed: bool,
    ) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        let Leg::Open(open) = &mut channel.leg else { return };
        if open.state != State::Dialling {
            return;
        }
        open.state = State::Conversing { since: at.max(open.begun_at) };
        open.assumed |= assumed;
        self.note(cx, key);
    }

    /// Somebody took the call of a party: whoever still rings for it has lost.
    pub(in crate::tracker) fn take(&mut self, party: ChannelKey) {
        if let Some(channel) = self.channels.get_mut(party) {
            channel.taken = true;
            channel.waiting_since = None;
        }
    }

    pub(in crate::tracker) fn is_real(&self, key: ChannelKey) -> bool {
        let party = self.channels.get(key).map(|channel| &channel.party);
        matches!(party, Some(Party::Phone { .. } | Party::Trunk))
    }
}

/// The moment of an answer from which something follows now: that moment, if it was just before.
pub(super) fn just(answered_at: PbxTime, now: PbxTime) -> PbxTime {
    if now.since(answered_at) <= ANSWER_SLACK { answered_at } else { now }
}
