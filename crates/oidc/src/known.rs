//! What is known about the provider: asked for when it is first needed, asked again now and then, and asked
//! once more when a token is signed with a key nobody has seen. One question at a time, none in a hurry.

use std::sync::Arc;

use journal::WallTime;
use openidconnect::core::CoreJsonWebKeySet;
use openidconnect::{AsyncHttpClient, ProviderMetadataWithLogout};
use tokio::sync::Mutex;
use url::Url;

use crate::asking::AskError;
use crate::{Issuer, Refusal};

/// After so long the provider is asked anew who it is.
pub const FRESH_SECS: i64 = 3_600;
/// After a failure it is left in peace for so long.
pub const ASK_AGAIN_SECS: i64 = 5;
/// Its keys are asked for on account of unknown ones no more often.
pub const KEYS_EVERY_SECS: i64 = 30;

/// What the provider says of itself, keys included.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) metadata: ProviderMetadataWithLogout,
}

impl Found {
    /// Where one logs out there too, if it can be done from here.
    pub(crate) fn end_session(&self) -> Option<&openidconnect::EndSessionUrl> {
        self.metadata.additional_metadata().end_session_endpoint.as_ref()
    }
}

#[derive(Default)]
struct State {
    found: Option<(Arc<Found>, WallTime)>,
    failed: Option<(Refusal, WallTime)>,
    keys_asked_at: Option<WallTime>,
}

/// What is known.
#[derive(Default)]
pub(crate) struct Known(Mutex<State>);

impl Known {
    /// What is known, if that is fresh; else what the provider says now.
    pub(crate) async fn look<C>(
        &self,
        http: &C,
        issuer: &Issuer,
        now: WallTime,
    ) -> Result<Arc<Found>, Refusal>
    where
        C: for<'c> AsyncHttpClient<'c, Error = AskError>,
    {
        let mut state = self.0.lock().await;
        if let Some((found, at)) = &state.found
            && secs_between(*at, now) < FRESH_SECS
        {
            return Ok(found.clone());
        }
        if let Some((why, at)) = &state.failed
            && secs_between(*at, now) < ASK_AGAIN_SECS
        {
            return Err(why.clone());
        }
        match discover(http, issuer).await {
            Ok(found) => {
                let found = Arc::new(found);
                *state = State { found: Some((found.clone(), now)), ..State::default() };
                Ok(found)
            }
            Err(why) => {
                tracing::warn!(issuer = issuer.as_str(), %why, "logging in through the OpenID provider does not work");
                state.failed = Some((why.clone(), now));
                Err(why)
            }
        }
    }

    /// The same with newer keys, for a token whose key is not among those of `than`.
    pub(crate) async fn newer<C>(
        &self,
        http: &C,
        than: &Arc<Found>,
        now: WallTime,
    ) -> Result<Arc<Found>, Refusal>
    where
        C: for<'c> AsyncHttpClient<'c, Error = AskError>,
    {
        let mut state = self.0.lock().await;
        // Somebody else has asked meanwhile.
        if let Some((found, _)) = &state.found
            && !Arc::ptr_eq(found, than)
        {
            return Ok(found.clone());
        }
        if state.keys_asked_at.is_some_and(|at| secs_between(at, now) < KEYS_EVERY_SECS) {
            return Ok(than.clone());
        }
        state.keys_asked_at = Some(now);
        let keys = CoreJsonWebKeySet::fetch_async(than.metadata.jwks_uri(), http).await?;
        tracing::info!(keys = keys.keys().len(), "the OpenID provider has other keys");
        let found = Arc::new(Found { metadata: than.metadata.clone().set_jwks(keys) });
        let since = state.found.as_ref().map_or(now, |(_, at)| *at);
        state.found = Some((found.clone(), since));
        Ok(found)
    }

    /// What is known without asking or waiting.
    pub(crate) fn seen(&self) -> Option<Arc<Found>> {
        let state = self.0.try_lock().ok()?;
        state.found.as_ref().map(|(found, _)| found.clone())
    }
}

async fn discover<C>(http: &C, issuer: &Issuer) -> Result<Found, Refusal>
where
    C: for<'c> AsyncHttpClient<'c, Error = AskError>,
{
    let metadata = ProviderMetadataWithLogout::discover_async(issuer.url.clone(), http).await?;
    let found = Found { metadata };
    let token =
        found.metadata.token_endpoint().ok_or_else(|| Refusal::untrusted("it has no token endpoint"))?;
    let addresses = [found.metadata.authorization_endpoint().url(), token.url()];
    let end_session = found.end_session().map(|end| end.url());
    for address in addresses.into_iter().chain(end_session) {
        vouched(issuer, address)?;
    }
    Ok(found)
}

fn vouched(issuer: &Issuer, address: &Url) -> Result<(), Refusal> {
    if issuer.vouches_for(address) {
        return Ok(());
    }
    Err(Refusal::untrusted(format!("{address} is not encrypted, and the provider itself is")))
}

fn secs_between(at: WallTime, now: WallTime) -> i64 {
    now.0.saturating_sub(at.0) / 1_000_000
}
