//! FreeSWITCH's event socket: codec, login session, translation.
//!
//! [`Stream`] is the way for bytes of any origin, live link or recording: [`Decoder`] cuts them into
//! [`Message`]s, [`Event`] finds the headers of one that mean something, [`Translator`] turns those into inputs
//! of the call logic.

mod agents;
mod anonymise;
mod applications;
mod channel;
mod channels;
mod codec;
mod coming;
mod ending;
mod event;
mod evidence;
mod field;
mod finding;
mod json;
mod listed;
mod lists;
mod meeting;
mod message;
mod session;
mod stream;
mod transfer_told;
mod transfer_words;
mod translate;
mod value;
mod version;
mod words;

pub use anonymise::Anonymiser;
pub use codec::{Decoder, Items};
pub use event::{Event, Room};
pub use field::Field;
pub use lists::{Answer, MAX_LISTED};
pub use message::{Item, Kind, MAX_ANSWER_BYTES, MAX_EVENT_BYTES, MAX_HEADER_BYTES, Malformed, Message};
pub use session::Session;
pub use stream::Stream;
pub use translate::{Limits, Translator};
