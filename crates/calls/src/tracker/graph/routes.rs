//! Who is at the other end: the way from a phone, through the PBX's helpers, to the party it is about.

use crate::Transfer;
use crate::tracker::arena::ChannelKey;
use crate::tracker::channel::{Caller, Mark};
use crate::tracker::state::Tracker;

/// Helpers inside helpers: at most so many are looked through.
pub(in crate::tracker) const LONGEST_WAY: usize = 16;

/// On whose behalf a phone is being reached.
#[derive(Clone, Debug)]
pub(in crate::tracker) enum Route {
    /// Not known (yet).
    Unknown,
    /// Nobody's: the PBX was asked to from outside.
    Nobody,
    /// This party's, with the transfer that brought it here, if any.
    Party { key: ChannelKey, transfer: Option<Transfer> },
}

impl Tracker {
    /// On whose behalf a channel is being reached, however many helpers are between.
    pub(in crate::tracker) fn route_to(&self, key: ChannelKey) -> Route {
        let Some(channel) = self.channels.get(key) else { return Route::Unknown };
        if channel.by_order {
            return Route::Nobody;
        }
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
                Caller::Nobody => Caller::Nobody,
                Caller::Channel(dialler) if self.channels.get(dialler).is_some() => half_channel.caller,
                // A helper that nobody dialled stands in a bridge (consultation by feature code) or
                // reached its party itself; one whose dialler is gone was handed over to its party. What its
                // party was transferred by is no matter of this call.
                Caller::Unknown | Caller::Channel(_) => {
                    let Some(party) = self.behind(half) else { return Route::Unknown };
                    let transfer = newest.map(|mark| mark.transfer.clone());
                    return Route::Party { key: party, transfer };
                }
            };
        }
        Route::Unknown
    }

    pub(in crate::tracker) fn came_by_helper(&self, key: ChannelKey) -> bool {
        match self.channels.get(key).map(|channel| channel.caller) {
            Some(Caller::Channel(caller)) => self.is_helper(caller),
            Some(Caller::Unknown | Caller::Nobody) | None => false,
        }
    }

    /// Whether a channel is, through answered helpers, connected to a real party other than `except`.
    pub(in crate::tracker) fn reaches_somebody(&self, key: ChannelKey, except: ChannelKey) -> bool {
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
            let reached = |key: &ChannelKey| {
                self.channels.get(*key).is_some_and(|channel| channel.reached_at.is_some())
            };
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

    /// What one channel was reaching is reached for another now, with its place in a queue.
    pub(in crate::tracker) fn take_over_dials(&mut self, from: ChannelKey, to: ChannelKey) {
        let Some(channel) = self.channels.get_mut(from) else { return };
        let dials = std::mem::take(&mut channel.dials);
        let queue = channel.rare().queue.clone();
        let waiting_since = channel.waiting_since.take();
        for dialled in &dials {
            if let Some(channel) = self.channels.get_mut(*dialled) {
                channel.caller = Caller::Channel(to);
            }
        }
        if let Some(channel) = self.channels.get_mut(to) {
            channel.dials = dials;
            channel.set_queue(&queue);
            channel.waiting_since = channel.waiting_since.or(waiting_since);
            channel.taken = false;
        }
    }
}

fn newer<'a>(one: Option<&'a Mark>, other: Option<&'a Mark>) -> Option<&'a Mark> {
    match (one, other) {
        (Some(one), Some(other)) if other.age > one.age => Some(other),
        (Some(one), _) => Some(one),
        (None, other) => other,
    }
}
