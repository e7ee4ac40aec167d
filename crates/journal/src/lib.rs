//! What Ringbud keeps: events with their deliveries, attempts, notes of the call logic, and settings.
//!
//! [`Journal`] is the trait: SQLite today, an engine for a fleet later. One conformance suite is written
//! against the trait and runs on every implementation. This crate leaves to others what a delivery is
//! made of and when it is due (`delivery`), and where events come from (`calls`).

mod cache;
pub mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
pub mod faults;
mod journal;
pub mod memory;
mod record;
mod rules;
pub mod seal;
pub mod settings;
mod sqlite;
mod sums;

pub use cache::{AccountSettings, SettingsCache, Sorted};
pub use error::JournalError;
pub use journal::*;
pub use rules::MAX_LISTED;
#[cfg(feature = "conformance")]
pub use sqlite::statements_of;
pub use sqlite::{Access, Commits, Digesting, Options, QUEUED_JOBS, Sqlite};
pub use sums::{LegOutcome, Person, Quarter, Sums, Tally};
