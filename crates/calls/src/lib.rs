//! The call logic of Ringbud: what a PBX says about its channels goes in, the four call events come out.
//!
//! This crate is pure. It owns the rules of when a phone's leg begins, is answered and ends, and who
//! its counterpart is. It leaves to others: how a PBX says things (`pbx`), keeping events (`journal`),
//! telling them (`delivery`), and every clock: time is an argument.

mod directory;
mod event;
mod ids;
mod input;
mod time;
mod told;
mod tracker;

pub use directory::{Directory, Employee, Phone};
pub use event::{Anomaly, Direction, EndReason, Ended, Event, EventKind, Kept, Note, Output, Transfer, What};
pub use ids::{AccountId, CallId, EventId, LegId, PbxName};
pub use input::{
    Cause, Device, DialOutcome, Input, Listed, ListedState, Meeting, OpenLeg, Origin, Presentation, Restored,
    Seen,
};
pub use time::PbxTime;
pub use told::Told;
pub use tracker::{Tracker, TrackerLimits};
