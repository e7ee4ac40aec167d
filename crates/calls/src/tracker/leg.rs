//! A leg: the states it goes through, and the events it gives.

use std::sync::Arc;

use crate::tracker::arena::ChannelKey;
use crate::{CallId, Direction, EndReason, Ended, Event, LegId, OpenLeg, PbxTime, Phone, Transfer, What};

/// What a phone's channel is to the outside.
#[derive(Debug)]
pub(super) enum Leg {
    /// Nothing was told of it, perhaps never will be.
    Silent,
    /// Begun, not ended.
    Open(Box<Open>),
    /// Ended. The channel may live on; nothing follows.
    Over,
}

/// Where an open leg is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The phone rings.
    Ringing,
    /// The employee answered.
    Talking { since: PbxTime },
    /// The phone placed a call.
    Dialling,
    /// The other side answered.
    Conversing { since: PbxTime },
}

/// A leg that has begun.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) id: LegId,
    pub(super) call: CallId,
    pub(super) phone: Arc<Phone>,
    pub(super) begun_at: PbxTime,
    pub(super) waiting_since: Option<PbxTime>,
    pub(super) sequence: u8,
    /// The channel that is its counterpart, while it is known.
    pub(super) party: Option<ChannelKey>,
    pub(super) counterpart: Option<LegId>,
    pub(super) a_number: Arc<str>,
    pub(super) b_number: Arc<str>,
    pub(super) dialed_number: Arc<str>,
    pub(super) queue: Arc<str>,
    pub(super) transfer: Option<Transfer>,
    /// Something its later events rest on had to be assumed.
    pub(super) assumed: bool,
    pub(super) state: State,
}

impl Open {
    pub(super) fn direction(&self) -> Direction {
        match self.state {
            State::Ringing | State::Talking { .. } => Direction::Incoming,
            State::Dialling | State::Conversing { .. } => Direction::Outgoing,
        }
    }

    pub(super) fn answered_at(&self) -> Option<PbxTime> {
        match self.state {
            State::Ringing | State::Dialling => None,
            State::Talking { since } | State::Conversing { since } => Some(since),
        }
    }

    /// Another reader of the PBX began it, and knew of it what it knew; an answer that only that one heard holds, too.
    pub(super) fn is_called_as(&mut self, told: Self) {
        // An outgoing call's answer is no event of its own: a note tells it.
        let is_noted = matches!((told.state, self.state), (State::Dialling, State::Conversing { .. }));
        let is_told = told.sequence >= self.sequence && !is_noted;
        // A list showed it up, and it may have been asked to confirm.
        let is_guessed =
            self.assumed && matches!((told.state, self.state), (State::Ringing, State::Talking { .. }));
        let holds = is_told || is_guessed || told.direction() != self.direction();
        let state = if holds { told.state } else { self.state };
        *self = Self {
            sequence: if is_guessed { told.sequence } else { self.sequence.max(told.sequence) },
            party: self.party,
            counterpart: self.counterpart.take().or(told.counterpart),
            transfer: self.transfer.take(),
            assumed: self.assumed && !holds,
            state,
            ..told
        };
    }

    /// The event it begins with.
    pub(super) fn begin(&mut self) -> Event {
        let what = match self.direction() {
            Direction::Incoming => What::Incoming,
            Direction::Outgoing => What::Outgoing,
        };
        self.event(self.begun_at, what)
    }

    /// The employee answers.
    pub(super) fn answer(&mut self, at: PbxTime) -> Event {
        let at = at.max(self.begun_at);
        self.state = State::Talking { since: at };
        self.event(at, What::Answered)
    }

    /// The leg is gone.
    pub(super) fn end(mut self, at: PbxTime, reason: EndReason) -> Event {
        let at = at.max(self.answered_at().unwrap_or(self.begun_at));
        let ended = Ended { answered_at: self.answered_at(), reason, transfer: self.transfer.take() };
        self.event(at, What::Ended(ended))
    }

    fn event(&mut self, at: PbxTime, what: What) -> Event {
        self.sequence = self.sequence.saturating_add(1);
        Event {
            leg: self.id.clone(),
            call: self.call.clone(),
            sequence: self.sequence,
            phone: self.phone.clone(),
            direction: self.direction(),
            at,
            begun_at: self.begun_at,
            waiting_since: self.waiting_since,
            counterpart: self.counterpart.clone(),
            a_number: self.a_number.clone(),
            b_number: self.b_number.clone(),
            dialed_number: self.dialed_number.clone(),
            queue: self.queue.clone(),
            assumed: self.assumed,
            what,
        }
    }
}

impl From<OpenLeg> for Open {
    fn from(leg: OpenLeg) -> Self {
        let state = match (leg.direction, leg.answered_at) {
            (Direction::Incoming, None) => State::Ringing,
            (Direction::Incoming, Some(since)) => State::Talking { since },
            (Direction::Outgoing, None) => State::Dialling,
            (Direction::Outgoing, Some(since)) => State::Conversing { since },
        };
        Self {
            id: leg.leg,
            call: leg.call,
            phone: leg.phone,
            begun_at: leg.begun_at,
            waiting_since: leg.waiting_since,
            sequence: leg.sequence,
            party: None,
            counterpart: leg.counterpart,
            a_number: leg.a_number,
            b_number: leg.b_number,
            dialed_number: leg.dialed_number,
            queue: leg.queue,
            transfer: None,
            assumed: false,
            state,
        }
    }
}
