//! Who rings, talks and dials right now: the legs that have begun and not ended, by account.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use admin::{LiveLeg, Waiting};

use crate::waiting::Queues;
use calls::{AccountId, Direction, Event, Input, LegId, Note, OpenLeg, PbxName, PbxTime, Restored, What};
use tokio::sync::watch;

/// So many legs are shown; more are counted by the tracker and not listed here.
const MAX_LEGS: usize = 500_000;
/// Of so many employees it is known since when they are free.
const MAX_FREED: usize = 200_000;

/// The live legs.
pub struct Board {
    legs: Mutex<Legs>,
    queues: Mutex<Queues>,
    changes: watch::Sender<u64>,
    /// How many legs began since the start.
    begun: AtomicU64,
}

#[derive(Default)]
struct Legs {
    accounts: HashMap<AccountId, BTreeMap<LegId, LiveLeg>>,
    owners: HashMap<LegId, AccountId>,
    /// Since when employees are free who were not: by their numbers.
    freed: HashMap<AccountId, HashMap<String, PbxTime>>,
    freed_count: usize,
}

impl Default for Board {
    fn default() -> Self {
        Self {
            legs: Mutex::default(),
            queues: Mutex::default(),
            changes: watch::Sender::new(0),
            begun: AtomicU64::default(),
        }
    }
}

impl Board {
    /// Puts up the legs that were open when the program stopped.
    pub fn restore(&self, pbx: &PbxName, restored: &Restored) {
        let mut all = self.legs.lock().unwrap_or_else(PoisonError::into_inner);
        for leg in &restored.legs {
            all.begin(Arc::new(begun(leg)), leg.answered_at);
        }
        all.note(pbx, &restored.notes);
    }

    /// Takes in what was kept.
    pub fn kept<'a>(&self, pbx: &PbxName, events: impl Iterator<Item = &'a Event>, notes: &[Note]) {
        let mut all = self.legs.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            if !event.queue.is_empty() {
                self.lock_queues().rang(pbx, event);
            }
            match &event.what {
                What::Incoming | What::Outgoing => {
                    self.begun.fetch_add(1, Ordering::Relaxed);
                    all.begin(Arc::new(event.clone()), None);
                }
                What::Answered => all.answer(&event.leg, event.at),
                What::Ended(_) => all.end(&event.leg, event.at),
            }
        }
        all.note(pbx, notes);
        drop(all);
        self.changed();
    }

    /// Takes in what a PBX says of who waits in its queues; `is_withheld` tells of a channel whether its number must
    /// not be shown.
    pub fn heard(&self, pbx: &PbxName, at: PbxTime, input: &Input<'_>, is_withheld: impl Fn(&str) -> bool) {
        if Queues::is_about(input) && self.lock_queues().heard(pbx, at, input, is_withheld) {
            self.changed();
        }
    }

    /// Who waits in an account's queues, the longest first; for `None`, in those that are no one account's.
    pub fn waiting(&self, account: Option<&AccountId>) -> Vec<Waiting> {
        self.lock_queues().waiting(account)
    }

    /// Since when an account's employees are free, of those that were not since the start.
    pub fn free_since(&self, account: &AccountId) -> HashMap<String, PbxTime> {
        let all = self.legs.lock().unwrap_or_else(PoisonError::into_inner);
        all.freed.get(account).cloned().unwrap_or_default()
    }

    fn lock_queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes down what is up of a PBX that is followed no more.
    pub fn forget(&self, pbx: &PbxName) {
        self.forget_legs(pbx);
        // Nor who waits there: as where a link is lost.
        self.lock_queues().heard(pbx, PbxTime::from_secs(0), &Input::LinkLost, |_| false);
        self.changed();
    }

    /// Takes down the legs of a PBX that is followed on behind another gateway.
    pub fn forget_legs(&self, pbx: &PbxName) {
        let mut all = self.legs.lock().unwrap_or_else(PoisonError::into_inner);
        // No name of a PBX has a dash.
        let prefix = LegId::of(pbx, "").to_string();
        let gone: Vec<LegId> =
            all.owners.keys().filter(|leg| leg.as_str().starts_with(&prefix)).cloned().collect();
        gone.iter().for_each(|leg| all.take_down(leg));
        drop(all);
        self.changed();
    }

    /// How many legs began since the start.
    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Something else that people look at changed.
    pub fn changed(&self) {
        self.changes.send_modify(|number| *number = number.wrapping_add(1));
    }

    /// Follows the changes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The legs of an account that are up now, oldest first.
    pub fn live(&self, account: &AccountId) -> Vec<LiveLeg> {
        let all = self.legs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut legs: Vec<LiveLeg> =
            all.accounts.get(account).map(|legs| legs.values().cloned().collect()).unwrap_or_default();
        legs.sort_by_key(|leg| leg.begun.begun_at);
        legs
    }
}

impl Legs {
    fn begin(&mut self, begun: Arc<Event>, answered_at: Option<PbxTime>) {
        if self.owners.len() >= MAX_LEGS {
            return;
        }
        let (leg, account) = (begun.leg.clone(), begun.account().clone());
        self.owners.insert(leg.clone(), account.clone());
        self.accounts.entry(account).or_default().entry(leg).or_insert(LiveLeg {
            begun,
            answered_at,
            held_since: None,
        });
    }

    fn answer(&mut self, leg: &LegId, at: PbxTime) {
        let Some(account) = self.owners.get(leg) else { return };
        if let Some(live) = self.accounts.get_mut(account).and_then(|legs| legs.get_mut(leg)) {
            live.answered_at.get_or_insert(at);
        }
    }

    /// What no event tells: the other side's answer, and holding.
    fn note(&mut self, pbx: &PbxName, notes: &[Note]) {
        for note in notes {
            let leg = LegId::of(pbx, &note.channel);
            if let Some(at) = note.kept.as_ref().and_then(|kept| kept.answered_at) {
                self.answer(&leg, at);
            }
            self.hold(&leg, note.kept.as_ref().and_then(|kept| kept.held_since));
        }
    }

    fn hold(&mut self, leg: &LegId, since: Option<PbxTime>) {
        let Some(account) = self.owners.get(leg) else { return };
        if let Some(live) = self.accounts.get_mut(account).and_then(|legs| legs.get_mut(leg)) {
            live.held_since = since;
        }
    }

    /// Nobody knows what becomes of it.
    fn take_down(&mut self, leg: &LegId) {
        let Some(account) = self.owners.remove(leg) else { return };
        if let Some(legs) = self.accounts.get_mut(&account) {
            legs.remove(leg);
            if legs.is_empty() {
                self.accounts.remove(&account);
            }
        }
    }

    fn end(&mut self, leg: &LegId, at: PbxTime) {
        let Some(account) = self.owners.remove(leg) else { return };
        if let Some(legs) = self.accounts.get_mut(&account) {
            if let Some(gone) = legs.remove(leg) {
                let number = gone.begun.phone.employee_number().to_owned();
                let known = self.freed.entry(account.clone()).or_default();
                if let Some(since) = known.get_mut(&number) {
                    *since = at;
                } else if self.freed_count < MAX_FREED {
                    self.freed_count += 1;
                    known.insert(number, at);
                }
            }
            if legs.is_empty() {
                self.accounts.remove(&account);
            }
        }
    }
}

/// The event a leg began with.
pub(crate) fn begun(leg: &OpenLeg) -> Event {
    Event {
        leg: leg.leg.clone(),
        call: leg.call.clone(),
        sequence: 1,
        phone: leg.phone.clone(),
        direction: leg.direction,
        at: leg.begun_at,
        begun_at: leg.begun_at,
        waiting_since: leg.waiting_since,
        counterpart: leg.counterpart.clone(),
        a_number: leg.a_number.clone(),
        b_number: leg.b_number.clone(),
        dialed_number: leg.dialed_number.clone(),
        queue: leg.queue.clone(),
        assumed: false,
        what: match leg.direction {
            Direction::Incoming => What::Incoming,
            Direction::Outgoing => What::Outgoing,
        },
    }
}
