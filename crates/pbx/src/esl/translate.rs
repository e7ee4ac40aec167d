//! Turns events into inputs of the call logic.
//!
//! Owns what has to be remembered to understand FreeSWITCH: its channels, its clock, which start of it this is.
//! How channels come is in [`super::coming`], what is on the way between two in [`super::meeting`], how one ends and
//! who was transferred in [`super::ending`], what applications say in [`super::applications`], what a list says in
//! [`super::lists`]. What the inputs mean is left to `calls`.

use std::collections::VecDeque;
use std::time::Duration;

use calls::{Input, PbxTime};

use super::channel::{Channel, Key};
use super::channels::Channels;
use super::event::Event;
use super::field::Field;
use super::listed::Lists;
use super::words;
use crate::link::Counts;

/// How long things may take that FreeSWITCH says in no fixed order.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long the word that explains an end may come after it, or before.
    pub word: Duration,
    /// How much later than a phone is lifted its bridge may come and still be the same answer; later it was
    /// asked to confirm first, and has answered when it was bridged.
    pub confirmation: Duration,
    /// How long a channel is remembered after its end.
    pub memory: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            word: Duration::from_secs(1),
            confirmation: Duration::from_millis(500),
            memory: Duration::from_secs(5),
        }
    }
}

/// How far back an event may be dated and still be one that was overtaken. Further back the clock was set.
const REORDERED: Duration = Duration::from_secs(5);

/// What takes the inputs.
pub(super) type Out<'a> = &'a mut dyn FnMut(PbxTime, Input<'_>);

/// A channel dialled on behalf of one that was not heard of yet.
#[derive(Debug)]
pub(super) struct Orphan {
    pub(super) key: Key,
    pub(super) awaited: Box<str>,
    /// The number the other one is said to be after.
    pub(super) gone_on: Box<str>,
}

/// Turns the events of one FreeSWITCH into inputs, over all its links one after the other.
#[derive(Debug)]
pub struct Translator {
    pub(super) channels: Channels,
    pub(super) limits: Limits,
    /// Ends that wait for a word, in the order they came.
    pub(super) ending: VecDeque<(PbxTime, Key)>,
    /// Channels whose end was told, in that order.
    pub(super) over: VecDeque<(PbxTime, Key)>,
    /// Channels dialled on behalf of one that was not heard of yet.
    pub(super) orphans: VecDeque<Orphan>,
    pub(super) now: PbxTime,
    pub(super) lists: Lists,
    /// Which start of FreeSWITCH this is.
    core: Box<str>,
    pub(super) counts: Counts,
}

impl Translator {
    /// For a FreeSWITCH that was heard last at that moment (of an earlier run), if ever.
    pub fn new(last_heard: Option<PbxTime>, limits: Limits) -> Self {
        Self {
            channels: Channels::default(),
            limits,
            ending: VecDeque::new(),
            over: VecDeque::new(),
            orphans: VecDeque::new(),
            now: last_heard.unwrap_or_default(),
            lists: Lists::default(),
            core: Box::default(),
            counts: Counts::default(),
        }
    }

    /// What came in so far.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// The last moment the PBX is known to have been heard, by its clock.
    pub fn last_heard(&self) -> Option<PbxTime> {
        (self.now != PbxTime::default()).then_some(self.now)
    }

    /// How many channels are remembered.
    pub fn remembered(&self) -> usize {
        self.channels.len()
    }

    /// When [`Self::handle_timeout`] should be called, if nothing is said before.
    pub fn next_deadline(&self) -> Option<PbxTime> {
        self.ending.front().map(|(due, _)| *due)
    }

    /// Tells what waited long enough.
    pub fn handle_timeout(&mut self, now: PbxTime, mut out: impl FnMut(PbxTime, Input<'_>)) {
        self.advance(now, &mut out);
    }

    /// The link is gone: no word about what ended will come any more.
    pub fn link_lost(&mut self, mut out: impl FnMut(PbxTime, Input<'_>)) {
        self.conclude_all(&mut out);
        self.lists.clear();
        self.orphans.clear();
        for key in self.channels.keys() {
            if let Some(channel) = self.channels.get_mut(key) {
                channel.sure = false;
            }
        }
        out(self.now, Input::LinkLost);
    }

    /// Takes an event.
    pub fn event(&mut self, event: &Event<'_>, mut out: impl FnMut(PbxTime, Input<'_>)) {
        let mut inputs = 0;
        let out: Out<'_> = &mut |at, input: Input<'_>| {
            inputs += 1;
            out(at, input);
        };
        self.belongs_to(event.word(Field::CoreUuid), out);
        let name = event.word(Field::EventName);
        // Others are not asked for and may bear another time: what an event of the whole stream says must not
        // differ from what it says in the filtered one.
        if is_of_interest(name)
            && let Some(at) = words::stamp(event)
        {
            self.advance(at, out);
            self.understand(name, at, event, out);
        }
        self.counts.inputs += inputs;
    }

    /// What is said now comes from this start of FreeSWITCH: another one's channels are all gone.
    pub(super) fn belongs_to(&mut self, core: &str, out: Out<'_>) {
        if core.is_empty() || *core == *self.core {
            return;
        }
        if !self.core.is_empty() {
            self.conclude_all(out);
            for key in self.channels.keys() {
                self.channels.remove(key);
            }
            out(self.now, Input::Restarted);
        }
        self.core = core.into();
    }

    /// Time goes on, and with it what waits.
    fn advance(&mut self, at: PbxTime, out: Out<'_>) {
        if self.now.since(at) > REORDERED {
            // The clock was set back: nobody knows how long anything has waited.
            self.conclude_all(out);
            self.now = at;
        }
        self.now = self.now.max(at);
        while let Some(key) = pop_due(&mut self.ending, self.now) {
            self.conclude(key, out);
        }
        while let Some(key) = pop_due(&mut self.over, self.now) {
            self.channels.remove(key);
        }
    }

    fn understand(&mut self, name: &str, at: PbxTime, event: &Event<'_>, out: Out<'_>) {
        let id = event.word(Field::UniqueId);
        if name == "CHANNEL_CREATE" {
            return self.created(at, event, id, out);
        }
        if name == "CUSTOM" {
            return self.custom(at, event, id, out);
        }
        if name == "CHANNEL_UUID" {
            if let Some(key) = self.channels.find(event.word(Field::OldUniqueId)) {
                self.channels.rename(key, id);
            }
            return;
        }
        // Losers of a group whose turn never came and `pickup/…` are heard of and were never created.
        let Some(key) = self.channels.find(id) else { return self.picked_up(event) };
        self.spoke(key, at, event, out);
        match name {
            "CHANNEL_UNBRIDGE" => self.unbridged(key, event, out),
            "CHANNEL_HANGUP" | "CHANNEL_DESTROY" => self.hung_up(key, at, event, out),
            _ if !self.channels.get(key).is_some_and(Channel::lives) => {}
            "CHANNEL_PROGRESS" | "CHANNEL_PROGRESS_MEDIA" => self.progressed(key, at, out),
            "CHANNEL_ANSWER" => {
                let answered_at = event.micros(Field::AnsweredTime).map(PbxTime::from_micros);
                self.answered(key, at, answered_at.unwrap_or(at), out);
            }
            "CHANNEL_BRIDGE" => self.bridged(key, at, event, out),
            "CHANNEL_PARK" => self.parked(key, out),
            "CHANNEL_HOLD" => out(at, Input::Held { who: self.seen(key) }),
            "CHANNEL_UNHOLD" => out(at, Input::Unheld { who: self.seen(key) }),
            _ => {}
        }
    }

    fn progressed(&mut self, key: Key, at: PbxTime, out: Out<'_>) {
        self.tell(key, out);
        let Some(channel) = self.channels.get_mut(key) else { return };
        if !channel.placed && !channel.is_loopback() && !std::mem::replace(&mut channel.rang, true) {
            out(at, Input::Ringing { who: channel.seen() });
            if let Some(origin) = channel.origin {
                self.resolve(origin, out);
            }
        }
    }

    fn answered(&mut self, key: Key, at: PbxTime, answered_at: PbxTime, out: Out<'_>) {
        self.progressed(key, answered_at, out);
        let Some(channel) = self.channels.get_mut(key) else { return };
        if channel.lifted_at.is_none() {
            channel.lifted_at = Some(answered_at);
            if channel.placed && !std::mem::replace(&mut channel.up, true) {
                out(answered_at, Input::Up { who: channel.seen() });
            }
        }
        self.settle(key, at, out);
    }

    /// The pseudo-channel `pickup/…` of a group says that a colleague takes the call of whoever it rang for.
    fn picked_up(&mut self, event: &Event<'_>) {
        if event.word(Field::PickedUpBy).is_empty() {
            return;
        }
        let party = words::origin(event).and_then(|party| self.channels.find(party));
        if let Some(party) = party.and_then(|party| self.channels.get_mut(party)) {
            party.picked_up = true;
        }
    }
}

/// The events that say something of channels, or what time it is.
fn is_of_interest(name: &str) -> bool {
    matches!(
        name,
        "CHANNEL_CREATE"
            | "CHANNEL_PROGRESS"
            | "CHANNEL_PROGRESS_MEDIA"
            | "CHANNEL_ANSWER"
            | "CHANNEL_BRIDGE"
            | "CHANNEL_UNBRIDGE"
            | "CHANNEL_HANGUP"
            | "CHANNEL_PARK"
            | "CHANNEL_DESTROY"
            | "CHANNEL_UUID"
            | "CHANNEL_HOLD"
            | "CHANNEL_UNHOLD"
            | "CUSTOM"
            | "HEARTBEAT"
    )
}

fn pop_due(waiting: &mut VecDeque<(PbxTime, Key)>, now: PbxTime) -> Option<Key> {
    let (due, key) = *waiting.front()?;
    if due > now {
        return None;
    }
    waiting.pop_front();
    Some(key)
}
