//! The store that the gateways share: the one in RAM, as each of them sees it, behind its leases. Answers get lost, before
//! and after the commit.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calls::{Event, PbxName, PbxTime};
use futures_util::FutureExt as _;
use journal::facts::{self, Brought};
use journal::faults::{CommitPoint, Faults};
use journal::memory::Memory;
use journal::settings::IntegrationId;
use journal::verbs::*;
use journal::{
    About, Answer, Append, Appended, Asked, DeliveryId, Epoch, EventSeq, Facts, Fleet, Given, Grant,
    JournalError, Linked, Outcome, Part, Pending, Settle, Settled, Taken, WallTime, Wish, WishId,
};

/// The part is another's.
#[derive(Debug)]
pub(super) struct Fenced;

/// An event, as a gateway heard it.
pub(super) struct Heard<'a> {
    pub(super) grant: Grant,
    pub(super) event: &'a Event,
    /// By its wall clock, and how long ago.
    pub(super) received_at: i64,
    pub(super) age: Duration,
}

pub(super) struct Engine {
    /// As each gateway sees it.
    journals: Vec<Memory>,
    clock: Arc<AtomicI64>,
    /// How far its clock is ahead of the story's: nobody else's says the same.
    ahead: i64,
    /// Who may look at a part; nobody is asked for it.
    grants: BTreeMap<Part, Grant>,
    parts: Vec<Part>,
    events: BTreeMap<EventSeq, Event>,
    webhooks: u32,
    /// Writes that came too late.
    pub(super) fenced: u64,
    /// Events and outcomes that went to who had their part by then.
    pub(super) handed_over: u64,
}

pub(super) fn pbx(part: Part) -> PbxName {
    PbxName::new(format!("pbx{}", part.0))
}

/// The part of a PBX.
pub(super) fn part(pbx: &PbxName) -> Part {
    Part(pbx.as_str().trim_start_matches("pbx").parse().expect("one of ours"))
}

fn id(gateway: usize) -> String {
    format!("gw{gateway}")
}

impl Engine {
    pub(super) fn new(seed: u64, gateways: usize, parts: u16, webhooks: u32, loses_answers: bool) -> Self {
        let clock = Arc::new(AtomicI64::new(0));
        let rolls = Mutex::new(splitmix::Rng::new(seed ^ 0x000f_1ee7));
        let runs = Arc::new(AtomicBool::new(false));
        let loses = Arc::clone(&runs);
        let faults = Faults::new(move |point| {
            if !loses_answers || !loses.load(Ordering::Relaxed) {
                return Ok(());
            }
            let roll = rolls.lock().expect("nobody panicked").below(100);
            match point {
                CommitPoint::Before if roll < 5 => Err("no connection".to_owned()),
                CommitPoint::After if roll < 5 => Err("the answer got lost".to_owned()),
                _ => Ok(()),
            }
        });
        let told = Arc::clone(&clock);
        let first = Memory::with(faults, Arc::new(move || WallTime(told.load(Ordering::Relaxed))));
        let mut engine = Self {
            journals: (0..gateways).map(|gateway| first.beside(&id(gateway))).collect(),
            clock,
            ahead: splitmix::Rng::new(seed ^ 0x000c_10c5).below(86_400) as i64 * 1_000_000,
            grants: BTreeMap::new(),
            parts: (1..=parts).map(Part).collect(),
            events: BTreeMap::new(),
            webhooks,
            fenced: 0,
            handed_over: 0,
        };
        // Each was somebody's before, who gave it back.
        for part in (1..=parts).map(Part) {
            let grant = first.take(pbx(part), None, Duration::ZERO).now_or_never().expect("ready");
            let grant = grant.expect("taken").expect("nobody had it").grant;
            assert_eq!(grant.part(), part);
            first.release(grant, Given::InOrder).now_or_never().expect("ready").expect("given back");
            engine.grants.insert(part, grant);
        }
        runs.store(true, Ordering::Relaxed);
        engine
    }

    pub(super) fn set_clock(&self, now: i64) {
        self.clock.store(now + self.ahead, Ordering::Relaxed);
    }

    /// Beats, however often the answer gets lost.
    pub(super) fn tick(&self, who: usize, links: Vec<Linked>) -> Fleet {
        let pbxs: Vec<_> = self.parts.iter().map(|part| pbx(*part)).collect();
        let about = About { pbxs, links, asks: false };
        loop {
            if let Some(Ok(fleet)) = self.journals[who].tick(&about).now_or_never() {
                return fleet;
            }
        }
    }

    /// Takes a part from whoever had it, if nobody was quicker. One that had it and is gone may have requests under way for
    /// so long.
    pub(super) fn take(
        &mut self,
        part: Part,
        mut seen: Option<Epoch>,
        careful: Duration,
        who: usize,
    ) -> Option<Taken> {
        loop {
            match self.journals[who].take(pbx(part), seen, careful).now_or_never().expect("ready") {
                Ok(taken) => {
                    self.grants.insert(part, taken?.grant);
                    return taken;
                }
                // It may have been done: then the next is taken, and the one in doubt counts for nothing.
                Err(JournalError::Unknown { .. }) => seen = Some(Epoch(seen.map_or(1, |seen| seen.0 + 1))),
                Err(_) => {}
            }
        }
    }

    pub(super) fn release(&mut self, who: usize, grant: Grant, why: Given) {
        while self.journals[who].release(grant, why).now_or_never().expect("ready").is_err() {}
    }

    /// Keeps an event, however often the answer gets lost; whether it may have been this that did.
    pub(super) fn append(&mut self, who: usize, heard: &Heard<'_>) -> Result<bool, Fenced> {
        let (append, event) = (self.moment(heard), heard.event);
        let mut is_news = false;
        loop {
            let appended = self.journals[who].append(std::slice::from_ref(&append)).now_or_never();
            let Some(Ok(appended)) = appended else {
                is_news = true;
                continue;
            };
            let seq = match &appended[0][0] {
                Appended::Stored(seq, _) => {
                    is_news = true;
                    *seq
                }
                Appended::Repeat(seq) => *seq,
                Appended::Fenced => return Err(self.too_late()),
                refused @ Appended::Refused(_) => panic!("{refused:?} of {event:?}"),
            };
            self.events.insert(seq, event.clone());
            return Ok(is_news);
        }
    }

    /// Settles a delivery, unless the answer gets lost.
    pub(super) fn settle(
        &mut self,
        who: usize,
        grant: Grant,
        id: DeliveryId,
        outcome: Outcome,
    ) -> Result<Option<Settled>, Fenced> {
        let batch = [Settle { grant, id, attempt: None, outcome }];
        match self.journals[who].settle(&batch).now_or_never().and_then(Result::ok) {
            Some(settled) if settled[0] == Settled::Fenced => Err(self.too_late()),
            settled => Ok(settled.map(|settled| settled[0])),
        }
    }

    /// Asks whoever has a part to keep these, however often the answer gets lost.
    pub(super) fn hand_over(&mut self, who: usize, part: Part, facts: &Facts) {
        self.handed_over += (facts.moments.len() + facts.accepted.len()) as u64;
        let wish = Wish::Facts(facts::write(facts, self.now(who)));
        loop {
            match self.journals[who].ask(part, wish.clone()).now_or_never().expect("ready") {
                Ok(Asked::Waits(_)) => return,
                Ok(asked) => panic!("{asked:?}"),
                Err(_) => {}
            }
        }
    }

    /// What is asked of a part.
    pub(super) fn asked(&self, who: usize, grant: Grant) -> Vec<(WishId, Facts)> {
        let asked = self.journals[who].asked(grant, None).now_or_never().expect("ready").expect("readable");
        let now = self.now(who);
        let facts = |wish| match wish {
            Wish::Facts(packed) => facts::read(&packed, now).expect("as it was written"),
            wish => panic!("{wish:?}"),
        };
        asked.into_iter().map(|(id, wish)| (id, facts(wish))).collect()
    }

    /// Keeps facts as the part's owner, however often the answer gets lost.
    pub(super) fn bring(&mut self, who: usize, grant: Grant, facts: &Facts) -> Result<Brought, Fenced> {
        let all: Vec<Event> = facts
            .moments
            .iter()
            .flat_map(|moment| moment.events.iter().map(|(event, _)| event.clone()))
            .collect();
        let brought = loop {
            let brought = facts::bring(&self.journals[who], grant, facts.clone());
            match brought.now_or_never().expect("ready") {
                Ok(brought) => break brought,
                Err(JournalError::Taken { .. }) => return Err(self.too_late()),
                Err(_) => {}
            }
        };
        assert_eq!(brought.refused, 0, "{all:?}");
        for event in all {
            let seq = self.find(&event).expect("it was just kept");
            self.events.insert(seq, event);
        }
        Ok(brought)
    }

    /// They are done.
    pub(super) fn answer(&self, who: usize, grant: Grant, id: WishId) {
        let answer = || self.journals[who].answer(grant, id, Answer::default()).now_or_never();
        while matches!(answer(), Some(Err(JournalError::Unwritable { .. } | JournalError::Unknown { .. }))) {}
    }

    /// Nothing is asked of anybody any more.
    pub(super) fn is_nothing_asked(&self) -> bool {
        let asked = |grant: &Grant| self.asked(0, *grant).is_empty();
        self.grants.values().all(asked)
    }

    fn now(&self, who: usize) -> WallTime {
        self.journals[who].now().now_or_never().expect("ready").expect("it says")
    }

    /// An event as it is kept, or handed over.
    pub(super) fn moment(&self, heard: &Heard<'_>) -> Append {
        let Heard { grant, event, received_at, age } = *heard;
        let wanted: Vec<_> = (1..=self.webhooks).map(|number| IntegrationId { number }).collect();
        Append {
            grant,
            pbx: pbx(grant.part()),
            events: vec![(event.clone(), wanted)],
            notes: Vec::new(),
            heard_at: PbxTime::from_secs(0),
            received_at: WallTime(received_at),
            age,
        }
    }

    fn too_late(&mut self) -> Fenced {
        self.fenced += 1;
        Fenced
    }

    /// What waits, of a part or of all.
    pub(super) fn pending(&self, part: Option<Part>) -> Vec<Pending> {
        let asked = self.grants.values().filter(|grant| part.is_none_or(|part| part == grant.part()));
        let load = |grant: &Grant| self.journals[0].load_all(*grant).now_or_never().expect("ready");
        asked.flat_map(|grant| load(grant).expect("readable")).collect()
    }

    /// The event at a place.
    pub(super) fn event(&self, seq: EventSeq) -> &Event {
        &self.events[&seq]
    }

    /// All that was kept.
    pub(super) fn all(&self) -> impl Iterator<Item = &Event> {
        self.events.values()
    }

    /// Where an event is kept, if it is.
    pub(super) fn find(&self, event: &Event) -> Option<EventSeq> {
        let found = self.journals[0].find(event.id()).now_or_never().expect("ready");
        found.expect("readable").map(|kept| kept.seq)
    }
}
