//! The provider: sending a browser there, and judging what it comes back with.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use delivery::connect::Fetcher;
use journal::WallTime;
use journal::settings::{Scope, Secret};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdToken, CoreJwsSigningAlgorithm,
};
use openidconnect::{
    AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, LogoutRequest, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    PostLogoutRedirectUrl, RedirectUrl, SignatureVerificationError, TokenResponse as _,
};
use serde_json::Value;
use tokio::sync::Semaphore;
use url::Url;

use crate::asking::Guarded;
use crate::attempts::Attempts;
use crate::known::{Found, Known};
use crate::{Attempt, Issuer, Refusal, Roles, claims};

/// How long one question to the provider may take, from the look-up of its name to the end of its answer.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer taken from it, in bytes.
pub const ANSWER_MAX: usize = 512 * 1_024;
/// So many codes are asked about at once.
pub const AT_ONCE: usize = 64;
/// How far the provider's clock may be ahead of ours.
const AHEAD: TimeDelta = TimeDelta::minutes(5);
/// The longest subject, as the specification has it.
const SUBJECT_MAX: usize = 255;

/// What a token may be signed with: by a key only the provider has.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// How people log in through a provider.
pub struct Settings {
    /// The provider.
    pub issuer: Issuer,
    /// What it calls us.
    pub client_id: String,
    /// What we prove ourselves with; `None` for a public client.
    pub client_secret: Option<Secret>,
    /// What is asked for besides `openid`.
    pub scopes: Vec<String>,
    /// What people call it: on the button, in the audit log.
    pub label: String,
    /// Where it sends people back to, as it was registered there.
    pub redirect: Url,
    /// Where it sends people who logged out there.
    pub after_logout: Url,
    /// Who may do what.
    pub roles: Roles,
}

/// A provider people can log in through.
pub struct Provider {
    settings: Settings,
    fetcher: Fetcher,
    known: Known,
    attempts: Mutex<Attempts>,
    turns: Semaphore,
}

/// What nobody can guess, made for one login: each at least 43 letters, digits, dashes or underscores.
pub struct Chances {
    /// Comes back with the person.
    pub state: String,
    /// Comes back in the ID token.
    pub nonce: String,
    /// Shown when the code is redeemed (PKCE).
    pub verifier: String,
}

/// What a browser comes back with.
#[derive(Clone, Debug, Default)]
pub struct Back {
    /// To be redeemed; empty for none.
    pub code: String,
    /// Why there is no code, in one word; empty for none.
    pub error: String,
    /// Who says so, where the provider says that; empty for nobody.
    pub issuer: String,
}

/// Somebody the provider vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The provider.
    pub issuer: String,
    /// What it calls them, for ever.
    pub subject: String,
    /// What people call them today.
    pub name: String,
    /// What they may do here; `None` if nobody said.
    pub scope: Option<Scope>,
}

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

impl Provider {
    /// A provider, not asked anything yet.
    pub fn new(settings: Settings, fetcher: Fetcher) -> Self {
        Self {
            settings,
            fetcher,
            known: Known::default(),
            attempts: Mutex::default(),
            turns: Semaphore::new(AT_ONCE),
        }
    }

    /// What people call it.
    pub fn label(&self) -> &str {
        &self.settings.label
    }

    /// Its own name.
    pub fn issuer(&self) -> &str {
        self.settings.issuer.as_str()
    }

    /// Asks it who it is, unless that is known; for looking before anybody wants to log in.
    ///
    /// # Errors
    /// Why nobody could log in through it now.
    pub async fn look(&self, now: WallTime) -> Result<(), Refusal> {
        self.found(now).await.map(drop)
    }

    /// Begins a login of a browser that holds `browser` and wants to `next` afterwards: where it is sent.
    ///
    /// # Errors
    /// When the provider cannot be asked who it is.
    pub async fn begin(
        &self,
        browser: &str,
        next: &str,
        chances: Chances,
        now: WallTime,
    ) -> Result<Url, Refusal> {
        let found = self.found(now).await?;
        let nonce = Nonce::new(chances.nonce);
        let verifier = PkceCodeVerifier::new(chances.verifier);
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        let state = CsrfToken::new(chances.state);
        let client = self.client(&found);
        let (state_kept, nonce_kept) = (state.clone(), nonce.clone());
        let scopes = self.settings.scopes.iter().cloned().map(openidconnect::Scope::new);
        let asked = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, move || state, move || nonce)
            .add_scopes(scopes)
            .set_pkce_challenge(challenge);
        let (url, ..) = asked.url();
        self.attempts().begin(state_kept.secret(), browser, next, (nonce_kept, verifier), now);
        Ok(url)
    }

    /// The login that a browser comes back from, by the `state` it brings; never a second time.
    ///
    /// # Errors
    /// When there is none, of this browser and not too old.
    pub fn take(&self, state: &str, browser: &str, now: WallTime) -> Result<Attempt, Refusal> {
        self.attempts().take(state, browser, now).ok_or(Refusal::Stale)
    }

    /// Who it is that comes back.
    ///
    /// # Errors
    /// Why that cannot be said.
    pub async fn redeem(&self, attempt: Attempt, back: Back, now: WallTime) -> Result<Person, Refusal> {
        if !back.issuer.is_empty() && back.issuer != self.issuer() {
            return Err(Refusal::untrusted("another provider has sent the person back"));
        }
        if !back.error.is_empty() {
            return Err(Refusal::Denied(crate::refusal::plain(&back.error)));
        }
        if back.code.is_empty() {
            return Err(Refusal::untrusted("there is neither a code nor an error"));
        }
        let _turn = self.turns.try_acquire().map_err(|_| Refusal::Busy)?;
        let found = self.found(now).await?;
        let client = self.client(&found);
        let asked = client.exchange_code(AuthorizationCode::new(back.code));
        let asked = asked.map_err(|error| Refusal::untrusted(error.to_string()))?;
        let answer = asked.set_pkce_verifier(attempt.verifier).request_async(&self.http()).await?;
        let token = answer.id_token().ok_or_else(|| Refusal::untrusted("there is no ID token in it"))?;
        match self.verify(&client, token, &attempt.nonce, now) {
            Err(error) if may_be_a_new_key(&error) => {
                let newer = self.known.newer(&self.http(), &found, now).await?;
                self.verify(&self.client(&newer), token, &attempt.nonce, now)?;
            }
            verified => verified?,
        }
        self.person(token)
    }

    /// Where one logs out of the provider too, if it is known to have such a place.
    pub fn logout_url(&self) -> Option<Url> {
        let found = self.known.seen()?;
        let request = LogoutRequest::from(found.end_session()?.clone())
            .set_client_id(ClientId::new(self.settings.client_id.clone()))
            .set_post_logout_redirect_uri(PostLogoutRedirectUrl::from_url(
                self.settings.after_logout.clone(),
            ));
        Some(request.http_get_url())
    }

    /// Signature, issuer, audience, expiry, nonce.
    fn verify(
        &self,
        client: &Client,
        token: &CoreIdToken,
        nonce: &Nonce,
        now: WallTime,
    ) -> Result<(), ClaimsVerificationError> {
        let now = DateTime::<Utc>::from_timestamp_micros(now.0).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(move || now)
            .set_issue_time_verifier_fn(move |issued| {
                if issued <= now + AHEAD {
                    Ok(())
                } else {
                    Err("it is of tomorrow: compare the clocks".to_owned())
                }
            });
        let claims = token.claims(&verifier, nonce)?;
        match claims.authorized_party() {
            Some(party) if party.as_str() != self.settings.client_id => Err(
                ClaimsVerificationError::InvalidAudience("it was made for another client (azp)".to_owned()),
            ),
            Some(_) | None => Ok(()),
        }
    }

    /// What a token that was found good says of the person.
    fn person(&self, token: &CoreIdToken) -> Result<Person, Refusal> {
        let text = token.to_string();
        let body = text.split('.').nth(1).and_then(|body| URL_SAFE_NO_PAD.decode(body).ok());
        let said: Option<Value> = body.and_then(|body| serde_json::from_slice(&body).ok());
        let said = said.ok_or_else(|| Refusal::untrusted("its ID token has no claims"))?;
        let subject = said.get("sub").and_then(Value::as_str).unwrap_or_default();
        if subject.is_empty() || subject.len() > SUBJECT_MAX || subject.chars().any(char::is_control) {
            return Err(Refusal::untrusted("its ID token does not name anybody (sub)"));
        }
        Ok(Person {
            issuer: self.issuer().to_owned(),
            subject: subject.to_owned(),
            name: claims::name(&said),
            scope: self.settings.roles.scope(&said),
        })
    }

    fn client(&self, found: &Found) -> Client {
        let Settings { client_id, client_secret, redirect, .. } = &self.settings;
        let secret = client_secret.as_ref().map(|secret| ClientSecret::new(secret.expose().to_owned()));
        let id = ClientId::new(client_id.clone());
        CoreClient::from_provider_metadata(found.metadata.clone(), id, secret)
            .set_auth_type(auth_type(found))
            .set_redirect_uri(RedirectUrl::from_url(redirect.clone()))
    }

    async fn found(&self, now: WallTime) -> Result<Arc<Found>, Refusal> {
        self.known.look(&self.http(), &self.settings.issuer, now).await
    }

    /// Every question to the provider goes this way.
    fn http(&self) -> Guarded<'_> {
        Guarded { fetcher: &self.fetcher, issuer: &self.settings.issuer }
    }

    fn attempts(&self) -> std::sync::MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How the provider wants us to prove ourselves: by header where it can be chosen.
fn auth_type(found: &Found) -> AuthType {
    let methods = found.metadata.token_endpoint_auth_methods_supported();
    let takes = |method| methods.is_none_or(|all| all.contains(&method));
    if !takes(CoreClientAuthMethod::ClientSecretBasic) && takes(CoreClientAuthMethod::ClientSecretPost) {
        AuthType::RequestBody
    } else {
        AuthType::BasicAuth
    }
}

/// Whether the provider may have changed its keys since it was asked for them.
fn may_be_a_new_key(error: &ClaimsVerificationError) -> bool {
    use SignatureVerificationError::{CryptoError, NoMatchingKey};
    matches!(error, ClaimsVerificationError::SignatureVerification(NoMatchingKey | CryptoError(_)))
}
