//! Journal, settings and sender, with everything allowed that a test needs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use calls::{AccountId, Event, EventKind, PbxName, PbxTime};
use delivery::connect::ConnectorOptions;
use delivery::guard::Guard;
use delivery::sender::{Sender, SenderOptions};
use journal::memory::Memory;
use journal::settings::{Account, Integration, IntegrationId, Setting, SettingKey};
use journal::{
    Append, Appended, DeliveryId, DeliveryRecord, DeliveryState, Filter, Grant, Journal, Kept, Pending,
    SettingsCache, WallTime, call_hash,
};

use super::event;

pub(crate) struct Gateway {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) book: Arc<SettingsCache>,
    pub(crate) sender: Sender,
    pub(crate) integration: IntegrationId,
}

pub(crate) fn account() -> AccountId {
    AccountId::new("1001")
}

/// All four URLs the same.
pub(crate) fn everything_to(url: &str) -> Integration {
    Integration {
        incoming_url: Some(url.to_owned()),
        answered_url: Some(url.to_owned()),
        outgoing_url: Some(url.to_owned()),
        ended_url: Some(url.to_owned()),
        ..Integration::default()
    }
}

pub(crate) fn url(address: SocketAddr) -> String {
    format!("http://{address}/hook")
}

pub(crate) fn options() -> SenderOptions {
    let guard = Guard::new(vec!["127.0.0.0/8".parse().expect("a network")]);
    SenderOptions {
        connector: ConnectorOptions { guard, ..ConnectorOptions::default() },
        ..SenderOptions::default()
    }
}

impl Gateway {
    pub(crate) async fn new(settings: Integration) -> Self {
        Self::with(Arc::new(Memory::new()), settings, options()).await
    }

    pub(crate) async fn with(
        journal: Arc<dyn Journal>,
        settings: Integration,
        options: SenderOptions,
    ) -> Self {
        let book = Arc::new(SettingsCache::load(journal.clone()).await.expect("settings"));
        let named = Setting::Account(Account::named(""));
        book.put(SettingKey::Account(account()), Some(named), None).await.expect("account");
        let (integration, _) = book.put_integration(&account(), settings, None).await.expect("integration");
        let sender = Sender::start(journal.clone(), book.clone(), options);
        Self { journal, book, sender, integration }
    }

    /// Keeps an event, and tells nobody.
    pub(crate) async fn keep(&self, event: Event) -> (Pending, Arc<Kept>) {
        let received_at = now();
        let append = Append {
            grant: Grant::ALONE,
            pbx: PbxName::new("pbx1"),
            events: vec![(event.clone(), vec![self.integration])],
            notes: Vec::new(),
            heard_at: PbxTime::from_secs(0),
            received_at,
            age: Duration::ZERO,
        };
        let appended = self.journal.append(&[append]).await.expect("append");
        let Appended::Stored(seq, _) = appended[0][0] else { panic!("not stored: {appended:?}") };
        let kept = Kept { seq, received_at, pbx: PbxName::new("pbx1"), event };
        (pending(self.integration, &kept), Arc::new(kept))
    }

    /// Keeps an event and offers it.
    pub(crate) async fn tell(&self, event: Event) -> DeliveryId {
        let fresh = self.keep(event).await;
        let id = fresh.0.id;
        self.sender.offer(vec![fresh]);
        id
    }

    pub(crate) async fn tell_one(&self, kind: EventKind, call: &str) -> DeliveryId {
        self.tell(event(kind, call)).await
    }

    pub(crate) async fn change(&self, edit: impl FnOnce(&mut Integration)) {
        let (_, settings) = self.book.integration(self.integration).expect("integration");
        let mut settings = Integration::clone(&settings);
        edit(&mut settings);
        self.book.put_integration(&account(), settings, None).await.expect("changed");
    }

    pub(crate) async fn record(&self, id: DeliveryId) -> DeliveryRecord {
        let before = (id.event.0 - 1).to_string().parse().expect("a place");
        let filter = Filter { after: Some(before), limit: 1, ..Filter::default() };
        let mut found = self.journal.deliveries(filter).await.expect("deliveries");
        found.pop().expect("the delivery")
    }

    /// Waits until a delivery is in a state.
    pub(crate) async fn reaches(
        &self,
        id: DeliveryId,
        is: impl Fn(&DeliveryState) -> bool,
    ) -> DeliveryRecord {
        let reached = async {
            loop {
                let record = self.record(id).await;
                if is(&record.state) {
                    return record;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(20), reached).await {
            Ok(record) => record,
            Err(_) => panic!("never reached; it is {:?}", self.record(id).await),
        }
    }
}

pub(crate) fn pending(integration: IntegrationId, kept: &Kept) -> Pending {
    Pending {
        id: DeliveryId { event: kept.seq, integration },
        account: kept.event.account().clone(),
        kind: kept.event.kind(),
        call_hash: call_hash(&kept.event.call),
        age: Duration::ZERO,
        attempts: 0,
        due_at_age: Duration::ZERO,
        held: false,
    }
}

pub(crate) fn now() -> WallTime {
    journal::clock::system()()
}

pub(crate) fn delivered(state: &DeliveryState) -> bool {
    *state == DeliveryState::Delivered
}

pub(crate) fn retrying(state: &DeliveryState) -> bool {
    matches!(state, DeliveryState::Retrying(_))
}
