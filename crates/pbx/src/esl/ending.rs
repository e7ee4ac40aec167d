//! How channels end.
//!
//! Of a transfer by a feature code or a program only the party knows, in the history it shows at its next event, which
//! may come before the end of the one who transferred or after it. So an end of somebody who was bridged waits until
//! everybody who was with it has spoken or is gone, and at most as long as [`super::Limits`] say.

use std::time::Duration;

use calls::{Cause, DialOutcome, Input, PbxTime};

use super::channel::{Channel, Destination, Hangup, Hint, Key, Life, Word};
use super::event::Event;
use super::field::Field;
use super::translate::{Out, Translator};
use super::words;

impl Translator {
    pub(super) fn hung_up(&mut self, key: Key, at: PbxTime, event: &Event<'_>, out: Out<'_>) {
        let Some(channel) = self.channels.get(key) else { return };
        if !channel.lives() {
            return;
        }
        let name = event.word(Field::HangupCause);
        let partner = channel.with.or(channel.left_by).or(channel.met().next_back());
        // Who was never bridged gave up only if FreeSWITCH says so; of two who were, the first to go hung up.
        let first = match partner {
            None => {
                name == "ORIGINATOR_CANCEL"
                    || (name == "NORMAL_CLEARING" && (channel.lifted_at.is_some() || !channel.dials))
            }
            Some(partner) => self.channels.get(partner).is_none_or(Channel::lives),
        };
        let cause = match words::cause(name) {
            Cause::Normal if self.lost_behind_loopback(key) => Cause::AnsweredElsewhere,
            Cause::AnsweredElsewhere | Cause::Normal if self.lost_to_colleague(key) => Cause::PickedUp,
            cause => cause,
        };
        if name == "ATTENDED_TRANSFER" {
            self.joined_elsewhere(key, at, out);
        }
        let before = self.partners([key]);
        // A number that leads nowhere was never told, nor a channel that reached for nothing.
        if self.channels.get(key).is_some_and(|channel| channel.told) {
            self.forwarded(key, at, name, event, out);
        }
        if name == "PICKED_OFF"
            && let Some(channel) = self.channels.get_mut(key)
        {
            channel.hint = None;
        }
        if let Some(agent) = self.channels.get(key).filter(|channel| channel.agent && first) {
            out(at, Input::HangingUp { who: agent.seen() });
        }
        self.ends(key, Hangup { at, cause, first });
        self.resolve(key, out);
        let Some(channel) = self.channels.get(key) else { return };
        // Those it rang for need not wait for who takes it.
        let rung = channel.dialled_now.clone();
        for waiting in before.into_iter().chain(channel.origin).chain(rung) {
            self.resolve(waiting, out);
        }
    }

    /// A phone joined its party with a call it has on another machine: the party is given a channel to there, and the
    /// phone's end is all that says so.
    pub(super) fn joined_elsewhere(&mut self, key: Key, at: PbxTime, out: Out<'_>) {
        let Some(channel) = self.channels.get(key) else { return };
        if channel.word.is_some() || channel.hint.is_some() || channel.transferred {
            return;
        }
        let Some(party) = self.last_with(key).or_else(|| channel.met().next_back()) else { return };
        let target = self.channels.get(party).and_then(|party| {
            let is_other = |other: &Key| {
                *other != key
                    && self.channels.get(*other).is_some_and(|other| other.lives() && !other.is_loopback())
            };
            party.with.filter(&is_other).or_else(|| party.dialled_now.iter().rev().copied().find(is_other))
        });
        if let Some(target) = target {
            self.hint(key, Hint { at, party, to: Destination::Channel(target), is_guess: false }, out);
        }
    }

    /// A phone that rang for somebody whom a colleague took.
    pub(super) fn lost_to_colleague(&self, key: Key) -> bool {
        let party = self.channels.real_origin(key).and_then(|party| self.channels.get(party));
        party.is_some_and(|party| party.picked_up)
    }

    /// A phone behind a loopback that lost the race is told to have been given up.
    pub(super) fn lost_behind_loopback(&self, key: Key) -> bool {
        let Some(channel) = self.channels.get(key) else { return false };
        let Some(half) = channel.origin.filter(|_| !channel.placed && !channel.up) else { return false };
        let lost = |key: Key| {
            let life = self.channels.get(key).filter(|half| half.is_loopback()).map(|half| half.life);
            matches!(life, Some(Life::Over(cause) | Life::Ending(Hangup { cause, .. })) if cause == Cause::AnsweredElsewhere)
        };
        lost(half) || self.channels.other_half(half).is_some_and(lost)
    }

    /// The phone sent its call on (SIP 302).
    pub(super) fn forwarded(&mut self, key: Key, at: PbxTime, cause: &str, event: &Event<'_>, out: Out<'_>) {
        let to = event.get(Field::RedirectedTo);
        if cause != "REDIRECTION_TO_NEW_DESTINATION" || to.is_empty() {
            return;
        }
        let origin = self.channels.get(key).and_then(|channel| channel.origin);
        let from = origin.filter(|origin| self.channels.get(*origin).is_some());
        if let Some(party) = self.channels.real_origin(key) {
            self.sent(party);
        }
        out(
            at,
            Input::DialEnded {
                from: from.map(|from| self.seen(from)),
                to: self.seen(key),
                outcome: DialOutcome::Failed,
                forward: &to,
            },
        );
        self.dialled_already(origin, at, &to, out);
    }

    /// Whoever a call was sent on to may be dialled before it is heard that it was sent on.
    pub(super) fn dialled_already(&mut self, origin: Option<Key>, at: PbxTime, to: &str, out: Out<'_>) {
        let dialled = origin.and_then(|origin| Some((origin, self.channels.get(origin)?)));
        let Some((origin, by)) = dialled else { return };
        let is_it = |key: &&Key| {
            self.channels.get(**key).is_some_and(|next| {
                let is_new = is_near(next.created_at, at, self.limits.word);
                next.lives() && !next.rang && is_new && (*next.number == *to || *next.dialled == *to)
            })
        };
        if let Some(next) = by.dialled_now.iter().find(is_it) {
            out(at, Input::DialBegan { from: Some(self.seen(origin)), to: self.seen(*next) });
        }
    }

    /// A channel ends. What is to be told of it may have to wait.
    pub(super) fn ends(&mut self, key: Key, hangup: Hangup) {
        if let Some(channel) = self.channels.get_mut(key) {
            channel.life = Life::Ending(hangup);
            self.ending.push_back((hangup.at.max(self.now) + self.limits.word, key));
        }
    }

    /// Tells a channel's end, if all is known about it.
    pub(super) fn resolve(&mut self, key: Key, out: Out<'_>) {
        let Some(channel) = self.channels.get(key) else { return };
        let Life::Ending(hangup) = channel.life else { return };
        if channel.transferred {
            return self.gone(key, hangup, out);
        }
        match (channel.word.as_deref(), channel.hint.as_deref()) {
            (Some(Word::WhileRinging { party }), _) => {
                let party = *party;
                if let Some(first) = self.who_asks(key, party) {
                    self.joined_while_ringing(first, key, party, hangup.at, out);
                }
            }
            // The channel named there says the rest.
            (Some(_), _) => {}
            (None, Some(hint)) if !hint.is_guess && is_near(hint.at, hangup.at, self.limits.word) => {
                let hint = hint.clone();
                self.transfer_by_hint(key, hangup.at, &hint, out);
                self.gone(key, hangup, out);
            }
            // The party itself may still say where it was sent.
            (None, Some(hint)) if hint.is_guess => {}
            (None, _) => {
                // Whoever it dialled must not lose it before it has rung: the two may be told in any order.
                let may_be_told = !self.somebody_may_speak(key) && !self.channels.about_to_ring(key);
                if may_be_told && !self.taker_is_unknown(key, hangup.cause) {
                    self.gone(key, hangup, out);
                }
            }
        }
    }

    /// Whether anybody is still with a channel, or was left by it and has said nothing since.
    pub(super) fn somebody_may_speak(&self, key: Key) -> bool {
        let Some(channel) = self.channels.get(key) else { return false };
        channel
            .met()
            .filter_map(|met| self.channels.get(met))
            .any(|other| other.lives() && (other.with == Some(key) || other.left_by == Some(key)))
    }

    /// Nothing more will be said of a channel that ended.
    pub(super) fn conclude(&mut self, key: Key, out: Out<'_>) {
        let Some(channel) = self.channels.get(key) else { return };
        let Life::Ending(hangup) = channel.life else { return };
        if let Some(&Word::WhileRinging { party }) = channel.word.as_deref()
            && let Some(first) = self.last_with(party)
        {
            self.joined_while_ringing(first, key, party, hangup.at, out);
        }
        let guess = self.channels.get(key).and_then(|channel| channel.hint.clone());
        if let Some(guess) = guess.filter(|hint| hint.is_guess) {
            self.transfer_by_hint(key, hangup.at, &guess, out);
        }
        self.gone(key, hangup, out);
    }

    /// Nothing more will be said of any channel that ended.
    pub(super) fn conclude_all(&mut self, out: Out<'_>) {
        while let Some((_, key)) = self.ending.pop_front() {
            self.conclude(key, out);
        }
    }

    pub(super) fn gone(&mut self, key: Key, hangup: Hangup, out: Out<'_>) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        if matches!(channel.life, Life::Over(_)) {
            return;
        }
        channel.life = Life::Over(hangup.cause);
        let hangup = Hangup { cause: self.cause_known_now(key, hangup.cause), ..hangup };
        let Some(channel) = self.channels.get(key) else { return };
        let in_vain = !channel.placed && !channel.up && hangup.cause == Cause::NoAnswer;
        let origin = channel.origin.filter(|_| in_vain);
        if let Some(from) = origin.filter(|origin| self.channels.get(*origin).is_some()) {
            let (from, to) = (Some(self.seen(from)), self.seen(key));
            out(hangup.at, Input::DialEnded { from, to, outcome: DialOutcome::NoAnswer, forward: "" });
        }
        let Some(channel) = self.channels.get(key) else { return };
        if channel.told {
            if hangup.first && !channel.transferred {
                out(hangup.at, Input::HangingUp { who: channel.seen() });
            }
            out(hangup.at, Input::Gone { who: channel.seen(), cause: hangup.cause });
        }
        self.over.push_back((self.now + self.limits.memory, key));
    }

    /// Who rang and was cancelled lost to whoever answered the party meanwhile.
    pub(super) fn cause_known_now(&self, key: Key, cause: Cause) -> Cause {
        let Some(channel) = self.channels.get(key) else { return cause };
        let rang_in_vain = !channel.placed && channel.rang && !channel.up;
        if cause != Cause::Normal || !rang_in_vain {
            return cause;
        }
        let Some(party) = self.channels.real_origin(key) else { return cause };
        let taker = self.channels.far_end(party).and_then(|taker| self.channels.get(taker));
        let answered = taker.is_some_and(|taker| {
            taker.origin.is_some() && taker.lifted_at.is_some_and(|lifted_at| lifted_at >= channel.created_at)
        });
        if answered { Cause::AnsweredElsewhere } else { cause }
    }
}

/// Whether two moments are no further apart than this, either way round.
fn is_near(one: PbxTime, other: PbxTime, limit: Duration) -> bool {
    one.since(other) <= limit && other.since(one) <= limit
}
