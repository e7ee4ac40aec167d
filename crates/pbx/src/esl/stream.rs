//! Bytes in, inputs out: the one way for live links and recordings.

use calls::{Input, PbxTime};

use super::codec::Decoder;
use super::event::{Event, Room};
use super::evidence::Told;
use super::lists::Answer;
use super::message::{Item, Kind, Message};
use super::translate::{Limits, Translator};
use crate::link::{Counts, Evidence};

/// The bytes of one FreeSWITCH, over all its links one after the other, as inputs of the call logic.
#[derive(Debug)]
pub struct Stream {
    pub(super) decoder: Decoder,
    pub(super) translator: Translator,
    pub(super) malformed: u64,
    pub(super) room: Room,
}

impl Stream {
    /// For a PBX that was heard last at that moment (of an earlier run), if ever.
    pub fn new(last_heard: Option<PbxTime>, limits: Limits) -> Self {
        Self {
            decoder: Decoder::new(),
            translator: Translator::new(last_heard, limits),
            malformed: 0,
            room: Room::default(),
        }
    }

    /// Takes bytes of a recording.
    pub fn feed(&mut self, bytes: &[u8], mut out: impl FnMut(PbxTime, Input<'_>)) {
        self.feed_watched(bytes, |at, input, _| out(at, input));
    }

    /// The same. Every input comes with what led to it, if that was an event.
    pub fn feed_watched(
        &mut self,
        bytes: &[u8],
        mut out: impl FnMut(PbxTime, Input<'_>, Option<&dyn Evidence>),
    ) {
        let mut items = self.decoder.feed(bytes);
        while let Some(item) = items.next_item() {
            match item {
                Item::Message(message) => take(&mut self.translator, &mut self.room, &message, &mut out),
                Item::Malformed(_) => self.malformed += 1,
            }
        }
    }

    /// Time passes without a word: what waited long enough is told.
    pub fn handle_timeout(&mut self, now: PbxTime, out: impl FnMut(PbxTime, Input<'_>)) {
        self.translator.handle_timeout(now, out);
    }

    /// The recording is over: no word about what ended will come.
    pub fn recording_ended(&mut self, mut out: impl FnMut(PbxTime, Input<'_>)) {
        self.translator.conclude_all(&mut out);
    }

    /// The link is gone: what is incomplete is forgotten, and [`Input::LinkLost`] comes out.
    pub fn link_lost(&mut self, out: impl FnMut(PbxTime, Input<'_>)) {
        self.decoder.reset();
        self.translator.link_lost(out);
    }

    /// The last moment the PBX is known to have been heard, by its clock.
    pub fn last_heard(&self) -> Option<PbxTime> {
        self.translator.last_heard()
    }

    /// What came in so far, by what became of it.
    pub const fn counts(&self) -> Counts {
        self.translator.counts()
    }

    /// How many messages were skipped because they were too long or none.
    pub const fn malformed(&self) -> u64 {
        self.malformed
    }

    /// What has come in of an item that is not complete.
    pub fn incomplete(&self) -> &[u8] {
        self.decoder.incomplete()
    }
}

/// A message of a recording: lists make a snapshot as soon as both are there.
fn take(
    translator: &mut Translator,
    room: &mut Room,
    message: &Message<'_>,
    out: &mut impl FnMut(PbxTime, Input<'_>, Option<&dyn Evidence>),
) {
    translator.counts.messages += 1;
    match message.kind {
        Kind::Plain | Kind::Json => match Event::of(message, room) {
            Some(event) => {
                let told = Told::new(message, &event);
                translator.event(&event, |at, input| out(at, input, Some(&told)));
            }
            None => translator.counts.not_understood += 1,
        },
        Kind::Answer => {
            if translator.answer(message.body, |at, input| out(at, input, None)) == Answer::Calls {
                translator.snapshot(|at, input| out(at, input, None));
            }
        }
        Kind::AuthRequest | Kind::Refused | Kind::Reply | Kind::Disconnect | Kind::Other => {}
    }
}
