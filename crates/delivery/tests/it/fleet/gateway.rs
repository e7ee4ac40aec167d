//! One gateway: its schedule, the parts it believes are its own, and its spool, which outlives it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use calls::{Event, EventId};
use delivery::policy::Patience;
use delivery::schedule::{Limits, Schedule, SlotId, Verdict, WebhookKey};
use journal::turns::Turns;
use journal::{EventSeq, Grant, Part};

/// So many requests may be out.
pub(super) fn limits() -> Limits {
    Limits { total: 12, per_destination: 6, window_start: 4, unsettled: 12 }
}

/// What was to be written while the store could not be reached.
#[derive(Clone)]
pub(super) enum Spooled {
    /// When it was heard.
    Event(Grant, Event, i64),
    /// An event a receiver took, and which receiver.
    Taken(Grant, Event, u32),
}

impl Spooled {
    pub(super) fn grant(&self) -> Grant {
        match self {
            Self::Event(grant, ..) | Self::Taken(grant, ..) => *grant,
        }
    }

    pub(super) fn part(&self) -> Part {
        self.grant().part()
    }
}

/// An outcome on its way to the store.
pub(super) struct Entry {
    pub(super) slot: SlotId,
    pub(super) seq: i64,
    pub(super) webhook: u32,
    pub(super) verdict: Verdict,
}

pub(super) struct Gateway {
    /// Which of its lives this is.
    pub(super) run: u32,
    pub(super) is_alive: bool,
    /// Stands still until then, and knows nothing of it.
    pub(super) paused_until: i64,
    /// Does not reach the store until then.
    pub(super) cut_until: i64,
    pub(super) is_leaving: bool,
    /// How far its wall clock is ahead.
    pub(super) ahead: i64,
    pub(super) schedule: Schedule,
    pub(super) hooks: Vec<WebhookKey>,
    pub(super) owns: BTreeMap<Part, Grant>,
    /// Since when, and until when, its links to PBXs are lost.
    pub(super) lost: BTreeMap<Part, (i64, i64)>,
    /// What the places in its schedule stand for.
    pub(super) events: BTreeMap<i64, Event>,
    places: BTreeMap<EventId, BTreeSet<i64>>,
    pub(super) settling: VecDeque<Entry>,
    pub(super) is_settling: bool,
    pub(super) spool: Vec<Spooled>,
    spooled: i64,
    /// When its last tick that was answered began.
    pub(super) heard_at: Option<i64>,
    /// What it makes of what it is told at its ticks.
    pub(super) turns: Turns,
}

impl Gateway {
    pub(super) fn new(webhooks: u32) -> Self {
        let mut new = Self {
            run: 0,
            is_alive: true,
            paused_until: 0,
            cut_until: 0,
            is_leaving: false,
            ahead: 0,
            schedule: Schedule::new(limits(), 0),
            hooks: Vec::new(),
            owns: BTreeMap::new(),
            lost: BTreeMap::new(),
            events: BTreeMap::new(),
            places: BTreeMap::new(),
            settling: VecDeque::new(),
            is_settling: false,
            spool: Vec::new(),
            spooled: 0,
            heard_at: None,
            turns: Turns::default(),
        };
        new.begin(webhooks);
        new
    }

    /// A new life. What is in the spool is all it has of the one before.
    pub(super) fn begin(&mut self, webhooks: u32) {
        self.run += 1;
        self.is_alive = true;
        self.is_leaving = false;
        self.schedule = Schedule::new(limits(), self.run.into());
        let apart = self.schedule.add_destination();
        let shared = self.schedule.add_destination();
        self.hooks = (0..webhooks)
            .map(|n| self.schedule.add_webhook(if n == 0 { apart } else { shared }, Patience::default()))
            .collect();
        self.owns.clear();
        self.events.clear();
        self.places.clear();
        self.settling.clear();
        self.is_settling = false;
        self.heard_at = None;
        self.turns = self.turns.anew();
    }

    /// Since when it does not hear a PBX.
    pub(super) fn unheard(&self, part: Part, now: i64) -> Option<i64> {
        self.lost.get(&part).filter(|(_, until)| *until > now).map(|(since, _)| *since)
    }

    pub(super) fn is_up(&self, now: i64) -> bool {
        self.is_alive && self.paused_until <= now
    }

    /// The place in the schedule of an event that the store gave a place.
    pub(super) fn kept(&mut self, EventSeq(place): EventSeq, event: Event) -> i64 {
        self.places.entry(event.id()).or_default().insert(place);
        self.events.insert(place, event);
        place
    }

    /// The same for one that is in the spool, behind all that the store has.
    pub(super) fn spooled(&mut self, part: Part, event: Event) -> i64 {
        self.spooled += 1;
        let behind = (2 * i64::from(part.0) + 1) << (EventSeq::PART_SHIFT - 1);
        self.kept(EventSeq(behind | self.spooled), event)
    }

    /// What it had of a part is in its schedule no more, but for requests that are out: they end there, and are nobody's.
    pub(super) fn forgets(&mut self, part: Part) {
        for places in self.places.values_mut() {
            places.retain(|place| EventSeq(*place).part() != part);
        }
    }

    /// Whether a delivery is in its schedule.
    pub(super) fn has(&self, event: &Event, webhook: u32, call_hash: u64) -> bool {
        self.find(event, webhook, call_hash).is_some()
    }

    /// Where.
    pub(super) fn find(&self, event: &Event, webhook: u32, call_hash: u64) -> Option<SlotId> {
        let hook = self.hooks[webhook as usize - 1];
        let mut places = self.places.get(&event.id()).into_iter().flatten();
        places.find_map(|seq| self.schedule.find(*seq, call_hash, &[hook]).map(|(slot, _)| slot))
    }

    pub(super) fn webhook(&self, key: WebhookKey) -> u32 {
        let at = self.hooks.iter().position(|hook| *hook == key).expect("a webhook");
        u32::try_from(at).expect("few") + 1
    }

    /// Whether nothing of it is under way.
    pub(super) fn is_quiet(&self) -> bool {
        self.schedule.in_flight() == 0 && self.settling.is_empty()
    }

    /// The same of a part.
    pub(super) fn is_quiet_of(&self, part: Part) -> bool {
        let of = |entry: &Entry| EventSeq(entry.seq).part() == part;
        self.schedule.in_flight_of(part) == 0 && !self.settling.iter().any(of)
    }
}
