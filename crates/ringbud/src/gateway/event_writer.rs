//! Keeps what the call logic says, and only then tells the sender.
//!
//! What arrived while the last commit ran goes into the next one. While the journal cannot be written the
//! batch is kept and tried again; behind it the queues fill up to their bounds, until the PBX has to wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use calls::{Event, EventKind, Note, PbxName};
use journal::{Append, Appended, EventSeq, Grant, Journal, JournalError, Kept, Pending, WallTime};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::second::Second;
use crate::clock;
use crate::stop::Stop;

/// So many moments wait to be kept.
pub const MAX_MOMENTS: usize = 8_192;
/// So many go into one commit.
const MAX_BATCH: usize = 1_024;
/// The first pause after a commit that failed, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));
/// How long a stopping program goes on trying to keep what it has.
const LAST_TRY: Duration = Duration::from_secs(10);

/// Who is told of what was kept.
pub trait EventSink: Send + Sync + 'static {
    /// These events are kept, with the deliveries that are now due, and the notes of the same moments.
    fn kept(&self, pbx: &PbxName, events: &[Arc<Kept>], due: Vec<(Pending, Arc<Kept>)>, notes: &[Note]);
}

/// Keeps the moments of one PBX.
pub struct EventWriter {
    /// That the PBX is this gateway's; under which all is written, whatever stands on a moment.
    pub grant: Grant,
    /// Where they are kept.
    pub journal: Arc<dyn Journal>,
    /// Who is told.
    pub sink: Arc<dyn EventSink>,
    /// When to give up.
    pub stop: Stop,
    /// Where it is said that the journal cannot be written.
    pub blocked: Blocked,
    /// The newest place in the journal that this PBX's events cannot go beyond without being news: where the
    /// last run ended, and what has been told since.
    pub last_published: EventSeq,
    /// What is counted of this PBX.
    pub counts: Counts,
}

/// What is counted of a PBX's events.
pub struct Counts {
    /// In the order of [`EventKind::ALL`].
    events: [metrics::Counter; 4],
    kept_seconds: metrics::Histogram,
}

impl Counts {
    /// For the events of a PBX.
    pub fn of(pbx: &PbxName) -> Self {
        let events = EventKind::ALL.map(
            |kind| metrics::counter!("ringbud_events_total", "pbx" => pbx.to_string(), "kind" => kind.name()),
        );
        Self { events, kept_seconds: metrics::histogram!("ringbud_event_kept_seconds") }
    }

    fn kept(&self, kind: EventKind, received_at: WallTime) {
        self.events[kind as usize].increment(1);
        let micros = clock::wall().0.saturating_sub(received_at.0).max(0);
        self.kept_seconds.record(Duration::from_micros(micros.unsigned_abs()).as_secs_f64());
    }
}

/// How many event writers wait for a journal that cannot be written.
#[derive(Clone, Debug, Default)]
pub struct Blocked(Arc<AtomicUsize>);

impl Blocked {
    /// Whether any does.
    pub fn is_blocked(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    fn set(&self, is_blocked: bool) {
        let gauge = metrics::gauge!("ringbud_journal_unwritable");
        if is_blocked {
            self.0.fetch_add(1, Ordering::Relaxed);
            gauge.increment(1.0);
        } else {
            self.0.fetch_sub(1, Ordering::Relaxed);
            gauge.decrement(1.0);
        }
    }
}

impl EventWriter {
    /// Keeps moments until no more can come. The answer is how many events could not be kept.
    pub async fn run(mut self, mut moments: mpsc::Receiver<Append>) -> usize {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        while moments.recv_many(&mut batch, MAX_BATCH).await > 0 {
            batch.iter_mut().for_each(|moment| moment.grant = self.grant);
            let lost = self.keep(std::mem::take(&mut batch)).await;
            if lost > 0 {
                moments.close();
                let mut unkept = lost;
                while let Some(moment) = moments.recv().await {
                    unkept += moment.events.len();
                }
                metrics::counter!("ringbud_events_unkept_total").increment(unkept as u64);
                tracing::error!(
                    events = unkept,
                    "the journal could not be written to the end; these events are lost to it"
                );
                return unkept;
            }
        }
        0
    }

    /// Keeps nothing until it is given the PBX; then what is at hand that is not kept yet, and from there on as ever.
    pub async fn run_behind(mut self, second: Second, mut moments: mpsc::Receiver<Append>) -> usize {
        let Some((given, mut news)) = second.given(&mut moments).await else { return 0 };
        self.grant = given.grant;
        self.last_published = given.grant.before().unwrap_or(self.last_published);
        news.iter_mut().for_each(|moment| moment.grant = self.grant);
        while !news.is_empty() {
            let rest = news.split_off(MAX_BATCH.min(news.len()));
            let lost = self.keep(std::mem::replace(&mut news, rest)).await;
            if lost > 0 {
                metrics::counter!("ringbud_events_unkept_total").increment(lost as u64);
                tracing::error!(events = lost, "what was heard as second reader could not be kept");
                return lost;
            }
        }
        let _ = given.done.send(());
        self.run(moments).await
    }

    async fn keep(&mut self, batch: Vec<Append>) -> usize {
        let mut pause = PAUSES.0;
        let mut failed = false;
        let mut give_up_at = None;
        loop {
            let began = Instant::now();
            match self.journal.append(&batch).await {
                Ok(answers) => {
                    metrics::histogram!("ringbud_journal_append_seconds")
                        .record(began.elapsed().as_secs_f64());
                    if failed {
                        self.blocked.set(false);
                        tracing::info!("the journal can be written again; nothing was lost");
                    }
                    self.tell(batch, answers, failed);
                    return 0;
                }
                Err(error) => {
                    if !failed {
                        tracing::error!(%error, "events cannot be kept; trying again until they can");
                        self.blocked.set(true);
                    }
                    failed = true;
                    if matches!(error, JournalError::Closed) {
                        return events_in(&batch);
                    }
                }
            }
            if self.stop.is_called()
                && Instant::now() >= *give_up_at.get_or_insert_with(|| Instant::now() + LAST_TRY)
            {
                return events_in(&batch);
            }
            let wait = pause / 2 + pause.mul_f64(f64::from(clock::chance()) / f64::from(u32::MAX)) / 2;
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    fn tell(&mut self, batch: Vec<Append>, answers: Vec<Vec<Appended>>, was_in_doubt: bool) {
        for (moment, answers) in batch.into_iter().zip(answers) {
            let Append { pbx, events, notes, received_at, .. } = moment;
            let mut due = Vec::new();
            let mut kept = Vec::with_capacity(events.len());
            for ((event, integrations), answer) in events.into_iter().zip(answers) {
                let (seq, waiting) = match answer {
                    Appended::Stored(seq, waiting) => (seq, Some(waiting)),
                    // The commit whose answer got lost was done after all. Without that, another brought it.
                    Appended::Repeat(seq) if was_in_doubt && seq > self.last_published => (seq, None),
                    Appended::Repeat(_) => continue,
                    // Whoever has it now reads the PBX, too.
                    Appended::Fenced => continue,
                    Appended::Refused(why) => {
                        tracing::debug!(pbx = %pbx, leg = %event.leg, kind = event.kind().name(), ?why, "an event was refused");
                        continue;
                    }
                };
                self.last_published = seq;
                self.counts.kept(event.kind(), received_at);
                log(&pbx, &event);
                let event = Arc::new(Kept { seq, received_at, pbx: pbx.clone(), event });
                let waiting = waiting.unwrap_or_else(|| {
                    integrations.into_iter().map(|integration| Pending::fresh(&event, integration)).collect()
                });
                due.extend(waiting.into_iter().map(|pending| (pending, event.clone())));
                kept.push(event);
            }
            if !kept.is_empty() || !notes.is_empty() {
                self.sink.kept(&pbx, &kept, due, &notes);
            }
        }
    }
}

fn events_in(batch: &[Append]) -> usize {
    batch.iter().map(|moment| moment.events.len()).sum()
}

fn log(pbx: &PbxName, event: &Event) {
    tracing::debug!(
        pbx = %pbx,
        account = %event.account(),
        leg = %event.leg,
        call = %event.call,
        kind = event.kind().name(),
        employee = event.phone.employee_number(),
        event_id = %event.id(),
        assumed = event.assumed,
        "event"
    );
}
