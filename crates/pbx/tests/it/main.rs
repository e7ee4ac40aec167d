//! The rules of the PBX protocols, over recordings of a real Asterisk and over made-up bytes.

mod anonymise;
mod codec;
mod esl_anonymise;
mod esl_codec;
mod esl_session;
mod play;
mod recordings;
mod session;
mod translate;
mod what_fits;
