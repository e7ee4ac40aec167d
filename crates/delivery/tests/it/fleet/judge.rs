//! What must be true of every story.

use std::collections::{BTreeMap, BTreeSet};

use calls::{Event, EventId, EventKind};

use super::world::{SECOND, TROUBLE, WEBHOOKS, World};

/// Nothing waits for longer without a gateway that has it in its schedule.
const UNHEEDED: i64 = 6 * SECOND;

pub(super) struct Judge {
    /// What receivers took: when, the call, where in the call, the receiver, which event.
    taken: Vec<(i64, String, u8, u32, EventId)>,
    /// When PBXs said what.
    said: BTreeMap<EventId, i64>,
    /// When which gateway asked a receiver something.
    started: Vec<(i64, usize)>,
    /// Since when each gateway has been up and has reached the store.
    well_since: Vec<Option<i64>>,
    /// Since when a delivery is in nobody's schedule.
    unheeded: BTreeMap<(EventId, u32), i64>,
    /// Parts that were taken from another.
    pub(super) taken_over: u64,
    /// Parts that were handed to who has joined.
    pub(super) handed_over: u64,
    /// Events and outcomes that came from a spool as they were.
    pub(super) merged: u64,
    /// Parts given up for their links.
    pub(super) given_up: u64,
}

impl Judge {
    pub(super) fn new(gateways: usize) -> Self {
        Self {
            taken: Vec::new(),
            said: BTreeMap::new(),
            started: Vec::new(),
            well_since: vec![None; gateways],
            unheeded: BTreeMap::new(),
            taken_over: 0,
            handed_over: 0,
            merged: 0,
            given_up: 0,
        }
    }

    pub(super) fn takes(&mut self, at: i64, event: &Event, webhook: u32) {
        self.taken.push((at, event.call.as_str().to_owned(), event.sequence, webhook, event.id()));
    }

    pub(super) fn says(&mut self, at: i64, event: &Event) {
        self.said.insert(event.id(), at);
    }

    pub(super) fn starts(&mut self, at: i64, who: usize) {
        self.started.push((at, who));
    }

    /// How often a gateway asked receivers something from a moment on, and until before another.
    pub(super) fn starts_of(&self, who: usize, from: i64, until: i64) -> usize {
        self.started.iter().filter(|(at, by)| *by == who && (from..until).contains(at)).count()
    }

    /// When each event was said, and when each receiver took it, as often as it did.
    pub(super) fn tellings(&self) -> BTreeMap<(&EventId, u32), (i64, Vec<i64>)> {
        let mut all: BTreeMap<_, _> = (self.said.iter())
            .flat_map(|(id, at)| (1..=WEBHOOKS).map(move |webhook| ((id, webhook), (*at, Vec::new()))))
            .collect();
        for (at, .., webhook, id) in &self.taken {
            all.get_mut(&(id, *webhook)).expect("it was said").1.push(*at);
        }
        all
    }

    /// Once a second: what waits is in somebody's schedule.
    pub(super) fn look(world: &mut World) {
        let now = world.now;
        for who in 0..world.gateways.len() {
            let well =
                world.gateways[who].is_up(now) && world.reaches_store(who) && !world.gateways[who].is_leaving;
            let since = &mut world.judge.well_since[who];
            *since = if well { since.or(Some(now)) } else { None };
        }
        let mut unheeded = BTreeMap::new();
        for pending in world.engine.pending(None) {
            let event = world.engine.event(pending.id.event);
            let webhook = pending.id.integration.number;
            let mut up = world.gateways.iter().filter(|gateway| gateway.is_up(now));
            if !up.any(|gateway| gateway.has(event, webhook, pending.call_hash)) {
                let key = (event.id(), webhook);
                let since = world.judge.unheeded.get(&key).copied().unwrap_or(now);
                let well_since = world.judge.well_since.iter().flatten().min().copied().unwrap_or(now);
                let waited = now - since.max(well_since);
                assert!(waited <= UNHEEDED, "{key:?} is in nobody's schedule for {} s", waited / SECOND);
                unheeded.insert(key, since);
            }
        }
        world.judge.unheeded = unheeded;
    }

    /// At the end: everything was told, in order, or was too late.
    pub(super) fn check(world: &mut World) {
        let pending = world.engine.pending(None);
        assert!(pending.is_empty(), "left behind at {} s: {pending:?}", world.now / SECOND);
        assert!(world.now < TROUBLE + 3 * 3_600 * SECOND, "not done");
        let took: BTreeSet<_> =
            world.judge.taken.iter().map(|(.., webhook, id)| (id.clone(), *webhook)).collect();
        for event in world.engine.all() {
            for webhook in 1..=WEBHOOKS {
                let told = took.contains(&(event.id(), webhook));
                assert!(
                    told || event.kind() == EventKind::Incoming,
                    "{event:?} was never taken by {webhook}"
                );
            }
        }
        world.judge.taken.sort();
        let mut last: BTreeMap<(u32, &str), u8> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for (at, call, sequence, webhook, id) in &world.judge.taken {
            if seen.insert((id, webhook)) {
                let before = last.insert((*webhook, call), *sequence).unwrap_or(0);
                assert!(before < *sequence, "{id:?} came behind number {before} of its call, at {at}");
            }
        }
    }

    /// How often something was told that had been taken.
    pub(super) fn repeats(&self) -> usize {
        let once: BTreeSet<_> = self.taken.iter().map(|(.., webhook, id)| (id, webhook)).collect();
        self.taken.len() - once.len()
    }

    /// The whole story, to compare.
    pub(super) fn story(&self) -> String {
        format!("{:?}", self.taken)
    }
}
