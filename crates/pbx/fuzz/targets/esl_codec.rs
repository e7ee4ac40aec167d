#![no_main]
//! The event socket's codec: the pieces bytes come in do not matter, and memory is bounded.

#[path = "../properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::esl_codec(bytes));
