//! The rules of the call logic, told as scenarios.

mod language;
mod model;
mod properties;
mod scenarios;
mod show;
mod world;
