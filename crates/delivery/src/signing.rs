//! Signatures by the Standard Webhooks specification, made and checked.
//!
//! Pure. What is signed is `id.timestamp.content`; the content is the body of a `POST` and the request
//! target (path and query, exactly as on the request line) of a `GET`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// The prefix of a secret.
const PREFIX: &str = "whsec_";

/// How old a signed request may be for a receiver to take it, in seconds, both ways.
pub const TOLERANCE_SECS: i64 = 300;

/// A signing secret is not usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadSecret {
    /// Not base64.
    NotBase64,
    /// Too short or too long.
    Length(usize),
}

/// A request does not prove who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotVerified {
    /// No signature matches.
    #[error("no signature matches: wrong secret, or the request was changed on its way")]
    NoMatch,
    /// The timestamp is no number.
    #[error("webhook-timestamp is not a number")]
    BadTimestamp,
    /// Too old, or from the future.
    #[error("webhook-timestamp is more than {TOLERANCE_SECS} s from now")]
    TooFarFromNow,
}

/// The key in a secret, ready to sign.
#[derive(Clone)]
pub struct Key {
    mac: Hmac<Sha256>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// Reads `whsec_…`; the prefix may be left out, as in the specification's own libraries.
    pub fn parse(secret: &str) -> Result<Self, BadSecret> {
        let text = secret.trim();
        let bytes =
            STANDARD.decode(text.strip_prefix(PREFIX).unwrap_or(text)).map_err(|_| BadSecret::NotBase64)?;
        if !(24..=64).contains(&bytes.len()) {
            return Err(BadSecret::Length(bytes.len()));
        }
        let mac = Hmac::new_from_slice(&bytes).map_err(|_| BadSecret::Length(bytes.len()))?;
        Ok(Self { mac })
    }

    fn raw(&self, id: &str, timestamp: &str, content: &[u8]) -> [u8; 32] {
        let mut mac = self.mac.clone();
        mac.update(id.as_bytes());
        mac.update(b".");
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(content);
        mac.finalize().into_bytes().into()
    }

    /// Appends one signature, `v1,…`, with a blank before it if it is not the first.
    pub fn sign_into(&self, out: &mut String, id: &str, timestamp: &str, content: &[u8]) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str("v1,");
        STANDARD.encode_string(self.raw(id, timestamp, content), out);
    }
}

/// Writes a secret for fresh random bytes.
pub fn secret_of(bytes: &[u8; 32]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(bytes))
}

/// The value of `webhook-signature`: one signature a key, separated by blanks.
pub fn sign(keys: &[Key], id: &str, timestamp: &str, content: &[u8]) -> String {
    let mut out = String::with_capacity(keys.len() * 48);
    for key in keys {
        key.sign_into(&mut out, id, timestamp, content);
    }
    out
}

/// Checks a request as a receiver does: any of the signatures by any of the keys, and a timestamp near
/// now (seconds since the epoch).
pub fn verify(
    keys: &[Key],
    id: &str,
    timestamp: &str,
    signatures: &str,
    content: &[u8],
    now_secs: i64,
) -> Result<(), NotVerified> {
    let at: i64 = timestamp.parse().map_err(|_| NotVerified::BadTimestamp)?;
    if now_secs.abs_diff(at) > TOLERANCE_SECS.unsigned_abs() {
        return Err(NotVerified::TooFarFromNow);
    }
    let matches = signatures.split(' ').filter_map(|one| one.strip_prefix("v1,")).any(|one| {
        STANDARD.decode(one).is_ok_and(|given| {
            keys.iter().any(|key| key.raw(id, timestamp, content).as_slice().ct_eq(&given).into())
        })
    });
    if matches { Ok(()) } else { Err(NotVerified::NoMatch) }
}
