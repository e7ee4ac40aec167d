//! The journal, from outside.

mod agreeing;
mod conforming;
mod crashing;
mod digesting;
mod failing;
mod opening;
mod planning;
mod remembering;
