//! API tokens: made, told once, known again by their hash.

use std::time::Duration;

use calls::AccountId;
use journal::settings::{Scope, Setting, SettingKey, Token};
use journal::{JournalError, Put};
use sha2::{Digest as _, Sha256};

use crate::actor::OF_MACHINE;
use crate::admin::Admin;
use crate::noted::Noted;
use crate::{Actor, Code, Refusal, clock, names, random_text};

/// A token lent to the command line is good for so long: a command that was killed leaves no key behind.
const LENT: Duration = Duration::from_secs(600);

/// What a token, or a person, may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything, on all accounts.
    Operator,
    /// One account, with changes.
    Account,
    /// One account, reading only.
    ReadOnly,
}

/// What token is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenWish {
    /// What to call it.
    pub name: String,
    /// What it may do; an operator's if absent and no account is given, else an account's.
    pub role: Option<Role>,
    /// The account it is for.
    pub account: Option<String>,
}

/// A token that was just made.
pub struct MadeToken {
    /// The token itself: told now and never again.
    pub text: String,
    /// Its name.
    pub name: String,
    /// What is kept of it.
    pub token: Token,
}

/// Puts role and account together.
pub(crate) fn scope(role: Option<Role>, account: Option<&str>) -> Result<Scope, Refusal> {
    let wanted = role.unwrap_or(if account.is_some() { Role::Account } else { Role::Operator });
    match (wanted, account) {
        (Role::Operator, None) => Ok(Scope::Everything),
        (Role::Operator, Some(_)) => Err(Refusal::of(Code::ScopeOperator, "account")),
        (Role::Account, Some(account)) => Ok(Scope::Account(names::account_id(account)?)),
        (Role::ReadOnly, Some(account)) => Ok(Scope::ReadAccount(names::account_id(account)?)),
        (Role::Account | Role::ReadOnly, None) => Err(Refusal::of(Code::ScopeAccount, "account")),
    }
}

/// Takes role and account apart.
pub fn role_of(scope: &Scope) -> (Role, Option<&AccountId>) {
    match scope {
        Scope::Everything => (Role::Operator, None),
        Scope::Account(account) => (Role::Account, Some(account)),
        Scope::ReadAccount(account) => (Role::ReadOnly, Some(account)),
    }
}

/// What is kept of a token.
pub fn token_hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// A token of 32 random bytes, and what is kept of it.
fn fresh(scope: Scope) -> Result<(String, Token), Refusal> {
    let text = format!("rb_{}", random_text()?);
    let token = Token { sha256: token_hash(&text), scope, created_at: clock::now() };
    Ok((text, token))
}

/// How old a token is that was lent to the command line; `None`: it was made to stay.
fn lent((name, token): &(String, Token)) -> Option<Duration> {
    let age = clock::now().0.saturating_sub(token.created_at.0);
    name.starts_with(OF_MACHINE).then(|| Duration::from_micros(age.unsigned_abs()))
}

impl Admin {
    /// Who has this token.
    pub async fn bearer(&self, text: &str) -> Result<Actor, Refusal> {
        let hash = token_hash(text);
        let mut found = self.cache.token_by_hash(&hash);
        if found.is_none() && self.cache.refresh().await.is_ok() {
            // Made a moment ago by the command line; somebody else may have taken the news in meanwhile.
            found = self.cache.token_by_hash(&hash);
        }
        let (name, token) = found
            .filter(|found| lent(found).is_none_or(|age| age < LENT))
            .ok_or_else(|| Refusal::new(Code::NoToken))?;
        Ok(Actor::token(&name, token.scope))
    }

    /// The tokens by name, without their text.
    pub fn tokens(&self, actor: &Actor) -> Result<Vec<(String, Token)>, Refusal> {
        Self::operates(actor)?;
        let tokens = self.cache.tokens().into_iter().filter(|(name, _)| !name.starts_with(OF_MACHINE));
        Ok(tokens.map(|(name, (token, _))| (name, token)).collect())
    }

    /// Makes a token, for an account that is there.
    pub async fn make_token(&self, actor: &Actor, wish: &TokenWish) -> Result<MadeToken, Refusal> {
        Self::operates(actor)?;
        self.keep_token(actor, wish).await
    }

    /// The same by whoever may.
    pub(crate) async fn keep_token(&self, actor: &Actor, wish: &TokenWish) -> Result<MadeToken, Refusal> {
        let name = names::token(&wish.name)?;
        let scope = self.known(scope(wish.role, wish.account.as_deref())?)?;
        let (text, token) = fresh(scope)?;
        let account = role_of(&token.scope).1.map_or("", AccountId::as_str);
        let noted = Noted { what: "audit.token", account, subject: &name, detail: "" };
        let (key, value) = (SettingKey::Token(name.clone()), Some(Setting::Token(token.clone())));
        match self.cache.put_all(vec![Put { key, value, expected: Some(0) }], vec![noted.by(actor)]).await {
            Ok(_) => {}
            Err(JournalError::Conflict { .. }) => {
                return Err(Refusal::of(Code::TokenThere, "name").with("name", name));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(MadeToken { text, name, token })
    }

    /// Removes a token: whoever has it is no longer let in.
    pub async fn remove_token(&self, actor: &Actor, name: &str) -> Result<(), Refusal> {
        Self::operates(actor)?;
        self.take_token(actor, name).await
    }

    /// The same by whoever may.
    pub(crate) async fn take_token(&self, actor: &Actor, name: &str) -> Result<(), Refusal> {
        let (token, _) = self.cache.tokens().remove(name).ok_or_else(|| Refusal::new(Code::NoSuchToken))?;
        let account = role_of(&token.scope).1.map_or("", AccountId::as_str);
        let noted = Noted { what: "audit.token_removed", account, subject: name, detail: "" };
        let put = Put { key: SettingKey::Token(name.to_owned()), value: None, expected: None };
        self.cache.put_all(vec![put], vec![noted.by(actor)]).await?;
        Ok(())
    }

    /// A token for one command of the command line, which asks the gateway that runs: its text and its name. What is
    /// done with it is noted as done by who sits at the machine, and so it is itself not worth a note.
    pub async fn lend_token(&self, actor: &Actor, process: u32) -> Result<(String, String), Refusal> {
        Self::operates(actor)?;
        let (text, token) = fresh(Scope::Everything)?;
        let name = format!("{}:{process}", actor.name());
        for (old, (token, _)) in self.cache.tokens() {
            if lent(&(old.clone(), token)).is_some_and(|age| age >= LENT) {
                self.take_back_token(&old).await?;
            }
        }
        self.cache.put(SettingKey::Token(name.clone()), Some(Setting::Token(token)), None).await?;
        Ok((text, name))
    }

    /// Takes it back.
    pub async fn take_back_token(&self, name: &str) -> Result<(), Refusal> {
        self.cache.put(SettingKey::Token(name.to_owned()), None, None).await?;
        Ok(())
    }

    /// A scope of an account that is there: nobody gets a key to what somebody else makes later.
    pub(crate) fn known(&self, scope: Scope) -> Result<Scope, Refusal> {
        match role_of(&scope).1 {
            Some(account) if self.cache.account(account).is_none() => {
                Err(Refusal::of(Code::NoSuchAccount, "account").with("account", account))
            }
            Some(_) | None => Ok(scope),
        }
    }
}
