//! Sessions as they are kept, so that who is logged in stays so over a restart, and when another gateway takes over.
//!
//! They lie in 256 settings, by the first byte of what they are known by: a setting that is removed leaves a trace for
//! those who follow the settings, and sessions come and go. How long one lives is the window's to say.

use std::fmt::Write as _;

use journal::settings::{Secret, Setting, SettingKey};
use journal::{JournalError, WallTime};

use crate::Refusal;
use crate::admin::Admin;

/// So many are kept in one setting; those that were idle longest make room.
const MAX_IN_ONE: usize = 40;
/// Another session of the same setting may be kept at the same moment.
const TRIES: usize = 5;

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSession {
    /// Hash of what the browser has.
    pub key: [u8; 32],
    /// Whose.
    pub user: String,
    /// Goes into every form and comes back with it.
    pub csrf: String,
    /// Hash of what it was opened with.
    pub opened_with: [u8; 32],
    /// When it was opened.
    pub begun_at: WallTime,
    /// When it was last known to be used.
    pub used_at: WallTime,
}

impl KeptSession {
    fn write(&self, text: &mut String) {
        let Self { key, user, csrf, opened_with, begun_at, used_at } = self;
        let (key, opened_with) = (hex(key), hex(opened_with));
        let _ = writeln!(text, "{key} {opened_with} {} {} {csrf} {user}", begun_at.0, used_at.0);
    }

    /// What another version has written is no session.
    fn read(line: &str) -> Option<Self> {
        let mut words = line.splitn(6, ' ');
        let mut next = || words.next();
        Some(Self {
            key: unhex(next()?)?,
            opened_with: unhex(next()?)?,
            begun_at: WallTime(next()?.parse().ok()?),
            used_at: WallTime(next()?.parse().ok()?),
            csrf: next()?.to_owned(),
            user: next()?.to_owned(),
        })
    }
}

fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

/// Where one lies. Names have no colon.
fn place(key: &[u8; 32]) -> String {
    format!("sessions:{:02x}", key[0])
}

impl Admin {
    /// The session of this key, as it was kept last.
    pub fn kept_session(&self, key: &[u8; 32]) -> Option<KeptSession> {
        self.sessions_beside(key).0.into_iter().find(|session| session.key == *key)
    }

    /// Takes in what was set on other machines just now. What cannot be read is taken in later.
    pub async fn settings_anew(&self) {
        if let Err(error) = self.cache.refresh().await {
            tracing::debug!(%error, "the settings of other machines are taken in later");
        }
    }

    /// Keeps a session as it is now. Those beside it that do not live any more go.
    ///
    /// # Errors
    /// What the journal says.
    pub async fn keep_session(
        &self,
        session: &KeptSession,
        lives: impl Fn(&KeptSession) -> bool,
    ) -> Result<(), Refusal> {
        self.change_sessions(&session.key, |all| {
            all.retain(|one| one.key != session.key && lives(one));
            all.sort_by_key(|one| std::cmp::Reverse(one.used_at));
            all.truncate(MAX_IN_ONE - 1);
            all.push(session.clone());
        })
        .await
    }

    /// Forgets a session: it has ended.
    ///
    /// # Errors
    /// What the journal says.
    pub async fn forget_session(&self, key: &[u8; 32]) -> Result<(), Refusal> {
        if self.kept_session(key).is_none() {
            return Ok(());
        }
        self.change_sessions(key, |all| all.retain(|one| one.key != *key)).await
    }

    fn sessions_beside(&self, key: &[u8; 32]) -> (Vec<KeptSession>, u64) {
        let Some((kept, version)) = self.cache.system(&place(key)) else { return (Vec::new(), 0) };
        (kept.expose().lines().filter_map(KeptSession::read).collect(), version)
    }

    async fn change_sessions(
        &self,
        key: &[u8; 32],
        change: impl Fn(&mut Vec<KeptSession>),
    ) -> Result<(), Refusal> {
        let mut tries = 0;
        loop {
            let (mut all, version) = self.sessions_beside(key);
            change(&mut all);
            let mut text = String::new();
            all.iter().for_each(|session| session.write(&mut text));
            let value = Some(Setting::System(Secret::new(text)));
            tries += 1;
            match self.cache.put(SettingKey::System(place(key)), value, Some(version)).await {
                Ok(_) => return Ok(()),
                Err(JournalError::Conflict { .. }) if tries < TRIES => {
                    self.cache.refresh().await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(first: u8, number: u8) -> KeptSession {
        let mut key = [number; 32];
        key[0] = first;
        KeptSession {
            key,
            user: "mette møller".to_owned(),
            csrf: "csrf".to_owned(),
            opened_with: [number; 32],
            begun_at: WallTime(i64::from(number)),
            used_at: WallTime(i64::from(number) + 1),
        }
    }

    #[tokio::test]
    async fn a_session_is_kept_beside_others_until_it_is_forgotten() {
        let admin = super::super::room().await.unwrap();
        let all: Vec<_> = (1..=4).map(|number| session(number % 2, number)).collect();
        for one in &all {
            admin.keep_session(one, |_| true).await.unwrap();
        }
        let used = KeptSession { used_at: WallTime(900), ..all[0].clone() };
        admin.keep_session(&used, |one| one.begun_at != all[2].begun_at).await.unwrap();
        let kept: Vec<_> = all.iter().map(|one| admin.kept_session(&one.key)).collect();
        assert_eq!(kept, [Some(used), Some(all[1].clone()), None, Some(all[3].clone())]);
        admin.forget_session(&all[1].key).await.unwrap();
        assert_eq!(admin.kept_session(&all[1].key), None);
        assert!(admin.kept_session(&all[3].key).is_some());
    }

    #[tokio::test]
    async fn who_was_idle_longest_makes_room() {
        let admin = super::super::room().await.unwrap();
        for number in 0..=u8::try_from(MAX_IN_ONE).unwrap() {
            admin.keep_session(&session(9, number), |_| true).await.unwrap();
        }
        assert_eq!(admin.kept_session(&session(9, 0).key), None);
        assert_eq!(admin.sessions_beside(&session(9, 0).key).0.len(), MAX_IN_ONE);
    }

    #[test]
    fn what_is_no_session_is_none() {
        let mut text = String::new();
        session(1, 2).write(&mut text);
        assert_eq!(KeptSession::read(text.trim_end()), Some(session(1, 2)));
        for line in ["", "x", "é é é é é é", &text[1..]] {
            assert_eq!(KeptSession::read(line), None, "{line}");
        }
    }
}
