//! How legs end, and why.

use crate::tracker::arena::ChannelKey;
use crate::tracker::channel::{Caller, Channel, Lost};
use crate::tracker::graph::{LONGEST_WAY, Route};
use crate::tracker::leg::{Leg, State};
use crate::tracker::state::{Context, Tracker};
use crate::tracker::timers::ANSWER_SLACK;
use crate::{Cause, DialOutcome, EndReason, PbxTime, Seen, Transfer};

impl Tracker {
    pub(in crate::tracker) fn gone(&mut self, cx: &mut Context<'_>, who: Seen<'_>, cause: Cause) {
        let Some(key) = self.heard(cx, who.id, false) else { return };
        self.tell_before_it_is_gone(cx, key);
        self.tell_placed_at_end(cx, key, cause);
        self.caller_is_gone(cx, key);
        self.talk_is_over(cx, key, EndReason::HungUpByEmployee);
        self.losing.end(key);
        let lost = self.channels.get(key).and_then(|channel| channel.rare().lost);
        let parked = self.channels.get_mut(key).and_then(|channel| channel.rare.as_mut()?.parking.take());
        match (parked, lost) {
            (Some(parking), _) => self.parks(cx, key, parking),
            (None, Some(lost)) => {
                let reason = self.reason_of_loss(key, lost, cause);
                self.end(cx, key, lost.at, reason, None);
            }
            (None, None) => {
                let reason = self.reason_of_hangup(key, cause);
                self.end(cx, key, cx.at, reason, None);
            }
        }
        self.tell_callers(key, cause);
        self.forget(cx, key);
    }

    /// A phone that rang and is gone before it was known for whom did ring, if the word of it may have been
    /// missed.
    pub(in crate::tracker) fn tell_before_it_is_gone(&mut self, cx: &mut Context<'_>, key: ChannelKey) {
        let was_missed = self.channels.get(key).is_some_and(|channel| channel.beginning_missed);
        if self.unlinked.end(key) && was_missed {
            self.begin_incoming(cx, key, None, None, false);
        }
    }

    /// An attempt to reach a phone that rings ended in vain. Why, its hang-up tells more exactly, which comes at
    /// once; and where a call is handed from one channel to another, the attempt begins anew instead (scenario
    /// `07: an attempt handed over`).
    pub(in crate::tracker) fn dial_failed(
        &mut self,
        cx: &mut Context<'_>,
        to: ChannelKey,
        outcome: DialOutcome,
    ) {
        if !self.rings(to) {
            if let Some(channel) = self.channels.get_mut(to).filter(|channel| channel.is_helper()) {
                channel.rare_mut().lost.get_or_insert(Lost { at: cx.at, outcome });
            }
            return;
        }
        let has_caller_gone = match self.route_to(to) {
            Route::Party { key: party, .. } => {
                self.channels.get(party).is_some_and(|party| party.hanging_up || party.taken)
            }
            Route::Unknown | Route::Nobody => false,
        };
        let is_sure = match outcome {
            DialOutcome::Answered | DialOutcome::Failed => true,
            DialOutcome::Cancelled => {
                has_caller_gone || self.loser_reason(to, cx.at) == EndReason::AnsweredElsewhere
            }
            DialOutcome::NoAnswer | DialOutcome::Busy => false,
        };
        // Of two the first counts: a queue says twice that an attempt ended.
        let first = self.channels.get(to).and_then(|channel| channel.rare().lost);
        let lost = first.unwrap_or(Lost { at: cx.at, outcome });
        if is_sure || first.is_some_and(|first| first.outcome == DialOutcome::Cancelled) {
            let reason = self.reason_of_loss(to, lost, Cause::Unsaid);
            self.losing.end(to);
            return self.end(cx, to, lost.at, reason, None);
        }
        if let Some(channel) = self.channels.get_mut(to) {
            channel.rare_mut().lost = Some(lost);
            self.losing.begin(cx.at, to);
        }
    }

    /// Those whose attempt ended and was not handed over.
    pub(in crate::tracker) fn tell_lost(&mut self, cx: &mut Context<'_>) {
        for key in self.losing.due(cx.at) {
            if let Some(lost) = self.channels.get_mut(key).and_then(Channel::take_lost) {
                let reason = self.reason_of_loss(key, lost, Cause::Unsaid);
                self.end(cx, key, lost.at, reason, None);
            }
        }
    }

    fn reason_of_loss(&self, key: ChannelKey, lost: Lost, cause: Cause) -> EndReason {
        match (lost.outcome, cause) {
            (DialOutcome::Busy | DialOutcome::NoAnswer, Cause::Rejected) => EndReason::Rejected,
            (DialOutcome::Busy, _) | (DialOutcome::NoAnswer, Cause::Busy) => EndReason::Busy,
            // Older queues say so of those who lost to whoever lifted.
            (DialOutcome::NoAnswer, Cause::AnsweredElsewhere)
                if self.loser_reason(key, lost.at) == EndReason::AnsweredElsewhere =>
            {
                EndReason::AnsweredElsewhere
            }
            // The phone hung up while it rang: a refusal, whatever the dialplan makes of it.
            (DialOutcome::NoAnswer, _) if self.channels.get(key).is_some_and(|one| one.hanging_up) => {
                EndReason::Rejected
            }
            (DialOutcome::NoAnswer, _) => EndReason::NoAnswer,
            (DialOutcome::Cancelled | DialOutcome::Answered, _) => self.loser_reason_by(key, lost.at, cause),
            (DialOutcome::Failed, _) => EndReason::Failed,
        }
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
        if let Some(mut talk) = channel.agent.as_mut().and_then(|agent| agent.talk.take()) {
            talk.transfer = transfer.or(talk.transfer);
            self.open_legs -= 1;
            return cx.tell(talk.end(at, reason));
        }
        if !matches!(channel.leg, Leg::Open(_)) {
            return;
        }
        if let Some(rare) = &mut channel.rare {
            rare.parking = None;
        }
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
            && let Some(open) = channel.open_mut()
        {
            open.assumed = true;
        }
        if self.channels.get(key).and_then(|channel| channel.agent.as_ref()?.talk.as_ref()).is_some() {
            self.end(cx, key, at, reason, None);
            return self.vanish(cx, key, at, reason);
        }
        self.end(cx, key, at, reason, None);
        self.forget(cx, key);
    }

    pub(in crate::tracker) fn forget(&mut self, cx: &mut Context<'_>, key: ChannelKey) {
        self.leave(key);
        for waits in [&mut self.placed, &mut self.losing, &mut self.unlinked, &mut self.by_program] {
            waits.end(key);
        }
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
        let is_taken = matches!(cause, Cause::PickedUp)
            || self.loser_reason(key, self.now) == EndReason::AnsweredElsewhere;
        let lost = self.channels.get(key).and_then(|channel| channel.rare().lost);
        if let Some(other) = self.channels.get(key).and_then(|channel| channel.other_half())
            && let Some(other) = self.channels.get_mut(other)
        {
            other.taken |= is_taken;
            if lost.is_some() && other.rare().lost.is_none() {
                other.rare_mut().lost = lost;
            }
        }
        let Route::Party { key: party, .. } = self.route_to(key) else { return };
        if let Some(channel) = self.channels.get_mut(party) {
            channel.last_cause = cause;
            channel.dials.retain(|dialled| *dialled != key);
        }
    }

    /// Why a phone that rang in vain lost its call: because somebody else has it, or lifted just now (whoever
    /// lifts may have to confirm, but the others are told to stop before it is known that it has the caller).
    pub(in crate::tracker) fn loser_reason(&self, key: ChannelKey, at: PbxTime) -> EndReason {
        let party = match (self.route_to(key), self.channels.get(key).map(|channel| channel.caller)) {
            (Route::Party { key, .. }, _) | (_, Some(Caller::Channel(key))) => self.channels.get(key),
            (Route::Unknown | Route::Nobody, _) => None,
        };
        let Some(party) = party else { return EndReason::Cancelled };
        let just_lifted = party.lifted_at.is_some_and(|lifted| at.since(lifted) <= ANSWER_SLACK);
        if party.taken || just_lifted {
            EndReason::AnsweredElsewhere
        } else if self.outcome_above(key) == Some(DialOutcome::NoAnswer) {
            EndReason::NoAnswer
        } else {
            EndReason::Cancelled
        }
    }

    /// The same, with the cause of the hang-up. That it was answered elsewhere a PBX says too of what it gave up,
    /// so it is believed only where nothing else is known.
    fn loser_reason_by(&self, key: ChannelKey, at: PbxTime, cause: Cause) -> EndReason {
        let reason = self.loser_reason(key, at);
        let is_hanging_up = match self.route_to(key) {
            Route::Party { key: party, .. } => self.channels.get(party).is_some_and(|party| party.hanging_up),
            Route::Unknown | Route::Nobody => false,
        };
        let is_known = is_hanging_up || self.outcome_above(key).is_some();
        match (reason, cause) {
            (EndReason::Cancelled, Cause::AnsweredElsewhere) if !is_known => EndReason::AnsweredElsewhere,
            (reason, _) => reason,
        }
    }

    /// How the attempt ended that reached a phone through helpers.
    fn outcome_above(&self, key: ChannelKey) -> Option<DialOutcome> {
        let outcome = |key: ChannelKey| self.channels.get(key)?.rare().lost.map(|lost| lost.outcome);
        let mut key = key;
        for _ in 0..LONGEST_WAY {
            let Caller::Channel(dialler) = self.channels.get(key)?.caller else { return None };
            let half = self.channels.get(dialler)?.other_half();
            if let Some(outcome) = outcome(dialler).or_else(|| half.and_then(outcome)) {
                return Some(outcome);
            }
            key = half?;
        }
        None
    }

    pub(in crate::tracker) fn reason_of_hangup(&self, key: ChannelKey, cause: Cause) -> EndReason {
        let Some(channel) = self.channels.get(key) else { return EndReason::Failed };
        let Leg::Open(open) = &channel.leg else { return EndReason::Failed };
        match open.state {
            // Lifted, and not given the caller.
            State::Ringing if channel.up_at.is_some() => EndReason::NoAnswer,
            State::Ringing => match cause {
                Cause::PickedUp => EndReason::PickedUp,
                Cause::Busy => EndReason::Busy,
                Cause::Rejected => EndReason::Rejected,
                Cause::NoAnswer => EndReason::NoAnswer,
                Cause::Unsaid | Cause::Normal | Cause::Unreachable | Cause::AnsweredElsewhere => {
                    self.loser_reason_by(key, self.now, cause)
                }
            },
            State::Talking { .. } | State::Conversing { .. } => {
                if cause == Cause::PickedUp {
                    EndReason::PickedUp
                } else if channel.hanging_up || channel.left_first {
                    EndReason::HungUpByEmployee
                } else {
                    EndReason::HungUpByCounterpart
                }
            }
            State::Dialling => self.reason_of_failure(channel),
        }
    }

    /// Why a call that a phone placed came to nothing: as its last attempt ended, whoever hangs up then.
    fn reason_of_failure(&self, channel: &Channel) -> EndReason {
        let gave_up = channel.hanging_up && !channel.rare().queue.is_empty();
        match (channel.last_outcome, channel.last_cause) {
            _ if gave_up => EndReason::Cancelled,
            (Some(DialOutcome::Cancelled), _) => EndReason::Cancelled,
            (Some(DialOutcome::Answered) | None, _) if channel.hanging_up => EndReason::Cancelled,
            (_, Cause::Rejected) => EndReason::Rejected,
            (Some(DialOutcome::Busy), _) | (_, Cause::Busy) => EndReason::Busy,
            (_, Cause::Unreachable) | (Some(DialOutcome::Failed), _) => EndReason::Failed,
            (Some(DialOutcome::NoAnswer), _) => EndReason::NoAnswer,
            (Some(DialOutcome::Answered) | None, _) => EndReason::Cancelled,
        }
    }
}
