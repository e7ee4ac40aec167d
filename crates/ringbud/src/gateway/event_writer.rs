//! Keeps what the call logic says, and only then tells the sender.
//!
//! What arrived while the last commit ran goes into the next one. While the journal cannot be written the
//! batch is kept and tried again; behind it the queues fill up to their bounds, until the PBX has to wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use calls::{Event, EventKind, Note, PbxName};
use journal::{Append, Appended, EventSeq, Grant, Journal, JournalError, Kept, Pending, WallTime};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::second::{Given, Heard, Second, Turn};
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
    /// That the PBX is this gateway's; under which all is written, whatever stands on a moment. None: it is another's.
    pub grant: Option<Grant>,
    /// Whose it is from now on.
    pub turns: mpsc::Receiver<Turn>,
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
    /// Keeps moments until no more can come, for as long as the PBX is this gateway's; what comes while it is another's is
    /// at hand. The answer is how many events could not be kept.
    pub async fn run(mut self, mut moments: mpsc::Receiver<Heard>) -> usize {
        let Err(mut unkept) = self.follows_turns(&mut moments).await else { return 0 };
        moments.close();
        while let Some(heard) = moments.recv().await {
            unkept += heard.moment.events.len();
        }
        metrics::counter!("ringbud_events_unkept_total").increment(unkept as u64);
        tracing::error!(
            events = unkept,
            "the journal could not be written to the end; these events are lost to it"
        );
        unkept
    }

    async fn follows_turns(&mut self, moments: &mut mpsc::Receiver<Heard>) -> Result<(), usize> {
        loop {
            if let Some(grant) = self.grant {
                let Some(is_back) = self.owns(grant, moments).await? else { return Ok(()) };
                self.grant = None;
                let _ = is_back.send(());
            } else {
                let Some((given, at_hand)) = self.listens(moments).await else { return Ok(()) };
                self.takes(given, at_hand).await?;
            }
        }
    }

    /// Keeps what comes until the PBX is another's, who is told then; `None`: no more can come.
    async fn owns(
        &mut self,
        grant: Grant,
        moments: &mut mpsc::Receiver<Heard>,
    ) -> Result<Option<oneshot::Sender<()>>, usize> {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        loop {
            tokio::select! {
                biased;
                Some(turn) = self.turns.recv() => if let Turn::Back(is_back) = turn {
                    let mut heard = moments.len();
                    while heard > 0 {
                        heard -= moments.recv_many(&mut batch, heard.min(MAX_BATCH)).await;
                        self.keep(grant, std::mem::take(&mut batch)).await?;
                    }
                    return Ok(Some(is_back));
                },
                count = moments.recv_many(&mut batch, MAX_BATCH) => {
                    if count == 0 {
                        return Ok(None);
                    }
                    self.keep(grant, std::mem::take(&mut batch)).await?;
                }
            }
        }
    }

    /// Keeps nothing until it is given the PBX; `None`: it is not to be any more.
    async fn listens(&mut self, moments: &mut mpsc::Receiver<Heard>) -> Option<(Given, Second)> {
        let mut at_hand = Second::default();
        loop {
            tokio::select! {
                biased;
                turn = self.turns.recv() => match turn? {
                    Turn::Given(given) => return Some((given, at_hand)),
                    Turn::Back(is_back) => {
                        let _ = is_back.send(());
                    }
                },
                moment = moments.recv() => at_hand.add(moment?),
            }
        }
    }

    /// Keeps what is at hand that is not kept yet.
    async fn takes(&mut self, given: Given, at_hand: Second) -> Result<(), usize> {
        let Given { grant, kept, done } = given;
        self.grant = Some(grant);
        self.last_published = grant.before().unwrap_or(self.last_published);
        let mut news = at_hand.news(&kept);
        while !news.is_empty() {
            let rest = news.split_off(MAX_BATCH.min(news.len()));
            self.keep(grant, std::mem::replace(&mut news, rest)).await?;
        }
        let _ = done.send(());
        Ok(())
    }

    /// However long it takes; how many events were not kept when it had to be given up.
    async fn keep(&mut self, grant: Grant, heard: Vec<Heard>) -> Result<(), usize> {
        let (mut batch, heard): (Vec<Append>, Vec<Instant>) =
            heard.into_iter().map(|heard| (heard.moment, heard.at)).unzip();
        batch.iter_mut().for_each(|moment| moment.grant = grant);
        let mut pause = PAUSES.0;
        let mut failed = false;
        let mut give_up_at = None;
        loop {
            let began = Instant::now();
            for (moment, heard_at) in batch.iter_mut().zip(&heard) {
                moment.age = began.saturating_duration_since(*heard_at);
            }
            match self.journal.append(&batch).await {
                Ok(answers) => {
                    metrics::histogram!("ringbud_journal_append_seconds")
                        .record(began.elapsed().as_secs_f64());
                    if failed {
                        self.blocked.set(false);
                        tracing::info!("the journal can be written again; nothing was lost");
                    }
                    self.tell(batch, answers, failed);
                    return Ok(());
                }
                Err(error) => {
                    if !failed {
                        self.blocked.set(true);
                        tracing::error!(%error, "events cannot be kept; trying again until they can");
                    }
                    failed = true;
                    if matches!(error, JournalError::Closed) {
                        return Err(events_in(&batch));
                    }
                }
            }
            if self.stop.is_called()
                && Instant::now() >= *give_up_at.get_or_insert_with(|| Instant::now() + LAST_TRY)
            {
                return Err(events_in(&batch));
            }
            let wait = pause / 2 + pause.mul_f64(f64::from(clock::chance()) / f64::from(u32::MAX)) / 2;
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    fn tell(&mut self, batch: Vec<Append>, answers: Vec<Vec<Appended>>, was_in_doubt: bool) {
        for (moment, answers) in batch.into_iter().zip(answers) {
            let Append { pbx, events, notes, received_at, age, .. } = moment;
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
                    let fresh = |integration| Pending::fresh(&event, integration, age);
                    integrations.into_iter().map(fresh).collect()
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
