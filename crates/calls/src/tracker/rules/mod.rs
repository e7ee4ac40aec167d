//! The rules of docs/events.md: how a leg begins ([`begin`], [`outgoing`]), is answered ([`answer`]) and ends ([`end`]), what
//! begins where channels meet that nobody dialled ([`meet`]), and which of them each word of the PBX sets off
//! ([`words`]); [`program`] knows for whom a program rings.

mod answer;
mod begin;
mod end;
mod meet;
mod outgoing;
mod program;
mod words;
