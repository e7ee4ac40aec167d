//! The rules of the demo crate.

mod client;
mod events;
mod load;
mod pbx;
mod play;
mod receiver;
mod show;
