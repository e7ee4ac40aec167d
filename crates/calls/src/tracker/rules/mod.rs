//! The rules of docs/events.md: how a leg begins ([`begin`]), is answered ([`answer`]) and ends ([`end`]), and
//! which of them each word of the PBX sets off ([`words`]).

mod answer;
mod begin;
mod end;
mod words;
