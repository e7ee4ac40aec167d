//! The rules of the call logic, told as scenarios.

mod language;
mod model;
mod properties;
mod recordings;
mod scenarios;
mod show;
mod world;
