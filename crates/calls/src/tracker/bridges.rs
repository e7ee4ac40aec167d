//! Who is connected with whom.
//!
//! A bridge is no answer by itself: a called phone answers with its channel. But it is where an outgoing
//! leg's conversation begins when nobody was dialled for it (a conference, a parked call).

use crate::Seen;
use crate::tracker::channel::{Bridge, BridgeKey, Caller, ChannelKey};
use crate::tracker::leg::{Leg, State};
use crate::tracker::routes::Route;
use crate::tracker::{Context, Tracker};
use smallvec::SmallVec;
use std::time::Duration;

/// Two who leave a bridge within this time leave it because one of them hung up.
const HANG_UP_TOGETHER: Duration = Duration::from_millis(500);

impl Tracker {
    pub(super) fn joined(&mut self, cx: &mut Context<'_>, who: Seen<'_>, bridge: &str) {
        let Some(key) = self.known_or_new(cx, who, None) else { return };
        if !self.enter(key, bridge) {
            return;
        }
        self.link_unlinked(cx);
        self.conversations_in_bridge(cx, key, who.dialled);
    }

    pub(super) fn left(&mut self, who: Seen<'_>, bridge: &str) {
        let Some(key) = self.channels.find(who.id) else { return };
        if self.bridge_of(key).is_some_and(|there| there.id == bridge) {
            self.leave(key);
        }
    }

    fn bridge_of(&self, key: ChannelKey) -> Option<&Bridge> {
        self.bridges.get(self.channels.get(key)?.bridge?)
    }

    /// Puts a channel into a bridge; `false` if it is there already.
    pub(super) fn enter(&mut self, key: ChannelKey, bridge: &str) -> bool {
        let bridge_key = self.bridges.find(bridge).unwrap_or_else(|| {
            self.bridges.insert(Bridge { id: bridge.into(), members: SmallVec::new(), last_left: None })
        });
        if self.channels.get(key).is_some_and(|channel| channel.bridge == Some(bridge_key)) {
            return false;
        }
        self.leave(key);
        if let Some(channel) = self.channels.get_mut(key) {
            channel.bridge = Some(bridge_key);
            channel.left_first = false;
        }
        // Leaving may have emptied and removed the very bridge; then it is made again.
        match self.bridges.get_mut(bridge_key) {
            Some(bridge) => bridge.members.push(key),
            None => return self.enter(key, bridge),
        }
        true
    }

    /// Takes a channel out of its bridge.
    pub(super) fn leave(&mut self, key: ChannelKey) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        let Some(bridge) = channel.bridge.take() else { return };
        channel.last_bridge = Some(bridge);
        let left_first = self.strike_out(key, bridge);
        if let Some(channel) = self.channels.get_mut(key) {
            channel.left_first = left_first;
        }
    }

    /// Whether nobody else left just before: whoever is left behind did not hang up, whoever stays alone
    /// for a while and then goes did.
    fn strike_out(&mut self, key: ChannelKey, bridge_key: BridgeKey) -> bool {
        let Some(bridge) = self.bridges.get_mut(bridge_key) else { return false };
        bridge.members.retain(|member| *member != key);
        let just_left = bridge.last_left.is_some_and(|at| self.now.since(at) < HANG_UP_TOGETHER);
        bridge.last_left = Some(self.now);
        if bridge.members.is_empty() {
            self.bridges.remove(bridge_key);
            return !just_left;
        }
        true
    }

    /// Outgoing legs whose conversation begins because a channel joined a bridge.
    fn conversations_in_bridge(&mut self, cx: &mut Context<'_>, key: ChannelKey, dialled: &str) {
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
    fn concerns_a_beginning(&self, key: ChannelKey) -> bool {
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

    /// A phone that was rung by order and meets somebody without dialling (a conference): an outgoing leg.
    fn ordered_phone_meets(&mut self, cx: &mut Context<'_>, key: ChannelKey, dialled: &str) {
        let Some(channel) = self.channels.get(key) else { return };
        let late_number = channel.placed() || matches!(self.route_to(key), Route::Nobody);
        if channel.is_phone() && matches!(channel.leg, Leg::Silent) && late_number {
            let dialled = if dialled.is_empty() { channel.dialled.to_string() } else { dialled.to_owned() };
            self.begin_outgoing(cx, key, &dialled);
        }
    }

    /// The dialling legs in the bridge of a channel, or behind the helpers there.
    fn dialling_around(&self, key: ChannelKey) -> Vec<ChannelKey> {
        let members = self.others_in_bridge(key).into_iter().chain([key]);
        let parties = members.flat_map(|member| {
            let far = self.channels.get(member).and_then(|channel| channel.other_half());
            [Some(member), far.and_then(|far| self.behind(far))]
        });
        parties.flatten().filter(|party| self.is_dialling(*party)).collect()
    }

    fn came_by_helper(&self, key: ChannelKey) -> bool {
        match self.channels.get(key).map(|channel| channel.caller) {
            Some(Caller::Channel(caller)) => self.is_helper(caller),
            Some(Caller::Unknown | Caller::Nobody) | None => false,
        }
    }

    fn is_helper(&self, key: ChannelKey) -> bool {
        self.channels.get(key).is_some_and(|channel| channel.is_helper())
    }

    fn is_dialling(&self, key: ChannelKey) -> bool {
        self.channels
            .get(key)
            .is_some_and(|channel| matches!(&channel.leg, Leg::Open(open) if open.state == State::Dialling))
    }
}
