//! Order, turns, room and breakers, on the bare schedule.

mod ends;
mod failing;
mod order;
mod rate;
mod shares;

use std::collections::VecDeque;
use std::time::Duration;

use calls::EventKind;
use delivery::policy::{Moment, Patience};
use delivery::schedule::{Finish, Input, Limits, Out, Schedule, SlotId, Verdict, WebhookKey};

const DAY: Duration = Duration::from_secs(24 * 3_600);
const START: Moment = Moment(1_000_000);

struct Bench {
    schedule: Schedule,
    now: Moment,
    seq: i64,
}

impl Bench {
    fn new(limits: Limits) -> Self {
        Self { schedule: Schedule::new(limits, 7), now: START, seq: 0 }
    }

    fn webhook(&mut self) -> WebhookKey {
        let destination = self.schedule.add_destination();
        self.schedule.add_webhook(destination, Patience::default())
    }

    fn put(&mut self, input: Input) -> Vec<Out> {
        let mut out = Vec::new();
        self.schedule.handle(self.now, input, &mut out);
        out
    }

    fn offer(&mut self, webhook: WebhookKey, kind: EventKind, call_hash: u64) -> Vec<Out> {
        self.seq += 1;
        let (seq, since, due) = (self.seq, self.now, self.now);
        self.put(Input::Offer { seq, webhook, kind, call_hash, since, attempts: 0, due })
    }

    fn finish(&mut self, slot: SlotId, how: Finish) -> Vec<Out> {
        self.put(Input::Finished { slot, how })
    }

    /// An attempt ends, and what was made of it is on disk at once; what starts because of that.
    fn end(&mut self, slot: SlotId, how: Finish) -> Vec<(SlotId, i64)> {
        let mut out = self.finish(slot, how);
        for settle in out.clone() {
            if let Out::Settle { slot, verdict, .. } = settle {
                let more = self.put(Input::Settled { slot, fenced: false, verdict });
                for settle in &more {
                    if let Out::Settle { slot, verdict, .. } = settle {
                        let (slot, verdict) = (*slot, *verdict);
                        self.put(Input::Settled { slot, fenced: false, verdict });
                    }
                }
                out.extend(more);
            }
        }
        started(&out)
    }

    /// Ends one after the other, in the order in which they started; in which that was.
    fn in_turn(&mut self, mut started: VecDeque<(SlotId, i64)>) -> Vec<i64> {
        let mut order = Vec::new();
        while let Some((slot, seq)) = started.pop_front() {
            order.push(seq);
            started.extend(self.end(slot, Finish::Taken));
        }
        order
    }

    /// Lets time pass, and puts on disk what comes of that; what starts.
    fn pass_and_settle(&mut self, time: Duration) -> Vec<(SlotId, i64)> {
        let mut out = self.pass(time);
        for settle in out.clone() {
            if let Out::Settle { slot, verdict, .. } = settle {
                out.extend(self.put(Input::Settled { slot, fenced: false, verdict }));
            }
        }
        started(&out)
    }

    /// Lets time pass up to a moment; all that comes out.
    fn pass(&mut self, time: Duration) -> Vec<Out> {
        let until = self.now.plus(time);
        let mut out = Vec::new();
        while let Some(at) = self.schedule.next_deadline().filter(|at| *at <= until) {
            self.now = at.max(self.now);
            self.schedule.handle_timeout(self.now, &mut out);
        }
        self.now = until;
        out
    }
}

fn started(out: &[Out]) -> Vec<(SlotId, i64)> {
    out.iter()
        .filter_map(|out| match out {
            Out::Start { slot, seq, .. } => Some((*slot, *seq)),
            _ => None,
        })
        .collect()
}

fn verdicts(out: &[Out]) -> Vec<(i64, Verdict, bool)> {
    out.iter()
        .filter_map(|out| match out {
            Out::Settle { seq, verdict, urgent, .. } => Some((*seq, *verdict, *urgent)),
            _ => None,
        })
        .collect()
}

const REFUSED: Finish = Finish::Refused { retry_after: None };

/// Webhooks that have failed twice, each with more to send than it may.
fn dead(bench: &mut Bench, many: u32) -> Vec<WebhookKey> {
    let hooks: Vec<_> = (0..many).map(|_| bench.webhook()).collect();
    for hook in &hooks {
        for call in 0..2 {
            let out = bench.offer(*hook, EventKind::Ended, call);
            bench.end(started(&out)[0].0, Finish::Unreachable);
        }
        bench.offer(*hook, EventKind::Ended, 2);
        bench.offer(*hook, EventKind::Ended, 3);
    }
    hooks
}
