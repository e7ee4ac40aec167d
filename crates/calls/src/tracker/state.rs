//! What the tracker holds, and how a channel gets into it: what every rule stands on.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use compact_str::CompactString;
use hashbrown::HashTable;

use crate::tracker::arena::{self, Arena, ChannelKey};
use crate::tracker::channel::{Bridge, Channel, Party, Presence};
use crate::tracker::leg::{Leg, Open, State};
use crate::tracker::link::Link;
use crate::tracker::timers::{CALLER_GRACE, LOST_GRACE, PARKING_GRACE, PLACED_GRACE, PROGRAM_GRACE, Waits};
use crate::{
    Anomaly, Device, Directory, Event, Kept, LegId, Note, Origin, Output, PbxName, PbxTime, Phone,
    Presentation, Seen,
};

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
        // The largest PBXs have some ten thousand; what never ends costs some hundred MB with this.
        Self { channels: 250_000 }
    }
}

/// Follows the channels of one PBX and says what happens to its phones.
#[derive(Debug)]
pub struct Tracker {
    pub(super) pbx: PbxName,
    pub(super) limits: TrackerLimits,
    pub(super) channels: Arena<Channel>,
    pub(super) bridges: Arena<Bridge>,
    /// Channels in the order they appeared; some are gone.
    pub(super) order: VecDeque<ChannelKey>,
    /// Halves of helper pairs whose other half has not appeared, by the name both share.
    pub(super) halves: BTreeMap<Box<str>, ChannelKey>,
    /// Phones that ring or answered and nobody knows for whom.
    pub(super) unlinked: Waits,
    /// Phones that ring and that a program reached for somebody.
    pub(super) by_program: Waits,
    /// Calls that phones placed and that are not told yet.
    pub(super) placed: Waits,
    /// Phones that rang and whose attempt has ended.
    pub(super) losing: Waits,
    /// Parkings whose transfer has not been told.
    pub(super) parkings: Waits,
    pub(super) gone: Gone,
    /// Whether the PBX has ever told who is in a bridge.
    pub(super) bridges_told: bool,
    pub(super) link: Link,
    pub(super) now: PbxTime,
    pub(super) marks: u64,
    pub(super) open_legs: usize,
}

/// What is at hand while one input is handled.
pub(super) struct Context<'a> {
    pub(super) at: PbxTime,
    pub(super) directory: &'a dyn Directory,
    pub(super) out: &'a mut Vec<Output>,
}

impl Context<'_> {
    pub(super) fn tell(&mut self, event: Event) {
        self.out.push(Output::Event(Box::new(event)));
    }

    pub(super) fn anomaly(&mut self, channel: &str, what: &'static str) {
        self.out.push(Output::Anomaly(Anomaly { at: self.at, channel: channel.into(), what }));
    }
}

/// The ids of the channels that went last.
#[derive(Debug, Default)]
pub(super) struct Gone {
    order: VecDeque<CompactString>,
    ids: HashTable<CompactString>,
}

impl Gone {
    pub(super) fn remember(&mut self, id: CompactString) {
        if self.order.len() >= REMEMBERED_GONE
            && let Some(oldest) = self.order.pop_front()
            && let Ok(entry) = self.ids.find_entry(arena::hash(&oldest), |id| *id == oldest)
        {
            entry.remove();
        }
        self.ids.insert_unique(arena::hash(&id), id.clone(), |id| arena::hash(id));
        self.order.push_back(id);
    }

    pub(super) fn has(&self, id: &str) -> bool {
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
            unlinked: Waits::of(CALLER_GRACE),
            by_program: Waits::of(PROGRAM_GRACE),
            placed: Waits::of(PLACED_GRACE),
            losing: Waits::of(LOST_GRACE),
            parkings: Waits::of(PARKING_GRACE),
            gone: Gone::default(),
            bridges_told: false,
            link: Link::Up,
            now: PbxTime::default(),
            marks: 0,
            open_legs: 0,
        }
    }

    /// Live channels and open legs.
    pub fn counts(&self) -> (usize, usize) {
        (self.channels.len(), self.open_legs)
    }

    /// The channel, made known if this is the first word about it. `None` if it is gone already.
    pub(super) fn known_or_new(
        &mut self,
        cx: &mut Context<'_>,
        who: Seen<'_>,
        origin: Option<Origin>,
    ) -> Option<ChannelKey> {
        if who.is_chosen {
            self.recognise_chosen(who.id);
        }
        if let Some(key) = self.heard(cx, who.id, origin.is_some()) {
            self.learn(key, who);
            return Some(key);
        }
        // An id that an application chose may come again.
        let may_come_again = who.is_chosen && origin.is_some();
        if self.gone.has(who.id) && !may_come_again {
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
    pub(super) fn heard(&mut self, cx: &mut Context<'_>, id: &str, is_beginning: bool) -> Option<ChannelKey> {
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

    pub(super) fn channel_of(&self, cx: &Context<'_>, who: Seen<'_>, origin: Option<Origin>) -> Channel {
        let party = match who.device {
            Device::Endpoint(endpoint) => party_behind(endpoint, cx.directory.phone(endpoint)),
            Device::Provider(endpoint) => party_behind(endpoint, cx.directory.phone_on_line(endpoint)),
            Device::Helper(_) => Party::Helper { other: None },
            Device::Machine => Party::Machine,
        };
        let group = if who.group.is_empty() { who.id } else { who.group };
        let first = self.channels.find(group).and_then(|key| self.channels.get(key));
        let mut channel = Channel {
            party,
            origin,
            own_number: who.number.into(),
            number: who.number.into(),
            dialled: who.dialled.into(),
            group: first.map_or_else(|| group.into(), |first| first.group.clone()),
            connected: who.connected.into(),
            withheld: who.presentation == Presentation::Withheld,
            made_at: cx.at,
            is_chosen: who.is_chosen,
            ..Channel::new(who.id)
        };
        if who.is_chosen && group == who.id {
            channel.group = channel.unique_id();
        }
        channel
    }

    /// Takes over what a message says of a channel's numbers.
    pub(super) fn learn(&mut self, key: ChannelKey, who: Seen<'_>) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        if !who.number.is_empty() && *channel.number != *who.number {
            channel.number = who.number.into();
            if channel.own_number.is_empty() {
                channel.own_number = channel.number.clone();
            }
        }
        match who.presentation {
            Presentation::Unsaid => {}
            Presentation::Allowed => channel.withheld = false,
            Presentation::Withheld => channel.withheld = true,
        }
        if !who.connected.is_empty() && *channel.connected != *who.connected {
            channel.connected = who.connected.into();
        }
        if channel.dialled.is_empty() && !who.dialled.is_empty() {
            channel.dialled = who.dialled.into();
        }
    }

    pub(super) fn open(&self, key: ChannelKey) -> Option<&Open> {
        self.channels.get(key)?.open()
    }

    /// The id by which legs name a channel as their counterpart.
    pub(super) fn leg_id(&self, key: ChannelKey) -> Option<LegId> {
        self.channels.get(key).map(|channel| LegId::of(&self.pbx, &channel.unique_id()))
    }

    /// Keeps in the journal what no event tells about a channel, or takes it back.
    pub(super) fn note(&mut self, cx: &mut Context<'_>, key: ChannelKey) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        let (leg_transfer, answered_at) = match &channel.leg {
            Leg::Open(open) => {
                let conversing = matches!(open.state, State::Conversing { .. });
                (open.transfer.clone(), if conversing { open.answered_at() } else { None })
            }
            Leg::Silent | Leg::Over => (None, None),
        };
        let transfer = channel.mark.as_ref().map(|mark| mark.transfer.clone());
        let held_since = channel.rare().held_since.filter(|_| matches!(channel.leg, Leg::Open(_)));
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
    pub(super) fn make_room(&mut self, cx: &mut Context<'_>) {
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

fn party_behind(endpoint: &str, phone: Option<Arc<Phone>>) -> Party {
    phone.map_or(Party::Trunk, |phone| Party::Phone { endpoint: endpoint.into(), phone })
}
