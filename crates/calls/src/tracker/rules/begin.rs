//! How legs begin.
//!
//! A leg begins as soon as it is known both that the phone rings and for whom, with the time it began to ring;
//! an outgoing one when its number is known.

use std::sync::Arc;

use compact_str::CompactString;

use crate::tracker::arena::ChannelKey;
use crate::tracker::channel::Party;
use crate::tracker::graph::Route;
use crate::tracker::leg::{Leg, Open, State};
use crate::tracker::state::{Context, Tracker};
use crate::{CallId, LegId, PbxTime, Phone, Transfer};

impl Tracker {
    /// Begins the leg of a phone that rings or answered, if it is known for whom; else waits a moment.
    pub(in crate::tracker) fn begin_or_wait(&mut self, cx: &mut Context<'_>, key: ChannelKey) {
        let Some(channel) = self.channels.get(key) else { return };
        if !channel.is_phone() || channel.placed() || !matches!(channel.leg, Leg::Silent) {
            return;
        }
        match self.route_to(key) {
            Route::Nobody => {}
            Route::Party { key: party, transfer } => {
                self.begin_incoming(cx, key, Some(party), transfer, false)
            }
            Route::Unknown => self.unlinked.begin(cx.at, key),
        }
    }

    /// Something became known of who reaches whom: those that waited for it may begin.
    pub(in crate::tracker) fn link_unlinked(&mut self, cx: &mut Context<'_>) {
        for key in self.unlinked.all() {
            if matches!(self.route_to(key), Route::Unknown) && self.channels.get(key).is_some() {
                continue;
            }
            self.unlinked.end(key);
            self.begin_or_wait(cx, key);
        }
    }

    /// Those that waited long enough begin with nobody as counterpart.
    pub(in crate::tracker) fn tell_unlinked(&mut self, cx: &mut Context<'_>) {
        for key in self.unlinked.due(cx.at) {
            self.begin_incoming(cx, key, None, None, false);
        }
    }

    /// `Incoming`, and `Answered` at once if the employee has answered already.
    pub(in crate::tracker) fn begin_incoming(
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

    /// A phone whose outgoing leg could not begin before (click-to-call, a number that came late) dials.
    pub(in crate::tracker) fn dials_out(&mut self, cx: &mut Context<'_>, from: ChannelKey, dialled: &str) {
        let Some(phone) = self.phone_behind_dialler(from) else { return };
        let Some(channel) = self.channels.get(phone) else { return };
        let by_order = !channel.placed() && matches!(self.route_to(phone), Route::Nobody);
        if channel.placed() || by_order {
            let dialled = if dialled.is_empty() { channel.dialled.to_string() } else { dialled.to_owned() };
            self.begin_outgoing(cx, phone, &dialled);
        }
    }

    /// A phone that was rung by order and meets somebody without dialling (a conference): an outgoing leg.
    pub(in crate::tracker) fn ordered_phone_meets(
        &mut self,
        cx: &mut Context<'_>,
        key: ChannelKey,
        dialled: &str,
    ) {
        let Some(channel) = self.channels.get(key) else { return };
        let late_number = channel.placed() || matches!(self.route_to(key), Route::Nobody);
        if channel.is_phone() && matches!(channel.leg, Leg::Silent) && late_number {
            let dialled = if dialled.is_empty() { channel.dialled.to_string() } else { dialled.to_owned() };
            self.begin_outgoing(cx, key, &dialled);
        }
    }

    /// `Outgoing`, unless the number is not known yet or is a feature code.
    pub(in crate::tracker) fn begin_outgoing(
        &mut self,
        cx: &mut Context<'_>,
        key: ChannelKey,
        dialled: &str,
    ) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        let Party::Phone { phone, .. } = &channel.party else { return };
        let feature_code = cx.directory.is_feature_code(&phone.account, dialled);
        if dialled.is_empty() || !matches!(channel.leg, Leg::Silent) || feature_code {
            return;
        }
        self.open_outgoing(cx, key, dialled, cx.at, false);
    }

    pub(in crate::tracker) fn open_outgoing(
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
    pub(in crate::tracker) fn silent_phone(
        &self,
        cx: &Context<'_>,
        key: ChannelKey,
    ) -> Option<(LegId, Arc<Phone>)> {
        let channel = self.channels.get(key)?;
        let Party::Phone { endpoint, phone } = &channel.party else { return None };
        if !matches!(channel.leg, Leg::Silent) {
            return None;
        }
        let phone = cx.directory.phone(endpoint).unwrap_or_else(|| phone.clone());
        Some((LegId::of(&self.pbx, &channel.id), phone))
    }
}

/// Text for an event; empty text takes no memory.
fn text(text: Option<&CompactString>) -> Arc<str> {
    text.filter(|text| !text.is_empty()).map(|text| text.as_str().into()).unwrap_or_default()
}
