//! Who is logged in: kept here, bounded, and gone after a while. A browser only has a random name for it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use admin::kept::WallTime;
use admin::{Refusal, random_text};

use crate::wire::token_hash;

/// At most so many sessions; the one that was idle longest makes room.
const MAX_SESSIONS: usize = 10_000;
/// A session ends when it was not used for so long.
const IDLE_SECS: i64 = 2 * 3600;
/// A session ends after so long in any case.
const LIFE_SECS: i64 = 12 * 3600;

/// A session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) user: String,
    /// Goes into every form and comes back with it.
    pub(crate) csrf: String,
    /// What it was opened with: another password ends it, or being removed.
    pub(crate) opened_with: String,
    begun_at: WallTime,
    used_at: WallTime,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<[u8; 32], Session>>);

impl Sessions {
    /// Opens one: the cookie's value.
    pub(crate) fn open(&self, user: &str, opened_with: &str, now: WallTime) -> Result<String, Refusal> {
        let (cookie, csrf) = (random_text()?, random_text()?);
        let session = Session {
            user: user.to_owned(),
            csrf,
            opened_with: opened_with.to_owned(),
            begun_at: now,
            used_at: now,
        };
        let mut all = self.lock();
        all.retain(|_, session| alive(session, now));
        if all.len() >= MAX_SESSIONS
            && let Some(oldest) = all.iter().min_by_key(|(_, session)| session.used_at).map(|(key, _)| *key)
        {
            all.remove(&oldest);
        }
        all.insert(token_hash(&cookie), session);
        Ok(cookie)
    }

    /// The session behind a cookie, if it lives. What a page asks by itself is no use of it.
    pub(crate) fn find(&self, cookie: &str, now: WallTime, by_itself: bool) -> Option<Session> {
        let key = token_hash(cookie);
        let mut all = self.lock();
        let session = all.get_mut(&key)?;
        if !alive(session, now) {
            all.remove(&key);
            return None;
        }
        if !by_itself {
            session.used_at = now;
        }
        Some(session.clone())
    }

    /// Ends one.
    pub(crate) fn close(&self, cookie: &str) {
        self.lock().remove(&token_hash(cookie));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn alive(session: &Session, now: WallTime) -> bool {
    let secs_since = |at: WallTime| now.0.saturating_sub(at.0) / 1_000_000;
    secs_since(session.used_at) < IDLE_SECS && secs_since(session.begun_at) < LIFE_SECS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> WallTime {
        WallTime(secs * 1_000_000)
    }

    #[test]
    fn a_session_ends_when_it_is_idle_and_after_its_life() {
        let sessions = Sessions::default();
        let cookie = sessions.open("mette", "", at(0)).unwrap();
        assert!(sessions.find(&cookie, at(IDLE_SECS - 1), false).is_some());
        assert!(sessions.find(&cookie, at(2 * IDLE_SECS - 2), false).is_some(), "use keeps it");
        assert!(sessions.find(&cookie, at(3 * IDLE_SECS - 3), true).is_some());
        assert!(sessions.find(&cookie, at(3 * IDLE_SECS - 1), false).is_none(), "an open page does not");
        let cookie = sessions.open("mette", "", at(0)).unwrap();
        for secs in (0..LIFE_SECS).step_by(3600) {
            assert!(sessions.find(&cookie, at(secs), false).is_some());
        }
        assert!(sessions.find(&cookie, at(LIFE_SECS), false).is_none());
    }

    #[test]
    fn sessions_are_bounded() {
        let sessions = Sessions::default();
        let first = sessions.open("first", "", at(0)).unwrap();
        for _ in 0..MAX_SESSIONS {
            sessions.open("more", "", at(1)).unwrap();
        }
        assert!(sessions.find(&first, at(2), false).is_none());
        assert_eq!(sessions.lock().len(), MAX_SESSIONS);
    }
}
