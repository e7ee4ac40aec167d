//! People who may log in with a password of ours: made, changed, removed. Who comes through a provider keeps the role
//! it gives them.

use calls::AccountId;
use journal::Put;
use journal::settings::{Scope, SettingKey, User};

use crate::admin::Admin;
use crate::change::{Expect, Fields as _};
use crate::noted::Noted;
use crate::tokens::{role_of, scope};
use crate::{Actor, Code, Refusal, Role, names};

/// The shortest password.
pub const PASSWORD_CHARS: usize = 10;

/// What a person is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserWish {
    /// What they may.
    pub role: Role,
    /// The account they are for; not for operators.
    pub account: Option<String>,
    /// A new password, hashed; `None`: the one they have.
    pub password_hash: Option<String>,
}

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

    /// Makes or changes a person, for an account that is there. The last operator stays one.
    pub async fn set_user(
        &self,
        actor: &Actor,
        name: &str,
        wish: &UserWish,
        expect: Expect,
    ) -> Result<(), Refusal> {
        Self::operates(actor)?;
        let name = names::user(name)?;
        let account = wish.account.as_deref().filter(|account| !account.is_empty());
        let scope = self.known(scope(Some(wish.role), account.filter(|_| wish.role != Role::Operator))?)?;
        let key = SettingKey::User(name.clone());
        let there = |cache: &journal::SettingsCache| cache.user(&name);
        let make = |before: Option<&User>| {
            let password_hash = match (&wish.password_hash, before) {
                (Some(hash), _) => hash.clone(),
                (None, Some(before)) if !before.password_hash.is_empty() => before.password_hash.clone(),
                (None, _) => {
                    return Err(Refusal::of(Code::Password, "password").with("least", PASSWORD_CHARS));
                }
            };
            self.keeps_an_operator(before, Some(&scope))?;
            let language = before.map_or_else(String::new, |before| before.language.clone());
            Ok(User { password_hash, scope: scope.clone(), language, vouched: None })
        };
        let account = role_of(&scope).1.map_or("", AccountId::as_str);
        let noted = Noted { what: "audit.user", account, subject: &name, detail: "" };
        self.change(&key, expect, there, make, |_, _| (Vec::new(), vec![noted.by(actor)])).await?;
        Ok(())
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
