//! The rules of the demo crate.

#![allow(clippy::disallowed_methods, reason = "a test's tasks and clocks are its own")]

mod client;
mod events;
mod load;
mod pbx;
mod play;
mod receiver;
mod show;
