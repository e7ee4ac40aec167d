//! The rules of delivery, one module a room.

#![allow(clippy::disallowed_methods, reason = "a test's tasks and clocks are its own")]

mod alerts;
mod bad_receivers;
mod control;
mod failing;
mod fetch;
mod fleet;
mod guard;
mod journal_trouble;
mod numbers;
mod operator;
mod parts;
mod payload;
mod policy;
mod promises;
mod reasons;
mod request;
mod schedule;
mod schema;
mod sender;
mod signing;
mod simulation;
mod streaks;
mod support;
mod verifiers;
