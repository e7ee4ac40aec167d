//! From what a PBX says to what is kept and told.
//!
//! Owns the order of things: the call logic first, then the journal, then the sender, and nothing is told
//! that is not kept. Leaves the link to `link`, the rules of calls to `calls`, requests to `delivery`.

mod anomalies;
mod event_writer;
mod follow;
mod notices;
mod pbx_task;
mod routes;
mod second;

pub use event_writer::{Blocked, Counts, EventSink, EventWriter, MAX_MOMENTS};
pub use follow::Follower;
pub use pbx_task::PbxTask;
pub use routes::Routes;
pub use second::{Given, Heard, Turn};
