//! The first operator: made by whoever has the key that is told at the start, and by one of them only.

use std::net::IpAddr;

use journal::settings::{Scope, Secret, Setting, SettingKey, User};
use journal::{JournalError, Put};

use super::{at_door, same};
use crate::admin::Admin;
use crate::{Actor, Code, Refusal, names, random_text};

/// Where the key is kept until somebody used it.
const KEY: &str = "first-run";

impl Admin {
    /// Whether nobody can run this place yet: nobody has a password here, and nobody who operates comes through a
    /// provider.
    pub fn nobody_yet(&self) -> bool {
        let runs = |user: &User| user.vouched.is_none() || user.scope == Scope::Everything;
        !self.cache.users().values().any(|(user, _)| runs(user))
    }

    /// The key of the first operator's link, the same at every start and on every gateway, as long as nobody runs this
    /// place.
    ///
    /// # Errors
    /// That it cannot be kept, or that there is no chance to make one of.
    pub async fn first_key(&self) -> Result<Option<String>, Refusal> {
        if !self.nobody_yet() {
            return Ok(None);
        }
        if let Some((key, _)) = self.cache.system(KEY) {
            return Ok(Some(key.expose().to_owned()));
        }
        let key = random_text()?;
        let setting = Setting::System(Secret::new(key.clone()));
        match self.cache.put(SettingKey::System(KEY.to_owned()), Some(setting), Some(0)).await {
            Ok(_) => Ok(Some(key)),
            // Another gateway that begins at the same moment was first.
            Err(JournalError::Conflict { .. }) => {
                self.cache.refresh().await?;
                Ok(self.kept_first_key().map(|(key, _)| key.expose().to_owned()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether this key makes the first operator.
    pub fn is_first_key(&self, key: &str) -> bool {
        self.kept_first_key().is_some_and(|(kept, _)| same(kept.expose(), key))
    }

    /// Makes the first operator and uses the key up, in one write: of those who come at once one gets in.
    ///
    /// # Errors
    /// [`Code::FirstLinkUsed`] for a key that is not good, or not any more; what is wrong with the name.
    pub async fn make_first_operator(
        &self,
        key: &str,
        name: &str,
        password_hash: String,
        language: &str,
        from: Option<IpAddr>,
    ) -> Result<(), Refusal> {
        let used = || Refusal::new(Code::FirstLinkUsed);
        let (_, version) =
            self.kept_first_key().filter(|(kept, _)| same(kept.expose(), key)).ok_or_else(used)?;
        let name = names::user(name)?;
        let user =
            User { password_hash, scope: Scope::Everything, language: language.to_owned(), vouched: None };
        let puts = vec![
            Put { key: SettingKey::System(KEY.to_owned()), value: None, expected: Some(version) },
            Put { key: SettingKey::User(name.clone()), value: Some(Setting::User(user)), expected: Some(0) },
        ];
        let actor = Actor::person(name, Scope::Everything).at(from);
        match self.cache.put_all(puts, vec![at_door("audit.first", "").by(&actor)]).await {
            Ok(_) => Ok(()),
            Err(JournalError::Conflict { .. }) => {
                self.cache.refresh().await?;
                Err(used())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn kept_first_key(&self) -> Option<(Secret, u64)> {
        self.cache.system(KEY).filter(|_| self.nobody_yet())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{beside, room};
    use super::*;

    #[tokio::test]
    async fn the_first_link_makes_one_operator_however_many_use_it_at_once() {
        let admin = room().await.unwrap();
        let key = admin.first_key().await.unwrap().unwrap();
        let names: Vec<String> = (0..6).map(|number| format!("operator{number}")).collect();
        let coming =
            names.iter().map(|name| admin.make_first_operator(&key, name, "hash".into(), "da", None));
        let came = futures_util::future::join_all(coming).await;
        assert_eq!(came.iter().filter(|one| one.is_ok()).count(), 1, "{came:?}");
        assert_eq!(admin.cache.users().len(), 1);
        let late = admin.make_first_operator(&key, "late", "hash".into(), "da", None).await;
        assert_eq!(late.unwrap_err().code, Code::FirstLinkUsed);
        assert_eq!(admin.first_key().await.unwrap(), None);
    }

    #[tokio::test]
    async fn gateways_that_begin_at_the_same_moment_tell_the_same_link() {
        let journal = std::sync::Arc::new(journal::memory::Memory::new());
        let (one, other) = (beside(journal.clone()).await.unwrap(), beside(journal).await.unwrap());
        let key = one.first_key().await.unwrap().unwrap();
        assert_eq!(other.first_key().await.unwrap(), Some(key.clone()));
        assert!(one.is_first_key(&key) && other.is_first_key(&key));
    }

    #[tokio::test]
    async fn another_key_makes_nobody() {
        let admin = room().await.unwrap();
        let none = admin.make_first_operator("", "olga", "hash".into(), "da", None).await;
        assert_eq!(none.unwrap_err().code, Code::FirstLinkUsed, "before there is one");
        let key = admin.first_key().await.unwrap().unwrap();
        for wrong in ["", "x", &key[1..]] {
            let made = admin.make_first_operator(wrong, "olga", "hash".into(), "da", None).await;
            assert_eq!(made.unwrap_err().code, Code::FirstLinkUsed);
        }
        assert!(admin.nobody_yet() && admin.is_first_key(&key));
    }
}
