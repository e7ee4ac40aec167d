//! Who gets a place, and who goes for it.

use super::*;

/// Eighty places: 71 common ones, nine where one waits, ten for one stranger.
const ALL: usize = 80;

struct Hall {
    places: Places,
    now: Instant,
}

impl Hall {
    fn new() -> Self {
        Self { places: Places::new(ALL), now: Instant::now() }
    }

    fn later(&mut self, secs: u64) {
        self.now += Duration::from_secs(secs);
    }

    fn come(&mut self, from: u8) -> Coming {
        self.now += Duration::from_millis(1);
        self.places.come(peer(from), self.now)
    }

    /// One that gets a place at nobody's cost.
    fn enter(&mut self, from: u8) -> Id {
        let coming = self.come(from);
        assert_eq!(coming.closed, [], "somebody had to go");
        coming.id.unwrap()
    }

    /// One that is in the midst of a request.
    fn busy(&mut self, from: u8) -> Id {
        let id = self.come(from).id.unwrap();
        self.places.ask(id, self.now);
        id
    }

    /// One of somebody known.
    fn known(&mut self, from: u8) -> Id {
        let id = self.busy(from);
        self.places.is_known(id, self.now);
        self.places.answered(id, self.now);
        id
    }

    fn is_there(&self, id: Id) -> bool {
        self.places.taken.contains_key(&id)
    }

    /// Strangers from seven addresses and a bit take the common places.
    fn fill(&mut self, one: impl Fn(&mut Self, u8) -> Id) -> Vec<Id> {
        (0..self.places.common()).map(|n| one(self, 1 + u8::try_from(n / 10).unwrap())).collect()
    }
}

fn peer(last: u8) -> Who {
    Who::Peer(Peer::of(IpAddr::from([192, 0, 2, last])))
}

fn gone(coming: &Coming) -> Vec<(Id, Why)> {
    coming.closed.iter().map(|one| (one.id, one.why)).collect()
}

#[test]
fn a_stranger_has_an_eighth_and_its_longest_idle_goes_for_its_next() {
    let mut hall = Hall::new();
    let mut mine: Vec<Id> = (0..10).map(|_| hall.enter(1)).collect();
    // The oldest is at work: the next oldest goes.
    hall.places.ask(mine[0], hall.now);
    let coming = hall.come(1);
    assert_eq!(gone(&coming), [(mine.remove(1), Why::Peer)]);
    assert!(!coming.was_full);
    hall.enter(2);
}

#[test]
fn a_stranger_whose_all_are_busy_waits_and_others_do_not() {
    let mut hall = Hall::new();
    for _ in 0..10 {
        hall.busy(1);
    }
    let waiting = hall.come(1).id.unwrap();
    assert!(hall.places.waits(waiting));
    let other = hall.enter(2);
    assert!(!hall.places.waits(other));
}

#[test]
fn when_all_is_taken_the_longest_idle_of_the_peer_with_most_goes() {
    let mut hall = Hall::new();
    let few = hall.enter(9);
    let many: Vec<Id> = (1..=7).flat_map(|from| vec![from; 10]).map(|from| hall.enter(from)).collect();
    let coming = hall.come(20);
    assert!(coming.was_full);
    assert_eq!(gone(&coming), [(many[0], Why::Full)]);
    assert!(hall.is_there(few), "it is older than all of them, and alone");
}

#[test]
fn a_head_that_trickles_in_is_idle_and_so_is_a_request_of_a_stranger_that_takes_long() {
    let mut hall = Hall::new();
    let slow: Vec<Id> = (0..10).map(|_| hall.busy(1)).collect();
    hall.later(19);
    let waiting = hall.come(1).id.unwrap();
    assert!(hall.places.waits(waiting));
    hall.later(1);
    assert_eq!(gone(&hall.come(1)), [(slow[0], Why::Peer)]);
}

#[test]
fn strangers_go_before_those_who_are_known_and_of_those_only_the_idle() {
    let mut hall = Hall::new();
    let known: Vec<Id> = (0..5).map(|_| hall.known(30)).collect();
    let at_work = hall.known(31);
    hall.places.ask(at_work, hall.now);
    let strangers: Vec<Id> = (0..65).map(|n| hall.busy(1 + n / 10)).collect();
    assert_eq!(gone(&hall.come(40)), [(known[0], Why::Full)], "no stranger is idle");
    hall.places.answered(strangers[64], hall.now);
    assert_eq!(gone(&hall.come(41)), [(strangers[64], Why::Full)]);
    assert!(hall.is_there(at_work));
}

#[test]
fn while_strangers_keep_all_busy_who_is_known_gets_in_and_others_wait() {
    let mut hall = Hall::new();
    let busy = hall.fill(Hall::busy);
    let stranger = hall.come(50).id.unwrap();
    assert!(hall.places.waits(stranger));
    let mine = hall.come(51).id.unwrap();
    assert!(hall.places.waits(mine));
    let closed = hall.places.is_known(mine, hall.now);
    assert_eq!(closed.iter().map(|one| one.id).collect::<Vec<_>>(), [busy[0]]);
    assert!(!hall.places.waits(mine));
    assert!(hall.places.waits(stranger));
}

#[test]
fn who_floods_the_waiting_room_keeps_nobody_else_out_of_it() {
    let mut hall = Hall::new();
    hall.fill(Hall::busy);
    for _ in 0..100 {
        hall.come(60);
    }
    let mine = hall.come(61).id.unwrap();
    for _ in 0..100 {
        hall.come(60);
    }
    assert!(hall.is_there(mine));
}

#[test]
fn only_when_all_are_busy_nobody_comes_in() {
    let mut hall = Hall::new();
    hall.fill(Hall::busy);
    for n in 0..9 {
        hall.busy(100 + n);
    }
    let coming = hall.come(200);
    assert_eq!((coming.id, gone(&coming)), (None, Vec::new()));
}

#[test]
fn a_proxy_comes_for_many_and_is_not_bounded_as_one() {
    let mut hall = Hall::new();
    let proxy = Who::Proxy(Peer::of(IpAddr::from([127, 0, 0, 1])));
    for _ in 0..hall.places.common() {
        let coming = hall.places.come(proxy, hall.now);
        assert!(coming.id.is_some() && coming.closed.is_empty());
    }
}

#[test]
fn those_who_are_known_and_come_from_one_peer_have_half() {
    let mut hall = Hall::new();
    for _ in 0..ALL / 2 {
        let id = hall.known(1);
        hall.places.ask(id, hall.now);
    }
    let next = hall.busy(1);
    assert_eq!(hall.places.is_known(next, hall.now), []);
    assert_eq!(hall.places.counts(), (1, ALL / 2), "it stays a stranger's");
}

#[test]
fn an_ipv6_network_is_one_peer() {
    let peer = |text: &str| Peer::of(text.parse().unwrap());
    assert_eq!(peer("2001:db8:1:2::7"), peer("2001:db8:1:2:ffff::9"));
    assert_ne!(peer("2001:db8:1:2::7"), peer("2001:db8:1:3::7"));
    assert_eq!(peer("::ffff:192.0.2.7"), peer("192.0.2.7"));
}

#[test]
fn whatever_happens_the_bounds_hold() {
    for seed in 0..10 {
        let mut rng = splitmix::Rng::new(seed);
        let mut hall = Hall::new();
        let mut all: Vec<Id> = Vec::new();
        for _ in 0..500 {
            hall.now += Duration::from_millis(rng.below(2_000) as u64);
            let some = if all.is_empty() { None } else { Some(all[rng.below(all.len())]) };
            match (rng.below(8), some) {
                (0..=3, _) | (_, None) => {
                    let who = peer(u8::try_from(rng.below(12)).unwrap());
                    all.extend(hall.places.come(who, hall.now).id);
                }
                (4, Some(id)) => hall.places.ask(id, hall.now),
                (5, Some(id)) => hall.places.answered(id, hall.now),
                (6, Some(id)) => drop(hall.places.is_known(id, hall.now)),
                (_, Some(id)) => hall.places.gone(id),
            }
            let places = &hall.places;
            assert!(places.taken.len() <= ALL, "seed {seed}");
            assert!(places.count(|place| !place.is_common()) <= places.waiting_room(), "seed {seed}");
            assert!(places.count(Place::is_common) <= places.common(), "seed {seed}");
            for from in 0..12 {
                let of = |place: &Place| place.who == peer(from) && place.is_common() && place.is_stranger();
                assert!(places.count(of) <= places.of_one_stranger(), "seed {seed}");
            }
        }
    }
}
