//! The rules of the demo crate.

mod client;
mod load;
mod pbx;
mod play;
mod receiver;
mod show;
