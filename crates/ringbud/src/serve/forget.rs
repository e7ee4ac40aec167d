//! Forgetting: what is older or more than the operator keeps, or an account wants kept. A few calls at a time, with
//! pauses between, so that nobody who has something to write waits for it.

use std::sync::Arc;
use std::time::Duration;

use calls::AccountId;
use journal::settings::KeepChoice;
use journal::{Filter, Journal, JournalError, SettingsCache, WallTime};
use tokio::time::Instant;

use crate::clock;
use crate::config::Keep;

/// What a start finds is not forgotten at once: whoever sees that the clock is wrong has so long to stop it.
const FIRST_AFTER: Duration = Duration::from_secs(3_600);
/// So much later than the newest event it may be, besides the time that passed here: days without a call.
const QUIET_MICROS: i64 = 2 * DAY_MICROS;
/// How often it is looked for.
const EVERY: Duration = Duration::from_secs(600);
/// Between two bites.
const PAUSE: Duration = Duration::from_millis(200);
/// A journal beyond its bound is brought to so many percent of it, so that it is not there again at once.
const DOWN_TO_PERCENT: u64 = 95;
const MEGABYTE: u64 = 1_000_000;
const DAY_MICROS: i64 = 86_400 * 1_000_000;
/// Accounts looked at together.
const ACCOUNTS_AT_ONCE: usize = 256;

/// Forgets for as long as the program runs.
pub(super) async fn run(journal: Arc<dyn Journal>, cache: Arc<SettingsCache>, keep: Keep) {
    let mut forgetting = Forgetting { journal, cache, keep, pause: PAUSE, cannot_be_kept: false };
    let began = Instant::now();
    loop {
        tokio::time::sleep(if began.elapsed() < FIRST_AFTER { FIRST_AFTER } else { EVERY }).await;
        let forgotten = match forgetting.newest().await {
            Ok(newest) => forgetting.pass(credible(clock::wall(), newest, began.elapsed())).await,
            Err(error) => Err(error),
        };
        if let Err(error) = forgotten {
            tracing::warn!(%error, "what is not kept any longer cannot be forgotten now; tried again in ten minutes");
        }
    }
}

/// What time it may be at most: a clock that was set far ahead would have everything forgotten, and the newest event
/// says how far that is.
fn credible(wall: WallTime, newest: Option<WallTime>, up: Duration) -> WallTime {
    let Some(newest) = newest else { return wall };
    let up = i64::try_from(up.as_micros()).unwrap_or(i64::MAX);
    WallTime(wall.0.min(newest.0.saturating_add(QUIET_MICROS).saturating_add(up)))
}

struct Forgetting {
    journal: Arc<dyn Journal>,
    cache: Arc<SettingsCache>,
    keep: Keep,
    pause: Duration,
    /// Whether it was said that the bound in size cannot be kept.
    cannot_be_kept: bool,
}

impl Forgetting {
    /// When the newest event came in.
    async fn newest(&self) -> Result<Option<WallTime>, JournalError> {
        let newest = self.journal.events(Filter { limit: 1, ..Filter::default() }).await?;
        Ok(newest.first().map(|kept| kept.received_at))
    }

    async fn pass(&mut self, now: WallTime) -> Result<(), JournalError> {
        if let Some(days) = self.keep.days {
            let gone = self.forget(None, days_before(now, days)).await?;
            if gone > 0 {
                tracing::info!(events = gone, days, "forgot what is older than is kept");
            }
        }
        self.accounts(now).await?;
        self.audit_log(now).await?;
        self.by_size(now).await
    }

    /// What was done too long ago. Without a bound in days the journal's own bounds hold.
    async fn audit_log(&self, now: WallTime) -> Result<(), JournalError> {
        let before = self.keep.audit_days.map_or(WallTime(i64::MIN), |days| days_before(now, days));
        let mut gone = 0;
        loop {
            match self.journal.prune_audit(before).await? {
                0 => break,
                entries => gone += entries,
            }
            tokio::time::sleep(self.pause).await;
        }
        if gone > 0 {
            tracing::info!(entries = gone, "forgot what stood in the audit log longer than is kept");
        }
        Ok(())
    }

    /// What accounts want less of than the operator keeps.
    async fn accounts(&self, now: WallTime) -> Result<(), JournalError> {
        let mut after = None;
        loop {
            let some = self.cache.accounts(after.as_ref(), ACCOUNTS_AT_ONCE);
            let Some(last) = some.last() else { return Ok(()) };
            after = Some(last.id.clone());
            for account in &some {
                self.account(&account.id, account.account.keep, now).await?;
            }
        }
    }

    async fn account(&self, id: &AccountId, keep: KeepChoice, now: WallTime) -> Result<(), JournalError> {
        let shorter = |days: &u32| self.keep.days.is_none_or(|all| *days < all);
        let mut gone = 0;
        if let Some(days) = keep.days.filter(shorter) {
            gone += self.forget(Some(id), days_before(now, days)).await?;
        }
        if let Some(megabytes) = keep.megabytes
            && let Some(before) =
                self.journal.kept_within(id.clone(), u64::from(megabytes) * MEGABYTE).await?
        {
            gone += self.forget(Some(id), before).await?;
        }
        if gone > 0 {
            let KeepChoice { days, megabytes } = keep;
            tracing::info!(account = %id, events = gone, days, megabytes, "forgot what the account does not keep");
        }
        Ok(())
    }

    /// The oldest of all accounts, while the journal uses more than it may.
    async fn by_size(&mut self, now: WallTime) -> Result<(), JournalError> {
        let Some(megabytes) = self.keep.megabytes else { return Ok(()) };
        let bound = u64::from(megabytes) * MEGABYTE;
        let mut used = self.journal.size().await?.used;
        if used > bound {
            used = self.used_at_rest().await?;
        }
        if used <= bound {
            self.cannot_be_kept = false;
            return Ok(());
        }
        let mut gone = 0;
        while used > bound / 100 * DOWN_TO_PERCENT {
            let events = self.journal.prune(None, now).await?;
            if events == 0 {
                break;
            }
            gone += events;
            tokio::time::sleep(self.pause).await;
            used = self.used_at_rest().await?;
        }
        if gone > 0 {
            tracing::info!(
                events = gone,
                megabytes,
                used_bytes = used,
                "forgot the oldest: the journal may not be larger"
            );
        }
        if used > bound && !self.cannot_be_kept {
            tracing::warn!(
                megabytes,
                used_bytes = used,
                "the journal uses more than [keep] megabytes: what is left are settings, calls that run and calls with deliveries that wait; deliver or cancel those, or allow it more"
            );
        }
        self.cannot_be_kept = used > bound;
        Ok(())
    }

    /// What came in last may take more room than it will: who asks of all that is kept has it put where it stays.
    async fn used_at_rest(&self) -> Result<u64, JournalError> {
        self.journal.newest_event_at().await?;
        Ok(self.journal.size().await?.used)
    }

    /// Calls that ended before a moment, bite by bite; how many events are gone.
    async fn forget(&self, account: Option<&AccountId>, before: WallTime) -> Result<u64, JournalError> {
        let mut gone = 0;
        loop {
            match self.journal.prune(account.cloned(), before).await? {
                0 => return Ok(gone),
                events => gone += events,
            }
            tokio::time::sleep(self.pause).await;
        }
    }
}

fn days_before(now: WallTime, days: u32) -> WallTime {
    WallTime(now.0.saturating_sub(i64::from(days) * DAY_MICROS))
}

#[cfg(test)]
mod tests;
