//! The rules of the demo crate.

mod client;
mod pbx;
mod play;
mod receiver;
mod show;
