//! A journal in RAM: the model the others are compared with, and a store for tests. Forgets everything at
//! the end, has no bound but the memory.

mod audit;
mod deliveries;
mod events;
mod failing;
mod inbox;
mod parts;
mod settings;

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use calls::{EventId, PbxName, PbxTime, Restored};

use crate::clock::{self, Clock};
use crate::faults::{CommitPoint, Faults};
use crate::settings::{IntegrationId, Versioned};
use crate::{
    About, Answer, Append, Appended, Asked, Attempt, AuditEntry, AuditFilter, AuditPage, Cursor, DeliveryId,
    DeliveryRecord, Epoch, Erase, Erased, EventSeq, Failing, Filter, Fleet, GatewayId, Given, Grant,
    JournalError, Kept, LegRecord, Open, Part, Pending, Put, Quarter, Recent, Reply, SettingChange, Settle,
    Settled, Size, Sums, Taken, WallTime, Wish, WishId,
};

use audit::Audit;
use calls::AccountId;
use deliveries::Deliveries;
use events::Events;
use inbox::Inbox;
use parts::Parts;
use settings::Settings;

/// A journal in RAM, as one of its gateways sees it.
pub struct Memory {
    me: GatewayId,
    state: Arc<Mutex<State>>,
    faults: Faults,
    clock: Clock,
}

#[derive(Clone, Default)]
struct State {
    events: Events,
    deliveries: Deliveries,
    parts: Parts,
    inbox: Inbox,
    settings: Settings,
    audit: Audit,
    failing: failing::Notes,
}

impl State {
    /// Gateways that share it have parts.
    fn is_shared(&self) -> bool {
        self.parts.numbers().next().is_some()
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Memory {
    /// An empty one.
    pub fn new() -> Self {
        Self::with(Faults::none(), clock::system())
    }

    /// An empty one with faults and a clock of the caller's.
    pub fn with(faults: Faults, clock: Clock) -> Self {
        Self { me: GatewayId("memory".to_owned()), state: Arc::default(), faults, clock }
    }

    /// The same journal, as another gateway sees it.
    #[must_use]
    pub fn beside(&self, gateway: &str) -> Self {
        let (state, faults, clock) = (self.state.clone(), self.faults.clone(), self.clock.clone());
        Self { me: GatewayId(gateway.to_owned()), state, faults, clock }
    }

    fn read<T>(&self, ask: impl FnOnce(&State) -> T) -> Reply<'static, T>
    where
        T: Send + 'static,
    {
        ready(Ok(ask(&self.lock())))
    }

    /// Does all of it or nothing, and fails where the faults say so.
    fn write<T>(&self, change: impl FnOnce(&mut State) -> Result<T, JournalError>) -> Reply<'static, T>
    where
        T: Send + 'static,
    {
        let unwritable = |why| JournalError::Unwritable { place: "memory".to_owned(), why };
        if let Err(why) = self.faults.at(CommitPoint::Before) {
            return ready(Err(unwritable(why)));
        }
        let done = change(&mut self.lock());
        match self.faults.at(CommitPoint::After) {
            Ok(()) => ready(done),
            Err(why) => ready(Err(JournalError::Unknown { place: "memory".to_owned(), why })),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ready<T: Send + 'static>(result: Result<T, JournalError>) -> Reply<'static, T> {
    Box::pin(std::future::ready(result))
}

impl crate::Events for Memory {
    fn append<'a>(&'a self, batch: &'a [Append]) -> Reply<'a, Vec<Vec<Appended>>> {
        let now = (self.clock)();
        self.write(|state| {
            let State { events, deliveries, parts, .. } = state;
            let mut keep = |append: &Append| match parts.holds(append.grant) {
                true => events.append(append, deliveries, now),
                false => vec![Appended::Fenced; append.events.len()],
            };
            Ok(batch.iter().map(&mut keep).collect())
        })
    }

    fn restore(&self, pbx: PbxName) -> Reply<'_, Restored> {
        self.read(|state| state.events.restore(&pbx))
    }

    fn bodies(&self, events: Vec<EventSeq>) -> Reply<'_, Vec<Arc<Kept>>> {
        self.read(|state| events.into_iter().filter_map(|seq| state.events.get(seq)).collect())
    }

    fn find(&self, id: EventId) -> Reply<'_, Option<Arc<Kept>>> {
        self.read(|state| state.events.find(&id))
    }
}

impl crate::Deliveries for Memory {
    fn load(&self, grant: Grant, after: Option<DeliveryId>) -> Reply<'_, Vec<Pending>> {
        let now = (self.clock)();
        self.read(|state| state.deliveries.load(grant.part(), after, now))
    }

    fn settle<'a>(&'a self, batch: &'a [Settle]) -> Reply<'a, Vec<Settled>> {
        let now = (self.clock)();
        self.write(|state| {
            let State { events, deliveries, parts, .. } = state;
            let mut settle = |one: &Settle| match parts.holds(one.grant) {
                true => deliveries.settle(one, events.get(one.id.event).as_deref(), now),
                false => Settled::Fenced,
            };
            Ok(batch.iter().map(&mut settle).collect())
        })
    }
}

impl crate::Parts for Memory {
    fn tick<'a>(&'a self, about: &'a About) -> Reply<'a, Fleet> {
        self.write(|state| {
            let fleet = state.parts.beat(&self.me, about);
            Ok(Fleet { asked: state.inbox.parts(), ..fleet })
        })
    }

    fn take(&self, pbx: PbxName, seen: Option<Epoch>, careful: Duration) -> Reply<'_, Option<Taken>> {
        let now = (self.clock)();
        self.write(|state| Ok(state.parts.take(&self.me, pbx, seen, careful, now)))
    }

    fn release(&self, grant: Grant, why: Given) -> Reply<'_, ()> {
        let now = (self.clock)();
        self.write(|state| {
            state.parts.release(&self.me, grant, why, now);
            Ok(())
        })
    }

    fn leave(&self) -> Reply<'_, ()> {
        let now = (self.clock)();
        self.write(|state| {
            state.parts.leave(&self.me, now);
            Ok(())
        })
    }

    fn now(&self) -> Reply<'_, WallTime> {
        ready(Ok((self.clock)()))
    }

    fn ask(&self, part: Part, wish: Wish) -> Reply<'_, Asked> {
        self.write(|state| Ok(state.inbox.ask(part, wish)))
    }

    fn ask_all(&self, but: Vec<Part>, wish: Wish) -> Reply<'_, Vec<Asked>> {
        self.write(|state| {
            let State { parts, inbox, .. } = state;
            let others = parts.numbers().filter(|part| !but.contains(part));
            Ok(others.map(|part| inbox.ask(part, wish.clone())).collect())
        })
    }

    fn asked(&self, grant: Grant, after: Option<WishId>) -> Reply<'_, Vec<(WishId, Wish)>> {
        self.read(|state| state.inbox.asked(grant.part(), after))
    }

    fn answer(&self, grant: Grant, wish: WishId, answer: Answer) -> Reply<'_, ()> {
        self.write(|state| {
            if !state.parts.holds(grant) {
                return Err(JournalError::Taken { place: "memory".to_owned() });
            }
            state.inbox.answer(grant.part(), wish, answer);
            Ok(())
        })
    }

    fn answered(&self, wish: WishId) -> Reply<'_, Option<Answer>> {
        self.read(|state| state.inbox.answered(wish))
    }
}

impl crate::Settings for Memory {
    fn settings(&self) -> Reply<'_, Vec<Versioned>> {
        self.read(|state| state.settings.all())
    }

    fn put_all(&self, puts: Vec<Put>, noted: Vec<AuditEntry>) -> Reply<'_, Vec<u64>> {
        let now = (self.clock)();
        self.write(|state| {
            let versions = state.settings.put_all(puts, now)?;
            if versions.is_empty() || versions.iter().any(|version| *version > 0) {
                state.audit.append(noted);
            }
            Ok(versions)
        })
    }

    fn settings_revision(&self) -> Reply<'_, u64> {
        self.read(|state| state.settings.revision())
    }

    fn settings_since(&self, revision: u64) -> Reply<'_, Vec<SettingChange>> {
        self.read(|state| state.settings.since(revision))
    }

    fn allocate_integration(&self) -> Reply<'_, IntegrationId> {
        self.write(|state| Ok(state.settings.allocate()))
    }
}

impl crate::History for Memory {
    fn events(&self, filter: Filter) -> Reply<'_, Vec<Arc<Kept>>> {
        self.read(|state| state.events.list(&filter))
    }

    fn legs(&self, filter: Filter) -> Reply<'_, Vec<LegRecord>> {
        self.read(|state| state.events.legs(&filter))
    }

    fn sums(&self, account: AccountId, within: Range<PbxTime>) -> Reply<'_, Sums> {
        self.read(|state| state.events.sums(&account, &within))
    }

    fn recent(&self, of: Vec<(AccountId, Quarter)>) -> Reply<'_, Vec<Recent>> {
        self.read(|state| of.iter().map(|(account, since)| state.events.recent(account, *since)).collect())
    }

    fn deliveries(&self, filter: Filter) -> Reply<'_, Vec<DeliveryRecord>> {
        self.read(|state| state.deliveries.list(&filter, state.events.page(&filter)))
    }

    fn attempts(&self, id: DeliveryId) -> Reply<'_, Vec<Attempt>> {
        self.read(|state| state.deliveries.attempts(id))
    }

    fn followed(&self, account: AccountId, after: Vec<EventSeq>) -> Reply<'_, Option<Vec<Arc<Kept>>>> {
        self.read(|state| state.is_shared().then(|| state.events.followed(&account, &after)))
    }

    fn reached(&self, account: AccountId) -> Reply<'_, Vec<EventSeq>> {
        self.read(|state| state.events.reached(&account))
    }

    fn open(&self, accounts: Vec<AccountId>) -> Reply<'_, Vec<Open>> {
        self.read(|state| state.events.open(&accounts))
    }
}

impl crate::Upkeep for Memory {
    fn prune(&self, account: Option<AccountId>, before: WallTime) -> Reply<'_, u64> {
        self.write(|state| {
            let State { events, deliveries, .. } = state;
            Ok(events.prune(account.as_ref(), before, deliveries))
        })
    }

    fn erase(&self, account: AccountId, whose: Erase, after: Cursor) -> Reply<'_, Erased> {
        self.write(|state| {
            let State { events, deliveries, .. } = state;
            Ok(events.erase(&account, &whose, after, deliveries))
        })
    }

    fn kept_within(&self, account: AccountId, bytes: u64) -> Reply<'_, Option<WallTime>> {
        self.read(|state| state.events.kept_within(&account, bytes, &state.deliveries))
    }

    fn failing(&self) -> Reply<'_, Vec<Failing>> {
        self.read(|state| state.failing.all())
    }

    fn note_failing(&self, notes: Vec<Failing>) -> Reply<'_, ()> {
        self.write(|state| {
            let is_shared = state.is_shared();
            notes.into_iter().for_each(|note| state.failing.note(note, is_shared));
            Ok(())
        })
    }

    fn end_failing(&self, note: Failing) -> Reply<'_, bool> {
        self.write(|state| Ok(!state.is_shared() || state.failing.end(note, &self.me)))
    }

    fn size(&self) -> Reply<'_, Size> {
        self.read(|state| Size {
            bytes: 0,
            used: 0,
            events: state.events.count(),
            pending: state.deliveries.pending_count(),
            not_rolled_up: 0,
        })
    }

    fn newest_event_at(&self) -> Reply<'_, Option<WallTime>> {
        self.read(|state| state.events.newest_at())
    }

    fn audit(&self, filter: AuditFilter) -> Reply<'_, AuditPage> {
        self.read(|state| state.audit.page(&filter))
    }

    fn prune_audit(&self, before: WallTime) -> Reply<'_, u64> {
        self.write(|state| Ok(state.audit.prune(before)))
    }
}
