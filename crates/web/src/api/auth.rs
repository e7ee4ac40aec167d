//! Who asks, and what they may.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use calls::AccountId;
use journal::AccountSettings;
use journal::settings::Scope;
use subtle::ConstantTimeEq;

use super::ApiError;
use crate::wire::token_hash;
use crate::{Web, audit};

/// The token a request came with.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The token's name.
    pub(crate) name: String,
    pub(crate) scope: Scope,
}

impl FromRequestParts<Arc<Web>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, ApiError> {
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
        });
        let hash = token_hash(token.ok_or_else(ApiError::unauthorized)?);
        let mut found = web.cache.token_by_hash(&hash);
        if found.is_none() && web.cache.refresh().await.is_ok() {
            // Made a moment ago by the command line; somebody else may have taken the news in meanwhile.
            found = web.cache.token_by_hash(&hash);
        }
        let (name, token) = found.ok_or_else(ApiError::unauthorized)?;
        if !bool::from(token.sha256.ct_eq(&hash)) {
            return Err(ApiError::unauthorized());
        }
        Ok(Self { name, scope: token.scope })
    }
}

impl Caller {
    /// Notes in the audit log what was done.
    pub(crate) async fn note(&self, web: &Web, what: &'static str, account: &str, detail: &str) {
        audit::note_by_token(&web.cache, &self.name, what, account, detail).await;
    }

    /// Whether anything of an account may be seen.
    pub(crate) fn sees(&self, account: &AccountId) -> bool {
        match &self.scope {
            Scope::Everything => true,
            Scope::Account(own) | Scope::ReadAccount(own) => own == account,
        }
    }

    /// Whether an account may be changed.
    pub(crate) fn may_change(&self, account: &AccountId) -> bool {
        match &self.scope {
            Scope::Everything => true,
            Scope::Account(own) => own == account,
            Scope::ReadAccount(_) => false,
        }
    }

    /// The account to read, if it is there and the caller's.
    pub(crate) fn reads(&self, web: &Web, account: &str) -> Result<Arc<AccountSettings>, ApiError> {
        let id = AccountId::new(account);
        let found = if self.sees(&id) { web.cache.account(&id) } else { None };
        found.ok_or_else(|| ApiError::not_found("account"))
    }

    /// The account to change, if it is there, the caller's, and the caller may.
    pub(crate) fn changes(&self, web: &Web, account: &str) -> Result<Arc<AccountSettings>, ApiError> {
        let found = self.reads(web, account)?;
        if self.may_change(&found.id) {
            return Ok(found);
        }
        Err(ApiError::forbidden("this token may read, not change"))
    }

    /// Only operators go on.
    pub(crate) fn operates(&self) -> Result<(), ApiError> {
        match self.scope {
            Scope::Everything => Ok(()),
            Scope::Account(_) | Scope::ReadAccount(_) => {
                Err(ApiError::forbidden("this is for tokens of the scope operator"))
            }
        }
    }
}
