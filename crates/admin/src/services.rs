//! How things stand right now, as people are told it before they ask: the four web services of an account, who is
//! free since when, who waits in a queue.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use calls::{EventKind, PbxTime};
use delivery::sender::{HOURS, Hour, WebhookStatus};
use journal::settings::{Holder, Integration, Pause};
use journal::{AccountSettings, DeliveryState, Reason, WallTime};

use crate::{Actor, Admin, Refusal, Waiting};

/// A web service that takes so long on average is slow.
pub const SLOW: Duration = Duration::from_secs(2);

/// The events in the order of the contract.
const ORDER: [EventKind; 4] =
    [EventKind::Answered, EventKind::Ended, EventKind::Outgoing, EventKind::Incoming];

/// Where a web service stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceState {
    /// No URL is entered.
    Off,
    /// Its events are kept.
    Paused(Pause),
    /// Nothing was sent to it since the program began.
    Unused,
    /// The last request was taken.
    Works {
        /// How long one takes; on average over the last hour in which any was taken.
        took: Duration,
    },
    /// The same, but it takes long.
    Slow {
        /// How long one takes.
        took: Duration,
    },
    /// The last request failed; not so often yet that it is left alone.
    Unsteady {
        /// Since when nothing was taken.
        since: WallTime,
        /// What it answered last, where it did.
        why: Option<Arc<Reason>>,
        /// When it is tried next.
        next_try: Option<WallTime>,
    },
    /// It failed five times in a row or more, and is tried now and then only.
    Failing {
        /// Since when nothing was taken.
        since: WallTime,
        /// What it answered last, where it did.
        why: Option<Arc<Reason>>,
        /// When it is tried next; now, where there is no moment.
        next_try: Option<WallTime>,
    },
}

/// What a delivery that is not through yet waits for, beyond its own next attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitsFor {
    /// Its web service fails, and is tried now and then only; why, where that is known.
    Failing(Option<Arc<Reason>>),
    /// An earlier delivery of the same call, which is tried again.
    Earlier,
    /// Its turn: so many requests a second are made, and not more.
    Rate,
    /// Somebody to resume the web service.
    Pause,
    /// Nothing: the web service was switched off, and it is cancelled when its turn comes.
    Off,
}

impl WaitsFor {
    /// Its code.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Failing(_) => "web_service_fails",
            Self::Earlier => "earlier_delivery",
            Self::Rate => "rate",
            Self::Pause => "web_service_paused",
            Self::Off => "web_service_off",
        }
    }

    /// Of a delivery in a state, by how its account's web services are doing.
    pub fn of(services: &[Service], kind: EventKind, state: &DeliveryState) -> Option<Self> {
        let service = services.iter().find(|one| one.kind == kind);
        let paced = service.is_some_and(|one| one.paced);
        match (state, service.map(|one| &one.state)) {
            (
                DeliveryState::Waiting | DeliveryState::Retrying(_),
                Some(ServiceState::Failing { why, .. }),
            ) => Some(Self::Failing(why.clone())),
            (DeliveryState::Waiting | DeliveryState::Retrying(_), Some(ServiceState::Off)) => Some(Self::Off),
            (DeliveryState::Waiting, Some(ServiceState::Unsteady { .. })) => Some(Self::Earlier),
            (DeliveryState::Waiting, _) if paced => Some(Self::Rate),
            (DeliveryState::Paused, _) => Some(Self::Pause),
            _ => None,
        }
    }
}

/// One of the four web services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The kind of event it is called for.
    pub kind: EventKind,
    /// Its URL; empty for none.
    pub url: String,
    /// Where it stands.
    pub state: ServiceState,
    /// How many deliveries wait for its URL; what is kept by a pause is not counted.
    pub waiting: u32,
    /// Whether they wait because as many requests went out as the account takes in a second.
    pub paced: bool,
    /// The requests of the last day, hour by hour, the oldest first; counted since the program began.
    pub day: [Hour; HOURS],
}

impl Service {
    /// The requests of the last day in all.
    pub fn whole_day(&self) -> Hour {
        let mut all = Hour::default();
        self.day.iter().for_each(|hour| all.add(hour));
        all
    }

    fn of(kind: EventKind, integration: Option<&Integration>, running: &[WebhookStatus]) -> Self {
        let url = integration.and_then(|one| one.url(kind)).unwrap_or_default();
        let found = running.iter().find_map(|hook| {
            let at = hook.kinds.iter().position(|serves| *serves == kind)?;
            Some((hook, hook.days.get(at).copied().unwrap_or_default()))
        });
        let day = found.map(|(_, day)| day).unwrap_or_default();
        let pause = integration.and_then(|one| one.paused.get(&kind));
        let state = match (url.is_empty(), pause, found) {
            (true, ..) => ServiceState::Off,
            (false, Some(pause), _) => ServiceState::Paused(pause.clone()),
            (false, None, None) => ServiceState::Unused,
            (false, None, Some((hook, _))) => running_state(hook, &day),
        };
        let paced = found.is_some_and(|(hook, _)| hook.paced);
        let waiting = found.map_or(0, |(hook, _)| hook.pending);
        Self { kind, url: url.to_owned(), state, waiting, paced, day }
    }
}

fn running_state(hook: &WebhookStatus, day: &[Hour; HOURS]) -> ServiceState {
    let last = hook.last.as_ref();
    if let Some(since) = hook.failing_since {
        let (why, next_try) = (last.and_then(|last| last.reason.clone()), hook.next_try);
        return match hook.troubled {
            true => ServiceState::Failing { since, why, next_try },
            false => ServiceState::Unsteady { since, why, next_try },
        };
    }
    let Some(last) = last else { return ServiceState::Unused };
    let took = day.iter().rev().find_map(Hour::mean).unwrap_or(last.took);
    if took >= SLOW { ServiceState::Slow { took } } else { ServiceState::Works { took } }
}

impl Admin {
    /// Since when the employees of an account that was read are free, as far as that is known.
    pub fn free_since(&self, account: &AccountSettings) -> HashMap<String, PbxTime> {
        self.gateway.free_since(&account.id)
    }

    /// The employees of an account that was read who have phones none of which can be reached, by the PBXs' own word.
    pub fn away(&self, account: &AccountSettings) -> BTreeSet<String> {
        let away = self.gateway.away(&account.id);
        let mut here = BTreeSet::new();
        let mut gone = BTreeSet::new();
        for (number, (phone, _)) in account.phones.iter() {
            let holder = match &phone.holder {
                Holder::SameNumber => number,
                Holder::Employee(number) => number,
                Holder::Nobody => continue,
            };
            let side = if away.contains(number) { &mut gone } else { &mut here };
            side.insert(holder.clone());
        }
        gone.difference(&here).cloned().collect()
    }

    /// Who waits in the queues of an account that was read, the longest first.
    pub fn waiting_in(&self, account: &AccountSettings) -> Vec<Waiting> {
        self.gateway.waiting(Some(&account.id))
    }

    /// Who waits in queues that are no one account's: for operators.
    pub fn waiting_elsewhere(&self, actor: &Actor) -> Result<Vec<Waiting>, Refusal> {
        Self::operates(actor)?;
        Ok(self.gateway.waiting(None))
    }

    /// How the four web services of an account are doing, in the order of the contract.
    pub fn services(&self, actor: &Actor, account: &str) -> Result<Vec<Service>, Refusal> {
        let account = self.account(actor, account)?;
        Ok(self.services_of(&account))
    }

    /// The same, of an account that was read already.
    pub fn services_of(&self, account: &AccountSettings) -> Vec<Service> {
        let found = account.integration();
        let running = found.map(|(id, ..)| self.gateway.webhooks(id)).unwrap_or_default();
        let integration = found.map(|(_, one, _)| &**one);
        ORDER.into_iter().map(|kind| Service::of(kind, integration, &running)).collect()
    }
}

#[cfg(test)]
mod tests {
    use delivery::sender::LastAnswer;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn hook(troubled: bool, failing: bool, took: Duration) -> WebhookStatus {
        let mut day = [Hour::default(); HOURS];
        day[HOURS - 1] = Hour { taken: 2, took: took * 2, ..Hour::default() };
        WebhookStatus {
            kinds: vec![EventKind::Ended],
            pending: 12,
            in_flight: 0,
            troubled,
            failing_since: failing.then_some(WallTime(7)),
            next_try: Some(WallTime(9)),
            paced: troubled,
            last: Some(LastAnswer {
                at: WallTime(8),
                status: Some(503),
                reason: failing.then(|| Arc::new(Reason::status(503))),
                took,
            }),
            days: vec![day],
        }
    }

    #[test]
    fn what_a_delivery_waits_for_is_what_its_web_service_does() {
        let to = Integration { ended_url: Some("https://a.example/".into()), ..Integration::default() };
        let waits = |running: &[WebhookStatus], state| {
            let services = [Service::of(EventKind::Ended, Some(&to), running)];
            WaitsFor::of(&services, EventKind::Ended, &state)
        };
        let fails = WaitsFor::Failing(Some(Arc::new(Reason::status(503))));
        let later = || DeliveryState::Retrying(WallTime(9));
        assert_eq!(waits(&[hook(true, true, MS)], DeliveryState::Waiting), Some(fails.clone()));
        assert_eq!(waits(&[hook(true, true, MS)], later()), Some(fails));
        assert_eq!(waits(&[hook(false, true, MS)], DeliveryState::Waiting), Some(WaitsFor::Earlier));
        assert_eq!(waits(&[hook(false, true, MS)], later()), None, "its own next attempt says all");
        assert_eq!(waits(&[hook(false, false, MS)], DeliveryState::Waiting), None);
        assert_eq!(waits(&[], DeliveryState::Paused), Some(WaitsFor::Pause));
        let services = [Service::of(EventKind::Ended, None, &[])];
        assert_eq!(WaitsFor::of(&services, EventKind::Ended, &later()), Some(WaitsFor::Off));
    }

    #[test]
    fn each_state_is_told_apart() {
        let to = Integration { ended_url: Some("https://a.example/".into()), ..Integration::default() };
        let state = |running: &[WebhookStatus]| Service::of(EventKind::Ended, Some(&to), running).state;
        let why = Some(Arc::new(Reason::status(503)));
        let (since, next_try) = (WallTime(7), Some(WallTime(9)));
        assert_eq!(Service::of(EventKind::Incoming, Some(&to), &[]).state, ServiceState::Off);
        assert_eq!(state(&[]), ServiceState::Unused);
        assert_eq!(state(&[hook(false, false, 40 * MS)]), ServiceState::Works { took: 40 * MS });
        assert_eq!(state(&[hook(false, false, SLOW)]), ServiceState::Slow { took: SLOW });
        let unsteady = ServiceState::Unsteady { since, why: why.clone(), next_try };
        assert_eq!(state(&[hook(false, true, MS)]), unsteady);
        assert_eq!(state(&[hook(true, true, MS)]), ServiceState::Failing { since, why, next_try });
        let told = Service::of(EventKind::Ended, Some(&to), &[hook(true, true, MS)]);
        assert_eq!((told.waiting, told.paced, told.whole_day().taken), (12, true, 2));
    }
}
