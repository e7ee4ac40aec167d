//! Ringing, answering, dialling: how legs begin and are answered.
//!
//! No single event is sure to come, and none in a sure order (scenarios `reordered`): a leg begins as
//! soon as it is known both that the phone rings and for whom, with the time it began to ring.

use crate::tracker::channel::{Caller, ChannelKey, Mark, Party};
use crate::tracker::leg::{Leg, Open, State};
use crate::tracker::routes::Route;
use crate::tracker::{CALLER_GRACE, Context, Tracker};
use crate::{CallId, DialOutcome, EndReason, LegId, Origin, PbxTime, Phone, Seen, Transfer};
use std::sync::Arc;

use compact_str::CompactString;

impl Tracker {
    pub(super) fn ringing(&mut self, cx: &mut Context<'_>, who: Seen<'_>) {
        let Some(key) = self.known_or_new(cx, who, None) else { return };
        let Some(channel) = self.channels.get_mut(key) else { return };
        if channel.placed() || channel.ringing_at.is_some() {
            return;
        }
        channel.ringing_at = Some(cx.at);
        self.begin_or_wait(cx, key);
    }

    pub(super) fn up(&mut self, cx: &mut Context<'_>, who: Seen<'_>) {
        let Some(key) = self.known_or_new(cx, who, None) else { return };
        self.is_up(cx, key, cx.at);
    }

    /// A channel is up. For a phone that is being reached this is the employee's answer; for everything
    /// else it means nothing by itself (a menu, a queue and voicemail pick up too).
    pub(super) fn is_up(&mut self, cx: &mut Context<'_>, key: ChannelKey, at: PbxTime) {
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

    pub(super) fn dial_began(&mut self, cx: &mut Context<'_>, from: Option<Seen<'_>>, to: Seen<'_>) {
        let from = from.map(|from| (self.known_or_new(cx, from, None), from.dialled));
        let Some(to) = self.known_or_new(cx, to, None) else { return };
        let caller = match from {
            None => Caller::Nobody,
            Some((None, _)) => return,
            Some((Some(from), dialled)) => {
                if self.channels.get(to).is_some_and(|to| to.caller != Caller::Channel(from)) {
                    self.carry_forwarding(from, to);
                    if let Some(channel) = self.channels.get_mut(from) {
                        channel.dials.push(to);
                    }
                }
                self.dials_out(cx, from, dialled);
                Caller::Channel(from)
            }
        };
        if let Some(channel) = self.channels.get_mut(to) {
            channel.caller = caller;
            channel.origin.get_or_insert(Origin::Called);
        }
        self.new_round(to);
        self.link_unlinked(cx);
    }

    /// Whoever answered before, it is open again who takes the call.
    fn new_round(&mut self, to: ChannelKey) {
        if let Route::Party { key: party, .. } = self.route_to(to)
            && let Some(party) = self.channels.get_mut(party)
        {
            party.taken = false;
        }
    }

    /// A phone whose outgoing leg could not begin before (click-to-call, a number that came late) dials.
    fn dials_out(&mut self, cx: &mut Context<'_>, from: ChannelKey, dialled: &str) {
        let Some(phone) = self.phone_behind_dialler(from) else { return };
        let Some(channel) = self.channels.get(phone) else { return };
        let by_order = !channel.placed() && matches!(self.route_to(phone), Route::Nobody);
        if channel.placed() || by_order {
            let dialled = if dialled.is_empty() { channel.dialled.to_string() } else { dialled.to_owned() };
            self.begin_outgoing(cx, phone, &dialled);
        }
    }

    pub(super) fn dial_ended(
        &mut self,
        cx: &mut Context<'_>,
        from: Option<Seen<'_>>,
        to: Seen<'_>,
        outcome: DialOutcome,
        forward: &str,
    ) {
        let from = from.and_then(|from| self.heard(cx, from.id, false));
        let Some(to) = self.heard(cx, to.id, false) else { return };
        if let Some(from) = from.and_then(|from| self.channels.get_mut(from)) {
            from.last_outcome = Some(outcome);
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

    fn dial_answered(&mut self, cx: &mut Context<'_>, from: Option<ChannelKey>, to: ChannelKey) {
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
    fn conversation(&mut self, cx: &mut Context<'_>, from: ChannelKey, to: ChannelKey) {
        let Some(caller) = self.phone_behind_dialler(from) else { return };
        if self.reaches_somebody(to, caller) {
            self.converse(cx, caller, cx.at, false);
        }
    }

    fn dial_failed(&mut self, cx: &mut Context<'_>, to: ChannelKey, outcome: DialOutcome) {
        let Some(channel) = self.channels.get(to) else { return };
        let Leg::Open(open) = &channel.leg else { return };
        if open.state != State::Ringing {
            return;
        }
        let reason = match outcome {
            DialOutcome::Answered | DialOutcome::Cancelled => self.loser_reason(to),
            DialOutcome::NoAnswer => EndReason::NoAnswer,
            DialOutcome::Busy => EndReason::Busy,
            DialOutcome::Failed => EndReason::Failed,
        };
        self.end(cx, to, cx.at, reason, None);
    }

    // Legs begin

    /// Begins the leg of a phone that rings or answered, if it is known for whom; else waits a moment.
    pub(super) fn begin_or_wait(&mut self, cx: &mut Context<'_>, key: ChannelKey) {
        let Some(channel) = self.channels.get(key) else { return };
        if !channel.is_phone() || channel.placed() || !matches!(channel.leg, Leg::Silent) {
            return;
        }
        match self.route_to(key) {
            Route::Nobody => {}
            Route::Party { key: party, transfer } => {
                self.begin_incoming(cx, key, Some(party), transfer, false)
            }
            Route::Unknown => {
                if !self.unlinked.iter().any(|(_, waiting)| *waiting == key) {
                    self.unlinked.push((cx.at + CALLER_GRACE, key));
                }
            }
        }
    }

    /// Something became known of who reaches whom: those that waited for it may begin.
    pub(super) fn link_unlinked(&mut self, cx: &mut Context<'_>) {
        for (deadline, key) in std::mem::take(&mut self.unlinked) {
            if matches!(self.route_to(key), Route::Unknown) && self.channels.get(key).is_some() {
                self.unlinked.push((deadline, key));
            } else {
                self.begin_or_wait(cx, key);
            }
        }
    }

    /// Those that waited long enough begin with nobody as counterpart.
    pub(super) fn tell_unlinked(&mut self, cx: &mut Context<'_>) {
        let (due, waiting) =
            std::mem::take(&mut self.unlinked).into_iter().partition(|(deadline, _)| *deadline <= cx.at);
        self.unlinked = waiting;
        for (_, key) in due as Vec<(PbxTime, ChannelKey)> {
            self.begin_incoming(cx, key, None, None, false);
        }
    }

    /// `Incoming`, and `Answered` at once if the employee has answered already.
    pub(super) fn begin_incoming(
        &mut self,
        cx: &mut Context<'_>,
        key: ChannelKey,
        party: Option<ChannelKey>,
        transfer: Option<Transfer>,
        assumed: bool,
    ) {
        let Some((id, phone)) = self.silent_phone(cx, key) else { return };
        let caller = party.and_then(|party| self.channels.get(party));
        let group = caller.or_else(|| self.channels.get(key)).map(|channel| channel.group.clone());
        let a_number = text(caller.map(|caller| &caller.number));
        let from_outside = caller.filter(|caller| caller.placed() && matches!(caller.party, Party::Trunk));
        let dialed_number = text(from_outside.map(|caller| &caller.dialled));
        let queue = text(caller.map(|caller| &caller.queue));
        let counterpart = party.and_then(|party| self.leg_id(party));
        let Some(channel) = self.channels.get_mut(key) else { return };
        channel.group = group.unwrap_or_default();
        let mut open = Open {
            id,
            call: CallId::of(&self.pbx, &channel.group),
            phone,
            begun_at: channel.ringing_at.or(channel.up_at).unwrap_or(cx.at),
            sequence: 0,
            party,
            counterpart,
            a_number,
            b_number: Arc::default(),
            dialed_number,
            queue,
            transfer,
            assumed: assumed || channel.beginning_missed,
            state: State::Ringing,
        };
        cx.tell(open.begin());
        let up_at = channel.up_at;
        channel.leg = Leg::Open(Box::new(open));
        self.open_legs += 1;
        match up_at {
            Some(at) => self.answer(cx, key, at),
            None => self.note(cx, key),
        }
    }

    /// `Outgoing`, unless the number is not known yet or is a feature code.
    pub(super) fn begin_outgoing(&mut self, cx: &mut Context<'_>, key: ChannelKey, dialled: &str) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        let Party::Phone { phone, .. } = &channel.party else { return };
        let feature_code = cx.directory.is_feature_code(&phone.account, dialled);
        if dialled.is_empty() || !matches!(channel.leg, Leg::Silent) || feature_code {
            return;
        }
        self.open_outgoing(cx, key, dialled, cx.at, false);
    }

    pub(super) fn open_outgoing(
        &mut self,
        cx: &mut Context<'_>,
        key: ChannelKey,
        dialled: &str,
        at: PbxTime,
        assumed: bool,
    ) {
        let Some((id, phone)) = self.silent_phone(cx, key) else { return };
        let Some(channel) = self.channels.get_mut(key) else { return };
        let mut open = Open {
            id,
            call: CallId::of(&self.pbx, &channel.group),
            phone,
            begun_at: at,
            sequence: 0,
            party: None,
            counterpart: None,
            a_number: channel.own_number.as_str().into(),
            b_number: dialled.into(),
            dialed_number: Arc::default(),
            queue: Arc::default(),
            transfer: None,
            assumed: assumed || channel.beginning_missed,
            state: State::Dialling,
        };
        cx.tell(open.begin());
        channel.leg = Leg::Open(Box::new(open));
        self.open_legs += 1;
    }

    /// The id and the phone for a leg that is to begin, with whoever has the phone now.
    fn silent_phone(&self, cx: &Context<'_>, key: ChannelKey) -> Option<(LegId, Arc<Phone>)> {
        let channel = self.channels.get(key)?;
        let Party::Phone { endpoint, phone } = &channel.party else { return None };
        if !matches!(channel.leg, Leg::Silent) {
            return None;
        }
        let phone = cx.directory.phone(endpoint).unwrap_or_else(|| phone.clone());
        Some((LegId::of(&self.pbx, &channel.id), phone))
    }

    // Legs are answered

    /// `Answered`, if the leg still rings. Who the counterpart is may have changed since it rang.
    pub(super) fn answer(&mut self, cx: &mut Context<'_>, key: ChannelKey, at: PbxTime) {
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
    pub(super) fn converse(&mut self, cx: &mut Context<'_>, key: ChannelKey, at: PbxTime, assumed: bool) {
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
    pub(super) fn take(&mut self, party: ChannelKey) {
        if let Some(channel) = self.channels.get_mut(party) {
            channel.taken = true;
        }
    }

    pub(super) fn open(&self, key: ChannelKey) -> Option<&Open> {
        match &self.channels.get(key)?.leg {
            Leg::Open(open) => Some(open),
            Leg::Silent | Leg::Over => None,
        }
    }

    pub(super) fn next_age(&mut self) -> u64 {
        self.marks += 1;
        self.marks
    }

    pub(super) fn mark_with(&mut self, key: ChannelKey, transfer: Transfer) {
        let age = self.next_age();
        if let Some(channel) = self.channels.get_mut(key) {
            channel.mark = Some(Box::new(Mark { age, transfer }));
        }
    }
}

/// Text for an event; empty text takes no memory.
fn text(text: Option<&CompactString>) -> Arc<str> {
    text.filter(|text| !text.is_empty()).map(|text| text.as_str().into()).unwrap_or_default()
}
