//! `serve`: all rooms wired together, started in order and stopped in order.
//!
//! Start: store, settings, sender, event_writers, links, HTTP; HTTP comes first where the store may have to be waited
//! for. Stop: requests that are out are answered, and none begins; no more from the PBXs; what the call logic said is kept;
//! the store is given back; HTTP ends; the journal closes. So no event is lost, no request cut off, and nobody is deaf for
//! as long as a receiver is slow.

mod damage;
mod disk;
mod entrance;
mod facade;
mod following;
mod forget;
mod http;
mod mail;
mod oidc;
mod operator;
mod pulse;
mod readiness;
mod reload;
mod seconds;
mod sharing;
mod trying;
mod watch;
mod who_has;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::pbx::Secret;
use calls::{Note, PbxName};
use delivery::alert::AccountNotifier;
use delivery::connect::ConnectorOptions;
use delivery::guard::Guard;
use delivery::operator::OperatorNotifier;
use delivery::policy::LONGEST_REQUEST;
use delivery::schedule::Limits;
use delivery::sender::{Sender, SenderOptions};
use journal::{Grant, JournalError, Kept, Pending, SettingsCache};
use tasks::Part;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;

use crate::board::Board;
use crate::clock;
use crate::config::{Config, Problem};
use crate::descriptors;
use crate::directory::{Learner, Newcomer, not_taken_any_more, write_down};
use crate::elsewhere::Elsewhere;
use crate::gateway::{Blocked, EventSink};
use crate::link::Links;
use crate::stand_by::StandBy;
use crate::stop::{Stopper, stop};
use crate::store::{Store, StoreError};

use entrance::Entrance;
use following::{Followed, Parts, stop_following};
use http::Certificates;
use sharing::{Following, Shares, Sharing};
use who_has::WhoHas;

pub use http::HttpError;
pub(crate) use mail::mailer;
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
    pub links: Links,
    config: Config,
    following: Following,
    parts: Arc<Parts>,
    /// Where several gateways share the store.
    shares: Option<Shares>,
    elsewhere: Option<Arc<Elsewhere>>,
    changeable: Changeable,
    stop_http: Stopper,
    background: Vec<JoinHandle<()>>,
    http: Option<JoinHandle<()>>,
    sender: Arc<Sender>,
    told: broadcast::Sender<Arc<Kept>>,
    pulses: pulse::Pulses,
}

/// What a configuration that is read anew changes besides the links.
struct Changeable {
    guard: Guard,
    operator: OperatorNotifier,
    alerts: AccountNotifier,
    link_down: operator::Patience,
    certificates: Option<Arc<Certificates>>,
}

/// Starts everything; where the configuration says so, in its turn: until then it stands by. Given up while it does,
/// nothing has happened.
///
/// # Errors
/// When the store, a secret or the HTTP server is not to be had.
pub async fn start(config: &Config, stand_by: &StandBy) -> Result<Running, ServeError> {
    let metrics = crate::telemetry::start_metrics();
    let descriptors = descriptors::raise();
    crate::telemetry::begin(&config.pbxs);
    let secrets = secrets(config)?;
    let (stop_http, http_stop) = stop();
    let early = if config.journal.as_ref().is_some_and(|on| on.stand_by) {
        let stop = http_stop.clone();
        Some(Entrance::standing_by(config, stop, descriptors, stand_by, metrics.clone()).await?)
    } else {
        None
    };
    let store = Store::open_in_turn(config, stand_by).await?;
    if let Some(sentence) = not_taken_any_more(&config.pbxs, &store.cache) {
        tracing::warn!("{sentence}");
    }
    let entrance = match early {
        Some(entrance) => entrance,
        None => Entrance::shut(config, http_stop, descriptors).await?,
    };
    let board = Arc::new(Board::default());
    let operator = OperatorNotifier::open(operator::notifier(config)?);
    if let Some(from) = store.engine.taken_from() {
        tracing::warn!(from, "the gateway that had the store is gone, and had not given it back");
        metrics::counter!("ringbud_gateway_takeovers_total").increment(1);
        operator.tell(operator::taken_over(from));
    }
    let provider = oidc::provider(config)?.map(Arc::new);
    let alerts = AccountNotifier::start(mail::alert_options(config)?);
    let options = sender_options(config, operator.clone(), alerts.clone());
    let sender = Arc::new(Sender::start(store.journal.clone(), store.cache.clone(), options));
    let trusted = Arc::downgrade(&sender);
    store.engine.on_trust(Box::new(move |until, decides| {
        if let Some(sender) = trusted.upgrade() {
            sender.act_until(until, decides);
        }
    }));
    if let Some(on) = config.journal.as_ref().filter(|_| store.engine.taken_from().is_some()) {
        // Whoever had it may be cut off only, and deliver on.
        sender.is_careful_for(on.deliver_through);
    }
    let waiting = if store.engine.is_shared() {
        sender.begin_to_share().await?;
        0
    } else {
        sender.load().await?
    };
    if waiting > 0 {
        tracing::info!(deliveries = waiting, "taken up from the last run");
    }
    let (learner, newcomers) = Learner::new();
    let (told, _) = broadcast::channel(MAX_TOLD);
    let sink: Arc<dyn EventSink> =
        Arc::new(Told { sender: sender.clone(), board: board.clone(), told: told.clone() });
    let guard = Guard::new(config.outgoing.allow.clone());
    let link_down = operator::Patience::of(config);
    let blocked = Blocked::default();
    let mut running = Running {
        address: entrance.address,
        store: store.clone(),
        board: board.clone(),
        links: Links::default(),
        config: config.clone(),
        following: Following::default(),
        parts: Arc::new(Parts {
            store: store.clone(),
            learner,
            sink,
            board: board.clone(),
            blocked: blocked.clone(),
            broke: Arc::default(),
            has_seconds: store.engine.is_shared() && has_seconds(config),
        }),
        shares: None,
        elsewhere: store.engine.is_shared().then(Arc::default),
        changeable: Changeable {
            guard: guard.clone(),
            operator: operator.clone(),
            alerts,
            link_down: link_down.clone(),
            certificates: entrance.certificates.clone(),
        },
        stop_http,
        background: vec![learn(newcomers, store.cache.clone())],
        http: None,
        sender: sender.clone(),
        told: told.clone(),
        pulses: pulse::Pulses::default(),
    };
    running.begin_to_follow(secrets).await?;
    running.background.extend(watch::start(config, &running, metrics.clone()));
    let damage = damage::Damage::default();
    if let Some(sqlite) = store.engine.file() {
        running.background.push(damage::start(sqlite.clone(), damage.clone(), operator.clone()));
    }
    running.background.push({
        let (links, sender, blocked) = (running.links.clone(), sender.clone(), blocked.clone());
        let engine = store.engine.clone();
        tasks::spawn_anew(Part::OperatorWatch, move || {
            operator::watch(
                operator.clone(),
                links.clone(),
                link_down.clone(),
                sender.clone(),
                blocked.clone(),
                engine.clone(),
            )
        })
    });
    let facade = facade::Facade {
        links: running.links.clone(),
        board,
        elsewhere: running.elsewhere.clone(),
        who: running.shares.as_ref().map(|shares| shares.who.clone()),
        sender,
        cache: store.cache.clone(),
        blocked,
        damage,
        engine: store.engine.clone(),
        metrics,
        pulses: running.pulses.clone(),
    };
    let gateway: Arc<dyn admin::Gateway> = Arc::new(facade);
    let admin = admin::Admin::new(store.journal.clone(), store.cache.clone(), gateway, guard);
    let web = web::Web {
        admin: Arc::new(admin),
        provider,
        options: web::Options {
            path: config.http.path.clone(),
            at: config.http.for_people(),
            secure: is_secure(config),
            metrics_need_token: config.http.metrics_need_token,
            keep_days: config.keep.days,
            keep_megabytes: config.keep.megabytes,
            most_personal: None,
        },
    };
    running.http = Some(entrance.open(web::router(web)));
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

    /// Says in the log how everything is doing.
    pub fn tell(&self) {
        let sender = self.sender.status();
        tracing::info!(pending = sender.pending, in_flight = sender.in_flight, "how deliveries are doing");
        for link in self.links.all() {
            link.with(|link| {
                let why = link.last_error.as_ref().map(|(_, why)| why.to_string()).unwrap_or_default();
                tracing::info!(
                    pbx = %link.pbx,
                    state = link.state.name(),
                    channels = link.channels,
                    legs = link.legs,
                    messages = link.messages,
                    losses = link.losses,
                    last_error = why,
                    "how a link is doing"
                );
            });
        }
    }

    /// All PBXs of the configuration, or those whose parts are this gateway's turn.
    async fn begin_to_follow(&mut self, secrets: Vec<Secret>) -> Result<(), JournalError> {
        let pbxs = self.config.pbxs.clone().into_iter().zip(secrets);
        if self.store.engine.is_shared() {
            let deliver_through =
                self.config.journal.as_ref().map_or(Duration::ZERO, |on| on.deliver_through);
            let sharing = Sharing {
                journal: self.store.journal.clone(),
                sender: self.sender.clone(),
                parts: self.parts.clone(),
                following: self.following.clone(),
                links: self.links.clone(),
                board: self.board.clone(),
                operator: self.changeable.operator.clone(),
                who: Arc::new(WhoHas::new(pbxs.collect())),
                changed: Arc::default(),
                lost: std::sync::Mutex::default(),
                others_deliver_for: deliver_through + LONGEST_REQUEST,
                has_seconds: self.parts.has_seconds,
                behind: std::sync::Mutex::default(),
            };
            self.shares = Some(sharing.start());
            return Ok(());
        }
        let mut followed = Vec::new();
        for (pbx, secret) in pbxs {
            followed.push(self.parts.follow(&pbx, secret, Grant::ALONE).await?);
        }
        self.follows(followed).await;
        Ok(())
    }

    /// In the order of the configuration.
    async fn follows(&self, followed: Vec<Followed>) {
        self.links.set(followed.iter().map(|one| one.status.clone()).collect());
        *self.following.lock().await = followed;
    }

    /// Stops in order.
    pub async fn stop(self) {
        // Receivers may take their time: what the PBXs say meanwhile is kept, and sent by whoever has the store next.
        tracing::info!("stopping: no request begins any more");
        if let Some(shares) = &self.shares {
            shares.stop_taking();
        }
        self.sender.stop(LAST_REQUESTS).await;
        tracing::info!("stopping: no request is out any more, and no more is read from the PBXs");
        let followed = std::mem::take(&mut *self.following.lock().await);
        if stop_following(followed).await == 0 {
            tracing::info!("stopping: everything the PBXs said is kept");
        }
        self.stop_http.stop();
        for task in self.background {
            task.abort();
        }
        drop(self.sender);
        if let Some(shares) = self.shares {
            shares.end().await;
        }
        // Whoever stands by does not wait for browsers that look at a board.
        self.store.engine.release().await;
        if let Some(http) = self.http {
            let _ = http.await;
        }
        drop(self.store);
        tracing::info!("stopped");
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

fn sender_options(config: &Config, operator: OperatorNotifier, alerts: AccountNotifier) -> SenderOptions {
    let outgoing = &config.outgoing;
    SenderOptions {
        connector: connector_options(config),
        response_timeout: outgoing.response_timeout,
        limits: Limits {
            total: outgoing.total,
            per_destination: outgoing.per_destination,
            ..Limits::default()
        },
        attempts: config.keep.attempts,
        operator,
        alerts,
        seed: u64::from(clock::chance()),
    }
}

fn has_seconds(config: &Config) -> bool {
    config.journal.as_ref().is_some_and(|on| on.readers > 1)
}

fn is_secure(config: &Config) -> bool {
    config.http.tls.is_some()
        || config.http.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
}
