//! FreeSWITCH's event socket: codec, login session, translation.
//!
//! [`Decoder`] cuts bytes of any origin, live link or recording, into [`Message`]s, [`Event`] finds the
//! headers of one that mean something.

mod codec;
mod event;
mod field;
mod json;
mod value;

pub use codec::{
    Decoder, Item, Kind, MAX_ANSWER_BYTES, MAX_EVENT_BYTES, MAX_HEADER_BYTES, Malformed, Message,
};
pub use event::Event;
pub use field::Field;
