//! Who is in a bridge with whom.

use std::time::Duration;

use smallvec::SmallVec;

use crate::Meeting;
use crate::tracker::arena::{BridgeKey, ChannelKey};
use crate::tracker::channel::Bridge;
use crate::tracker::state::Tracker;

/// Two who leave a bridge within this time leave it because one of them hung up.
const HANG_UP_TOGETHER: Duration = Duration::from_millis(500);

impl Tracker {
    pub(in crate::tracker) fn bridge_of(&self, key: ChannelKey) -> Option<&Bridge> {
        self.bridges.get(self.channels.get(key)?.bridge?)
    }

    /// Puts a channel into a bridge; `false` if it is there already.
    pub(in crate::tracker) fn enter(&mut self, key: ChannelKey, bridge: &str, meeting: Meeting) -> bool {
        let bridge_key = self.bridges.find(bridge).unwrap_or_else(|| {
            self.bridges.insert(Bridge {
                id: bridge.into(),
                meeting,
                members: SmallVec::new(),
                last_left: None,
            })
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
            None => return self.enter(key, bridge, meeting),
        }
        true
    }

    /// Takes a channel out of its bridge.
    pub(in crate::tracker) fn leave(&mut self, key: ChannelKey) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        let Some(bridge) = channel.bridge.take() else { return };
        channel.last_bridge = Some(bridge);
        self.remember_partners(key, bridge);
        let left_first = self.strike_out(key, bridge);
        if let Some(channel) = self.channels.get_mut(key) {
            channel.left_first = left_first;
        }
    }

    /// Two who were alone with each other know so when one of them has left: a transfer may be told after.
    fn remember_partners(&mut self, key: ChannelKey, bridge: BridgeKey) {
        let Some(bridge) = self.bridges.get(bridge).filter(|bridge| bridge.meeting == Meeting::Talk) else {
            return;
        };
        let others = bridge.members.iter().copied().filter(|other| *other != key && !self.is_machine(*other));
        let others: SmallVec<[ChannelKey; 2]> = others.collect();
        if let [other] = others[..] {
            for (one, two) in [(key, other), (other, key)] {
                if let Some(channel) = self.channels.get_mut(one) {
                    channel.last_with = Some(two);
                }
            }
        }
    }

    /// Whether nobody else left just before: whoever is left behind did not hang up, whoever stays alone
    /// for a while and then goes did.
    pub(in crate::tracker) fn strike_out(&mut self, key: ChannelKey, bridge_key: BridgeKey) -> bool {
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

    /// The other members of the bridge a channel is in. Whoever waits is with nobody.
    pub(in crate::tracker) fn others_in_bridge(&self, key: ChannelKey) -> Vec<ChannelKey> {
        let bridge = self.channels.get(key).and_then(|channel| channel.bridge);
        let bridge = bridge.and_then(|bridge| self.bridges.get(bridge));
        let members =
            bridge.filter(|bridge| bridge.meeting != Meeting::Waiting).map(|bridge| &bridge.members);
        members.into_iter().flatten().copied().filter(|member| *member != key).collect()
    }

    /// Who is connected with a channel, if it is one.
    pub(in crate::tracker) fn talks_to(&self, key: ChannelKey) -> Option<ChannelKey> {
        let mut others = self.others_in_bridge(key).into_iter().filter(|other| !self.is_machine(*other));
        match (others.next(), others.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }
}
