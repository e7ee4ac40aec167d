//! What people want of deliveries whose parts other gateways have: these are asked, and waited for a moment. What is not
//! answered by then is asked for, and done as soon as somebody has the part.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use calls::EventKind;
use journal::settings::IntegrationId;
use journal::{Answer, Asked, DeliveryId, Grant, JournalError, Part, WISHED_AT_ONCE, Wish, WishId};
use tokio::time::Instant;

use super::facts::OnFacts;
use super::wanted::{AgainAll, Cancelled, ControlError, Resumed, Wanted};
use super::{Sender, Shared};
use crate::reason::GivesReason as _;

/// How long a person waits for another gateway's answer.
pub const ANSWERED_WITHIN: Duration = Duration::from_secs(3);
/// How often it is looked for.
const LOOKED: Duration = Duration::from_millis(50);

/// Whom a wish for many has asked.
#[derive(Default)]
pub(super) struct Asks {
    /// Parts whose owners did not answer in time. They are not waited for again.
    silent: BTreeSet<Part>,
}

/// What asking one came to.
enum Came {
    Answered(Answer),
    Waits,
    Full,
}

impl Shared {
    pub(super) async fn again_there(&self, id: DeliveryId) -> Result<Wanted, ControlError> {
        match self.ask(id.event.part(), Wish::Again(vec![id]), ANSWERED_WITHIN).await? {
            Came::Waits => Ok(Wanted::Asked),
            Came::Answered(Answer { done: 1.., .. }) => Ok(Wanted::Again),
            Came::Answered(answer) => Err(refused(&answer)),
            Came::Full => Err(ControlError::TooMuchAsked),
        }
    }

    pub(super) async fn cancel_there(&self, id: DeliveryId) -> Result<Cancelled, ControlError> {
        match self.ask(id.event.part(), Wish::Cancel(vec![id]), ANSWERED_WITHIN).await? {
            Came::Waits => Ok(Cancelled::Asked),
            Came::Answered(Answer { done: 1.., .. }) => Ok(Cancelled::Done),
            Came::Answered(answer) => Err(refused(&answer)),
            Came::Full => Err(ControlError::TooMuchAsked),
        }
    }

    /// Asks for these of each part at once.
    pub(super) async fn again_of_others(
        &self,
        others: Vec<DeliveryId>,
        asks: &mut Asks,
        all: &mut AgainAll,
    ) -> Result<(), JournalError> {
        let mut by_part: BTreeMap<Part, Vec<DeliveryId>> = BTreeMap::new();
        for id in others {
            by_part.entry(id.event.part()).or_default().push(id);
        }
        for (part, ids) in by_part {
            for ids in ids.chunks(WISHED_AT_ONCE) {
                let within = if asks.silent.contains(&part) { Duration::ZERO } else { ANSWERED_WITHIN };
                match self.ask(part, Wish::Again(ids.to_vec()), within).await? {
                    Came::Answered(answer) => all.add(&answer),
                    Came::Full => all.full += ids.len(),
                    Came::Waits => {
                        asks.silent.insert(part);
                        all.asked += ids.len();
                    }
                }
            }
        }
        Ok(())
    }

    /// Asks all others for what they hold of a webhook that was resumed, and waits a moment for them all. Everybody is
    /// asked: one that has not heard yet that it is resumed would hold more.
    pub(super) async fn reload_there(
        &self,
        integration: IntegrationId,
        kind: EventKind,
        with_kept: bool,
        fenced: &[DeliveryId],
    ) -> Result<Resumed, JournalError> {
        let own = {
            let lost: BTreeSet<Part> = fenced.iter().map(|id| id.event.part()).collect();
            self.lock().parts.all().filter(|part| !lost.contains(part)).collect()
        };
        let asked = self.journal.ask_all(own, Wish::Reload { integration, kind, with_kept }).await?;
        let until = Instant::now() + ANSWERED_WITHIN;
        let mut resumed = Resumed::default();
        for asked in asked {
            let answer = match asked {
                Asked::Waits(id) => self.await_answer(id, until).await?,
                Asked::Full => {
                    tracing::warn!(
                        integration = integration.number,
                        "too much is asked of a gateway already: what it holds of a webhook that was resumed stays held until that is resumed once more"
                    );
                    None
                }
                Asked::Nobody => continue,
            };
            match answer {
                Some(Answer { done, .. }) => resumed.kept += usize::try_from(done).unwrap_or(usize::MAX),
                None => resumed.asked += 1,
            }
        }
        Ok(resumed)
    }

    async fn ask(&self, part: Part, wish: Wish, within: Duration) -> Result<Came, JournalError> {
        let until = Instant::now() + within;
        match self.journal.ask(part, wish).await? {
            Asked::Waits(id) => Ok(self.await_answer(id, until).await?.map_or(Came::Waits, Came::Answered)),
            Asked::Full => Ok(Came::Full),
            Asked::Nobody => Err(JournalError::Taken { place: format!("part {}", part.0) }),
        }
    }

    async fn await_answer(&self, id: WishId, until: Instant) -> Result<Option<Answer>, JournalError> {
        loop {
            let answer = self.journal.answered(id).await?;
            if answer.is_some() || Instant::now() >= until {
                return Ok(answer);
            }
            tokio::time::sleep(LOOKED).await;
        }
    }
}

impl Sender {
    /// Takes in what others kept of a part that this gateway has just taken, before [`Sender::take`]: what receivers took of
    /// what waits is not sent once more then.
    ///
    /// # Errors
    /// What the journal says; what is not done then waits.
    pub async fn takes_in(&self, grant: Grant, told: OnFacts<'_>) -> Result<(), JournalError> {
        self.shared.does_asked(grant, told, false).await
    }

    /// Does what others ask of a part that this sender has, and tells of events that they bring.
    ///
    /// # Errors
    /// What the journal says; what is not done then waits.
    pub async fn does_asked(&self, grant: Grant, told: OnFacts<'_>) -> Result<(), JournalError> {
        self.shared.does_asked(grant, told, true).await
    }
}

impl Shared {
    async fn does_asked(
        self: &Arc<Self>,
        grant: Grant,
        told: OnFacts<'_>,
        with_persons: bool,
    ) -> Result<(), JournalError> {
        let mut after = None;
        loop {
            let asked = self.journal.asked(grant, after).await?;
            let Some((last, _)) = asked.last() else { return Ok(()) };
            after = Some(*last);
            if with_persons {
                // A wish speaks of settings that may be newer than those known here.
                self.book.refresh().await?;
                self.with(super::Core::refresh);
                self.settler.flush_briefly().await;
            }
            for (id, wish) in asked {
                let answer = match wish {
                    Wish::Facts(facts) => match self.facts_asked(grant, (id, &facts), told).await? {
                        Some(answer) => answer,
                        None => continue,
                    },
                    _ if !with_persons => continue,
                    Wish::Again(ids) => self.again_asked(ids).await?,
                    Wish::Cancel(ids) => self.cancel_asked(ids).await?,
                    Wish::Reload { integration, kind, with_kept } => {
                        self.reload_asked(grant.part(), integration, kind, with_kept).await?
                    }
                };
                self.journal.answer(grant, id, answer).await?;
                self.facts_are_done(id);
            }
        }
    }

    async fn again_asked(self: &Arc<Self>, ids: Vec<DeliveryId>) -> Result<Answer, JournalError> {
        let kept = self.journal.bodies(ids.iter().map(|id| id.event).collect()).await?;
        let kept: BTreeMap<_, _> = kept.into_iter().map(|kept| (kept.seq, kept)).collect();
        let mut all = AgainAll::default();
        let there = |id: &DeliveryId| Some((*id, kept.get(&id.event)?.clone()));
        let page: Vec<_> = ids.iter().filter_map(there).collect();
        all.forgotten = ids.len() - page.len();
        let lost = self.again_page(page, &mut all).await?;
        fenced(&lost)?;
        Ok(all.answer())
    }

    async fn cancel_asked(self: &Arc<Self>, ids: Vec<DeliveryId>) -> Result<Answer, JournalError> {
        let mut all = AgainAll::default();
        for id in ids {
            match self.cancel_here(id).await? {
                Some(journal::Settled::Done) => all.sent += 1,
                Some(journal::Settled::Gone) => all.settled += 1,
                Some(journal::Settled::Fenced) | None => fenced(&[id])?,
            }
        }
        Ok(all.answer())
    }

    async fn reload_asked(
        self: &Arc<Self>,
        part: Part,
        integration: IntegrationId,
        kind: EventKind,
        with_kept: bool,
    ) -> Result<Answer, JournalError> {
        let Some((account, _)) = self.book.integration(integration) else { return Ok(Answer::default()) };
        let wanted = |record: &journal::DeliveryRecord| {
            record.id.integration == integration && record.id.event.part() == part
        };
        let went = self.reload(&account.id, kind, with_kept, wanted).await?;
        fenced(&went.others)?;
        Ok(Answer { done: went.done as u64, left: Vec::new() })
    }
}

/// What was lost in the middle is the next owner's to do.
fn fenced(lost: &[DeliveryId]) -> Result<(), JournalError> {
    let taken = |id: &DeliveryId| JournalError::Taken { place: format!("part {}", id.event.part().0) };
    lost.first().map_or(Ok(()), |id| Err(taken(id)))
}

/// What an owner answered who did nothing.
fn refused(answer: &Answer) -> ControlError {
    let said = |error: &ControlError| answer.left.iter().any(|(code, _)| code == error.reason().code());
    let all = [
        ControlError::NoSuchDelivery,
        ControlError::NoSuchIntegration,
        ControlError::Paused,
        ControlError::SwitchedOff,
    ];
    all.into_iter().find(said).unwrap_or(ControlError::Settled)
}

impl AgainAll {
    fn left(&mut self) -> [(ControlError, &mut usize); 5] {
        [
            (ControlError::Paused, &mut self.paused),
            (ControlError::SwitchedOff, &mut self.switched_off),
            (ControlError::NoSuchIntegration, &mut self.gone),
            (ControlError::NoSuchDelivery, &mut self.forgotten),
            (ControlError::Settled, &mut self.settled),
        ]
    }

    fn answer(mut self) -> Answer {
        let left = self.left().map(|(why, many)| (why.reason().code().to_owned(), *many as u64));
        Answer { left: left.into_iter().filter(|(_, many)| *many > 0).collect(), done: self.sent as u64 }
    }

    /// What another gateway said of its own.
    fn add(&mut self, answer: &Answer) {
        let number = |many: u64| usize::try_from(many).unwrap_or(usize::MAX);
        self.sent += number(answer.done);
        for (why, count) in self.left() {
            let of_it = answer.left.iter().filter(|(code, _)| code == why.reason().code());
            *count += of_it.map(|(_, many)| number(*many)).sum::<usize>();
        }
    }
}
