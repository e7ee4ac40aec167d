//! The rules of the call logic, told as scenarios.

mod language;
mod scenarios;
mod show;
mod world;
