//! How long webhooks have failed, noted in the journal so that a restart does not begin the days to their
//! pause anew.
//!
//! Looked at every few seconds, beside the way of deliveries: a webhook that begins to fail is written once
//! that has lasted, then every hour, and once more when it works again. One that fails now and then costs no
//! write at all. In a store that several gateways share they count together: `streaks`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use calls::EventKind;
use journal::settings::IntegrationId;
use journal::{Failing, JournalError, Reason};
use rustc_hash::{FxHashMap, FxHashSet};

use super::Shared;
use super::core::Core;
use super::streaks::{LOOK_EVERY, NOTED_EVERY, NOTED_FROM, Name, Streaks};
use crate::alert::{Alert, What};
use crate::policy::Moment;

/// An account is told of a failure that has lasted so long.
pub const TOLD_FROM: Duration = Duration::from_secs(3_600);

/// What the journal has.
#[derive(Default)]
pub(super) struct Notes {
    noted: FxHashMap<Name, Note>,
    /// Those whose accounts were told that they fail.
    told: FxHashSet<Name>,
    /// What was noted at the last look, by whichever gateway of a store that several share.
    pub(super) streaks: Streaks,
}

#[derive(Clone, Copy)]
struct Note {
    since: Moment,
    lasted: Duration,
}

impl Notes {
    /// What to write so that the journal has what is so; with `exact`, to the second.
    fn missing(&self, core: &Core, now: Moment, exact: bool) -> Vec<(Name, Option<Note>)> {
        let mut unseen = self.noted.clone();
        let mut missing = Vec::new();
        for (key, hook) in core.routes.hooks() {
            let failing = core.schedule.failing(key, now);
            if failing.is_none() && unseen.is_empty() {
                continue;
            }
            let name = (hook.integration, hook.url.clone());
            let noted = unseen.remove(&name);
            let note = failing.map(|(since, lasted)| Note { since, lasted });
            let note = note.filter(|note| note.lasted >= NOTED_FROM);
            let stands = match (noted, note) {
                (None, None) => true,
                (Some(noted), Some(note)) => {
                    let grown = note.lasted.saturating_sub(noted.lasted);
                    noted.since == note.since
                        && grown < if exact { Duration::from_secs(1) } else { NOTED_EVERY }
                }
                (None, Some(_)) | (Some(_), None) => false,
            };
            if !stands {
                missing.push((name, note));
            }
        }
        // Not used since the start; forgotten once the account has no such web service any more.
        let gone = unseen.into_keys().filter(|(integration, url)| !core.has_url(*integration, url));
        missing.extend(gone.map(|name| (name, None)));
        missing
    }

    fn took(&mut self, written: Vec<(Name, Option<Note>)>) {
        for (name, note) in written {
            match note {
                Some(note) => self.noted.insert(name, note),
                None => self.noted.remove(&name),
            };
        }
    }

    /// What accounts are to be told: of each web service once that it fails, and once that it works again. One that is
    /// paused is told as that. What another gateway has counted for so long it has told.
    fn turns(&mut self, core: &Core, now: Moment) -> Vec<(Name, What)> {
        let mut turns = Vec::new();
        for (key, hook) in core.routes.hooks() {
            let name = (hook.integration, hook.url.clone());
            match core.schedule.failing(key, now) {
                Some((_, lasted)) if lasted >= TOLD_FROM => {
                    if self.streaks.lasted(&name) < TOLD_FROM && self.told.insert(name.clone()) {
                        let counted = core.schedule.counted(key, now).unwrap_or(lasted);
                        let elsewhere = counted < lasted / 2;
                        let said = hook.last.as_ref().and_then(|last| match (&last.reason, last.status) {
                            (Some(reason), _) => Some(Reason::clone(reason)),
                            (None, status) => status.map(Reason::status),
                        });
                        turns.push((name, What::Failing { lasted, said, elsewhere }));
                    }
                }
                Some(_) => {}
                None => {
                    if self.told.remove(&name) && core.sends_to(hook.integration, &hook.url) {
                        turns.push((name, What::Works));
                    }
                }
            }
        }
        self.told.retain(|(integration, url)| core.has_url(*integration, url));
        turns
    }
}

impl Shared {
    /// Takes over what was noted before the program began.
    pub(super) async fn recall_failing(&self) -> Result<(), JournalError> {
        let failing = self.journal.failing().await?;
        let now = self.clock.now();
        let since = |lasted: Duration| {
            Moment(now.0.saturating_sub(i64::try_from(lasted.as_micros()).unwrap_or(i64::MAX)))
        };
        let mut notes = self.notes.lock().await;
        for Failing { integration, url, lasted, streak } in &failing {
            let note = Note { since: since(*lasted), lasted: *lasted };
            let name: Name = (*integration, url.as_str().into());
            if *streak > 0 {
                notes.streaks.is_noted(&name, *streak, *lasted);
            }
            // Told before the program began.
            if *lasted >= TOLD_FROM {
                notes.told.insert(name.clone());
            }
            notes.noted.insert(name, note);
        }
        let recalled =
            failing.into_iter().map(|one| (one.integration, one.url, since(one.lasted), one.lasted));
        self.lock().routes.recall(recalled);
        Ok(())
    }

    /// Writes what is not noted as it is.
    pub(super) async fn note_failing(&self, exact: bool) -> Result<(), JournalError> {
        if self.is_shared.load(Ordering::Acquire) {
            return self.note_streaks(exact).await;
        }
        let mut notes = self.notes.lock().await;
        let missing = notes.missing(&self.lock(), self.clock.now(), exact);
        if missing.is_empty() {
            return Ok(());
        }
        let row = |((integration, url), note): &(Name, Option<Note>)| Failing {
            integration: *integration,
            url: url.to_string(),
            lasted: note.map_or(Duration::ZERO, |note| note.lasted),
            streak: 0,
        };
        self.journal.note_failing(missing.iter().map(row).collect()).await?;
        {
            let mut core = self.lock();
            for ((integration, url), _) in missing.iter().filter(|(_, note)| note.is_none()) {
                core.routes.forget_recalled(*integration, url);
            }
        }
        notes.took(missing);
        Ok(())
    }
}

impl Shared {
    /// Tells the account of a web service what became of it.
    pub(super) fn tell_account(
        &self,
        integration: IntegrationId,
        url: &str,
        events: Vec<EventKind>,
        what: What,
    ) {
        if let Some((account, _)) = self.book.integration(integration) {
            self.alerts.tell(&account, &Alert { what, url: url.to_owned(), events });
        }
    }

    async fn tell_turns(&self) {
        let turns = self.notes.lock().await.turns(&self.lock(), self.clock.now());
        for ((integration, url), what) in turns {
            let Some((_, settings)) = self.book.integration(integration) else { continue };
            let served = EventKind::ALL.into_iter().filter(|kind| settings.url(*kind) == Some(&*url));
            self.tell_account(integration, &url, served.collect(), what);
        }
    }
}

/// Looks every few seconds. What cannot be written now is written later.
pub(super) async fn keep_notes(shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        shared.tell_turns().await;
        if let Err(error) = shared.note_failing(false).await {
            tracing::debug!(%error, "how long webhooks have failed is noted later");
        }
    }
}
