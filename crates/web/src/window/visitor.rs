//! Who looks at a page, and what they may see and do.

use std::net::IpAddr;
use std::sync::Arc;

use admin::Actor;
use admin::kept::AccountSettings;
use admin::kept::settings::Scope;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use calls::AccountId;
use subtle::ConstantTimeEq;

use super::browser::{SESSION, Taste, cookie};
use super::oidc::{opened_with, shown};
use super::{Fail, Window, mask};
use crate::peer::Origin;
use crate::{Known, clock};

/// The header of what a page asks by itself, while nobody need be there.
pub(crate) const BY_ITSELF: &str = "x-ringbud-live";

/// A person who is logged in.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    /// Their name among the users.
    pub(crate) key: String,
    /// What stands in the audit log.
    pub(crate) name: String,
    /// What they are shown as.
    pub(crate) shown: String,
    /// Whether they come through a provider: then they have no password here.
    pub(crate) vouched: bool,
    pub(crate) scope: Scope,
    /// From where, as far as it is known.
    pub(crate) from: Option<IpAddr>,
    pub(crate) csrf: String,
    pub(crate) taste: Taste,
}

/// A form, sent by a person who is logged in, from one of our own pages.
pub(crate) struct Posted {
    pub(crate) visitor: Visitor,
    pub(crate) fields: Fields,
}

/// The fields of a form.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(pub(crate) Vec<(String, String)>);

impl Fields {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// The first of a name; empty if there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// As it was typed.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// All of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether there is one.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }
}

impl FromRequestParts<Arc<Window>> for Visitor {
    type Rejection = Fail;

    async fn from_request_parts(parts: &mut Parts, window: &Arc<Window>) -> Result<Self, Fail> {
        let mut taste = Taste::of(parts);
        if parts.method != axum::http::Method::GET {
            taste.here = back(&parts.headers, &window.web.options.path);
        }
        let enter = || Fail::Enter { taste: taste.clone() };
        let cookie = cookie(&parts.headers, SESSION).ok_or_else(enter)?;
        // So is a board: a browser connects it again and again, whether anybody looks or not.
        let by_itself = parts.headers.contains_key(BY_ITSELF) || taste.here.ends_with("/now/stream");
        let admin = &window.web.admin;
        let session = window.sessions.find(admin, cookie, clock::now(), by_itself).await.ok_or_else(enter)?;
        let user = admin.person(session.user()).ok_or_else(enter)?;
        if !session.was_opened_with(&opened_with(&user)) {
            return Err(enter());
        }
        let name = admin::logged_as(session.user(), &user);
        let shown = shown(session.user(), &user).to_owned();
        let vouched = user.vouched.is_some();
        Known::note(parts);
        let (key, csrf, from) = (session.user().to_owned(), session.csrf().to_owned(), Origin::of(parts).0);
        Ok(Self { key, name, shown, vouched, scope: user.scope, from, csrf, taste })
    }
}

impl FromRequest<Arc<Window>> for Posted {
    type Rejection = Fail;

    async fn from_request(request: Request, window: &Arc<Window>) -> Result<Self, Fail> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, window).await?;
        let request = Request::from_parts(parts, body);
        let bytes = Bytes::from_request(request, window).await.map_err(|_| Fail::TooLarge)?;
        let fields = Fields::read(&bytes);
        let token = mask::unmasked(fields.get("_csrf"));
        if !bool::from(token.as_slice().ct_eq(visitor.csrf.as_bytes())) {
            return Err(Fail::Stale);
        }
        Ok(Self { visitor, fields })
    }
}

/// The page a form was sent from, as the browser tells it: where to go back to after a login.
fn back(headers: &HeaderMap, base: &str) -> String {
    let from = headers.get(header::REFERER).and_then(|value| value.to_str().ok());
    let from = from.and_then(|text| url::Url::parse(text).ok());
    let Some(from) = from else { return "/".to_owned() };
    let path = from.path().strip_prefix(base).unwrap_or("/");
    from.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"))
}

impl Visitor {
    /// As whom they do things.
    pub(crate) fn actor(&self) -> Actor {
        Actor::person(&*self.name, self.scope.clone()).at(self.from)
    }

    pub(crate) fn operates(&self) -> bool {
        self.actor().operates()
    }

    pub(crate) fn may_change(&self, account: &AccountId) -> bool {
        self.actor().may_change(account)
    }

    /// The account, if it is there and theirs.
    pub(crate) fn reads(&self, window: &Window, account: &str) -> Result<Arc<AccountSettings>, Fail> {
        Ok(window.web.admin.account(&self.actor(), account)?)
    }

    /// The account, if they may change it.
    pub(crate) fn changes(&self, window: &Window, account: &str) -> Result<Arc<AccountSettings>, Fail> {
        Ok(window.web.admin.account_to_change(&self.actor(), account)?)
    }

    /// Only operators go on; for others the place is not there.
    pub(crate) fn operator(&self) -> Result<(), Fail> {
        if self.operates() { Ok(()) } else { Err(Fail::Nowhere) }
    }
}
