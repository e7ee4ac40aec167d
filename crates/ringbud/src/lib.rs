//! The program's parts, as a library for its own integration tests.
//!
//! Owns: configuration, command line, links to the PBXs and the wiring of the rooms. Leaves the call logic
//! to `calls`, PBX protocols to `pbx`, what is kept to `journal`, requests to `delivery`, HTTP to `web`.

pub mod backup;
pub mod board;
pub mod cli;
pub mod clock;
pub mod config;
mod descriptors;
pub mod directory;
mod elsewhere;
pub mod engine;
mod folder;
pub mod gateway;
pub mod key;
pub mod link;
pub mod look;
#[cfg(feature = "postgres")]
pub mod moving;
pub mod serve;
pub mod setup;
pub mod stand_by;
pub mod stop;
pub mod store;
mod supervision;
pub mod telemetry;
mod waiting;
mod whoami;
