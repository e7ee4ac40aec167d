//! The tracker: follows the channels of one PBX and says what happens to its phones.
//!
//! One file a subject: [`routes`] finds who is at the other end, [`dials`] follows ringing and answering,
//! [`bridges`] who is connected, [`transfers`] who was sent where, [`endings`] why a leg is over, [`gaps`]
//! what a lost link makes unsure. Nothing here fails: what does not fit is an anomaly, and on it goes.

mod arena;
mod bridges;
mod channel;
mod dials;
mod endings;
mod gaps;
mod leg;
mod routes;
mod transfers;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use compact_str::CompactString;
use hashbrown::HashTable;

use arena::Arena;
use channel::{Bridge, Channel, ChannelKey, Party, Presence};
use gaps::Link;
use leg::Leg;

use crate::{Anomaly, Device, Directory, Event, Input, Kept, Note, Origin, Output, PbxName, PbxTime, Seen};

/// How long a phone may ring before it must be told although nobody knows for whom.
const CALLER_GRACE: Duration = Duration::from_millis(300);

/// How long the transfer that belongs to a parked channel may take to be told.
const PARKING_GRACE: Duration = Duration::from_millis(200);

/// How many channels that are gone are remembered, so that a late word about one does not bring it back.
const REMEMBERED_GONE: usize = 8_192;

/// Bounds of what is kept.
#[derive(Clone, Copy, Debug)]
pub struct TrackerLimits {
    /// At most so many live channels; the oldest is given up beyond that.
    pub channels: usize,
}

impl Default for TrackerLimits {
    fn default() -> Self {
        Self { channels: 1_000_000 }
    }
}

/// Follows the channels of one PBX and says what happens to its phones.
#[derive(Debug)]
pub struct Tracker {
    pbx: PbxName,
    limits: TrackerLimits,
    channels: Arena<Channel>,
    bridges: Arena<Bridge>,
    /// Channels in the order they appeared; some are gone.
    order: VecDeque<ChannelKey>,
    /// Halves of helper pairs whose other half has not appeared, by the name both share.
    halves: BTreeMap<Box<str>, ChannelKey>,
    /// Phones that ring or answered and nobody knows for whom, with the moment by which that must be told.
    unlinked: Vec<(PbxTime, ChannelKey)>,
    /// Parkings whose transfer has not been told.
    parkings: Vec<(PbxTime, ChannelKey)>,
    gone: Gone,
    link: Link,
    now: PbxTime,
    marks: u64,
    open_legs: usize,
}

/// What is at hand while one input is handled.
struct Context<'a> {
    at: PbxTime,
    directory: &'a dyn Directory,
    out: &'a mut Vec<Output>,
}

impl Context<'_> {
    fn tell(&mut self, event: Event) {
        self.out.push(Output::Event(Box::new(event)));
    }

    fn anomaly(&mut self, channel: &str, what: &'static str) {
        self.out.push(Output::Anomaly(Anomaly { at: self.at, channel: channel.into(), what }));
    }
}

/// The ids of the channels that went last.
#[derive(Debug, Default)]
struct Gone {
    order: VecDeque<CompactString>,
    ids: HashTable<CompactString>,
}

impl Gone {
    fn remember(&mut self, id: CompactString) {
        if self.order.len() >= REMEMBERED_GONE
            && let Some(oldest) = self.order.pop_front()
            && let Ok(entry) = self.ids.find_entry(arena::hash(&oldest), |id| *id == oldest)
        {
            entry.remove();
        }
        self.ids.insert_unique(arena::hash(&id), id.clone(), |id| arena::hash(id));
        self.order.push_back(id);
    }

    fn has(&self, id: &str) -> bool {
        self.ids.find(arena::hash(id), |gone| gone == id).is_some()
    }
}

impl Tracker {
    /// A tracker that knows nothing yet.
    pub fn new(pbx: PbxName, limits: TrackerLimits) -> Self {
        Self {
            pbx,
            limits,
            channels: Arena::default(),
            bridges: Arena::default(),
            order: VecDeque::new(),
            halves: BTreeMap::new(),
            unlinked: Vec::new(),
            parkings: Vec::new(),
            gone: Gone::default(),
            link: Link::Up,
            now: PbxTime::default(),
            marks: 0,
            open_legs: 0,
        }
    }

    /// One thing the PBX says, and what follows from it. First does what was due before `at`.
    pub fn handle(
        &mut self,
        at: PbxTime,
        input: Input<'_>,
        directory: &dyn Directory,
        out: &mut Vec<Output>,
    ) {
        self.handle_timeout(at, directory, out);
        let before = self.now;
        if at < before {
            self.clock_set_back(at);
        }
        self.now = before.max(at);
        let cx = &mut Context { at, directory, out };
        match input {
            Input::Appeared { who, origin } => self.appeared(cx, who, origin),
            Input::Changed { who } => self.changed(who),
            Input::Ringing { who } => self.ringing(cx, who),
            Input::Up { who } => self.up(cx, who),
            Input::DialBegan { from, to } => self.dial_began(cx, from, to),
            Input::DialEnded { from, to, outcome, forward } => {
                self.dial_ended(cx, from, to, outcome, forward)
            }
            Input::Joined { who, bridge } => self.joined(cx, who, bridge),
            Input::Left { who, bridge } => self.left(who, bridge),
            Input::Paired { one, two } => self.paired(cx, one, two),
            Input::Held { who } => self.held(cx, who, Some(at)),
            Input::Unheld { who } => self.held(cx, who, None),
            Input::BlindTransfer { by, party, to } => self.blind_transfer(cx, by, party, to),
            Input::AttendedTransfer { first, second, party, target } => {
                self.attended_transfer(cx, first, second, party, target);
            }
            Input::PickedUp { by, from } => self.picked_up(cx, by, from),
            Input::Parked { party, space } => self.parked(cx, party, space),
            Input::Retrieved { by, party } => self.retrieved(cx, by, party),
            Input::ParkingTimedOut { party } => self.unmark(cx, party),
            Input::QueueEntered { who, queue } => self.queue(who, queue),
            Input::QueueLeft { who } => self.queue(who, ""),
            Input::HangingUp { who } => self.hanging_up(who),
            Input::Gone { who, cause } => self.gone(cx, who, cause),
            Input::LinkLost => self.link_lost(at),
            Input::Restarted => self.restarted(cx, before),
            Input::Snapshot { listed } => self.snapshot(cx, listed),
        }
    }

    /// Does what is due by `now`.
    pub fn handle_timeout(&mut self, now: PbxTime, directory: &dyn Directory, out: &mut Vec<Output>) {
        if self.next_deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        let cx = &mut Context { at: now, directory, out };
        self.settle_gap(cx);
        self.tell_unlinked(cx);
        self.tell_parkings(cx);
    }

    /// The PBX's clock was set back: nothing waits longer for it than it would have waited without.
    fn clock_set_back(&mut self, at: PbxTime) {
        self.link.set_back(at);
        let waits = [(&mut self.unlinked, CALLER_GRACE), (&mut self.parkings, PARKING_GRACE)];
        for (waiting, grace) in waits {
            for (deadline, _) in waiting {
                *deadline = (*deadline).min(at + grace);
            }
        }
    }

    /// When `handle_timeout` should be called, if nothing is said before.
    pub fn next_deadline(&self) -> Option<PbxTime> {
        let unlinked = self.unlinked.iter().map(|(deadline, _)| *deadline);
        let parkings = self.parkings.iter().map(|(deadline, _)| *deadline);
        unlinked.chain(parkings).chain(self.link.deadline()).min()
    }

    /// Live channels and open legs.
    pub fn counts(&self) -> (usize, usize) {
        (self.channels.len(), self.open_legs)
    }

    // Channels come and are known

    fn appeared(&mut self, cx: &mut Context<'_>, who: Seen<'_>, origin: Origin) {
        let Some(key) = self.known_or_new(cx, who, Some(origin)) else { return };
        if let Some(channel) = self.channels.get_mut(key) {
            channel.origin = Some(origin);
            channel.presence = Presence::Confirmed;
            channel.beginning_missed = false;
        }
        if origin == Origin::Placed {
            self.begin_outgoing(cx, key, who.dialled);
        }
    }

    fn changed(&mut self, who: Seen<'_>) {
        if let Some(key) = self.channels.find(who.id) {
            self.learn(key, who);
        }
    }

    /// The channel, made known if this is the first word about it. `None` if it is gone already.
    fn known_or_new(
        &mut self,
        cx: &mut Context<'_>,
        who: Seen<'_>,
        origin: Option<Origin>,
    ) -> Option<ChannelKey> {
        if let Some(key) = self.heard(cx, who.id, origin.is_some()) {
            self.learn(key, who);
            return Some(key);
        }
        if self.gone.has(who.id) {
            return None;
        }
        self.make_room(cx);
        let mut channel = self.channel_of(cx, who, origin);
        channel.beginning_missed = origin.is_none() && self.link != Link::Up;
        let key = self.channels.insert(channel);
        self.order.push_back(key);
        if let Device::Helper(name) = who.device {
            self.meet_other_half(key, name);
        }
        Some(key)
    }

    /// The channel if it is known; that it was spoken of shows that it is there. A channel known from a
    /// snapshot alone whose beginning will not come any more is begun late first.
    fn heard(&mut self, cx: &mut Context<'_>, id: &str, is_beginning: bool) -> Option<ChannelKey> {
        let key = self.channels.find(id)?;
        match self.channels.get(key)?.presence {
            Presence::Confirmed => {}
            Presence::Listed(_) if !is_beginning => self.begin_late(cx),
            Presence::Unconfirmed | Presence::Missing | Presence::Listed(_) => {
                self.channels.get_mut(key)?.presence = Presence::Confirmed;
            }
        }
        Some(key)
    }

    fn channel_of(&self, cx: &Context<'_>, who: Seen<'_>, origin: Option<Origin>) -> Channel {
        let party = match who.device {
            Device::Endpoint(endpoint) => match cx.directory.phone(endpoint) {
                Some(phone) => Party::Phone { endpoint: endpoint.into(), phone },
                None => Party::Trunk,
            },
            Device::Helper(_) => Party::Helper { other: None },
            Device::Machine => Party::Machine,
        };
        let group = if who.group.is_empty() { who.id } else { who.group };
        let first = self.channels.find(group).and_then(|key| self.channels.get(key));
        Channel {
            party,
            origin,
            own_number: who.number.into(),
            number: who.number.into(),
            dialled: who.dialled.into(),
            group: first.map_or_else(|| group.into(), |first| first.group.clone()),
            ..Channel::new(who.id)
        }
    }

    /// Takes over what a message says of a channel's numbers.
    fn learn(&mut self, key: ChannelKey, who: Seen<'_>) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        if !who.number.is_empty() && *channel.number != *who.number {
            channel.number = who.number.into();
            if channel.own_number.is_empty() {
                channel.own_number = channel.number.clone();
            }
        }
        if channel.dialled.is_empty() && !who.dialled.is_empty() {
            channel.dialled = who.dialled.into();
        }
    }

    // Helper pairs

    fn meet_other_half(&mut self, key: ChannelKey, name: &str) {
        match self.halves.remove(name) {
            Some(other) if self.channels.get(other).is_some() => self.pair(key, other),
            Some(_) | None => {
                self.halves.insert(name.into(), key);
            }
        }
    }

    fn paired(&mut self, cx: &mut Context<'_>, one: Seen<'_>, two: Seen<'_>) {
        let (Some(one), Some(two)) = (self.known_or_new(cx, one, None), self.known_or_new(cx, two, None))
        else {
            return;
        };
        self.pair(one, two);
        self.link_unlinked(cx);
    }

    fn pair(&mut self, one: ChannelKey, two: ChannelKey) {
        for (half, its_other) in [(one, two), (two, one)] {
            if let Some(Channel { party: Party::Helper { other }, .. }) = self.channels.get_mut(half) {
                *other = Some(its_other);
            }
        }
    }

    // Small things

    fn queue(&mut self, who: Seen<'_>, queue: &str) {
        if let Some(channel) = self.channels.find(who.id).and_then(|key| self.channels.get_mut(key)) {
            channel.queue = queue.into();
        }
    }

    fn hanging_up(&mut self, who: Seen<'_>) {
        if let Some(channel) = self.channels.find(who.id).and_then(|key| self.channels.get_mut(key)) {
            channel.hanging_up = true;
        }
    }

    /// Nothing but the note changes: holding is no event, and a held conversation goes on.
    fn held(&mut self, cx: &mut Context<'_>, who: Seen<'_>, since: Option<PbxTime>) {
        let Some(key) = self.heard(cx, who.id, false) else { return };
        let Some(channel) = self.channels.get_mut(key) else { return };
        // Asterisk takes back before every transfer, held or not; what says nothing new is not noted.
        if channel.held_since.is_some() == since.is_some() {
            return;
        }
        channel.held_since = since;
        if matches!(channel.leg, Leg::Open(_)) {
            self.note(cx, key);
        }
    }

    /// Keeps in the journal what no event tells about a channel, or takes it back.
    fn note(&mut self, cx: &mut Context<'_>, key: ChannelKey) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        let (leg_transfer, answered_at) = match &channel.leg {
            Leg::Open(open) => {
                let conversing = matches!(open.state, leg::State::Conversing { .. });
                (open.transfer.clone(), if conversing { open.answered_at() } else { None })
            }
            Leg::Silent | Leg::Over => (None, None),
        };
        let transfer = channel.mark.as_ref().map(|mark| mark.transfer.clone());
        let held_since = channel.held_since.filter(|_| matches!(channel.leg, Leg::Open(_)));
        let kept = Kept { transfer, leg_transfer, answered_at, held_since };
        let worth_it = kept != Kept::default();
        if worth_it || channel.noted {
            channel.noted = worth_it;
            cx.out.push(Output::Note(Note {
                channel: channel.id.as_str().into(),
                kept: worth_it.then_some(kept),
            }));
        }
    }

    /// Gives up the oldest channel if there is no room for another.
    fn make_room(&mut self, cx: &mut Context<'_>) {
        while self.channels.len() >= self.limits.channels {
            let Some(oldest) = self.order.pop_front() else { return };
            if let Some(id) = self.channels.get(oldest).map(|channel| channel.id.clone()) {
                cx.anomaly(&id, "more live channels than allowed: the oldest was given up");
                self.vanish(cx, oldest, cx.at, crate::EndReason::Failed);
            }
        }
        if self.order.len() > 2 * self.channels.len() + 1_024 {
            let channels = &self.channels;
            self.order.retain(|key| channels.get(*key).is_some());
        }
    }
}
