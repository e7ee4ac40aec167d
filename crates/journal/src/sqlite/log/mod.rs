//! The log in front: what is new is written as one blob a commit, and judged in memory. A leg lies whole in the log
//! (the `Tail` has it at hand) or whole in the tables, never in both: what comes later for one in the tables goes
//! there at once. A fold takes legs out of the log in one transaction: those that have ended are packed, the others
//! become rows; a row of the log goes when no leg begins in it or behind it that is still in the log.

mod blob;
mod bounds;
mod fold;
mod front;
mod leaving;
mod leg;
mod settle;
mod tail;

pub use bounds::Logging;
pub(super) use bounds::Shared;
pub(super) use fold::Picked;
pub(super) use tail::{Judged, Tail};
