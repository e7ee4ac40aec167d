//! A gateway of which only the live board is real: calls come and go as the bench says.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use admin::{
    AgainAll, Answer, Gateway, Granted, Link, LiveLeg, Readiness, TestAnswer, TestCall, Waiting,
    WebhookStatus,
};
use calls::{AccountId, EventKind, PbxTime};
use journal::settings::IntegrationId;
use journal::{DeliveryId, Filter};
use tokio::sync::{mpsc, watch};

/// The live legs of each account, by its number.
pub(crate) struct Busy {
    live: Mutex<Vec<VecDeque<LiveLeg>>>,
    changes: watch::Sender<u64>,
}

impl Busy {
    pub(crate) fn new(accounts: usize) -> Self {
        Self { live: Mutex::new(vec![VecDeque::new(); accounts]), changes: watch::channel(0).0 }
    }

    /// A leg begins; the oldest ends when more than so many are up.
    pub(crate) fn begin(&self, account: usize, leg: LiveLeg, at_most: usize) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live[account].push_back(leg);
        if live[account].len() > at_most {
            live[account].pop_front();
        }
        drop(live);
        self.changes.send_modify(|number| *number += 1);
    }
}

impl Gateway for Busy {
    fn links(&self) -> Vec<Link> {
        Vec::new()
    }
    fn readiness(&self) -> Readiness {
        Readiness { ready: true, ..Readiness::default() }
    }
    fn live(&self, account: &AccountId) -> Vec<LiveLeg> {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let number: usize = account.as_str().parse().unwrap_or(usize::MAX);
        live.get(number).map(|legs| legs.iter().cloned().collect()).unwrap_or_default()
    }
    fn free_since(&self, _: &AccountId) -> HashMap<String, PbxTime> {
        HashMap::new()
    }
    fn waiting(&self, _: Option<&AccountId>) -> Vec<Waiting> {
        Vec::new()
    }
    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
    fn webhooks(&self, _: IntegrationId) -> Vec<WebhookStatus> {
        Vec::new()
    }
    fn again(&self, _: DeliveryId) -> Answer<'_, Granted> {
        Box::pin(async { Ok(Granted::Done) })
    }
    fn again_all(&self, _: Filter, _: usize) -> Answer<'_, AgainAll> {
        Box::pin(async { Ok(AgainAll { sent: 3, ..AgainAll::default() }) })
    }

    fn cancel(&self, _: DeliveryId) -> Answer<'_, Granted> {
        Box::pin(async { Ok(Granted::Done) })
    }
    fn pause(&self, _: IntegrationId, _: Vec<EventKind>) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
    fn resume(&self, _: IntegrationId, _: EventKind, _: bool) -> Answer<'_, Granted> {
        Box::pin(async { Ok(Granted::Done) })
    }
    fn test_call(&self, _: TestCall) -> Answer<'_, mpsc::Receiver<TestAnswer>> {
        Box::pin(async { Ok(mpsc::channel(1).1) })
    }
    fn metrics(&self) -> String {
        String::new()
    }
}
