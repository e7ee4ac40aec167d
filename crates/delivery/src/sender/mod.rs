//! Sending: tasks that take what is due from the schedule, make the requests, and put the outcomes on disk.

mod ahead;
mod asking;
mod bodies;
mod control;
mod core;
mod day;
mod facts;
mod failing;
mod notices;
mod parts;
mod pausing;
mod reading;
mod routes;
mod settler;
mod status;
mod streaks;
mod trial;
mod wanted;
mod work;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use journal::{Grant, Journal, JournalError, Kept, Pending, SettingsCache, Settled, WishId};
use tasks::Part;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub use asking::ANSWERED_WITHIN;
pub use day::{HOURS, Hour};
pub use facts::OnFacts;
pub use failing::TOLD_FROM;
pub use notices::{paused, resumed};
pub use routes::LastAnswer;
pub use settler::{SETTLE_GROUP, SETTLE_WAIT};
pub use status::{SenderStatus, WebhookStatus};
pub use streaks::{NOTED_EVERY, NOTED_FROM};
pub use trial::{TEST_NUMBER, TESTS_AT_ONCE, TESTS_OF_ONE, Trial, TrialError};
pub use wanted::{AgainAll, Cancelled, ControlError, Resumed, Wanted};

use self::core::{Core, Job, Work};
use crate::alert::AccountNotifier;
use crate::clock::Clock;
use crate::connect::{Connector, ConnectorOptions, Pools, RESPONSE_TIMEOUT};
use crate::operator::OperatorNotifier;
use crate::policy::LONGEST_REQUEST;
use crate::schedule::{Finish, Input, Limits, Schedule};
use bodies::Bodies;
use routes::Routes;
use settler::{Entry, Place, Placed, Settler};
use work::Made;

/// Deliveries taken over under one lock when many come at once.
const OFFER_CHUNK: usize = 1_024;
/// Outcomes (webhooks switched off or paused meanwhile) that may wait while the journal is taken over.
const SETTLEMENTS_AT_START: usize = 8_192;
/// How often unused connections are looked at.
const TIDY_EVERY: Duration = Duration::from_secs(5);

/// Which attempts are kept, with their request and answer; what became of a delivery always is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeptAttempts {
    /// Every one.
    #[default]
    All,
    /// Those that a web service did not take.
    Failed,
    /// None.
    None,
}

impl KeptAttempts {
    /// Whether one is that the web service took, or did not.
    fn keeps(self, taken: bool) -> bool {
        match self {
            Self::All => true,
            Self::Failed => !taken,
            Self::None => false,
        }
    }
}

/// How a sender works.
#[derive(Clone)]
pub struct SenderOptions {
    /// How connections are made, and where they may go.
    pub connector: ConnectorOptions,
    /// For the answer to a request.
    pub response_timeout: Duration,
    /// The bounds.
    pub limits: Limits,
    /// Which attempts are kept, with request and answer.
    pub attempts: KeptAttempts,
    /// Who tells the operator of webhooks that are paused and resumed.
    pub operator: OperatorNotifier,
    /// Who tells accounts of their web services.
    pub alerts: AccountNotifier,
    /// Where its chances (jitter) come from.
    pub seed: u64,
}

impl Default for SenderOptions {
    fn default() -> Self {
        Self {
            connector: ConnectorOptions::default(),
            response_timeout: RESPONSE_TIMEOUT,
            limits: Limits::default(),
            attempts: KeptAttempts::All,
            operator: OperatorNotifier::silent(),
            alerts: AccountNotifier::silent(),
            seed: 0,
        }
    }
}

/// What is counted.
struct Counts {
    delivered: metrics::Counter,
    expired: metrics::Counter,
    failed: metrics::Counter,
    cancelled: metrics::Counter,
    held: metrics::Counter,
    fenced: metrics::Counter,
    took: metrics::Histogram,
    accepted: metrics::Histogram,
}

impl Counts {
    fn new() -> Self {
        let outcome =
            |outcome: &'static str| metrics::counter!("ringbud_deliveries_total", "outcome" => outcome);
        Self {
            delivered: outcome("delivered"),
            expired: outcome("expired"),
            failed: outcome("failed"),
            cancelled: outcome("cancelled"),
            held: outcome("held"),
            fenced: metrics::counter!("ringbud_fenced_total"),
            took: metrics::histogram!("ringbud_attempt_seconds"),
            accepted: metrics::histogram!("ringbud_received_to_accepted_seconds"),
        }
    }
}

/// What all tasks share.
struct Shared {
    journal: Arc<dyn Journal>,
    book: Arc<SettingsCache>,
    core: Mutex<Core>,
    settler: Settler,
    bodies: Bodies,
    /// Who reads ahead.
    reads_ahead: Semaphore,
    notes: tokio::sync::Mutex<failing::Notes>,
    /// Whether other gateways send from the same store.
    is_shared: AtomicBool,
    /// Facts that were begun and are not answered yet.
    facts_tried: Mutex<BTreeSet<WishId>>,
    tests: trial::Running,
    clock: Clock,
    attempts: KeptAttempts,
    operator: OperatorNotifier,
    alerts: AccountNotifier,
    counts: Counts,
    /// Nothing is sent after it.
    acts_until: AtomicI64,
    /// The next deadline came nearer.
    sooner: Notify,
    /// Something landed.
    landed: Notify,
}

/// Sends deliveries until it is stopped.
pub struct Sender {
    shared: Arc<Shared>,
    pools: Arc<Pools>,
    tasks: Vec<JoinHandle<()>>,
}

impl Sender {
    /// Starts the tasks, on the runtime this is called in. Nothing is sent before [`Sender::load`] or
    /// [`Sender::offer`].
    pub fn start(journal: Arc<dyn Journal>, book: Arc<SettingsCache>, options: SenderOptions) -> Self {
        let clock = Clock::start();
        let pools = Arc::new(Pools::new(Connector::new(options.connector), options.response_timeout));
        let schedule = Schedule::new(options.limits, options.seed);
        let core = Core::new(schedule, Routes::new(pools.clone()), book.clone(), clock.clone());
        let (bodies, wished) = Bodies::new();
        let shared = Arc::new(Shared {
            journal: journal.clone(),
            book,
            core: Mutex::new(core),
            settler: Settler::new(),
            bodies,
            reads_ahead: Semaphore::new(reading::TOGETHER),
            notes: tokio::sync::Mutex::default(),
            is_shared: AtomicBool::new(false),
            facts_tried: Mutex::default(),
            tests: trial::Running::default(),
            clock,
            attempts: options.attempts,
            operator: options.operator,
            alerts: options.alerts,
            counts: Counts::new(),
            acts_until: AtomicI64::new(i64::MAX),
            sooner: Notify::new(),
            landed: Notify::new(),
        });
        let tasks = vec![
            tasks::spawn(Part::SenderBodies, bodies::answer(journal, wished)),
            tasks::spawn(Part::SenderSettler, settle(shared.clone())),
            tasks::spawn(Part::SenderClock, keep_time(shared.clone())),
            tasks::spawn(Part::SenderSettings, follow_settings(shared.clone())),
            anew(Part::FailingNotes, &shared, failing::keep_notes),
            anew(Part::SenderTidy, &shared, tidy),
        ];
        Self { shared, pools, tasks }
    }

    /// Takes over everything the journal has that is not settled, for a gateway that has it for itself: at a start. Says
    /// how many.
    ///
    /// # Errors
    /// What the journal says.
    pub async fn load(&self) -> Result<usize, JournalError> {
        self.shared.recall_failing().await?;
        self.take(Grant::ALONE, Duration::ZERO).await
    }

    /// The same for a gateway that shares its store: it has nothing until it takes a part.
    ///
    /// # Errors
    /// What the journal says.
    pub async fn begin_to_share(&self) -> Result<(), JournalError> {
        self.lose(Grant::ALONE);
        self.shared.is_shared.store(true, Ordering::Release);
        self.shared.recall_failing().await
    }

    /// Takes over deliveries of events that were just kept, with the events at hand. An event that was
    /// offered before must not be offered again.
    pub fn offer(&self, fresh: Vec<(Pending, Arc<Kept>)>) {
        self.shared.offer(fresh.into_iter().map(|(pending, kept)| (pending, Some(kept))).collect());
    }

    /// Nothing is started after this moment, until it is pushed on; without a word of it, always. For a gateway whose store
    /// another may take when it is not heard. Nothing is decided either, after it or by who does not decide: what is too
    /// late then stands, with its lane.
    pub fn act_until(&self, until: Instant, decides: bool) {
        let until = self.shared.clock.moment(until);
        self.shared.acts_until.store(until.0, Ordering::Release);
        self.shared.with(|core, work| core.handle(Input::Trust { until, decides }, work));
    }

    /// For so long, and that of a request, another may have requests of this store under way: it was taken from one that was
    /// not heard. Before [`Sender::load`].
    pub fn is_careful_for(&self, others: Duration) {
        let part = Grant::ALONE.part();
        let careful_until = self.shared.clock.now().plus(others).plus(LONGEST_REQUEST);
        self.shared.with(|core, work| core.handle(Input::Granted { part, careful_until }, work));
    }

    /// From now on requests are made so; those that are out end as they began.
    pub fn change(&self, connector: ConnectorOptions, response_timeout: Duration, limits: Limits) {
        self.pools.change(connector, response_timeout);
        self.shared.with(|core, work| {
            core.schedule.change_limits(limits);
            core.handle_timeout(work);
        });
    }

    /// Starts nothing more, waits for the requests that are out, and puts their outcomes on disk; gives up
    /// waiting after `within`. What was not sent is sent after the next start.
    pub async fn stop(&self, within: Duration) {
        self.shared.with(|core, work| core.handle(Input::Stop, work));
        let landed = async {
            loop {
                let next = self.shared.landed.notified();
                if self.shared.lock().schedule.in_flight() == 0 {
                    break;
                }
                next.await;
            }
            self.shared.settler.flush().await;
            if let Err(error) = self.shared.note_failing(true).await {
                tracing::warn!(%error, "how long webhooks have failed could not be noted");
            }
        };
        if tokio::time::timeout(within, landed).await.is_err() {
            tracing::warn!(
                "stopped with requests out or outcomes not on disk: they may be repeated, with the same webhook-id"
            );
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a request may be made: asked right before, for the process may have stood still since it was started.
    fn acts(&self) -> bool {
        self.clock.now().0 < self.acts_until.load(Ordering::Acquire)
    }

    /// Does something with the core, and then what follows from it. What came of a delivery is with the settler before anybody
    /// sees that its request is not out any more: who waits for that, and then for the disk, has waited for all.
    fn with<T>(self: &Arc<Self>, act: impl FnOnce(&mut Core, &mut Work) -> T) -> T {
        let mut work = Work::default();
        let (done, sooner) = {
            let mut core = self.lock();
            let before = core.schedule.next_deadline();
            let done = act(&mut core, &mut work);
            let after = core.schedule.next_deadline();
            for entry in &work.entries {
                self.count(entry);
            }
            self.settler.add(&mut work.entries, work.urgent);
            (done, after.is_some_and(|after| before.is_none_or(|before| after < before)))
        };
        if sooner {
            self.sooner.notify_one();
        }
        for pausing in work.pauses {
            pausing::spawn(self.clone(), pausing);
        }
        for webhook in work.ahead {
            tasks::spawn(Part::SenderBodies, reading::read(self.clone(), webhook));
        }
        for job in work.jobs {
            tasks::spawn(Part::SenderWorker, work::work(self.clone(), job));
        }
        done
    }

    fn count(&self, entry: &Entry) {
        match entry.settle.outcome {
            journal::Outcome::Delivered => self.counts.delivered.increment(1),
            journal::Outcome::RetryIn(_) | journal::Outcome::Again(_) => {}
            journal::Outcome::Expired => self.counts.expired.increment(1),
            journal::Outcome::Failed(_) => self.counts.failed.increment(1),
            journal::Outcome::Cancelled => self.counts.cancelled.increment(1),
            journal::Outcome::Held => self.counts.held.increment(1),
        }
    }

    fn offer(self: &Arc<Self>, offered: Vec<(Pending, Option<Arc<Kept>>)>) {
        self.with(|core, work| {
            core.refresh(work);
            for (pending, kept) in offered {
                core.offer(pending, kept, work);
            }
        });
    }

    /// Takes in how an attempt ended; the task that made it goes on with what it gets back.
    fn finished(self: &Arc<Self>, job: &Job, made: Made) -> Option<Job> {
        let Made { how, attempt, last, since_received } = made;
        if let Some(since) = since_received {
            self.counts.accepted.record(since.as_secs_f64());
        }
        if let Some(reason) = last.as_ref().and_then(|last| last.reason.as_ref()) {
            let code = reason.code().to_owned();
            metrics::counter!("ringbud_failed_attempts_total", "code" => code).increment(1);
        }
        let next = self.with(|core, work| {
            if let Some(last) = last {
                core.routes.note_answer(job.webhook, job.kind, job.attempt, last, since_received);
            }
            core.handle(Input::Finished { slot: job.slot, how }, work);
            if how != Finish::Taken && core.schedule.will_likely_fail(job.webhook) {
                core.routes.let_go(job.webhook);
            }
            let own = |entry: &&mut Entry| entry.slot.as_ref().is_some_and(|placed| placed.slot == job.slot);
            if let Some(entry) = work.entries.iter_mut().find(own) {
                entry.settle.attempt = attempt;
            }
            work.jobs.pop()
        });
        self.landed.notify_waiters();
        next
    }
}

/// A task that begins anew when it dies.
fn anew<F>(
    part: Part,
    shared: &Arc<Shared>,
    task: impl Fn(Arc<Shared>) -> F + Send + 'static,
) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let shared = shared.clone();
    tasks::spawn_anew(part, move || task(shared.clone()))
}

async fn settle(shared: Arc<Shared>) {
    let journal = shared.journal.clone();
    let done = |group: &mut dyn Iterator<Item = (Place, Settled)>| {
        shared.with(|core, work| {
            for (place, settled) in group {
                if settled == Settled::Fenced {
                    shared.counts.fenced.increment(1);
                }
                if let Some(Placed { slot, verdict, grant }) = place
                    && core.parts.answers(grant)
                {
                    let fenced = settled != Settled::Done;
                    core.handle(Input::Settled { slot, fenced, verdict }, work);
                }
            }
        });
    };
    shared.settler.run(journal, shared.clock.clone(), done).await;
}

async fn keep_time(shared: Arc<Shared>) {
    loop {
        let sooner = shared.sooner.notified();
        let next = shared.lock().schedule.next_deadline();
        match next {
            None => sooner.await,
            Some(at) => {
                tokio::select! {
                    () = tokio::time::sleep_until(shared.clock.instant(at)) => {
                        shared.with(Core::handle_timeout);
                    }
                    () = sooner => {}
                }
            }
        }
    }
}

async fn follow_settings(shared: Arc<Shared>) {
    let mut revision = shared.book.watch();
    while revision.changed().await.is_ok() {
        shared.with(Core::refresh);
    }
}

async fn tidy(shared: Arc<Shared>) {
    let in_flight = metrics::gauge!("ringbud_deliveries_in_flight");
    let pending = metrics::gauge!("ringbud_deliveries_pending");
    let bytes = metrics::gauge!("ringbud_schedule_bytes");
    loop {
        tokio::time::sleep(TIDY_EVERY).await;
        let mut core = shared.lock();
        let Core { routes, schedule, .. } = &mut *core;
        routes.tidy(schedule);
        routes.give_back(schedule);
        routes.give_destinations_back(schedule);
        in_flight.set(f64::from(schedule.in_flight()));
        pending.set(schedule.pending() as f64);
        bytes.set(schedule.bytes() as f64);
    }
}
