//! Transfers as the call logic is told of them.

use calls::{Input, PbxTime};

use super::channel::{Destination, Hint, Journey, Key, Life, Word};
use super::translate::{Out, Translator};

impl Translator {
    pub(super) fn transfer_by_word(&mut self, key: Key, at: PbxTime, word: &Word, out: Out<'_>) {
        match word {
            Word::Blind { party, to } => self.blind(key, *party, to, at, out),
            Word::Attended { second, target } => {
                let party = self.last_with(key).or_else(|| self.channels.get(key)?.met().next_back());
                // One whose end was told already transfers nobody any more: the first does so alone.
                let is_over =
                    |key: Key| self.channels.get(key).is_none_or(|one| matches!(one.life, Life::Over(_)));
                let second = if is_over(*second) { key } else { *second };
                self.attended([key, second], party, Some(*target), at, out);
                self.resolve(second, out);
            }
            Word::AskSecond { .. } | Word::WhileRinging { .. } | Word::Replaced => {}
        }
    }

    pub(super) fn transfer_by_hint(&mut self, key: Key, at: PbxTime, hint: &Hint, out: Out<'_>) {
        match &hint.to {
            Destination::Number(to) => self.blind(key, hint.party, to, at, out),
            Destination::Channel(target) => {
                self.attended([key, key], Some(hint.party), Some(*target), at, out);
            }
        }
    }

    /// The first channel of a phone that joined its calls while the second still rang.
    pub(super) fn who_asks(&self, second: Key, party: Key) -> Option<Key> {
        let mut met = self.channels.get(party)?.met();
        met.find(|key| {
            let word = self.channels.get(*key).and_then(|channel| channel.word.as_deref());
            matches!(word, Some(Word::AskSecond { second: named }) if *named == second)
        })
    }

    pub(super) fn joined_while_ringing(
        &mut self,
        first: Key,
        second: Key,
        party: Key,
        at: PbxTime,
        out: Out<'_>,
    ) {
        self.attended([first, second], Some(party), None, at, out);
        for key in [first, second] {
            self.resolve(key, out);
        }
    }

    pub(super) fn blind(&mut self, by: Key, party: Key, to: &str, at: PbxTime, out: Out<'_>) {
        self.tell(by, out);
        self.sent(party);
        out(at, Input::BlindTransfer { by: self.seen(by), party: Some(self.seen(party)), to });
        self.has_transferred([by, by]);
        // That it has been parked there may be heard before who parked it.
        if self.channels.get(party).is_some_and(|party| party.parked) {
            self.journey_over(party, at, out);
        }
    }

    pub(super) fn attended(
        &mut self,
        by: [Key; 2],
        party: Option<Key>,
        target: Option<Key>,
        at: PbxTime,
        out: Out<'_>,
    ) {
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

    pub(super) fn sent(&mut self, party: Key) {
        if let Some(channel) = self.channels.get_mut(party) {
            channel.journey = Journey::Sent;
        }
    }

    pub(super) fn has_transferred(&mut self, by: [Key; 2]) {
        for key in by {
            if let Some(channel) = self.channels.get_mut(key) {
                channel.transferred = true;
            }
        }
    }
}
