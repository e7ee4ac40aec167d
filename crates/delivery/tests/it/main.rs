//! The rules of delivery, one module a room.

mod sender;
mod support;
