//! Presence: what a lost link makes unsure, and how a snapshot makes it sure again.
//!
//! Stream and snapshot overlap in either order (an Asterisk's list runs ahead of its stream, a
//! FreeSWITCH's behind), so nothing is concluded from a snapshot alone before a short grace: a channel
//! it lists may be about to appear in the stream, one it lacks may be about to be told gone.

mod adopt;
mod agents;
mod late;
mod lost;
mod restore;
mod snapshot;
