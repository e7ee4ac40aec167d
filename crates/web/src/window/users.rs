//! People who may log in: what is checked of them, wherever they are made.

use admin::{Code, PASSWORD_CHARS, Refusal, Role, UserWish};

use super::visitor::Fields;
use super::{Fail, Window, password};

/// Whether a person may be called so.
pub(crate) fn name_fits(name: &str) -> bool {
    admin::user_name(name).is_ok()
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
