//! What a visitor sees and what tests lean on: a PBX that plays recorded calls ([`pbx`], [`player`]), a
//! FreeSWITCH that does ([`switch`]), a
//! receiver of the requests ([`receiver`]), the show in the terminal ([`show`]) and load for benchmarks
//! ([`load`]).
//!
//! It owns the play and leaves the work to others: nothing in here follows a call or sends an event.

#![allow(
    clippy::disallowed_methods,
    reason = "a stage beside the program: what it plays may end as it likes"
)]

mod audience;
pub mod cast;
mod clock;
pub mod load;
pub mod paint;
mod part;
pub mod pbx;
pub mod player;
pub mod receiver;
mod rng;
mod shape;
mod shapes;
pub mod show;
pub mod switch;

pub use shape::Shape;
pub use shapes::{Number, programme};
