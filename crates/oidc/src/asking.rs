//! The one way questions to the provider go.

use delivery::connect::{FetchError, Fetcher};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use url::Url;

use crate::Issuer;

/// A question could not be asked, or has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("{url} is not encrypted, and the provider itself is")]
    NotEncrypted { url: String },
}

/// The way to the provider: past the guard, and encrypted where the provider is.
pub(crate) struct Guarded<'p> {
    pub(crate) fetcher: &'p Fetcher,
    pub(crate) issuer: &'p Issuer,
}

type Asking<'c> = std::pin::Pin<Box<dyn Future<Output = Result<HttpResponse, AskError>> + Send + 'c>>;

impl<'c> AsyncHttpClient<'c> for Guarded<'_> {
    type Error = AskError;
    type Future = Asking<'c>;

    fn call(&'c self, request: HttpRequest) -> Asking<'c> {
        Box::pin(async move {
            let url = request.uri().to_string();
            let fine = Url::parse(&url).is_ok_and(|url| self.issuer.vouches_for(&url));
            if !fine {
                return Err(AskError::NotEncrypted { url });
            }
            Ok(self.fetcher.fetch(request).await?)
        })
    }
}

#[cfg(test)]
mod tests {
    use delivery::connect::{ConnectorOptions, FetchOptions};

    use super::*;
    use crate::{ANSWER_MAX, PATIENCE};

    #[tokio::test]
    async fn an_encrypted_provider_is_asked_nothing_in_the_open() {
        let options = FetchOptions {
            connector: ConnectorOptions::default(),
            ca_pem: None,
            limit: PATIENCE,
            body_max: ANSWER_MAX,
        };
        let fetcher = Fetcher::new(options).expect("no CA is bad");
        let issuer = Issuer::parse("https://login.example.com").expect("an issuer");
        let guarded = Guarded { fetcher: &fetcher, issuer: &issuer };
        let request = http::Request::get("http://127.0.0.1:9/keys").body(Vec::new()).expect("a request");
        let refused = guarded.call(request).await.expect_err("it is not asked");
        assert!(matches!(refused, AskError::NotEncrypted { .. }), "{refused}");
    }
}
