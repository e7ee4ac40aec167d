//! How legs are answered: the employee's own answer, and the other side's of an outgoing leg.
//!
//! A bridge is no answer by itself: a called phone answers with its channel. But it is where an outgoing
//! leg's conversation begins when nobody was dialled for it (a conference, a parked call).

use crate::PbxTime;
use crate::tracker::arena::ChannelKey;
use crate::tracker::channel::Caller;
use crate::tracker::graph::Route;
use crate::tracker::leg::{Leg, State};
use crate::tracker::state::{Context, Tracker};

impl Tracker {
    /// A channel is up. For a phone that is being reached this is the employee's answer; for everything
    /// else it means nothing by itself (a menu, a queue and voicemail pick up too).
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
        let is_helper = channel.is_helper();
        if !is_helper && let Route::Party { key: party, .. } = self.route_to(key) {
            self.take(party);
        }
        self.begin_or_wait(cx, key);
        self.answer(cx, key, at);
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
        channel.reached = true;
        if channel.placed() {
            // Somebody else's attempt ends at a phone that placed a call of its own: it took that call
            // over (pickup, Replaces). The Pickup event may come before or after, or not at all.
            return self.took_over(cx, to, cx.at);
        }
        self.is_up(cx, to, cx.at);
        if let Some(from) = from {
            self.conversation(cx, from, to);
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
        if self.reaches_somebody(to, caller) {
            self.converse(cx, caller, cx.at, false);
        }
    }

    /// Outgoing legs whose conversation begins because a channel joined a bridge.
    pub(in crate::tracker) fn conversations_in_bridge(
        &mut self,
        cx: &mut Context<'_>,
        key: ChannelKey,
        dialled: &str,
    ) {
        if !self.concerns_a_beginning(key) {
            return;
        }
        let others = self.others_in_bridge(key);
        let somebody = others.iter().any(|other| !self.is_helper(*other) && !self.is_machine(*other));
        let only_helpers = !others.is_empty() && others.iter().all(|other| self.is_helper(*other));
        if somebody {
            self.ordered_phone_meets(cx, key, dialled);
        }
        // Alone in a bridge is first in a conference, unless a helper brought the phone there: then the
        // helper's other half is still to come, and whoever it dials to answer.
        let waits_for_helper = only_helpers || (others.is_empty() && self.came_by_helper(key));
        if self.is_dialling(key) && (!waits_for_helper || self.reaches_somebody(key, key)) {
            self.converse(cx, key, cx.at, false);
        }
        for other in self.dialling_around(key) {
            if self.reaches_somebody(other, other) {
                self.converse(cx, other, cx.at, false);
            }
        }
    }

    /// Whether anybody in the bridge of a channel might have dialled and not been answered, or has no leg
    /// yet. Most bridges are of two whose call was answered before, and need no further look.
    pub(in crate::tracker) fn concerns_a_beginning(&self, key: ChannelKey) -> bool {
        let members = self.bridge_of(key).map(|bridge| &bridge.members);
        members.into_iter().flatten().filter_map(|member| self.channels.get(*member)).any(|member| {
            let begins = match &member.leg {
                Leg::Open(open) => open.state == State::Dialling,
                Leg::Silent => member.is_phone(),
                Leg::Over => false,
            };
            begins || member.is_helper()
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

    pub(in crate::tracker) fn is_dialling(&self, key: ChannelKey) -> bool {
        self.channels
            .get(key)
            .is_some_and(|channel| matches!(&channel.leg, Leg::Open(open) if open.state == State::Dialling))
    }

    /// `Answered`, if the leg still rings. Who the counterpart is may have changed since it rang.
    pub(in crate::tracker) fn answer(&mut self, cx: &mut Context<'_>, key: ChannelKey, at: PbxTime) {
        let ringing = |leg: &Leg| matches!(leg, Leg::Open(open) if open.state == State::Ringing);
        if !self.channels.get(key).is_some_and(|channel| ringing(&channel.leg)) {
            return;
        }
        let (party, arrived_by) = match self.route_to(key) {
            Route::Party { key: party, transfer } => (Some(party), transfer),
            Route::Unknown | Route::Nobody => (None, None),
        };
        let rang_for = self.open(key).and_then(|open| open.party);
        let changed = party.filter(|party| rang_for != Some(*party));
        let counterpart = changed.and_then(|party| self.leg_id(party));
        let number = party.and_then(|party| self.channels.get(party)).map(|party| party.number.clone());
        if let Some(party) = party {
            self.take(party);
        }
        let Some(channel) = self.channels.get_mut(key) else { return };
        let Leg::Open(open) = &mut channel.leg else { return };
        if counterpart.is_some() {
            open.counterpart = counterpart;
            open.party = party;
        }
        if let Some(number) = number.filter(|number| *number != *open.a_number) {
            open.a_number = number.as_str().into();
        }
        cx.tell(open.answer(at));
        self.note(cx, key);
        if let (Some(party), Some(transfer)) = (party, arrived_by) {
            self.party_was_transferred(cx, party, &transfer);
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
        }
    }
}
