//! Gateways on one engine as a model of discrete events: what has come while a group is under way goes into the next.
//!
//! A gateway keeps its events in groups, one at a time; what is kept it posts; outcomes are kept in groups of their
//! own. Behind a small group it rests for as long as that took. Cores serve in the order they are asked. What a commit, a row in it and a post take is measured and given; what
//! is not in the model: rows of settings, readers, upkeep, locks of the engine, receivers that are slow.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

/// No group has more.
const GROUP: usize = 1_024;
/// Behind one of so many rows nobody rests.
const LARGE_GROUP: usize = 64;
const LONGEST_REST_US: f64 = 10_000.0;
/// Events of a run that is flat out, and the seconds of one that has a pace.
const EVENTS: usize = 200_000;
const SECONDS: f64 = 20.0;
/// Cores of the primary of a large fleet.
const PRIMARY_CORES: usize = 2;
/// Gateways of one.
pub(super) const LARGE: usize = 32;

/// What things take, in microseconds of a processor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Costs {
    /// The primary: a commit, however much is in it.
    pub(super) commit_us: f64,
    /// The primary: an event, or an outcome.
    pub(super) row_us: f64,
    /// The gateway: a delivery, from the PBX's bytes to its outcome.
    pub(super) gateway_us: f64,
    /// Beside the gateway on its core, where that is so: PBX and receiver.
    pub(super) beside_us: f64,
    /// How long an answer of the engine is under way besides, waiting for its disk or a standby.
    pub(super) answer_us: f64,
}

/// What the model foretells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Foretold {
    /// Deliveries a second.
    pub(super) rate: f64,
    /// Rows of a commit.
    pub(super) a_commit: f64,
    /// Of one core.
    pub(super) primary: f64,
    /// The busiest core of gateways.
    pub(super) gateway: f64,
    /// From the PBX's word to the post.
    pub(super) p99_ms: f64,
    /// Events that were not told when the clock stopped.
    pub(super) waiting: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Core {
    free_at: f64,
    busy_us: f64,
}

impl Core {
    /// When this is done, asked for now.
    fn serve(&mut self, now: f64, cost_us: f64) -> f64 {
        self.free_at = self.free_at.max(now) + cost_us;
        self.busy_us += cost_us;
        self.free_at
    }
}

#[derive(Default)]
struct Gateway {
    /// When the events came that are not kept.
    events: VecDeque<f64>,
    outcomes: usize,
    appends: bool,
    settles: bool,
}

enum What {
    Came {
        gateway: usize,
        every_us: f64,
    },
    Kept {
        gateway: usize,
        came: Vec<f64>,
    },
    /// The next group may be kept.
    Rested {
        gateway: usize,
    },
    Posted {
        gateway: usize,
        came: Vec<f64>,
    },
    Settled {
        gateway: usize,
    },
}

struct Due(f64, u64, What);

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    /// The earliest is the greatest; of one moment, what was planned first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.total_cmp(&self.0).then(other.1.cmp(&self.1))
    }
}

/// Gateways, their cores and the engine's.
pub(super) struct Fleet {
    costs: Costs,
    gateways: Vec<Gateway>,
    /// Of gateways; the last one is shared by all that have none of their own.
    cores: Vec<Core>,
    engine: Vec<Core>,
    due: BinaryHeap<Due>,
    planned: u64,
    commits: u64,
    rows: u64,
    took_us: Vec<f64>,
    told_at: f64,
}

impl Fleet {
    /// As it is measured on two cores: the engine's, and everybody else's, of which this part is had.
    pub(super) fn here(gateways: usize, share: f64, costs: Costs) -> Self {
        Self::new(gateways, 1, 1, Costs { gateway_us: (costs.gateway_us + costs.beside_us) / share, ..costs })
    }

    /// So many gateways, each with a core of its own, on a primary with two.
    pub(super) fn large(gateways: usize, costs: Costs) -> Self {
        Self::new(gateways, gateways, PRIMARY_CORES, costs)
    }

    fn new(gateways: usize, cores: usize, engine: usize, costs: Costs) -> Self {
        Self {
            costs,
            gateways: (0..gateways).map(|_| Gateway::default()).collect(),
            cores: vec![Core::default(); cores],
            engine: vec![Core::default(); engine],
            due: BinaryHeap::new(),
            planned: 0,
            commits: 0,
            rows: 0,
            took_us: Vec::new(),
            told_at: 0.0,
        }
    }

    /// Everything comes at once.
    pub(super) fn flat_out(mut self) -> Foretold {
        let each = EVENTS / self.gateways.len();
        for gateway in &mut self.gateways {
            gateway.events = std::iter::repeat_n(0.0, each).collect();
        }
        (0..self.gateways.len()).for_each(|gateway| self.append(gateway, 0.0));
        self.run(f64::INFINITY)
    }

    /// So many events come a second, evenly, to all together.
    pub(super) fn at(mut self, a_second: f64) -> Foretold {
        let every_us = 1e6 / a_second * self.gateways.len() as f64;
        for gateway in 0..self.gateways.len() {
            let first = every_us * gateway as f64 / self.gateways.len() as f64;
            self.plan(first, What::Came { gateway, every_us });
        }
        self.run(SECONDS * 1e6)
    }

    fn plan(&mut self, at: f64, what: What) {
        self.planned += 1;
        self.due.push(Due(at, self.planned, what));
    }

    fn run(mut self, until_us: f64) -> Foretold {
        while let Some(Due(now, _, what)) = self.due.pop().filter(|due| due.0 <= until_us) {
            match what {
                What::Came { gateway, every_us } => {
                    self.gateways[gateway].events.push_back(now);
                    self.plan(now + every_us, What::Came { gateway, every_us });
                    self.append(gateway, now);
                }
                What::Rested { gateway } => {
                    self.gateways[gateway].appends = false;
                    self.append(gateway, now);
                }
                What::Kept { gateway, came } => {
                    let core = gateway % self.cores.len();
                    let cost_us = came.len() as f64 * self.costs.gateway_us;
                    let at = self.cores[core].serve(now, cost_us);
                    self.plan(at, What::Posted { gateway, came });
                }
                What::Posted { gateway, came } => {
                    self.told_at = now;
                    self.gateways[gateway].outcomes += came.len();
                    self.took_us.extend(came.iter().map(|at| now - at));
                    self.settle(gateway, now);
                }
                What::Settled { gateway } => {
                    self.gateways[gateway].settles = false;
                    self.settle(gateway, now);
                }
            }
        }
        let waiting: usize = self.gateways.iter().map(|gateway| gateway.events.len()).sum();
        let span_us = if until_us.is_finite() { until_us } else { self.told_at };
        self.took_us.sort_unstable_by(f64::total_cmp);
        let last = self.took_us.len().saturating_sub(1);
        let busiest = self.cores.iter().map(|core| core.busy_us).fold(0.0, f64::max);
        Foretold {
            rate: self.took_us.len() as f64 / span_us * 1e6,
            a_commit: self.rows as f64 / self.commits as f64,
            primary: self.engine.iter().map(|core| core.busy_us).sum::<f64>() / span_us,
            gateway: busiest / span_us,
            p99_ms: self.took_us.get(last * 99 / 100).copied().unwrap_or(f64::NAN) / 1e3,
            waiting: waiting as f64,
        }
    }

    fn append(&mut self, gateway: usize, now: f64) {
        let one = &mut self.gateways[gateway];
        if one.appends || one.events.is_empty() {
            return;
        }
        one.appends = true;
        let group = GROUP.min(one.events.len());
        let came: Vec<f64> = one.events.drain(..group).collect();
        let at = self.commit(now, group);
        self.plan(at, What::Kept { gateway, came });
        self.plan(rested(now, at, group), What::Rested { gateway });
    }

    fn settle(&mut self, gateway: usize, now: f64) {
        let one = &mut self.gateways[gateway];
        if one.settles || one.outcomes == 0 {
            return;
        }
        one.settles = true;
        let group = GROUP.min(one.outcomes);
        one.outcomes -= group;
        let at = self.commit(now, group);
        self.plan(rested(now, at, group), What::Settled { gateway });
    }

    /// When the engine's answer is there.
    fn commit(&mut self, now: f64, rows: usize) -> f64 {
        self.commits += 1;
        self.rows += rows as u64;
        let cost_us = self.costs.commit_us + rows as f64 * self.costs.row_us;
        let core = self.engine.iter_mut().min_by(|one, other| one.free_at.total_cmp(&other.free_at));
        core.map_or(now, |core| core.serve(now, cost_us)) + self.costs.answer_us
    }
}

/// When the next group may follow one that took so long.
fn rested(began: f64, answered: f64, rows: usize) -> f64 {
    let rest = if rows < LARGE_GROUP { (answered - began).min(LONGEST_REST_US) } else { 0.0 };
    answered + rest
}

#[cfg(test)]
mod tests;
