//! API tokens: made, hashed, shown. The text is shown once and never kept.

use admin::kept::settings::{Scope, Token};
use admin::{Role, TokenWish, role_of};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Refusal, moment, read};

/// What a token, or a person, may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScopeWire {
    /// Everything, on all accounts.
    Operator,
    /// One account, with changes.
    Account,
    /// One account, reading only.
    ReadOnly,
}

/// A token, as it is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenInput {
    /// What to call it.
    #[schema(example = "crm")]
    pub name: String,
    /// What it may do; `operator` if absent and no account is given, else `account`.
    #[serde(default)]
    pub scope: Option<ScopeWire>,
    /// The account, for the scopes `account` and `read-only`.
    #[serde(default)]
    pub account: Option<String>,
}

/// A token for one account, as it is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountTokenInput {
    /// What to call it.
    #[schema(example = "crm")]
    pub name: String,
    /// What it may do: `account` if absent, or `read-only`.
    #[serde(default)]
    pub scope: Option<ScopeWire>,
}

/// A token, as it is shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenView {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scope: ScopeWire,
    /// The account, if it is for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// When it was made.
    pub created_at: String,
}

/// A token that was just made.
#[derive(Serialize, ToSchema)]
pub struct MadeToken {
    /// The token itself: shown now and never again.
    #[schema(example = "rb_2Vq…")]
    pub token: String,
    /// The rest.
    #[serde(flatten)]
    pub about: TokenView,
}

impl From<ScopeWire> for Role {
    fn from(wire: ScopeWire) -> Self {
        match wire {
            ScopeWire::Operator => Self::Operator,
            ScopeWire::Account => Self::Account,
            ScopeWire::ReadOnly => Self::ReadOnly,
        }
    }
}

/// Reads what token is wanted.
pub fn token_from_json(json: &[u8]) -> Result<TokenWish, Refusal> {
    let input: TokenInput = read(json)?;
    Ok(TokenWish { name: input.name, role: input.scope.map(Role::from), account: input.account })
}

/// Reads what token of an account is wanted.
pub fn account_token_from_json(json: &[u8]) -> Result<(String, Role), Refusal> {
    let input: AccountTokenInput = read(json)?;
    Ok((input.name, input.scope.map_or(Role::Account, Role::from)))
}

/// Takes scope and account apart.
pub(crate) fn scope_parts(scope: &Scope) -> (ScopeWire, Option<&calls::AccountId>) {
    let (role, account) = role_of(scope);
    let wire = match role {
        Role::Operator => ScopeWire::Operator,
        Role::Account => ScopeWire::Account,
        Role::ReadOnly => ScopeWire::ReadOnly,
    };
    (wire, account)
}

/// Shows a token.
pub fn token_to_json(name: &str, token: &Token) -> TokenView {
    let (scope, account) = scope_parts(&token.scope);
    TokenView {
        name: name.to_owned(),
        scope,
        account: account.map(|account| account.as_str().to_owned()),
        created_at: moment(token.created_at),
    }
}
