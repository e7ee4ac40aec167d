//! People who may log in with a password of ours: listed, removed, their own password changed; made by [`crate::UserLink`]s. Who comes through a provider keeps the role
//! it gives them.

use calls::AccountId;
use journal::Put;
use journal::settings::{Scope, SettingKey, User};

use crate::admin::Admin;
use crate::change::Fields as _;
use crate::noted::Noted;
use crate::tokens::role_of;
use crate::{Actor, Code, Refusal};

/// The shortest password.
pub const PASSWORD_CHARS: usize = 10;

/// Whether they operate by a password of ours, also on the day the provider is down. Who was invited and has not
/// come yet does not.
pub(crate) fn operates(user: &User) -> bool {
    user.scope == Scope::Everything && user.vouched.is_none() && !user.password_hash.is_empty()
}

impl Admin {
    /// All people, by name.
    pub fn users(&self, actor: &Actor) -> Result<Vec<(String, User)>, Refusal> {
        Self::operates(actor)?;
        Ok(self.cache.users().into_iter().map(|(name, (user, _))| (name, user)).collect())
    }

    /// Those who may log in for an account alone.
    pub fn users_of(&self, actor: &Actor, account: &str) -> Result<Vec<(String, User)>, Refusal> {
        let account = self.reads(actor, account)?;
        let users = self.cache.users().into_iter().map(|(name, (user, _))| (name, user));
        Ok(users.filter(|(_, user)| role_of(&user.scope).1 == Some(&account.id)).collect())
    }

    /// Removes a person with their link; the last operator stays.
    pub async fn remove_user(&self, actor: &Actor, name: &str) -> Result<(), Refusal> {
        Self::operates(actor)?;
        self.take_user(actor, name).await
    }

    /// The same by whoever may.
    pub(crate) async fn take_user(&self, actor: &Actor, name: &str) -> Result<(), Refusal> {
        let (user, version) = self.user_to_change(actor, name)?;
        self.keeps_an_operator(Some(&user), None)?;
        let account = role_of(&user.scope).1.map_or("", AccountId::as_str);
        let noted = Noted { what: "audit.user_removed", account, subject: name, detail: "" };
        let put = Put { key: SettingKey::User(name.to_owned()), value: None, expected: Some(version) };
        let puts = self.without_link(name).into_iter().chain([put]).collect();
        self.cache.put_all(puts, vec![noted.by(actor)]).await?;
        Ok(())
    }

    /// A person's own password, hashed, in the place of `before`.
    pub async fn change_own_password(
        &self,
        actor: &Actor,
        key: &str,
        before: &str,
        hash: String,
    ) -> Result<(), Refusal> {
        let (user, version) = self.cache.user(key).ok_or_else(|| Refusal::new(Code::NoUser))?;
        if user.vouched.is_some() {
            return Err(Refusal::new(Code::PasswordElsewhere));
        }
        if user.password_hash != before {
            return Err(Refusal::of(Code::WrongPassword, "old"));
        }
        let user = User { password_hash: hash, ..user };
        let noted = Noted { what: "audit.password", account: "", subject: "", detail: "" };
        let key = SettingKey::User(key.to_owned());
        let put = Put { key, value: Some(user.setting()), expected: Some(version) };
        self.cache.put_all(vec![put], vec![noted.by(actor)]).await?;
        Ok(())
    }

    pub(crate) fn last_operator(&self) -> bool {
        self.cache.users().values().filter(|(user, _)| operates(user)).count() == 1
    }
}
