//! Places before the live boards: some a session, some a person, and no more than so many in all.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::super::Visitor;

/// Boards one browser has open at once: with one more the oldest gives way.
const OF_A_SESSION: usize = 8;
/// The same for one person in all their browsers.
const OF_A_PERSON: usize = 24;
/// Boards open at once.
const ALL: usize = 1_000;

struct Taken {
    person: String,
    /// What only this session has.
    session: String,
    gives_way: Arc<Notify>,
}

/// Who sits before a board, in the order they came.
#[derive(Default)]
struct Rows {
    taken: BTreeMap<u64, Taken>,
    next: u64,
}

/// All places.
#[derive(Clone, Default)]
pub(crate) struct Seats(Arc<Mutex<Rows>>);

/// One place; free again when it is dropped.
pub(super) struct Seat {
    seats: Seats,
    number: u64,
    gives_way: Arc<Notify>,
}

impl Seats {
    /// A place for one who looks; none if all are taken by others who have one each.
    pub(super) fn take(&self, visitor: &Visitor) -> Option<Seat> {
        self.take_for(&visitor.key, &visitor.csrf)
    }

    fn take_for(&self, person: &str, session: &str) -> Option<Seat> {
        let mut rows = self.lock();
        rows.bound(OF_A_SESSION, |taken| taken.session == session);
        rows.bound(OF_A_PERSON, |taken| taken.person == person);
        if rows.taken.len() >= ALL {
            rows.unseat_one_of_the_many()?;
        }
        let (number, gives_way) = (rows.next, Arc::new(Notify::new()));
        rows.next += 1;
        let (person, session) = (person.to_owned(), session.to_owned());
        rows.taken.insert(number, Taken { person, session, gives_way: gives_way.clone() });
        Some(Seat { seats: self.clone(), number, gives_way })
    }

    fn lock(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    /// Makes room for one more of those, of whom there may be so many: the oldest gives way.
    fn bound(&mut self, most: usize, of: impl Fn(&Taken) -> bool) {
        let those: Vec<u64> =
            self.taken.iter().filter(|(_, taken)| of(taken)).map(|(number, _)| *number).collect();
        if those.len() >= most
            && let Some(oldest) = those.first()
        {
            self.unseat(*oldest);
        }
    }

    /// The oldest of the person who has most, if that is more than one.
    fn unseat_one_of_the_many(&mut self) -> Option<()> {
        let mut sizes: HashMap<&str, (usize, u64)> = HashMap::new();
        for (number, taken) in &self.taken {
            sizes.entry(&taken.person).or_insert((0, *number)).0 += 1;
        }
        let (_, oldest) = sizes.into_values().filter(|(size, _)| *size > 1).max()?;
        self.unseat(oldest);
        Some(())
    }

    fn unseat(&mut self, number: u64) {
        if let Some(taken) = self.taken.remove(&number) {
            taken.gives_way.notify_one();
        }
    }
}

impl Seat {
    /// Comes back when the place is another's.
    pub(super) async fn gives_way(&self) {
        self.gives_way.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.lock().taken.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of those that have not given way.
    fn left(seats: &Seats) -> Vec<u64> {
        seats.lock().taken.keys().copied().collect()
    }

    #[test]
    fn of_one_session_and_of_one_person_the_oldest_gives_way() {
        let seats = Seats::default();
        let mut all: Vec<Seat> = (0..9).map(|_| seats.take_for("anna", "first").unwrap()).collect();
        assert_eq!(left(&seats), (1..9).collect::<Vec<_>>());
        for session in ["second", "third", "fourth"] {
            all.extend((0..8).map(|_| seats.take_for("anna", session).unwrap()));
        }
        assert_eq!(left(&seats).len(), OF_A_PERSON, "in all her browsers");
        let other = seats.take_for("bo", "fifth").unwrap();
        assert_eq!(left(&seats).len(), OF_A_PERSON + 1);
        drop((all, other));
        assert_eq!(left(&seats), [] as [u64; 0], "free again");
    }

    #[test]
    fn when_all_are_taken_whoever_has_most_gives_one_up_and_nobody_their_only_one() {
        let seats = Seats::default();
        let many: Vec<Seat> = (0..3).map(|_| seats.take_for("anna", "hers").unwrap()).collect();
        let mut one_each: Vec<Seat> =
            (3..ALL).map(|n| seats.take_for(&format!("p{n}"), &format!("s{n}")).unwrap()).collect();
        for gone in &many[..2] {
            let name = format!("q{}", gone.number);
            one_each.push(seats.take_for(&name, &name).unwrap());
            assert!(!left(&seats).contains(&gone.number));
        }
        assert!(seats.take_for("late", "late").is_none());
        assert_eq!(left(&seats).len(), ALL);
    }
}
