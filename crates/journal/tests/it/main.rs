//! The journal, from outside.

mod agreeing;
mod conforming;
mod crashing;
mod failing;
mod opening;
mod planning;
mod remembering;
