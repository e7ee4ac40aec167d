//! The cookie by which a browser that comes back is known as the one that was sent.

use ::oidc::ATTEMPT_LIFE_SECS;
use axum::http::HeaderMap;

use super::super::browser::cookie;
use crate::Options;

/// Its name.
const BROWSER: &str = "ringbud_login";
/// 32 random bytes as text.
const CHARS: usize = 43;

/// What a browser holds, if it is of ours. Kept for as long as it begins logins, so that two tabs may.
pub(super) fn read(headers: &HeaderMap) -> Option<&str> {
    let held = cookie(headers, BROWSER)?;
    let ours = held.len() == CHARS && held.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    ours.then_some(held)
}

/// `Lax`, because the provider's page leads back here: that is a visit from another site.
pub(super) fn write(browser: &str, options: &Options) -> String {
    let (base, secure) = (&options.path, if options.secure { "; Secure" } else { "" });
    format!(
        "{BROWSER}={browser}; Path={base}/login/oidc; Max-Age={ATTEMPT_LIFE_SECS}; HttpOnly; SameSite=Lax{secure}"
    )
}
