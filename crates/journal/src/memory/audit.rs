//! The audit log in RAM.

use std::collections::BTreeMap;

use crate::audit::{AUDIT_KEPT_AT_MOST, AUDIT_OF_PEOPLE_KEPT, AUDIT_PRUNED_AT_ONCE};
use crate::{ActorKind, AuditEntry, AuditFilter, AuditPage, Cursor, WallTime};

#[derive(Clone, Default)]
pub(super) struct Audit {
    entries: BTreeMap<i64, AuditEntry>,
    last: i64,
}

impl Audit {
    pub(super) fn append(&mut self, entries: Vec<AuditEntry>) {
        for entry in entries {
            self.last += 1;
            self.entries.insert(self.last, entry.bounded());
        }
    }

    pub(super) fn page(&self, filter: &AuditFilter) -> AuditPage {
        let before = filter.after.map_or(i64::MAX, |cursor| cursor.place);
        let asked = |entry: &AuditEntry| {
            filter.account.as_ref().is_none_or(|account| entry.account.as_ref() == Some(account))
                && filter.actor.as_ref().is_none_or(|actor| entry.actor == *actor)
                && filter.kind.is_none_or(|kind| entry.kind == kind)
        };
        let found: Vec<_> = self.entries.range(..before).rev().filter(|(_, entry)| asked(entry)).collect();
        let page = &found[..found.len().min(filter.bounded_limit())];
        AuditPage {
            entries: page.iter().map(|(_, entry)| (*entry).clone()).collect(),
            next: page.last().filter(|_| page.len() < found.len()).map(|(id, _)| Cursor::at(**id)),
        }
    }

    pub(super) fn prune(&mut self, before: WallTime) -> u64 {
        let (mut people, mut others) = (0, 0);
        let mut gone = Vec::new();
        for (id, entry) in self.entries.iter().rev() {
            let of_people = entry.kind == ActorKind::Person;
            let newer = if of_people { &mut people } else { &mut others };
            let old = entry.at < before && (!of_people || *newer >= AUDIT_OF_PEOPLE_KEPT);
            if *id != self.last && (old || *newer >= AUDIT_KEPT_AT_MOST) {
                gone.push(*id);
            }
            *newer += 1;
        }
        let oldest = gone.iter().rev().take(AUDIT_PRUNED_AT_ONCE);
        oldest.filter_map(|id| self.entries.remove(id)).count() as u64
    }
}
