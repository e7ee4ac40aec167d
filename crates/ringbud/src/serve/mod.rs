//! `serve`: all rooms wired together, started in order and stopped in order.
//!
//! Start: store, settings, sender, event_writers, links, HTTP. Stop: no more from the PBXs; what the call logic
//! said is kept; requests that are out are answered; HTTP ends; the journal closes. So no event is lost and
//! no request cut off.

mod damage;
mod facade;
mod forget;
mod http;
mod oidc;
mod operator;
mod watch;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::pbx::{Secret, Session};
use calls::{Note, PbxName};
use delivery::connect::ConnectorOptions;
use delivery::guard::Guard;
use delivery::operator::OperatorNotifier;
use delivery::schedule::Limits;
use delivery::sender::{Sender, SenderOptions};
use journal::Access;
use journal::{EventSeq, Filter, JournalError, Kept, Pending, SettingsCache};
use tasks::Part;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;

use crate::board::Board;
use crate::clock;
use crate::config::{Config, Pbx, Problem};
use crate::descriptors;
use crate::directory::{Learner, Newcomer, Phones, Rules, Written, not_taken_any_more, write_down};
use crate::gateway::{Blocked, Counts, EventSink, EventWriter, Follower, MAX_MOMENTS, PbxTask, Routes};
use crate::link::{Status, settings};
use crate::stop::{Stop, Stopper, stop};
use crate::store::{Store, StoreError};

pub use http::HttpError;
pub(crate) use oidc::provider;

/// How long a stop waits for requests that are out.
const LAST_REQUESTS: Duration = Duration::from_secs(20);

/// So many events wait for a listener.
const MAX_TOLD: usize = 4_096;

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The store says no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret is not there.
    #[error("{}", .0.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))]
    Secrets(Vec<Problem>),
    /// The journal says no.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The HTTP server cannot start.
    #[error(transparent)]
    Http(#[from] HttpError),
}

/// A running gateway.
pub struct Running {
    /// Where HTTP listens.
    pub address: SocketAddr,
    /// The store.
    pub store: Store,
    /// The live legs.
    pub board: Arc<Board>,
    /// How the links are doing.
    pub links: Vec<Status>,
    stop_links: Stopper,
    stop_http: Stopper,
    link_tasks: Vec<JoinHandle<()>>,
    event_writers: Vec<JoinHandle<usize>>,
    background: Vec<JoinHandle<()>>,
    http: Option<JoinHandle<()>>,
    sender: Arc<Sender>,
    blocked: Blocked,
    told: broadcast::Sender<Arc<Kept>>,
}

/// Starts everything.
///
/// # Errors
/// When the store, a secret or the HTTP server is not to be had.
pub async fn start(config: &Config) -> Result<Running, ServeError> {
    let metrics = crate::telemetry::start_metrics();
    let descriptors = descriptors::raise();
    crate::telemetry::begin(&config.pbxs);
    let secrets = secrets(config)?;
    let store = Store::open(config, Access::Gateway).await?;
    if let Some(sentence) = not_taken_any_more(&config.pbxs, &store.cache) {
        tracing::warn!("{sentence}");
    }
    let listener = http::bind(&config.http).await?;
    let board = Arc::new(Board::default());
    let operator = operator::operator(config)?;
    let provider = oidc::provider(config)?.map(Arc::new);
    let options = sender_options(config, operator.clone());
    let sender = Arc::new(Sender::start(store.journal.clone(), store.cache.clone(), options));
    let waiting = sender.load().await?;
    if waiting > 0 {
        tracing::info!(deliveries = waiting, "taken up from the last run");
    }
    let (stop_links, links_stop) = stop();
    let (stop_http, http_stop) = stop();
    let (learner, newcomers) = Learner::new();
    let (told, _) = broadcast::channel(MAX_TOLD);
    let sink: Arc<dyn EventSink> =
        Arc::new(Told { sender: sender.clone(), board: board.clone(), told: told.clone() });
    let mut running = Running {
        address: listener.address(),
        store: store.clone(),
        board: board.clone(),
        links: Vec::new(),
        stop_links,
        stop_http,
        link_tasks: Vec::new(),
        event_writers: Vec::new(),
        background: vec![learn(newcomers, store.cache.clone())],
        http: None,
        sender: sender.clone(),
        blocked: Blocked::default(),
        told: told.clone(),
    };
    for (pbx, secret) in config.pbxs.iter().zip(secrets) {
        let parts = Parts { store: &store, learner: &learner, sink: &sink, stop: &links_stop, board: &board };
        parts.follow(pbx, secret, &mut running).await?;
    }
    running.background.extend(watch::start(config, &running, metrics.clone()));
    let damage = damage::Damage::default();
    running.background.push(damage::start(store.sqlite.clone(), damage.clone(), operator.clone()));
    if let Some(told) = &config.operator {
        let (links, blocked) = (running.links.clone(), running.blocked.clone());
        let (link_down, sender) = (told.link_down, running.sender.clone());
        running.background.push(tasks::spawn_anew(Part::OperatorWatch, move || {
            operator::watch(operator.clone(), links.clone(), link_down, sender.clone(), blocked.clone())
        }));
    }
    let facade = facade::Facade {
        links: running.links.clone(),
        board,
        sender,
        cache: store.cache.clone(),
        blocked: running.blocked.clone(),
        damage,
        metrics,
    };
    let gateway: Arc<dyn admin::Gateway> = Arc::new(facade);
    let guard = Guard::new(config.outgoing.allow.clone());
    let admin = admin::Admin::new(store.journal.clone(), store.cache.clone(), gateway, guard);
    let web = web::Web {
        admin: Arc::new(admin),
        provider,
        options: web::Options {
            path: config.http.path.clone(),
            secure: is_secure(config),
            metrics_need_token: config.http.metrics_need_token,
        },
    };
    let asked = http_stop.clone();
    let serving = listener.serve(web::router(web), http_stop, descriptors);
    running.http = Some(tasks::spawn_until(Part::HttpServer, move || asked.is_called(), serving));
    Ok(running)
}

impl Running {
    /// The events as they are kept; who listens too slowly misses some.
    pub fn events(&self) -> broadcast::Receiver<Arc<Kept>> {
        self.told.subscribe()
    }

    /// What people open in a browser.
    pub fn url(&self, config: &Config) -> String {
        let scheme = if config.http.tls.is_some() { "https" } else { "http" };
        let public = config.http.public_url.clone();
        public.unwrap_or_else(|| format!("{scheme}://{}{}", self.address, config.http.path))
    }

    /// How many deliveries are not settled.
    pub fn deliveries_waiting(&self) -> usize {
        self.sender.status().pending
    }

    /// Stops in order.
    pub async fn stop(self) {
        tracing::info!("stopping: no more is read from the PBXs");
        self.stop_links.stop();
        for task in self.link_tasks {
            let _ = task.await;
        }
        let mut lost = 0;
        for event_writer in self.event_writers {
            lost += event_writer.await.unwrap_or(0);
        }
        if lost == 0 {
            tracing::info!("stopping: everything the PBXs said is kept");
        }
        self.sender.stop(LAST_REQUESTS).await;
        tracing::info!("stopping: no request is out any more");
        self.stop_http.stop();
        if let Some(http) = self.http {
            let _ = http.await;
        }
        for task in self.background {
            task.abort();
        }
        drop(self.sender);
        drop(self.store);
        tracing::info!("stopped");
    }
}

struct Parts<'a> {
    store: &'a Store,
    learner: &'a Learner,
    sink: &'a Arc<dyn EventSink>,
    stop: &'a Stop,
    board: &'a Arc<Board>,
}

impl Parts<'_> {
    /// Follows one PBX from where the last run left it.
    async fn follow(&self, pbx: &Pbx, secret: Secret, running: &mut Running) -> Result<(), ServeError> {
        let restored = self.store.journal.restore(pbx.name.clone()).await?;
        self.board.restore(&pbx.name, &restored);
        let cache = Arc::new(Written::new(self.store.cache.clone()));
        let phones = Phones::new(Rules::of(pbx), cache, self.learner.clone());
        let mut follower = Follower::new(pbx.name.clone(), phones);
        let session = Session::new(pbx.kind, settings(pbx, secret), restored.last_heard);
        follower.restore(restored);
        let newest = self.store.journal.events(Filter { limit: 1, ..Filter::default() }).await?;
        let (moments, kept) = mpsc::channel(MAX_MOMENTS);
        let event_writer = EventWriter {
            journal: self.store.journal.clone(),
            sink: self.sink.clone(),
            stop: self.stop.clone(),
            blocked: running.blocked.clone(),
            last_published: newest.first().map_or(EventSeq(0), |kept| kept.seq),
            counts: Counts::of(&pbx.name),
        };
        let status = Status::new(pbx.name.clone(), pbx.kind, pbx.address.clone(), clock::wall());
        running.links.push(status.clone());
        let routes = Routes::new(self.store.cache.clone());
        let task = PbxTask {
            pbx: pbx.clone(),
            session,
            follower,
            routes,
            moments,
            board: self.board.clone(),
            status,
            stop: self.stop.clone(),
        };
        let stop = || {
            let stop = self.stop.clone();
            move || stop.is_called()
        };
        running.event_writers.push(tasks::spawn_until(Part::EventWriter, stop(), event_writer.run(kept)));
        running.link_tasks.push(tasks::spawn_until(Part::PbxTask, stop(), task.run()));
        Ok(())
    }
}

/// Writes down new phones. Who waits to be written outlives a death of the task.
fn learn(newcomers: mpsc::Receiver<Newcomer>, cache: Arc<SettingsCache>) -> JoinHandle<()> {
    let newcomers = Arc::new(tokio::sync::Mutex::new(newcomers));
    tasks::spawn_anew(Part::Learner, move || {
        let (newcomers, cache) = (newcomers.clone(), cache.clone());
        async move { write_down(&mut *newcomers.lock().await, cache).await }
    })
}

/// Tells sender, board and listeners.
struct Told {
    sender: Arc<Sender>,
    board: Arc<Board>,
    told: broadcast::Sender<Arc<Kept>>,
}

impl EventSink for Told {
    fn kept(&self, pbx: &PbxName, events: &[Arc<Kept>], due: Vec<(Pending, Arc<Kept>)>, notes: &[Note]) {
        // First those who only look: in the show an event comes before its request.
        for event in events {
            let _ = self.told.send(event.clone());
        }
        if !due.is_empty() {
            self.sender.offer(due);
        }
        self.board.kept(pbx, events.iter().map(|kept| &kept.event), notes);
    }
}

fn secrets(config: &Config) -> Result<Vec<Secret>, ServeError> {
    let mut problems = Vec::new();
    let mut secrets = Vec::new();
    for pbx in &config.pbxs {
        match pbx.secret.read() {
            Ok(secret) => secrets.push(Secret::new(secret.expose())),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(secrets) } else { Err(ServeError::Secrets(problems)) }
}

fn connector_options(config: &Config) -> ConnectorOptions {
    let outgoing = &config.outgoing;
    ConnectorOptions {
        guard: Guard::new(outgoing.allow.clone()),
        connect_timeout: outgoing.connect_timeout,
        proxy: outgoing.proxy.as_deref().map(Arc::from),
        ..ConnectorOptions::default()
    }
}

fn sender_options(config: &Config, operator: OperatorNotifier) -> SenderOptions {
    let outgoing = &config.outgoing;
    SenderOptions {
        connector: connector_options(config),
        response_timeout: outgoing.response_timeout,
        limits: Limits {
            total: outgoing.total,
            per_destination: outgoing.per_destination,
            ..Limits::default()
        },
        history: config.keep.attempts,
        operator,
        seed: u64::from(clock::chance()),
    }
}

fn is_secure(config: &Config) -> bool {
    config.http.tls.is_some()
        || config.http.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
}
