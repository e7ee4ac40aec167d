//! What Ringbud keeps: events with their deliveries, attempts, notes of the call logic, and settings.
//!
//! [`Journal`] is the trait: SQLite today, an engine for a fleet later. One conformance suite is written
//! against the trait and runs on every implementation. This crate leaves to others what a delivery is
//! made of and when it is due (`delivery`), and where events come from (`calls`).

mod audit;
mod cache;
pub mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "postgres")]
pub mod copying;
mod error;
pub mod facts;
pub mod faults;
mod journal;
pub mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod reason;
mod record;
mod rules;
pub mod seal;
pub mod settings;
#[cfg(feature = "postgres")]
mod spool;
mod sqlite;
#[cfg(feature = "postgres")]
mod steady;
mod sums;
pub mod turns;
mod waits;

pub use audit::*;
pub use cache::{AccountSettings, SettingsCache, Sorted};
pub use clock::WallTime;
pub use error::JournalError;
pub use journal::*;
pub use reason::Reason;
#[cfg(feature = "postgres")]
pub use spool::{Spooled, left_in_spool};
pub use sqlite::{Access, Commits, HeldFolder, Logging, Options, QUEUED_JOBS, RollingUp, Sqlite};
#[cfg(feature = "conformance")]
pub use sqlite::{audit_statement_of, statements_of};
/// All the verbs, for whoever has a store by its own type.
pub mod verbs {
    pub use crate::{Deliveries as _, Events as _, History as _, Parts as _, Settings as _, Upkeep as _};
}

pub use sums::{LegOutcome, Person, Quarter, Sums, Tally};
pub use waits::Waits;
