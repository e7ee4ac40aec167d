//! Which legs leave the log when it has more than it is to have. One that leaves before its deliveries are settled costs some
//! times what it does else, so those stay that are delivered soonest.

use std::cmp::Reverse;

use super::leg::Leg;
use super::tail::Tail;

/// So many times what may be at hand the rows of the log may take: one that stays keeps all that came after it there.
const HELD: usize = 4;

/// Why a leg leaves, in the order in which they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Leaves {
    /// The log has too many rows, or they take too much, and it begins in one of the first.
    WithItsRow(i64),
    /// What came later is delivered: it runs, or its web service is behind. The oldest first.
    PassedBy(i64),
    /// Its turn comes last: the newest first.
    ComesLast(Reverse<i64>),
    /// It runs, and each of its events that are still to come would cost as much: the newest first.
    Runs(Reverse<i64>),
}

impl Tail {
    /// Whether the log has too many rows, or they take too much.
    pub(super) fn holds_too_much(&self) -> bool {
        self.rows.len() > self.bound.rows || self.held > HELD * self.most_bytes()
    }

    /// Whether it has so many times what it may have when it is calm.
    pub(super) fn holds_beyond(&self, times: usize) -> bool {
        self.rows.len() > self.bound.rows * times || self.held > HELD * self.bound.bytes * times
    }

    /// The row behind those with which legs leave: half of what may be held, if it is too much.
    fn first_to_stay(&self) -> i64 {
        let (mut rows, mut held) = (self.bound.rows / 2, HELD * self.most_bytes() / 2);
        let mut first = self.next_id;
        for row in self.rows.iter().rev() {
            let (Some(rows_left), Some(held_left)) = (rows.checked_sub(1), held.checked_sub(row.bytes))
            else {
                break;
            };
            (rows, held, first) = (rows_left, held_left, row.id);
        }
        first
    }

    /// The first so many legs in the order in which they leave.
    pub(super) fn leaving(&self, many: usize) -> Vec<(Leaves, u64)> {
        let first_to_stay = if self.holds_too_much() { self.first_to_stay() } else { 0 };
        let mut all: Vec<_> =
            self.legs.iter().map(|(key, leg)| (self.leaves(leg, first_to_stay), *key)).collect();
        if many < all.len() {
            all.select_nth_unstable(many);
            all.truncate(many);
        }
        all.sort_unstable();
        all
    }

    fn leaves(&self, leg: &Leg, first_to_stay: i64) -> Leaves {
        let last = leg.events.last().map_or(0, |event| event.raw.seq);
        if leg.log < first_to_stay {
            Leaves::WithItsRow(leg.log)
        } else if self.front.has_passed(last) {
            Leaves::PassedBy(leg.log)
        } else if leg.has_ended() {
            Leaves::ComesLast(Reverse(last))
        } else {
            Leaves::Runs(Reverse(last))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use calls::{EventKind, LegId};

    use super::super::bounds::{Logging, Shared};
    use super::*;
    use crate::record::event::kind_number;
    use crate::settings::IntegrationId;
    use crate::sqlite::table::raw::Raw;

    fn add(tail: &mut Tail, leg: i64, kind: EventKind, seq: i64) {
        let raw = Raw {
            seq,
            kind: kind_number(kind),
            at: 0,
            received_at: 0,
            account: String::new(),
            call: String::new(),
            body: Vec::new(),
        };
        tail.append(&LegId::new(leg.to_string()), (raw, None), &[IntegrationId { number: 1 }]);
    }

    /// One leg ended and one running, at each of two places the front has passed and two it comes to.
    #[test]
    fn those_stay_whose_turn_comes_next() {
        let mut tail = Tail::new(Logging::default(), Arc::new(Shared::default()));
        let front = 1_000_000;
        for seq in [10, 20, front, front + 10] {
            add(&mut tail, seq, EventKind::Incoming, seq);
            add(&mut tail, seq + 1, EventKind::Incoming, seq + 1);
            add(&mut tail, seq + 1, EventKind::Ended, seq + 2);
        }
        let first = |tail: &Tail, many| -> Vec<i64> {
            tail.leaving(many).into_iter().map(|(_, key)| tail.legs[&key].events[0].raw.seq).collect()
        };
        tail.front.moves(front);
        let all = [10, 11, 20, 21, front + 11, front + 1, front + 10, front];
        for many in [100, 8, 5, 1] {
            assert_eq!(first(&tail, many), all[..many.min(8)]);
        }
    }
}
