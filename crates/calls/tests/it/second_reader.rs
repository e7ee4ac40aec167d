//! Two readers of one PBX: each follows it by itself, from a moment of its own, and each loses its link at its own
//! moments. Whichever of them is asked, the same legs begin, are answered and end, under the same ids.
//!
//! What the one that keeps nothing says lies in a ring; when it has the PBX it hands all of the last seconds in, and what
//! was kept already falls out by its id. Fails with its seed; see [`crate::properties`].

mod asterisk;
mod cases;

use std::cell::Cell;
use std::collections::BTreeMap;

use calls::{Output, PbxTime, Restored};

use crate::kept::list_at;
use crate::model::{Chance, Story};
use crate::pair::{Pbx, Reader, acts, agree, is_due, read};
use crate::properties::{calls_of, each_seed, play, together, written};
use crate::{language, world::World};

/// A PBX that says what a story has.
struct Told<'a> {
    says: &'a [(u64, String)],
    moments: Vec<u64>,
}

struct Listener<'a> {
    says: &'a [(u64, String)],
    world: World,
}

impl<'a> Pbx for Told<'a> {
    type Reader = Listener<'a>;

    fn moments(&self) -> &[u64] {
        &self.moments
    }

    fn reader(&self) -> Listener<'a> {
        Listener { says: self.says, world: World::new() }
    }
}

impl Listener<'_> {
    fn says(&mut self, at_ms: u64, line: &str) -> Vec<Output> {
        let line = format!("{}.{:03} {line}", at_ms / 1_000, at_ms % 1_000);
        language::run(&mut self.world, &line).expect(&line)
    }
}

impl Reader for Listener<'_> {
    fn hears(&mut self, word: usize) -> Vec<Output> {
        let (at, line) = &self.says[word];
        self.says(*at, line)
    }

    fn lists(&mut self, at: u64, word: usize) -> Vec<Output> {
        self.says(at / 1_000, &list_at(self.says, self.says[word].0))
    }

    fn loses_its_link(&mut self, at: u64) -> Vec<Output> {
        self.says(at / 1_000, "link lost")
    }

    fn is_due(&mut self, until: u64) -> Vec<(u64, Vec<Output>)> {
        let World { office, tracker, .. } = &mut self.world;
        is_due(tracker, office, until)
    }

    fn restores(&mut self, kept: Restored) {
        self.world.tracker.restore(kept);
    }

    fn adopts(&mut self, kept: Restored) {
        self.world.tracker.adopt(kept);
    }

    fn waits(&mut self, until: u64) -> Vec<Output> {
        self.world.at = PbxTime::from_micros(until as i64);
        self.world.waits()
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

#[test]
fn two_readers_of_a_pbx_tell_what_one_that_never_sleeps_does() {
    let (moved, all, otherwise) = (Cell::new(0), Cell::new(0), Cell::new(0));
    each_seed(200, |seed| {
        let story = grouped(together(calls_of(seed)));
        let alone = play(&story.says)?;
        let moments = story.says.iter().map(|(at, _)| at * 1_000).collect();
        let pbx = Told { says: &story.says, moments };
        let acts = acts(&mut Chance::new(seed ^ 0x2EAD), &pbx.moments);
        let (events, moves) = read(&pbx, &acts);
        moved.set(moved.get() + moves);
        all.set(all.get() + events.len());
        let with = |why: String| format!("{why}\n{acts:?}\n{}", written(&story.says));
        otherwise.set(otherwise.get() + agree(alone, events).map_err(with)?);
        Ok(())
    });
    let (moved, all, otherwise) = (moved.get(), all.get(), otherwise.get());
    println!("the PBX moved {moved} times; {otherwise} of {all} events have a word otherwise");
    // What one of them heard in the other's gap and nobody kept: a transfer that was not through yet, a number.
    assert!(moved > 0 && otherwise * 200 < all, "{otherwise} of {all} events have a word otherwise");
}
