//! People who may log in: what is checked of them, wherever they are made.

use journal::SettingsCache;
use journal::settings::{Scope, Setting, SettingKey, User};

use super::visitor::Fields;
use super::{Fail, Messages, Window, password};
use crate::wire::{self, ScopeWire};

/// Longest name.
const NAME_CHARS: usize = 64;

/// Whether a person may be called so.
pub(crate) fn name_fits(name: &str) -> bool {
    (1..=NAME_CHARS).contains(&name.chars().count())
        && name.chars().all(|c| c.is_alphanumeric() || "._-@+".contains(c))
}

/// Whether nobody can run this place yet: nobody has a password here, and nobody who operates comes through a
/// provider.
pub(crate) fn nobody_yet(cache: &SettingsCache) -> bool {
    let runs = |user: &User| user.vouched.is_none() || user.scope == Scope::Everything;
    !cache.users().values().any(|(user, _)| runs(user))
}

/// Makes or changes a person from a form; `Err` holds what is wrong, in words.
pub(crate) async fn save(
    window: &Window,
    w: Messages,
    fields: &Fields,
) -> Result<Result<String, String>, Fail> {
    let name = fields.get("name").to_owned();
    if !name_fits(&name) {
        return Ok(Err(w.get("users.name_help").to_owned()));
    }
    let account = Some(fields.get("account")).filter(|account| !account.is_empty());
    let scope = match fields.get("scope") {
        "operator" => Some(ScopeWire::Operator),
        "account" => Some(ScopeWire::Account),
        _ => Some(ScopeWire::ReadOnly),
    };
    let scope = match wire::scope("account", scope, account.filter(|_| scope != Some(ScopeWire::Operator))) {
        Ok(scope) => scope,
        Err(_) => return Ok(Err(w.get("users.account_help").to_owned())),
    };
    let present = window.web.cache.user(&name);
    let chosen = fields.raw("password").to_owned();
    let password_hash = match (&present, chosen.is_empty()) {
        (Some((user, _)), true) => user.password_hash.clone(),
        (_, _) if !password::fits(&chosen) => return Ok(Err(w.get("users.password_help").to_owned())),
        (_, _) => window.passwords.hash(chosen).await.ok_or_else(|| Fail::broken("no random bytes"))?,
    };
    let last = matches!(&present, Some((user, _)) if operates(user)) && last_operator(window);
    if last && scope != Scope::Everything {
        return Ok(Err(w.get("users.last_operator").to_owned()));
    }
    let language = present.as_ref().map_or_else(String::new, |(user, _)| user.language.clone());
    let user = User { password_hash, scope, language, vouched: None };
    let expected = present.map_or(0, |(_, version)| version);
    window.web.cache.put(SettingKey::User(name.clone()), Some(Setting::User(user)), Some(expected)).await?;
    Ok(Ok(name))
}

/// Removes a person; the last operator stays.
pub(crate) async fn remove(window: &Window, w: Messages, name: &str) -> Result<Result<(), String>, Fail> {
    let operates = window.web.cache.user(name).is_some_and(|(user, _)| operates(&user));
    if operates && last_operator(window) {
        return Ok(Err(w.get("users.last_operator").to_owned()));
    }
    window.web.cache.put(SettingKey::User(name.to_owned()), None, None).await?;
    Ok(Ok(()))
}

/// Whether they operate by a password of ours, also on the day the provider is down.
fn operates(user: &User) -> bool {
    user.scope == Scope::Everything && user.vouched.is_none()
}

fn last_operator(window: &Window) -> bool {
    window.web.cache.users().values().filter(|(user, _)| operates(user)).count() == 1
}
