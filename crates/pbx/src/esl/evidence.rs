//! An event in one line, for people.

use super::event::Event;
use super::field::Field;
use super::message::Message;
use crate::link::Evidence;

/// Headers that say what an event is about, besides its channel.
const TELLING: [(Field, &str); 9] = [
    (Field::Subclass, "Subclass"),
    (Field::Action, "Action"),
    (Field::AnswerState, "Answer-State"),
    (Field::Destination, "Destination"),
    (Field::BridgeA, "Bridge-A"),
    (Field::BridgeB, "Bridge-B"),
    (Field::HangupCause, "Cause"),
    (Field::TransferTo, "transfer_to"),
    (Field::TransferHistory, "transfer_history"),
];

/// An event with the message it came in.
pub(super) struct Told<'a> {
    body: &'a [u8],
    event: &'a Event<'a>,
}

impl<'a> Told<'a> {
    pub(super) fn new(message: &Message<'a>, event: &'a Event<'a>) -> Self {
        Self { body: message.body, event }
    }
}

impl std::fmt::Debug for Told<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.event.fmt(f)
    }
}

impl Evidence for Told<'_> {
    fn text(&self) -> &str {
        std::str::from_utf8(self.body).unwrap_or_default()
    }

    fn lines(&self) -> usize {
        self.text().lines().count()
    }

    fn summary(&self) -> String {
        let mut words = self.event.get(Field::EventName).into_owned();
        for field in [Field::UniqueId, Field::ChannelName] {
            let value = self.event.get(field);
            if !value.is_empty() {
                words = format!("{words} {value}");
            }
        }
        for (field, name) in TELLING {
            let value = self.event.get(field);
            if !value.is_empty() {
                words = format!("{words} {name}={value}");
            }
        }
        words
    }

    fn channels(&self) -> Vec<&str> {
        let fields = [Field::UniqueId, Field::BridgeA, Field::BridgeB, Field::OtherUniqueId];
        fields.into_iter().map(|field| self.event.word(field)).filter(|id| !id.is_empty()).collect()
    }
}
