//! What people want by hand: again, cancel, pause, resume.

use std::collections::BTreeSet;
use std::sync::Arc;

use calls::EventKind;
use journal::settings::{IntegrationId, Pause};
use journal::{
    Cursor, DeliveryId, DeliveryRecord, DeliveryState, Filter, Grant, JournalError, Kept, Outcome, Pending,
    Reason, Settle, Settled, WallTime, call_hash,
};

use super::{Sender, Shared, notices, pausing};
use crate::alert::What;
use crate::reason::{GivesReason, WhyPaused, told_by_reason};
use crate::schedule::Input;

/// Deliveries looked at together.
const PAGE: usize = 500;

/// Why a wish was not granted.
#[derive(Clone, Debug)]
pub enum ControlError {
    /// There is no such delivery.
    NoSuchDelivery,
    /// There is no such integration.
    NoSuchIntegration,
    /// The webhook is paused.
    Paused,
    /// The webhook is switched off.
    SwitchedOff,
    /// The delivery is settled already.
    Settled,
    /// The journal could not do it.
    Journal(JournalError),
}

impl From<JournalError> for ControlError {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

told_by_reason!(ControlError);

impl GivesReason for ControlError {
    fn reason(&self) -> Reason {
        match self {
            Self::NoSuchDelivery => Reason::new("no_such_delivery"),
            Self::NoSuchIntegration => Reason::new("no_such_integration"),
            Self::Paused => Reason::new("webhook_paused"),
            Self::SwitchedOff => Reason::new("webhook_switched_off"),
            Self::Settled => Reason::new("already_settled"),
            Self::Journal(error) => Reason::new("journal_failed").with("why", error),
        }
    }
}

/// What sending again came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// It was settled, and is sent again now.
    Again,
    /// It was waiting, and goes as soon as it can.
    Hurried,
}

/// What sending many again came to.
#[derive(Clone, Debug, Default)]
pub struct AgainAll {
    /// So many are sent again.
    pub sent: usize,
    /// So many webhooks' deliveries are not, because they are paused.
    pub paused: usize,
    /// Or switched off.
    pub switched_off: usize,
    /// Or because their integration is gone.
    pub gone: usize,
    /// Or because they were settled otherwise meanwhile.
    pub settled: usize,
    /// Why it stopped before the end.
    pub broke_off: Option<JournalError>,
}

impl Sender {
    /// Sends a delivery (again) now, whatever became of it before.
    ///
    /// # Errors
    /// If there is nothing to send or nowhere to send it.
    pub async fn again(&self, id: DeliveryId) -> Result<Wanted, ControlError> {
        let shared = &self.shared;
        shared.settler.flush_briefly().await;
        let found = shared.journal.bodies(vec![id.event]).await?;
        let kept = found.into_iter().next().ok_or(ControlError::NoSuchDelivery)?;
        if shared.hurry(id, &kept) {
            return Ok(Wanted::Hurried);
        }
        shared.sendable(id.integration, kept.event.kind())?;
        if shared.clone().again(vec![(id, kept)]).await? == 1 {
            Ok(Wanted::Again)
        } else {
            Err(ControlError::Settled)
        }
    }

    /// Sends up to `most` of what a filter finds again, oldest first. What cannot be sent stops nothing else; what
    /// was sent before the journal broke off is counted.
    pub async fn again_all(&self, filter: Filter, most: usize) -> AgainAll {
        let shared = &self.shared;
        let mut all = AgainAll::default();
        shared.settler.flush_briefly().await;
        if let Err(error) = shared.again_each(filter, most, &mut all).await {
            all.broke_off = Some(error);
        }
        all
    }

    /// Cancels a delivery that is not settled. One that is out right now is cancelled if it fails.
    ///
    /// # Errors
    /// If it is settled already.
    pub async fn cancel(&self, id: DeliveryId) -> Result<(), ControlError> {
        let shared = &self.shared;
        shared.settler.flush_briefly().await;
        let found = shared.journal.bodies(vec![id.event]).await?;
        let scheduled = found.first().is_some_and(|kept| {
            shared.with(|core, work| {
                let call_hash = call_hash(&kept.event.call);
                let found = core.schedule.find(id.event.0, call_hash, core.routes.hooks_of(id.integration));
                if let Some((slot, _)) = found {
                    core.handle(Input::Cancel { slot }, work);
                }
                found.is_some()
            })
        });
        if scheduled {
            shared.settler.flush_briefly().await;
            return Ok(());
        }
        let grant = shared.grant_of(id).ok_or_else(|| elsewhere(id))?;
        let settle = Settle { grant, id, attempt: None, outcome: Outcome::Cancelled };
        match shared.journal.settle(&[settle]).await?.first() {
            Some(Settled::Done) => Ok(()),
            Some(Settled::Fenced) => Err(elsewhere(id).into()),
            Some(Settled::Gone) | None => Err(ControlError::Settled),
        }
    }

    /// Pauses the webhook of a kind of event by a person's wish: its events are kept.
    ///
    /// # Errors
    /// If there is no such integration, or the journal cannot be written.
    pub async fn pause(&self, integration: IntegrationId, kind: EventKind) -> Result<(), ControlError> {
        let pause = Pause {
            since: self.shared.clock.wall(),
            why: WhyPaused::ByHand.reason(),
            server_said: None,
            by_person: true,
        };
        let before = self.shared.book.integration(integration);
        let changed = pausing::change(&self.shared, integration, |settings| {
            settings.paused.entry(kind).or_insert_with(|| pause.clone());
        })
        .await?;
        self.shared.with(super::Core::refresh);
        let account = changed.ok_or(ControlError::NoSuchIntegration)?;
        if let Some((_, before)) = before.filter(|(_, before)| !before.paused.contains_key(&kind)) {
            let url = before.url(kind).unwrap_or_default();
            self.shared.operator.tell(notices::paused(&account, &[kind], url, &pause));
            self.shared.tell_account(integration, url, vec![kind], What::Paused(pause));
        }
        Ok(())
    }

    /// Resumes it; `with_kept` says whether what was kept meanwhile is sent or cancelled. Says how many
    /// that were.
    ///
    /// # Errors
    /// If there is no such integration, or the journal cannot be written.
    pub async fn resume(
        &self,
        integration: IntegrationId,
        kind: EventKind,
        with_kept: bool,
    ) -> Result<usize, ControlError> {
        let shared = &self.shared;
        let before = shared.book.integration(integration);
        let changed = pausing::change(shared, integration, |settings| {
            settings.paused.remove(&kind);
        })
        .await?;
        let account = changed.ok_or(ControlError::NoSuchIntegration)?;
        shared.with(super::Core::refresh);
        shared.settler.flush_briefly().await;
        let filter = Filter {
            account: Some(account.clone()),
            kind: Some(kind),
            states: vec![DeliveryState::Paused],
            ..Filter::default()
        };
        let wanted = |record: &DeliveryRecord| record.id.integration == integration;
        let kept = if with_kept {
            shared.each(filter, wanted, Shared::again).await?
        } else {
            shared.each(filter, wanted, Shared::forgo).await?
        };
        if let Some((_, before)) = before.filter(|(_, before)| before.paused.contains_key(&kind)) {
            shared.operator.tell(notices::resumed(&account, kind, with_kept, kept));
            let url = before.url(kind).unwrap_or_default();
            shared.tell_account(integration, url, vec![kind], What::Resumed { kept, are_sent: with_kept });
        }
        Ok(kept)
    }
}

type Wish = (DeliveryId, Arc<Kept>);

impl Shared {
    fn hurry(self: &Arc<Self>, id: DeliveryId, kept: &Kept) -> bool {
        self.with(|core, work| {
            let call_hash = call_hash(&kept.event.call);
            let found = core.schedule.find(id.event.0, call_hash, core.routes.hooks_of(id.integration));
            if let Some((slot, _)) = found {
                core.handle(Input::Hurry { slot }, work);
            }
            found.is_some()
        })
    }

    fn sendable(&self, integration: IntegrationId, kind: EventKind) -> Result<(), ControlError> {
        let (_, settings) = self.book.integration(integration).ok_or(ControlError::NoSuchIntegration)?;
        if settings.url(kind).is_none_or(str::is_empty) {
            return Err(ControlError::SwitchedOff);
        }
        if settings.paused.contains_key(&kind) {
            return Err(ControlError::Paused);
        }
        Ok(())
    }

    /// Does something with all deliveries of a filter that are wanted, oldest first, a page at a time.
    async fn each<F>(
        self: &Arc<Self>,
        filter: Filter,
        wanted: impl Fn(&DeliveryRecord) -> bool,
        act: impl Fn(Arc<Self>, Vec<Wish>) -> F,
    ) -> Result<usize, ControlError>
    where
        F: Future<Output = Result<usize, JournalError>>,
    {
        let mut after = Cursor::START;
        let mut many = 0;
        loop {
            let filter = Filter { after: Some(after), limit: PAGE, ..filter.clone() };
            let page = self.journal.deliveries(filter).await?;
            let Some(last) = page.iter().map(DeliveryRecord::cursor).max() else { return Ok(many) };
            after = last;
            let wishes: Vec<Wish> =
                page.into_iter().filter(&wanted).map(|record| (record.id, Arc::new(record.event))).collect();
            if !wishes.is_empty() {
                many += act(self.clone(), wishes).await?;
            }
        }
    }

    /// A page at a time, so that everything is reached and little is held.
    async fn again_each(
        self: &Arc<Self>,
        filter: Filter,
        most: usize,
        all: &mut AgainAll,
    ) -> Result<(), JournalError> {
        let (mut after, mut left) = (Cursor::START, most);
        while left > 0 {
            let page = Filter { after: Some(after), limit: PAGE.min(left), ..filter.clone() };
            let page = self.journal.deliveries(page).await?;
            let Some(last) = page.iter().map(DeliveryRecord::cursor).max() else { break };
            after = last;
            left = left.saturating_sub(page.len());
            let mut wishes: Vec<Wish> = Vec::with_capacity(page.len());
            for record in page {
                match self.sendable(record.id.integration, record.event.event.kind()) {
                    Ok(()) if self.hurry(record.id, &record.event) => all.sent += 1,
                    Ok(()) => wishes.push((record.id, Arc::new(record.event))),
                    Err(ControlError::Paused) => all.paused += 1,
                    Err(ControlError::SwitchedOff) => all.switched_off += 1,
                    Err(_) => all.gone += 1,
                }
            }
            if !wishes.is_empty() {
                let wanted = wishes.len();
                let sent = self.clone().again(wishes).await?;
                all.sent += sent;
                all.settled += wanted.saturating_sub(sent);
            }
        }
        Ok(())
    }

    /// Wanted again: on disk first, then into the schedule. How many were not waiting already.
    async fn again(self: Arc<Self>, wishes: Vec<Wish>) -> Result<usize, JournalError> {
        let now = self.clock.wall();
        let outcome = Outcome::Again(now);
        let settles = self.settles(&wishes, &outcome);
        let settled = self.journal.settle(&settles).await?;
        let done = settles.iter().zip(settled).filter(|(_, settled)| *settled == Settled::Done);
        let done: BTreeSet<DeliveryId> = done.map(|(settle, _)| settle.id).collect();
        let mut offered = Vec::with_capacity(wishes.len());
        for (id, kept) in wishes {
            if done.contains(&id) {
                let attempts = self.journal.attempts(id).await?.last().map_or(0, |attempt| attempt.number);
                offered.push((pending(id, &kept, attempts, now), Some(kept)));
            }
        }
        let many = offered.len();
        self.offer(offered);
        Ok(many)
    }

    /// The same outcome for all of them. What is another gateway's is its to do.
    fn settles(&self, wishes: &[Wish], outcome: &Outcome) -> Vec<Settle> {
        let core = self.lock();
        let settle = |(id, _): &Wish| {
            let grant = core.parts.grant_of(id.event)?;
            Some(Settle { grant, id: *id, attempt: None, outcome: outcome.clone() })
        };
        wishes.iter().filter_map(settle).collect()
    }

    fn grant_of(&self, id: DeliveryId) -> Option<Grant> {
        self.lock().parts.grant_of(id.event)
    }

    /// Not wanted any more.
    async fn forgo(self: Arc<Self>, wishes: Vec<Wish>) -> Result<usize, JournalError> {
        let outcome = Outcome::Cancelled;
        let settled = self.journal.settle(&self.settles(&wishes, &outcome)).await?;
        Ok(settled.into_iter().filter(|settled| *settled == Settled::Done).count())
    }
}

/// Its part is another gateway's.
fn elsewhere(id: DeliveryId) -> JournalError {
    JournalError::Taken { place: format!("part {}", id.event.part().0) }
}

fn pending(id: DeliveryId, kept: &Kept, attempts: u16, now: WallTime) -> Pending {
    Pending {
        id,
        account: kept.event.account().clone(),
        kind: kept.event.kind(),
        call_hash: call_hash(&kept.event.call),
        // Its time begins anew.
        created_at: now,
        attempts,
        due_at: now,
        held: false,
    }
}
