//! What PBXs say, in the words of the call logic.
//!
//! This crate owns the protocols of the PBXs: how their bytes are cut into messages, how one logs in, and
//! how a message becomes a [`calls::Input`]. It is pure: bytes, time and randomness come in as arguments.
//! Sockets, TLS and clocks are left to the program; what the inputs mean is left to `calls`.
//!
//! What the program speaks is the neutral link ([`Session`], [`Recording`] and what they tell); a protocol's
//! own module is for its own tests and tools.

pub mod ami;
pub mod esl;
mod lines;
mod link;
pub mod setup;

pub use link::{
    About, Age, Anonymiser, Argument, Ask, Code, Counts, Endpoint, Evidence, Excess, Failure, Health, Hook,
    Kind, Missing, Notice, Now, Output, Product, Recording, Remark, Secret, Session, Settings, Sign, Skipped,
    State,
};
