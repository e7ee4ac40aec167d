//! One attempt: body, request, answer, and what to make of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use journal::{Attempt, Headers, Kept, Reason};
use tasks::Part;

use super::Shared;
use super::core::Job;
use super::routes::{LastAnswer, Way};
use crate::connect::{Answered, Failed};
use crate::policy::{self, Answer};
use crate::reason::{GivesReason as _, Wrong};
use crate::request::Wire;
use crate::schedule::Finish;

/// How an attempt ended.
pub(super) struct Made {
    pub(super) how: Finish,
    pub(super) attempt: Option<Box<Attempt>>,
    pub(super) last: Option<LastAnswer>,
    /// From the moment the event reached us until it was accepted.
    pub(super) since_received: Option<Duration>,
}

impl Made {
    const fn nothing(how: Finish) -> Self {
        Self { how, attempt: None, last: None, since_received: None }
    }
}

/// Makes attempts, one after the other, as long as the schedule has more for this task.
pub(super) async fn work(shared: Arc<Shared>, first: Job) {
    let mut next = Some(first);
    // One buffer for all requests of this task.
    let mut wire = Wire::default();
    while let Some(job) = next {
        // What kills one request must not keep its place, nor stop the requests of others: it is one that failed.
        let made = tasks::guarded(Part::DeliveryAttempt, attempt(&shared, &job, &mut wire)).await;
        let made = made.unwrap_or_else(|_| not_sendable(&shared, &job, Wrong::OwnFault.reason()));
        next = shared.finished(&job, made);
    }
}

async fn attempt(shared: &Shared, job: &Job, wire: &mut Wire) -> Made {
    let kept = match &job.kept {
        Some(kept) => kept.clone(),
        None => match shared.bodies.get(job.id.event).await {
            Ok(Some(kept)) => kept,
            Ok(None) => return Made::nothing(Finish::Impossible),
            Err(error) => {
                tracing::warn!(%error, event = job.id.event.0, "an event cannot be read; tried again in a second");
                return Made::nothing(Finish::NotMade);
            }
        },
    };
    match &job.way {
        Ok(way) => {
            let made = send(shared, job, way, &kept, wire).await;
            made.unwrap_or_else(|NotNow| Made::nothing(Finish::NotMade))
        }
        Err(no_way) => not_sendable(shared, job, no_way.reason()),
    }
}

/// The settings make no request: an attempt that failed, so that people see why.
fn not_sendable(shared: &Shared, job: &Job, reason: Reason) -> Made {
    let at = shared.clock.wall();
    let attempt = shared.attempts.keeps(false).then(|| {
        Box::new(Attempt {
            number: job.attempt,
            at,
            took_micros: 0,
            address: String::new(),
            request_line: String::new(),
            request_headers: Headers::default(),
            request_body: Bytes::new(),
            status: None,
            reason: Some(reason.clone()),
            response_body: Vec::new(),
        })
    });
    let last = LastAnswer { at, status: None, reason: Some(Arc::new(reason)), took: Duration::ZERO };
    Made { how: Finish::Refused { retry_after: None }, attempt, last: Some(last), since_received: None }
}

/// This gateway does not act, or what was to be sent is another's.
struct NotNow;

async fn send(shared: &Shared, job: &Job, way: &Way, kept: &Kept, wire: &mut Wire) -> Result<Made, NotNow> {
    let may_send = || if shared.acts() && job.hold.holds() { Ok(()) } else { Err(NotNow) };
    may_send()?;
    let at = shared.clock.wall();
    let began = shared.clock.now();
    let identity = way.compiled.render_into(wire, &kept.event, at);
    let fared = way.pool.send_unless(wire, may_send).await?;
    let took = shared.clock.now().since(began);
    shared.counts.took.record(took.as_secs_f64());
    let read = Read::of(fared.end, at.0.div_euclid(1_000_000));
    let attempt = shared.attempts.keeps(read.how == Finish::Taken).then(|| {
        Box::new(Attempt {
            number: job.attempt,
            at,
            took_micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            address: fared.address.as_deref().unwrap_or_default().to_owned(),
            request_line: wire.line().to_owned(),
            request_headers: way.compiled.kept_headers(wire, &identity),
            request_body: Bytes::copy_from_slice(wire.body().as_bytes()),
            status: read.status,
            reason: read.reason.clone(),
            response_body: read.body,
        })
    });
    tracing::debug!(
        account = %kept.event.account(),
        event_id = %kept.event.id(),
        kind = kept.event.kind().name(),
        attempt = job.attempt,
        status = read.status,
        error = read.reason.as_ref().map(tracing::field::display),
        took_micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "attempt"
    );
    let since_received = (read.how == Finish::Taken).then(|| {
        let micros = at.0.saturating_sub(kept.received_at.0);
        Duration::from_micros(u64::try_from(micros).unwrap_or(0)) + took
    });
    let last = LastAnswer { at, status: read.status, reason: read.reason.map(Arc::new), took };
    Ok(Made { how: read.how, attempt, last: Some(last), since_received })
}

/// An answer as it is understood.
pub(super) struct Read {
    pub(super) how: Finish,
    pub(super) status: Option<u16>,
    /// What went wrong; nothing if nothing did.
    pub(super) reason: Option<Reason>,
    pub(super) body: Vec<u8>,
}

impl Read {
    pub(super) fn of(end: Result<Answered, Failed>, now_secs: i64) -> Self {
        let without =
            |how, wrong: Wrong| Self { how, status: None, reason: Some(wrong.reason()), body: Vec::new() };
        let answered = match end {
            Ok(answered) => answered,
            Err(Failed::Connect(error)) => return without(Finish::Unreachable, error.into()),
            Err(Failed::Answer(lost)) => {
                return without(Finish::Refused { retry_after: None }, Wrong::NoAnswer(lost));
            }
            Err(Failed::TimedOut) => {
                return without(Finish::TimedOut, Wrong::TooLate);
            }
        };
        let Answered { status, retry_after, body, .. } = answered;
        let (how, wrong) = match Answer::of(status) {
            Answer::Taken => (Finish::Taken, None),
            Answer::Gone => (Finish::Gone, Some(Wrong::Gone)),
            Answer::Refused => {
                let retry_after = retry_after.and_then(|value| policy::retry_after(&value, now_secs));
                let is_redirect = (300..=399).contains(&status);
                let wrong = if is_redirect { Wrong::Redirect(status) } else { Wrong::Status(status) };
                (Finish::Refused { retry_after }, Some(wrong))
            }
        };
        Self { how, status: Some(status), reason: wrong.map(|wrong| wrong.reason()), body }
    }
}
