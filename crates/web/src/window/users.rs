//! People who may log in and programs that may ask: how they are shown, whoever looks after them.

use admin::kept::settings::{Token, User};
use admin::{Role, UserLink};

use super::visitor::Fields;
use super::{Frame, Window, oidc, welcome_path};
use crate::wire::{ScopeWire, scope_parts};

/// A person, as shown.
pub(crate) struct UserRow {
    /// The name among the users.
    pub(crate) key: String,
    pub(crate) shown: String,
    /// The role's key.
    pub(crate) scope: &'static str,
    pub(crate) account: String,
    /// How they log in.
    pub(crate) login: String,
    /// Whether they come through a provider: then they have no password here.
    pub(crate) is_vouched: bool,
}

/// A token, as shown.
pub(crate) struct TokenRow {
    pub(crate) name: String,
    /// The role's key.
    pub(crate) scope: &'static str,
    pub(crate) account: String,
    pub(crate) made: String,
}

/// A one-time link, shown once.
pub(crate) struct NewLink {
    /// Whose it is, and until when.
    pub(crate) told: String,
    pub(crate) address: String,
}

/// A role to choose.
pub(crate) struct RoleChoice {
    /// In the form.
    pub(crate) value: &'static str,
    /// Keys of its name and of what it may do.
    pub(crate) name: &'static str,
    pub(crate) does: &'static str,
}

const ROLES: [RoleChoice; 3] = [
    RoleChoice { value: "account", name: "scope.account", does: "scope.account.does" },
    RoleChoice { value: "read-only", name: "scope.read-only", does: "scope.read-only.does" },
    RoleChoice { value: "operator", name: "scope.operator", does: "scope.operator.does" },
];

/// The roles an operator gives.
pub(crate) const fn all_roles() -> &'static [RoleChoice] {
    &ROLES
}

/// Those that are for one account.
pub(crate) fn account_roles() -> &'static [RoleChoice] {
    &ROLES[..2]
}

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

/// The key of a role's name.
fn scope_key(scope: ScopeWire) -> &'static str {
    match scope {
        ScopeWire::Operator => "scope.operator",
        ScopeWire::Account => "scope.account",
        ScopeWire::ReadOnly => "scope.read-only",
    }
}

/// People, as shown.
pub(crate) fn user_rows(window: &Window, f: &Frame, users: &[(String, User)]) -> Vec<UserRow> {
    let row = |(name, user): &(String, User)| {
        let (scope, account) = scope_parts(&user.scope);
        let login = match (&user.vouched, window.web.admin.link_until(name)) {
            (Some(vouched), _) => {
                let label = oidc::label(window, name);
                f.w.with("users.through", "label", label).replace("{seen}", &f.locale.wall(vouched.seen_at))
            }
            (None, Some(until)) => f.w.with("users.by_link", "until", f.locale.wall(until)),
            (None, None) if user.password_hash.is_empty() => f.w.get("users.by_none").to_owned(),
            (None, None) => f.w.get("users.by_password").to_owned(),
        };
        UserRow {
            key: name.clone(),
            shown: oidc::shown(name, user).to_owned(),
            scope: scope_key(scope),
            account: account.map(ToString::to_string).unwrap_or_default(),
            login,
            is_vouched: user.vouched.is_some(),
        }
    };
    users.iter().map(row).collect()
}

/// Tokens, as shown.
pub(crate) fn token_rows(f: &Frame, tokens: &[(String, Token)]) -> Vec<TokenRow> {
    let row = |(name, token): &(String, Token)| {
        let (scope, account) = scope_parts(&token.scope);
        TokenRow {
            name: name.clone(),
            scope: scope_key(scope),
            account: account.map(ToString::to_string).unwrap_or_default(),
            made: f.locale.wall(token.created_at),
        }
    };
    tokens.iter().map(row).collect()
}

/// A link that was just made.
pub(crate) fn new_link(window: &Window, f: &Frame, link: &UserLink) -> NewLink {
    let told = f.w.with("users.link_made", "name", &link.name);
    let told = told.replace("{until}", &f.locale.wall(link.until));
    let options = &window.web.options;
    let at = if options.at.is_empty() { &options.path } else { &options.at };
    NewLink { told, address: format!("{at}{}", welcome_path(link)) }
}
