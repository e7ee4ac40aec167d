//! The rules of the call logic, told as scenarios, random calls and recordings.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bounds;
mod chosen;
mod corpora;
mod freeswitch;
mod holding;
mod kept;
mod known;
mod language;
mod late;
mod manual;
mod model;
mod pair;
mod properties;
mod recordings;
mod scenarios;
mod second_reader;
mod show;
mod stretched;
mod variants;
mod waiting;
mod world;
