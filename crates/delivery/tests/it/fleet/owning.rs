//! Who has which part of the store: ticks, taking, handing over, what is spooled and merged, and leaving.

use std::collections::BTreeMap;
use std::time::Duration;

use calls::Event;
use delivery::policy::{LONGEST_REQUEST, Moment};
use delivery::schedule::Input;
use journal::settings::IntegrationId;
use journal::turns::Step;
use journal::{
    Accepted, DeliveryId, Epoch, EventSeq, FACTS_AT_ONCE, Facts, Given, Grant, Linked, Outcome, Part, Settle,
    Taken, call_hash,
};

use super::engine::{part, pbx};
use super::gateway::{Entry, Spooled};
use super::world::{DELIVER_THROUGH, Happening, SECOND, World};

/// A gateway trusts itself so long after the beginning of a tick that was answered.
const TRUST: i64 = 3 * SECOND;

impl World {
    pub(super) fn tick(&mut self, who: usize, began: i64) {
        if !self.reaches_store(who) {
            self.gateways[who].turns.failed();
            if let Some(heard_at) = self.gateways[who].heard_at {
                self.put(who, Input::Trust { until: Moment(heard_at + DELIVER_THROUGH), decides: false });
            }
            return;
        }
        let fleet = self.engine.tick(who, self.links(who));
        self.gateways[who].heard_at = Some(began);
        let now = Duration::from_micros(self.now.unsigned_abs());
        let has = self.gateways[who].owns.iter().map(|(part, grant)| (pbx(*part), *grant)).collect();
        let pbxs: Vec<_> = self.said.keys().map(|part| pbx(*part)).collect();
        let gateway = &self.gateways[who];
        let unheard = gateway.owns.keys().filter_map(|part| {
            let since = gateway.unheard(*part, self.now)?;
            Some((pbx(*part), Duration::from_micros(since.unsigned_abs())))
        });
        let unheard = unheard.collect();
        let turns = &mut self.gateways[who].turns;
        turns.told(now, fleet);
        let steps = turns.steps(now, &pbxs, &has, &unheard);
        for step in &steps {
            if let Step::Lose(pbx) = step {
                self.lose(who, part(pbx));
            }
        }
        if self.gateways[who].is_leaving {
            return;
        }
        // Of what it has lost it starts nothing any more.
        self.put(who, Input::Trust { until: Moment(began + TRUST), decides: true });
        self.hand_over_spooled(who);
        for step in steps {
            match step {
                Step::Lose(_) => {}
                Step::Take { pbx, seen, from } => self.take(who, part(&pbx), seen, from.is_some()),
                Step::HandOver { pbx, why } => self.hand_over(who, part(&pbx), why),
            }
        }
        self.merge(who);
        for (part, grant) in self.gateways[who].owns.clone() {
            self.read_inbox(who, part, grant);
        }
    }

    /// As whoever listens to all PBXs tells it.
    fn links(&self, who: usize) -> Vec<Linked> {
        let gateway = &self.gateways[who];
        let lacks = |part: Part| gateway.unheard(part, self.now).map(|_| "down".to_owned());
        let parts = self.said.keys().filter(|_| self.troubles.links && !gateway.is_leaving);
        parts.map(|part| Linked { part: *part, lacks: lacks(*part), since: None }).collect()
    }

    /// What it says from now on is the other's to hear; what is out is waited for at the next tick.
    fn hand_over(&mut self, who: usize, part: Part, why: Given) {
        let spools = self.gateways[who].spool.iter().any(|spooled| spooled.part() == part);
        if !spools && self.gateways[who].is_quiet_of(part) {
            let grant = self.gateways[who].owns[&part];
            self.lose(who, part);
            self.engine.release(who, grant, why);
            self.judge.handed_over += u64::from(why == Given::InOrder);
            self.judge.given_up += u64::from(why == Given::ForItsLink);
        }
    }

    fn take(&mut self, who: usize, part: Part, seen: Option<Epoch>, from_one_gone: bool) {
        let others = Duration::from_micros(DELIVER_THROUGH.unsigned_abs()) + LONGEST_REQUEST;
        let from = if from_one_gone { others } else { Duration::ZERO };
        let Some(Taken { grant, careful }) = self.engine.take(part, seen, from, who) else { return };
        self.gateways[who].owns.insert(part, grant);
        self.judge.taken_over += u64::from(from_one_gone);
        let careful_until = Moment(self.now).plus(careful);
        self.put(who, Input::Granted { part, careful_until });
        self.read_inbox(who, part, grant);
        self.offer_pending(who, part, None);
        self.asks_anew(who, part);
    }

    /// The PBX is asked anew; what was kept of what it says is there already.
    pub(super) fn asks_anew(&mut self, who: usize, part: Part) {
        if self.gateways[who].unheard(part, self.now).is_some() {
            return;
        }
        let run = self.gateways[who].run;
        for event in self.said[&part].clone() {
            self.plan(self.now, Happening::Read(who, run, part, event));
        }
    }

    pub(super) fn lose(&mut self, who: usize, part: Part) {
        self.gateways[who].owns.remove(&part);
        let of = |seq: i64| EventSeq(seq).part() == part;
        let before = self.gateways[who].settling.len();
        self.gateways[who].settling.retain(|entry| !of(entry.seq));
        let unanswered = u32::try_from(before - self.gateways[who].settling.len()).expect("few");
        self.put(who, Input::Revoked { part, unanswered });
        self.gateways[who].forgets(part);
    }

    /// What is of a part that it has no more is told to who has it now, or has it next.
    fn hand_over_spooled(&mut self, who: usize) {
        let gateway = &mut self.gateways[who];
        let owns = |grant: Grant| gateway.owns.get(&grant.part()) == Some(&grant);
        let (own, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut gateway.spool).into_iter().partition(|spooled| owns(spooled.grant()));
        gateway.spool = own;
        let mut facts: BTreeMap<Part, Facts> = BTreeMap::new();
        for spooled in others {
            let of_part = facts.entry(spooled.part()).or_default();
            match spooled {
                Spooled::Event(grant, event, at) => {
                    of_part.moments.push(self.engine.moment(&self.heard(who, grant, &event, at)));
                }
                Spooled::Taken(_, event, webhook) => {
                    let integration = IntegrationId { number: webhook };
                    of_part.accepted.push(Accepted { event: event.id(), integration, attempt: None });
                }
            }
        }
        for (part, facts) in facts {
            assert!(facts.moments.len() <= FACTS_AT_ONCE);
            self.engine.hand_over(who, part, &facts);
        }
    }

    /// What was spooled is written as it was.
    fn merge(&mut self, who: usize) {
        if self.gateways[who].spool.is_empty() {
            return;
        }
        for spooled in std::mem::take(&mut self.gateways[who].spool) {
            let grant = spooled.grant();
            let done = match &spooled {
                Spooled::Event(_, event, at) => {
                    let heard = self.heard(who, grant, event, *at);
                    self.engine.append(who, &heard).is_ok()
                }
                Spooled::Taken(_, event, webhook) => self.note_taken(who, grant, event, *webhook),
            };
            if done {
                self.judge.merged += 1;
            } else {
                // Another has it by now: it goes there at the next tick.
                self.gateways[who].spool.push(spooled);
            }
        }
        // After a restart nothing of it was in the schedule.
        for part in self.gateways[who].owns.keys().copied().collect::<Vec<_>>() {
            self.offer_pending(who, part, None);
        }
    }

    fn note_taken(&mut self, who: usize, grant: Grant, event: &Event, webhook: u32) -> bool {
        let Some(seq) = self.engine.find(event) else { return false };
        let id = DeliveryId { event: seq, integration: IntegrationId { number: webhook } };
        self.notes(who, grant, id)
    }

    fn notes(&mut self, who: usize, grant: Grant, id: DeliveryId) -> bool {
        loop {
            match self.engine.settle(who, grant, id, Outcome::Delivered) {
                Ok(Some(_)) => return true,
                Ok(None) => {}
                Err(_) => return false,
            }
        }
    }

    /// What another heard is kept, what receivers took is settled, and the rest is sent.
    fn read_inbox(&mut self, who: usize, part: Part, grant: Grant) {
        for (id, facts) in self.engine.asked(who, grant) {
            let Ok(brought) = self.engine.bring(who, grant, &facts) else { return };
            for (Settle { id, .. }, kept) in brought.accepted {
                let lane = call_hash(&kept.event.call);
                let found = self.gateways[who].find(&kept.event, id.integration.number, lane);
                if let Some(slot) = found {
                    self.put(who, Input::Taken { slot });
                }
                let is_own = |entry: &Entry| Some(entry.slot) == found;
                if !self.gateways[who].settling.iter().any(is_own) && !self.notes(who, grant, id) {
                    return;
                }
            }
            self.offer_pending(who, part, None);
            self.engine.answer(who, grant, id);
        }
    }

    /// It is asked to end: starts nothing more, and hands its parts over when nothing is out.
    pub(super) fn leave(&mut self, who: usize) {
        if self.gateways[who].is_up(self.now) && !self.gateways[who].is_leaving {
            self.gateways[who].is_leaving = true;
            self.put(who, Input::Stop);
            self.plan(self.now, Happening::Left(who, self.gateways[who].run, self.now));
        }
    }

    pub(super) fn left(&mut self, who: usize, began: i64) {
        if !self.gateways[who].is_quiet() && self.now < began + SECOND / 2 {
            return self.plan(self.now + SECOND / 100, Happening::Left(who, self.gateways[who].run, began));
        }
        if self.reaches_store(who) {
            for grant in std::mem::take(&mut self.gateways[who].owns).into_values() {
                self.engine.release(who, grant, Given::InOrder);
            }
        }
        self.gateways[who].is_alive = false;
        self.plan(self.now + 2 * SECOND, Happening::Start(who));
        // Told, not waited for.
        for other in 0..self.gateways.len() {
            let run = self.gateways[other].run;
            self.plan(self.now + SECOND / 100, Happening::Tick(other, run));
        }
    }
}
