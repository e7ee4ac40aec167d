//! A snapshot: all channels the PBX has, put together with what is known.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;

use crate::tracker::arena::ChannelKey;
use crate::tracker::channel::{Caller, Late, Party, Presence};
use crate::tracker::leg::{Leg, State};
use crate::tracker::link::{Link, STREAM_GRACE};
use crate::tracker::state::{Context, Tracker};
use crate::{Direction, EndReason, Listed, ListedState, Meeting, Origin, PbxTime};

impl Tracker {
    pub(in crate::tracker) fn snapshot(&mut self, cx: &mut Context<'_>, listed: &[Listed<'_>]) {
        let lost_at = match self.link {
            Link::Gap { lost_at } | Link::Settling { lost_at: Some(lost_at), .. } => Some(lost_at),
            Link::Up | Link::Settling { lost_at: None, .. } => None,
        };
        self.bridges_told |= listed.iter().any(|entry| !entry.bridge.is_empty());
        let mut found: Vec<ChannelKey> = Vec::with_capacity(listed.len());
        let mut heard = BTreeSet::new();
        for entry in listed {
            if entry.who.is_chosen {
                self.recognise_chosen(entry.who.id);
            }
            match self.channels.find(entry.who.id) {
                Some(key) => {
                    found.push(key);
                    heard.extend(Some(key).filter(|key| self.will_say_who_calls(*key)));
                    self.is_agent(key, entry.is_agent);
                    self.reconcile(cx, key, entry, lost_at.is_some());
                }
                None => {
                    if let Some(key) = self.list_unknown(cx, entry) {
                        found.push(key);
                        self.is_agent(key, entry.is_agent);
                    }
                }
            }
        }
        self.infer_callers(listed, &heard);
        self.mark_missing(cx, &found, lost_at.is_some());
        self.link = Link::Settling { lost_at, due: cx.at + STREAM_GRACE };
    }

    /// A channel whose beginning was heard and of which nothing was told yet: what follows is still to be heard, too. It
    /// may have been made just now, and call itself (`a_list_in_the_middle_of_a_beginning_changes_nothing`).
    fn will_say_who_calls(&self, key: ChannelKey) -> bool {
        self.channels.get(key).is_some_and(|channel| {
            matches!(channel.presence, Presence::Confirmed | Presence::Missing)
                && matches!(channel.leg, Leg::Silent)
                && !channel.beginning_missed
        })
    }

    /// A channel that is known and listed.
    pub(in crate::tracker) fn reconcile(
        &mut self,
        cx: &mut Context<'_>,
        key: ChannelKey,
        entry: &Listed<'_>,
        after_gap: bool,
    ) {
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
            self.catch_up(cx, key, entry);
        }
    }

    /// A restored channel is known by its id alone; the list says what it is.
    pub(in crate::tracker) fn recognise(
        &mut self,
        cx: &mut Context<'_>,
        key: ChannelKey,
        entry: &Listed<'_>,
    ) {
        self.learn(key, entry.who);
        let fresh = self.channel_of(cx, entry.who, entry.origin);
        let Some(channel) = self.channels.get_mut(key) else { return };
        if let (Party::Phone { endpoint, .. }, Party::Phone { endpoint: seen, .. }) =
            (&mut channel.party, &fresh.party)
            && endpoint.is_empty()
        {
            *endpoint = seen.clone();
        }
        // The leg of an agent's caller is kept under the name of the helper's half that brought the caller.
        let is_helpers = matches!(channel.party, Party::Phone { .. }) && fresh.is_helper();
        if channel.origin.is_none() || is_helpers {
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
    pub(in crate::tracker) fn catch_up(&mut self, cx: &mut Context<'_>, key: ChannelKey, entry: &Listed<'_>) {
        let Listed { state, bridge, meeting, answered_at, .. } = *entry;
        if bridge.is_empty() {
            self.leave(key);
        } else {
            self.enter(key, bridge, meeting);
        }
        let is_met = !bridge.is_empty() && meeting != Meeting::Waiting;
        let Some(channel) = self.channels.get_mut(key) else { return };
        let is_phone = channel.is_phone();
        match (&mut channel.leg, state) {
            (Leg::Open(open), ListedState::Up) if open.state == State::Ringing => {
                open.assumed = true;
                let at = answered_at.unwrap_or(cx.at);
                self.is_up(cx, key, at);
                // Who was asked to confirm has no caller yet.
                if is_met || !self.bridges_told {
                    self.answer(cx, key, at);
                }
            }
            (Leg::Open(open), _) if open.state == State::Dialling && is_met && channel.agent.is_none() => {
                self.converse(cx, key, answered_at.unwrap_or(cx.at), true);
            }
            (Leg::Silent, ListedState::Up) if !is_phone => {
                channel.up_at.get_or_insert(answered_at.unwrap_or(cx.at));
            }
            (Leg::Open(_) | Leg::Silent | Leg::Over, _) => {}
        }
    }

    /// A channel that is listed and not known: its beginning is still to come, or was missed.
    pub(in crate::tracker) fn list_unknown(
        &mut self,
        cx: &mut Context<'_>,
        entry: &Listed<'_>,
    ) -> Option<ChannelKey> {
        let key = self.known_or_new(cx, entry.who, entry.origin)?;
        let late = Late {
            state: entry.state,
            bridge: entry.bridge.into(),
            meeting: entry.meeting,
            since: entry.since,
            answered_at: entry.answered_at,
        };
        self.channels.get_mut(key)?.presence = Presence::Listed(Box::new(late));
        Some(key)
    }

    /// Who reaches whom is not in the list; the group a channel is in and what it does tell it mostly: whoever
    /// placed a call there, else (a call made by order) whoever was there first and is up.
    pub(in crate::tracker) fn infer_callers(&mut self, listed: &[Listed<'_>], heard: &BTreeSet<ChannelKey>) {
        let mut callers: BTreeMap<CompactString, ChannelKey> = BTreeMap::new();
        let mut firsts: BTreeMap<CompactString, (PbxTime, ChannelKey)> = BTreeMap::new();
        let mut called = Vec::new();
        for entry in listed {
            let Some(key) = self.channels.find(entry.who.id) else { continue };
            let Some(channel) = self.channels.get(key) else { continue };
            let since = entry.since.unwrap_or(channel.made_at);
            let is_up = entry.state == ListedState::Up;
            if channel.is_helper() && channel.origin == Some(Origin::Placed) {
                continue;
            }
            match channel.origin {
                Some(Origin::Placed) => drop(callers.entry(channel.group.clone()).or_insert(key)),
                Some(Origin::Called) if channel.caller == Caller::Unknown && !heard.contains(&key) => {
                    called.push((key, since, is_up))
                }
                Some(Origin::Called) | None => {}
            }
            // Whoever was rung in this call reaches nobody in it.
            if is_up && self.is_real(key) && !self.began(key, Direction::Incoming) {
                let first = firsts.entry(channel.group.clone()).or_insert((since, key));
                *first = if since < first.0 { (since, key) } else { *first };
            }
        }
        for (key, since, is_up) in called {
            let Some(channel) = self.channels.get(key) else { continue };
            let first = firsts.get(&channel.group).filter(|(at, first)| *at < since && *first != key);
            match callers.get(&channel.group).copied().or(first.map(|(_, first)| *first)) {
                Some(caller) => self.is_called_by(key, caller, is_up),
                None => self.is_called_by_order(key),
            }
        }
    }

    fn is_called_by(&mut self, key: ChannelKey, caller: ChannelKey, is_up: bool) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        channel.caller = Caller::Channel(caller);
        if is_up {
            channel.reached_at.get_or_insert(channel.made_at);
        }
        if let Some(caller) = self.channels.get_mut(caller) {
            caller.dials.push(key);
        }
    }

    /// Nobody in its group called: the first there, or reached through helpers whose first half is.
    fn is_called_by_order(&mut self, key: ChannelKey) {
        let Some(channel) = self.channels.get(key) else { return };
        let leader = self.channels.find(&channel.group);
        let is_first =
            channel.group == channel.unique_id() || leader.is_some_and(|leader| self.is_helper(leader));
        if let (true, Some(channel)) = (is_first, self.channels.get_mut(key)) {
            channel.caller = Caller::Nobody;
        }
    }

    pub(in crate::tracker) fn mark_missing(
        &mut self,
        cx: &mut Context<'_>,
        found: &[ChannelKey],
        after_gap: bool,
    ) {
        let mut listed: Vec<bool> = Vec::new();
        for key in found {
            let place = key.place();
            if listed.len() <= place {
                listed.resize(place + 1, false);
            }
            listed[place] = true;
        }
        for key in self.channels.keys() {
            if listed.get(key.place()).copied().unwrap_or(false) {
                continue;
            }
            let Some(channel) = self.channels.get_mut(key) else { continue };
            match channel.presence {
                Presence::Listed(_) => self.drop_unseen(key),
                _ if after_gap => {}
                Presence::Confirmed => channel.presence = Presence::Missing,
                Presence::Missing => {
                    cx.anomaly(&channel.id.clone(), "a channel is gone and the PBX never said so");
                    self.vanish(cx, key, cx.at, EndReason::LinkLost);
                }
                Presence::Unconfirmed => {}
            }
        }
    }
}
