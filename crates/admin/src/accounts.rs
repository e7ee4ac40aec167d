//! Accounts: who they are called, and how much of what happened is kept.

use std::ops::RangeInclusive;
use std::sync::Arc;

use calls::AccountId;
use delivery::guard::Guard;
use journal::settings::{Account, KeepChoice, Scope, SettingKey};
use journal::{AccountSettings, Put, SettingsCache};

use crate::admin::{Admin, Written};
use crate::integration::webhook_url;
use crate::noted::Noted;
use crate::{Actor, Code, Expect, Refusal, names};

/// How many days an account may choose.
const KEEP_DAYS: RangeInclusive<u32> = 1..=36_500;
/// How many megabytes.
const KEEP_MEGABYTES: RangeInclusive<u32> = 1..=1_000_000;

/// What an account is to be; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountWish {
    /// Its name for people.
    pub name: Option<String>,
    /// For how many days what happened is kept; `Some(None)`: by the operator's rule.
    pub keep_days: Option<Option<u32>>,
    /// Up to how many megabytes.
    pub keep_megabytes: Option<Option<u32>>,
    /// The web service that is told when one of the account's fails; empty: none.
    pub alert_url: Option<String>,
    /// The mail address that is told; empty: none.
    pub alert_mail: Option<String>,
    /// The language it is told in: `da` or `en`.
    pub alert_language: Option<String>,
}

impl AccountWish {
    fn over(&self, before: Option<&Account>, guard: &Guard) -> Result<Account, Refusal> {
        let mut account = before.cloned().unwrap_or_default();
        if let Some(name) = &self.name {
            account.name = names::name("name", name)?;
        }
        if let Some(days) = self.keep_days {
            account.keep.days = within(Code::KeepDays, "keep.days", days, KEEP_DAYS)?;
        }
        if let Some(megabytes) = self.keep_megabytes {
            account.keep.megabytes =
                within(Code::KeepMegabytes, "keep.megabytes", megabytes, KEEP_MEGABYTES)?;
        }
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        if let Some(url) = &self.alert_url {
            account.alert.url = given(url);
            if let Some(url) = &account.alert.url {
                webhook_url("alert.url", url, guard)?;
            }
        }
        if let Some(mail) = &self.alert_mail {
            account.alert.mail = given(mail).map(|mail| names::mail("alert.mail", &mail)).transpose()?;
        }
        if let Some(language) = &self.alert_language {
            if !["", "da", "en"].contains(&language.as_str()) {
                return Err(Refusal::of(Code::AlertLanguage, "alert.language").with("found", language));
            }
            account.alert.language.clone_from(language);
        }
        Ok(account)
    }
}

/// Checks that a count, where one is given, is within its bounds.
pub(crate) fn within(
    code: Code,
    field: &str,
    count: Option<u32>,
    bounds: RangeInclusive<u32>,
) -> Result<Option<u32>, Refusal> {
    match count {
        Some(count) if !bounds.contains(&count) => {
            Err(Refusal::of(code, field).with("least", bounds.start()).with("most", bounds.end()))
        }
        Some(_) | None => Ok(count),
    }
}

/// An account as the audit log has it, the same in every language: its name, and how much it keeps if it has wishes
/// of its own.
fn in_words(account: &Account) -> String {
    let KeepChoice { days, megabytes } = account.keep;
    let alerts =
        [account.alert.url.as_deref().and_then(|url| url.split('?').next()), account.alert.mail.as_deref()];
    let alerts: Vec<&str> = alerts.into_iter().flatten().collect();
    let alerts = if alerts.is_empty() { String::new() } else { format!(" · {}", alerts.join(" · ")) };
    if account.keep == KeepChoice::default() {
        return format!("{}{alerts}", account.name);
    }
    let or_none = |wish: Option<u32>| wish.map_or_else(|| "–".to_owned(), |wish| wish.to_string());
    format!("{} · {} d · {} MB{alerts}", account.name, or_none(days), or_none(megabytes))
}

fn there(id: &AccountId) -> impl Fn(&SettingsCache) -> Option<(Account, u64)> + use<'_> {
    |cache| cache.account(id).map(|found| (found.account.clone(), found.version))
}

impl Admin {
    /// An account with all that is set of it.
    pub fn account(&self, actor: &Actor, account: &str) -> Result<Arc<AccountSettings>, Refusal> {
        self.reads(actor, account)
    }

    /// The account, if the actor may change it: for forms, which show nothing to who may not send them.
    pub fn account_to_change(&self, actor: &Actor, account: &str) -> Result<Arc<AccountSettings>, Refusal> {
        self.changes(actor, account)
    }

    /// Up to `limit` of the actor's accounts by id, from the one after `after` on.
    pub fn accounts(
        &self,
        actor: &Actor,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Vec<Arc<AccountSettings>> {
        match actor.scope() {
            Scope::Everything => self.cache.accounts(after, limit),
            Scope::Account(own) | Scope::ReadAccount(own) => {
                let found =
                    self.cache.account(own).filter(|found| after.is_none_or(|after| found.id > *after));
                found.into_iter().take(limit).collect()
            }
        }
    }

    /// How many accounts there are.
    pub fn account_count(&self, actor: &Actor) -> Result<usize, Refusal> {
        Self::operates(actor)?;
        Ok(self.cache.account_count())
    }

    /// Makes or changes an account. Only operators make one.
    pub async fn set_account(
        &self,
        actor: &Actor,
        account: &str,
        wish: AccountWish,
        expect: Expect,
    ) -> Result<Written<Account>, Refusal> {
        if !actor.operates() {
            self.changes(actor, account)?;
        }
        let id = names::account_id(account)?;
        let key = SettingKey::Account(id.clone());
        let with = |value: &Account, new: bool| {
            let what = if new { "audit.account_made" } else { "audit.account" };
            let noted = Noted { what, account: id.as_str(), subject: "", detail: &in_words(value) };
            (Vec::new(), vec![noted.by(actor)])
        };
        let mut written =
            self.change(&key, expect, there(&id), |before| wish.over(before, &self.guard), with).await?;
        written.key = id.as_str().to_owned();
        Ok(written)
    }

    /// Makes an account that is not there yet.
    pub async fn make_account(
        &self,
        actor: &Actor,
        account: &str,
        wish: AccountWish,
    ) -> Result<Written<Account>, Refusal> {
        Self::operates(actor)?;
        match self.set_account(actor, account, wish, Expect::New).await {
            Err(refusal) if refusal.code == Code::ChangedMeanwhile => {
                Err(Refusal::of(Code::AccountThere, "account").with("account", account))
            }
            other => other,
        }
    }

    /// Removes an account with its employees, phones and integration, and with the tokens and users that are for it
    /// alone: a later account of the same id is nobody's. What was kept of its calls stays until it is pruned.
    pub async fn remove_account(&self, actor: &Actor, account: &str) -> Result<(), Refusal> {
        let found = self.reads(actor, account)?;
        Self::operates(actor)?;
        let of = |scope: &Scope| match scope {
            Scope::Everything => false,
            Scope::Account(own) | Scope::ReadAccount(own) => *own == found.id,
        };
        let tokens = self.cache.tokens().into_iter().filter(|(_, (token, _))| of(&token.scope));
        let users = self.cache.users().into_iter().filter(|(_, (user, _))| of(&user.scope));
        let tokens = tokens.map(|(name, _)| ("audit.token_removed", SettingKey::Token(name.clone()), name));
        let users = users.map(|(name, _)| ("audit.user_removed", SettingKey::User(name.clone()), name));
        let (mut puts, mut noted) = (Vec::new(), Vec::new());
        for (what, key, name) in tokens.chain(users) {
            puts.extend(self.without_link(&name).filter(|_| matches!(key, SettingKey::User(_))));
            puts.push(Put { key, value: None, expected: None });
            noted.push(Noted { what, account, subject: &name, detail: "" }.by(actor));
        }
        if !puts.is_empty() {
            self.cache.put_all(puts, noted).await?;
        }
        let noted = Noted { what: "audit.account_removed", account, subject: "", detail: "" };
        self.cache.remove_account_noted(&found.id, vec![noted.by(actor)]).await?;
        Ok(())
    }
}
