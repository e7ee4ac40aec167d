//! Policy, schedule and store together, in virtual time, with everything going wrong that can: receivers
//! that fail, hang and are gone, a journal that refuses and loses answers, crashes, and a wall clock that is set
//! forward and back by hours. A failing run prints its seed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calls::{Event, EventKind, PbxName, PbxTime};
use delivery::policy::{LONGEST_PAUSE, Moment, Patience, taken_up};
use delivery::schedule::{Finish, Input, Limits, Out, Schedule, SlotId, Verdict, WebhookKey};
use futures_util::FutureExt as _;
use journal::faults::{CommitPoint, Faults};
use journal::memory::Memory;
use journal::settings::IntegrationId;
use journal::{
    Append, Appended, Cursor, Deliveries, DeliveryId, DeliveryState, EventSeq, Events, Filter, Grant,
    History, Outcome, Pending, Settle, Settled, WallTime, call_hash,
};

use crate::support::event;

const RUNS: u64 = 150;
const WEBHOOKS: u64 = 3;
const CALLS: u64 = 25;
const SECOND: i64 = 1_000_000;
/// Until then receivers and journal misbehave.
const TROUBLE: i64 = 120 * SECOND;
/// The wall's clock is set by so much at most, each time.
const MOST_SET: i64 = 5 * 3_600 * SECOND;

/// Chance with a seed.
struct Chance(splitmix::Rng);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0.roll() % bound
    }
}

/// What is to happen.
enum Happening {
    /// An event of a call is kept.
    Event(EventKind, String),
    /// An attempt ends; void if the program has crashed since.
    Finish { life: u32, slot: SlotId, how: Finish },
    /// A group of settlements is answered.
    Settle { life: u32 },
    /// The program dies and starts again.
    Crash,
    /// The wall's clock is set, by so many microseconds.
    Set(i64),
}

struct World {
    chance: Chance,
    now: i64,
    /// How far the wall's clock is ahead of the one that never jumps.
    ahead: i64,
    agenda: BTreeMap<(i64, u64), Happening>,
    counter: u64,
    life: u32,
    journal: Memory,
    /// What the store goes by: the wall's.
    clock: Arc<AtomicI64>,
    schedule: Schedule,
    hooks: Vec<WebhookKey>,
    settling: VecDeque<(Settle, SlotId, Verdict)>,
    settling_scheduled: bool,
    /// What each receiver took, in order.
    taken: Vec<(DeliveryId, u64)>,
    requests: u64,
}

fn limits() -> Limits {
    Limits { total: 8, per_destination: 4, window_start: 2, unsettled: 6 }
}

impl World {
    fn new(seed: u64) -> Self {
        let clock = Arc::new(AtomicI64::new(0));
        let rolls = Mutex::new(splitmix::Rng::new(seed ^ 0xdead_beef));
        let faults = Faults::new(move |point| {
            let roll = rolls.lock().expect("nobody panicked").below(100);
            match point {
                CommitPoint::Before if roll < 10 => Err("disk full".to_owned()),
                CommitPoint::After if roll < 3 => Err("the answer got lost".to_owned()),
                _ => Ok(()),
            }
        });
        let looked = Arc::clone(&clock);
        let journal = Memory::with(faults, Arc::new(move || WallTime(looked.load(Ordering::Relaxed))));
        let mut world = Self {
            chance: Chance(splitmix::Rng::new(seed)),
            now: 0,
            ahead: 0,
            agenda: BTreeMap::new(),
            counter: 0,
            life: 0,
            journal,
            clock,
            schedule: Schedule::new(limits(), seed),
            hooks: Vec::new(),
            settling: VecDeque::new(),
            settling_scheduled: false,
            taken: Vec::new(),
            requests: 0,
        };
        world.add_webhooks();
        for call in 0..CALLS {
            let mut at = world.chance.below(60) as i64 * SECOND;
            for kind in [EventKind::Incoming, EventKind::Answered, EventKind::Ended] {
                world.plan(at, Happening::Event(kind, format!("{call}")));
                at += world.chance.below(20) as i64 * SECOND / 4;
            }
        }
        for _ in 0..world.chance.below(6) {
            let at = world.chance.below(100 * SECOND as u64) as i64;
            world.plan(at, Happening::Crash);
        }
        for _ in 0..world.chance.below(4) {
            let at = world.chance.below(100 * SECOND as u64) as i64;
            let by = world.chance.below(2 * MOST_SET as u64) as i64 - MOST_SET;
            world.plan(at, Happening::Set(by));
        }
        world
    }

    fn add_webhooks(&mut self) {
        let destination = self.schedule.add_destination();
        let apart = self.schedule.add_destination();
        self.hooks = (0..WEBHOOKS)
            .map(|n| self.schedule.add_webhook(if n == 0 { apart } else { destination }, Patience::default()))
            .collect();
    }

    fn plan(&mut self, at: i64, what: Happening) {
        self.counter += 1;
        self.agenda.insert((at, self.counter), what);
    }

    fn run(&mut self) {
        loop {
            let next_happening = self.agenda.keys().next().map(|(at, _)| *at);
            let next_deadline = self.schedule.next_deadline().map(|at| at.0);
            match (next_happening, next_deadline) {
                (None, None) => return,
                (happening, Some(deadline)) if happening.is_none_or(|at| deadline < at) => {
                    self.now = deadline.max(self.now);
                    let mut out = Vec::new();
                    self.schedule.handle_timeout(Moment(self.now), &mut out);
                    self.carry_out(out);
                }
                _ => {
                    let ((at, _), what) = self.agenda.pop_first().expect("something");
                    self.now = at.max(self.now);
                    self.happen(what);
                }
            }
        }
    }

    fn happen(&mut self, what: Happening) {
        match what {
            Happening::Event(kind, call) => self.keep(event(kind, &call)),
            Happening::Finish { life, .. } | Happening::Settle { life } if life != self.life => {}
            Happening::Finish { slot, how, .. } => self.put(Input::Finished { slot, how }),
            Happening::Settle { .. } => self.settle(),
            Happening::Crash => self.crash(),
            Happening::Set(by) => self.ahead += by,
        }
    }

    fn put(&mut self, input: Input) {
        let mut out = Vec::new();
        self.schedule.handle(Moment(self.now), input, &mut out);
        self.carry_out(out);
    }

    /// Keeps an event; the PBX link tries until the journal has it.
    fn keep(&mut self, event: Event) {
        let wanted: Vec<_> = (1..=WEBHOOKS as u32).map(|number| IntegrationId { number }).collect();
        let append = Append {
            grant: Grant::ALONE,
            pbx: PbxName::new("pbx1"),
            events: vec![(event.clone(), wanted.clone())],
            notes: Vec::new(),
            heard_at: PbxTime::from_secs(0),
            received_at: self.wall(),
            age: Duration::ZERO,
        };
        let appended = loop {
            if let Some(Ok(appended)) = self.store().append(std::slice::from_ref(&append)).now_or_never() {
                break appended;
            }
        };
        // A repeat: the answer to the first try got lost; nobody was told of it yet.
        let (Appended::Stored(seq, _) | Appended::Repeat(seq)) = appended[0][0] else {
            panic!("{:?} of {:?}", appended, event.call)
        };
        for integration in wanted {
            self.offer(Pending {
                id: DeliveryId { event: seq, integration },
                account: event.account().clone(),
                kind: event.kind(),
                call_hash: call_hash(&event.call),
                age: Duration::ZERO,
                attempts: 0,
                due_at_age: Duration::ZERO,
                held: false,
            });
        }
    }

    fn offer(&mut self, pending: Pending) {
        let webhook = self.hooks[pending.id.integration.number as usize - 1];
        let Pending { id, kind, call_hash, attempts, age, due_at_age, .. } = pending;
        let patience = Patience::default().with(kind);
        let (since, due) = taken_up(patience, age, due_at_age, Moment(self.now));
        self.put(Input::Offer { seq: id.event.0, webhook, kind, call_hash, since, attempts, due });
    }

    /// What the wall's clock says.
    fn wall(&self) -> WallTime {
        WallTime(self.now + self.ahead)
    }

    fn store(&self) -> &Memory {
        self.clock.store(self.wall().0, Ordering::Relaxed);
        &self.journal
    }

    fn id(&self, seq: i64, webhook: WebhookKey) -> DeliveryId {
        let at = self.hooks.iter().position(|hook| *hook == webhook).expect("a webhook");
        DeliveryId { event: EventSeq(seq), integration: IntegrationId { number: at as u32 + 1 } }
    }

    fn carry_out(&mut self, out: Vec<Out>) {
        for out in out {
            match out {
                Out::Start { slot, seq, webhook, .. } => self.request(slot, self.id(seq, webhook)),
                Out::Settle { slot, seq, webhook, verdict, .. } => {
                    let outcome = match verdict {
                        Verdict::Delivered => Outcome::Delivered,
                        Verdict::RetryAt(at) => Outcome::RetryIn(at.since(Moment(self.now))),
                        Verdict::Expired => Outcome::Expired,
                        Verdict::Failed => Outcome::Failed(None),
                        Verdict::Cancelled => Outcome::Cancelled,
                        Verdict::Held => Outcome::Held,
                    };
                    let settle =
                        Settle { grant: Grant::ALONE, id: self.id(seq, webhook), attempt: None, outcome };
                    self.settling.push_back((settle, slot, verdict));
                    self.plan_settling();
                }
                Out::Urgent | Out::Pause { .. } => {}
            }
        }
        assert!(self.schedule.in_flight() <= limits().total);
        for hook in &self.hooks {
            assert!(self.schedule.webhook(*hook).in_flight <= limits().per_destination);
        }
    }

    fn plan_settling(&mut self) {
        if !self.settling_scheduled && !self.settling.is_empty() {
            self.settling_scheduled = true;
            let at = self.now + self.chance.below(30_000) as i64;
            self.plan(at, Happening::Settle { life: self.life });
        }
    }

    fn settle(&mut self) {
        self.settling_scheduled = false;
        let now = Moment(self.now);
        let due_as_of_now = |(settle, _, verdict): &(Settle, SlotId, Verdict)| match verdict {
            Verdict::RetryAt(at) => Settle { outcome: Outcome::RetryIn(at.since(now)), ..settle.clone() },
            _ => settle.clone(),
        };
        let batch: Vec<_> = self.settling.iter().map(due_as_of_now).collect();
        if let Some(Ok(settled)) = self.store().settle(&batch).now_or_never() {
            for settled in settled {
                let (_, slot, verdict) = self.settling.pop_front().expect("it was asked for");
                // Fenced only because our own answer got lost: nobody else settles here.
                let _: Settled = settled;
                self.put(Input::Settled { slot, fenced: false, verdict });
            }
        }
        self.plan_settling();
    }

    /// A request goes out: what it must not overtake is settled.
    fn request(&mut self, slot: SlotId, id: DeliveryId) {
        self.requests += 1;
        let pending = self.store().load_all(Grant::ALONE).now_or_never().expect("ready").expect("readable");
        let of = |id: DeliveryId| pending.iter().find(|pending| pending.id == id);
        let own = of(id).expect("nothing is requested that is settled").call_hash;
        let overtaken = pending.iter().find(|other| {
            other.id.integration == id.integration && other.call_hash == own && other.id.event < id.event
        });
        assert!(overtaken.is_none(), "{id:?} overtakes {overtaken:?}");
        let how = self.receive(id, own);
        let takes = if how == Finish::TimedOut { 10 * SECOND } else { self.chance.below(300_000) as i64 };
        let at = self.now + takes;
        self.plan(at, Happening::Finish { life: self.life, slot, how });
    }

    fn receive(&mut self, id: DeliveryId, call_hash: u64) -> Finish {
        let roll = self.chance.below(100);
        let how = match roll {
            _ if self.now > TROUBLE => Finish::Taken,
            0..=9 => Finish::Unreachable,
            10..=14 => Finish::TimedOut,
            15..=34 => Finish::Refused { retry_after: None },
            35..=36 => Finish::NotMade,
            _ => Finish::Taken,
        };
        // Of what times out, some was taken all the same.
        if how == Finish::Taken || (how == Finish::TimedOut && roll.is_multiple_of(2)) {
            self.taken.push((id, call_hash));
        }
        how
    }

    fn crash(&mut self) {
        self.life += 1;
        self.settling.clear();
        self.settling_scheduled = false;
        self.schedule = Schedule::new(limits(), u64::from(self.life));
        self.add_webhooks();
        let pending = self.store().load_all(Grant::ALONE).now_or_never().expect("ready").expect("readable");
        for pending in pending {
            self.offer(pending);
        }
    }

    fn check(&self) {
        let pending = self.store().load_all(Grant::ALONE).now_or_never().expect("ready").expect("readable");
        assert!(pending.is_empty(), "left behind: {pending:?}");
        assert_eq!(self.schedule.pending(), 0);
        let longest = i64::try_from(LONGEST_PAUSE.as_micros()).expect("few");
        assert!(self.now < TROUBLE + 2 * longest, "something waited for a clock: until {}", self.now);
        let took: BTreeSet<DeliveryId> = self.taken.iter().map(|(id, _)| *id).collect();
        let filter = Filter { after: Some(Cursor::START), limit: 1_000, ..Filter::default() };
        let records = self.store().deliveries(filter).now_or_never().expect("ready").expect("readable");
        assert_eq!(records.len() as u64, CALLS * 3 * WEBHOOKS);
        for record in records {
            match record.state {
                DeliveryState::Delivered => assert!(took.contains(&record.id), "{record:?}"),
                DeliveryState::Expired => assert_eq!(record.event.event.kind(), EventKind::Incoming),
                other => panic!("{other:?}"),
            }
        }
        self.check_order();
    }

    /// The first time each event of a call was taken is in order.
    fn check_order(&self) {
        let mut last: BTreeMap<(IntegrationId, u64), EventSeq> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for (id, call_hash) in &self.taken {
            if seen.insert(*id) {
                let before = last.insert((id.integration, *call_hash), id.event);
                assert!(before.is_none_or(|before| before < id.event), "{id:?} after {before:?}");
            }
        }
    }
}

#[test]
fn nothing_is_lost_and_order_is_kept_whatever_fails() {
    let mut requests = 0;
    for seed in 0..RUNS {
        let run = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            world.run();
            world.check();
            world.requests
        });
        requests += run.unwrap_or_else(|_| panic!("seed {seed} fails"));
    }
    assert!(requests > RUNS * CALLS * 3 * WEBHOOKS / 2, "{requests}");
}

#[test]
fn the_same_seed_is_the_same_story() {
    let story = |seed| {
        let mut world = World::new(seed);
        world.run();
        (world.taken, world.now, world.requests)
    };
    assert_eq!(story(3), story(3));
    assert_ne!(story(3), story(4));
}
