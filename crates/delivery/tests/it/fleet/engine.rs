//! The store that the gateways share: the one in RAM, behind leases. Who writes a part shows its epoch, and is refused
//! once another has taken the part. Answers get lost, before and after the commit.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use calls::{Event, PbxName, PbxTime};
use futures_util::FutureExt as _;
use journal::faults::{CommitPoint, Faults};
use journal::memory::Memory;
use journal::settings::IntegrationId;
use journal::{
    Append, Appended, Deliveries as _, DeliveryId, EventSeq, Events as _, Outcome, Part, Pending, Settle,
    Settled, WallTime,
};

/// The part is another's.
#[derive(Debug)]
pub(super) struct Fenced;

/// Who has a part.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lease {
    pub(super) epoch: u32,
    pub(super) owner: Option<usize>,
    /// Whether it was given back, and not taken away.
    pub(super) released: bool,
}

/// What a gateway that lost a part has to say of it.
pub(super) struct Facts {
    pub(super) events: Vec<Event>,
    pub(super) taken: Vec<(Event, u32)>,
}

pub(super) struct Engine {
    journal: Memory,
    clock: Arc<AtomicI64>,
    pub(super) leases: BTreeMap<Part, Lease>,
    pub(super) beats: Vec<u64>,
    pub(super) inbox: BTreeMap<Part, Vec<Facts>>,
    events: BTreeMap<EventSeq, (Part, Event)>,
    webhooks: u32,
    /// Writes that came too late.
    pub(super) fenced: u64,
}

impl Engine {
    pub(super) fn new(seed: u64, gateways: usize, parts: u16, webhooks: u32, loses_answers: bool) -> Self {
        let clock = Arc::new(AtomicI64::new(0));
        let rolls = Mutex::new(splitmix::Rng::new(seed ^ 0x000f_1ee7));
        let faults = Faults::new(move |point| {
            let roll = rolls.lock().expect("nobody panicked").below(100);
            match point {
                CommitPoint::Before if loses_answers && roll < 5 => Err("no connection".to_owned()),
                CommitPoint::After if loses_answers && roll < 5 => Err("the answer got lost".to_owned()),
                _ => Ok(()),
            }
        });
        let told = Arc::clone(&clock);
        Self {
            journal: Memory::with(faults, Arc::new(move || WallTime(told.load(Ordering::Relaxed)))),
            clock,
            leases: (1..=parts)
                .map(|part| (Part(part), Lease { released: true, ..Lease::default() }))
                .collect(),
            beats: vec![0; gateways],
            inbox: (1..=parts).map(|part| (Part(part), Vec::new())).collect(),
            events: BTreeMap::new(),
            webhooks,
            fenced: 0,
        }
    }

    pub(super) fn set_clock(&self, now: i64) {
        self.clock.store(now, Ordering::Relaxed);
    }

    /// Takes a part from whoever had it, if nobody was quicker.
    pub(super) fn take(&mut self, part: Part, seen: Lease, who: usize) -> Option<u32> {
        let lease = self.leases.get_mut(&part).filter(|lease| lease.epoch == seen.epoch)?;
        *lease = Lease { epoch: lease.epoch + 1, owner: Some(who), released: false };
        Some(lease.epoch)
    }

    pub(super) fn release(&mut self, part: Part, epoch: u32) {
        if let Some(lease) = self.leases.get_mut(&part).filter(|lease| lease.epoch == epoch) {
            lease.owner = None;
            lease.released = true;
        }
    }

    fn hold(&mut self, part: Part, epoch: u32) -> Result<(), Fenced> {
        if self.leases[&part].epoch == epoch {
            return Ok(());
        }
        self.fenced += 1;
        Err(Fenced)
    }

    /// Keeps an event, however often the answer gets lost; its place.
    pub(super) fn append(&mut self, part: Part, epoch: u32, event: &Event) -> Result<EventSeq, Fenced> {
        self.hold(part, epoch)?;
        let wanted: Vec<_> = (1..=self.webhooks).map(|number| IntegrationId { number }).collect();
        let append = Append {
            pbx: PbxName::new(format!("pbx{}", part.0)),
            events: vec![(event.clone(), wanted)],
            notes: Vec::new(),
            heard_at: PbxTime::from_secs(0),
            received_at: WallTime(self.clock.load(Ordering::Relaxed)),
        };
        loop {
            let Some(Ok(appended)) = self.journal.append(std::slice::from_ref(&append)).now_or_never() else {
                continue;
            };
            let (Appended::Stored(seq, _) | Appended::Repeat(seq)) = appended[0][0] else {
                panic!("{appended:?} of {event:?}")
            };
            self.events.insert(seq, (part, event.clone()));
            return Ok(seq);
        }
    }

    /// Settles a delivery, unless the answer gets lost.
    pub(super) fn settle(
        &mut self,
        part: Part,
        epoch: u32,
        id: DeliveryId,
        outcome: Outcome,
    ) -> Result<Option<Settled>, Fenced> {
        self.hold(part, epoch)?;
        let batch = [Settle { id, attempt: None, outcome }];
        Ok(self.journal.settle(&batch).now_or_never().and_then(Result::ok).map(|settled| settled[0]))
    }

    /// What waits, of a part or of all.
    pub(super) fn pending(&self, part: Option<Part>) -> Vec<(Part, Pending)> {
        let all = self.journal.load_all().now_or_never().expect("ready").expect("readable");
        all.into_iter()
            .map(|pending| (self.events[&pending.id.event].0, pending))
            .filter(|(of, _)| part.is_none_or(|part| part == *of))
            .collect()
    }

    /// The event at a place.
    pub(super) fn event(&self, seq: EventSeq) -> &Event {
        &self.events[&seq].1
    }

    /// All that was kept.
    pub(super) fn all(&self) -> impl Iterator<Item = &Event> {
        self.events.values().map(|(_, event)| event)
    }

    /// Where an event is kept, if it is.
    pub(super) fn find(&self, event: &Event) -> Option<EventSeq> {
        self.journal.find(event.id()).now_or_never().expect("ready").expect("readable").map(|kept| kept.seq)
    }
}
