//! The journal, from outside.

#![allow(clippy::disallowed_methods, reason = "a test's tasks and clocks are its own")]

mod agreeing;
mod conforming;
mod copying;
#[cfg(unix)]
mod copying_shared;
mod crashing;
mod failing;
mod finding;
mod forgetting;
#[cfg(all(unix, feature = "postgres"))]
mod handing_over;
mod layers;
mod logging;
mod older;
#[cfg(unix)]
mod on_postgresql;
mod opening;
mod packing;
mod planning;
mod remembering;
mod rolling_up;
#[cfg(all(unix, feature = "postgres"))]
mod sharing;
#[cfg(all(unix, feature = "postgres"))]
mod side_by_side;
#[cfg(unix)]
mod spooling;
#[cfg(unix)]
mod standing_by;
mod taking_over;
mod whereabouts;
