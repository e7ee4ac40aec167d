//! Telling events: what a request says, when it is sent, where it may go, and sending it.
//!
//! The first half is pure: `payload`, `request`, `signing`, `policy`, `schedule`, `guard` take time and
//! chance as arguments. The second half does the work: `connect`, `pool`, `sender`. Events come from the
//! `journal`; this crate never sees a PBX.

pub mod alert;
mod clock;
pub mod connect;
pub mod guard;
pub mod operator;
pub mod payload;
pub mod policy;
pub mod reason;
pub mod request;
pub mod schedule;
pub mod sender;
pub mod signing;
