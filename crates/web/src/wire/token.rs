//! API tokens: made, hashed, shown. The text is shown once and never kept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use calls::AccountId;
use journal::WallTime;
use journal::settings::{Scope, Token};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{Refusal, moment, names, read};

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

/// The text of a new token: 32 random bytes.
pub fn new_token_text() -> Result<String, Refusal> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| Refusal::new("", format!("the system gives no random bytes: {error}")))?;
    Ok(format!("rb_{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// What is kept of a token.
pub fn token_hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Makes a token: its text, and what is kept of it.
pub fn make_token(scope: Scope, now: WallTime) -> Result<(String, Token), Refusal> {
    let text = new_token_text()?;
    let token = Token { sha256: token_hash(&text), scope, created_at: now };
    Ok((text, token))
}

/// Reads what token is wanted: its name and what it may do.
pub fn token_from_json(json: &[u8]) -> Result<(String, Scope), Refusal> {
    let input: TokenInput = read(json)?;
    let name = names::local_number("name", &input.name).map_err(|_| {
        Refusal::new("name", "a token's name is 1 to 32 letters, digits, dashes, dots or underscores")
    })?;
    Ok((name, scope("account", input.scope, input.account.as_deref())?))
}

/// Puts scope and account together.
pub(crate) fn scope(field: &str, scope: Option<ScopeWire>, account: Option<&str>) -> Result<Scope, Refusal> {
    let wanted = scope.unwrap_or(if account.is_some() { ScopeWire::Account } else { ScopeWire::Operator });
    match (wanted, account) {
        (ScopeWire::Operator, None) => Ok(Scope::Everything),
        (ScopeWire::Operator, Some(_)) => Err(Refusal::new(
            field,
            "an operator is not for one account: leave `account` out, or choose another scope",
        )),
        (ScopeWire::Account, Some(account)) => Ok(Scope::Account(names::account_id(account)?)),
        (ScopeWire::ReadOnly, Some(account)) => Ok(Scope::ReadAccount(names::account_id(account)?)),
        (ScopeWire::Account | ScopeWire::ReadOnly, None) => {
            Err(Refusal::new(field, "this scope needs the account it is for"))
        }
    }
}

/// Takes scope and account apart.
pub(crate) fn scope_parts(scope: &Scope) -> (ScopeWire, Option<&AccountId>) {
    match scope {
        Scope::Everything => (ScopeWire::Operator, None),
        Scope::Account(account) => (ScopeWire::Account, Some(account)),
        Scope::ReadAccount(account) => (ScopeWire::ReadOnly, Some(account)),
    }
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
