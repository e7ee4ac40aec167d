//! The login session with one FreeSWITCH, over all its connections one after the other, without a socket or
//! clock.
//!
//! The shell says what happens and does what comes out, as with [`crate::Session`]. This module leaves to the
//! shell when to connect again, and to `calls` what the inputs mean.

mod asking;
mod conversation;
mod hooks;

use std::time::Duration;

use calls::{Input, PbxTime};

use self::conversation::Conversation;
use super::event::Event;
use super::evidence::Told;
use super::message::{Item, Kind, Malformed};
use super::stream::Stream;
use super::translate::Limits;
use crate::link::{About, Counts, Health, Now, Output, Settings, Skipped, State};

/// The session with one FreeSWITCH.
#[derive(Debug)]
pub struct Session {
    stream: Stream,
    conversation: Conversation,
    /// An event of a call came on this connection.
    hears_calls: bool,
}

impl Session {
    /// For a PBX that was heard last at that moment (of an earlier run), if ever.
    pub fn new(settings: Settings, last_heard: Option<PbxTime>) -> Self {
        let stream = Stream::new(last_heard, Limits::default());
        Self { stream, conversation: Conversation::new(settings), hears_calls: false }
    }

    /// A connection was made.
    pub fn connected(&mut self, now: Now, mut out: impl FnMut(Output<'_>)) {
        self.disconnected(&mut out);
        self.hears_calls = false;
        self.conversation.connected(now, &mut out);
    }

    /// Bytes came in.
    pub fn received(&mut self, bytes: &[u8], now: Now, mut out: impl FnMut(Output<'_>)) {
        self.conversation.came(bytes, now, &mut out);
        let Stream { decoder, translator, malformed, room } = &mut self.stream;
        let mut items = decoder.feed(bytes);
        while !self.conversation.is_over() {
            let Some(item) = items.next_item() else { break };
            match item {
                Item::Message(message) => match message.kind {
                    Kind::Plain | Kind::Json if !self.conversation.is_let_in() => {
                        self.conversation.spoke_unasked(&mut out);
                    }
                    Kind::Plain | Kind::Json => {
                        translator.counts.messages += 1;
                        let Some(event) = Event::of(&message, room) else {
                            translator.counts.not_understood += 1;
                            continue;
                        };
                        let told = Told::new(&message, &event);
                        translator.event(&event, |at, input| {
                            self.hears_calls |= matches!(input, Input::Appeared { .. });
                            out(Output::Heard { at, input: &input, because: Some(&told) });
                        });
                        self.conversation.event(&event, translator, now, &mut out);
                    }
                    _ => self.conversation.message(&message, translator, now, &mut out),
                },
                Item::Malformed(what) => {
                    *malformed += 1;
                    self.conversation.lost(skipped(what), now, &mut out);
                }
            }
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
        if let Some(at) = self.conversation.time_of(now.monotonic)
            && self.stream.translator.next_deadline().is_some_and(|due| due <= at)
        {
            self.stream
                .translator
                .handle_timeout(at, |at, input| out(Output::Heard { at, input: &input, because: None }));
        }
        self.conversation.timed_out(&mut self.stream.translator, now, &mut out);
    }

    /// See [`crate::Session::look_again`].
    pub fn look_again(&mut self, now: Now) {
        self.conversation.look_again(now);
    }

    /// When [`Self::timed_out`] has to be called, by the monotonic clock.
    pub fn next_deadline(&self) -> Option<Duration> {
        let due = self.stream.translator.next_deadline();
        let word = due.and_then(|due| self.conversation.moment_of(due));
        [word, self.conversation.next_deadline()].into_iter().flatten().min()
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
        Health { hears_calls: self.hears_calls, ..self.conversation.health() }
    }

    /// What came in so far, by what became of it.
    pub const fn counts(&self) -> Counts {
        self.stream.counts()
    }

    /// The last moment the PBX is known to have been heard, by its clock.
    pub fn last_heard(&self) -> Option<PbxTime> {
        self.stream.last_heard()
    }
}

fn skipped(what: Malformed) -> Skipped {
    use super::message::{MAX_EVENT_BYTES, MAX_HEADER_BYTES};
    match what {
        Malformed::HeadersTooLong | Malformed::NoType | Malformed::BadLength => {
            Skipped { what: "block of headers", longest: MAX_HEADER_BYTES, unit: "bytes", bytes: 0 }
        }
        Malformed::BodyTooLong { bytes } => {
            Skipped { what: "message", longest: MAX_EVENT_BYTES, unit: "bytes", bytes }
        }
    }
}
