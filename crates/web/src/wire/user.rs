//! People who log in, as the API has them.

use admin::kept::WallTime;
use admin::kept::settings::User;
use admin::{Role, UserLink};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::token::scope_parts;
use super::{Refusal, ScopeWire, moment, read};

/// What a person of an account is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserInput {
    /// What they may do: `account` or `read-only`.
    pub scope: ScopeWire,
}

/// How somebody logs in.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginWire {
    /// With a password of their own.
    Password,
    /// They have chosen none yet.
    None,
    /// Through a provider, which says what they may do.
    Provider,
}

/// A person, as they are shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserView {
    /// The name they log in with.
    pub name: String,
    /// What they may do.
    pub scope: ScopeWire,
    /// How they log in.
    pub login: LoginWire,
    /// Until when the one-time link is good that was made for them, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_until: Option<String>,
}

/// A one-time link.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkView {
    /// Path and query on this server: shown now and never again.
    #[schema(example = "/welcome?key=bWV0dGU.2Vq…")]
    pub path: String,
    /// Good until then, once.
    pub until: String,
}

/// A person who was just invited or changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitedView {
    /// With which they choose their password; absent if they have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkView>,
    /// The rest.
    #[serde(flatten)]
    pub about: UserView,
}

/// Reads what a person is to be.
pub fn user_from_json(json: &[u8]) -> Result<Role, Refusal> {
    Ok(read::<UserInput>(json)?.scope.into())
}

/// Shows a person.
pub fn user_to_json(name: &str, user: &User, link_until: Option<WallTime>) -> UserView {
    let login = match (&user.vouched, user.password_hash.is_empty()) {
        (Some(_), _) => LoginWire::Provider,
        (None, true) => LoginWire::None,
        (None, false) => LoginWire::Password,
    };
    let (scope, _) = scope_parts(&user.scope);
    UserView { name: name.to_owned(), scope, login, link_until: link_until.map(moment) }
}

/// Shows a link.
pub fn link_to_json(base: &str, link: &UserLink) -> LinkView {
    LinkView { path: format!("{base}{}", crate::welcome_path(link)), until: moment(link.until) }
}
