//! Every command and every query about accounts, employees, phones, integrations, deliveries, tokens, users and
//! settings: one function each, for the API, the window and the command line alike.
//!
//! Each takes an [`Actor`] and plain values and does, in this order and once: whether the actor may, whether the
//! values can be, the limits, the version, and the entry in the audit log. What is refused is a [`Refusal`] of the
//! one table of [`Code`]s. The surfaces parse, call and render; JSON, forms and terminals are theirs.

mod accounts;
mod actor;
mod admin;
pub mod audit;
mod chance;
mod change;
mod clock;
mod codes;
mod day;
mod days;
mod deliveries;
mod doors;
mod gateway;
mod history;
mod integration;
mod language;
mod limits;
mod links;
mod lists;
mod names;
mod noted;
mod own;
mod people;
mod person;
mod refusal;
mod running;
mod services;
mod stream;
mod test_calls;
mod tokens;
mod users;
mod webhooks;

pub use accounts::AccountWish;
pub use actor::{Actor, Surface};
pub use admin::{Admin, Written};
pub use chance::random_text;
pub use change::Expect;
pub use codes::{Code, Family, table};
pub use day::Day;
pub use deliveries::delivery_name;
pub use delivery::sender::{Hour, WebhookStatus};
pub use doors::{Admission, KeptSession, UserLink, VouchedPerson, logged_as};
pub use gateway::{
    AgainAll, Answer, Gateway, GatewayError, Granted, LiveLeg, NoGateway, PbxTried, PbxWish, Pulse,
    Readiness, ReadyDetail, TestAnswer, TestCall, Waiting,
};
pub use integration::{CredentialsWish, HIDDEN, IntegrationWish, Keeping, webhook_url};
pub use language::Language;
pub use links::{Beside, EarlierCalls, Link, LinkState, Remark, Stranger};
pub use lists::{Answered, MOST_COUNTED, Missed};
pub use names::{account_id, local_number, name, user as user_name};
pub use people::{EmployeeWish, MAX_LINES, PersonLine, PhoneWish};
pub use person::{Gone, KeptLeg, KeptPart, TOLD_AT_ONCE, Whose};
pub use refusal::{Changed, FieldChange, Refusal};
pub use services::{SLOW, Service, ServiceState, WaitsFor};
pub use stream::{EventStream, Next, NoPosition, Position, STREAMS, STREAMS_OF_ACCOUNT};
pub use tokens::{MadeToken, Role, TokenWish, role_of, token_hash};
pub use users::PASSWORD_CHARS;

/// What is shown of what is kept: plain values, without the way to them.
pub mod kept {
    pub use journal::{
        AccountSettings, ActorKind, Attempt, AuditEntry, AuditFilter, AuditPage, Cursor, DeliveryId,
        DeliveryRecord, DeliveryState, EventSeq, Filter, Kept, LegOutcome, LegRecord, Person, Quarter,
        Reason, Recent, Size, Sums, Tally, Waits, WallTime,
    };

    /// What is set.
    pub mod settings {
        pub use journal::settings::{
            Account, AlertChoice, BodyFormat, Credentials, Employee, Extras, Holder, Integration,
            IntegrationId, KeepChoice, Method, ParameterNames, Pause, Phone, RetryChoice, Scope, Secret,
            TimeFormat, Token, User, Vouched,
        };
    }
}
