//! A house without a PBX: everything but the running gateway is real.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use admin::{
    AccountWish, Actor, Admin, AgainAll, Answer, Code, EarlierCalls, Gateway, GatewayError, Granted, Link,
    LinkState, LiveLeg, Readiness, Role, TestAnswer, TestCall, TokenWish, Waiting, WebhookStatus,
};
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use calls::{
    AccountId, CallId, Direction, Employee, EndReason, Ended, Event, EventKind, LegId, PbxName, PbxTime,
    Phone, What,
};
use delivery::guard::Guard;
use http_body_util::BodyExt as _;
use journal::memory::Memory;
use journal::settings::IntegrationId;
use journal::{Append, DeliveryId, Filter, Grant, Journal, SettingsCache, WallTime};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tower::ServiceExt as _;
use web::{Options, Web};

/// A gateway that writes down what it was asked.
pub(crate) struct Asked {
    pub(crate) asked: Mutex<Vec<String>>,
    pub(crate) live: Mutex<Vec<LiveLeg>>,
    /// How the links are doing.
    pub(crate) links: Mutex<Vec<Link>>,
    /// Who has the calls of before PBXs were shared.
    pub(crate) earlier_calls: Mutex<Option<EarlierCalls>>,
    /// Whether it does its work.
    pub(crate) readiness: Mutex<Readiness>,
    /// These webhooks are paused, as far as sending again is concerned.
    pub(crate) paused: Mutex<BTreeSet<EventKind>>,
    /// How the webhooks are doing.
    pub(crate) webhooks: Mutex<Vec<WebhookStatus>>,
    /// Who is free since when, and who waits in whose queues.
    pub(crate) free_since: Mutex<HashMap<String, PbxTime>>,
    pub(crate) waiting: Mutex<Vec<(Option<AccountId>, Waiting)>>,
    journal: Arc<dyn Journal>,
    changes: watch::Sender<u64>,
}

impl Asked {
    fn note<T: Send + 'static>(&self, what: String, reply: T) -> Answer<'_, T> {
        self.asked.lock().unwrap().push(what);
        Box::pin(async { Ok(reply) })
    }
}

impl Gateway for Asked {
    fn links(&self) -> Vec<Link> {
        self.links.lock().unwrap().clone()
    }

    fn earlier_calls(&self) -> Option<EarlierCalls> {
        self.earlier_calls.lock().unwrap().clone()
    }

    fn readiness(&self) -> Readiness {
        self.readiness.lock().unwrap().clone()
    }

    fn live(&self, account: &AccountId) -> Vec<LiveLeg> {
        let live = self.live.lock().unwrap();
        live.iter().filter(|leg| leg.begun.account() == account).cloned().collect()
    }

    fn free_since(&self, _: &AccountId) -> HashMap<String, PbxTime> {
        self.free_since.lock().unwrap().clone()
    }

    fn waiting(&self, account: Option<&AccountId>) -> Vec<Waiting> {
        let all = self.waiting.lock().unwrap();
        all.iter().filter(|(of, _)| of.as_ref() == account).map(|(_, one)| one.clone()).collect()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn webhooks(&self, _: IntegrationId) -> Vec<WebhookStatus> {
        self.webhooks.lock().unwrap().clone()
    }

    fn again(&self, id: DeliveryId) -> Answer<'_, Granted> {
        if !self.paused.lock().unwrap().is_empty() {
            return Box::pin(async { Err(GatewayError::Paused) });
        }
        self.note(format!("again {}", id.event.0), Granted::Done)
    }

    fn again_all(&self, filter: Filter, _: usize) -> Answer<'_, AgainAll> {
        let journal = self.journal.clone();
        Box::pin(async move {
            let found =
                journal.deliveries(filter).await.map_err(|why| GatewayError::Unavailable(why.to_string()))?;
            let mut all = AgainAll::default();
            for one in &found {
                let paused = self.paused.lock().unwrap().contains(&one.event.event.kind());
                if paused {
                    *all.left.entry(Code::WebhookPaused).or_default() += 1;
                } else {
                    all.sent += 1;
                    self.asked.lock().unwrap().push(format!("again {}", one.id.event.0));
                }
            }
            Ok(all)
        })
    }

    fn cancel(&self, id: DeliveryId) -> Answer<'_, Granted> {
        self.note(format!("cancel {}", id.event.0), Granted::Asked)
    }

    fn pause(&self, _: IntegrationId, kinds: Vec<EventKind>) -> Answer<'_, ()> {
        let names: Vec<_> = kinds.into_iter().map(EventKind::name).collect();
        self.note(format!("pause {}", names.join(" ")), ())
    }

    fn resume(&self, _: IntegrationId, kind: EventKind, send_kept: bool) -> Answer<'_, Granted> {
        self.note(format!("resume {} {send_kept}", kind.name()), Granted::Done)
    }

    fn test_call(&self, call: TestCall) -> Answer<'_, mpsc::Receiver<TestAnswer>> {
        let answer = |kind| TestAnswer {
            kind,
            request_line: "POST /ring".into(),
            request_body: "AccountId=1".into(),
            status: Some(204),
            reason: None,
            took: Duration::from_millis(12),
            response_body: "<script>alert(1)</script>".into(),
        };
        let (told, answers) = mpsc::channel(4);
        for kind in [EventKind::Incoming, EventKind::Answered, EventKind::Ended, EventKind::Outgoing] {
            told.try_send(answer(kind)).unwrap();
        }
        self.note(format!("test {} {}", call.account, call.employee), answers)
    }

    fn metrics(&self) -> String {
        "ringbud_up 1\n".into()
    }
}

/// A link that is up.
fn up() -> Link {
    Link {
        name: "pbx1".into(),
        address: "127.0.0.1:5038".into(),
        state: LinkState::Up,
        since: Some(WallTime(0)),
        lag: Some(Duration::from_millis(3)),
        last_error: None,
        remarks: Vec::new(),
        strangers: Vec::new(),
        version: "Asterisk 22".into(),
        beside: None,
        channels: 2,
        legs: 1,
    }
}

/// The house.
pub(crate) struct Rig {
    pub(crate) app: axum::Router,
    /// What all surfaces go through; the command line's door to it.
    pub(crate) room: Arc<Admin>,
    pub(crate) cache: Arc<SettingsCache>,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) gateway: Arc<Asked>,
    pub(crate) operator: String,
    pub(crate) admin: String,
    pub(crate) reader: String,
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Code and field of the envelope.
    pub(crate) fn error(&self) -> (String, String) {
        let json = self.json();
        let part = |name: &str| json["error"][name].as_str().unwrap_or_default().to_owned();
        assert!(!part("message").is_empty(), "an error has a sentence: {}", self.text);
        (part("code"), part("field"))
    }
}

impl Rig {
    /// Accounts 1 and 2; an operator's token, one to change account 1, one to read it.
    pub(crate) async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        Self::through(options, None).await
    }

    /// People may log in through a provider.
    pub(crate) async fn through(options: Options, provider: Option<Arc<oidc::Provider>>) -> Self {
        let journal: Arc<dyn Journal> = Arc::new(Memory::new());
        let cache = Arc::new(SettingsCache::load(journal.clone()).await.unwrap());
        let gateway = Arc::new(Asked {
            asked: Mutex::default(),
            live: Mutex::default(),
            links: Mutex::new(vec![up()]),
            earlier_calls: Mutex::default(),
            readiness: Mutex::new(Readiness { ready: true, ..Readiness::default() }),
            paused: Mutex::default(),
            webhooks: Mutex::default(),
            free_since: Mutex::default(),
            waiting: Mutex::default(),
            journal: journal.clone(),
            changes: watch::channel(0).0,
        });
        let guard = Guard::default();
        let room = Arc::new(Admin::new(journal.clone(), cache.clone(), gateway.clone(), guard));
        let app = web::router(Web { admin: room.clone(), provider, options });
        let mut rig = Self {
            app,
            room,
            cache,
            journal,
            gateway,
            operator: String::new(),
            admin: String::new(),
            reader: String::new(),
        };
        rig.operator = rig.token("operator", None, None).await;
        for account in ["1", "2"] {
            let wish = AccountWish { name: Some(format!("Account {account}")), ..AccountWish::default() };
            rig.room.make_account(&Actor::machine("rig"), account, wish).await.unwrap();
        }
        rig.admin = rig.token("admin", Some(Role::Account), Some("1")).await;
        rig.reader = rig.token("reader", Some(Role::ReadOnly), Some("1")).await;
        rig
    }

    async fn token(&self, name: &str, role: Option<Role>, account: Option<&str>) -> String {
        let wish = TokenWish { name: name.into(), role, account: account.map(str::to_owned) };
        self.room.make_token(&Actor::machine("rig"), &wish).await.unwrap().text
    }

    /// Sends a request; the body of the answer is not read yet.
    pub(crate) async fn open(&self, request: Request<Body>) -> axum::response::Response {
        self.app.clone().oneshot(request).await.unwrap()
    }

    /// These legs are up now.
    pub(crate) fn goes_live(&self, legs: Vec<LiveLeg>) {
        *self.gateway.live.lock().unwrap() = legs;
        self.gateway.changes.send_modify(|number| *number += 1);
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.open(request).await;
        let (parts, body) = response.into_parts();
        // What has no end is not read to it.
        let endless = parts.headers.contains_key("x-accel-buffering");
        let body = if endless { Body::empty() } else { body };
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Reply { status: parts.status, headers: parts.headers, text }
    }

    pub(crate) async fn ask(&self, method: &str, token: &str, path: &str, body: &str) -> Reply {
        self.ask_with(method, token, path, body, &[]).await
    }

    pub(crate) async fn ask_with(
        &self,
        method: &str,
        token: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Reply {
        self.ask("GET", token, path, "").await
    }

    pub(crate) async fn put(&self, token: &str, path: &str, body: &str) -> Reply {
        self.ask("PUT", token, path, body).await
    }

    /// Keeps a call of account 1: rung, answered after 5 s, ended after 65 s; with deliveries to these.
    pub(crate) async fn keep_call(&self, number: i64, integrations: &[IntegrationId]) -> LegId {
        self.keep_for(call(number), integrations).await
    }

    /// Keeps a leg's events, for nobody.
    pub(crate) async fn keep(&self, events: Vec<Event>) -> LegId {
        self.keep_for(events, &[]).await
    }

    pub(crate) async fn keep_for(&self, events: Vec<Event>, integrations: &[IntegrationId]) -> LegId {
        let (leg, at) = (events[0].leg.clone(), events[0].at);
        let events = events.into_iter().map(|event| (event, integrations.to_vec())).collect();
        let append = Append {
            grant: Grant::ALONE,
            pbx: PbxName::new("pbx1"),
            events,
            notes: Vec::new(),
            heard_at: at,
            received_at: WallTime(at.as_micros()),
            age: Duration::ZERO,
        };
        self.journal.append(&[append]).await.unwrap();
        leg
    }

    pub(crate) fn asked(&self) -> BTreeSet<String> {
        self.gateway.asked.lock().unwrap().iter().cloned().collect()
    }
}

/// An incoming call of employee 101, answered after 5 s, ended after 65 s.
pub(crate) fn call(number: i64) -> Vec<Event> {
    let begun_at = PbxTime::from_secs(1_795_337_580 + number * 100);
    let after = |secs| begun_at + Duration::from_secs(secs);
    let event = |sequence, at, what| Event {
        leg: LegId::new(format!("pbx1-{number}.1")),
        call: CallId::new(format!("pbx1-{number}.0")),
        sequence,
        phone: Arc::new(Phone {
            account: AccountId::new("1"),
            number: "101".into(),
            employee: Some(Employee { number: "101".into(), name: "Mette Holm".into() }),
        }),
        direction: Direction::Incoming,
        at,
        begun_at,
        waiting_since: None,
        counterpart: Some(LegId::new(format!("pbx1-{number}.0"))),
        a_number: format!("+4570201{number:03}").into(),
        b_number: "".into(),
        dialed_number: "".into(),
        queue: "".into(),
        assumed: false,
        what,
    };
    let ended = Ended { answered_at: Some(after(5)), reason: EndReason::HungUpByCounterpart, transfer: None };
    vec![
        event(1, begun_at, What::Incoming),
        event(2, after(5), What::Answered),
        event(3, after(65), What::Ended(ended)),
    ]
}
