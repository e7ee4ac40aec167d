//! The demo's way in: a key that opens a board as often as one likes. A store that is kept has none.

use calls::AccountId;
use journal::settings::{Scope, Secret, Setting, SettingKey, User};

use super::same;
use crate::admin::Admin;
use crate::{Refusal, random_text};

/// Where the key is kept; what it opens is behind the blank.
const KEY: &str = "look";
/// Who looks. Without a password nobody comes in by this name elsewhere.
const VISITOR: &str = "demo";

impl Admin {
    /// Makes the key that logs in whoever has it, to this account's board. For a demo on a loopback address: there is
    /// nothing in it that is anybody's.
    pub async fn make_look_key(&self, account: &AccountId) -> Result<String, Refusal> {
        let key = random_text()?;
        let setting = Setting::System(Secret::new(format!("{key} {account}")));
        self.cache.put(SettingKey::System(KEY.to_owned()), Some(setting), None).await?;
        Ok(key)
    }

    /// As whom whoever has this key looks, and at which account's board; nothing if it is no such key.
    pub async fn look(
        &self,
        key: &str,
        language: &str,
    ) -> Result<Option<(&'static str, AccountId)>, Refusal> {
        let Some((kept, _)) = self.cache.system(KEY) else { return Ok(None) };
        let opens = kept.expose().split_once(' ').filter(|(kept, _)| same(kept, key));
        let Some((_, account)) = opens else { return Ok(None) };
        if self.cache.user(VISITOR).is_none() {
            let user = User {
                password_hash: String::new(),
                scope: Scope::Everything,
                language: language.to_owned(),
                vouched: None,
            };
            self.cache.put(SettingKey::User(VISITOR.to_owned()), Some(Setting::User(user)), None).await?;
        }
        Ok(Some((VISITOR, AccountId::new(account))))
    }
}
