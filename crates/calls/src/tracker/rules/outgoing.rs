//! How outgoing legs begin: when the number is known and it is sure that the call was not taken from somebody else
//! (pickup by a lamp key), with the time it was placed.

use std::sync::Arc;

use compact_str::CompactString;

use crate::tracker::arena::ChannelKey;
use crate::tracker::channel::{Channel, Party};
use crate::tracker::graph::Route;
use crate::tracker::leg::{Leg, Open, State};
use crate::tracker::state::{Context, Tracker};
use crate::{CallId, Cause, Origin, PbxTime};

impl Tracker {
    /// A phone placed a call. It is told at the first dialling on its behalf, or when it is sure that it is one;
    /// what a feature code leads to only at a dialling.
    pub(in crate::tracker) fn places(&mut self, cx: &mut Context<'_>, key: ChannelKey, at: PbxTime) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        if !channel.is_phone() || !channel.is_silent() || channel.dialled.is_empty() {
            return;
        }
        channel.ringing_at = Some(at);
        if self.is_number_placed(cx, key) {
            self.placed.begin(at, key);
        }
    }

    pub(super) fn is_number_placed(&self, cx: &Context<'_>, key: ChannelKey) -> bool {
        let Some(Channel { party: Party::Phone { phone, .. }, dialled, .. }) = self.channels.get(key) else {
            return false;
        };
        !dialled.is_empty() && !cx.directory.is_feature_code(&phone.account, dialled)
    }

    /// Placed calls that waited long enough.
    pub(in crate::tracker) fn tell_placed(&mut self, cx: &mut Context<'_>) {
        for key in self.placed.due(cx.at) {
            self.begin_placed(cx, key);
        }
    }

    /// A placed call is one, as is seen now.
    pub(in crate::tracker) fn tell_placed_now(&mut self, cx: &mut Context<'_>, key: ChannelKey) {
        if self.placed.end(key) {
            self.begin_placed(cx, key);
        }
    }

    /// A channel that placed a call is gone. One that is gone at once, with nobody dialled, not answered and no
    /// cause, was a lamp key with nothing to pick up.
    pub(in crate::tracker) fn tell_placed_at_end(
        &mut self,
        cx: &mut Context<'_>,
        key: ChannelKey,
        cause: Cause,
    ) {
        let was_answered = self.channels.get(key).is_some_and(|channel| channel.up_at.is_some());
        if self.placed.end(key) && (cause != Cause::Unsaid || was_answered) {
            self.begin_placed(cx, key);
        }
    }

    fn begin_placed(&mut self, cx: &mut Context<'_>, key: ChannelKey) {
        let Some(channel) = self.channels.get(key) else { return };
        let (dialled, at) = (channel.dialled.to_string(), channel.ringing_at.unwrap_or(cx.at));
        if self.is_number_placed(cx, key) {
            self.open_outgoing(cx, key, &dialled, at, false);
        }
    }

    /// A phone dials: its own call, which is told now, or one that it was rung for by order (click-to-call).
    pub(in crate::tracker) fn dials_out(
        &mut self,
        cx: &mut Context<'_>,
        from: ChannelKey,
        to: ChannelKey,
        dialled: &str,
    ) {
        let Some(key) = self.phone_behind_dialler(from) else { return };
        if let Some(channel) =
            self.channels.get_mut(key).filter(|channel| key == from && channel.says_nothing())
        {
            // Some technologies never say that a channel calls, only that it dials.
            channel.origin = Some(Origin::Placed);
            channel.ringing_at = Some(cx.at);
            channel.dialled = dialled.into();
        }
        let Some(channel) = self.channels.get(key).filter(|channel| channel.is_silent() && key != to) else {
            return;
        };
        let may_dial = channel.agent.is_none() && (channel.placed() || channel.up_at.is_some());
        if !may_dial || (!channel.placed() && matches!(self.route_to(key), Route::Party { .. })) {
            return;
        }
        let at = if channel.placed() { channel.ringing_at.unwrap_or(cx.at) } else { cx.at };
        let number = self.number_gone_on_to(cx, key, from, to, dialled);
        self.placed.end(key);
        self.open_outgoing(cx, key, &number, at, false);
    }

    /// The number a phone is dialling. What it placed is told as dialled; what a feature code leads to, and what
    /// it was rung for, is the number the dialplan went on to. Where that dials from macros, its extension names
    /// no number, and who ordered a call mostly gives the phone's own number as the caller's.
    fn number_gone_on_to(
        &self,
        cx: &Context<'_>,
        key: ChannelKey,
        from: ChannelKey,
        to: ChannelKey,
        dialled: &str,
    ) -> CompactString {
        let (Some(channel), Some(dialler), Some(reached)) =
            (self.channels.get(key), self.channels.get(from), self.channels.get(to))
        else {
            return CompactString::default();
        };
        let Party::Phone { phone, .. } = &channel.party else { return CompactString::default() };
        let is_code = |number: &str| cx.directory.is_feature_code(&phone.account, number);
        if channel.placed() && !channel.dialled.is_empty() && !is_code(&channel.dialled) {
            return channel.dialled.clone();
        }
        let ordered = |channel: &Channel| channel.rare().ordered.as_deref().map(CompactString::from);
        let found = [
            ordered(dialler),
            ordered(channel),
            Some(dialled.into()),
            reached.is_helper().then(|| reached.dialled.clone()),
            Some(reached.number.clone()),
            Some(dialler.connected.clone()),
            Some(channel.connected.clone()),
            Some(reached.dialled.clone()),
        ];
        let is_own = |number: &str| *number == *phone.number || *number == *channel.own_number;
        let is_number = |number: &str| !number.is_empty() && number.bytes().all(is_dialled_digit);
        let usable = |number: &CompactString| is_number(number) && !is_own(number) && !is_code(number);
        let mut found = found.into_iter().flatten();
        found.find(usable).unwrap_or_else(|| {
            let as_dialled = if channel.placed() { &*channel.dialled } else { dialled };
            let number = if as_dialled.is_empty() { &*channel.dialled } else { as_dialled };
            if is_own(number) { CompactString::default() } else { number.into() }
        })
    }

    /// A phone is sent into a conference room by whoever ordered it to be rung, as to a number of its own. One
    /// that is brought there by an announcement has the number it was reached by, or none.
    pub(in crate::tracker) fn ordered_into_room(
        &mut self,
        cx: &mut Context<'_>,
        key: ChannelKey,
        dialled: &str,
        front: &str,
    ) {
        let Some(phone) = self.phone_behind_dialler(key) else { return };
        let (Some(channel), Some(entered)) = (self.channels.get(phone), self.channels.get(key)) else {
            return;
        };
        let Party::Phone { phone: who, .. } = &channel.party else { return };
        if !channel.is_silent() || channel.placed() || !matches!(self.route_to(phone), Route::Nobody) {
            return;
        }
        let ordered = entered.rare().ordered.as_deref().or(channel.rare().ordered.as_deref());
        let sent = if entered.is_helper() && dialled == front { "" } else { dialled };
        let number = ordered.unwrap_or(sent).to_owned();
        let is_code = cx.directory.is_feature_code(&who.account, &number);
        if !number.is_empty() && *number != *who.number && !is_code {
            self.open_outgoing(cx, phone, &number, cx.at, false);
        }
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
        // Who was rung by order may have been given no number.
        let is_unnamed = channel.own_number.is_empty() && !channel.placed();
        let a_number: Arc<str> =
            if is_unnamed { phone.number.clone() } else { channel.own_number.as_str().into() };
        let mut open = Open {
            id,
            call: CallId::of(&self.pbx, &channel.group),
            phone,
            begun_at: at,
            waiting_since: None,
            sequence: 0,
            party: None,
            counterpart: None,
            a_number,
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
        self.placed.end(key);
    }
}

/// What a phone can dial.
const fn is_dialled_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'+' | b'*' | b'#')
}
