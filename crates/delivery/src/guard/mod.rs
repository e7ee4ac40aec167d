//! Where a request may go.
//!
//! Two checks: of a URL's form, as one types ([`WebhookUrl`]), and of every address at the moment it is
//! connected to ([`Guard`]), for names and literals alike, so that a name that answers differently the
//! second time gains nothing. Pure: resolving and connecting are left to `connect`.

mod address;
mod check;
mod url;

pub use address::{Guard, Refused, Why};
pub use url::{Origin, URL_MAX, UrlProblem, WebhookUrl};
