#![no_main]
//! The session with a FreeSWITCH: whatever it says, the session ends or goes on.

#[path = "../properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::esl_session(bytes));
