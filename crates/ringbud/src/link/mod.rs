//! The link to a PBX: connecting, draining the socket, how long to wait before the next attempt.
//!
//! Owns sockets and their fate. What is said over them is `pbx`'s, what it means for calls `gateway`'s.

mod anew;
mod backoff;
mod buffers;
mod drain;
mod failure;
mod probe;
mod status;
mod transport;

pub(crate) use anew::Anew;
pub(crate) use backoff::Backoff;
pub(crate) use drain::{End, Fill, Piece, WhenFull, drain, queue};
pub use failure::LinkFailure;
pub use probe::{Visit, converse, visit};
pub(crate) use probe::{secret_in_clear, settings};
pub use status::{KnownEndpoint, LinkState, LinkStatus, Links, Status, StrangerSeen, Trouble};
pub(crate) use status::{SILENT, secs_ahead};
pub use transport::ConnectError;
pub(crate) use transport::{Halves, connect, is_far_away};
