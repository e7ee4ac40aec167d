//! What pages say of the provider: that one can log in through it, and what it is called.

use super::super::Window;

/// A way to log in that the login page offers.
pub(in crate::window) struct Through {
    /// What people call the provider.
    pub(in crate::window) label: String,
    /// Where it begins, without the sub-path.
    pub(in crate::window) path: String,
}

/// The way through the provider, if there is one, and back to a page.
pub(in crate::window) fn through(window: &Window, next: &str) -> Option<Through> {
    let provider = window.web.provider.as_ref()?;
    let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
    Some(Through { label: provider.label().to_owned(), path: format!("/login/oidc?next={next}") })
}

/// Where one logs out of the provider too, for the page after a logout.
pub(in crate::window) fn leave_there(window: &Window) -> Option<String> {
    Some(window.web.provider.as_ref()?.logout_url()?.into())
}

/// What to call the provider a user comes through: one that is no longer ours by its own name.
pub(in crate::window) fn label(window: &Window, key: &str) -> String {
    let vouched = window.web.admin.person(key).and_then(|user| user.vouched);
    let issuer = vouched.map(|vouched| vouched.issuer).unwrap_or_default();
    let ours = window.web.provider.as_ref().filter(|provider| provider.issuer() == issuer);
    ours.map_or(issuer, |provider| provider.label().to_owned())
}
