//! Who has a place: the rules by which connections are taken, closed and refused. Pure; `door` does it.
//!
//! A connection is *busy* from the moment a request's head is there in whole until the answer's body has ended, and
//! *idle* else: one whose head trickles in is idle too. It is a *stranger's* until a request over it had a session or
//! a token that was good. Strangers have fewer places than there are, and an eighth of them each; the rest is a
//! *waiting room*, from which only health checks and those who turn out to be known are let in.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use tokio::time::Instant;

/// Of all places, one stranger may have one part in so many.
const STRANGERS_PART: usize = 8;
/// Of all places, those who are known and come from one peer may have one part in so many.
const KNOWN_PART: usize = 2;
/// Of all places, so many in a hundred are the waiting room.
const WAITING_PERCENT: usize = 12;
/// A stranger's request that takes longer is as good as idle, once the place is wanted.
const LONG_FOR_A_STRANGER: Duration = Duration::from_secs(20);
/// The same for those who are known: live boards come again by themselves.
const LONG: Duration = Duration::from_secs(15 * 60);
/// Bits of an IPv6 address that are one customer's network: within it one has as many addresses as one likes.
const NETWORK_BITS: u32 = 64;

/// From where a connection comes, as far as one can be told from another: an IPv4 address, an IPv6 network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Peer(IpAddr);

impl Peer {
    pub(super) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                let network = u128::from(address) >> (128 - NETWORK_BITS) << (128 - NETWORK_BITS);
                IpAddr::V6(Ipv6Addr::from(network))
            }
        })
    }
}

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(network) => write!(f, "{network}/{NETWORK_BITS}"),
        }
    }
}

/// One connection's name, in the order they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Id(u64);

/// Where a connection has its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Common,
    Waiting,
}

/// Whose bound a connection counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// A peer that comes by itself.
    Peer(Peer),
    /// A trusted proxy: it comes for many.
    Proxy(Peer),
}

impl Who {
    fn peer(self) -> Peer {
        match self {
            Self::Peer(peer) | Self::Proxy(peer) => peer,
        }
    }
}

struct Place {
    who: Who,
    room: Room,
    is_known: bool,
    /// Requests over it that are not answered to the end.
    requests: u32,
    /// Since when it is idle, or busy.
    since: Instant,
}

impl Place {
    fn is_idle(&self, now: Instant) -> bool {
        let long = if self.is_known { LONG } else { LONG_FOR_A_STRANGER };
        self.requests == 0 || now.saturating_duration_since(self.since) >= long
    }

    fn is_common(&self) -> bool {
        self.room == Room::Common
    }

    fn is_stranger(&self) -> bool {
        !self.is_known
    }
}

/// Why a connection was closed to make room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The same peer had as many as one may have.
    Peer,
    /// All places were taken.
    Full,
}

impl Why {
    pub(super) const ALL: [Self; 2] = [Self::Peer, Self::Full];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Peer => "peer",
            Self::Full => "full",
        }
    }
}

/// One that has to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Closed {
    pub(super) id: Id,
    pub(super) peer: Peer,
    pub(super) why: Why,
}

/// What becomes of one that comes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Coming {
    /// Its name; none if there is no room for it.
    pub(super) id: Option<Id>,
    /// Who has to go.
    pub(super) closed: Vec<Closed>,
    /// Whether it came when the common places were taken.
    pub(super) was_full: bool,
}

/// All places.
pub(super) struct Places {
    /// How many there are.
    all: usize,
    taken: BTreeMap<Id, Place>,
    next: u64,
}

impl Places {
    pub(super) fn new(all: usize) -> Self {
        Self { all, taken: BTreeMap::new(), next: 0 }
    }

    const fn waiting_room(&self) -> usize {
        self.all * WAITING_PERCENT / 100
    }

    fn common(&self) -> usize {
        self.all - self.waiting_room()
    }

    fn of_one_stranger(&self) -> usize {
        (self.all / STRANGERS_PART).max(1)
    }

    fn of_one_known(&self) -> usize {
        (self.all / KNOWN_PART).max(1)
    }

    /// How many are strangers', and how many of those who are known.
    pub(super) fn counts(&self) -> (usize, usize) {
        let strangers = self.count(Place::is_stranger);
        (strangers, self.taken.len() - strangers)
    }

    fn count(&self, of: impl Fn(&Place) -> bool) -> usize {
        self.taken.values().filter(|place| of(place)).count()
    }

    /// Of those, the one that has been as it is for longest.
    fn longest(&self, of: impl Fn(&Place) -> bool) -> Option<Id> {
        let those = self.taken.iter().filter(|(_, place)| of(place));
        those.min_by_key(|(id, place)| (place.since, **id)).map(|(id, _)| *id)
    }

    /// Of those, one of the peer that has most of them: the one that has been as it is for longest.
    fn of_the_largest(&self, of: impl Fn(&Place) -> bool) -> Option<Id> {
        let mut sizes: HashMap<Peer, usize> = HashMap::new();
        for place in self.taken.values().filter(|place| of(place)) {
            *sizes.entry(place.who.peer()).or_default() += 1;
        }
        let size = |place: &Place| sizes.get(&place.who.peer()).copied().unwrap_or(0);
        let largest = sizes.values().copied().max()?;
        self.longest(|place| of(place) && size(place) == largest)
    }

    fn close(&mut self, id: Id, why: Why) -> Option<Closed> {
        self.taken.remove(&id).map(|place| Closed { id, peer: place.who.peer(), why })
    }

    /// Makes room among the common places: idle strangers go first, then the idle of those who are known.
    fn make_common_room(&mut self, now: Instant) -> Option<Closed> {
        let idle = |place: &Place| place.is_common() && place.is_idle(now);
        let stranger = self.of_the_largest(|place| idle(place) && place.is_stranger());
        let gone = stranger.or_else(|| self.of_the_largest(idle))?;
        self.close(gone, Why::Full)
    }

    /// One comes.
    pub(super) fn come(&mut self, who: Who, now: Instant) -> Coming {
        let mut coming = Coming { id: None, closed: Vec::new(), was_full: false };
        let Some(room) = self.room_for(who, now, &mut coming) else { return coming };
        let id = Id(self.next);
        self.next += 1;
        self.taken.insert(id, Place { who, room, is_known: false, requests: 0, since: now });
        coming.id = Some(id);
        coming
    }

    fn room_for(&mut self, who: Who, now: Instant, coming: &mut Coming) -> Option<Room> {
        let of_same = |place: &Place| place.is_common() && place.is_stranger() && place.who == who;
        let has_its_share = matches!(who, Who::Peer(_)) && self.count(of_same) >= self.of_one_stranger();
        let mut may_be_common = true;
        if has_its_share {
            match self.longest(|place| of_same(place) && place.is_idle(now)) {
                Some(gone) => coming.closed.extend(self.close(gone, Why::Peer)),
                None => may_be_common = false,
            }
        }
        if may_be_common {
            if self.count(Place::is_common) < self.common() {
                return Some(Room::Common);
            }
            coming.was_full = true;
            if let Some(gone) = self.make_common_room(now) {
                coming.closed.push(gone);
                return Some(Room::Common);
            }
        }
        let waits = |place: &Place| !place.is_common();
        if self.count(waits) >= self.waiting_room() {
            let idle = |place: &Place| waits(place) && place.is_idle(now);
            let gone = self.of_the_largest(|place| idle(place) && place.is_stranger());
            let gone = gone.or_else(|| self.of_the_largest(idle))?;
            coming.closed.extend(self.close(gone, Why::Full));
        }
        Some(Room::Waiting)
    }

    /// The head of a request is there.
    pub(super) fn ask(&mut self, id: Id, now: Instant) {
        if let Some(place) = self.taken.get_mut(&id) {
            if place.requests == 0 {
                place.since = now;
            }
            place.requests += 1;
        }
    }

    /// The answer's body has ended, or was given up.
    pub(super) fn answered(&mut self, id: Id, now: Instant) {
        if let Some(place) = self.taken.get_mut(&id) {
            place.requests = place.requests.saturating_sub(1);
            if place.requests == 0 {
                place.since = now;
            }
        }
    }

    /// Whether it has no place yet but where one waits for it.
    pub(super) fn waits(&self, id: Id) -> bool {
        self.taken.get(&id).is_some_and(|place| !place.is_common() && place.is_stranger())
    }

    /// It turned out to be of somebody known: out of the waiting room it goes, and a stranger for it if need be.
    pub(super) fn is_known(&mut self, id: Id, now: Instant) -> Vec<Closed> {
        let Some(place) = self.taken.get(&id).filter(|place| place.is_stranger()) else { return Vec::new() };
        let (who, room) = (place.who, place.room);
        let mut closed = Vec::new();
        let of_same = |place: &Place| place.is_known && place.who == who;
        if matches!(who, Who::Peer(_)) && self.count(of_same) >= self.of_one_known() {
            // Who has so many stays a stranger with the next, unless one of theirs is idle.
            let Some(gone) = self.longest(|place| of_same(place) && place.is_idle(now)) else {
                return closed;
            };
            closed.extend(self.close(gone, Why::Peer));
        }
        let has_room = room == Room::Common || self.count(Place::is_common) < self.common() || {
            let before = closed.len();
            closed.extend(self.make_common_room(now).or_else(|| {
                let gone = self.longest(|place| place.is_common() && place.is_stranger())?;
                self.close(gone, Why::Full)
            }));
            closed.len() > before
        };
        if let Some(place) = self.taken.get_mut(&id) {
            place.is_known = true;
            if has_room {
                place.room = Room::Common;
            }
        }
        closed
    }

    /// It is closed.
    pub(super) fn gone(&mut self, id: Id) {
        self.taken.remove(&id);
    }
}

#[cfg(test)]
mod tests;
