//! How legs end, and why.

use crate::tracker::arena::ChannelKey;
use crate::tracker::channel::Caller;
use crate::tracker::graph::Route;
use crate::tracker::leg::{Leg, State};
use crate::tracker::state::{Context, Tracker};
use crate::{Cause, DialOutcome, EndReason, PbxTime, Seen, Transfer};

impl Tracker {
    pub(in crate::tracker) fn gone(&mut self, cx: &mut Context<'_>, who: Seen<'_>, cause: Cause) {
        let Some(key) = self.heard(cx, who.id, false) else { return };
        self.tell_before_it_is_gone(cx, key);
        let reason = self.reason_of_hangup(key, cause);
        let parked = self.channels.get_mut(key).and_then(|channel| channel.parking.take());
        match parked {
            Some(parking) => self.end(cx, key, parking.at, EndReason::Transferred, Some(parking.transfer)),
            None => self.end(cx, key, cx.at, reason, None),
        }
        self.tell_callers(key, cause);
        self.forget(cx, key);
    }

    /// A phone that rang and is gone before it was known for whom did ring.
    pub(in crate::tracker) fn tell_before_it_is_gone(&mut self, cx: &mut Context<'_>, key: ChannelKey) {
        if self.unlinked.end(key) {
            self.begin_incoming(cx, key, None, None, false);
        }
    }

    pub(in crate::tracker) fn dial_failed(
        &mut self,
        cx: &mut Context<'_>,
        to: ChannelKey,
        outcome: DialOutcome,
    ) {
        let Some(channel) = self.channels.get(to) else { return };
        let Leg::Open(open) = &channel.leg else { return };
        if open.state != State::Ringing {
            return;
        }
        let reason = match outcome {
            DialOutcome::Answered | DialOutcome::Cancelled => self.loser_reason(to),
            DialOutcome::NoAnswer => EndReason::NoAnswer,
            DialOutcome::Busy => EndReason::Busy,
            DialOutcome::Failed => EndReason::Failed,
        };
        self.end(cx, to, cx.at, reason, None);
    }

    /// `Ended`, once. A transfer told here is a transfer away and counts before any other.
    pub(in crate::tracker) fn end(
        &mut self,
        cx: &mut Context<'_>,
        key: ChannelKey,
        at: PbxTime,
        reason: EndReason,
        transfer: Option<Transfer>,
    ) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        if !matches!(channel.leg, Leg::Open(_)) {
            return;
        }
        channel.parking = None;
        if let Leg::Open(mut open) = std::mem::replace(&mut channel.leg, Leg::Over) {
            open.transfer = transfer.or(open.transfer);
            self.open_legs -= 1;
            cx.tell(open.end(at, reason));
            self.note(cx, key);
        }
    }

    /// Ends a leg whose end nobody saw, and forgets the channel.
    pub(in crate::tracker) fn vanish(
        &mut self,
        cx: &mut Context<'_>,
        key: ChannelKey,
        at: PbxTime,
        reason: EndReason,
    ) {
        if let Some(channel) = self.channels.get_mut(key)
            && let Leg::Open(open) = &mut channel.leg
        {
            open.assumed = true;
        }
        self.end(cx, key, at, reason, None);
        self.forget(cx, key);
    }

    pub(in crate::tracker) fn forget(&mut self, cx: &mut Context<'_>, key: ChannelKey) {
        self.leave(key);
        if let Some(channel) = self.channels.get_mut(key) {
            channel.mark = None;
        }
        self.note(cx, key);
        if let Some(channel) = self.channels.remove(key) {
            self.gone.remember(channel.id.clone());
            if channel.is_helper() && channel.other_half().is_none() {
                self.halves.retain(|_, half| *half != key);
            }
        }
    }

    /// Whoever reached for a channel that is gone learns why; so does whoever was reached through it.
    pub(in crate::tracker) fn tell_callers(&mut self, key: ChannelKey, cause: Cause) {
        let lost =
            cause == Cause::AnsweredElsewhere || self.loser_reason(key) == EndReason::AnsweredElsewhere;
        if lost && let Some(other) = self.channels.get(key).and_then(|channel| channel.other_half()) {
            self.take(other);
        }
        let Route::Party { key: party, .. } = self.route_to(key) else { return };
        if let Some(channel) = self.channels.get_mut(party) {
            channel.last_cause = cause;
            channel.dials.retain(|dialled| *dialled != key);
        }
    }

    /// Why a phone that rang in vain lost its call.
    pub(in crate::tracker) fn loser_reason(&self, key: ChannelKey) -> EndReason {
        let party = match (self.route_to(key), self.channels.get(key).map(|channel| channel.caller)) {
            (Route::Party { key, .. }, _) | (_, Some(Caller::Channel(key))) => self.channels.get(key),
            (Route::Unknown | Route::Nobody, _) => None,
        };
        if party.is_some_and(|party| party.taken) {
            EndReason::AnsweredElsewhere
        } else {
            EndReason::Cancelled
        }
    }

    pub(in crate::tracker) fn reason_of_hangup(&self, key: ChannelKey, cause: Cause) -> EndReason {
        let Some(channel) = self.channels.get(key) else { return EndReason::Failed };
        let Leg::Open(open) = &channel.leg else { return EndReason::Failed };
        match open.state {
            State::Ringing => match cause {
                Cause::AnsweredElsewhere => EndReason::AnsweredElsewhere,
                Cause::Busy => EndReason::Busy,
                Cause::Rejected => EndReason::Rejected,
                Cause::NoAnswer => EndReason::NoAnswer,
                Cause::Normal | Cause::Unreachable => self.loser_reason(key),
            },
            State::Talking { .. } | State::Conversing { .. } => {
                if channel.hanging_up || channel.left_first {
                    EndReason::HungUpByEmployee
                } else {
                    EndReason::HungUpByCounterpart
                }
            }
            State::Dialling => match (channel.hanging_up, channel.last_outcome, channel.last_cause) {
                (true, _, _) => EndReason::Cancelled,
                (false, Some(DialOutcome::Busy), _) | (false, _, Cause::Busy) => EndReason::Busy,
                (false, _, Cause::Rejected) => EndReason::Rejected,
                (false, Some(DialOutcome::Cancelled), _) => EndReason::Cancelled,
                (false, _, Cause::Unreachable) | (false, Some(DialOutcome::Failed), _) => EndReason::Failed,
                (false, Some(DialOutcome::NoAnswer), _) => EndReason::NoAnswer,
                (false, Some(DialOutcome::Answered) | None, _) => EndReason::Cancelled,
            },
        }
    }
}
