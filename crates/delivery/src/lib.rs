//! Telling events: what a request says, when it is sent, where it may go, and sending it.
//!
//! The first half is pure: `payload`, `request`, `signing`, `policy`, `schedule`, `guard` take time and
//! chance as arguments. The second half does the work: `connect`, `pool`, `sender`. Events come from the
//! `journal`; this crate never sees a PBX.

pub mod guard;
pub mod payload;
pub mod request;
pub mod signing;
