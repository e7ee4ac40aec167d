//! What the gateways' schedules ask for, and what comes of it.

use calls::Event;
use delivery::policy::{LONGEST_REQUEST, Moment};
use delivery::schedule::{Finish, Input, Out, SlotId, Verdict, WebhookKey};
use journal::settings::IntegrationId;
use journal::{DeliveryId, EventSeq, Grant, Outcome, Settled};

use super::gateway::{Entry, Spooled, limits};
use super::world::{Happening, SECOND, TROUBLE, World};

impl World {
    pub(super) fn put(&mut self, who: usize, input: Input) {
        let mut out = Vec::new();
        self.gateways[who].schedule.handle(Moment(self.now), input, &mut out);
        self.carry_out(who, out);
    }

    pub(super) fn carry_out(&mut self, who: usize, out: Vec<Out>) {
        for out in out {
            match out {
                Out::Start { slot, seq, webhook, .. } => self.request(who, slot, seq, webhook),
                Out::Settle { slot, seq, webhook, verdict, .. } => {
                    let webhook = self.gateways[who].webhook(webhook);
                    self.gateways[who].settling.push_back(Entry { slot, seq, webhook, verdict });
                    self.plan_settling(who);
                }
                Out::Urgent | Out::Pause { .. } => {}
            }
        }
        assert!(self.gateways[who].schedule.in_flight() <= limits().total);
    }

    fn plan_settling(&mut self, who: usize) {
        if !self.gateways[who].is_settling && !self.gateways[who].settling.is_empty() {
            self.gateways[who].is_settling = true;
            let at = self.now + self.below(SECOND / 30);
            self.plan(at, Happening::Settle(who, self.gateways[who].run));
        }
    }

    pub(super) fn settle(&mut self, who: usize) {
        self.gateways[who].is_settling = false;
        let mut later = Vec::new();
        while let Some(entry) = self.gateways[who].settling.pop_front() {
            let part = EventSeq(entry.seq).part();
            let Some(grant) = self.gateways[who].owns.get(&part).copied() else { continue };
            let event = self.gateways[who].events[&entry.seq].clone();
            let in_order = !self.gateways[who].spool.iter().any(|spooled| spooled.part() == part);
            let settled = if self.reaches_store(who) && in_order {
                let seq = self.engine.find(&event).expect("what is settled was kept");
                let id = DeliveryId { event: seq, integration: IntegrationId { number: entry.webhook } };
                self.engine.settle(who, grant, id, outcome(entry.verdict, Moment(self.now)))
            } else {
                Ok(self.spool_outcome(who, grant, event, &entry))
            };
            let Entry { slot, verdict, .. } = entry;
            match settled {
                Ok(Some(settled)) => {
                    let fenced = settled == Settled::Gone;
                    self.put(who, Input::Settled { slot, fenced, verdict });
                }
                Ok(None) => later.push(entry),
                Err(_) => {
                    self.gateways[who].settling.push_front(entry);
                    // Those whose answers got lost before that are not answered any more either.
                    self.gateways[who].settling.extend(later.drain(..));
                    self.lose(who, part);
                }
            }
        }
        self.gateways[who].settling.extend(later);
        self.plan_settling(who);
    }

    /// Facts are kept and the lane goes on; a decision that is not in the store is none yet.
    fn spool_outcome(&mut self, who: usize, grant: Grant, event: Event, entry: &Entry) -> Option<Settled> {
        match entry.verdict {
            Verdict::Delivered => {
                self.gateways[who].spool.push(Spooled::Taken(grant, event, entry.webhook));
                Some(Settled::Done)
            }
            Verdict::RetryAt(_) => Some(Settled::Done),
            Verdict::Expired | Verdict::Failed | Verdict::Cancelled | Verdict::Held => None,
        }
    }

    fn request(&mut self, who: usize, slot: SlotId, seq: i64, webhook: WebhookKey) {
        self.judge.starts(self.now, who);
        let webhook = self.gateways[who].webhook(webhook);
        let event = self.gateways[who].events[&seq].clone();
        let roll = self.below(100);
        let bad = self.troubles.bad_receivers && self.now < TROUBLE;
        let how = match roll {
            _ if !bad => Finish::Taken,
            0..=9 => Finish::Unreachable,
            10..=14 => Finish::TimedOut,
            15..=54 => Finish::Refused { retry_after: None },
            _ => Finish::Taken,
        };
        let takes = match how {
            Finish::TimedOut => i64::try_from(LONGEST_REQUEST.as_micros()).expect("few"),
            _ => self.below(300_000),
        };
        // A receiver takes it at any moment while the request is out, also what then seems to fail.
        let taken = how == Finish::Taken || (how == Finish::TimedOut && roll % 2 == 0);
        if taken {
            let at = self.now + self.below(takes.max(1));
            self.judge.takes(at, &event, webhook);
        }
        let run = self.gateways[who].run;
        self.plan(self.now + takes, Happening::Finish(who, run, slot, how));
    }
}

fn outcome(verdict: Verdict, now: Moment) -> Outcome {
    match verdict {
        Verdict::Delivered => Outcome::Delivered,
        Verdict::RetryAt(at) => Outcome::RetryIn(at.since(now)),
        Verdict::Expired => Outcome::Expired,
        Verdict::Failed => Outcome::Failed(None),
        Verdict::Cancelled => Outcome::Cancelled,
        Verdict::Held => Outcome::Held,
    }
}
