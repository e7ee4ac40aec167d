//! How channels end, and who was transferred by whom.
//!
//! FreeSWITCH has no event of a transfer. The phone that transfers by SIP says so in variables of its own
//! events; of a transfer by a feature code or a program only the party knows, in the history it shows at its
//! next event, which may come before the end of the one who transferred or after it. So an end of somebody
//! who was bridged waits until everybody who was with it has spoken or is gone, and at most as long as
//! [`super::Limits`] say.

use std::time::Duration;

use calls::{Cause, DialOutcome, Input, PbxTime};

use super::channels::{Channel, Destination, Hangup, Hint, Journey, Key, Life, Word};
use super::event::Event;
use super::field::Field;
use super::translate::{Out, Translator};
use super::words::{self, Entry};

/// What is written down is written down to the second.
const A_SECOND: Duration = Duration::from_secs(1);

impl Translator {
    // What events say of transfers

    /// Reads what an event of a channel says of a transfer, by it or of it.
    pub(super) fn read_words(&mut self, key: Key, at: PbxTime, event: &Event<'_>, out: Out<'_>) {
        if let Some(word) = self.own_word(event) {
            self.heard_word(key, at, word, out);
        }
        self.read_history(key, at, event, out);
    }

    fn own_word(&self, event: &Event<'_>) -> Option<Word> {
        let disposition = event.word(Field::TransferDisposition);
        let to = event.get(Field::TransferTo);
        // A phone in a browser says whom its partner gets, and no more.
        let disposition =
            if to.starts_with("att:") && disposition.is_empty() { "recv_replace" } else { disposition };
        if disposition.is_empty() {
            return None;
        }
        let named = |prefix: &str| to.strip_prefix(prefix).and_then(|id| self.channels.find(id));
        let second = self.channels.find(event.word(Field::ReferredFrom));
        match disposition {
            "recv_replace" => {
                let destination = event.get(Field::TransferDestination);
                match (named("blind:"), named("att:"), second) {
                    (Some(party), _, _) => {
                        let number = destination.strip_prefix("blind:").unwrap_or(&destination);
                        Some(Word::Blind { party, to: number.into() })
                    }
                    (None, Some(target), Some(second)) => Some(Word::Attended { second, target }),
                    (None, None, Some(second)) => Some(Word::AskSecond { second }),
                    (None, _, None) => None,
                }
            }
            "replaced" => match named("satt:") {
                Some(party) => Some(Word::WhileRinging { party }),
                None => Some(Word::Replaced),
            },
            _ => None,
        }
    }

    fn heard_word(&mut self, key: Key, at: PbxTime, word: Word, out: Out<'_>) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        if channel.transferred || matches!(channel.life, Life::Over(_)) {
            return;
        }
        match &word {
            Word::Blind { .. } | Word::Attended { .. } => {
                let at = match channel.life {
                    Life::Ending(hangup) => hangup.at,
                    Life::Up | Life::Over(_) => at,
                };
                channel.word = Some(Box::new(word.clone()));
                self.transfer_by_word(key, at, &word, out);
            }
            Word::AskSecond { second } => {
                let second = *second;
                channel.word = Some(Box::new(word));
                if let Some(second) = self.channels.get_mut(second) {
                    second.joined_by = Some(key);
                }
                self.joined_into_application(key, out);
                self.resolve(second, out);
            }
            Word::WhileRinging { .. } | Word::Replaced => {
                channel.word = Some(Box::new(word));
                // It ends here; that its channel is cleared up later is of no interest.
                if channel.life == Life::Up {
                    self.ends(key, Hangup { at, cause: Cause::Normal, first: false });
                }
                self.joined_into_application(key, out);
                self.resolve(key, out);
            }
        }
    }

    /// What is new in a channel's history: somebody sent it on, or connected it with somebody else.
    fn read_history(&mut self, key: Key, at: PbxTime, event: &Event<'_>, out: Out<'_>) {
        if event.raw(Field::TransferHistory).is_empty() {
            return;
        }
        let text = event.get(Field::TransferHistory);
        let Some(channel) = self.channels.get_mut(key) else { return };
        let entries: Vec<_> = words::history(&text).collect();
        let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let seen = std::mem::replace(&mut channel.history, count) as usize;
        for (made_at, entry) in entries.into_iter().skip(seen) {
            // A channel that said nothing since may show much later what was with somebody else than now.
            let is_old = made_at.is_some_and(|made_at| at.since(made_at) > A_SECOND + self.limits.word);
            match entry {
                _ if is_old => {}
                Entry::Blind(to) => {
                    let to = Destination::Number(to.into());
                    if let Some(by) = self.last_with(key) {
                        self.hint(by, Hint { at, party: key, to, is_guess: false }, out);
                    }
                }
                Entry::Bridged(id) => {
                    if let Some(other) = self.channels.find(id) {
                        self.connected(key, other, at, out);
                    }
                }
                Entry::Other => {}
            }
        }
    }

    /// Two were connected from outside. If both were bridged with the same third one, that one consulted and
    /// joined them: the party is the one it did not dial.
    fn connected(&mut self, one: Key, two: Key, at: PbxTime, out: Out<'_>) {
        let Some((first, second)) = self.channels.get(one).zip(self.channels.get(two)) else { return };
        // Who sent its party on is with nobody any more: what is shown of it is older than that.
        if [first, second].iter().any(|channel| channel.is_loopback() || channel.transferred) {
            return;
        }
        let third = |key: &Key| {
            *key != one && *key != two && second.met_as(*key).is_some() && {
                self.channels.get(*key).is_some_and(|third| !third.is_loopback())
            }
        };
        let Some(by) = first.met().rev().find(third) else { return };
        let dialled = |key: Key| self.channels.real_origin(key) == Some(by);
        let (party, target) = match (dialled(one), dialled(two)) {
            (false, true) => (one, two),
            (true, false) => (two, one),
            (true, true) | (false, false) => {
                let order = |key: Key| self.channels.get(by).and_then(|by| by.met_as(key));
                if order(one) <= order(two) { (one, two) } else { (two, one) }
            }
        };
        self.hint(by, Hint { at, party, to: Destination::Channel(target), is_guess: false }, out);
    }

    /// Somebody who was dialled dials on: it was sent on by whoever it was with and has just left.
    pub(super) fn hint_of_dialling(&mut self, origin: Key, dialled: Key, at: PbxTime, out: Out<'_>) {
        let Some(channel) = self.channels.get(origin) else { return };
        if channel.placed || channel.is_loopback() || channel.origin.is_none() {
            return;
        }
        let Some(by) = self.last_with(origin) else { return };
        let is_ending = self.channels.get(by).is_some_and(|by| matches!(by.life, Life::Ending(_)));
        if let (true, Some(dialled)) = (is_ending, self.channels.get(dialled)) {
            let to = Destination::Number(dialled.dialled.as_str().into());
            self.hint(by, Hint { at, party: origin, to, is_guess: true }, out);
        }
    }

    /// With whom a channel is, or was until that one left it.
    fn last_with(&self, key: Key) -> Option<Key> {
        let channel = self.channels.get(key)?;
        let with = channel.with.or(channel.left_by)?;
        if self.channels.get(with)?.is_loopback() { self.channels.far_end(key) } else { Some(with) }
    }

    fn hint(&mut self, by: Key, hint: Hint, out: Out<'_>) {
        let Some(channel) = self.channels.get_mut(by) else { return };
        let is_known = channel.hint.as_ref().is_some_and(|known| !known.is_guess);
        if channel.transferred || matches!(channel.life, Life::Over(_)) || (hint.is_guess && is_known) {
            return;
        }
        if channel.agent && !hint.is_guess && channel.life == Life::Up {
            return self.agent_transfers(by, &hint, out);
        }
        channel.hint = Some(Box::new(hint));
        self.joined_into_application(by, out);
        self.resolve(by, out);
    }

    /// A phone that keeps its line open sends its caller on, and waits for the next.
    fn agent_transfers(&mut self, by: Key, hint: &Hint, out: Out<'_>) {
        self.transfer_by_hint(by, hint.at, hint, out);
        if let Some(channel) = self.channels.get_mut(by) {
            channel.transferred = false;
        }
    }

    /// A phone joined two calls of which one is with no channel but an application (a queue, a room, a parking place):
    /// the other one's party is sent to the number that leads there.
    fn joined_into_application(&mut self, key: Key, out: Out<'_>) {
        let Some(channel) = self.channels.get(key) else { return };
        let (first, second) = match channel.word.as_deref() {
            Some(Word::AskSecond { second }) => (key, *second),
            Some(Word::Replaced) => match self.who_joins(key) {
                Some(first) => (first, key),
                None => return,
            },
            Some(Word::Blind { .. } | Word::Attended { .. } | Word::WhileRinging { .. }) | None => return,
        };
        let Some((at, party, to)) = self.led_into_application(first, second).or_else(|| {
            let sent = |key: &Key| {
                let hint = self.channels.get(*key)?.hint.as_deref().filter(|hint| !hint.is_guess)?;
                let Destination::Number(to) = &hint.to else { return None };
                Some((hint.at, hint.party, to.clone()))
            };
            [first, second].iter().find_map(sent)
        }) else {
            return;
        };
        for by in [first, second] {
            let over =
                self.channels.get(by).is_none_or(|by| by.transferred || matches!(by.life, Life::Over(_)));
            let ended_at = match self.channels.get(by).map(|by| by.life) {
                Some(Life::Ending(hangup)) => hangup.at,
                Some(Life::Up | Life::Over(_)) | None => at,
            };
            if !over {
                self.blind(by, party, &to, ended_at, out);
            }
        }
        for by in [first, second] {
            self.resolve(by, out);
        }
    }

    /// Who is sent where, if of two calls that a phone joins one never met anybody: by both channels' own words, as
    /// the party may say nothing of it before it dials.
    fn led_into_application(&self, first: Key, second: Key) -> Option<(PbxTime, Key, Box<str>)> {
        let is_second = |key: Key| {
            let channel = self.channels.get(key)?;
            matches!(channel.word.as_deref(), Some(Word::Replaced)).then_some(channel)
        };
        let is_first = |key: Key| {
            let channel = self.channels.get(key)?;
            matches!(channel.word.as_deref(), Some(Word::AskSecond { .. })).then_some(channel)
        };
        let (one, other) = (is_first(first)?, is_second(second)?);
        let is_alone = |channel: &Channel| {
            channel.placed && channel.met_nobody() && !channel.dials && !channel.dialled.is_empty()
        };
        let (with, key, alone) = match (is_alone(one), is_alone(other)) {
            (false, true) => (one, first, other),
            (true, false) => (other, second, one),
            (true, true) | (false, false) => return None,
        };
        let party = self.last_with(key).or_else(|| with.met().next_back())?;
        Some((self.now, party, alone.dialled.as_str().into()))
    }

    /// The first channel of a phone that joined its calls, of which this is the second.
    fn who_joins(&self, second: Key) -> Option<Key> {
        let second = self.channels.get(second)?.joined_by?;
        self.channels.get(second).map(|_| second)
    }

    // Ends

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
    fn joined_elsewhere(&mut self, key: Key, at: PbxTime, out: Out<'_>) {
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
    fn lost_to_colleague(&self, key: Key) -> bool {
        let party = self.channels.real_origin(key).and_then(|party| self.channels.get(party));
        party.is_some_and(|party| party.picked_up)
    }

    /// A phone behind a loopback that lost the race is told to have been given up.
    fn lost_behind_loopback(&self, key: Key) -> bool {
        let Some(channel) = self.channels.get(key) else { return false };
        let Some(half) = channel.origin.filter(|_| !channel.placed && !channel.up) else { return false };
        let lost = |key: Key| {
            let life = self.channels.get(key).filter(|half| half.is_loopback()).map(|half| half.life);
            matches!(life, Some(Life::Over(cause) | Life::Ending(Hangup { cause, .. })) if cause == Cause::AnsweredElsewhere)
        };
        lost(half) || self.channels.other_half(half).is_some_and(lost)
    }

    /// The phone sent its call on (SIP 302).
    fn forwarded(&mut self, key: Key, at: PbxTime, cause: &str, event: &Event<'_>, out: Out<'_>) {
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
    fn dialled_already(&mut self, origin: Option<Key>, at: PbxTime, to: &str, out: Out<'_>) {
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
    fn ends(&mut self, key: Key, hangup: Hangup) {
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
    fn somebody_may_speak(&self, key: Key) -> bool {
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

    fn gone(&mut self, key: Key, hangup: Hangup, out: Out<'_>) {
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
    fn cause_known_now(&self, key: Key, cause: Cause) -> Cause {
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

    // Transfers are told

    fn transfer_by_word(&mut self, key: Key, at: PbxTime, word: &Word, out: Out<'_>) {
        match word {
            Word::Blind { party, to } => self.blind(key, *party, to, at, out),
            Word::Attended { second, target } => {
                let party = self.last_with(key).or_else(|| self.channels.get(key)?.met().next_back());
                self.attended([key, *second], party, Some(*target), at, out);
                self.resolve(*second, out);
            }
            Word::AskSecond { .. } | Word::WhileRinging { .. } | Word::Replaced => {}
        }
    }

    fn transfer_by_hint(&mut self, key: Key, at: PbxTime, hint: &Hint, out: Out<'_>) {
        match &hint.to {
            Destination::Number(to) => self.blind(key, hint.party, to, at, out),
            Destination::Channel(target) => {
                self.attended([key, key], Some(hint.party), Some(*target), at, out);
            }
        }
    }

    /// The first channel of a phone that joined its calls while the second still rang.
    fn who_asks(&self, second: Key, party: Key) -> Option<Key> {
        let mut met = self.channels.get(party)?.met();
        met.find(|key| {
            let word = self.channels.get(*key).and_then(|channel| channel.word.as_deref());
            matches!(word, Some(Word::AskSecond { second: named }) if *named == second)
        })
    }

    fn joined_while_ringing(&mut self, first: Key, second: Key, party: Key, at: PbxTime, out: Out<'_>) {
        self.attended([first, second], Some(party), None, at, out);
        for key in [first, second] {
            self.resolve(key, out);
        }
    }

    fn blind(&mut self, by: Key, party: Key, to: &str, at: PbxTime, out: Out<'_>) {
        self.tell(by, out);
        self.sent(party);
        out(at, Input::BlindTransfer { by: self.seen(by), party: Some(self.seen(party)), to });
        self.has_transferred([by, by]);
    }

    fn attended(&mut self, by: [Key; 2], party: Option<Key>, target: Option<Key>, at: PbxTime, out: Out<'_>) {
        let [first, second] = by;
        if let Some(party) = party {
            self.sent(party);
        }
        let seen =
            |key: Option<Key>| key.and_then(|key| self.channels.get(key)).map(|channel| channel.seen());
        out(
            at,
            Input::AttendedTransfer {
                first: &self.seen(first),
                second: &self.seen(second),
                party: seen(party).as_ref(),
                target: seen(target).as_ref(),
            },
        );
        self.has_transferred(by);
    }

    fn sent(&mut self, party: Key) {
        if let Some(channel) = self.channels.get_mut(party) {
            channel.journey = Journey::Sent;
        }
    }

    fn has_transferred(&mut self, by: [Key; 2]) {
        for key in by {
            if let Some(channel) = self.channels.get_mut(key) {
                channel.transferred = true;
            }
        }
    }
}

/// Whether two moments are no further apart than this, either way round.
fn is_near(one: PbxTime, other: PbxTime, limit: Duration) -> bool {
    one.since(other) <= limit && other.since(one) <= limit
}
