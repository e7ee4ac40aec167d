//! Plays the programme on the demo PBX: calls that begin by chance, overlap, and go on at a human pace.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use crate::cast::{self, Account, Employee};
use crate::part::Part;
use crate::pbx::Pbx;
use crate::rng::Rng;
use crate::shapes::{Number, programme};

/// Between the beginnings of two calls, on average.
const MEAN_PAUSE: Duration = Duration::from_secs(7);

/// A pause of a recording that is longer than this was somebody's doing; it is stretched, because the
/// recordings were made by hasty machines.
const HUMAN_PAUSE: Duration = Duration::from_millis(400);

/// By how much, at least and at most.
const STRETCH: (f64, f64) = (1.5, 4.0);

/// And no longer than this.
const PAUSE_MAX: Duration = Duration::from_secs(20);

/// How the programme is played.
#[derive(Clone, Debug)]
pub struct PlayOptions {
    /// What can be played.
    pub programme: Vec<Number>,
    /// The same seed gives the same calls in the same order.
    pub seed: u64,
    /// How many times faster than life.
    pub speed: f64,
    /// Each recording once, in order, then the end; else for ever, by chance.
    pub once: bool,
    /// Calls at a time.
    pub parallel: usize,
    /// Where the first call stands still until it is told to go on; the others with it.
    pub hold: Option<Hold>,
}

/// A moment in a call, for who has something to do just then, however long it takes.
#[derive(Clone, Debug)]
pub struct Hold {
    /// Behind the first message that has these words.
    pub behind: &'static str,
    /// Tells it to go on.
    pub go_on: Arc<Notify>,
}

impl Default for PlayOptions {
    fn default() -> Self {
        Self { programme: programme(), seed: 1, speed: 1.0, once: false, parallel: 3, hold: None }
    }
}

impl PlayOptions {
    /// Only the recordings of these names; the first name that is none is the error.
    pub fn only(mut self, names: &[&str]) -> Result<Self, NoSuchShape> {
        let known = |name: &str| self.programme.iter().any(|number| number.shape.name() == name);
        if let Some(unknown) = names.iter().find(|name| !known(name)) {
            let known =
                self.programme.iter().map(|number| number.shape.name()).collect::<Vec<_>>().join(", ");
            return Err(NoSuchShape { asked: (*unknown).to_owned(), known });
        }
        self.programme.retain(|number| names.contains(&number.shape.name()));
        Ok(self)
    }
}

/// A shape was asked for by a name that no recording has.
#[derive(Debug, thiserror::Error)]
#[error("there is no recording named `{asked}`; choose among: {known}")]
pub struct NoSuchShape {
    pub(crate) asked: String,
    pub(crate) known: String,
}

/// A call that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The recording's name.
    pub shape: String,
    /// What happens in it, for a person.
    pub title: &'static str,
    /// The account it is played in.
    pub account: &'static str,
}

/// Plays until the end (`once`) or for ever; stop it by dropping. Tells of each call that begins, as far
/// as somebody listens. Returns how many calls were played.
pub async fn play(pbx: &Pbx, options: PlayOptions, begun: mpsc::Sender<Begun>) -> u64 {
    let mut player = Player::new(options);
    let mut generation = pbx.generation();
    let mut next_start = Instant::now();
    while !player.is_over() {
        let (due, may_start) = (player.next_due(), player.may_start());
        tokio::select! {
            biased;
            // The PBX was restarted: whoever was on the stage is gone.
            _ = generation.changed() => player.clear(),
            () = tokio::time::sleep_until(due.unwrap_or(next_start)), if due.is_some() => player.step(pbx).await,
            () = tokio::time::sleep_until(next_start), if may_start => {
                if let Some(start) = player.start() {
                    let _ = begun.try_send(start);
                }
                next_start = Instant::now() + player.pause();
            }
        }
    }
    debug_assert!(
        player.options.hold.is_none(),
        "no message has the words that a call was to stand still behind"
    );
    player.played
}

struct Player {
    options: PlayOptions,
    rng: Rng,
    /// With `once`, what is still to be played.
    left: VecDeque<usize>,
    stage: BTreeMap<u64, Part>,
    due: BinaryHeap<Reverse<(Instant, u64)>>,
    played: u64,
}

impl Player {
    fn new(options: PlayOptions) -> Self {
        let left = (0..options.programme.len()).collect();
        let rng = Rng::new(options.seed);
        Self { options, rng, left, stage: BTreeMap::new(), due: BinaryHeap::new(), played: 0 }
    }

    fn is_over(&self) -> bool {
        self.stage.is_empty()
            && (self.options.programme.is_empty() || self.options.once && self.left.is_empty())
    }

    fn may_start(&self) -> bool {
        self.stage.len() < self.options.parallel.max(1) && !(self.options.once && self.left.is_empty())
    }

    fn next_due(&self) -> Option<Instant> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }

    fn clear(&mut self) {
        self.stage.clear();
        self.due.clear();
    }

    fn pause(&mut self) -> Duration {
        let mean = self.rng.around(MEAN_PAUSE);
        self.sped_up(mean)
    }

    fn sped_up(&self, pause: Duration) -> Duration {
        let speed = if self.options.speed.is_finite() { self.options.speed.max(0.01) } else { 1.0 };
        pause.div_f64(speed)
    }

    /// Begins a call, if enough employees of an account are free for what comes next.
    fn start(&mut self) -> Option<Begun> {
        let index = match self.options.once {
            true => *self.left.front()?,
            false => self.rng.weighted(self.options.programme.iter().map(|number| number.weight))?,
        };
        let number = self.options.programme.get(index)?.clone();
        let (account, free) = self.company(number.shape.employees)?;
        let employees = self.rng.pick(&free, number.shape.employees);
        let part = Part::new(number.shape, account, employees, &mut self.rng);
        let begun =
            Begun { shape: part.shape().name().to_owned(), title: number.title, account: part.account().id };
        if self.options.once {
            self.left.pop_front();
        }
        self.played += 1;
        self.stage.insert(self.played, part);
        self.due.push(Reverse((Instant::now(), self.played)));
        Some(begun)
    }

    /// An account with so many free employees, and who they are.
    fn company(&mut self, needed: usize) -> Option<(&'static Account, Vec<&'static Employee>)> {
        let order = self.rng.pick(&(0..cast::ACCOUNTS.len()).collect::<Vec<_>>(), cast::ACCOUNTS.len());
        order.into_iter().filter_map(|index| cast::ACCOUNTS.get(index)).find_map(|account| {
            let busy = |who: &Employee| self.stage.values().any(|part| part.has(account, who));
            let free: Vec<_> = account.employees.iter().filter(|who| !busy(who)).collect();
            (free.len() >= needed).then_some((account, free))
        })
    }

    /// Plays the step that is due, and makes the next one of that call due.
    async fn step(&mut self, pbx: &Pbx) {
        let Some(Reverse((mut at, number))) = self.due.pop() else { return };
        let Some(part) = self.stage.get_mut(&number) else { return };
        let hold = self.options.hold.take_if(|hold| part.says_next(hold.behind));
        pbx.play(part).await;
        if let Some(hold) = hold {
            hold.go_on.notified().await;
            at = Instant::now();
        }
        match part.next().map(|step| step.after) {
            Some(after) => {
                let next = at + self.human(after);
                self.due.push(Reverse((next, number)));
            }
            None => drop(self.stage.remove(&number)),
        }
    }

    fn human(&mut self, recorded: Duration) -> Duration {
        let (low, high) = STRETCH;
        let pause = if recorded < HUMAN_PAUSE {
            recorded
        } else {
            recorded.mul_f64(self.rng.between(low, high)).min(PAUSE_MAX)
        };
        self.sped_up(pause)
    }
}
