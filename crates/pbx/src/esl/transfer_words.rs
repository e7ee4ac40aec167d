//! What events say of transfers.
//!
//! FreeSWITCH has no event of a transfer. The phone that transfers by SIP says so in variables of its own events; of a
//! transfer by a feature code or a program only the party knows, in the history it shows at its next event.

use std::time::Duration;

use calls::{Cause, PbxTime};

use super::channel::{Channel, Destination, Hangup, Hint, Key, Life, Word};
use super::event::Event;
use super::field::Field;
use super::translate::{Out, Translator};
use super::words::{self, Entry};

/// What is written down is written down to the second.
const A_SECOND: Duration = Duration::from_secs(1);

impl Translator {
    /// Reads what an event of a channel says of a transfer, by it or of it.
    pub(super) fn read_words(&mut self, key: Key, at: PbxTime, event: &Event<'_>, out: Out<'_>) {
        if let Some(word) = self.own_word(key, event) {
            self.heard_word(key, at, word, out);
        }
        self.read_history(key, at, event, out);
    }

    pub(super) fn own_word(&self, key: Key, event: &Event<'_>) -> Option<Word> {
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
                    (None, Some(target), second) => {
                        let second = second.or_else(|| self.consulted_by(key, target))?;
                        Some(Word::Attended { second, target })
                    }
                    (None, None, Some(second)) => Some(Word::AskSecond { second }),
                    (None, None, None) => None,
                }
            }
            "replaced" => match named("satt:") {
                Some(party) => Some(Word::WhileRinging { party }),
                None => Some(Word::Replaced),
            },
            _ => None,
        }
    }

    /// The other channel of the same phone that was with whom its partner gets: the second one, where the first does
    /// not name it.
    fn consulted_by(&self, key: Key, target: Key) -> Option<Key> {
        let phone = &self.channels.get(key)?.end;
        let is_its = |met: &Key| *met != key && self.channels.get(*met).is_some_and(|met| met.end == *phone);
        self.channels.get(target)?.met().rev().find(is_its)
    }

    pub(super) fn heard_word(&mut self, key: Key, at: PbxTime, word: Word, out: Out<'_>) {
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
    pub(super) fn read_history(&mut self, key: Key, at: PbxTime, event: &Event<'_>, out: Out<'_>) {
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
    pub(super) fn connected(&mut self, one: Key, two: Key, at: PbxTime, out: Out<'_>) {
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
    pub(super) fn last_with(&self, key: Key) -> Option<Key> {
        let channel = self.channels.get(key)?;
        let with = channel.with.or(channel.left_by)?;
        if self.channels.get(with)?.is_loopback() { self.channels.far_end(key) } else { Some(with) }
    }

    pub(super) fn hint(&mut self, by: Key, hint: Hint, out: Out<'_>) {
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
    pub(super) fn agent_transfers(&mut self, by: Key, hint: &Hint, out: Out<'_>) {
        self.transfer_by_hint(by, hint.at, hint, out);
        if let Some(channel) = self.channels.get_mut(by) {
            channel.transferred = false;
        }
    }

    /// A phone joined two calls of which one is with no channel but an application (a queue, a room, a parking place):
    /// the other one's party is sent to the number that leads there.
    pub(super) fn joined_into_application(&mut self, key: Key, out: Out<'_>) {
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
    pub(super) fn led_into_application(&self, first: Key, second: Key) -> Option<(PbxTime, Key, Box<str>)> {
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
    pub(super) fn who_joins(&self, second: Key) -> Option<Key> {
        let second = self.channels.get(second)?.joined_by?;
        self.channels.get(second).map(|_| second)
    }
}
