//! People who may log in: what is checked of them, wherever they are made.

use admin::{Code, PASSWORD_CHARS, Refusal, Role, UserWish};
use journal::SettingsCache;
use journal::settings::{Scope, User};

use super::visitor::Fields;
use super::{Fail, Window, password};

/// Whether a person may be called so.
pub(crate) fn name_fits(name: &str) -> bool {
    admin::user_name(name).is_ok()
}

/// Whether nobody can run this place yet: nobody has a password here, and nobody who operates comes through a
/// provider.
pub(crate) fn nobody_yet(cache: &SettingsCache) -> bool {
    let runs = |user: &User| user.vouched.is_none() || user.scope == Scope::Everything;
    !cache.users().values().any(|(user, _)| runs(user))
}

/// The role a form names.
pub(crate) fn role(fields: &Fields) -> Role {
    match fields.get("scope") {
        "operator" => Role::Operator,
        "account" => Role::Account,
        _ => Role::ReadOnly,
    }
}

/// What a form wants a person to be.
pub(crate) async fn wish(window: &Window, fields: &Fields) -> Result<UserWish, Fail> {
    let chosen = fields.raw("password").to_owned();
    let password_hash = if chosen.is_empty() {
        None
    } else if password::fits(&chosen) {
        Some(window.passwords.hash(chosen).await.ok_or(Refusal::new(Code::NoRandom))?)
    } else {
        return Err(Refusal::of(Code::Password, "password").with("least", PASSWORD_CHARS).into());
    };
    Ok(UserWish { role: role(fields), account: Some(fields.get("account").to_owned()), password_hash })
}
