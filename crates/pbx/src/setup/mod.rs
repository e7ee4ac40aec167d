//! What has to be set up so that a PBX can be followed: on the PBX, by `entry`, and in Ringbud's
//! configuration, by `block`.
//!
//! Texts only, made of plain answers, for whoever asks them: the command line and the window. Whether the PBX then
//! lets us in, and whose phone each endpoint would be, is found out by the program.

mod block;
mod entry;
mod naming;

pub use block::{Block, Naming};
pub use entry::{Entry, entry};

pub use crate::link::Product;
