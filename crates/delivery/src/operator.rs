//! Telling the operator: a webhook of the installation's own, for what happens to Ringbud itself.
//!
//! What is to be told waits in memory, for it is also told when the disk takes nothing; so what was not told
//! when the program ends is told nobody. It goes one at a time and in order, through the same guard and with
//! the same signatures as events.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use journal::WallTime;
use serde_json::{Value, json};
use tasks::Part;
use tokio::sync::{Mutex, mpsc};

use crate::clock::Clock;
use crate::connect::{Connector, ConnectorOptions, Failed, Pool, Pools, Trust};
use crate::guard::WebhookUrl;
use crate::policy::Answer;
use crate::reason::Wrong;
use crate::request::{AGENT, Wire};
use crate::signing::{Key, sign};

/// So many notices wait; what comes then is dropped, counted and logged.
pub const NOTICES_HELD: usize = 1_000;
/// How long one is tried.
pub const NOTICE_PATIENCE: Duration = Duration::from_secs(24 * 3_600);
/// The pause after a failed attempt; doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Something an operator is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// What, as `webhook.paused`.
    pub kind: &'static str,
    /// The rest.
    pub data: Value,
}

impl Notice {
    /// The body, as the Standard Webhooks specification recommends it.
    pub fn body(&self, at: WallTime) -> String {
        let at = jiff::Timestamp::from_microsecond(at.0 - at.0.rem_euclid(1_000_000)).unwrap_or_default();
        let (kind, at) = (json!(self.kind), json!(at.to_string()));
        format!("{{\"type\":{kind},\"timestamp\":{at},\"data\":{}}}", self.data)
    }
}

/// Where the operator is told.
pub struct NotifierOptions {
    /// The web service.
    pub url: WebhookUrl,
    /// What signs.
    pub key: Option<Key>,
    /// How connections are made, and where they may go.
    pub connector: ConnectorOptions,
    /// For the answer to a request.
    pub response_timeout: Duration,
}

/// Tells the operator, if there is somebody to tell. Clones are the same notifier.
#[derive(Clone, Default)]
pub struct OperatorNotifier {
    queue: Option<mpsc::Sender<(WallTime, Notice)>>,
    clock: Option<Clock>,
    way: Ways,
}

/// The way of this moment; none where nobody is to be told.
type Ways = Arc<RwLock<Option<Arc<Way>>>>;

impl OperatorNotifier {
    /// Nobody is told.
    pub fn silent() -> Self {
        Self::default()
    }

    /// Starts a task that tells, on the runtime this is called in; it ends with the last clone.
    pub fn start(options: NotifierOptions) -> Self {
        Self::open(Some(options))
    }

    /// The same where it may be that nobody is to be told yet.
    pub fn open(options: Option<NotifierOptions>) -> Self {
        let (queue, waiting) = mpsc::channel(NOTICES_HELD);
        let clock = Clock::start();
        let way: Ways = Arc::new(RwLock::new(options.map(|options| Arc::new(Way::of(options)))));
        let teller =
            Arc::new(Teller { way: way.clone(), clock: clock.clone(), waiting: Mutex::new(waiting) });
        tasks::spawn_anew(Part::OperatorNotifier, move || tell_all(teller.clone()));
        metrics::counter!("ringbud_notices_dropped_total").increment(0);
        Self { queue: Some(queue), clock: Some(clock), way }
    }

    /// From now on somebody else is told, or nobody; what waits goes there too.
    pub fn change(&self, options: Option<NotifierOptions>) {
        let way = options.map(|options| Arc::new(Way::of(options)));
        *self.way.write().unwrap_or_else(PoisonError::into_inner) = way;
    }

    /// Tells, later and without waiting.
    pub fn tell(&self, notice: Notice) {
        let (Some(queue), Some(clock)) = (&self.queue, &self.clock) else { return };
        if way_now(&self.way).is_none() {
            return;
        }
        if let Err(refused) = queue.try_send((clock.wall(), notice)) {
            let (_, notice) = refused.into_inner();
            metrics::counter!("ringbud_notices_dropped_total").increment(1);
            tracing::warn!(kind = notice.kind, data = %notice.data, "the operator is not told: too much waits");
        }
    }
}

fn way_now(way: &Ways) -> Option<Arc<Way>> {
    way.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The way to the operator's web service.
struct Way {
    url: WebhookUrl,
    keys: Vec<Key>,
    pool: Pool,
}

impl Way {
    fn of(NotifierOptions { url, key, connector, response_timeout }: NotifierOptions) -> Self {
        let pools = Arc::new(Pools::new(Connector::new(connector), response_timeout));
        let tls = url.origin().tls.then(|| Trust::of_the_machine().public());
        let pool = Pool::new(pools, url.origin().clone(), tls);
        Self { url, keys: key.into_iter().collect(), pool }
    }

    /// One attempt.
    async fn attempt(&self, id: &str, body: &str, now: WallTime) -> Result<(), Wrong> {
        match self.pool.send(&self.request(id, body, now)).await.end {
            Ok(answered) if Answer::of(answered.status) == Answer::Taken => Ok(()),
            Ok(answered) => Err(Wrong::Status(answered.status)),
            Err(Failed::Connect(error)) => Err(error.into()),
            Err(Failed::Answer(lost)) => Err(Wrong::NoAnswer(lost)),
            Err(Failed::TimedOut) => Err(Wrong::TooLate),
        }
    }

    fn request(&self, id: &str, body: &str, now: WallTime) -> Wire {
        let at = now.0.div_euclid(1_000_000).to_string();
        let mut request = Wire::default();
        request.begin("POST", |target| {
            target.push_str(self.url.path());
            if !self.url.query().is_empty() {
                target.push('?');
                target.push_str(self.url.query());
            }
        });
        request.header("host", &self.url.host_header());
        request.header("user-agent", AGENT);
        request.header("content-type", "application/json");
        request.header("webhook-id", id);
        request.header("webhook-timestamp", &at);
        if !self.keys.is_empty() {
            request.header("webhook-signature", &sign(&self.keys, id, &at, body.as_bytes()));
        }
        request.end(body);
        request
    }
}

/// What tells, and what is to be told: what waits outlives a death of the task.
struct Teller {
    way: Ways,
    clock: Clock,
    waiting: Mutex<mpsc::Receiver<(WallTime, Notice)>>,
}

async fn tell_all(teller: Arc<Teller>) {
    let Teller { way, clock, waiting } = &*teller;
    let mut waiting = waiting.lock().await;
    let mut count = 0_u64;
    while let Some((at, notice)) = waiting.recv().await {
        count += 1;
        let id = format!("ringbud-{}-{count}", at.0);
        let body = notice.body(at);
        let until = clock.now().plus(NOTICE_PATIENCE);
        let mut pause = FIRST_PAUSE;
        while let Some(now) = way_now(way) {
            let Err(error) = now.attempt(&id, &body, clock.wall()).await else {
                now.pool.tidy();
                break;
            };
            if clock.now().plus(pause) > until {
                tracing::warn!(kind = notice.kind, data = %notice.data, %error, "the operator could not be told");
                break;
            }
            tracing::debug!(kind = notice.kind, %error, "the operator is told later");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}
