//! Logging in through a provider that signs for real, and through ones that misbehave.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bed;
mod discovery;
mod keys;
mod people;
mod tokens;
