//! Who is logged in: at hand here, bounded, and gone after a while. A browser only has a random name for it. It is kept
//! in the store as well, so that it outlives a restart and this machine.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use admin::kept::WallTime;
use admin::{Admin, KeptSession, Refusal, random_text};

use crate::wire::token_hash;

/// At most so many sessions; the one that was idle longest makes room.
const MAX_SESSIONS: usize = 10_000;
/// A session ends when it was not used for so long.
const IDLE_SECS: i64 = 2 * 3600;
/// A session ends after so long in any case.
const LIFE_SECS: i64 = 12 * 3600;
/// That it is used is kept so often.
const KEEP_SECS: i64 = 10 * 60;

/// A session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// As it is kept. What it was opened with is in it: another password ends it, or being removed.
    kept: KeptSession,
    /// As it was kept last.
    kept_at: WallTime,
    /// It was ended here, whatever is kept of it.
    is_closed: bool,
    /// It was seen to be kept: one that could not be is good all the same.
    was_kept: bool,
}

impl Session {
    pub(crate) fn user(&self) -> &str {
        &self.kept.user
    }

    /// Goes into every form and comes back with it.
    pub(crate) fn csrf(&self) -> &str {
        &self.kept.csrf
    }

    pub(crate) fn was_opened_with(&self, now: &str) -> bool {
        self.kept.opened_with == token_hash(now)
    }
}

/// All of them.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<[u8; 32], Session>>);

impl Sessions {
    /// Opens one: the cookie's value. It is good even where it cannot be kept.
    pub(crate) async fn open(
        &self,
        admin: &Admin,
        user: &str,
        opened_with: &str,
        now: WallTime,
    ) -> Result<String, Refusal> {
        let (cookie, csrf) = (random_text()?, random_text()?);
        let kept = KeptSession {
            key: token_hash(&cookie),
            user: user.to_owned(),
            csrf,
            opened_with: token_hash(opened_with),
            begun_at: now,
            used_at: now,
        };
        self.take_in(kept.clone(), now);
        keep(admin, &kept, now).await;
        Ok(cookie)
    }

    /// The session behind a cookie, if it lives. What a page asks by itself is no use of it.
    pub(crate) async fn find(
        &self,
        admin: &Admin,
        cookie: &str,
        now: WallTime,
        by_itself: bool,
    ) -> Option<Session> {
        let key = token_hash(cookie);
        let is_kept = admin.kept_session(&key).is_some();
        if !self.is_open(&key, is_kept) {
            // Opened before a restart, or on another machine, perhaps just now.
            if !is_kept {
                admin.settings_anew().await;
            }
            let kept = admin.kept_session(&key).filter(|kept| alive(kept, now))?;
            self.take_in(kept, now);
        }
        let (session, is_to_keep) = self.used(&key, now, by_itself)?;
        if is_to_keep {
            keep(admin, &session.kept, now).await;
        }
        Some(session)
    }

    /// Whether it is open here. One that was kept and is not any more has been ended on another machine.
    fn is_open(&self, key: &[u8; 32], is_kept: bool) -> bool {
        let mut all = self.lock();
        let Some(session) = all.get_mut(key) else { return false };
        if session.was_kept && !is_kept && !session.is_closed {
            all.remove(key);
            return false;
        }
        session.was_kept |= is_kept;
        true
    }

    fn used(&self, key: &[u8; 32], now: WallTime, by_itself: bool) -> Option<(Session, bool)> {
        let mut all = self.lock();
        let session = all.get_mut(key).filter(|session| !session.is_closed)?;
        if !alive(&session.kept, now) {
            all.remove(key);
            return None;
        }
        if !by_itself {
            session.kept.used_at = now;
        }
        let is_to_keep = secs(session.kept_at, session.kept.used_at) >= KEEP_SECS;
        if is_to_keep {
            session.kept_at = session.kept.used_at;
        }
        Some((session.clone(), is_to_keep))
    }

    /// Ends one.
    pub(crate) async fn close(&self, admin: &Admin, cookie: &str) {
        let key = token_hash(cookie);
        if let Some(session) = self.lock().get_mut(&key) {
            session.is_closed = true;
        }
        if let Err(error) = admin.forget_session(&key).await {
            tracing::warn!(%error, "a session has ended, and the store has it still");
        }
    }

    fn take_in(&self, kept: KeptSession, now: WallTime) {
        let mut all = self.lock();
        all.retain(|_, session| alive(&session.kept, now));
        if all.len() >= MAX_SESSIONS
            && let Some(oldest) =
                all.iter().min_by_key(|(_, session)| session.kept.used_at).map(|(key, _)| *key)
        {
            all.remove(&oldest);
        }
        all.insert(kept.key, Session { kept_at: kept.used_at, kept, is_closed: false, was_kept: false });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn keep(admin: &Admin, session: &KeptSession, now: WallTime) {
    if let Err(error) = admin.keep_session(session, |one| alive(one, now)).await {
        tracing::warn!(%error, "a session is not kept: a restart ends it");
    }
}

fn secs(from: WallTime, to: WallTime) -> i64 {
    to.0.saturating_sub(from.0) / 1_000_000
}

fn alive(session: &KeptSession, now: WallTime) -> bool {
    secs(session.used_at, now) < IDLE_SECS && secs(session.begun_at, now) < LIFE_SECS
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn at(secs: i64) -> WallTime {
        WallTime(secs * 1_000_000)
    }

    /// What a use of a session comes to.
    struct Desk {
        sessions: Sessions,
        admin: Admin,
    }

    impl Desk {
        async fn new() -> Self {
            let journal = Arc::new(journal::memory::Memory::new());
            let cache = Arc::new(journal::SettingsCache::load(journal.clone()).await.unwrap());
            let admin = Admin::aside(journal, cache, delivery::guard::Guard::default());
            Self { sessions: Sessions::default(), admin }
        }

        async fn open(&self, secs: i64) -> String {
            self.sessions.open(&self.admin, "mette", "", at(secs)).await.unwrap()
        }

        async fn finds(&self, cookie: &str, secs: i64, by_itself: bool) -> bool {
            self.sessions.find(&self.admin, cookie, at(secs), by_itself).await.is_some()
        }

        /// What is at hand is gone, what is kept is not.
        fn begin_anew(&mut self) {
            self.sessions = Sessions::default();
        }
    }

    #[tokio::test]
    async fn a_session_ends_when_it_is_idle_and_after_its_life() {
        let desk = Desk::new().await;
        let cookie = desk.open(0).await;
        assert!(desk.finds(&cookie, IDLE_SECS - 1, false).await);
        assert!(desk.finds(&cookie, 2 * IDLE_SECS - 2, false).await, "use keeps it");
        assert!(desk.finds(&cookie, 3 * IDLE_SECS - 3, true).await);
        assert!(!desk.finds(&cookie, 3 * IDLE_SECS - 1, false).await, "an open page does not");
        assert!(!desk.finds(&cookie, 3 * IDLE_SECS - 1, false).await, "nor is it found among those kept");
        let cookie = desk.open(0).await;
        for secs in (0..LIFE_SECS).step_by(3600) {
            assert!(desk.finds(&cookie, secs, false).await);
        }
        assert!(!desk.finds(&cookie, LIFE_SECS, false).await);
    }

    #[tokio::test]
    async fn a_session_outlives_a_restart_and_ends_as_it_would_have() {
        let mut desk = Desk::new().await;
        let (cookie, closed, idle) = (desk.open(0).await, desk.open(0).await, desk.open(0).await);
        assert!(desk.finds(&cookie, 3600, false).await);
        desk.sessions.close(&desk.admin, &closed).await;
        desk.begin_anew();
        assert!(!desk.finds(&closed, 3601, false).await, "who logged out is out");
        assert!(!desk.finds(&idle, IDLE_SECS, false).await, "nobody used it");
        assert!(!desk.finds("another", 3601, false).await);
        let found = desk.sessions.find(&desk.admin, &cookie, at(3600 + IDLE_SECS - 1), false).await.unwrap();
        assert!(found.user() == "mette" && found.was_opened_with("") && !found.was_opened_with("x"));
        let csrf = found.csrf().to_owned();
        desk.begin_anew();
        let again = desk.sessions.find(&desk.admin, &cookie, at(3600 + IDLE_SECS), false).await.unwrap();
        assert_eq!(again.csrf(), csrf, "a form that was open can be sent");
        for secs in (3600 + IDLE_SECS..LIFE_SECS).step_by(3600) {
            desk.begin_anew();
            assert!(desk.finds(&cookie, secs, false).await);
        }
        desk.begin_anew();
        assert!(!desk.finds(&cookie, LIFE_SECS, false).await);
    }

    #[tokio::test]
    async fn sessions_are_bounded() {
        let desk = Desk::new().await;
        for number in 0..=MAX_SESSIONS {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_be_bytes());
            let used_at = at(i64::try_from(number).unwrap());
            desk.sessions.take_in(
                KeptSession {
                    key,
                    user: String::new(),
                    csrf: String::new(),
                    opened_with: [0; 32],
                    begun_at: at(0),
                    used_at,
                },
                at(0),
            );
        }
        assert_eq!(desk.sessions.lock().len(), MAX_SESSIONS);
        assert!(!desk.sessions.lock().contains_key(&[0; 32]));
    }
}
