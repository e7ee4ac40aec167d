//! PBXs, gateways, their store and receivers in virtual time.

use std::collections::BTreeMap;

use calls::{Event, EventKind, LegId};
use delivery::policy::{Moment, Patience, taken_up};
use delivery::schedule::{Finish, Input, SlotId};
use journal::turns::Turns;
use journal::{Grant, Part, Pending, call_hash};

use super::engine::{Engine, Heard, pbx};
use super::gateway::{Gateway, Spooled};
use super::judge::Judge;
use crate::support::event;

pub(super) const SECOND: i64 = 1_000_000;
/// A gateway goes on delivering so long after its last good tick, when the store cannot be reached.
pub(super) const DELIVER_THROUGH: i64 = 120 * SECOND;
/// Until then everything goes wrong that may.
pub(super) const TROUBLE: i64 = 300 * SECOND;
/// A wall clock is set by so much at most.
const MOST_SET: i64 = 3 * 3_600 * SECOND;
/// Deliveries of one integration a leg goes to.
pub(super) const WEBHOOKS: u32 = 2;

/// What may go wrong.
#[derive(Clone, Copy)]
pub(super) struct Troubles {
    pub(super) gateways: usize,
    pub(super) parts: u16,
    pub(super) calls: u64,
    pub(super) crashes: bool,
    pub(super) pauses: bool,
    pub(super) cuts: bool,
    pub(super) outages: bool,
    pub(super) hand_overs: bool,
    pub(super) lost_answers: bool,
    pub(super) bad_receivers: bool,
    pub(super) links: bool,
}

pub(super) enum Happening {
    Say(Part, Event),
    Read(usize, u32, Part, Event),
    Tick(usize, u32),
    Finish(usize, u32, SlotId, Finish),
    Settle(usize, u32),
    Crash(usize),
    Start(usize),
    Pause(usize, i64),
    Cut(usize, i64),
    Outage(i64),
    LoseLink(usize, Part, i64),
    Mend(Part),
    Leave(usize),
    /// A gateway's wall clock is set, by so many microseconds.
    Set(usize, i64),
    Left(usize, u32, i64),
    Look,
}

pub(super) struct World {
    pub(super) troubles: Troubles,
    chance: splitmix::Rng,
    pub(super) now: i64,
    agenda: BTreeMap<(i64, u64), Happening>,
    counter: u64,
    outage_until: i64,
    is_over: bool,
    pub(super) engine: Engine,
    pub(super) gateways: Vec<Gateway>,
    /// All a PBX has said, as who asks it anew is told.
    pub(super) said: BTreeMap<Part, Vec<Event>>,
    pub(super) judge: Judge,
}

impl World {
    pub(super) fn new(seed: u64, troubles: Troubles) -> Self {
        let gateways = troubles.gateways;
        let mut world = Self {
            troubles,
            chance: splitmix::Rng::new(seed),
            now: 0,
            agenda: BTreeMap::new(),
            counter: 0,
            outage_until: 0,
            is_over: false,
            engine: Engine::new(seed, gateways, troubles.parts, WEBHOOKS, troubles.lost_answers),
            gateways: (0..gateways).map(|_| Gateway::new(WEBHOOKS)).collect(),
            said: (1..=troubles.parts).map(|part| (Part(part), Vec::new())).collect(),
            judge: Judge::new(gateways),
        };
        for gateway in 0..gateways {
            let at = world.below(SECOND);
            world.plan(at, Happening::Tick(gateway, 1));
        }
        world.plan_calls();
        world.plan_troubles();
        world.plan_lost_links();
        world.plan_clocks(&mut splitmix::Rng::new(seed ^ 0x000c_10c5));
        world.plan(SECOND, Happening::Look);
        world
    }

    fn plan_calls(&mut self) {
        for call in 0..self.troubles.calls {
            let part = Part(1 + u16::try_from(self.below(self.troubles.parts.into())).expect("few"));
            let mut at = 8 * SECOND + self.below(TROUBLE - 60 * SECOND);
            for kind in [EventKind::Incoming, EventKind::Answered, EventKind::Ended] {
                let made = event(kind, &format!("{call}"));
                self.plan(
                    at,
                    Happening::Say(part, Event { leg: LegId::of(&pbx(part), &format!("{call}.7")), ..made }),
                );
                at += self.below(20 * SECOND);
            }
        }
    }

    fn plan_troubles(&mut self) {
        let Troubles { gateways, crashes, pauses, cuts, outages, hand_overs, .. } = self.troubles;
        for _ in 0..self.below(6) {
            let (at, who) =
                (10 * SECOND + self.below(TROUBLE - 20 * SECOND), self.below(gateways as i64) as usize);
            let roll = self.below(5);
            let lasts = if self.below(4) == 0 { self.below(150 * SECOND) } else { self.below(20 * SECOND) };
            match roll {
                0 if crashes => {
                    self.plan(at, Happening::Crash(who));
                    self.plan(at + SECOND + lasts, Happening::Start(who));
                }
                1 if pauses => self.plan(at, Happening::Pause(who, at + lasts)),
                2 if cuts => self.plan(at, Happening::Cut(who, at + lasts)),
                3 if outages => self.plan(at, Happening::Outage(at + lasts)),
                4 if hand_overs => self.plan(at, Happening::Leave(who)),
                _ => {}
            }
        }
    }

    fn plan_lost_links(&mut self) {
        let Troubles { gateways, parts, links, .. } = self.troubles;
        if !links {
            return;
        }
        self.gateways.iter_mut().for_each(|gateway| gateway.turns = Turns::with_second_readers());
        for _ in 0..2 + self.below(6) {
            let at = 20 * SECOND + self.below(TROUBLE - 40 * SECOND);
            let part = Part(1 + u16::try_from(self.below(parts.into())).expect("few"));
            let lasts = self.below(40 * SECOND);
            // One that all lose stays where it is.
            let all = self.below(5) == 0;
            let who = self.below(gateways as i64) as usize;
            for who in (0..gateways).filter(|one| all || *one == who) {
                self.plan(at, Happening::LoseLink(who, part, at + lasts));
            }
            self.plan(at + lasts, Happening::Mend(part));
        }
    }

    /// Each gateway's wall clock is another, and is set now and then.
    fn plan_clocks(&mut self, chance: &mut splitmix::Rng) {
        let mut by = || chance.below(2 * MOST_SET as usize) as i64 - MOST_SET;
        for who in 0..self.gateways.len() {
            self.gateways[who].ahead = by();
            for _ in 0..3 {
                let at = by().abs() % TROUBLE;
                self.plan(at, Happening::Set(who, by()));
            }
        }
    }

    pub(super) fn below(&mut self, bound: i64) -> i64 {
        self.chance.below(usize::try_from(bound.max(1)).expect("positive")) as i64
    }

    pub(super) fn plan(&mut self, at: i64, what: Happening) {
        self.counter += 1;
        self.agenda.insert((at, self.counter), what);
    }

    /// To the end of the story.
    pub(super) fn run(&mut self) {
        self.run_until(TROUBLE + 3 * 3_600 * SECOND);
    }

    pub(super) fn run_until(&mut self, until: i64) {
        while self.now < until && !self.is_over {
            let deadlines = self.gateways.iter().enumerate().filter(|(_, gateway)| gateway.is_up(self.now));
            let first =
                deadlines.filter_map(|(who, gateway)| Some((gateway.schedule.next_deadline()?.0, who))).min();
            let next = *self.agenda.keys().next().expect("they tick for ever");
            if next.0.min(first.map_or(i64::MAX, |(at, _)| at)) > until {
                return self.set_now(until);
            }
            match first {
                Some((at, who)) if at < next.0 => {
                    self.set_now(at);
                    let mut out = Vec::new();
                    self.gateways[who].schedule.handle_timeout(Moment(self.now), &mut out);
                    self.carry_out(who, out);
                }
                _ => {
                    let ((at, _), what) = self.agenda.pop_first().expect("something");
                    self.set_now(at);
                    self.happen(what);
                }
            }
        }
    }

    fn set_now(&mut self, at: i64) {
        self.now = at.max(self.now);
        self.engine.set_clock(self.now);
    }

    fn is_done(&self) -> bool {
        let said = self.said.values().flatten().count() as u64;
        said == self.troubles.calls * 3
            && self.gateways.iter().all(|gateway| gateway.spool.is_empty() && gateway.is_quiet())
            && self.said.values().flatten().all(|event| self.engine.find(event).is_some())
            && self.engine.pending(None).is_empty()
            && self.engine.is_nothing_asked()
    }

    fn happen(&mut self, what: Happening) {
        let of = match &what {
            Happening::Read(who, run, ..)
            | Happening::Tick(who, run)
            | Happening::Finish(who, run, ..)
            | Happening::Settle(who, run)
            | Happening::Left(who, run, _) => Some((*who, *run)),
            _ => None,
        };
        if let Some((who, run)) = of {
            let gateway = &self.gateways[who];
            if !gateway.is_alive || gateway.run != run {
                return;
            }
            // Who stands still finds everything at once when it wakes, in the order in which it came, and does not
            // ask first whether it is still itself.
            let wakes = gateway.paused_until;
            if wakes > self.now {
                let later = if matches!(what, Happening::Tick(..)) { self.below(SECOND / 2) } else { 0 };
                return self.plan(wakes + later, what);
            }
        }
        match what {
            Happening::Say(part, event) => self.say(part, event),
            Happening::Read(who, _, part, event) => self.read(who, part, &event),
            Happening::Tick(who, run) => {
                let began = self.now;
                self.tick(who, began);
                self.plan(began + SECOND, Happening::Tick(who, run));
            }
            Happening::Finish(who, _, slot, how) => self.put(who, Input::Finished { slot, how }),
            Happening::Settle(who, _) => self.settle(who),
            Happening::Crash(who) => self.gateways[who].is_alive = false,
            Happening::Start(who) if !self.gateways[who].is_alive => {
                self.gateways[who].begin(WEBHOOKS);
                self.plan(self.now, Happening::Tick(who, self.gateways[who].run));
            }
            Happening::Start(_) => {}
            Happening::Pause(who, until) => {
                let gateway = &mut self.gateways[who];
                gateway.paused_until = gateway.paused_until.max(until);
            }
            Happening::Cut(who, until) => {
                let gateway = &mut self.gateways[who];
                gateway.cut_until = gateway.cut_until.max(until);
            }
            Happening::Outage(until) => self.outage_until = self.outage_until.max(until),
            Happening::LoseLink(who, part, until) => {
                self.gateways[who].lost.insert(part, (self.now, until));
            }
            Happening::Mend(part) => {
                for who in 0..self.gateways.len() {
                    if self.gateways[who].is_alive && self.gateways[who].owns.contains_key(&part) {
                        self.asks_anew(who, part);
                    }
                }
            }
            Happening::Leave(who) => self.leave(who),
            Happening::Set(who, by) => self.gateways[who].ahead += by,
            Happening::Left(who, _, began) => self.left(who, began),
            Happening::Look => {
                Judge::look(self);
                self.is_over = self.now > TROUBLE && self.is_done();
                self.plan(self.now + SECOND, Happening::Look);
            }
        }
    }

    pub(super) fn reaches_store(&self, who: usize) -> bool {
        self.outage_until <= self.now && self.gateways[who].cut_until <= self.now
    }

    /// A gateway does not reach the store from now on, until then.
    pub(super) fn cut(&mut self, who: usize, until: i64) {
        self.plan(self.now, Happening::Cut(who, until));
    }

    /// Others than this one do not hear a PBX from now on, until then; they ask it anew a while later.
    pub(super) fn only_one_hears(&mut self, who: usize, part: Part, until: i64) {
        for other in (0..self.gateways.len()).filter(|other| *other != who) {
            self.gateways[other].lost.insert(part, (self.now, until));
        }
        self.plan(until, Happening::Mend(part));
    }

    fn say(&mut self, part: Part, event: Event) {
        self.judge.says(self.now, &event);
        self.said.get_mut(&part).expect("a part").push(event.clone());
        for who in 0..self.gateways.len() {
            let gateway = &self.gateways[who];
            let hears = gateway.unheard(part, self.now).is_none();
            if hears && gateway.is_alive && gateway.owns.contains_key(&part) {
                let run = self.gateways[who].run;
                self.plan(self.now, Happening::Read(who, run, part, event.clone()));
            }
        }
    }

    fn read(&mut self, who: usize, part: Part, event: &Event) {
        let Some(grant) = self.gateways[who].owns.get(&part).copied() else { return };
        let in_order = !self.gateways[who].spool.iter().any(|spooled| spooled.part() == part);
        if !self.reaches_store(who) || !in_order {
            let seq = self.gateways[who].spooled(part, event.clone());
            self.gateways[who].spool.push(Spooled::Event(grant, event.clone(), self.now));
            let now = Moment(self.now);
            let waiting: Vec<_> = (1..=WEBHOOKS).map(|webhook| (webhook, 0, now, now)).collect();
            return self.offer(who, seq, event, &waiting);
        }
        let heard = self.heard(who, grant, event, self.now);
        match self.engine.append(who, &heard) {
            Ok(true) => self.offer_pending(who, part, Some(event)),
            // What waits of it was offered when the part was taken.
            Ok(false) => {}
            Err(_) => self.lose(who, part),
        }
    }

    /// An event as it was heard at a moment.
    pub(super) fn heard<'a>(&self, who: usize, grant: Grant, event: &'a Event, at: i64) -> Heard<'a> {
        let age = Moment(self.now).since(Moment(at));
        Heard { grant, event, received_at: at + self.gateways[who].ahead, age }
    }

    /// Offers what waits of a part, or of one event of it, and is not in the schedule.
    pub(super) fn offer_pending(&mut self, who: usize, part: Part, only: Option<&Event>) {
        for pending in self.engine.pending(Some(part)) {
            let Pending { id, call_hash, attempts, kind, age, due_at_age, .. } = pending;
            let event = self.engine.event(id.event).clone();
            let webhook = id.integration.number;
            let wanted = only.is_none_or(|only| only.id() == event.id());
            if wanted && !self.gateways[who].has(&event, webhook, call_hash) {
                let seq = self.gateways[who].kept(id.event, event.clone());
                let patience = Patience::default().with(kind);
                let (since, due) = taken_up(patience, age, due_at_age, Moment(self.now));
                self.offer(who, seq, &event, &[(webhook, attempts, since, due)]);
            }
        }
    }

    fn offer(&mut self, who: usize, seq: i64, event: &Event, waiting: &[(u32, u16, Moment, Moment)]) {
        for (webhook, attempts, since, due) in waiting {
            let input = Input::Offer {
                seq,
                webhook: self.gateways[who].hooks[*webhook as usize - 1],
                kind: event.kind(),
                call_hash: call_hash(&event.call),
                since: *since,
                attempts: *attempts,
                due: *due,
            };
            self.put(who, input);
        }
    }
}
