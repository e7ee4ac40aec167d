//! The four web services as they run: pause, resume, test.

use calls::EventKind;
use tokio::sync::mpsc;

use crate::admin::Admin;
use crate::noted::Noted;
use crate::{Actor, Code, Granted, Refusal, TestAnswer, TestCall};

impl Admin {
    /// Pauses webhooks, one or all four: their events are kept.
    pub async fn pause(&self, actor: &Actor, account: &str, kind: Option<EventKind>) -> Result<(), Refusal> {
        let account = self.changes(actor, account)?;
        let (id, ..) = account.integration().ok_or_else(|| Refusal::new(Code::NoIntegration))?;
        self.gateway.pause(id, kinds(kind).collect()).await?;
        let detail = kind.map_or("", EventKind::name);
        self.note(
            actor,
            Noted { what: "audit.pause", account: account.id.as_str(), subject: detail, detail: "" },
        )
        .await;
        Ok(())
    }

    /// Resumes webhooks, one or all that are paused; what was kept is sent, or cancelled. One after the other, in the order
    /// in which a leg's events come: what was kept of a leg's beginning is on its way before its end is.
    pub async fn resume(
        &self,
        actor: &Actor,
        account: &str,
        kind: Option<EventKind>,
        send_kept: bool,
    ) -> Result<Granted, Refusal> {
        let account = self.changes(actor, account)?;
        let (id, integration, _) = account.integration().ok_or_else(|| Refusal::new(Code::NoIntegration))?;
        let mut granted = Granted::Done;
        for kind in kinds(kind).filter(|kind| integration.paused.contains_key(kind)) {
            if self.gateway.resume(id, kind, send_kept).await? == Granted::Asked {
                granted = Granted::Asked;
            }
        }
        let detail = kind.map_or("", EventKind::name);
        self.note(
            actor,
            Noted { what: "audit.resume", account: account.id.as_str(), subject: detail, detail: "" },
        )
        .await;
        Ok(granted)
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
