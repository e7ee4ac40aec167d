//! Who waits in a queue right now, as the PBXs say it: kept nowhere, gone with the link.
//!
//! A queue belongs to the account whose phones it rings, which is learned from the calls that ring. One that rings
//! phones of several accounts, or of none so far, is nobody's but the operator's.

use std::collections::{BTreeSet, HashMap};

use admin::Waiting;
use calls::{AccountId, Event, Input, PbxName, PbxTime, Presentation, What};

/// So many are known at once; more are not shown.
const MAX_CALLERS: usize = 10_000;
/// Of so many queues it is known whose they are.
const MAX_QUEUES: usize = 10_000;

type Channel = (PbxName, String);
type Queue = (PbxName, String);

/// The callers, and whose queues they wait in.
#[derive(Default)]
pub(crate) struct Queues {
    callers: HashMap<Channel, (String, String, PbxTime)>,
    rings: HashMap<Queue, BTreeSet<AccountId>>,
}

impl Queues {
    /// Whether what a PBX says can change who waits: most of it cannot, and costs nothing.
    pub(crate) const fn is_about(input: &Input<'_>) -> bool {
        matches!(
            input,
            Input::QueueEntered { .. }
                | Input::QueueLeft { .. }
                | Input::Gone { .. }
                | Input::LinkLost
                | Input::Restarted
        )
    }

    /// Takes in what a PBX says; `is_withheld` tells of a channel whether its number must not be shown. Whether
    /// anything changed.
    pub(crate) fn heard(
        &mut self,
        pbx: &PbxName,
        at: PbxTime,
        input: &Input<'_>,
        is_withheld: impl Fn(&str) -> bool,
    ) -> bool {
        match input {
            Input::QueueEntered { who, queue } if self.callers.len() < MAX_CALLERS => {
                let withheld = who.presentation == Presentation::Withheld || is_withheld(who.id);
                let shown = if withheld { "" } else { who.number };
                let caller = ((*queue).to_owned(), shown.to_owned(), at);
                self.callers.insert((pbx.clone(), who.id.to_owned()), caller);
                true
            }
            Input::QueueLeft { who } | Input::Gone { who, .. } => {
                !self.callers.is_empty() && self.callers.remove(&(pbx.clone(), who.id.to_owned())).is_some()
            }
            Input::LinkLost | Input::Restarted => self.lost(pbx),
            _ => false,
        }
    }

    /// Who waits there is not known any more.
    fn lost(&mut self, pbx: &PbxName) -> bool {
        let before = self.callers.len();
        self.callers.retain(|(of, _), _| of != pbx);
        self.callers.len() != before
    }

    /// A phone rang: whose phones its queue rings is known a little better.
    pub(crate) fn rang(&mut self, pbx: &PbxName, event: &Event) {
        if !matches!(event.what, What::Incoming) || event.queue.is_empty() {
            return;
        }
        let queue = (pbx.clone(), event.queue.to_string());
        if self.rings.len() < MAX_QUEUES || self.rings.contains_key(&queue) {
            self.rings.entry(queue).or_default().insert(event.account().clone());
        }
    }

    /// Who waits, the longest first: in an account's queues, or in those that are no account's.
    pub(crate) fn waiting(&self, account: Option<&AccountId>) -> Vec<Waiting> {
        let mut all: Vec<Waiting> = self
            .callers
            .iter()
            .filter(|((pbx, _), (queue, ..))| self.owner(pbx, queue) == account)
            .map(|((pbx, _), (queue, number, since))| Waiting {
                pbx: pbx.to_string(),
                queue: queue.clone(),
                number: number.clone(),
                since: *since,
            })
            .collect();
        all.sort_by(|one, other| (one.since, &one.number).cmp(&(other.since, &other.number)));
        all
    }

    fn owner(&self, pbx: &PbxName, queue: &str) -> Option<&AccountId> {
        let accounts = self.rings.get(&(pbx.clone(), queue.to_owned()))?;
        let mut accounts = accounts.iter();
        accounts.next().filter(|_| accounts.next().is_none())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use calls::{CallId, Cause, Device, Direction, LegId, Phone, Seen};

    use super::*;

    fn rings(account: &str, queue: &str) -> Event {
        Event {
            leg: LegId::new("pbx1-1.1"),
            call: CallId::new("pbx1-1.0"),
            sequence: 1,
            phone: Arc::new(Phone { account: AccountId::new(account), number: "101".into(), employee: None }),
            direction: Direction::Incoming,
            at: PbxTime::from_secs(0),
            begun_at: PbxTime::from_secs(0),
            waiting_since: None,
            counterpart: None,
            a_number: "".into(),
            b_number: "".into(),
            dialed_number: "".into(),
            queue: queue.into(),
            assumed: false,
            what: What::Incoming,
        }
    }

    fn seen<'a>(id: &'a str, number: &'a str) -> Seen<'a> {
        Seen { number, presentation: Presentation::Allowed, ..Seen::of(id, Device::Machine) }
    }

    #[test]
    fn a_queue_is_the_accounts_whose_phones_it_rings_and_the_operators_where_that_is_not_one() {
        let (pbx, one) = (PbxName::new("pbx1"), AccountId::new("1"));
        let mut queues = Queues::default();
        for (id, queue, at) in
            [("c2", "sales", 20), ("c1", "sales", 10), ("c3", "both", 30), ("c4", "new", 40)]
        {
            assert!(queues.heard(
                &pbx,
                PbxTime::from_secs(at),
                &Input::QueueEntered { who: seen(id, id), queue },
                |_| id == "c3"
            ));
        }
        queues.rang(&pbx, &rings("1", "sales"));
        queues.rang(&pbx, &rings("1", "both"));
        queues.rang(&pbx, &rings("2", "both"));
        let numbers = |of: Option<&AccountId>| {
            queues.waiting(of).iter().map(|one| one.number.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(numbers(Some(&one)), "c1 c2", "the longest first");
        assert_eq!(numbers(Some(&AccountId::new("2"))), "");
        assert_eq!(numbers(None), " c4", "a withheld number is not shown");
    }

    #[test]
    fn who_is_taken_hangs_up_or_is_behind_a_lost_link_waits_no_more() {
        let pbx = PbxName::new("pbx1");
        let mut queues = Queues::default();
        for id in ["a", "b", "c"] {
            queues.heard(
                &pbx,
                PbxTime::from_secs(1),
                &Input::QueueEntered { who: seen(id, id), queue: "q" },
                |_| false,
            );
        }
        assert!(
            queues.heard(&pbx, PbxTime::from_secs(2), &Input::QueueLeft { who: seen("a", "a") }, |_| false)
        );
        let gone = Input::Gone { who: seen("b", "b"), cause: Cause::Normal };
        assert!(queues.heard(&pbx, PbxTime::from_secs(2), &gone, |_| false));
        assert!(!queues.heard(&pbx, PbxTime::from_secs(2), &gone, |_| false), "nothing changes twice");
        assert_eq!(queues.waiting(None).len(), 1);
        let lost =
            |queues: &mut Queues| queues.heard(&pbx, PbxTime::from_secs(3), &Input::LinkLost, |_| false);
        assert!(lost(&mut queues) && !lost(&mut queues));
        assert!(queues.waiting(None).is_empty());
    }
}
