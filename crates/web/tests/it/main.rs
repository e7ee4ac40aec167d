//! The API and the window over a journal in RAM and a gateway that writes down what it was asked.

mod api;
mod rig;
mod window;
