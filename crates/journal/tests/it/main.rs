//! The journal, from outside.

mod agreeing;
mod conforming;
mod crashing;
mod digesting;
mod failing;
mod forgetting;
mod older;
mod opening;
mod planning;
mod remembering;
