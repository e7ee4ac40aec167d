//! The rules of delivery, one module a room.

mod bad_receivers;
mod guard;
mod payload;
mod policy;
mod request;
mod sender;
mod signing;
mod support;
