//! The API and the window over a journal in RAM and a gateway that writes down what it was asked.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod api;
mod manual;
mod rig;
mod routes;
mod surfaces;
mod terms;
mod window;
