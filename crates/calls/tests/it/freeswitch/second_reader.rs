//! Two readers of every recording of a FreeSWITCH in which it is there all the time: see [`crate::second_reader`].

use std::collections::BTreeSet;

use calls::{EventKind, Output, PbxTime, Restored};

use super::lost::{World, unbroken};
use super::{Following, Lab};
use crate::model::Chance;
use crate::pair::{self, Differs, Pbx, Reader, acts, agree, alone, differences, read};
use crate::stretched::Stretched;

/// So many ways of losing links each recording is read in.
const SEEDS: u64 = 12;

/// That over which two do not agree yet: who finds a phone lifted does not know that it is asked to confirm.
const NOT_YET: &str = "ring-group-confirm";
/// What they tell otherwise of it: the row of the leg holds what was told first.
const KNOWN: [(&str, EventKind, Differs); 2] = [
    ("p-263e309b-c12e-4ce3-8dd2-00a440f85534", EventKind::Answered, Differs::Untold),
    ("p-263e309b-c12e-4ce3-8dd2-00a440f85534", EventKind::Ended, Differs::Otherwise),
];

struct Recording {
    messages: Vec<Vec<u8>>,
    moments: Vec<u64>,
    /// What it would list before each of its messages.
    lists: Vec<Vec<u8>>,
}

/// When a message was said; a list was when what is before it was.
fn moment(message: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(message);
    text.lines().find_map(|line| line.strip_prefix("Event-Date-Timestamp: ")?.parse().ok())
}

impl Recording {
    fn of(messages: &[Vec<u8>]) -> Self {
        let stretched = Stretched::new(messages.iter().filter_map(|message| moment(message)).collect());
        let messages: Vec<Vec<u8>> = messages.iter().map(|message| stretched.micros(message)).collect();
        let mut now = messages.iter().find_map(|message| moment(message)).unwrap();
        let moments = messages.iter().map(|message| {
            now = now.max(moment(message).unwrap_or(now));
            now
        });
        let moments = moments.collect();
        let mut world = World::default();
        let lists = messages.iter().map(|message| {
            let lists = world.lists();
            world.hear(message);
            lists
        });
        Self { lists: lists.collect(), moments, messages }
    }
}

struct Listener<'a> {
    of: &'a Recording,
    following: Following,
}

impl<'a> Pbx for &'a Recording {
    type Reader = Listener<'a>;

    fn moments(&self) -> &[u64] {
        &self.moments
    }

    fn reader(&self) -> Listener<'a> {
        Listener { of: self, following: Following::new() }
    }
}

impl Listener<'_> {
    fn said(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.following.out)
    }

    /// What is waited for in its words, and what is in the call logic.
    fn passes(&mut self, until: u64) {
        let Following { stream, tracker, out, .. } = &mut self.following;
        let now = PbxTime::from_micros(until as i64);
        stream.handle_timeout(now, |at, input| tracker.handle(at, input, &Lab, out));
    }
}

impl Reader for Listener<'_> {
    fn hears(&mut self, word: usize) -> Vec<Output> {
        self.following.feed(&self.of.messages[word]);
        self.said()
    }

    fn lists(&mut self, _at: u64, word: usize) -> Vec<Output> {
        self.following.feed(&self.of.lists[word]);
        self.said()
    }

    fn loses_its_link(&mut self, _at: u64) -> Vec<Output> {
        self.following.link_lost();
        self.said()
    }

    fn is_due(&mut self, until: u64) -> Vec<(u64, Vec<Output>)> {
        self.passes(until);
        let said = self.said();
        let mut all = pair::is_due(&mut self.following.tracker, &Lab, until);
        all.push((until, said));
        all
    }

    fn restores(&mut self, kept: Restored) {
        self.following.tracker.restore(kept);
    }

    fn adopts(&mut self, kept: Restored) {
        self.following.tracker.adopt(kept);
    }

    fn waits(&mut self, until: u64) -> Vec<Output> {
        self.passes(until);
        let Following { tracker, out, .. } = &mut self.following;
        tracker.handle_timeout(PbxTime::from_micros(until as i64), &Lab, out);
        self.said()
    }
}

#[test]
fn two_readers_of_a_freeswitch_tell_what_one_that_never_sleeps_does() {
    let mut wrong = Vec::new();
    let (mut moved, mut all, mut otherwise, mut recordings) = (0, 0, 0, 0);
    let only = std::env::var("CALLS_CASE").ok();
    let mut count = 0;
    for (name, messages) in
        unbroken().filter(|(name, _)| only.as_ref().map_or(name != NOT_YET, |only| only == name))
    {
        let recording = Recording::of(&messages);
        count += 1;
        let pbx = &recording;
        let alone = alone(&pbx);
        let mut moves_here = 0;
        for seed in 1..=SEEDS {
            let acts = acts(&mut Chance::new(seed ^ 0xF5), &pbx.moments);
            let (events, moves) = read(&pbx, &acts);
            all += events.len();
            moves_here += moves;
            match agree(alone.clone(), events) {
                Ok(words) => otherwise += words,
                Err(why) => wrong.push(format!("{name} seed {seed}: {why}\n{acts:?}")),
            }
        }
        moved += moves_here;
        recordings += usize::from(moves_here > 0);
    }
    println!("{recordings} of {count} recordings moved, {moved} times");
    println!("{otherwise} of {all} events have a word otherwise");
    assert!(wrong.is_empty(), "{} are wrong\n{}", wrong.len(), wrong.join("\n"));
    if only.is_none() {
        assert!(recordings * 10 > count * 9, "{recordings} recordings moved");
        assert!(otherwise * 20 < all, "{otherwise} of {all} events have a word otherwise");
    }
}

#[test]
fn where_two_readers_of_a_freeswitch_do_not_agree_it_is_over_what_is_known() {
    let (_, messages) = unbroken().find(|(name, _)| name == NOT_YET).unwrap();
    let recording = Recording::of(&messages);
    let pbx = &recording;
    let alone = alone(&pbx);
    let mut found = BTreeSet::new();
    for seed in 1..=SEEDS {
        let (events, _) = read(&pbx, &acts(&mut Chance::new(seed ^ 0xF5), &pbx.moments));
        found.extend(differences(alone.clone(), events).unwrap_or_else(|why| panic!("seed {seed}: {why}")));
    }
    let known = KNOWN.map(|(leg, kind, how)| (leg.to_owned(), kind, how));
    assert_eq!(found, BTreeSet::from(known));
}
