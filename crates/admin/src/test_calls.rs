//! How often test calls are made.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::Limit;
use crate::{Code, Refusal};

/// Test calls of an account: so many at once, then one after each interval.
const OF_ACCOUNT: (u32, Duration) = (5, Duration::from_secs(15));
/// Those of a person or a token, on all accounts.
const OF_ACTOR: (u32, Duration) = (10, Duration::from_secs(10));

/// How often test calls are made.
#[derive(Debug)]
pub(crate) struct Tests {
    begun: Instant,
    limits: Mutex<(Limit, Limit)>,
}

impl Default for Tests {
    fn default() -> Self {
        let limits = (Limit::new(OF_ACCOUNT.0, OF_ACCOUNT.1), Limit::new(OF_ACTOR.0, OF_ACTOR.1));
        Self { begun: Instant::now(), limits: Mutex::new(limits) }
    }
}

impl Tests {
    /// Counts one more, if it is not one too many.
    pub(crate) fn count(&self, account: &str, actor: &str) -> Result<(), Refusal> {
        let now = self.begun.elapsed();
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        let (of_account, of_actor) = &mut *limits;
        let wait = of_account.wait(account, now).max(of_actor.wait(actor, now));
        if wait > Duration::ZERO {
            let secs = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            let mut refusal = Refusal::new(Code::TooManyTests).with("secs", secs);
            refusal.retry_after = Some(Duration::from_secs(secs));
            return Err(refusal);
        }
        of_account.count(account, now);
        of_actor.count(actor, now);
        Ok(())
    }
}
