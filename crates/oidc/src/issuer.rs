//! The provider's own name, which is also where it is found.

use std::net::IpAddr;

use delivery::guard::{UrlProblem, WebhookUrl};
use openidconnect::IssuerUrl;

/// An issuer that can be used.
#[derive(Clone, Debug)]
pub struct Issuer {
    pub(crate) url: IssuerUrl,
    pub(crate) encrypted: bool,
    host: String,
}

/// Why one cannot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadIssuer {
    /// Not a URL.
    #[error(transparent)]
    Url(#[from] UrlProblem),
    /// Not encrypted.
    #[error("it has to begin with https://; http:// is for a provider on this machine")]
    NotEncrypted,
    /// More than a name.
    #[error("an issuer has no ? and no #")]
    Query,
}

impl Issuer {
    /// Checks the text: exactly as the provider writes itself.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, BadIssuer> {
        let form = WebhookUrl::parse(text)?;
        if text.contains(['?', '#']) {
            return Err(BadIssuer::Query);
        }
        let host = form.origin().host.clone();
        let encrypted = form.origin().tls;
        let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if !encrypted && !here {
            return Err(BadIssuer::NotEncrypted);
        }
        let url = IssuerUrl::new(text.to_owned()).map_err(|error| UrlProblem::Form(error.to_string()))?;
        Ok(Self { url, encrypted, host })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// Its host: what to call a provider that has no better name.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether an address the provider gave may be used: as encrypted as the provider itself.
    pub(crate) fn vouches_for(&self, url: &url::Url) -> bool {
        url.scheme() == "https" || !self.encrypted && url.scheme() == "http"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_encrypted_or_on_this_machine() {
        for fine in ["https://login.example.com/realms/company", "http://localhost:8080/", "http://[::1]"] {
            assert_eq!(Issuer::parse(fine).unwrap().as_str(), fine);
        }
        for (bad, why) in [
            ("http://login.example.com", BadIssuer::NotEncrypted),
            ("http://localhost.example.com", BadIssuer::NotEncrypted),
            ("https://login.example.com?a=b", BadIssuer::Query),
            ("https://login.example.com/#a", BadIssuer::Query),
            ("login.example.com", BadIssuer::Url(UrlProblem::Scheme)),
            ("https://me:secret@login.example.com", BadIssuer::Url(UrlProblem::Credentials)),
        ] {
            assert_eq!(Issuer::parse(bad).unwrap_err(), why, "{bad}");
        }
    }

    #[test]
    fn an_encrypted_provider_gives_no_plain_addresses() {
        let of = |text: &str| url::Url::parse(text).unwrap();
        let issuer = Issuer::parse("https://login.example.com").unwrap();
        assert!(issuer.vouches_for(&of("https://elsewhere.example.com/auth")));
        assert!(!issuer.vouches_for(&of("http://login.example.com/auth")));
        assert!(!issuer.vouches_for(&of("javascript:alert(1)")));
        let own = Issuer::parse("http://127.0.0.1:1").unwrap();
        assert!(own.vouches_for(&of("http://127.0.0.1:1/auth")));
        assert!(!own.vouches_for(&of("javascript:alert(1)")));
    }
}
