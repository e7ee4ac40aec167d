//! The inboxes of parts in RAM.

use std::collections::BTreeMap;

use crate::{Answer, Asked, FACTS_OF_A_PART, Part, WISHES_OF_A_PART, Wish, WishId};

#[derive(Clone, Default)]
pub(super) struct Inbox {
    rows: BTreeMap<WishId, Row>,
    given: i64,
}

#[derive(Clone)]
struct Row {
    part: Part,
    wish: Wish,
    answer: Option<Answer>,
}

impl Inbox {
    pub(super) fn ask(&mut self, part: Part, wish: Wish) -> Asked {
        let waits = || self.rows.iter().filter(|(_, row)| row.part == part && row.answer.is_none());
        if let Some((id, _)) = waits().find(|(_, row)| row.wish == wish) {
            return Asked::Waits(*id);
        }
        let of_its_kind = waits().filter(|(_, row)| row.wish.is_a_persons() == wish.is_a_persons()).count();
        if of_its_kind >= if wish.is_a_persons() { WISHES_OF_A_PART } else { FACTS_OF_A_PART } {
            return Asked::Full;
        }
        self.given += 1;
        let id = WishId(self.given);
        self.rows.insert(id, Row { part, wish, answer: None });
        Asked::Waits(id)
    }

    pub(super) fn asked(&self, part: Part, after: Option<WishId>) -> Vec<(WishId, Wish)> {
        let waits = self.rows.iter().filter(|(id, row)| {
            row.part == part && row.answer.is_none() && after.is_none_or(|after| **id > after)
        });
        waits.map(|(id, row)| (*id, row.wish.clone())).collect()
    }

    /// Parts whose owner is asked something.
    pub(super) fn parts(&self) -> Vec<Part> {
        let waits = self.rows.values().filter(|row| row.answer.is_none());
        let all: std::collections::BTreeSet<Part> = waits.map(|row| row.part).collect();
        all.into_iter().collect()
    }

    pub(super) fn answer(&mut self, part: Part, id: WishId, answer: Answer) {
        if let Some(row) = self.rows.get_mut(&id).filter(|row| row.part == part) {
            row.answer.get_or_insert(answer);
        }
    }

    pub(super) fn answered(&self, id: WishId) -> Option<Answer> {
        self.rows.get(&id)?.answer.clone()
    }
}
