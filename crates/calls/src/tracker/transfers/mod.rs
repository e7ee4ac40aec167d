//! Transfers: who was sent where, by whom.
//!
//! The transferring employee's leg ends when the transfer takes effect. The transferred party carries a
//! mark, and every phone it then rings begins a leg of a transferred call ([`marks`]).

mod attended;
mod blind;
mod forward;
mod marks;
mod parking;
mod pickup;
