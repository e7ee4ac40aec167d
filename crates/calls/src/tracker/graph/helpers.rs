//! Pairs of the PBX's helpers, and the real parties behind them.

use crate::Meeting;
use crate::tracker::arena::ChannelKey;
use crate::tracker::channel::{Caller, Channel, Party};
use crate::tracker::graph::routes::LONGEST_WAY;
use crate::tracker::state::Tracker;

impl Tracker {
    pub(in crate::tracker) fn meet_other_half(&mut self, key: ChannelKey, name: &str) {
        match self.halves.get(name).copied() {
            // A list has it once more.
            Some(other) if other == key => {}
            Some(other) if self.channels.get(other).is_some() => {
                self.halves.remove(name);
                self.pair(key, other);
            }
            Some(_) | None => {
                self.halves.insert(name.into(), key);
            }
        }
    }

    pub(in crate::tracker) fn pair(&mut self, one: ChannelKey, two: ChannelKey) {
        for (half, its_other) in [(one, two), (two, one)] {
            if let Some(Channel { party: Party::Helper { other }, .. }) = self.channels.get_mut(half) {
                *other = Some(its_other);
            }
        }
    }

    pub(in crate::tracker) fn is_helper(&self, key: ChannelKey) -> bool {
        self.channels.get(key).is_some_and(|channel| channel.is_helper())
    }

    pub(in crate::tracker) fn is_machine(&self, key: ChannelKey) -> bool {
        self.channels.get(key).is_some_and(|channel| matches!(channel.party, Party::Machine))
    }

    /// The real party a channel stands for: itself, or who is connected behind a helper.
    pub(in crate::tracker) fn real_party(&self, key: ChannelKey) -> Option<ChannelKey> {
        let channel = self.channels.get(key)?;
        match channel.party {
            Party::Phone { .. } | Party::Trunk | Party::Machine => Some(key),
            Party::Helper { other } => self.behind(other?),
        }
    }

    /// The real party connected to a helper half: in its bridge, on whose behalf it is reached, or
    /// reached by it.
    pub(in crate::tracker) fn behind(&self, half: ChannelKey) -> Option<ChannelKey> {
        let mut half = half;
        for _ in 0..LONGEST_WAY {
            let channel = self.channels.get(half)?;
            let next = self.neighbour(half, channel)?;
            let next_channel = self.channels.get(next)?;
            match next_channel.party {
                Party::Phone { .. } | Party::Trunk | Party::Machine => return Some(next),
                Party::Helper { other } => half = other?,
            }
        }
        None
    }

    pub(in crate::tracker) fn neighbour(&self, half: ChannelKey, channel: &Channel) -> Option<ChannelKey> {
        let in_bridge = self.others_in_bridge(half).into_iter().find(|other| !self.is_machine(*other));
        let caller = match channel.caller {
            Caller::Channel(caller) => Some(caller),
            Caller::Unknown | Caller::Nobody => None,
        };
        let reached = || {
            let reached = |key: &&ChannelKey| {
                self.channels.get(**key).is_some_and(|channel| channel.reached_at.is_some())
            };
            channel.dials.iter().find(reached).or(channel.dials.first()).copied()
        };
        in_bridge.or(caller).or_else(reached)
    }

    /// Whether a helper leads into a conference room: whoever meets it meets the room, and nobody there.
    pub(in crate::tracker) fn leads_into_room(&self, helper: ChannelKey) -> bool {
        let mut half = self.channels.get(helper).and_then(Channel::other_half);
        for _ in 0..LONGEST_WAY {
            let Some((key, channel)) = half.and_then(|key| Some((key, self.channels.get(key)?))) else {
                return false;
            };
            if self.bridge_of(key).is_some_and(|bridge| bridge.meeting == Meeting::Room) {
                return true;
            }
            let next = self.neighbour(key, channel).and_then(|next| self.channels.get(next));
            half = next.and_then(Channel::other_half);
        }
        false
    }

    /// The phone that stands behind whoever dials, if it is a phone: itself, or through helpers.
    pub(in crate::tracker) fn phone_behind_dialler(&self, from: ChannelKey) -> Option<ChannelKey> {
        let party = self.real_party(from)?;
        self.channels.get(party)?.is_phone().then_some(party)
    }

    /// The phones among these channels and behind the helpers among them, ringing or connected.
    pub(in crate::tracker) fn phones_at(
        &self,
        mut next: Vec<ChannelKey>,
        except: [ChannelKey; 3],
    ) -> Vec<ChannelKey> {
        let mut seen: Vec<ChannelKey> = except.to_vec();
        let mut phones = Vec::new();
        while let Some(key) = next.pop() {
            if seen.contains(&key) {
                continue;
            }
            seen.push(key);
            let Some(channel) = self.channels.get(key) else { continue };
            if channel.is_phone() {
                phones.push(key);
            } else if let Some(far) = channel.other_half() {
                next.extend(self.others_in_bridge(far));
                next.extend(self.channels.get(far).map(|far| far.dials.clone()).unwrap_or_default());
            }
        }
        phones
    }
}
