//! What people want by hand: again, cancel, pause, resume.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use calls::{AccountId, EventKind};
use journal::settings::{Integration, IntegrationId, Pause};
use journal::{
    Cursor, DeliveryId, DeliveryRecord, DeliveryState, Filter, JournalError, Kept, Outcome, Pending, Settle,
    Settled, call_hash,
};

use super::asking::Asks;
use super::wanted::{AgainAll, Cancelled, ControlError, Resumed, Wanted};
use super::{Sender, Shared, notices, pausing};
use crate::alert::What;
use crate::reason::{GivesReason as _, WhyPaused};
use crate::schedule::Input;

/// Deliveries looked at together.
const PAGE: usize = 500;

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
        let went = shared.clone().again(vec![(id, kept)]).await?;
        match (went.done, went.others.is_empty()) {
            (0, false) => shared.again_there(id).await,
            (0, true) => Err(ControlError::Settled),
            (1.., _) => Ok(Wanted::Again),
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
    pub async fn cancel(&self, id: DeliveryId) -> Result<Cancelled, ControlError> {
        let shared = &self.shared;
        shared.settler.flush_briefly().await;
        match shared.cancel_here(id).await? {
            Some(Settled::Done) => Ok(Cancelled::Done),
            Some(Settled::Gone) => Err(ControlError::Settled),
            Some(Settled::Fenced) | None => shared.cancel_there(id).await,
        }
    }

    /// Pauses the webhooks of these kinds of events by a person's wish, all in one write: their events are kept.
    ///
    /// # Errors
    /// If there is no such integration, or the journal cannot be written.
    pub async fn pause(&self, integration: IntegrationId, kinds: &[EventKind]) -> Result<(), ControlError> {
        let shared = &self.shared;
        let pause = Pause {
            since: shared.clock.wall(),
            why: WhyPaused::ByHand.reason(),
            server_said: None,
            by_person: true,
        };
        let before = shared.book.integration(integration);
        let changed = pausing::change(shared, integration, |settings| {
            for kind in kinds {
                settings.paused.entry(*kind).or_insert_with(|| pause.clone());
            }
        })
        .await?;
        shared.with(super::Core::refresh);
        let account = changed.ok_or(ControlError::NoSuchIntegration)?;
        let Some((_, before)) = before else { return Ok(()) };
        let mut paused: BTreeMap<&str, Vec<EventKind>> = BTreeMap::new();
        for kind in kinds.iter().filter(|kind| !before.paused.contains_key(kind)) {
            let Some(url) = address(&before, *kind) else { continue };
            paused.entry(url).or_default().push(*kind);
        }
        for (url, kinds) in paused {
            shared.operator.tell(notices::paused(&account, &kinds, url, &pause));
            shared.tell_account(integration, url, kinds, What::Paused(pause.clone()));
        }
        Ok(())
    }

    /// Resumes it; `with_kept` says whether what was kept meanwhile is sent or cancelled. Says how many that
    /// were.
    ///
    /// # Errors
    /// If there is no such integration, or the journal cannot be written.
    pub async fn resume(
        &self,
        integration: IntegrationId,
        kind: EventKind,
        with_kept: bool,
    ) -> Result<Resumed, ControlError> {
        let shared = &self.shared;
        let before = shared.book.integration(integration);
        let changed = pausing::change(shared, integration, |settings| {
            settings.paused.remove(&kind);
        })
        .await?;
        let account = changed.ok_or(ControlError::NoSuchIntegration)?;
        shared.with(super::Core::refresh);
        shared.settler.flush_briefly().await;
        let wanted = |record: &DeliveryRecord| record.id.integration == integration;
        let went = shared.reload(&account, kind, with_kept, wanted).await?;
        let there = shared.reload_there(integration, kind, with_kept, &went.others).await?;
        let Resumed { kept, .. } = there;
        let kept = went.done + kept;
        if let Some((_, before)) = before.filter(|(_, before)| before.paused.contains_key(&kind))
            && let Some(url) = address(&before, kind)
        {
            shared.operator.tell(notices::resumed(&account, kind, with_kept, kept));
            shared.tell_account(integration, url, vec![kind], What::Resumed { kept, are_sent: with_kept });
        }
        Ok(Resumed { kept, ..there })
    }
}

type Wish = (DeliveryId, Arc<Kept>);

/// What was done, and what is other gateways' to do.
#[derive(Default)]
pub(super) struct Went {
    pub(super) done: usize,
    pub(super) others: Vec<DeliveryId>,
}

impl Shared {
    /// `None`: its part is another's.
    pub(super) async fn cancel_here(
        self: &Arc<Self>,
        id: DeliveryId,
    ) -> Result<Option<Settled>, JournalError> {
        let found = self.journal.bodies(vec![id.event]).await?;
        let scheduled = found.first().is_some_and(|kept| {
            self.with(|core, work| {
                let call_hash = call_hash(&kept.event.call);
                let found = core.schedule.find(id.event.0, call_hash, core.routes.hooks_of(id.integration));
                if let Some((slot, _)) = found {
                    core.handle(Input::Cancel { slot }, work);
                }
                found.is_some()
            })
        });
        if scheduled {
            self.settler.flush_briefly().await;
            return Ok(Some(Settled::Done));
        }
        let Some(grant) = self.lock().parts.grant_of(id.event) else { return Ok(None) };
        let settle = Settle { grant, id, attempt: None, outcome: Outcome::Cancelled };
        Ok(self.journal.settle(&[settle]).await?.first().copied())
    }

    /// Sends what is held of a webhook that was resumed, or cancels it.
    pub(super) async fn reload(
        self: &Arc<Self>,
        account: &AccountId,
        kind: EventKind,
        with_kept: bool,
        wanted: impl Fn(&DeliveryRecord) -> bool,
    ) -> Result<Went, JournalError> {
        let filter = Filter {
            account: Some(account.clone()),
            kind: Some(kind),
            states: vec![DeliveryState::Paused],
            ..Filter::default()
        };
        if with_kept {
            self.each(filter, wanted, Self::again).await
        } else {
            self.each(filter, wanted, Self::forgo).await
        }
    }

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
    ) -> Result<Went, JournalError>
    where
        F: Future<Output = Result<Went, JournalError>>,
    {
        let mut after = Cursor::START;
        let mut went = Went::default();
        loop {
            let filter = Filter { after: Some(after), limit: PAGE, ..filter.clone() };
            let page = self.journal.deliveries(filter).await?;
            let Some(last) = page.iter().map(DeliveryRecord::cursor).max() else { return Ok(went) };
            after = last;
            let wishes: Vec<Wish> =
                page.into_iter().filter(&wanted).map(|record| (record.id, Arc::new(record.event))).collect();
            if !wishes.is_empty() {
                let Went { done, others } = act(self.clone(), wishes).await?;
                went.done += done;
                went.others.extend(others);
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
        let mut asks = Asks::default();
        while left > 0 {
            let page = Filter { after: Some(after), limit: PAGE.min(left), ..filter.clone() };
            let page = self.journal.deliveries(page).await?;
            let Some(last) = page.iter().map(DeliveryRecord::cursor).max() else { break };
            after = last;
            left = left.saturating_sub(page.len());
            let page = page.into_iter().map(|record| (record.id, Arc::new(record.event))).collect();
            let others = self.again_page(page, all).await?;
            self.again_of_others(others, &mut asks, all).await?;
        }
        Ok(())
    }

    /// What can be sent of these; what is other gateways' comes back.
    pub(super) async fn again_page(
        self: &Arc<Self>,
        page: Vec<Wish>,
        all: &mut AgainAll,
    ) -> Result<Vec<DeliveryId>, JournalError> {
        let mut wishes: Vec<Wish> = Vec::with_capacity(page.len());
        for (id, kept) in page {
            match self.sendable(id.integration, kept.event.kind()) {
                Ok(()) if self.hurry(id, &kept) => all.sent += 1,
                Ok(()) => wishes.push((id, kept)),
                Err(ControlError::Paused) => all.paused += 1,
                Err(ControlError::SwitchedOff) => all.switched_off += 1,
                Err(_) => all.gone += 1,
            }
        }
        if wishes.is_empty() {
            return Ok(Vec::new());
        }
        let wanted = wishes.len();
        let Went { done, others } = self.clone().again(wishes).await?;
        all.sent += done;
        all.settled += wanted.saturating_sub(done + others.len());
        Ok(others)
    }

    /// Wanted again: on disk first, then into the schedule. Counts those that were not waiting already.
    async fn again(self: Arc<Self>, wishes: Vec<Wish>) -> Result<Went, JournalError> {
        let (done, others) = self.settle_all(&wishes, &Outcome::Again(Duration::ZERO)).await?;
        let mut offered = Vec::with_capacity(wishes.len());
        for (id, kept) in wishes {
            if done.contains(&id) {
                let attempts = self.journal.attempts(id).await?.last().map_or(0, |attempt| attempt.number);
                offered.push((pending(id, &kept, attempts), Some(kept)));
            }
        }
        let done = offered.len();
        self.offer(offered);
        Ok(Went { done, others })
    }

    /// Not wanted any more.
    async fn forgo(self: Arc<Self>, wishes: Vec<Wish>) -> Result<Went, JournalError> {
        let (done, others) = self.settle_all(&wishes, &Outcome::Cancelled).await?;
        Ok(Went { done: done.len(), others })
    }

    /// The same outcome for all of them: those it counted for, and those whose parts are others'.
    async fn settle_all(
        &self,
        wishes: &[Wish],
        outcome: &Outcome,
    ) -> Result<(BTreeSet<DeliveryId>, Vec<DeliveryId>), JournalError> {
        let (mut settles, mut others) = (Vec::with_capacity(wishes.len()), Vec::new());
        {
            let core = self.lock();
            for (id, _) in wishes {
                match core.parts.grant_of(id.event) {
                    Some(grant) => {
                        settles.push(Settle { grant, id: *id, attempt: None, outcome: outcome.clone() });
                    }
                    None => others.push(*id),
                }
            }
        }
        let mut done = BTreeSet::new();
        for (settle, settled) in settles.iter().zip(self.journal.settle(&settles).await?) {
            match settled {
                Settled::Done => drop(done.insert(settle.id)),
                Settled::Fenced => others.push(settle.id),
                Settled::Gone => {}
            }
        }
        Ok((done, others))
    }
}

/// Of a kind of event that no web service is told of, nobody is told anything.
fn address(settings: &Integration, kind: EventKind) -> Option<&str> {
    settings.url(kind).filter(|url| !url.is_empty())
}

/// Its time begins anew.
fn pending(id: DeliveryId, kept: &Kept, attempts: u16) -> Pending {
    Pending { attempts, ..Pending::fresh(kept, id.integration, Duration::ZERO) }
}
