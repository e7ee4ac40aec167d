//! The whole program as a process, between a demo PBX and a receiver.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should fail where it stands")]

mod bed;
mod calls_arrive;
mod commands;
mod configuration;
mod disk;
mod disks;
mod kills;
mod lab;
mod links;
mod monitoring;
mod oidc;
mod operator;
mod stopping;
mod store;
