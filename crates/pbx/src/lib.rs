//! What PBXs say, in the words of the call logic.
//!
//! This crate owns the protocols of the PBXs: how their bytes are cut into messages, how one logs in, and
//! how a message becomes a [`calls::Input`]. It is pure: bytes, time and randomness come in as arguments.
//! Sockets, TLS and clocks are left to the program; what the inputs mean is left to `calls`.

pub mod ami;
pub mod esl;
