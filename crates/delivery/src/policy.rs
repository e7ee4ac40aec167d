//! What counts as success, how long an event is worth trying, and when it is tried again.
//!
//! Pure: the moment and the chance come in as arguments.

use std::time::Duration;

use calls::EventKind;
use journal::settings::RetryChoice;

/// How long an `Incoming` is tried for: after that nobody needs to know that a phone rang.
pub const INCOMING_PATIENCE: Duration = Duration::from_secs(60);
/// How long the other events are tried for.
pub const OTHERS_PATIENCE: Duration = Duration::from_secs(3 * 24 * 3_600);
/// The pause before the second attempt; doubles with each further one.
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between attempts at an `Incoming`.
pub const INCOMING_PAUSE_MAX: Duration = Duration::from_secs(10);
/// The longest pause between attempts at the other events.
pub const OTHERS_PAUSE_MAX: Duration = Duration::from_secs(3_600);
/// Pauses vary by this part up and down, in percent, so that what failed together does not come together.
pub const JITTER_PERCENT: u64 = 20;
/// A receiver's `Retry-After` is honoured up to this.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);
/// No pause is longer than this, be it ours or one that was asked for.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(3_600 + 3_600 * JITTER_PERCENT / 100);
/// A webhook that has failed for so long without one success is paused.
pub const PAUSED_AFTER: Duration = Duration::from_secs(5 * 24 * 3_600);

/// No request is out for longer: to connect takes 5 seconds at most, the answer 10.
pub const LONGEST_REQUEST: Duration = Duration::from_secs(15);

/// Microseconds of a clock that never jumps; its zero is whenever the program began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(pub i64);

impl Moment {
    /// So much later.
    #[must_use]
    pub fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(micros(time)))
    }

    /// So much earlier.
    #[must_use]
    pub fn minus(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(micros(time)))
    }

    /// How long after `earlier`; zero if it was not after.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// How long events are worth trying, for one integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// An `Incoming`.
    pub incoming: Duration,
    /// The others.
    pub others: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { incoming: INCOMING_PATIENCE, others: OTHERS_PATIENCE }
    }
}

impl Patience {
    /// The account's own choice, where it made one.
    pub fn of(choice: &RetryChoice) -> Self {
        let chosen =
            |secs: Option<u32>, default| secs.map_or(default, |secs| Duration::from_secs(secs.into()));
        Self {
            incoming: chosen(choice.incoming_secs, INCOMING_PATIENCE),
            others: chosen(choice.others_secs, OTHERS_PATIENCE),
        }
    }

    /// For a kind.
    pub const fn with(&self, kind: EventKind) -> Duration {
        match kind {
            EventKind::Incoming => self.incoming,
            EventKind::Answered | EventKind::Outgoing | EventKind::Ended => self.others,
        }
    }
}

/// What an answer's status means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Any 2xx: taken.
    Taken,
    /// 410: the web service is gone for good; the webhook is paused.
    Gone,
    /// Anything else, redirects included: tried again.
    Refused,
}

impl Answer {
    /// Of a status.
    pub const fn of(status: u16) -> Self {
        match status {
            200..=299 => Self::Taken,
            410 => Self::Gone,
            _ => Self::Refused,
        }
    }
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another attempt at this moment.
    RetryAt(Moment),
    /// None: it would come too late.
    TooLate,
}

/// What follows a failed attempt at an event that is worth trying since `since`; `attempts` counts the one
/// that failed.
pub fn after_failure(
    kind: EventKind,
    patience: &Patience,
    since: Moment,
    now: Moment,
    attempts: u16,
    retry_after: Option<Duration>,
    chance: u64,
) -> Next {
    let asked = retry_after.unwrap_or(Duration::ZERO).min(RETRY_AFTER_MAX);
    let at = now.plus(pause(kind, attempts, chance).max(asked));
    if at > since.plus(patience.with(kind)) { Next::TooLate } else { Next::RetryAt(at) }
}

/// Since when a delivery that is taken up now is worth trying, and when it is due, given what the journal says of its age
/// and of that at which it is due.
///
/// The store's clock may have been set meanwhile. Where it is due later than any pause could have made it, nobody waits
/// for the clock to catch up: it is due now.
pub fn taken_up(patience: Duration, age: Duration, due_at_age: Duration, now: Moment) -> (Moment, Moment) {
    let due_at_age = if due_at_age > age + LONGEST_PAUSE { age } else { due_at_age };
    let created = now.minus(age);
    let due = created.plus(due_at_age);
    // Due after its time is up: wanted again by a person, and its time begins anew.
    let since = if due_at_age > patience { due } else { created };
    (since, due)
}

/// The pause after so many attempts.
fn pause(kind: EventKind, attempts: u16, chance: u64) -> Duration {
    let longest = match kind {
        EventKind::Incoming => INCOMING_PAUSE_MAX,
        EventKind::Answered | EventKind::Outgoing | EventKind::Ended => OTHERS_PAUSE_MAX,
    };
    let doublings = u32::from(attempts.saturating_sub(1)).min(16);
    jittered(FIRST_PAUSE.saturating_mul(1 << doublings).min(longest), chance)
}

/// A pause, up to [`JITTER_PERCENT`] shorter or longer.
pub(crate) fn jittered(pause: Duration, chance: u64) -> Duration {
    let percent = 100 - JITTER_PERCENT + chance % (2 * JITTER_PERCENT + 1);
    pause.mul_f64(percent as f64 / 100.0)
}

/// `Retry-After` in either of its forms, given our own time in seconds since the epoch. Nonsense is none.
pub fn retry_after(header: &str, now_secs: i64) -> Option<Duration> {
    let header = header.trim();
    if let Ok(secs) = header.parse::<u64>() {
        return Some(Duration::from_secs(secs));
    }
    if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::MAX);
    }
    let at = jiff::fmt::rfc2822::parse(header).ok()?.timestamp().as_second();
    Some(Duration::from_secs(u64::try_from(at.saturating_sub(now_secs)).unwrap_or(0)))
}
