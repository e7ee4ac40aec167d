//! One lane of four events, two senders at once: one was cut off from the store and delivers on, the other has taken
//! the part from it and hands it to a third a moment later. The rules of passing by are easily broken; here each is left out in turn and seen to be needed.

use std::collections::{BTreeMap, BTreeSet};

use calls::EventKind;
use delivery::policy::{LONGEST_REQUEST, Moment, Patience};
use delivery::schedule::{Finish, Input, Limits, Out, Schedule, SlotId, Verdict};
use journal::Part;

use super::world::{DELIVER_THROUGH, SECOND};

const RUNS: u64 = 1_500;
/// Most of them are worth a minute: what is given up is what this is about.
const EVENTS: [EventKind; 4] =
    [EventKind::Incoming, EventKind::Incoming, EventKind::Incoming, EventKind::Ended];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rules {
    /// As they are.
    All,
    /// Who took the part gives up at the same age as the other.
    NotCareful,
    /// Who was cut off gives up too.
    BothDecide,
    /// Who is handed the part does not learn that it was taken from one that may send still.
    Forgets,
}

struct Sender {
    schedule: Schedule,
    /// Whether its outcomes reach the store. If not, what was taken is a fact to it all the same, and a decision is
    /// none, unless the rules say otherwise.
    is_owner: bool,
}

enum Happening {
    Offer(usize),
    Take,
    HandOver,
    Finish(usize, SlotId, Finish),
    Settled(usize, SlotId, Verdict),
}

struct Lane {
    rules: Rules,
    chance: splitmix::Rng,
    now: i64,
    agenda: BTreeMap<(i64, u64), Happening>,
    senders: Vec<Sender>,
    hooks: Vec<delivery::schedule::WebhookKey>,
    said: BTreeMap<usize, i64>,
    /// What the store has of it as settled: only the owner's word, and the first one's until it was cut off.
    settled: BTreeSet<usize>,
    cut_at: i64,
    /// As the lease says.
    careful_until: Moment,
    taken: Vec<(i64, usize)>,
}

impl Lane {
    fn new(seed: u64, rules: Rules) -> Self {
        let mut lane = Self {
            rules,
            chance: splitmix::Rng::new(seed),
            now: 0,
            agenda: BTreeMap::new(),
            senders: Vec::new(),
            hooks: Vec::new(),
            said: BTreeMap::new(),
            settled: BTreeSet::new(),
            cut_at: 0,
            careful_until: Moment(0),
            taken: Vec::new(),
        };
        lane.cut_at = lane.below(60 * SECOND);
        lane.add_sender(true);
        let mut at = 0;
        for number in 0..EVENTS.len() {
            lane.plan(at, Happening::Offer(number));
            at += lane.below(8 * SECOND);
        }
        let taken_at = lane.cut_at + 4 * SECOND + lane.below(2 * SECOND);
        lane.plan(taken_at, Happening::Take);
        let handed_at = taken_at + lane.below(30 * SECOND);
        lane.plan(handed_at, Happening::HandOver);
        lane
    }

    fn below(&mut self, bound: i64) -> i64 {
        self.chance.below(usize::try_from(bound.max(1)).expect("positive")) as i64
    }

    fn plan(&mut self, at: i64, what: Happening) {
        let order = self.agenda.len() as u64 + self.chance.roll() % 1_000;
        self.agenda.insert((at, order), what);
    }

    fn add_sender(&mut self, is_owner: bool) {
        let mut schedule = Schedule::new(Limits::default(), self.chance.roll());
        let destination = schedule.add_destination();
        self.hooks.push(schedule.add_webhook(destination, Patience::default()));
        self.senders.push(Sender { schedule, is_owner });
    }

    fn run(&mut self) {
        loop {
            let due = self.senders.iter().enumerate();
            let due = due.filter_map(|(who, sender)| Some((sender.schedule.next_deadline()?.0, who))).min();
            let next = self.agenda.keys().next().map(|(at, _)| *at);
            match (due, next) {
                _ if self.now > 400 * SECOND => return,
                (None, None) => return,
                (Some((at, who)), next) if next.is_none_or(|next| at < next) => {
                    self.now = self.now.max(at);
                    let mut out = Vec::new();
                    self.senders[who].schedule.handle_timeout(Moment(self.now), &mut out);
                    self.carry_out(who, out);
                }
                _ => {
                    let ((at, _), what) = self.agenda.pop_first().expect("something");
                    self.now = self.now.max(at);
                    self.happen(what);
                }
            }
        }
    }

    fn happen(&mut self, what: Happening) {
        match what {
            Happening::Offer(number) => {
                self.said.insert(number, self.now);
                let many = self.senders.len();
                for who in (0..many).filter(|who| *who != 1 || many < 3) {
                    self.offer(who, number, self.now);
                }
            }
            Happening::Take => self.take(),
            Happening::HandOver => self.hand_over(),
            // It is not its sender's any more.
            Happening::Settled(1, ..) if !self.senders[1].is_owner => {}
            Happening::Finish(who, slot, how) => self.put(who, Input::Finished { slot, how }),
            Happening::Settled(who, slot, verdict) => {
                self.put(who, Input::Settled { slot, fenced: false, verdict });
            }
        }
    }

    fn take(&mut self) {
        let until = Moment(self.cut_at + DELIVER_THROUGH);
        self.put(0, Input::Trust { until, decides: self.rules == Rules::BothDecide });
        self.senders[0].is_owner = false;
        self.add_sender(true);
        let careful = if self.rules == Rules::NotCareful { 0 } else { DELIVER_THROUGH };
        let longest = i64::try_from(LONGEST_REQUEST.as_micros()).expect("few");
        self.careful_until = Moment(if careful == 0 { 0 } else { self.now + careful + longest });
        self.begin(1, self.careful_until);
    }

    /// In order: when no request of it is out.
    fn hand_over(&mut self) {
        self.put(1, Input::Leaving { part: Part(0) });
        if self.senders[1].schedule.in_flight() > 0 {
            return self.plan(self.now + SECOND / 20, Happening::HandOver);
        }
        let is_unanswered = |what: &&Happening| matches!(what, Happening::Settled(1, ..));
        let unanswered = self.agenda.values().filter(is_unanswered).count();
        let unanswered = u32::try_from(unanswered).expect("few");
        self.put(1, Input::Revoked { part: Part(0), unanswered });
        self.senders[1].is_owner = false;
        self.add_sender(true);
        let careful_until = if self.rules == Rules::Forgets { Moment(0) } else { self.careful_until };
        self.begin(2, careful_until);
    }

    fn begin(&mut self, who: usize, careful_until: Moment) {
        self.put(who, Input::Granted { part: Part(0), careful_until });
        for (number, since) in self.said.clone() {
            if !self.settled.contains(&number) {
                self.offer(who, number, since);
            }
        }
    }

    fn offer(&mut self, who: usize, number: usize, since: i64) {
        let (kind, since) = (EVENTS[number], Moment(since));
        let webhook = self.hooks[who];
        self.put(
            who,
            Input::Offer { seq: number as i64, webhook, kind, call_hash: 7, since, attempts: 0, due: since },
        );
    }

    fn put(&mut self, who: usize, input: Input) {
        let mut out = Vec::new();
        self.senders[who].schedule.handle(Moment(self.now), input, &mut out);
        self.carry_out(who, out);
    }

    fn carry_out(&mut self, who: usize, out: Vec<Out>) {
        for out in out {
            match out {
                Out::Start { slot, seq, .. } => self.request(who, slot, seq as usize),
                Out::Settle { slot, seq, verdict, .. } => {
                    let is_final = !matches!(verdict, Verdict::RetryAt(_));
                    let writes = self.senders[who].is_owner && (who > 0 || self.now < self.cut_at);
                    if writes && is_final {
                        self.settled.insert(seq as usize);
                    }
                    let is_fact = matches!(verdict, Verdict::Delivered | Verdict::RetryAt(_));
                    if writes || is_fact || self.rules == Rules::BothDecide {
                        let at = self.now + self.below(SECOND / 50);
                        self.plan(at, Happening::Settled(who, slot, verdict));
                    }
                }
                Out::Urgent | Out::Pause { .. } => {}
            }
        }
    }

    fn request(&mut self, who: usize, slot: SlotId, number: usize) {
        let roll = self.below(100);
        let (how, takes) = match roll {
            0..=34 => (Finish::TimedOut, i64::try_from(LONGEST_REQUEST.as_micros()).expect("few")),
            35..=94 => (Finish::Refused { retry_after: None }, self.below(10 * SECOND)),
            _ => (Finish::Taken, self.below(10 * SECOND)),
        };
        // Some of what times out was taken, at any moment while it was out.
        if how == Finish::Taken || (how == Finish::TimedOut && roll < 12) {
            let at = self.now + self.below(takes);
            self.taken.push((at, number));
        }
        self.plan(self.now + takes, Happening::Finish(who, slot, how));
    }

    /// Whether each event came to the receiver before all that follow it, where it came at all.
    fn is_in_order(&mut self) -> bool {
        self.taken.sort_unstable();
        let mut seen = BTreeSet::new();
        self.taken.iter().all(|(_, number)| !seen.insert(*number) || seen.last() == Some(number))
    }
}

fn out_of_order(rules: Rules) -> usize {
    (0..RUNS)
        .filter(|seed| {
            let mut lane = Lane::new(*seed, rules);
            lane.run();
            !lane.is_in_order()
        })
        .count()
}

#[test]
fn whoever_sends_at_once_an_event_never_comes_first_behind_one_that_follows_it() {
    assert_eq!(out_of_order(Rules::All), 0);
    for rules in [Rules::NotCareful, Rules::BothDecide, Rules::Forgets] {
        assert!(out_of_order(rules) > 0, "{rules:?} broke nothing: it is not seen to be needed");
    }
}
