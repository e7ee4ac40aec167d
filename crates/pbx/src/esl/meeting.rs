//! Who is bridged with whom: always a pair of ids, of which only the event of the bridge itself tells the truth.
//!
//! A bridge is no answer (media may be early), an answer is none (a phone may have to confirm, two may answer at
//! once): a called phone has answered when both are true. And a phone that dialled a code and is bridged with
//! somebody nobody dialled for it has fetched a call.

use calls::{Cause, DialOutcome, Input, Meeting, PbxTime};

use super::channel::{Channel, Journey, Key, Life};
use super::event::Event;
use super::field::Field;
use super::translate::{Out, Translator};
use super::words;

impl Translator {
    pub(super) fn bridged(&mut self, key: Key, at: PbxTime, event: &Event<'_>, out: Out<'_>) {
        let (one, two) = match words::pair(event) {
            Some((a, b)) => (self.channels.find(a), self.channels.find(b)),
            None => (Some(key), self.channels.find(event.word(Field::OtherUniqueId))),
        };
        let (Some(one), Some(two)) = (one, two) else { return };
        if one == two {
            return;
        }
        let before = self.partners([one, two]);
        for (member, other) in [(one, two), (two, one)] {
            self.tell(member, out);
            let Some(channel) = self.channels.get_mut(member) else { return };
            if channel.with != Some(other) {
                channel.joined = None;
            }
            channel.with = Some(other);
            channel.left_by = None;
            channel.parked = false;
            if channel.journey == Journey::Sent {
                channel.journey = Journey::Arrived;
            }
        }
        for (member, caller) in [(one, two), (two, one)] {
            if self.channels.get(caller).is_some_and(|caller| caller.for_agent) {
                self.keeps_line_open(member, at, out);
            }
        }
        self.fetch(one, two, at, out);
        for (member, other) in [(one, two), (two, one)] {
            if let Some(channel) = self.channels.get_mut(member) {
                channel.meet(other);
            }
        }
        self.settle(one, at, out);
        let lost = [one, two].into_iter().filter_map(|member| self.channels.get(member));
        let lost: Vec<Key> = lost.flat_map(|member| member.dialled_now.clone()).collect();
        for waiting in before.into_iter().chain(lost) {
            self.resolve(waiting, out);
        }
    }

    pub(super) fn unbridged(&mut self, key: Key, event: &Event<'_>, out: Out<'_>) {
        let own = self.channels.get(key).and_then(|channel| channel.with);
        let (one, two) = match words::pair(event) {
            Some((a, b)) => (self.channels.find(a), self.channels.find(b)),
            // With the media passed by, the event has no ids: the channel's own bridge is over.
            None => (Some(key), own),
        };
        let members = [one, two].into_iter().flatten().chain([key]).collect::<Vec<_>>();
        let before = self.partners(members.iter().copied());
        for (member, other) in [(one, two), (two, one)] {
            let Some(member) = member else { continue };
            self.agent_is_left(member, other, out);
            let Some(channel) = self.channels.get_mut(member) else { continue };
            if channel.with.is_some() && channel.with == other {
                channel.with = None;
                channel.left_by = other.filter(|_| member != key);
                channel.joined = None;
                if channel.journey == Journey::Arrived {
                    self.journey_over(member, self.now, out);
                }
            }
        }
        self.has_spoken(key);
        for partner in before.into_iter().chain(members) {
            self.resolve(partner, out);
        }
    }

    /// A parked channel is bridged with nobody.
    pub(super) fn parked(&mut self, key: Key, out: Out<'_>) {
        let before = self.partners([key]);
        // Whoever is with an agent says the end of it, and what became of it.
        let is_agent = self.channels.get(key).is_some_and(|channel| channel.agent);
        if let Some(channel) = self.channels.get_mut(key).filter(|_| !is_agent) {
            channel.with = None;
            channel.joined = None;
        }
        self.has_spoken(key);
        for partner in before {
            self.resolve(partner, out);
        }
    }

    fn has_spoken(&mut self, key: Key) {
        if let Some(channel) = self.channels.get_mut(key) {
            channel.left_by = None;
        }
    }

    /// Whose end may wait for a word of one of these.
    pub(super) fn partners(&self, members: impl IntoIterator<Item = Key>) -> Vec<Key> {
        let channels = members.into_iter().filter_map(|key| self.channels.get(key));
        channels.flat_map(|channel| [channel.with, channel.left_by]).flatten().collect()
    }

    /// A transferred party is no longer on its way: whoever it rings from now on is not rung by the transfer.
    pub(super) fn journey_over(&mut self, key: Key, at: PbxTime, out: Out<'_>) {
        if let Some(channel) = self.channels.get_mut(key)
            && std::mem::replace(&mut channel.journey, Journey::None) != Journey::None
        {
            out(at, Input::Arrived { party: channel.seen() });
        }
    }

    /// A phone that is bridged for the first time, with somebody it did not dial and who did not dial it, has
    /// fetched that call: a pickup, a retrieval.
    fn fetch(&mut self, one: Key, two: Key, at: PbxTime, out: Out<'_>) {
        let idle =
            |channel: &Channel| channel.placed && !channel.dials && channel.met_nobody() && !channel.agent;
        for (by, party) in [(one, two), (two, one)] {
            let Some((fetcher, fetched)) = self.channels.get(by).zip(self.channels.get(party)) else {
                return;
            };
            let dialled_for_it = self.channels.real_origin(party).is_some_and(|origin| origin == by);
            let is_phone = words::may_be_phone(&fetcher.end);
            // Of two that wait for each other the younger one came to fetch.
            let both = is_phone && words::may_be_phone(&fetched.end) && idle(fetched);
            let younger = !both || fetcher.created_at >= fetched.created_at;
            if !is_phone || !idle(fetcher) || dialled_for_it || fetched.is_loopback() || !younger {
                continue;
            }
            let rings = self.ringing_for(party);
            for rung in &rings {
                out(at, Input::PickedUp { by: self.seen(by), from: self.seen(*rung) });
            }
            // Who fetches what nobody rang for ends whatever brought the party there (a parking place).
            if rings.is_empty() {
                out(at, Input::Retrieved { by: self.seen(by), party: self.seen(party) });
            }
            // Whoever fetches it next does not take this call.
            if let Some(party) = self.channels.get_mut(party) {
                party.dialled_now.clear();
                party.picked_up = false;
            }
            for rung in rings {
                self.resolve(rung, out);
            }
        }
    }

    /// Who has rung for a party and not answered. FreeSWITCH hangs them up at the same moment.
    fn ringing_for(&self, party: Key) -> Vec<Key> {
        let Some(party) = self.channels.get(party) else { return Vec::new() };
        let rings = |key: &Key| {
            self.channels
                .get(*key)
                .is_some_and(|channel| channel.rang && !channel.up && !matches!(channel.life, Life::Over(_)))
        };
        party.dialled_now.iter().copied().filter(rings).collect()
    }

    /// Whether a phone lost its call to somebody who was not heard of yet: a colleague, who will be bridged with
    /// whoever it rang for.
    pub(super) fn taker_is_unknown(&self, key: Key, cause: Cause) -> bool {
        // Where it is a program that rings for the caller, it is called a cancelled call.
        if !matches!(cause, Cause::PickedUp | Cause::AnsweredElsewhere | Cause::Normal) {
            return false;
        }
        let Some(channel) = self.channels.get(key).filter(|channel| channel.rang && !channel.up) else {
            return false;
        };
        let Some(party) = channel.origin.and_then(|party| self.channels.get(party)) else { return false };
        let has_lifted = |key: &Key| {
            self.channels.get(*key).is_some_and(|other| other.lives() && other.lifted_at.is_some())
        };
        // Of a cancelled one it is not known either whether somebody took it at all.
        let is_taken = cause != Cause::Normal && party.dialled_now.iter().any(has_lifted);
        party.lives() && party.with.is_none() && !is_taken
    }

    /// What follows from who is bridged and who has lifted, at both ends of the way a channel is on.
    pub(super) fn settle(&mut self, key: Key, at: PbxTime, out: Out<'_>) {
        let ends = [self.real_end(key), self.channels.far_end(key)];
        for end in ends.into_iter().flatten() {
            if self.channels.far_end(end).is_some() {
                self.lifted(end, at, out);
            }
        }
        let halves = self.channels.get(key).and_then(|channel| channel.with);
        for key in [Some(key), halves].into_iter().flatten() {
            self.join(key, at, out);
        }
        for end in ends.into_iter().flatten() {
            self.join(end, at, out);
        }
    }

    /// A channel that is no loopback: itself, or who is behind this half of one.
    pub(super) fn real_end(&self, key: Key) -> Option<Key> {
        let mut at = key;
        // What a list says of loopbacks may go round in a circle.
        for _ in 0..16 {
            if !self.channels.get(at)?.is_loopback() {
                return Some(at);
            }
            at = self.channels.get(self.channels.other_half(at)?)?.with?;
        }
        None
    }

    /// A called channel that has lifted and is connected has answered.
    fn lifted(&mut self, key: Key, at: PbxTime, out: Out<'_>) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        let Some(lifted_at) = channel.lifted_at else { return };
        if channel.placed || channel.up || channel.is_loopback() {
            return;
        }
        channel.up = true;
        // Who was rung by a program is asked for no key, and may wait long for whoever it is to talk with.
        let by_order = self.channels.by_order(key);
        let confirmed_first = !by_order && at.since(lifted_at) > self.limits.confirmation;
        let answered_at = if confirmed_first { at } else { lifted_at };
        if by_order && !self.channels.get(key).is_some_and(|channel| channel.agent) {
            self.rung_for_whom_it_meets(key, answered_at, out);
        }
        let origin = self.channels.get(key).and_then(|channel| channel.origin);
        out(answered_at, Input::Up { who: self.seen(key) });
        let from = origin.filter(|origin| self.channels.get(*origin).is_some());
        out(
            answered_at,
            Input::DialEnded {
                from: from.map(|from| self.seen(from)),
                to: self.seen(key),
                outcome: DialOutcome::Answered,
                forward: "",
            },
        );
    }

    /// A phone that a program rang and then connected with somebody who called in was rung for that one.
    fn rung_for_whom_it_meets(&mut self, key: Key, at: PbxTime, out: Out<'_>) {
        let Some(party) = self.channels.far_end(key) else { return };
        if self.channels.get(party).is_some_and(|party| party.placed) {
            self.channels.dialled_by(key, party);
            out(at, Input::DialBegan { from: Some(self.seen(party)), to: self.seen(key) });
        }
    }

    /// The call logic hears that two are connected when nobody of them still has to answer.
    pub(super) fn join(&mut self, key: Key, at: PbxTime, out: Out<'_>) {
        let Some(other) = self.channels.get(key).and_then(|channel| channel.with) else { return };
        let Some((one, two)) = self.channels.get(key).zip(self.channels.get(other)) else { return };
        let ready = |channel: &Channel| channel.placed || channel.up || channel.is_loopback();
        if one.joined == Some(other) || !ready(one) || !ready(two) {
            return;
        }
        let bridge = name_of_bridge(&one.id, &two.id);
        for (member, other) in [(key, other), (other, key)] {
            if let Some(channel) = self.channels.get_mut(member) {
                channel.joined = Some(other);
                out(
                    at,
                    Input::Joined {
                        who: channel.seen(),
                        bridge: &bridge,
                        meeting: Meeting::Talk,
                        in_place_of: "",
                    },
                );
            }
        }
    }
}

/// A bridge of FreeSWITCH has no name of its own: it is its pair.
pub(super) fn name_of_bridge(one: &str, other: &str) -> String {
    if one < other { [one, "+", other].concat() } else { [other, "+", one].concat() }
}
