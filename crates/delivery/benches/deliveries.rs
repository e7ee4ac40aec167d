//! Deliveries a second, with the journal on disk, against a bare hyper client in the same run.
//!
//! `cargo bench -p delivery` prints the rates and their ratio. The receiver runs in a process of its own, so
//! that the processor time per delivery is the sender's alone.

#![allow(clippy::disallowed_methods, reason = "an example's tasks and clocks are its own")]

use std::convert::Infallible;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use calls::{AccountId, CallId, Direction, Event, LegId, PbxName, PbxTime, Phone, What};
use delivery::connect::ConnectorOptions;
use delivery::guard::Guard;
use delivery::schedule::Limits;
use delivery::sender::{KeptAttempts, Sender, SenderOptions};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use journal::seal::Sealer;
use journal::settings::{Account, Integration, IntegrationId, Secret, Setting, SettingKey, SigningSecret};
use journal::{
    Access, Append, Appended, DeliveryId, Grant, Journal, Kept, Pending, SettingsCache, Sqlite, WallTime,
    call_hash,
};
use tokio::net::{TcpListener, TcpStream};

const CONNECTIONS: usize = 64;
const BARE: usize = 200_000;
const DELIVERIES: usize = 150_000;
/// PBXs that tell at once, and events each of them tells at once.
const LINKS: usize = 4;
const BATCH: usize = 100;
const OUTSTANDING: usize = 2_000;
const ROUNDS: usize = 3;

fn main() {
    if std::env::args().any(|arg| arg == "--receive") {
        return runtime(1).block_on(receive());
    }
    let mut receiver = Receiver::start();
    let mut table = Vec::new();
    for _ in 0..ROUNDS {
        let bare = runtime(2).block_on(bare(receiver.port));
        let plain = runtime(2).block_on(sent(receiver.port, false));
        let full = runtime(2).block_on(sent(receiver.port, true));
        table.push((bare, plain, full));
    }
    receiver.child.kill().expect("the receiver is there");
    println!("bare/s  µs CPU   plain/s  ratio  µs CPU   signed+history/s  ratio  µs CPU");
    for (bare, plain, full) in table {
        println!(
            "{:6.0}  {:6.1}  {:8.0}  {:.3}  {:6.1}  {:17.0}  {:.3}  {:6.1}",
            bare.rate,
            bare.cpu_micros,
            plain.rate,
            plain.rate / bare.rate,
            plain.cpu_micros,
            full.rate,
            full.rate / bare.rate,
            full.cpu_micros
        );
    }
}

fn runtime(threads: usize) -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(threads).enable_all().build().expect("a runtime")
}

struct Receiver {
    child: Child,
    port: u16,
}

impl Receiver {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .arg("--receive")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the receiver starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("its port");
        Self { child, port: line.trim().parse().expect("a port") }
    }
}

async fn receive() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{}", listener.local_addr().expect("its address").port());
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let _ = stream.set_nodelay(true);
        tokio::spawn(async move {
            let answer = service_fn(|request: hyper::Request<hyper::body::Incoming>| async {
                let _ = request.into_body().collect().await;
                let mut response = hyper::Response::new(Empty::<Bytes>::new());
                *response.status_mut() = hyper::StatusCode::NO_CONTENT;
                Ok::<_, Infallible>(response)
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}

#[derive(Clone, Copy)]
struct Rate {
    rate: f64,
    cpu_micros: f64,
}

/// Processor time of this process so far, in microseconds.
fn cpu_micros() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("the system's figures");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().expect("user") + fields[12].parse::<f64>().expect("system");
    ticks * 10_000.0
}

#[expect(clippy::disallowed_methods, reason = "a benchmark has to look at the clock")]
fn instant() -> Instant {
    Instant::now()
}

async fn bare(port: u16) -> Rate {
    let (began, cpu) = (instant(), cpu_micros());
    let mut tasks = Vec::new();
    for _ in 0..CONNECTIONS {
        tasks.push(tokio::spawn(async move {
            let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connected");
            let _ = stream.set_nodelay(true);
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("spoken to");
            tokio::spawn(connection);
            let body = Bytes::from(vec![b'x'; 300]);
            for _ in 0..BARE / CONNECTIONS {
                let request = hyper::Request::post("/hook")
                    .header("host", "127.0.0.1")
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(Full::new(body.clone()))
                    .expect("a request");
                sender.ready().await.expect("ready");
                let response = sender.send_request(request).await.expect("an answer");
                let _ = response.into_body().collect().await;
            }
        }));
    }
    for task in tasks {
        task.await.expect("done");
    }
    let secs = began.elapsed().as_secs_f64();
    Rate { rate: BARE as f64 / secs, cpu_micros: (cpu_micros() - cpu) / BARE as f64 }
}

fn event(n: usize) -> Event {
    let phone = Phone { account: AccountId::new("1001"), number: "101".into(), employee: None };
    Event {
        leg: LegId::new(format!("pbx1-1795337580.{n}")),
        call: CallId::new(format!("pbx1-1795337580.{n}")),
        sequence: 1,
        phone: Arc::new(phone),
        direction: Direction::Incoming,
        at: PbxTime::from_secs(1_795_337_580),
        begun_at: PbxTime::from_secs(1_795_337_580),
        waiting_since: None,
        counterpart: Some(LegId::new("pbx1-1795337570.6")),
        a_number: "+4512345678".into(),
        b_number: "".into(),
        dialed_number: "+4570102030".into(),
        queue: "sales".into(),
        assumed: false,
        what: What::Incoming,
    }
}

async fn sent(port: u16, all: bool) -> Rate {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let journal: Arc<dyn Journal> =
        Arc::new(Sqlite::open(folder.path(), Access::Gateway, Sealer::new([1; 32])).expect("a journal"));
    let book = Arc::new(SettingsCache::load(journal.clone()).await.expect("settings"));
    let account = AccountId::new("1001");
    let named = Setting::Account(Account::named(""));
    book.put(SettingKey::Account(account.clone()), Some(named), None).await.expect("an account");
    let secret = SigningSecret { secret: Secret::new(delivery::signing::secret_of(&[7; 32])), until: None };
    let settings = Integration {
        incoming_url: Some(format!("http://127.0.0.1:{port}/hook")),
        secrets: if all { vec![secret] } else { Vec::new() },
        ..Integration::default()
    };
    let (integration, _) = book.put_integration(&account, settings, None).await.expect("an integration");
    let guard = Guard::new(vec!["127.0.0.0/8".parse().expect("a network")]);
    let connector = ConnectorOptions { guard, ..ConnectorOptions::default() };
    let limits = Limits { window_start: CONNECTIONS as u32, ..Limits::default() };
    let attempts = if all { KeptAttempts::All } else { KeptAttempts::None };
    let options = SenderOptions { connector, limits, attempts, ..SenderOptions::default() };
    let sender = Sender::start(journal.clone(), book, options);

    let (began, cpu) = (instant(), cpu_micros());
    let sender = Arc::new(sender);
    let next = Arc::new(AtomicUsize::new(0));
    let links = (0..LINKS).map(|_| {
        let (journal, sender, next) = (journal.clone(), sender.clone(), next.clone());
        tokio::spawn(async move {
            loop {
                if sender.status().pending > OUTSTANDING {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    continue;
                }
                let from = next.fetch_add(BATCH, Ordering::Relaxed);
                if from >= DELIVERIES {
                    return;
                }
                tell(&*journal, &sender, integration, from).await;
            }
        })
    });
    for link in links.collect::<Vec<_>>() {
        link.await.expect("done");
    }
    while sender.status().pending > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let secs = began.elapsed().as_secs_f64();
    let rate = Rate { rate: DELIVERIES as f64 / secs, cpu_micros: (cpu_micros() - cpu) / DELIVERIES as f64 };
    let sender = Arc::into_inner(sender).expect("the links are done");
    sender.stop(Duration::from_secs(5)).await;
    rate
}

/// Keeps a batch of events, and offers them when they are on disk.
async fn tell(journal: &dyn Journal, sender: &Sender, integration: IntegrationId, from: usize) {
    let received_at = journal::clock::system()();
    let events: Vec<Event> = (from..from + BATCH).map(event).collect();
    let append = Append {
        grant: Grant::ALONE,
        pbx: PbxName::new("pbx1"),
        events: events.iter().map(|event| (event.clone(), vec![integration])).collect(),
        notes: Vec::new(),
        heard_at: PbxTime::from_secs(0),
        received_at,
        age: Duration::ZERO,
    };
    let appended = journal.append(&[append]).await.expect("kept");
    let fresh = events.into_iter().zip(appended[0].clone()).map(|(event, appended)| {
        let Appended::Stored(seq, _) = appended else { panic!("{appended:?}") };
        fresh(DeliveryId { event: seq, integration }, event, received_at)
    });
    sender.offer(fresh.collect());
}

fn fresh(id: DeliveryId, event: Event, received_at: WallTime) -> (Pending, Arc<Kept>) {
    let pending = Pending {
        id,
        account: event.account().clone(),
        kind: event.kind(),
        call_hash: call_hash(&event.call),
        age: Duration::ZERO,
        attempts: 0,
        due_at_age: Duration::ZERO,
        held: false,
    };
    (pending, Arc::new(Kept { seq: id.event, received_at, pbx: PbxName::new("pbx1"), event }))
}
