//! The journal, from outside.

mod agreeing;
mod conforming;
mod failing;
mod opening;
mod planning;
mod remembering;
