//! Bytes of a PBX that were kept: read again by the same code, and made fit to be sent to strangers.

use calls::{Input, PbxTime};

use super::{Age, Evidence, Kind};
use crate::{ami, esl};

/// The recordings of one PBX, one after the other, as inputs of the call logic.
#[derive(Debug)]
pub enum Recording {
    /// Of an Asterisk's manager interface.
    Asterisk(Box<ami::Stream>),
    /// Of a FreeSWITCH's event socket.
    FreeSwitch(Box<esl::Stream>),
}

impl Recording {
    /// Nothing was read yet.
    pub fn new(kind: Kind) -> Self {
        match kind {
            Kind::Asterisk => Self::Asterisk(Box::new(ami::Stream::new(None))),
            Kind::FreeSwitch => Self::FreeSwitch(Box::new(esl::Stream::new(None, esl::Limits::default()))),
        }
    }

    /// Takes bytes. Every input comes with the message that led to it, if it was one.
    pub fn feed(&mut self, bytes: &[u8], mut out: impl FnMut(PbxTime, Input<'_>, Option<&dyn Evidence>)) {
        match self {
            Self::Asterisk(stream) => {
                stream.feed_watched(bytes, None, |_| {}, |at, input, message| out(at, input, Some(message)));
            }
            Self::FreeSwitch(stream) => stream.feed_watched(bytes, out),
        }
    }

    /// The recording is over: its last message counts although nobody wrote the end of it.
    pub fn ended(&mut self, mut out: impl FnMut(PbxTime, Input<'_>, Option<&dyn Evidence>)) {
        let lacks_blank_line = match self {
            Self::Asterisk(stream) => stream.incomplete().ends_with(b"\n"),
            Self::FreeSwitch(stream) => {
                stream.recording_ended(|at, input| out(at, input, None));
                false
            }
        };
        if lacks_blank_line {
            self.feed(b"\n", out);
        }
    }

    /// What follows is after a gap.
    pub fn link_lost(&mut self, mut out: impl FnMut(PbxTime, Input<'_>)) {
        match self {
            Self::Asterisk(stream) => stream.link_lost(&mut out),
            Self::FreeSwitch(stream) => stream.link_lost(&mut out),
        }
    }

    /// Whether it is of a PBX that can be followed, as far as it shows.
    pub fn age(&self) -> Age {
        match self {
            Self::Asterisk(stream) => stream.age(),
            Self::FreeSwitch(_) => Age::Followed,
        }
    }
}

/// Makes a recording fit to be sent to strangers.
pub enum Anonymiser {
    /// Of an Asterisk's manager interface.
    Asterisk(ami::Anonymiser),
    /// Of a FreeSWITCH's event socket.
    FreeSwitch(Box<esl::Anonymiser>),
}

impl Anonymiser {
    /// Same key, same replacements.
    pub fn new(kind: Kind, key: [u8; 16]) -> Self {
        match kind {
            Kind::Asterisk => Self::Asterisk(ami::Anonymiser::new(key)),
            Kind::FreeSwitch => Self::FreeSwitch(Box::new(esl::Anonymiser::new(key))),
        }
    }

    /// Takes bytes in any pieces; what is whole comes out.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Asterisk(anonymiser) => anonymiser.feed(bytes, out),
            Self::FreeSwitch(anonymiser) => anonymiser.feed(bytes, out),
        }
    }
}
