//! One call being played: who is in it, and its messages with the holes filled.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::cast::{self, Account, Employee};
use crate::rng::Rng;
use crate::shape::{Hole, Piece, Shape, Step};

/// What a PBX counts up for as long as it runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    unique: u64,
    channel: u32,
    local: u32,
}

/// A shape with its people.
#[derive(Debug)]
pub(crate) struct Part {
    shape: Arc<Shape>,
    account: &'static Account,
    employees: Vec<&'static Employee>,
    outsiders: Vec<String>,
    bridges: Vec<String>,
    uniques: Vec<Option<String>>,
    channels: Vec<Option<u32>>,
    locals: Vec<Option<u32>>,
    done: usize,
}

impl Part {
    pub(crate) fn new(
        shape: Arc<Shape>,
        account: &'static Account,
        employees: Vec<&'static Employee>,
        rng: &mut Rng,
    ) -> Self {
        let mut outsiders: Vec<String> = Vec::with_capacity(shape.outsiders);
        while outsiders.len() < shape.outsiders {
            let number = cast::outsider(rng);
            if !outsiders.contains(&number) {
                outsiders.push(number);
            }
        }
        Self {
            account,
            employees,
            outsiders,
            bridges: (0..shape.bridges).map(|_| bridge_id(rng)).collect(),
            uniques: vec![None; shape.uniques],
            channels: vec![None; shape.channels],
            locals: vec![None; shape.locals],
            done: 0,
            shape,
        }
    }

    pub(crate) fn shape(&self) -> &Shape {
        &self.shape
    }

    pub(crate) const fn account(&self) -> &'static Account {
        self.account
    }

    pub(crate) fn has(&self, account: &Account, employee: &Employee) -> bool {
        self.account.id == account.id && self.employees.iter().any(|busy| busy.number == employee.number)
    }

    /// The step that comes next, or `None` when the call is over.
    pub(crate) fn next(&self) -> Option<&Step> {
        self.shape.steps.get(self.done)
    }

    /// Whether these words are said next.
    pub(crate) fn says_next(&self, words: &str) -> bool {
        let says =
            |piece: &Piece| matches!(piece, Piece::Text(range) if self.shape.text(range).contains(words));
        self.next().is_some_and(|step| step.pieces.iter().any(says))
    }

    /// Plays the next step into `out`. Ids are taken from the PBX's counts when they are first mentioned,
    /// as a PBX does it.
    pub(crate) fn play(&mut self, now_us: u64, counts: &mut Counts, out: &mut String) {
        let shape = Arc::clone(&self.shape);
        let Some(step) = shape.steps.get(self.done) else { return };
        self.done += 1;
        for piece in &step.pieces {
            match piece {
                Piece::Text(range) => out.push_str(shape.text(range)),
                Piece::Hole(hole) => self.fill(*hole, now_us, counts, out),
            }
        }
    }

    fn fill(&mut self, hole: Hole, now_us: u64, counts: &mut Counts, out: &mut String) {
        match hole {
            Hole::Time => write_time(now_us, out),
            Hole::Unique(index) => out.push_str(first(&mut self.uniques, index, || {
                counts.unique += 1;
                format!("{}.{}", now_us / 1_000_000, counts.unique - 1)
            })),
            Hole::Bridge(index) => out.push_str(self.bridges.get(index).map_or("", String::as_str)),
            Hole::Channel(index) => {
                write_suffix(*first(&mut self.channels, index, || up(&mut counts.channel)), out)
            }
            Hole::Local(index) => {
                write_suffix(*first(&mut self.locals, index, || up(&mut counts.local)), out)
            }
            Hole::Account => out.push_str(self.account.id),
            Hole::Employee(index) => out.push_str(self.employees.get(index).map_or("", |who| who.number)),
            Hole::Name(index) => out.push_str(self.employees.get(index).map_or("", |who| who.name)),
            Hole::Outside(index) => out.push_str(self.outsiders.get(index).map_or("", String::as_str)),
            Hole::Prefix => out.push_str(self.account.number_prefix),
        }
    }
}

/// The value in its place, made when first asked for. The places are counted by the shape, so one that is
/// not there cannot be asked for.
fn first<T>(places: &mut Vec<Option<T>>, index: usize, make: impl FnOnce() -> T) -> &mut T {
    if places.len() <= index {
        places.resize_with(index + 1, || None);
    }
    places[index].get_or_insert_with(make)
}

const fn up(count: &mut u32) -> u32 {
    let now = *count;
    *count = count.wrapping_add(1);
    now
}

fn write_suffix(count: u32, out: &mut String) {
    let _ = write!(out, "{count:08x}");
}

/// As AMI writes it: seconds, a dot, six digits.
pub(crate) fn write_time(now_us: u64, out: &mut String) {
    let _ = write!(out, "{}.{:06}", now_us / 1_000_000, now_us % 1_000_000);
}

fn bridge_id(rng: &mut Rng) -> String {
    let (high, low) = (rng.roll(), rng.roll());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}
