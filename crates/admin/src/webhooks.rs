//! The four web services as they run: pause, resume, test.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use calls::EventKind;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::admin::Admin;
use crate::audit::Noted;
use crate::limits::Limit;
use crate::{Actor, Code, Refusal, TestAnswer, TestCall};

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
    fn count(&self, account: &str, actor: &str) -> Result<(), Refusal> {
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

impl Admin {
    /// Pauses webhooks, one or all four: their events are kept.
    pub async fn pause(&self, actor: &Actor, account: &str, kind: Option<EventKind>) -> Result<(), Refusal> {
        let account = self.changes(actor, account)?;
        let (id, ..) = account.integration().ok_or_else(|| Refusal::new(Code::NoIntegration))?;
        for kind in kinds(kind) {
            self.gateway.pause(id, kind).await?;
        }
        let detail = kind.map_or("", EventKind::name);
        self.note(
            actor,
            Noted { what: "audit.pause", account: account.id.as_str(), subject: detail, detail: "" },
        )
        .await;
        Ok(())
    }

    /// Resumes webhooks, one or all that are paused; what was kept is sent, or cancelled.
    pub async fn resume(
        &self,
        actor: &Actor,
        account: &str,
        kind: Option<EventKind>,
        send_kept: bool,
    ) -> Result<(), Refusal> {
        let account = self.changes(actor, account)?;
        let (id, integration, _) = account.integration().ok_or_else(|| Refusal::new(Code::NoIntegration))?;
        for kind in kinds(kind).filter(|kind| integration.paused.contains_key(kind)) {
            self.gateway.resume(id, kind, send_kept).await?;
        }
        let detail = kind.map_or("", EventKind::name);
        self.note(
            actor,
            Noted { what: "audit.resume", account: account.id.as_str(), subject: detail, detail: "" },
        )
        .await;
        Ok(())
    }

    /// Makes a test call. Its answers come one by one as they come in.
    pub async fn test_call(
        &self,
        actor: &Actor,
        account: &str,
        employee: &str,
    ) -> Result<mpsc::Receiver<TestAnswer>, Refusal> {
        let account = self.changes(actor, account)?;
        if account.integration().is_none() {
            return Err(Refusal::new(Code::NoIntegration));
        }
        if !account.employees.contains_key(employee) {
            return Err(Refusal::of(Code::NoSuchEmployee, "employee"));
        }
        self.tests.count(account.id.as_str(), actor.name())?;
        let call = TestCall { account: account.id.clone(), employee: employee.to_owned() };
        let answers = self.gateway.test_call(call).await?;
        self.note(
            actor,
            Noted { what: "audit.test", account: account.id.as_str(), subject: employee, detail: "" },
        )
        .await;
        Ok(answers)
    }
}

fn kinds(kind: Option<EventKind>) -> impl Iterator<Item = EventKind> {
    EventKind::ALL.into_iter().filter(move |one| kind.is_none_or(|kind| kind == *one))
}
