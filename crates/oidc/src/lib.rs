//! Logging in through an OpenID provider: who somebody is there, and what they may do here.
//!
//! Owns the conversation with the provider: finding out about it when somebody first wants to log in,
//! sending browsers there, and judging what they come back with. Speaks the authorization code flow with
//! PKCE; every question to the provider goes past the address guard. Sessions, pages and what is kept of a
//! person are the window's. Time and randomness come in as arguments.

mod asking;
mod attempts;
mod claims;
mod issuer;
mod known;
mod provider;
mod refusal;
mod roles;
#[cfg(feature = "stage")]
pub mod stage;

pub use attempts::{ATTEMPT_LIFE_SECS, ATTEMPTS_MAX, Attempt};
pub use issuer::{BadIssuer, Issuer};
pub use known::{ASK_AGAIN_SECS, FRESH_SECS, KEYS_EVERY_SECS};
pub use provider::{ANSWER_MAX, AT_ONCE, Back, Chances, PATIENCE, Person, Provider, Settings};
pub use refusal::Refusal;
pub use roles::{Fits, Grants, Roles, Rule, Whose};
