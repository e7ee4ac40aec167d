//! Two readers of one PBX: each follows it by itself, from a moment of its own, and each loses its link at its own
//! moments. Whichever of them is asked, the same legs begin, are answered and end, under the same ids.
//!
//! What the one that keeps nothing says lies in a ring; when it has the PBX it hands all of the last seconds in, and what
//! was kept already falls out by its id. Fails with its seed; see [`crate::properties`].

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use calls::{Event, EventKind, LegId, Output};

use crate::kept::{Kept, list_at};
use crate::model::{Chance, Story};
use crate::properties::{calls_of, each_seed, invariants, play, together, written};
use crate::{language, world::World};

/// So much of what was said before the owner was heard last lies in the ring still, in milliseconds.
const BEHIND_MS: u64 = 2_000;
/// A reader takes up what was kept so long after its list: what the other heard before that is kept by then. From then on
/// it can have the PBX.
const READY_MS: u64 = 2_500;
/// What was heard is kept so much later.
const LATE_MS: u64 = 1_000;

struct Reader {
    world: World,
    /// When it takes up what was kept; `None`: its link is down.
    ready_at: Option<u64>,
    is_ready: bool,
    /// How often it still asks for the channels, for what it had to take up.
    lists: usize,
    ring: VecDeque<(u64, Vec<Output>)>,
}

impl Reader {
    fn new() -> Self {
        Self { world: World::new(), ready_at: None, is_ready: false, lists: 0, ring: VecDeque::new() }
    }

    /// What is kept holds.
    fn adopts(&mut self, kept: &Kept) {
        self.world.tracker.adopt(kept.restored());
        (self.is_ready, self.lists) = (true, 2);
    }

    fn says(&mut self, at: u64, line: &str) -> Result<(), String> {
        let line = format!("{}.{:03} {line}", at / 1_000, at % 1_000);
        let said = language::run(&mut self.world, &line).ok_or(line)?;
        self.ring.push_back((at, said));
        Ok(())
    }
}

/// What happens to the readers: 0 owns at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Loses(usize),
    Finds(usize),
    /// The owner dies with what it said in so many milliseconds before unkept, and is back later.
    Dies(u64),
}

struct Pair<'a> {
    says: &'a [(u64, String)],
    readers: [Reader; 2],
    owner: usize,
    kept: Kept,
    /// When what was kept last was said.
    heard: u64,
    moved: usize,
}

impl Pair<'_> {
    /// The owner's is kept, up to that moment.
    fn keep(&mut self, until: u64) {
        let ring = &mut self.readers[self.owner].ring;
        let until = ring.partition_point(|(at, _)| *at <= until);
        for (at, said) in ring.drain(..until) {
            self.kept.keep(said);
            self.heard = self.heard.max(at);
        }
    }

    /// The other has it from now on.
    fn moves(&mut self) {
        self.owner = 1 - self.owner;
        self.moved += 1;
        let from = self.heard.saturating_sub(BEHIND_MS);
        let mut told = calls::Told::of(&self.kept.restored());
        let ring = std::mem::take(&mut self.readers[self.owner].ring);
        for (at, said) in ring.into_iter().filter(|(at, _)| *at >= from) {
            let said = said.into_iter().filter_map(|output| match output {
                Output::Event(event) => told.next(*event).map(|event| Output::Event(Box::new(event))),
                other => Some(other),
            });
            let said = said.collect();
            self.readers[self.owner].ring.push_back((at, said));
        }
        self.keep(u64::MAX);
        self.readers[self.owner].adopts(&self.kept);
    }

    fn gets_ready(&mut self, at: u64) {
        self.keep(at.saturating_sub(LATE_MS));
        for reader in &mut self.readers {
            if !reader.is_ready && reader.ready_at.is_some_and(|ready_at| ready_at <= at) {
                reader.adopts(&self.kept);
            }
        }
    }

    fn acts(&mut self, at: u64, act: Act) -> Result<(), String> {
        self.gets_ready(at);
        match act {
            Act::Loses(who) => {
                if self.readers[who].ready_at.take().is_none() {
                    return Ok(());
                }
                self.readers[who].is_ready = false;
                if who == self.owner && self.readers[1 - who].is_ready {
                    // Before it assumes anything.
                    self.keep(u64::MAX);
                    self.moves();
                }
                self.readers[who].says(at, "link lost")
            }
            Act::Finds(who) => {
                if self.readers[who].ready_at.is_some() {
                    return Ok(());
                }
                self.begins(at, who)
            }
            Act::Dies(unkept) => {
                let (gone, other) = (self.owner, 1 - self.owner);
                if !self.readers[other].is_ready {
                    return Ok(());
                }
                self.keep(at.saturating_sub(unkept));
                self.moves();
                self.readers[gone] = Reader::new();
                Ok(())
            }
        }
    }

    /// Its link is up; who begins takes up what was kept.
    fn begins(&mut self, at: u64, who: usize) -> Result<(), String> {
        let reader = &mut self.readers[who];
        reader.ready_at = Some(at + READY_MS);
        if reader.world.at == calls::PbxTime::default() {
            reader.world.tracker.restore(self.kept.restored());
        }
        let list = list_at(self.says, at);
        self.readers[who].says(at, &list)
    }
}

/// Plays a story to two readers; what was kept, and how often the PBX moved.
fn read(story: &Story, acts: &[(u64, Act)]) -> Result<(Vec<Event>, usize), String> {
    let mut pair = Pair {
        says: &story.says,
        readers: [Reader { ready_at: Some(0), ..Reader::new() }, Reader::new()],
        owner: 0,
        kept: Kept::default(),
        heard: 0,
        moved: 0,
    };
    let mut acts = acts.iter().peekable();
    let mut now = 0;
    for (at, line) in &story.says {
        while let Some((when, act)) = acts.next_if(|(when, _)| when <= at) {
            pair.acts(*when, *act)?;
        }
        pair.gets_ready(*at);
        for reader in pair.readers.iter_mut().filter(|reader| reader.ready_at.is_some()) {
            if reader.lists > 0 && *at > now {
                reader.lists -= 1;
                reader.says(*at, &list_at(&story.says, *at))?;
            }
            reader.says(*at, line)?;
        }
        now = *at;
    }
    let owner = pair.owner;
    pair.readers[owner].says(1_000_000_000, "wait")?;
    pair.keep(u64::MAX);
    Ok((pair.kept.events, pair.moved))
}

/// At any moment one of the two is whole: a link is lost, or the owner dies, only while the other's is.
fn acts(chance: &mut Chance, end: u64) -> Vec<(u64, Act)> {
    let mut acts = vec![(chance.below(5_000) as u64, Act::Finds(1))];
    let mut now = acts[0].0;
    loop {
        now += READY_MS + chance.below(8_000) as u64;
        if now > end {
            return acts;
        }
        let who = chance.below(2);
        if chance.one_in(3) {
            acts.push((now, Act::Dies(chance.below(1_500) as u64)));
        } else {
            acts.push((now, Act::Loses(who)));
        }
        now += 1 + chance.below(6_000) as u64;
        acts.extend([(now, Act::Finds(0)), (now, Act::Finds(1))]);
    }
}

/// With the groups that a PBX gives its channels as they are made: of whoever dials them.
fn grouped(story: Story) -> Story {
    let mut groups: BTreeMap<String, String> = BTreeMap::new();
    for (_, line) in &story.says {
        if let Some((from, to)) = line.split_once(" dials ").filter(|(from, _)| *from != "nobody") {
            let to = to.split(' ').next().unwrap_or_default();
            let group = groups.get(from).cloned().unwrap_or_else(|| from.to_owned());
            // The other half of a helper is in it, too.
            if let Some(pair) = to.strip_suffix(";1") {
                groups.insert(format!("{pair};2"), group.clone());
            }
            groups.entry(to.to_owned()).or_insert(group);
        }
    }
    let says = story.says.into_iter().map(|(at, line)| {
        let group = line.strip_suffix(" is called").and_then(|who| groups.get(who));
        (at, group.map_or_else(|| line.clone(), |group| format!("{line} in {group}")))
    });
    Story { says: says.collect(), ..story }
}

type ByKind = BTreeMap<(LegId, EventKind), Event>;

fn by_kind(events: Vec<Event>) -> ByKind {
    events.into_iter().map(|event| ((event.leg.clone(), event.kind()), event)).collect()
}

#[test]
fn two_readers_of_a_pbx_tell_what_one_that_never_sleeps_does() {
    let (moved, all, otherwise) = (Cell::new(0), Cell::new(0), Cell::new(0));
    each_seed(200, |seed| {
        let story = grouped(together(calls_of(seed)));
        let alone = by_kind(play(&story.says)?);
        let end = story.says.last().map_or(0, |(at, _)| *at);
        let acts = acts(&mut Chance::new(seed ^ 0x2EAD), end);
        let (events, moves) = read(&story, &acts)?;
        let with = |why: String| format!("{why}\n{acts:?}\n{}", written(&story.says));
        invariants(&events).map_err(with)?;
        let two = by_kind(events);
        let keys: BTreeSet<_> = alone.keys().chain(two.keys()).collect();
        for key in keys {
            let (Some(one), Some(other)) = (alone.get(key), two.get(key)) else {
                return Err(with(format!("alone {:#?}\ntwo {:#?}", alone.get(key), two.get(key))));
            };
            let told = |event: &Event| (event.id(), event.call.clone(), event.sequence, event.at);
            if told(one) != told(other) {
                return Err(with(format!("alone {one:#?}\ntwo {other:#?}")));
            }
            otherwise.set(otherwise.get() + usize::from(one != other));
        }
        moved.set(moved.get() + moves);
        all.set(all.get() + two.len());
        Ok(())
    });
    let (moved, all, otherwise) = (moved.get(), all.get(), otherwise.get());
    println!("the PBX moved {moved} times; {otherwise} of {all} events have a word otherwise");
    // What one of them heard in the other's gap and nobody kept: a transfer that was not through yet, a number.
    assert!(moved > 0 && otherwise * 200 < all, "{otherwise} of {all} events have a word otherwise");
}
