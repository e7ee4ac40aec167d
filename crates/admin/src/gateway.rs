//! What is asked of the running gateway. The program implements it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use calls::{AccountId, Event, EventKind, PbxTime};
use delivery::sender::WebhookStatus;
use journal::settings::{IntegrationId, Secret};
use journal::{DeliveryId, Filter, Reason, WallTime};
use tokio::sync::{mpsc, watch};

use crate::{Code, EarlierCalls, Link, Refusal};

/// A reply that may take a while.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, GatewayError>> + Send + 'a>>;

/// Why the gateway could not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayError {
    /// There is no such delivery any more.
    NoDelivery,
    /// There is no such integration any more.
    NoIntegration,
    /// The webhook is paused.
    Paused,
    /// The webhook is switched off.
    SwitchedOff,
    /// The delivery is settled already.
    Settled,
    /// So much is asked of the gateway that has the PBX that nothing more is taken.
    TooMuchAsked,
    /// No web service is entered.
    NothingToTest,
    /// As many test calls are running as may.
    TestsRunning,
    /// No gateway runs here.
    NotHere,
    /// It cannot be done right now; why, for a person.
    Unavailable(String),
}

impl From<GatewayError> for Refusal {
    fn from(error: GatewayError) -> Self {
        Self::new(match error {
            GatewayError::NoDelivery => Code::NoDelivery,
            GatewayError::NoIntegration => Code::NoIntegration,
            GatewayError::Paused => Code::WebhookPaused,
            GatewayError::SwitchedOff => Code::WebhookOff,
            GatewayError::Settled => Code::DeliverySettled,
            GatewayError::TooMuchAsked => Code::TooMuchAsked,
            GatewayError::NothingToTest => Code::NothingToTest,
            GatewayError::TestsRunning => return Self::new(Code::TooManyTests).with("secs", 10),
            GatewayError::NotHere => Code::NoGateway,
            GatewayError::Unavailable(why) => return Self::new(Code::GatewayBusy).with("why", why),
        })
    }
}

/// What came of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted {
    /// It is done.
    Done,
    /// It is another gateway's to do, which was asked and did not answer yet: it does it as soon as it can.
    Asked,
}

/// What sending many again came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgainAll {
    /// So many are sent again.
    pub sent: usize,
    /// So many are not, each for its reason.
    pub left: BTreeMap<Code, usize>,
}

impl AgainAll {
    /// How many are not sent.
    pub fn left_in_all(&self) -> usize {
        self.left.values().sum()
    }
}

/// Whether the gateway does its work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// It does.
    pub ready: bool,
    /// What is wrong, in words: what keeps it from its work, and links that are up and not healthy.
    pub reasons: Vec<String>,
    /// All that is wrong, links that are down among it, for operators.
    pub details: Vec<ReadyDetail>,
}

impl Readiness {
    /// Whether every PBX is followed besides.
    pub fn follows_all(&self) -> bool {
        self.ready && self.details.iter().all(|detail| !detail.unfollowed)
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadyDetail {
    /// Its code.
    pub code: &'static str,
    /// The PBX it is about, if it is about one.
    pub pbx: Option<String>,
    /// In English, with what to do where that is known.
    pub what: String,
    /// Since when, if that is known.
    pub since: Option<WallTime>,
    /// Whether it keeps the gateway from its work.
    pub unready: bool,
    /// Whether a PBX is not followed because of it.
    pub unfollowed: bool,
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

/// A caller who waits in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The PBX's name in the configuration.
    pub pbx: String,
    /// The queue's.
    pub queue: String,
    /// The caller's number; empty when withheld.
    pub number: String,
    /// Since when, by the PBX's clock.
    pub since: PbxTime,
}

/// A PBX that is to be tried before it stands in the configuration.
#[derive(Clone, Debug)]
pub struct PbxWish {
    /// Which: a word of [`Gateway::products`].
    pub product: String,
    /// Host and port; without a port the usual one.
    pub address: String,
    /// Over TLS.
    pub tls: bool,
    /// Whom to log in as.
    pub username: String,
    /// With what secret.
    pub secret: Secret,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PbxTried {
    /// Whether it let us in.
    pub is_in: bool,
    /// What was seen, in English, as `ringbud check` says it: `true` for what is as it should be.
    pub said: Vec<(bool, String)>,
    /// What is to be put into the PBX and where, what makes it heed that, and what to know besides. The secret is
    /// left out.
    pub entry: [String; 4],
    /// The lines for the configuration, and where the secret has to be put.
    pub block: String,
    /// That place.
    pub secret_file: String,
}

/// How the program did in a quarter of an hour: for operators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// When it began.
    pub begun_at: WallTime,
    /// How many legs began.
    pub legs: u64,
    /// How many deliveries were accepted.
    pub delivered: u64,
    /// How many requests were not.
    pub failed: u64,
    /// How long the oldest delivery had waited, at most.
    pub oldest: Duration,
    /// How far the program was behind a PBX, at most.
    pub lag: Duration,
    /// The room on the disk of the data folder, where the system says.
    pub free_bytes: Option<u64>,
    /// How many PBXs were not followed, at most.
    pub links_down: usize,
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

    /// Who has the calls of before the PBXs were shared; none where gateways do not share the store.
    fn earlier_calls(&self) -> Option<EarlierCalls> {
        None
    }

    /// Whether it does its work: at least the journal can be written.
    fn readiness(&self) -> Readiness;

    /// The legs of an account that are up now, oldest first.
    fn live(&self, account: &AccountId) -> Vec<LiveLeg>;

    /// Since when an account's employees are free, by local number, of those that were not since the start.
    fn free_since(&self, account: &AccountId) -> HashMap<String, PbxTime>;

    /// The numbers of an account's phones that cannot be reached now, as far as the PBXs say.
    fn away(&self, _: &AccountId) -> BTreeSet<String> {
        BTreeSet::new()
    }

    /// Who waits in an account's queues, the longest first; for `None`, in those that are no one account's.
    fn waiting(&self, account: Option<&AccountId>) -> Vec<Waiting>;

    /// Changes whenever a leg begins, is answered or ends, or a link changes.
    fn changes(&self) -> watch::Receiver<u64>;

    /// How the webhooks of an integration are doing: those that were used since the start.
    fn webhooks(&self, integration: IntegrationId) -> Vec<WebhookStatus>;

    /// Sends a delivery again, now.
    fn again(&self, id: DeliveryId) -> Answer<'_, Granted>;

    /// Sends up to `most` of what a filter finds again, oldest first; what is refused stops nothing else.
    fn again_all(&self, filter: Filter, most: usize) -> Answer<'_, AgainAll>;

    /// Gives a waiting delivery up.
    fn cancel(&self, id: DeliveryId) -> Answer<'_, Granted>;

    /// Pauses the webhooks of these kinds of events, all at once: their events are kept.
    fn pause(&self, integration: IntegrationId, kinds: Vec<EventKind>) -> Answer<'_, ()>;

    /// Resumes a webhook; what was kept is sent, or cancelled.
    fn resume(&self, integration: IntegrationId, kind: EventKind, send_kept: bool) -> Answer<'_, Granted>;

    /// Makes a test call. Its answers come one by one as they come in: ring, answer, end, and outgoing;
    /// events that are switched off have none.
    fn test_call(&self, call: TestCall) -> Answer<'_, mpsc::Receiver<TestAnswer>>;

    /// The PBXs that can be tried: a word and a name each.
    fn products(&self) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }

    /// Tries a PBX; nothing is kept or written.
    fn try_pbx(&self, wish: PbxWish) -> Answer<'_, PbxTried> {
        drop(wish);
        not_here()
    }

    /// How the program did over the last day, the oldest quarter first: as far as it ran.
    fn day(&self) -> Vec<Pulse> {
        Vec::new()
    }

    /// The metrics in Prometheus' text format.
    fn metrics(&self) -> String;
}

/// Beside a store whose gateway does not run here: nothing that needs one can be done.
#[derive(Debug)]
pub struct NoGateway {
    changes: watch::Sender<u64>,
}

impl Default for NoGateway {
    fn default() -> Self {
        Self { changes: watch::channel(0).0 }
    }
}

fn not_here<T: Send + 'static>() -> Answer<'static, T> {
    Box::pin(async { Err(GatewayError::NotHere) })
}

impl Gateway for NoGateway {
    fn links(&self) -> Vec<Link> {
        Vec::new()
    }

    fn readiness(&self) -> Readiness {
        Readiness::default()
    }

    fn live(&self, _: &AccountId) -> Vec<LiveLeg> {
        Vec::new()
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
        not_here()
    }

    fn again_all(&self, _: Filter, _: usize) -> Answer<'_, AgainAll> {
        not_here()
    }

    fn cancel(&self, _: DeliveryId) -> Answer<'_, Granted> {
        not_here()
    }

    fn pause(&self, _: IntegrationId, _: Vec<EventKind>) -> Answer<'_, ()> {
        not_here()
    }

    fn resume(&self, _: IntegrationId, _: EventKind, _: bool) -> Answer<'_, Granted> {
        not_here()
    }

    fn test_call(&self, _: TestCall) -> Answer<'_, mpsc::Receiver<TestAnswer>> {
        not_here()
    }

    fn metrics(&self) -> String {
        String::new()
    }
}
