//! How long the window's pages and the API's lists take on a full store, without the network:
//! `cargo run --release -p web --example pages [CALLS]`.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Request, header};
use calls::{
    AccountId, CallId, Direction, Employee, EndReason, Ended, Event, EventKind, LegId, PbxName, PbxTime,
    Phone, What,
};
use http_body_util::BodyExt as _;
use journal::seal::Sealer;
use journal::settings::{self, Integration, IntegrationId, Setting, SettingKey};
use journal::{
    Access, Append, Appended, Attempt, DeliveryId, Journal, Outcome, SettingsBook, Settle, Sqlite, WallTime,
};
use tokio::sync::watch;
use tower::ServiceExt as _;
use web::{Answer, Gateway, Link, LiveLeg, Options, Readiness, TestAnswer, TestCall, Web};

const ACCOUNTS: i64 = 20;
const EMPLOYEES: i64 = 40;
const CHUNK: i64 = 1_000;
const ROUNDS: usize = 15;

/// Nobody rings.
struct Quiet(watch::Sender<u64>);

impl Gateway for Quiet {
    fn links(&self) -> Vec<Link> {
        Vec::new()
    }
    fn readiness(&self) -> Readiness {
        Readiness { ready: true, reasons: Vec::new() }
    }
    fn live(&self, _: &AccountId) -> Vec<LiveLeg> {
        Vec::new()
    }
    fn changes(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
    fn check_url(&self, _: &str) -> Result<(), String> {
        Ok(())
    }
    fn again(&self, _: DeliveryId) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
    fn cancel(&self, _: DeliveryId) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
    fn pause(&self, _: IntegrationId, _: EventKind) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
    fn resume(&self, _: IntegrationId, _: EventKind, _: bool) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
    fn test_call(&self, _: TestCall) -> Answer<'_, Vec<TestAnswer>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn metrics(&self) -> String {
        String::new()
    }
}

#[expect(clippy::disallowed_methods, reason = "it measures time")]
fn now() -> Instant {
    Instant::now()
}

/// Three events of an answered call; one every ten seconds up to this moment.
fn call(number: i64, calls: i64) -> Vec<Event> {
    let at = PbxTime::from_secs(jiff::Timestamp::now().as_second() - (calls - number) * 10);
    let local = (100 + number / ACCOUNTS % EMPLOYEES).to_string();
    let event = |sequence, secs, what| Event {
        leg: LegId::new(format!("pbx1-{number}.1")),
        call: CallId::new(format!("pbx1-{number}.0")),
        sequence,
        phone: Arc::new(Phone {
            account: AccountId::new((number % ACCOUNTS).to_string()),
            number: local.as_str().into(),
            employee: Some(Employee { number: local.as_str().into(), name: "Mette Holm".into() }),
        }),
        direction: Direction::Incoming,
        at: at + Duration::from_secs(secs),
        begun_at: at,
        counterpart: Some(LegId::new(format!("pbx1-{number}.0"))),
        a_number: format!("+45{:08}", number * 7_919 % 100_000_000).into(),
        b_number: "".into(),
        dialed_number: "".into(),
        queue: "".into(),
        assumed: false,
        what,
    };
    let answered_at = Some(at + Duration::from_secs(5));
    let ended = Ended { answered_at, reason: EndReason::HungUpByCounterpart, transfer: None };
    vec![event(1, 0, What::Incoming), event(2, 5, What::Answered), event(3, 65, What::Ended(ended))]
}

fn delivered(id: DeliveryId) -> Settle {
    let attempt = Attempt {
        number: 1,
        at: WallTime(0),
        took_micros: 41_000,
        address: "192.0.2.10:443".into(),
        request_line: "POST /ring".into(),
        request_headers: vec![("content-type".into(), "application/x-www-form-urlencoded".into())],
        request_body: b"AccountId=1&UniqueCallId=pbx1-1.1".to_vec(),
        status: Some(204),
        error: String::new(),
        response_body: Vec::new(),
    };
    Settle { id, attempt: Some(attempt), outcome: Outcome::Delivered }
}

async fn fill(journal: &Arc<dyn Journal>, book: &SettingsBook, calls: i64) -> Result<(), Box<dyn Error>> {
    let mut integrations = Vec::new();
    for account in 0..ACCOUNTS {
        let id = AccountId::new(account.to_string());
        let setting = Setting::Account(settings::Account { name: format!("Account {account}") });
        book.put(SettingKey::Account(id.clone()), Some(setting), None).await?;
        let url = Some("https://crm.example/pbx".to_owned());
        let integration = Integration { incoming_url: url, ..Integration::default() };
        integrations.push(book.put_integration(&id, integration, None).await?.0);
        for employee in 0..EMPLOYEES {
            let setting = Setting::Employee(settings::Employee { name: "Mette Holm".into() });
            book.put(SettingKey::Employee(id.clone(), (100 + employee).to_string()), Some(setting), None)
                .await?;
        }
    }
    for from in (0..calls).step_by(CHUNK.unsigned_abs() as usize) {
        let appends = (from..calls.min(from + CHUNK)).map(|number| {
            let integration = integrations[usize::try_from(number % ACCOUNTS).unwrap_or(0)];
            Append {
                pbx: PbxName::new("pbx1"),
                events: call(number, calls).into_iter().map(|event| (event, vec![integration])).collect(),
                notes: Vec::new(),
                heard_at: PbxTime::from_secs(number),
                received_at: WallTime(number),
            }
        });
        let appends: Vec<_> = appends.collect();
        let ids: Vec<_> = appends.iter().flat_map(|one| one.events.iter().map(|(_, to)| to[0])).collect();
        let kept = journal.append(appends).await?.into_iter().flatten().zip(ids);
        let settled = kept.filter_map(|(kept, integration)| match kept {
            Appended::Stored(event) => Some(delivered(DeliveryId { event, integration })),
            Appended::Repeat(_) | Appended::AfterEnded => None,
        });
        journal.settle(settled.collect()).await?;
    }
    Ok(())
}

/// The cookie of the first operator.
async fn login(app: &axum::Router, book: &SettingsBook) -> Result<String, Box<dyn Error>> {
    let link = web::first_run_path(book).await?.unwrap_or_default();
    let key = link.split_once("key=").map_or("", |(_, key)| key);
    let form = format!("key={key}&name=olga&password=a+short+sentence&again=a+short+sentence");
    let request = Request::post("/first").header("content-type", "application/x-www-form-urlencoded");
    let response = app.clone().oneshot(request.body(Body::from(form))?).await?;
    let cookie = response.headers().get(header::SET_COOKIE).ok_or("nobody was let in")?;
    Ok(cookie.to_str()?.split(';').next().unwrap_or_default().to_owned())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let calls = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let folder = std::env::temp_dir().join(format!("ringbud-pages-{}", std::process::id()));
    let journal: Arc<dyn Journal> = Arc::new(Sqlite::open(&folder, Access::Gateway, Sealer::new([7; 32]))?);
    let book = Arc::new(SettingsBook::load(journal.clone()).await?);
    fill(&journal, &book, calls).await?;
    let gateway = Arc::new(Quiet(watch::channel(0).0));
    let web = Web { journal, book: book.clone(), gateway, options: Options::default() };
    let app = web::router(web);
    let cookie = login(&app, &book).await?;
    println!("{calls} calls of {ACCOUNTS} accounts; median and worst of {ROUNDS}, in ms");
    let middle = calls * 3 / 2;
    for path in [
        "/a/1/now".to_owned(),
        "/a/1/calls".to_owned(),
        format!("/a/1/calls?before={middle}"),
        "/a/1/calls?employee=105".to_owned(),
        "/a/1/calls?number=123".to_owned(),
        "/a/1/calls?outcome=missed".to_owned(),
        format!("/a/1/calls/pbx1-{}.1", calls - ACCOUNTS + 1),
        "/a/1/deliveries".to_owned(),
        "/a/1/deliveries?state=failed".to_owned(),
        "/a/1/report".to_owned(),
        "/a/1/integration".to_owned(),
        "/a/1/people".to_owned(),
        "/operator/accounts".to_owned(),
        "/operator/health".to_owned(),
    ] {
        let mut took = Vec::new();
        let mut bytes = 0;
        for _ in 0..ROUNDS {
            let request = Request::get(&path).header("cookie", &cookie).body(Body::empty())?;
            let begun = now();
            let response = app.clone().oneshot(request).await?;
            let status = response.status();
            bytes = response.into_body().collect().await?.to_bytes().len();
            took.push(begun.elapsed().as_secs_f64() * 1_000.0);
            if !status.is_success() {
                return Err(format!("{path}: {status}").into());
            }
        }
        took.sort_by(f64::total_cmp);
        println!("{:8.1} {:8.1} {:7} B  {path}", took[ROUNDS / 2], took[ROUNDS - 1], bytes);
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
