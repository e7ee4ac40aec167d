//! The shapes on the wire: what API, window and command line all read and write in the same way.
//!
//! Each module has a struct that is read (`…Input`), one that is written (`…View`), and the conversions
//! to and from what is kept. A value that cannot be is refused with the field's name and a sentence.

mod account;
mod integration;
mod read;
mod reason;
mod token;
mod user;

pub use account::{
    AccountInput, AccountView, AlertWire, EmployeeInput, EmployeeView, KeepWire, PhoneInput, PhoneView,
    RecentView, account_from_json, account_listed_to_json, account_to_json, employee_from_json,
    employee_to_json, phone_from_json, phone_to_json,
};
pub use admin::{Refusal, token_hash};
pub use integration::{
    BodyFormatWire, CredentialsInput, CredentialsView, ExtrasWire, IntegrationInput, IntegrationView,
    MethodWire, NamesWire, PauseView, RetryWire, TimeFormatWire, integration_from_json, integration_to_json,
};
pub use read::read;
pub use reason::ReasonView;
pub(crate) use token::scope_parts;
pub use token::{
    AccountTokenInput, MadeToken, ScopeWire, TokenInput, TokenView, account_token_from_json, token_from_json,
    token_to_json,
};
pub use user::{
    InvitedView, LinkView, LoginWire, UserInput, UserView, link_to_json, user_from_json, user_to_json,
};

use admin::kept::WallTime;

/// A moment of our own clock as RFC 3339 in UTC.
pub fn moment(at: WallTime) -> String {
    micros(at.0)
}

/// Microseconds since the epoch as RFC 3339 in UTC.
pub fn micros(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| String::new(), |at| at.to_string())
}
