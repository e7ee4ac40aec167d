#![no_main]
//! A FreeSWITCH's codec and translation: whatever comes in, it is counted and passed over or understood.

#[path = "../properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::esl_stream(bytes));
