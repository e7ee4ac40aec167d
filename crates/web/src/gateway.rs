//! What the window and the API ask of the running gateway. The program implements it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use calls::{AccountId, Event, EventKind, PbxTime};
use delivery::reason::english;
use journal::settings::IntegrationId;
use journal::{DeliveryId, Reason, WallTime};
use tokio::sync::{mpsc, watch};

/// A reply that may take a while.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, GatewayError>> + Send + 'a>>;

/// Why the gateway could not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// There is no such thing.
    #[error("there is no such delivery, integration or employee any more")]
    Gone,
    /// It cannot be done as things are.
    #[error("{}", english(.0))]
    Refused(Reason),
    /// It cannot be done right now; why, for a person.
    #[error("{0}")]
    Unavailable(String),
}

/// Where a link to a PBX stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Connecting, logging in or reading what is up.
    Connecting,
    /// Up and followed.
    Up,
    /// Down; to be tried again.
    Down {
        /// Why, and how to mend it, for a person.
        why: String,
    },
}

/// A link to a PBX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The PBX's name in the configuration.
    pub name: String,
    /// Host and port.
    pub address: String,
    /// Where it stands.
    pub state: LinkState,
    /// Since when.
    pub since: Option<WallTime>,
    /// How far the stream is behind the PBX's clock, where known.
    pub lag: Option<Duration>,
    /// The last error; empty for none.
    pub last_error: String,
    /// The rights that are missing there, in words; empty when all are there.
    pub missing_rights: Vec<String>,
    /// What the PBX says it is; empty while unknown.
    pub version: String,
    /// Channels up now.
    pub channels: u64,
    /// Legs up now.
    pub legs: u64,
}

/// Whether the gateway does its work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// It does.
    pub ready: bool,
    /// What is wrong, in words.
    pub reasons: Vec<String>,
}

/// A leg that has begun and not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveLeg {
    /// The event it began with.
    pub begun: Arc<Event>,
    /// When it, or on an outgoing leg the other side, answered.
    pub answered_at: Option<PbxTime>,
    /// Since when the employee has the other side on hold.
    pub held_since: Option<PbxTime>,
}

/// A test call: events with recognisable test values, sent at once and kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestCall {
    /// The account.
    pub account: AccountId,
    /// The employee it is for, by local number.
    pub employee: String,
}

/// What came of one event of a test call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestAnswer {
    /// The event.
    pub kind: EventKind,
    /// Method and target as sent; empty if it could not be sent at all.
    pub request_line: String,
    /// The body as sent.
    pub request_body: String,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// What went wrong; nothing on success.
    pub reason: Option<Reason>,
    /// How long it took.
    pub took: Duration,
    /// The first of what was answered.
    pub response_body: String,
}

impl TestAnswer {
    /// Whether the receiver took it.
    pub fn accepted(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status)) && self.reason.is_none()
    }
}

/// The running gateway.
pub trait Gateway: Send + Sync + 'static {
    /// The links to the PBXs, in the configuration's order.
    fn links(&self) -> Vec<Link>;

    /// Whether it does its work: at least the journal can be written.
    fn readiness(&self) -> Readiness;

    /// The legs of an account that are up now, oldest first.
    fn live(&self, account: &AccountId) -> Vec<LiveLeg>;

    /// Changes whenever a leg begins, is answered or ends, or a link changes.
    fn changes(&self) -> watch::Receiver<u64>;

    /// Whether the address guard lets a URL of good form through as far as can be told without asking DNS;
    /// `Err` says why not, and who can allow it.
    fn check_url(&self, url: &str) -> Result<(), Reason>;

    /// Sends a delivery again, now.
    fn again(&self, id: DeliveryId) -> Answer<'_, ()>;

    /// Gives a waiting delivery up.
    fn cancel(&self, id: DeliveryId) -> Answer<'_, ()>;

    /// Pauses a webhook: its events are kept.
    fn pause(&self, integration: IntegrationId, kind: EventKind) -> Answer<'_, ()>;

    /// Resumes a webhook; what was kept is sent, or cancelled.
    fn resume(&self, integration: IntegrationId, kind: EventKind, send_kept: bool) -> Answer<'_, ()>;

    /// Makes a test call. Its answers come one by one as they come in: ring, answer, end, and outgoing;
    /// events that are switched off have none.
    fn test_call(&self, call: TestCall) -> Answer<'_, mpsc::Receiver<TestAnswer>>;

    /// The metrics in Prometheus' text format.
    fn metrics(&self) -> String;
}
