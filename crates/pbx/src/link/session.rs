//! The session with one PBX, whichever protocol it speaks.

use std::time::Duration;

use calls::PbxTime;

use super::{About, Counts, Health, Kind, Now, Output, Settings, State};
use crate::{ami, esl};

/// The session with one PBX, over all its connections one after the other, without a socket or clock.
///
/// The shell says what happens ([`Self::connected`], [`Self::received`], [`Self::disconnected`],
/// [`Self::timed_out`]) and does what comes out ([`Output`]).
#[derive(Debug)]
pub enum Session {
    /// With an Asterisk.
    Asterisk(Box<ami::Session>),
    /// With a FreeSWITCH.
    FreeSwitch(Box<esl::Session>),
}

impl Session {
    /// For a PBX that was heard last at that moment (of an earlier run), if ever.
    pub fn new(kind: Kind, settings: Settings, last_heard: Option<PbxTime>) -> Self {
        match kind {
            Kind::Asterisk => Self::Asterisk(Box::new(ami::Session::new(settings, last_heard))),
            Kind::FreeSwitch => Self::FreeSwitch(Box::new(esl::Session::new(settings, last_heard))),
        }
    }

    /// A connection was made.
    pub fn connected(&mut self, now: Now, out: impl FnMut(Output<'_>)) {
        match self {
            Self::Asterisk(session) => session.connected(now, out),
            Self::FreeSwitch(session) => session.connected(now, out),
        }
    }

    /// Bytes came in.
    pub fn received(&mut self, bytes: &[u8], now: Now, out: impl FnMut(Output<'_>)) {
        match self {
            Self::Asterisk(session) => session.received(bytes, now, out),
            Self::FreeSwitch(session) => session.received(bytes, now, out),
        }
    }

    /// The connection is gone, or has been closed after [`Output::Failed`].
    pub fn disconnected(&mut self, out: impl FnMut(Output<'_>)) {
        match self {
            Self::Asterisk(session) => session.disconnected(out),
            Self::FreeSwitch(session) => session.disconnected(out),
        }
    }

    /// The channels are asked for twice more within some seconds: what is known of them came from elsewhere, too.
    pub fn look_again(&mut self, now: Now) {
        match self {
            Self::Asterisk(session) => session.look_again(now),
            Self::FreeSwitch(session) => session.look_again(now),
        }
    }

    /// To be called when [`Self::next_deadline`] has come. Calling it early does nothing.
    pub fn timed_out(&mut self, now: Now, out: impl FnMut(Output<'_>)) {
        match self {
            Self::Asterisk(session) => session.timed_out(now, out),
            Self::FreeSwitch(session) => session.timed_out(now, out),
        }
    }

    /// When [`Self::timed_out`] has to be called, by the monotonic clock.
    pub fn next_deadline(&self) -> Option<Duration> {
        match self {
            Self::Asterisk(session) => session.next_deadline(),
            Self::FreeSwitch(session) => session.next_deadline(),
        }
    }

    /// How far the link is.
    pub fn state(&self) -> State {
        match self {
            Self::Asterisk(session) => session.state(),
            Self::FreeSwitch(session) => session.state(),
        }
    }

    /// What the PBX says of itself, as far as known.
    pub fn about(&self) -> &About {
        match self {
            Self::Asterisk(session) => session.about(),
            Self::FreeSwitch(session) => session.about(),
        }
    }

    /// How the link is doing.
    pub fn health(&self) -> Health {
        match self {
            Self::Asterisk(session) => session.health(),
            Self::FreeSwitch(session) => session.health(),
        }
    }

    /// What came in so far, by what became of it.
    pub fn counts(&self) -> Counts {
        match self {
            Self::Asterisk(session) => session.counts(),
            Self::FreeSwitch(session) => session.counts(),
        }
    }

    /// The last moment the PBX is known to have been heard, by its clock.
    pub fn last_heard(&self) -> Option<PbxTime> {
        match self {
            Self::Asterisk(session) => session.last_heard(),
            Self::FreeSwitch(session) => session.last_heard(),
        }
    }
}
