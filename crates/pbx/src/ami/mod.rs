//! Asterisk's manager interface (AMI): codec, login session, translation.
//!
//! [`Stream`] is the way for bytes of any origin, live link or recording: [`Decoder`] cuts them into
//! [`Message`]s, [`Translator`] turns those into inputs of the call logic.

mod age;
mod anonymise;
mod boot;
mod channel;
mod clock;
mod codec;
mod encode;
mod events;
mod evidence;
mod list;
mod malformed;
mod message;
mod numbers;
mod presentation;
mod session;
mod stream;
mod translate;
mod words;

pub use anonymise::Anonymiser;
pub(crate) use anonymise::Disguise;
pub use codec::{Decoder, Item};
pub use encode::Action;
pub use list::{MAX_LISTED, MAX_LISTED_BYTES};
pub use malformed::{MAX_HEADERS, MAX_LINE_BYTES, MAX_MESSAGE_BYTES, Malformed};
pub use message::Message;
pub use session::Session;
pub use stream::Stream;
pub use translate::Translator;
