//! How long webhooks have failed, where several gateways share the store: one count for all of them, in one note a webhook.
//! Whoever had something taken removes the note; who counts sees that it is gone, or another one, and begins anew. So a
//! webhook to which one gateway's way is broken is not paused while another gets through, and who does not send to it has
//! no say.
//!
//! What counts is counted from the note on: what another had taken before is not known here.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use journal::settings::IntegrationId;
use journal::{Failing, JournalError};
use rustc_hash::FxHashMap;

use super::Shared;
use super::core::Core;
use crate::policy::Moment;
use crate::schedule::WebhookKey;

/// How often it is looked at: so long a crash may follow a success that is not noted.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A failure is worth a note when it has lasted so long.
pub const NOTED_FROM: Duration = Duration::from_secs(60);
/// How much a crash may take off the time that counts.
pub const NOTED_EVERY: Duration = Duration::from_secs(3_600);
/// A note that is just begun.
const JUST_BEGUN: Duration = Duration::from_secs(1);
/// Before a webhook is paused each gateway has looked whether it had something taken, and said so.
const ALL_HAVE_LOOKED: Duration = Duration::from_secs(3 * LOOK_EVERY.as_secs());

/// A webhook's URL, of an integration.
pub(super) type Name = (IntegrationId, Arc<str>);

/// The notes of the last look.
#[derive(Default)]
pub(super) struct Streaks(FxHashMap<Name, Streak>);

#[derive(Clone, Copy, PartialEq)]
struct Streak {
    number: u64,
    lasted: Duration,
}

impl Streaks {
    /// Found at the start.
    pub(super) fn is_noted(&mut self, name: &Name, number: u64, lasted: Duration) {
        self.0.insert(name.clone(), Streak { number, lasted });
    }

    /// The note of a webhook, as it was seen last.
    fn note_of(&self, (integration, url): &Name) -> Option<Failing> {
        let Streak { number, lasted } = *self.0.get(&(*integration, url.clone()))?;
        Some(Failing { integration: *integration, url: url.to_string(), lasted, streak: number })
    }

    /// How long a webhook has failed by its note.
    pub(super) fn lasted(&self, name: &Name) -> Duration {
        self.0.get(name).map_or(Duration::ZERO, |streak| streak.lasted)
    }

    /// Takes in what is noted now, and says what is to be written; with `exact`, to the second.
    fn compare(&mut self, core: &mut Core, noted: Vec<Failing>, now: Moment, exact: bool) -> Vec<Failing> {
        let before = std::mem::take(&mut self.0);
        for Failing { integration, url, lasted, streak } in noted {
            self.is_noted(&(integration, url.into()), streak, lasted);
        }
        let mut missing = self.take_away(core);
        let is_over =
            |(name, had): &(&Name, &Streak)| self.0.get(*name).is_none_or(|has| has.number != had.number);
        for (name, _) in before.iter().filter(is_over) {
            core.routes.forget_recalled(name.0, &name.1);
        }
        let failing = core.routes.hooks().filter(|(key, _)| core.schedule.counted(*key, now).is_some());
        let failing: Vec<_> =
            failing.map(|(key, hook)| (key, (hook.integration, hook.url.clone()))).collect();
        for (key, name) in failing {
            let (had, has) = (before.get(&name).copied(), self.0.get(&name).copied());
            adopt(core, key, had, has, now);
            missing.extend(to_write(core, (key, &name), has, now, exact));
        }
        missing
    }

    /// What nobody counts any more: this gateway had something taken, or nothing is sent there.
    fn take_away(&mut self, core: &Core) -> Vec<Failing> {
        let mut gone = Vec::new();
        self.0.retain(|(integration, url), _| {
            let is_over = core.routes.has_taken(*integration, url) || !core.sends_to(*integration, url);
            if is_over {
                gone.push(note((*integration, url), Duration::ZERO, 0));
            }
            !is_over
        });
        gone
    }
}

fn note((integration, url): (IntegrationId, &str), lasted: Duration, streak: u64) -> Failing {
    Failing { integration, url: url.to_owned(), lasted, streak }
}

/// A webhook that fails here has done so for as long as the note of all says.
fn adopt(core: &mut Core, key: WebhookKey, had: Option<Streak>, has: Option<Streak>, now: Moment) {
    let counted = core.schedule.counted(key, now).unwrap_or_default();
    match (had, has) {
        (Some(_), None) => core.schedule.works_elsewhere(key, now),
        (None, None) => {}
        (had, Some(has)) => {
            if had.is_none_or(|had| had.number != has.number) || counted < has.lasted {
                core.schedule.counts_from(key, has.lasted, now);
            }
        }
    }
}

/// What is to be noted of one that fails here.
fn to_write(
    core: &Core,
    (key, (integration, url)): (WebhookKey, &Name),
    noted: Option<Streak>,
    now: Moment,
    exact: bool,
) -> Option<Failing> {
    let counted = core.schedule.counted(key, now)?;
    let (_, lasted) = core.schedule.failing(key, now)?;
    let name = (*integration, &**url);
    match noted {
        // One that has failed here for long and has no note: others get through, again and again.
        None if counted < NOTED_FROM || (lasted >= NOTED_EVERY && counted < NOTED_EVERY) => None,
        None => Some(note(name, JUST_BEGUN, 0)),
        Some(Streak { number, lasted }) => {
            let grown = counted.saturating_sub(lasted);
            let is_due = grown >= if exact { Duration::from_secs(1) } else { NOTED_EVERY };
            is_due.then(|| note(name, counted, number))
        }
    }
}

impl Shared {
    /// Looks at what all have noted, and writes what this gateway knows better.
    pub(super) async fn note_streaks(&self, exact: bool) -> Result<(), JournalError> {
        let mut notes = self.notes.lock().await;
        let noted = self.journal.failing().await?;
        let (missing, taken) = {
            let mut core = self.lock();
            let missing = notes.streaks.compare(&mut core, noted, self.clock.now(), exact);
            (missing, core.routes.take_taken())
        };
        if missing.is_empty() {
            return Ok(());
        }
        let written = self.journal.note_failing(missing).await;
        if written.is_err() {
            // It is said at the next look.
            self.lock().routes.give_taken_back(&taken);
        }
        written
    }

    /// Whether no gateway had anything taken by a webhook that this one has counted to the end, and none pauses it already.
    /// Asks until there is an answer.
    pub(super) async fn fails_everywhere(&self, name: &Name) -> bool {
        if !self.is_shared.load(Ordering::Acquire) {
            return true;
        }
        let Some(note) = self.notes.lock().await.streaks.note_of(name) else { return false };
        tokio::time::sleep(ALL_HAVE_LOOKED).await;
        loop {
            match self.journal.end_failing(note.clone()).await {
                Ok(ended) => return ended,
                Err(JournalError::Closed) => return false,
                Err(error) => {
                    tracing::error!(%error, "it is not known yet whether a webhook is to be paused")
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
