//! Bytes in, inputs out: the one way for live links and recordings.

use std::time::Duration;

use calls::{Input, PbxTime};

use super::age;
use super::codec::{Decoder, Item};
use super::message::Message;
use super::translate::Translator;
use crate::link::{Age, Counts};

/// The bytes of one PBX, over all its links one after the other, as inputs of the call logic.
#[derive(Debug)]
pub struct Stream {
    pub(super) decoder: Decoder,
    pub(super) translator: Translator,
    pub(super) malformed: u64,
    pub(super) age: Age,
}

impl Stream {
    /// For a PBX that was heard last at that moment (of an earlier run), if ever.
    pub fn new(last_heard: Option<PbxTime>) -> Self {
        Self {
            decoder: Decoder::new(),
            translator: Translator::new(last_heard),
            malformed: 0,
            age: Age::Unknown,
        }
    }

    /// Takes bytes. `arrival` is when they came in, by a monotonic clock of ours; a recording has none.
    pub fn feed(&mut self, bytes: &[u8], arrival: Option<Duration>, mut out: impl FnMut(PbxTime, Input<'_>)) {
        self.feed_watched(bytes, arrival, |_| {}, |at, input, _| out(at, input));
    }

    /// The same. `watch` sees every item before it is translated, and every input comes with the message that
    /// led to it.
    pub fn feed_watched(
        &mut self,
        bytes: &[u8],
        arrival: Option<Duration>,
        mut watch: impl FnMut(&Item<'_>),
        mut out: impl FnMut(PbxTime, Input<'_>, &Message<'_>),
    ) {
        self.decoder.feed(bytes);
        while let Some(item) = self.decoder.next_item() {
            watch(&item);
            match item {
                Item::Message(message) => {
                    if grow_older(&mut self.age, || age::by_event(&message)) {
                        self.translator.translate(&message, arrival, |at, input| out(at, input, &message));
                    }
                }
                Item::Malformed(_) => self.malformed += 1,
                Item::Greeting(greeting) => {
                    grow_older(&mut self.age, || age::by_greeting(greeting));
                }
            }
        }
    }

    /// The recording is over: its last message counts although nobody wrote the blank line after it.
    pub fn recording_ended(&mut self, out: impl FnMut(PbxTime, Input<'_>)) {
        if self.incomplete().ends_with(b"\n") {
            self.feed(b"\n", None, out);
        }
    }

    /// The link is gone: what is incomplete is forgotten, and [`Input::LinkLost`] comes out.
    pub fn link_lost(&mut self, out: impl FnMut(PbxTime, Input<'_>)) {
        self.decoder.reset();
        self.translator.link_lost(out);
    }

    /// Whether this is an Asterisk that can be followed, as far as it shows; nothing comes out of one that cannot.
    pub fn age(&self) -> Age {
        self.age.clone()
    }

    /// The last moment the PBX is known to have been heard, by its clock.
    pub const fn last_heard(&self) -> Option<PbxTime> {
        self.translator.last_heard()
    }

    /// What came in so far, by what became of it.
    pub const fn counts(&self) -> Counts {
        self.translator.counts()
    }

    /// How many messages were skipped because they were too long.
    pub const fn malformed(&self) -> u64 {
        self.malformed
    }

    /// What has come in of an item that is not complete.
    pub fn incomplete(&self) -> &[u8] {
        self.decoder.incomplete()
    }
}

/// Looks at what may show the PBX's age, until something has. Whether it may be followed, as far as is known.
pub(super) fn grow_older(age: &mut Age, look: impl FnOnce() -> Age) -> bool {
    if *age == Age::Unknown {
        *age = look();
    }
    !matches!(age, Age::TooOld(_))
}
