//! The login session with one PBX, over all its connections one after the other, without a socket or clock.
//!
//! The shell says what happens ([`Session::connected`], [`Session::received`], [`Session::disconnected`],
//! [`Session::timed_out`]) and does what comes out ([`Output`]). This module leaves to the shell when to
//! connect again, and to `calls` what the inputs mean.

mod conversation;

use std::time::Duration;

use calls::{Input, PbxTime};

use self::conversation::Conversation;
use super::age;
use super::codec::Item;
use super::stream::{Stream, grow_older};
use crate::link::{About, Age, Counts, Health, Notice, Now, Output, Settings, State};

/// The session with one PBX.
#[derive(Debug)]
pub struct Session {
    stream: Stream,
    conversation: Conversation,
}

impl Session {
    /// For a PBX that was heard last at that moment (of an earlier run), if ever.
    pub fn new(settings: Settings, last_heard: Option<PbxTime>) -> Self {
        Self { stream: Stream::new(last_heard), conversation: Conversation::new(settings) }
    }

    /// A connection was made.
    pub fn connected(&mut self, now: Now, mut out: impl FnMut(Output<'_>)) {
        self.disconnected(&mut out);
        // It may have been upgraded meanwhile.
        self.stream.age = Age::Unknown;
        self.conversation.connected(now, &mut out);
    }

    /// Bytes came in.
    pub fn received(&mut self, bytes: &[u8], now: Now, mut out: impl FnMut(Output<'_>)) {
        let bytes = self.conversation.came(bytes, now, &mut out);
        let Stream { decoder, translator, malformed, age } = &mut self.stream;
        decoder.feed(bytes);
        while let Some(item) = decoder.next_item() {
            match item {
                Item::Greeting(_) => {}
                Item::Message(message) => {
                    if !grow_older(age, || age::by_event(&message)) {
                        self.conversation.too_old(age, &mut out);
                        continue;
                    }
                    let unusable = translator.counts().unusable_lists;
                    translator.translate(&message, Some(now.monotonic), |at, input| {
                        out(Output::Heard { at, input: &input, because: Some(&message) });
                    });
                    if translator.counts().unusable_lists > unusable {
                        self.conversation.lost(Notice::UnusableList, now, &mut out);
                    }
                    self.conversation.message(&message, translator.last_heard(), now, &mut out);
                }
                Item::Malformed(what) => {
                    *malformed += 1;
                    self.conversation.lost(Notice::Skipped(what.into()), now, &mut out);
                }
            }
        }
        if let Some(newest) = translator.take_stamp() {
            self.conversation.read(newest, now);
        }
    }

    /// The connection is gone, or has been closed after [`Output::Failed`].
    pub fn disconnected(&mut self, mut out: impl FnMut(Output<'_>)) {
        let was_followed = self.conversation.disconnected(&mut out);
        if was_followed {
            self.stream
                .link_lost(|at, input: Input<'_>| out(Output::Heard { at, input: &input, because: None }));
        } else {
            self.stream.decoder.reset();
        }
    }

    /// To be called when [`Self::next_deadline`] has come. Calling it early does nothing.
    pub fn timed_out(&mut self, now: Now, mut out: impl FnMut(Output<'_>)) {
        self.conversation.timed_out(now, &mut out);
    }

    /// See [`crate::Session::look_again`].
    pub fn look_again(&mut self, now: Now) {
        self.conversation.look_again(now);
    }

    /// When [`Self::timed_out`] has to be called, by the monotonic clock.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.conversation.next_deadline()
    }

    /// How far the link is.
    pub const fn state(&self) -> State {
        self.conversation.state()
    }

    /// What the PBX says of itself, as far as known.
    pub const fn about(&self) -> &About {
        self.conversation.about()
    }

    /// How the link is doing.
    pub fn health(&self) -> Health {
        self.conversation.health()
    }

    /// What came in so far, by what became of it.
    pub const fn counts(&self) -> Counts {
        self.stream.counts()
    }

    /// The last moment the PBX is known to have been heard, by its clock.
    pub const fn last_heard(&self) -> Option<PbxTime> {
        self.stream.last_heard()
    }
}
