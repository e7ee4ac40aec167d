//! Who is at the other end: the way from a phone, through the PBX's helpers, to the party it is about.

use crate::tracker::Tracker;
use crate::tracker::channel::{Caller, Channel, ChannelKey, Mark, Party};
use crate::{LegId, Transfer};

/// Helpers inside helpers: at most so many are looked through.
const LONGEST_WAY: usize = 16;

/// On whose behalf a phone is being reached.
#[derive(Clone, Debug)]
pub(super) enum Route {
    /// Not known (yet).
    Unknown,
    /// Nobody's: the PBX was asked to from outside.
    Nobody,
    /// This party's, with the transfer that brought it here, if any.
    Party { key: ChannelKey, transfer: Option<Transfer> },
}

impl Tracker {
    /// On whose behalf a channel is being reached, however many helpers are between.
    pub(super) fn route_to(&self, key: ChannelKey) -> Route {
        let Some(channel) = self.channels.get(key) else { return Route::Unknown };
        let mut newest: Option<&Mark> = None;
        let mut caller = channel.caller;
        for _ in 0..LONGEST_WAY {
            let from = match caller {
                Caller::Unknown => return Route::Unknown,
                Caller::Nobody => return Route::Nobody,
                Caller::Channel(from) => from,
            };
            let Some(channel) = self.channels.get(from) else { return Route::Unknown };
            newest = newer(newest, channel.mark.as_deref());
            let Some(half) = channel.other_half() else {
                let transfer = newest.map(|mark| mark.transfer.clone());
                return if channel.is_helper() {
                    Route::Unknown
                } else {
                    Route::Party { key: from, transfer }
                };
            };
            let Some(half_channel) = self.channels.get(half) else { return Route::Unknown };
            newest = newer(newest, half_channel.mark.as_deref());
            caller = match half_channel.caller {
                // A helper that nobody dialled stands in a bridge (consultation by feature code) or
                // reached its party itself. What its party was transferred by is no matter of this call.
                Caller::Unknown => {
                    let Some(party) = self.behind(half) else { return Route::Unknown };
                    let transfer = newest.map(|mark| mark.transfer.clone());
                    return Route::Party { key: party, transfer };
                }
                known @ (Caller::Nobody | Caller::Channel(_)) => known,
            };
        }
        Route::Unknown
    }

    /// The real party a channel stands for: itself, or who is connected behind a helper.
    pub(super) fn real_party(&self, key: ChannelKey) -> Option<ChannelKey> {
        let channel = self.channels.get(key)?;
        match channel.party {
            Party::Phone { .. } | Party::Trunk | Party::Machine => Some(key),
            Party::Helper { other } => self.behind(other?),
        }
    }

    /// The real party connected to a helper half: in its bridge, on whose behalf it is reached, or
    /// reached by it.
    pub(super) fn behind(&self, half: ChannelKey) -> Option<ChannelKey> {
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

    fn neighbour(&self, half: ChannelKey, channel: &Channel) -> Option<ChannelKey> {
        let in_bridge = self.others_in_bridge(half).into_iter().find(|other| !self.is_machine(*other));
        let caller = match channel.caller {
            Caller::Channel(caller) => Some(caller),
            Caller::Unknown | Caller::Nobody => None,
        };
        let reached = || {
            let reached = |key: &&ChannelKey| self.channels.get(**key).is_some_and(|channel| channel.reached);
            channel.dials.iter().find(reached).or(channel.dials.first()).copied()
        };
        in_bridge.or(caller).or_else(reached)
    }

    pub(super) fn is_machine(&self, key: ChannelKey) -> bool {
        self.channels.get(key).is_some_and(|channel| matches!(channel.party, Party::Machine))
    }

    /// The other members of the bridge a channel is in.
    pub(super) fn others_in_bridge(&self, key: ChannelKey) -> Vec<ChannelKey> {
        let bridge = self.channels.get(key).and_then(|channel| channel.bridge);
        let members = bridge.and_then(|bridge| self.bridges.get(bridge)).map(|bridge| &bridge.members);
        members.into_iter().flatten().copied().filter(|member| *member != key).collect()
    }

    /// The phone that stands behind whoever dials, if it is a phone: itself, or through helpers.
    pub(super) fn phone_behind_dialler(&self, from: ChannelKey) -> Option<ChannelKey> {
        let party = self.real_party(from)?;
        self.channels.get(party)?.is_phone().then_some(party)
    }

    /// Whether a channel is, through answered helpers, connected to a real party other than `except`.
    pub(super) fn reaches_somebody(&self, key: ChannelKey, except: ChannelKey) -> bool {
        let mut seen = vec![key, except];
        let mut next = vec![key];
        while let Some(key) = next.pop() {
            if seen.len() > 4 * LONGEST_WAY {
                return true;
            }
            let Some(channel) = self.channels.get(key) else { continue };
            if !channel.is_helper() && key != except {
                return true;
            }
            let reached = |key: &ChannelKey| self.channels.get(*key).is_some_and(|channel| channel.reached);
            let dialled = channel.dials.iter().copied().filter(reached);
            let around = channel.other_half().into_iter().chain(self.others_in_bridge(key)).chain(dialled);
            for neighbour in around.collect::<Vec<_>>() {
                if !seen.contains(&neighbour) && !self.is_machine(neighbour) {
                    seen.push(neighbour);
                    next.push(neighbour);
                }
            }
        }
        false
    }

    /// The id by which legs name a channel as their counterpart.
    pub(super) fn leg_id(&self, key: ChannelKey) -> Option<LegId> {
        self.channels.get(key).map(|channel| LegId::of(&self.pbx, &channel.id))
    }
}

fn newer<'a>(one: Option<&'a Mark>, other: Option<&'a Mark>) -> Option<&'a Mark> {
    match (one, other) {
        (Some(one), Some(other)) if other.age > one.age => Some(other),
        (Some(one), _) => Some(one),
        (None, other) => other,
    }
}
