//! The journal, from outside.

mod conforming;
