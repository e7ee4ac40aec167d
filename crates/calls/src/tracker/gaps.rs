//! Gaps: what a lost link makes unsure, and how a snapshot makes it sure again.
//!
//! Stream and snapshot overlap in either order (an Asterisk's list runs ahead of its stream, a
//! FreeSWITCH's behind), so nothing is concluded from a snapshot alone before a short grace: a channel
//! it lists may be about to appear in the stream, one it lacks may be about to be told gone.

use std::time::Duration;

use compact_str::CompactString;

use crate::tracker::channel::{Caller, Channel, ChannelKey, Late, Party, Presence};
use crate::tracker::leg::{Leg, Open, State};
use crate::tracker::routes::Route;
use crate::tracker::{Context, Tracker};
use crate::{EndReason, Listed, ListedState, Origin, PbxTime, Restored};

/// How long the stream may lag behind a snapshot.
const STREAM_GRACE: Duration = Duration::from_millis(500);

/// When the link was lost, where nothing is known from before: at a first start, and after a restart of the
/// PBX.
const NOTHING_BEFORE: PbxTime = PbxTime::from_micros(0);

/// How sure it is that what is known is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// The stream is whole.
    Up,
    /// The link was lost at this moment, and no snapshot has come since.
    Gap { lost_at: PbxTime },
    /// A snapshot came; at `due` it is believed where the stream says nothing else.
    Settling { lost_at: Option<PbxTime>, due: PbxTime },
}

impl Link {
    pub(super) fn deadline(self) -> Option<PbxTime> {
        match self {
            Self::Up | Self::Gap { .. } => None,
            Self::Settling { due, .. } => Some(due),
        }
    }

    /// The PBX's clock was set back to this.
    pub(super) fn set_back(&mut self, at: PbxTime) {
        if let Self::Settling { due, .. } = self {
            *due = (*due).min(at + STREAM_GRACE);
        }
    }

    /// Since when it is not known who of those from before still lives.
    fn unsure_since(self) -> Option<PbxTime> {
        match self {
            Self::Gap { lost_at } | Self::Settling { lost_at: Some(lost_at), .. } => {
                (lost_at != NOTHING_BEFORE).then_some(lost_at)
            }
            Self::Up | Self::Settling { lost_at: None, .. } => None,
        }
    }
}

impl Tracker {
    /// Takes up what an earlier run of the program knew. To be called before anything else; counts as a
    /// lost link until a snapshot comes.
    pub fn restore(&mut self, restored: Restored) {
        let lost_at = restored.last_heard.unwrap_or(NOTHING_BEFORE);
        self.now = lost_at;
        self.link = Link::Gap { lost_at };
        let prefix = format!("{}-", self.pbx);
        for leg in restored.legs {
            let Some(id) = leg.leg.as_str().strip_prefix(&prefix) else { continue };
            let mut channel = Channel { presence: Presence::Unconfirmed, ..Channel::new(id) };
            channel.party = Party::Phone { endpoint: CompactString::default(), phone: leg.phone.clone() };
            channel.group = leg.call.as_str().strip_prefix(&prefix).unwrap_or(id).into();
            channel.origin = Some(match leg.direction {
                crate::Direction::Incoming => Origin::Called,
                crate::Direction::Outgoing => Origin::Placed,
            });
            channel.ringing_at = Some(leg.begun_at);
            channel.up_at = leg.answered_at;
            channel.own_number = leg.a_number.as_ref().into();
            channel.leg = Leg::Open(Box::new(Open::from(leg)));
            let key = self.channels.insert(channel);
            self.order.push_back(key);
            self.open_legs += 1;
        }
        for note in restored.notes {
            if let Some(kept) = note.kept {
                self.restore_note(&note.channel, kept);
            }
        }
    }

    fn restore_note(&mut self, id: &str, kept: crate::Kept) {
        let key = self.channels.find(id).unwrap_or_else(|| {
            let channel = Channel { presence: Presence::Unconfirmed, ..Channel::new(id) };
            let key = self.channels.insert(channel);
            self.order.push_back(key);
            key
        });
        if let Some(transfer) = kept.transfer {
            self.mark_with(key, transfer);
        }
        let Some(channel) = self.channels.get_mut(key) else { return };
        channel.noted = true;
        channel.held_since = kept.held_since;
        if let Leg::Open(open) = &mut channel.leg {
            open.transfer = kept.leg_transfer;
            if let (Some(since), State::Dialling) = (kept.answered_at, open.state) {
                open.state = State::Conversing { since };
            }
        }
    }

    /// Since when it is not known who of those from before still lives: from a lost link until stream and
    /// snapshot are put together. For a run that takes up after this one the PBX was not heard since then:
    /// what vanished in the gap ends when it was last known to live, however often the program dies before it
    /// can tell.
    pub fn unsure_since(&self) -> Option<PbxTime> {
        self.link.unsure_since()
    }

    pub(super) fn link_lost(&mut self, at: PbxTime) {
        self.link = Link::Gap { lost_at: self.link.unsure_since().unwrap_or(at) };
        for key in self.channels.keys() {
            if let Some(channel) = self.channels.get_mut(key)
                && matches!(channel.presence, Presence::Confirmed | Presence::Missing)
            {
                channel.presence = Presence::Unconfirmed;
            }
        }
    }

    /// Nothing from before the gap is up any more. Where no gap was told (a recording in one piece), all
    /// that is known is from before, and `before` is when the PBX was heard last.
    pub(super) fn restarted(&mut self, cx: &mut Context<'_>, before: PbxTime) {
        let (lost_at, gap_told) = match self.link {
            Link::Gap { lost_at } | Link::Settling { lost_at: Some(lost_at), .. } => (lost_at, true),
            Link::Up | Link::Settling { lost_at: None, .. } => (before, false),
        };
        for key in self.channels.keys() {
            let presence = self.channels.get(key).map(|channel| &channel.presence);
            if !gap_told || matches!(presence, Some(Presence::Unconfirmed)) {
                self.vanish(cx, key, lost_at, EndReason::PbxRestarted);
            }
        }
        if gap_told
            && let Link::Gap { lost_at } | Link::Settling { lost_at: Some(lost_at), .. } = &mut self.link
        {
            *lost_at = NOTHING_BEFORE;
        }
    }

    pub(super) fn snapshot(&mut self, cx: &mut Context<'_>, listed: &[Listed<'_>]) {
        let lost_at = match self.link {
            Link::Gap { lost_at } | Link::Settling { lost_at: Some(lost_at), .. } => Some(lost_at),
            Link::Up | Link::Settling { lost_at: None, .. } => None,
        };
        let mut found: Vec<ChannelKey> = Vec::with_capacity(listed.len());
        for entry in listed {
            match self.channels.find(entry.who.id) {
                Some(key) => {
                    found.push(key);
                    self.reconcile(cx, key, entry, lost_at.is_some());
                }
                None => found.extend(self.list_unknown(cx, entry)),
            }
        }
        self.infer_callers(listed);
        self.mark_missing(cx, &found, lost_at.is_some());
        self.link = Link::Settling { lost_at, due: cx.at + STREAM_GRACE };
    }

    /// A channel that is known and listed.
    fn reconcile(&mut self, cx: &mut Context<'_>, key: ChannelKey, entry: &Listed<'_>, after_gap: bool) {
        self.recognise(cx, key, entry);
        let Some(channel) = self.channels.get_mut(key) else { return };
        match channel.presence {
            Presence::Confirmed | Presence::Listed(_) => return,
            Presence::Missing => {
                channel.presence = Presence::Confirmed;
                return;
            }
            Presence::Unconfirmed => channel.presence = Presence::Confirmed,
        }
        if after_gap {
            self.catch_up(cx, key, entry.state, entry.bridge, entry.answered_at);
        }
    }

    /// A restored channel is known by its id alone; the list says what it is.
    fn recognise(&mut self, cx: &mut Context<'_>, key: ChannelKey, entry: &Listed<'_>) {
        self.learn(key, entry.who);
        let fresh = self.channel_of(cx, entry.who, entry.origin);
        let Some(channel) = self.channels.get_mut(key) else { return };
        if let (Party::Phone { endpoint, .. }, Party::Phone { endpoint: seen, .. }) =
            (&mut channel.party, &fresh.party)
            && endpoint.is_empty()
        {
            *endpoint = seen.clone();
        }
        if channel.origin.is_none() {
            channel.origin = fresh.origin;
            channel.party = fresh.party;
        }
        channel.group = fresh.group;
        if let (crate::Device::Helper(name), Party::Helper { other: None }) =
            (entry.who.device, &channel.party)
        {
            self.meet_other_half(key, name);
        }
    }

    /// What happened to a channel while nobody listened, as far as its state now shows it.
    fn catch_up(
        &mut self,
        cx: &mut Context<'_>,
        key: ChannelKey,
        state: ListedState,
        bridge: &str,
        answered_at: Option<PbxTime>,
    ) {
        if bridge.is_empty() {
            self.leave(key);
        } else {
            self.enter(key, bridge);
        }
        let Some(channel) = self.channels.get_mut(key) else { return };
        match (&mut channel.leg, state) {
            (Leg::Open(open), ListedState::Up) if open.state == State::Ringing => {
                open.assumed = true;
                let at = answered_at.unwrap_or(cx.at);
                self.is_up(cx, key, at);
            }
            (Leg::Open(open), _) if open.state == State::Dialling && !bridge.is_empty() => {
                self.converse(cx, key, answered_at.unwrap_or(cx.at), true);
            }
            (Leg::Open(_) | Leg::Silent | Leg::Over, _) => {}
        }
    }

    /// A channel that is listed and not known: its beginning is still to come, or was missed.
    fn list_unknown(&mut self, cx: &mut Context<'_>, entry: &Listed<'_>) -> Option<ChannelKey> {
        let key = self.known_or_new(cx, entry.who, entry.origin)?;
        let late = Late {
            state: entry.state,
            bridge: entry.bridge.into(),
            since: entry.since,
            answered_at: entry.answered_at,
        };
        self.channels.get_mut(key)?.presence = Presence::Listed(Box::new(late));
        Some(key)
    }

    /// Who reaches whom is not in the list; the group a channel is in and what it does tell it mostly.
    fn infer_callers(&mut self, listed: &[Listed<'_>]) {
        let mut callers: std::collections::BTreeMap<CompactString, ChannelKey> =
            std::collections::BTreeMap::new();
        let mut called = Vec::new();
        for entry in listed {
            let Some(key) = self.channels.find(entry.who.id) else { continue };
            let Some(channel) = self.channels.get(key) else { continue };
            match channel.origin {
                Some(Origin::Placed) if !channel.is_helper() => {
                    callers.entry(channel.group.clone()).or_insert(key);
                }
                Some(Origin::Called) if channel.caller == Caller::Unknown => {
                    called.push((key, entry.state == ListedState::Up));
                }
                Some(Origin::Placed | Origin::Called) | None => {}
            }
        }
        for (key, is_up) in called {
            let Some(channel) = self.channels.get_mut(key) else { continue };
            match callers.get(&channel.group) {
                Some(caller) => {
                    channel.caller = Caller::Channel(*caller);
                    channel.reached |= is_up;
                    if let Some(caller) = self.channels.get_mut(*caller) {
                        caller.dials.push(key);
                    }
                }
                None if channel.group == channel.id => channel.caller = Caller::Nobody,
                None => {}
            }
        }
    }

    fn mark_missing(&mut self, cx: &mut Context<'_>, found: &[ChannelKey], after_gap: bool) {
        let mut listed: Vec<bool> = Vec::new();
        for key in found {
            let place = key.place();
            if listed.len() <= place {
                listed.resize(place + 1, false);
            }
            listed[place] = true;
        }
        for key in self.channels.keys() {
            if listed.get(key.place()).copied().unwrap_or(false) || after_gap {
                continue;
            }
            let Some(channel) = self.channels.get_mut(key) else { continue };
            match channel.presence {
                Presence::Confirmed => channel.presence = Presence::Missing,
                Presence::Missing => {
                    cx.anomaly(&channel.id.clone(), "a channel is gone and the PBX never said so");
                    self.vanish(cx, key, cx.at, EndReason::LinkLost);
                }
                Presence::Unconfirmed | Presence::Listed(_) => {}
            }
        }
    }

    /// The grace is over: what is listed and was not told begins late, what was known and neither listed
    /// nor told is gone.
    pub(super) fn settle_gap(&mut self, cx: &mut Context<'_>) {
        let Link::Settling { lost_at, due } = self.link else { return };
        if due > cx.at {
            return;
        }
        self.link = Link::Up;
        let at = std::mem::replace(&mut cx.at, due);
        self.begin_late(cx);
        if let Some(lost_at) = lost_at {
            for key in self.channels.keys() {
                if matches!(
                    self.channels.get(key).map(|channel| &channel.presence),
                    Some(Presence::Unconfirmed)
                ) {
                    self.vanish(cx, key, lost_at, EndReason::LinkLost);
                }
            }
        }
        cx.at = at;
    }

    /// Begins the legs of all channels known from a snapshot alone. First all of them take their places,
    /// so that each finds its counterpart.
    pub(super) fn begin_late(&mut self, cx: &mut Context<'_>) {
        let mut late = Vec::new();
        for key in self.channels.keys() {
            let Some(channel) = self.channels.get_mut(key) else { continue };
            if matches!(channel.presence, Presence::Listed(_))
                && let Presence::Listed(listed) =
                    std::mem::replace(&mut channel.presence, Presence::Confirmed)
            {
                if !listed.bridge.is_empty() {
                    self.enter(key, &listed.bridge);
                }
                late.push((key, listed));
            }
        }
        late.sort_by_key(|(_, listed)| listed.since);
        for (key, listed) in late {
            self.begin_one_late(cx, key, &listed);
        }
    }

    fn begin_one_late(&mut self, cx: &mut Context<'_>, key: ChannelKey, listed: &Late) {
        let since = listed.since.unwrap_or(cx.at);
        let answered_at = listed.answered_at.unwrap_or(cx.at).max(since);
        let Some(channel) = self.channels.get_mut(key) else { return };
        if listed.state == ListedState::Up {
            channel.up_at = Some(answered_at);
        }
        if !channel.is_phone() {
            return;
        }
        if channel.placed() {
            let dialled = channel.dialled.to_string();
            return self.begin_outgoing_late(cx, key, &dialled, since, listed, answered_at);
        }
        match (listed.state, self.route_to(key)) {
            (ListedState::Pending, _) | (_, Route::Nobody) => {}
            (ListedState::Ringing | ListedState::Up, route) => {
                let (party, transfer) = match route {
                    Route::Party { key, transfer } => (Some(key), transfer),
                    Route::Unknown | Route::Nobody => (None, None),
                };
                if let Some(channel) = self.channels.get_mut(key) {
                    channel.ringing_at = Some(since);
                }
                self.begin_incoming(cx, key, party, transfer, true);
            }
        }
    }

    fn begin_outgoing_late(
        &mut self,
        cx: &mut Context<'_>,
        key: ChannelKey,
        dialled: &str,
        since: PbxTime,
        listed: &Late,
        answered_at: PbxTime,
    ) {
        let account = match self.channels.get(key).map(|channel| &channel.party) {
            Some(Party::Phone { phone, .. }) => phone.account.clone(),
            Some(Party::Trunk | Party::Helper { .. } | Party::Machine) | None => return,
        };
        let partner = self.others_in_bridge(key).into_iter().find_map(|other| self.real_party(other));
        if !cx.directory.is_feature_code(&account, dialled) {
            self.open_outgoing(cx, key, dialled, since, true);
            if !listed.bridge.is_empty() {
                self.converse(cx, key, answered_at, true);
            }
        } else if let Some(partner) = partner {
            if let Some(channel) = self.channels.get_mut(key) {
                channel.ringing_at = Some(answered_at);
                channel.up_at = Some(answered_at);
                channel.caller = Caller::Channel(partner);
            }
            self.begin_incoming(cx, key, Some(partner), None, true);
        }
    }
}
