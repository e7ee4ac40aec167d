//! What Ringbud keeps: events with their deliveries, attempts, notes of the call logic, and settings.
//!
//! [`Journal`] is the seam: SQLite today, an engine for a fleet later. One conformance suite is written
//! against the trait and runs on every implementation. This crate leaves to others what a delivery is
//! made of and when it is due (`delivery`), and where events come from (`calls`).

mod book;
pub mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
pub mod faults;
pub mod memory;
mod record;
mod rules;
pub mod seal;
mod seam;
pub mod settings;
mod sqlite;
mod sums;

pub use book::{AccountSettings, SettingsBook, Sorted};
pub use error::JournalError;
pub use rules::MAX_LISTED;
pub use seam::*;
#[cfg(feature = "conformance")]
pub use sqlite::statements_of;
pub use sqlite::{Access, Commits, Digesting, Options, QUEUED_JOBS, Sqlite};
pub use sums::{LegOutcome, Person, Quarter, Sums, Tally};
