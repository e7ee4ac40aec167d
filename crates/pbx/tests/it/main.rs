//! The rules of the PBX protocols, over recordings of a real Asterisk and over made-up bytes.

mod anonymise;
mod codec;
mod esl_codec;
mod recordings;
mod session;
mod translate;
