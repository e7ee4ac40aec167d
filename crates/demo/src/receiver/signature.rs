//! Verifies what was signed, by the Standard Webhooks specification.
//!
//! Written from the specification and on purpose not with the code that signs: a receiver that shares the
//! sender's mistakes would find every signature good.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use http::{HeaderMap, Method, Uri};
use jiff::Timestamp;
use sha2::Sha256;

/// How far the sender's clock and ours may differ.
const TOLERANCE_S: u64 = 300;

/// What a signature is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// No secret was given, so nothing was checked.
    Unchecked,
    /// Made with the secret, lately.
    Good,
    /// There is none.
    Missing,
    /// The timestamp is missing, or too far from now.
    Stale,
    /// Not made with the secret over what arrived.
    Wrong,
}

impl Signature {
    /// In a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unchecked => "unchecked",
            Self::Good => "good",
            Self::Missing => "missing",
            Self::Stale => "stale",
            Self::Wrong => "wrong",
        }
    }
}

/// A receiver's secret.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

/// The text is no secret.
#[derive(Debug, thiserror::Error)]
#[error(
    "a signing secret is `whsec_` followed by base64 of 24 to 64 bytes; copy it whole from the account's integration"
)]
pub struct NoSecret;

impl Secret {
    /// Reads `whsec_` and base64; the prefix may be left out, as in the specification's own libraries.
    pub fn read(text: &str) -> Result<Self, NoSecret> {
        let text = text.trim();
        let encoded = text.strip_prefix("whsec_").unwrap_or(text);
        let bytes = STANDARD.decode(encoded).map_err(|_| NoSecret)?;
        if (24..=64).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(NoSecret) }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What was sent, as far as it is signed.
pub(super) struct Signed<'a> {
    pub(super) method: &'a Method,
    pub(super) target: &'a Uri,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
}

impl Signed<'_> {
    /// Good if any of the secrets made any of the signatures: a secret may be in rotation.
    pub(super) fn verify(&self, secrets: &[Secret], now: Timestamp) -> Signature {
        let header = |name| self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (id, time, signatures) =
            (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
        if secrets.is_empty() {
            return Signature::Unchecked;
        }
        if signatures.is_empty() {
            return Signature::Missing;
        }
        if time.parse::<i64>().is_ok_and(|time| now.as_second().abs_diff(time) <= TOLERANCE_S) {
            let good = secrets.iter().any(|secret| self.made_by(secret, id, time, signatures));
            if good { Signature::Good } else { Signature::Wrong }
        } else {
            Signature::Stale
        }
    }

    fn made_by(&self, secret: &Secret, id: &str, time: &str, signatures: &str) -> bool {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&secret.0) else { return false };
        mac.update(format!("{id}.{time}.").as_bytes());
        // A GET has no body; the request target takes its place.
        if self.method == Method::GET {
            mac.update(self.target.path_and_query().map_or("", |target| target.as_str()).as_bytes());
        } else {
            mac.update(self.body);
        }
        let given = signatures.split(' ').filter_map(|one| one.strip_prefix("v1,"));
        given.filter_map(|one| STANDARD.decode(one).ok()).any(|one| mac.clone().verify_slice(&one).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const TIME_S: i64 = 1_614_265_330;

    fn verify(body: &str, signatures: &str, now_s: i64) -> Signature {
        verify_request(Method::POST, "/", body, signatures, now_s)
    }

    fn verify_request(method: Method, target: &str, body: &str, signatures: &str, now_s: i64) -> Signature {
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek".parse().expect("a header"));
        headers.insert("webhook-timestamp", TIME_S.into());
        headers.insert("webhook-signature", signatures.parse().expect("a header"));
        let target = target.parse().expect("a target");
        let signed = Signed { method: &method, target: &target, headers: &headers, body: body.as_bytes() };
        let secrets = [Secret::read(SECRET).expect("a secret")];
        signed.verify(&secrets, Timestamp::from_second(now_s).expect("a time"))
    }

    #[test]
    fn the_example_of_the_specifications_own_libraries_is_good() {
        let (body, good) = (r#"{"test": 2432232314}"#, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(verify(body, good, TIME_S), Signature::Good);
        assert_eq!(verify(body, &format!("v1,AAAA {good}"), TIME_S + 300), Signature::Good);
        assert_eq!(verify(body, good, TIME_S + 301), Signature::Stale);
        assert_eq!(verify(r#"{"test": 2432232315}"#, good, TIME_S), Signature::Wrong);
        assert_eq!(verify(body, "v2,g0hM9SsE", TIME_S), Signature::Wrong);
        assert_eq!(verify(body, "", TIME_S), Signature::Missing);
    }

    #[test]
    fn of_a_get_the_request_target_is_signed() {
        let (target, good) = ("/hook?a=1&ANumber=%2B45", "v1,tZkENO+0m8BekoPU7dhOR8aQgRDBsaQWHwJvci3YZdE=");
        assert_eq!(verify_request(Method::GET, target, "", good, TIME_S), Signature::Good);
        assert_eq!(
            verify_request(Method::GET, "/hook?a=1&ANumber=%2B46", "", good, TIME_S),
            Signature::Wrong
        );
        assert_eq!(verify_request(Method::POST, target, "", good, TIME_S), Signature::Wrong);
    }

    #[test]
    fn a_secret_that_is_none_is_refused() {
        for text in ["", "whsec_", "whsec_AAAA", "whsec_not base64!"] {
            assert!(Secret::read(text).is_err(), "{text}");
        }
        assert_eq!(format!("{:?}", Secret::read(SECRET)), "Ok(Secret(…))");
    }
}
