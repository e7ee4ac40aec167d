//! The whole program as a process, between a demo PBX and a receiver.

#![allow(clippy::disallowed_methods, reason = "a test's tasks and clocks are its own")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should fail where it stands")]

mod backups;
mod bed;
mod both_kinds;
mod calls_arrive;
mod certificates;
mod checking;
mod checking_freeswitch;
mod circles;
mod commands;
mod configuration;
mod deaths;
mod disk;
mod disks;
mod freeswitch;
mod freeswitch_ends;
mod going_back;
mod init;
mod kills;
mod lab;
mod links;
mod lost_links;
mod monitoring;
mod oidc;
mod on_any_gateway;
mod on_postgresql;
mod one_clock;
mod operator;
mod person;
mod proxies;
mod read_enough;
mod ready;
mod reload;
mod second_reading;
mod secure;
mod sharing;
mod sharing_cuts;
mod sharing_spools;
mod spooling;
mod standing_by;
mod stopping;
mod store;
mod strangers;
mod streams;
mod supervision;
mod surfaces;
mod users;
mod way;
