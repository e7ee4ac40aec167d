//! Legs that began while nobody listened.

use crate::tracker::arena::ChannelKey;
use crate::tracker::channel::{Caller, Late, Party, Presence};
use crate::tracker::graph::Route;
use crate::tracker::state::{Context, Tracker};
use crate::{Direction, ListedState, Meeting, PbxTime};

impl Tracker {
    /// Begins the legs of all channels known from a snapshot alone. First all of them take their places,
    /// so that each finds its counterpart.
    pub(in crate::tracker) fn begin_late(&mut self, cx: &mut Context<'_>) {
        let mut late = Vec::new();
        for key in self.channels.keys() {
            let Some(channel) = self.channels.get_mut(key) else { continue };
            if matches!(channel.presence, Presence::Listed(_))
                && let Presence::Listed(listed) =
                    std::mem::replace(&mut channel.presence, Presence::Confirmed)
            {
                if !listed.bridge.is_empty() {
                    self.enter(key, &listed.bridge, listed.meeting);
                }
                late.push((key, listed));
            }
        }
        late.sort_by_key(|(_, listed)| listed.since);
        for (key, listed) in late {
            self.begin_one_late(cx, key, &listed);
        }
    }

    pub(in crate::tracker) fn begin_one_late(
        &mut self,
        cx: &mut Context<'_>,
        key: ChannelKey,
        listed: &Late,
    ) {
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
            // Where the dialplan has gone on since, whom it is connected with tells the number.
            let number = if channel.dialled.is_empty() { &channel.connected } else { &channel.dialled };
            let dialled = number.to_string();
            return self.begin_outgoing_late(cx, key, &dialled, since, listed, answered_at);
        }
        match (listed.state, self.route_to(key)) {
            // Rung by order, and dialled since: whom it is connected with tells the number.
            (ListedState::Up, Route::Nobody) => {
                let with = self.others_in_bridge(key).into_iter().find_map(|other| self.real_party(other));
                let with = with.filter(|with| self.is_real(*with)).and_then(|with| self.channels.get(with));
                let Some((with, mine)) = with.zip(self.channels.get(key)) else { return };
                let numbers = [&*mine.connected, with.public_number()];
                let is_other = |number: &&str| !number.is_empty() && **number != *mine.own_number;
                let number = numbers.into_iter().find(is_other).unwrap_or_default().to_owned();
                self.begin_outgoing_late(cx, key, &number, since, listed, answered_at);
            }
            (ListedState::Pending | ListedState::Ringing, Route::Nobody) | (ListedState::Pending, _) => {}
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

    /// Whoever is in the group of a channel and reaches others there: the one it is named after, else of those that
    /// placed their call or are up the one that was there first.
    pub(in crate::tracker) fn first_of_group(&self, key: ChannelKey) -> Option<ChannelKey> {
        let group = self.channels.get(key)?.group.clone();
        let may_be = |other: &ChannelKey| {
            *other != key && self.is_real(*other) && !self.began(*other, Direction::Incoming)
        };
        if let Some(leader) = self.channels.find(&group) {
            return Some(leader).filter(may_be);
        }
        let others = self.channels.keys().into_iter().filter(may_be).filter_map(|other| {
            let channel = self.channels.get(other)?;
            let reaches = channel.group == group && (channel.placed() || channel.up_at.is_some());
            reaches.then_some((channel.made_at, other))
        });
        others.min().map(|(_, first)| first)
    }

    pub(in crate::tracker) fn begin_outgoing_late(
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
        let is_code = cx.directory.is_feature_code(&account, dialled);
        if dialled.is_empty() && partner.is_none() {
            // Rung by order, and listens to the PBX itself.
        } else if !is_code {
            self.open_outgoing(cx, key, dialled, since, true);
            let is_agent = self.channels.get(key).is_some_and(|channel| channel.agent.is_some());
            if !listed.bridge.is_empty() && listed.meeting != Meeting::Waiting && !is_agent {
                self.converse(cx, key, answered_at, true);
            }
        } else if self.channels.get(key).is_some_and(|channel| channel.agent.is_some()) {
            // Logged in by a feature code; whom it talks with is a leg of its own.
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
