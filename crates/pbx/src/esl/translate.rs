//! Turns events into inputs of the call logic.
//!
//! Owns what has to be remembered to understand FreeSWITCH: its channels, its clock, which start of it this is.
//! What is on the way between two channels is in [`super::meeting`], how one ends and who was transferred in
//! [`super::ending`], what a list says in [`super::lists`]. What the inputs mean is left to `calls`.

use std::collections::VecDeque;
use std::time::Duration;

use calls::{Input, Meeting, Origin, PbxTime, Seen};

use super::channels::{Channel, Channels, Key};
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

/// At most so many channels wait for the one on whose behalf they are dialled to be heard of.
const MAX_ORPHANS: usize = 1_024;

/// How far back an event may be dated and still be one that was overtaken. Further back the clock was set.
const REORDERED: Duration = Duration::from_secs(5);

/// What takes the inputs.
pub(super) type Out<'a> = &'a mut dyn FnMut(PbxTime, Input<'_>);

/// A channel dialled on behalf of one that was not heard of yet.
#[derive(Debug)]
struct Orphan {
    key: Key,
    awaited: Box<str>,
    /// The number the other one is said to be after.
    gone_on: Box<str>,
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
    orphans: VecDeque<Orphan>,
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

    // Channels come

    fn created(&mut self, at: PbxTime, event: &Event<'_>, id: &str, out: Out<'_>) {
        if id.is_empty() {
            self.counts.not_understood += 1;
            return;
        }
        if self.channels.find(id).is_some() {
            return;
        }
        let end = words::end_of(event);
        let placed = event.word(Field::CallDirection) == "inbound";
        let mut channel = Channel::new(id, end, placed, at);
        let destination = event.get(Field::Destination);
        channel.dialled = destination.as_ref().into();
        if placed {
            channel.dialled = words::dialled_number(event.word(Field::Dialplan), &destination).into();
            channel.withheld = event.word(Field::HideNumber) == "true";
            channel.number = words::number(&event.get(Field::CallerNumber)).into();
        } else {
            channel.number = words::called_number(&channel.end, &destination).into();
        }
        let is_loopback = channel.is_loopback();
        let key = self.channels.insert(channel);
        match words::origin(event) {
            Some(origin) => {
                let gone_on = event.get(Field::OtherDestination);
                match self.channels.find(origin) {
                    Some(origin) => self.dialled_by(key, origin, &gone_on, at, out),
                    None => {
                        if self.orphans.len() >= MAX_ORPHANS {
                            self.orphans.pop_front();
                        }
                        let gone_on = gone_on.as_ref().into();
                        self.orphans.push_back(Orphan { key, awaited: origin.into(), gone_on });
                        self.tell(key, out);
                    }
                }
            }
            None if !placed => {
                self.tell(key, out);
                out(at, Input::DialBegan { from: None, to: self.seen(key) });
            }
            None if is_loopback => self.tell(key, out),
            // Told when it reaches for something: a number the dialplan does not know is no call.
            None => {}
        }
        self.adopt(key, id, at, out);
    }

    /// A channel is dialled on behalf of another, which is after this number by now.
    fn dialled_by(&mut self, key: Key, origin: Key, gone_on: &str, at: PbxTime, out: Out<'_>) {
        self.tell(origin, out);
        self.tell(key, out);
        self.lifted_by_order(origin, at, out);
        self.channels.dialled_by(key, origin);
        self.hint_of_dialling(origin, key, at, out);
        let (from, to) = (self.seen(origin), self.seen(key));
        // Where the dialplan has gone on from what was dialled, that is the number; a line may be given another.
        let heard = self.channels.get(origin).map_or("", |origin| &origin.gone_on);
        let numbers =
            [gone_on, heard].into_iter().find(|number| !number.is_empty() && *number != from.dialled);
        let from = Seen { dialled: numbers.unwrap_or(to.dialled), ..from };
        out(at, Input::DialBegan { from: Some(from), to });
    }

    /// A phone that a program rang and that dials now, itself or through a loopback, was lifted for its own call.
    fn lifted_by_order(&mut self, origin: Key, at: PbxTime, out: Out<'_>) {
        let Some(key) = self.real_end(origin).filter(|key| self.channels.real_origin(*key).is_none()) else {
            return;
        };
        let Some(channel) = self.channels.get_mut(key).filter(|one| !one.placed && !one.up) else { return };
        channel.up = true;
        // That it was lifted may be heard only after it dials.
        let lifted_at = *channel.lifted_at.get_or_insert(at);
        out(lifted_at, Input::Up { who: channel.seen() });
        self.join(key, at, out);
    }

    /// Something is said of a channel.
    fn spoke(&mut self, key: Key, at: PbxTime, event: &Event<'_>, out: Out<'_>) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        channel.sure = true;
        // Later than this its numbers are those of others.
        if channel.placed && !channel.dials && channel.met_nobody() && !channel.is_loopback() {
            let number = event.get(Field::Destination);
            if !number.is_empty() && *number != *channel.dialled && *number != *channel.gone_on {
                channel.gone_on = number.as_ref().into();
            }
        }
        self.read_words(key, at, event, out);
    }

    /// Channels that were heard of before the one on whose behalf they are dialled.
    fn adopt(&mut self, origin: Key, id: &str, at: PbxTime, out: Out<'_>) {
        if self.orphans.is_empty() {
            return;
        }
        let (mine, others): (VecDeque<Orphan>, _) =
            std::mem::take(&mut self.orphans).into_iter().partition(|orphan| *orphan.awaited == *id);
        self.orphans = others;
        for Orphan { key, gone_on, .. } in mine {
            self.dialled_by(key, origin, &gone_on, at, out);
        }
    }

    /// The call logic hears of a channel, once.
    pub(super) fn tell(&mut self, key: Key, out: Out<'_>) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        if !std::mem::replace(&mut channel.told, true) {
            let origin = if channel.placed { Origin::Placed } else { Origin::Called };
            out(channel.created_at, Input::Appeared { who: channel.seen(), origin });
        }
    }

    /// A channel in the words of the call logic. Of one that is forgotten nothing is known.
    pub(super) fn seen(&self, key: Key) -> Seen<'_> {
        const NOBODY: Seen<'static> = Seen::of("", calls::Device::Machine);
        self.channels.get(key).map_or(NOBODY, Channel::seen)
    }

    // Channels ring and answer

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

    // What the applications say

    fn custom(&mut self, at: PbxTime, event: &Event<'_>, id: &str, out: Out<'_>) {
        let subclass = event.get(Field::Subclass);
        if let Some(key) = self.channels.find(id) {
            self.spoke(key, at, event, out);
        }
        match &*subclass {
            "conference::maintenance" => self.conference(at, event, id, out),
            "valet_parking::info" => {
                if event.word(Field::Action) == "hold"
                    && let Some(key) = self.channels.find(id)
                {
                    self.journey_over(key, at, out);
                }
            }
            "callcenter::info" => {
                let Some(key) = self.channels.find(event.word(Field::CcMember)) else { return };
                match event.word(Field::CcAction) {
                    "member-queue-start" => self.queued(key, at, &event.get(Field::CcQueue), out),
                    "member-queue-end" => out(at, Input::QueueLeft { who: self.seen(key) }),
                    "agent-offering" if event.word(Field::CcAgentType) == "uuid-standby" => {
                        if let Some(caller) = self.channels.get_mut(key) {
                            caller.for_agent = true;
                        }
                    }
                    "bridge-agent-start" => {
                        if let Some(key) = self.channels.find(id) {
                            self.keeps_line_open(key, at, out);
                        }
                    }
                    _ => {}
                }
            }
            "fifo::info" => {
                let Some(key) = self.channels.find(id) else { return };
                match event.word(Field::FifoAction) {
                    "push" => self.queued(key, at, &event.get(Field::FifoName), out),
                    "consumer_start" if words::waits(&event.get(Field::ApplicationData)) => {
                        self.keeps_line_open(key, at, out);
                    }
                    "abort" | "bridge-caller-stop" => out(at, Input::QueueLeft { who: self.seen(key) }),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// A queue's name has the domain behind it, which is the account and no part of the name.
    fn queued(&mut self, key: Key, at: PbxTime, queue: &str, out: Out<'_>) {
        self.tell(key, out);
        let queue = queue.split('@').next().unwrap_or_default();
        out(at, Input::QueueEntered { who: self.seen(key), queue });
    }

    fn conference(&mut self, at: PbxTime, event: &Event<'_>, id: &str, out: Out<'_>) {
        let Some(key) = self.channels.find(id) else { return };
        let room = event.get(Field::ConferenceId);
        match event.word(Field::Action) {
            "add-member" => {
                self.parked(key, out);
                let Some(channel) = self.channels.get_mut(key) else { return };
                if !channel.lives() {
                    return;
                }
                // A phone that was rung by order and brought into a room by an announcement goes nowhere by
                // itself; one that was sent to the room's number does.
                let by_order = !channel.placed && channel.origin.is_none() && !channel.dials;
                let number = event.get(Field::Destination);
                if by_order && *number == *channel.dialled {
                    return;
                }
                let dialled: Box<str> = number.as_ref().into();
                self.tell(key, out);
                let seen = self.seen(key);
                let who = if by_order { Seen { dialled: &dialled, ..seen } } else { seen };
                out(at, Input::Joined { who, bridge: &room, meeting: Meeting::Room, in_place_of: "" });
            }
            "del-member" => {
                if let Some(channel) = self.channels.get_mut(key) {
                    out(at, Input::Left { who: channel.seen(), bridge: &room });
                }
            }
            _ => {}
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
