//! Telling an account of its own web services: that one fails, is paused, is resumed, works again; to a web service of
//! its choice and by mail, in its language, with what to do.
//!
//! One a state: who calls has noticed that something is otherwise now. What waits to be told is in memory, and what was
//! not told when the program ends is told nobody; the window shows the state in any case. An account's web service is
//! reached past the guard as any of its own is; the mail server is the operator's (`mail`).

mod mail;
mod text;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use http::Request;
use journal::settings::AlertChoice;
use journal::{AccountSettings, WallTime};
use serde_json::json;
use tasks::Part;
use tokio::sync::{Mutex, mpsc};

pub use mail::{MailError, MailOptions, Mailer, Security};
pub use text::{Alert, What};

use crate::clock::Clock;
use crate::connect::{ConnectorOptions, FetchOptions, Fetcher};
use crate::signing::{Key, sign};

/// So many alerts wait; what comes then is dropped, counted and logged.
pub const ALERTS_HELD: usize = 1_000;
/// So many are being told at once: an account's address that is dead holds up nobody else's.
pub const ALERTS_AT_ONCE: usize = 128;
/// How long one is tried.
pub const ALERT_PATIENCE: Duration = Duration::from_secs(3_600);
/// The pause after a failed attempt; doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(300);
/// Nobody reads more of an answer.
const ANSWER_MAX: usize = 4_096;

/// How accounts are told.
pub struct AlertOptions {
    /// How connections to accounts' web services are made, and where they may go.
    pub connector: ConnectorOptions,
    /// For a whole request.
    pub limit: Duration,
    /// How mail goes; nothing: it does not.
    pub mail: Option<Mailer>,
}

/// Tells accounts. Clones are the same notifier.
#[derive(Clone, Default)]
pub struct AccountNotifier {
    queue: Option<mpsc::Sender<Job>>,
    clock: Option<Clock>,
    way: Ways,
}

/// The ways of this moment; none before the first.
type Ways = Arc<RwLock<Option<Arc<Way>>>>;

struct Way {
    fetcher: Option<Fetcher>,
    mail: Option<Mailer>,
}

/// One alert on one way.
struct Job {
    id: String,
    at: WallTime,
    to: To,
}

enum To {
    Url { url: String, body: String, keys: Vec<Key> },
    Mail { address: String, subject: String, text: String },
}

impl AccountNotifier {
    /// Nobody is told.
    pub fn silent() -> Self {
        Self::default()
    }

    /// Starts a task that tells, on the runtime this is called in; it ends with the last clone.
    pub fn start(options: AlertOptions) -> Self {
        let (queue, waiting) = mpsc::channel(ALERTS_HELD);
        let clock = Clock::start();
        let way: Ways = Arc::default();
        let teller =
            Arc::new(Teller { way: way.clone(), clock: clock.clone(), waiting: Mutex::new(waiting) });
        tasks::spawn_anew(Part::AccountNotifier, move || tell_all(teller.clone()));
        metrics::counter!("ringbud_alerts_dropped_total").increment(0);
        let notifier = Self { queue: Some(queue), clock: Some(clock), way };
        notifier.change(options);
        notifier
    }

    /// From now on accounts are told so; what waits goes so too.
    pub fn change(&self, AlertOptions { connector, limit, mail }: AlertOptions) {
        let options = FetchOptions { connector, ca_pem: None, limit, body_max: ANSWER_MAX };
        // Without a private CA nothing is wrong with it.
        let way = Way { fetcher: Fetcher::new(options).ok(), mail };
        *self.way.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(way));
    }

    /// Tells an account, later and without waiting.
    pub fn tell(&self, account: &AccountSettings, alert: &Alert) {
        let (Some(queue), Some(clock)) = (&self.queue, &self.clock) else { return };
        let AlertChoice { url, mail, .. } = &account.account.alert;
        if url.is_none() && mail.is_none() {
            return;
        }
        let at = clock.wall();
        let written = text::written(account, alert, at);
        let id = format!("alert-{}-{}", account.id, at.0);
        let url = url.clone().map(|url| {
            let secrets = account.integration().map(|(_, settings, _)| settings.secrets.clone());
            let keys = secrets.into_iter().flatten().filter_map(|one| Key::parse(one.secret.expose()).ok());
            let kinds: Vec<&str> = alert.events.iter().map(|kind| kind.name()).collect();
            let data = json!({
                "account": account.id.as_str(),
                "events": kinds,
                "language": written.language,
                "subject": written.subject,
                "text": written.text,
                "url": alert.plain_url(),
            });
            let notice = crate::operator::Notice { kind: alert.what.name(), data };
            To::Url { url, body: notice.body(at), keys: keys.collect() }
        });
        let mail = mail.clone().map(|address| To::Mail {
            address,
            subject: written.subject.clone(),
            text: written.text.clone(),
        });
        for to in [url, mail].into_iter().flatten() {
            if queue.try_send(Job { id: id.clone(), at, to }).is_err() {
                metrics::counter!("ringbud_alerts_dropped_total").increment(1);
                tracing::warn!(account = %account.id, what = alert.what.name(), "an account is not told: too much waits");
            }
        }
    }
}

/// What tells, and what is to be told: what waits outlives a death of the task.
struct Teller {
    way: Ways,
    clock: Clock,
    waiting: Mutex<mpsc::Receiver<Job>>,
}

async fn tell_all(teller: Arc<Teller>) {
    let mut waiting = teller.waiting.lock().await;
    let mut told = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some(()) = told.next() => {}
            job = waiting.recv(), if told.len() < ALERTS_AT_ONCE => match job {
                Some(job) => told.push(teller.until_told(job)),
                None if told.is_empty() => return,
                // The last clone is gone: what is out is finished, and nothing more comes.
                None => while told.next().await.is_some() {},
            },
        }
    }
}

impl Teller {
    async fn until_told(&self, job: Job) {
        let until = self.clock.now().plus(ALERT_PATIENCE);
        let mut pause = FIRST_PAUSE;
        loop {
            let way = self.way.read().unwrap_or_else(PoisonError::into_inner).clone();
            let Some(way) = way else { return };
            let why = match way.attempt(&job, self.clock.wall()).await {
                Ok(()) => return,
                Err(Failed::ForGood(why)) => {
                    return tracing::warn!(id = job.id, why, "an account could not be told");
                }
                Err(Failed::ForNow(why)) => why,
            };
            if self.clock.now().plus(pause) > until {
                return tracing::warn!(id = job.id, why, "an account could not be told");
            }
            tracing::debug!(id = job.id, why, "an account is told later");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

enum Failed {
    ForGood(String),
    ForNow(String),
}

impl Way {
    async fn attempt(&self, job: &Job, now: WallTime) -> Result<(), Failed> {
        match &job.to {
            To::Url { url, body, keys } => self.post(&job.id, url, body, keys, now).await,
            To::Mail { address, subject, text } => {
                let Some(mail) = &self.mail else {
                    return Err(Failed::ForGood("no mail server is configured: [mail]".to_owned()));
                };
                let sent = mail.send(address, subject, text, &job.id, job.at).await;
                sent.map_err(|error| match error.is_for_good() {
                    true => Failed::ForGood(error.to_string()),
                    false => Failed::ForNow(error.to_string()),
                })
            }
        }
    }

    async fn post(&self, id: &str, url: &str, body: &str, keys: &[Key], now: WallTime) -> Result<(), Failed> {
        let later = |why: String| Failed::ForNow(why);
        let at = now.0.div_euclid(1_000_000).to_string();
        let mut request = Request::post(url)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", &at);
        if !keys.is_empty() {
            request = request.header("webhook-signature", sign(keys, id, &at, body.as_bytes()));
        }
        let request =
            request.body(body.as_bytes().to_vec()).map_err(|error| Failed::ForGood(error.to_string()))?;
        let fetcher = self.fetcher.as_ref().ok_or_else(|| later("there is no way out".to_owned()))?;
        let answer = fetcher.fetch(request).await.map_err(|error| later(error.to_string()))?;
        match answer.status().is_success() {
            true => Ok(()),
            false => Err(later(format!("HTTP {}", answer.status().as_u16()))),
        }
    }
}
