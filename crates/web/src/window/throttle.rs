//! How often one may try to log in: by where one comes from, and by the name one tries from there.
//!
//! Nobody can shut somebody else out: wrong passwords count for the peer that tried them. What all peers tried
//! together only slows down.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::peer::Peer;

/// Wrong passwords of one peer for one name within the window.
const TRIES: u32 = 8;
/// Wrong passwords of one peer within the window: an office behind one address has many honest ones.
const TRIES_OF_PEER: u32 = 40;
/// Logins through a provider that come to nothing within the window, of one peer: whoever fails there has no
/// name yet.
const ARRIVALS_OF_PEER: u32 = 200;
/// Beyond so many failures of all peers within the window every try takes longer.
const CALM: u32 = 200;
/// By so much for each failure more.
const SLOWER: Duration = Duration::from_millis(5);
/// The longest such wait.
const SLOWEST: Duration = Duration::from_secs(1);
/// The window. Of time that passes, not of the wall's clock, which may be set.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// Peers, and names of peers, that are remembered at once; who failed longest ago is forgotten first.
const MAX_KNOWN: usize = 10_000;

#[derive(Clone, Copy, Default)]
struct Count {
    begun_at: Duration,
    tries: u32,
}

impl Count {
    fn at(&self, now: Duration) -> u32 {
        if now.saturating_sub(self.begun_at) < WINDOW { self.tries } else { 0 }
    }

    fn add(&mut self, now: Duration) {
        if self.at(now) == 0 {
            *self = Self { begun_at: now, tries: 0 };
        }
        self.tries = self.tries.saturating_add(1);
    }
}

#[derive(Default)]
struct Counts {
    all: Count,
    peers: HashMap<Peer, Count>,
    names: HashMap<(Peer, String), Count>,
}

/// The counts.
pub(crate) struct Throttle {
    of_name: u32,
    of_peer: u32,
    counts: Mutex<Counts>,
}

impl Throttle {
    /// For passwords.
    pub(crate) fn of_passwords() -> Self {
        Self { of_name: TRIES, of_peer: TRIES_OF_PEER, counts: Mutex::default() }
    }

    /// For logins through a provider, which are nobody's yet: all under one name.
    pub(crate) fn of_arrivals() -> Self {
        Self { of_name: ARRIVALS_OF_PEER, of_peer: ARRIVALS_OF_PEER, counts: Mutex::default() }
    }

    /// Whether another try is let through, and how long it has to wait first.
    pub(crate) fn lets(&self, peer: Peer, name: &str, now: Duration) -> Option<Duration> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let tries = |count: Option<&Count>| count.map_or(0, |count| count.at(now));
        let is_over = tries(counts.peers.get(&peer)) >= self.of_peer
            || tries(counts.names.get(&(peer, name.to_owned()))) >= self.of_name;
        let beyond = counts.all.at(now).saturating_sub(CALM);
        (!is_over).then(|| (SLOWER * beyond).min(SLOWEST))
    }

    /// Notes a try that failed.
    pub(crate) fn failed(&self, peer: Peer, name: &str, now: Duration) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all.add(now);
        add(&mut counts.peers, peer, now);
        add(&mut counts.names, (peer, name.to_owned()), now);
    }
}

fn add<K: Clone + Eq + Hash>(counts: &mut HashMap<K, Count>, key: K, now: Duration) {
    if counts.len() >= MAX_KNOWN && !counts.contains_key(&key) {
        counts.retain(|_, count| count.at(now) > 0);
        let oldest = counts.iter().min_by_key(|(_, count)| count.begun_at).map(|(key, _)| key.clone());
        if let Some(oldest) = oldest.filter(|_| counts.len() >= MAX_KNOWN) {
            counts.remove(&oldest);
        }
    }
    counts.entry(key).or_default().add(now);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(5);

    fn peer(text: &str) -> Peer {
        Peer::of(text.parse().unwrap())
    }

    #[test]
    fn a_name_is_closed_to_a_peer_after_some_tries_and_opens_again() {
        let (throttle, eve, office) = (Throttle::of_passwords(), peer("192.0.2.7"), peer("198.51.100.1"));
        for _ in 0..TRIES {
            assert_eq!(throttle.lets(eve, "mette", NOW), Some(Duration::ZERO));
            throttle.failed(eve, "mette", NOW);
        }
        assert_eq!(throttle.lets(eve, "mette", NOW), None);
        assert!(throttle.lets(eve, "jens", NOW).is_some());
        assert!(throttle.lets(office, "mette", NOW).is_some(), "nobody shuts somebody else out");
        assert!(throttle.lets(eve, "mette", NOW + WINDOW).is_some());
    }

    #[test]
    fn a_peer_is_closed_after_many_tries_whatever_names_it_tries() {
        let (throttle, eve) = (Throttle::of_passwords(), peer("192.0.2.7"));
        for number in 0..TRIES_OF_PEER {
            throttle.failed(eve, &number.to_string(), NOW);
        }
        assert_eq!(throttle.lets(eve, "mette", NOW), None);
        assert_eq!(throttle.lets(peer("192.0.2.8"), "mette", NOW), Some(Duration::ZERO));
    }

    #[test]
    fn all_together_slow_down_and_are_never_refused() {
        let throttle = Throttle::of_passwords();
        for number in 0..10_000_u32 {
            let eve = Peer::of(std::net::Ipv4Addr::from(0x0a00_0000 + number).into());
            throttle.failed(eve, "mette", NOW);
        }
        assert_eq!(throttle.lets(peer("198.51.100.1"), "mette", NOW), Some(SLOWEST));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let throttle = Throttle::of_passwords();
        for number in 0..2 * u32::try_from(MAX_KNOWN).unwrap() {
            let eve = Peer::of(std::net::Ipv4Addr::from(0x0a00_0000 + number).into());
            throttle.failed(eve, "mette", NOW + Duration::from_micros(number.into()));
        }
        let counts = throttle.counts.lock().unwrap();
        assert!(counts.peers.len() <= MAX_KNOWN && counts.names.len() <= MAX_KNOWN);
    }
}
