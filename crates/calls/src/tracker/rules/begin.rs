//! How incoming legs begin: as soon as it is known both that the phone rings and for whom, with the time it began to
//! ring.

use std::sync::Arc;

use crate::tracker::arena::ChannelKey;
use crate::tracker::channel::{Channel, Party};
use crate::tracker::graph::Route;
use crate::tracker::leg::{Leg, Open, State};
use crate::tracker::state::{Context, Tracker};
use crate::{CallId, Direction, LegId, PbxTime, Phone, Transfer};

impl Tracker {
    /// Begins the leg of a phone that rings or answered, if it is known for whom; else waits a moment.
    pub(in crate::tracker) fn begin_or_wait(&mut self, cx: &mut Context<'_>, key: ChannelKey) {
        let Some(channel) = self.channels.get(key) else { return };
        let is_heard = channel.ringing_at.is_some() || channel.up_at.is_some();
        if !channel.is_phone() || channel.placed() || !channel.is_silent() || !is_heard {
            return;
        }
        match self.route_to(key) {
            Route::Nobody => {
                if let Some(channel) = self.channels.get_mut(key) {
                    channel.by_order = true;
                }
                if self.rung_for(key).is_some() {
                    self.by_program.begin(cx.at, key);
                }
            }
            Route::Party { key: party, transfer } => {
                self.begin_incoming(cx, key, Some(party), transfer, false)
            }
            Route::Unknown => {
                self.unlinked.begin(cx.at, key);
                if self.rung_for(key).is_some() {
                    self.by_program.begin(cx.at, key);
                }
            }
        }
    }

    /// Something became known of who reaches whom: those that waited for it may begin.
    pub(in crate::tracker) fn link_unlinked(&mut self, cx: &mut Context<'_>) {
        if self.unlinked.is_empty() {
            return;
        }
        for key in self.unlinked.all() {
            if matches!(self.route_to(key), Route::Unknown) && self.channels.get(key).is_some() {
                continue;
            }
            self.unlinked.end(key);
            self.begin_or_wait(cx, key);
        }
    }

    /// Those that waited long enough begin with nobody as counterpart, if the word of who reaches them may have
    /// been missed. Who rings and is reached by nobody was called back by order of its own earlier wish (call
    /// completion), and dials next. Who is reached through helpers of which the beginning was missed rings for
    /// whoever is in the same group.
    pub(in crate::tracker) fn tell_unlinked(&mut self, cx: &mut Context<'_>) {
        for key in self.unlinked.due(cx.at) {
            if self.channels.get(key).is_some_and(|channel| channel.beginning_missed) {
                self.begin_incoming(cx, key, None, None, false);
            } else if self.came_by_helper(key)
                && let Some(party) = self.first_of_group(key)
            {
                self.begin_incoming(cx, key, Some(party), None, true);
            }
        }
    }

    /// `Incoming`, and `Answered` at once where the phone has the caller already.
    pub(in crate::tracker) fn begin_incoming(
        &mut self,
        cx: &mut Context<'_>,
        key: ChannelKey,
        party: Option<ChannelKey>,
        transfer: Option<Transfer>,
        assumed: bool,
    ) {
        let Some((id, phone)) = self.silent_phone(cx, key) else { return };
        let group = party.or(Some(key)).and_then(|key| self.channels.get(key)).map(|one| one.group.clone());
        let mut open = self.incoming(id, phone, group.as_deref().unwrap_or_default(), party, transfer);
        let Some(channel) = self.channels.get_mut(key) else { return };
        channel.group = group.unwrap_or_default();
        open.begun_at = channel.ringing_at.or(channel.up_at).unwrap_or(cx.at);
        open.assumed = assumed || channel.beginning_missed;
        open.waiting_since = party.and_then(|party| self.waits_since(party, open.begun_at));
        cx.tell(open.begin());
        let Some(channel) = self.channels.get_mut(key) else { return };
        let up_at = channel.up_at.filter(|_| channel.bridge.is_some());
        channel.leg = Leg::Open(Box::new(open));
        self.open_legs += 1;
        for waits in [&mut self.placed, &mut self.unlinked, &mut self.by_program] {
            waits.end(key);
        }
        match up_at {
            Some(at) => self.answer(cx, key, at),
            None => self.note(cx, key),
        }
    }

    /// A phone begins to ring for a party, or has it at once: since when that waited, if it was before.
    pub(in crate::tracker) fn waits_since(&mut self, party: ChannelKey, at: PbxTime) -> Option<PbxTime> {
        let since = *self.channels.get_mut(party)?.waiting_since.get_or_insert(at);
        (since < at).then_some(since)
    }

    /// A leg for whom a party's call is.
    pub(in crate::tracker) fn incoming(
        &self,
        id: LegId,
        phone: Arc<Phone>,
        group: &str,
        party: Option<ChannelKey>,
        transfer: Option<Transfer>,
    ) -> Open {
        let caller = party.and_then(|party| self.channels.get(party));
        let from_outside = caller.filter(|caller| caller.placed() && matches!(caller.party, Party::Trunk));
        Open {
            id,
            call: CallId::of(&self.pbx, group),
            phone,
            begun_at: PbxTime::default(),
            waiting_since: None,
            sequence: 0,
            party,
            counterpart: party.and_then(|party| self.leg_id(party)),
            a_number: text(caller.map(Channel::shown_number)),
            b_number: Arc::default(),
            dialed_number: text(from_outside.map(|caller| caller.dialled.as_str())),
            queue: text(caller.map(|caller| caller.rare().queue.as_str())),
            transfer,
            assumed: false,
            state: State::Ringing,
        }
    }

    /// The id and the phone for a leg that is to begin, with whoever has the phone now.
    pub(in crate::tracker) fn silent_phone(
        &self,
        cx: &Context<'_>,
        key: ChannelKey,
    ) -> Option<(LegId, Arc<Phone>)> {
        let channel = self.channels.get(key)?;
        let Party::Phone { endpoint, phone } = &channel.party else { return None };
        if !channel.is_silent() {
            return None;
        }
        // That it is a phone was decided when the channel appeared.
        let phone = cx.directory.phone(endpoint).unwrap_or_else(|| phone.clone());
        Some((self.leg_id(key)?, phone))
    }

    pub(in crate::tracker) fn began(&self, key: ChannelKey, direction: Direction) -> bool {
        let open = self.channels.get(key).and_then(Channel::open);
        open.is_some_and(|open| open.direction() == direction)
    }
}

/// Text for an event; empty text takes no memory.
fn text(text: Option<&str>) -> Arc<str> {
    text.filter(|text| !text.is_empty()).map(Arc::from).unwrap_or_default()
}
