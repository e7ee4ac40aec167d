//! Random calls of a FreeSWITCH, many at once: told exactly where nothing is missing, in every order in which its
//! channels may speak, and the invariants where words are lost, or the link, or our own memory. Every failure prints
//! its seed; `CALLS_SEED=…` runs that seed alone, `CALLS_ROUNDS=…` sets how many are tried.

use std::time::Duration;

use calls::{Event, Output, PbxName, Tracker, TrackerLimits};

use super::model::{tell, tell_agent};
use super::wire::Wire;
use super::{Following, Lab, exchanged};
use crate::kept::Kept;
use crate::model::{Chance, Story};
use crate::properties::{compare, each_seed, invariants, told};

const CALLS_A_ROUND: usize = 8;
/// What is said further apart comes in the order it was said.
const NEIGHBOURS_MS: u64 = 200;

/// What is written, when, and about which channel.
type Written = (u64, String, Vec<u8>);

/// Many calls at once, their words merged by time.
fn stories(seed: u64) -> Story {
    let mut chance = Chance::new(seed);
    let mut all = Story::default();
    for call in 0..CALLS_A_ROUND {
        let start = chance.below(20_000) as u64;
        let story = tell(Chance::new(seed * 1_000 + call as u64), start, call);
        all.says.extend(story.says);
        all.legs.extend(story.legs);
    }
    all.says.sort_by_key(|(at, _)| *at);
    all
}

fn written(wire: &mut Wire, at: u64, line: &str) -> Written {
    let bytes = wire.says(at, line).unwrap_or_else(|| panic!("{line:?}?"));
    let words: Vec<&str> = line.split_whitespace().collect();
    let channel = if words[0] == "custom" { words[2] } else { words[1] };
    (at, channel.to_owned(), bytes)
}

fn all_written(story: &Story) -> Vec<Written> {
    let mut wire = Wire::new();
    story
        .says
        .iter()
        .map(|(at, line)| written(&mut wire, *at, line))
        .filter(|(.., bytes)| !bytes.is_empty())
        .collect()
}

/// Neighbours of different channels exchanged, each with a chance of one half.
fn in_another_order(all: &[Written], seed: u64) -> Vec<u8> {
    let together = all.chunk_by(|one, next| next.0 <= one.0 + NEIGHBOURS_MS);
    let exchange = |(part, said): (usize, &[Written])| {
        let said: Vec<_> = said.iter().map(|(_, channel, bytes)| (channel.clone(), bytes.clone())).collect();
        exchanged(&said, seed + 1_000 * part as u64)
    };
    together.enumerate().flat_map(exchange).collect()
}

fn events(mut following: Following) -> Vec<Event> {
    let Following { stream, tracker, out, last } = &mut following;
    stream.recording_ended(|at, input| tracker.handle(at, input, &Lab, out));
    tracker.handle_timeout(*last + Duration::from_secs(60), &Lab, out);
    let events = following.out.into_iter().filter_map(|output| match output {
        Output::Event(event) => Some(*event),
        Output::Note(_) | Output::Anomaly(_) => None,
    });
    events.collect()
}

fn play(bytes: &[u8]) -> Vec<Event> {
    let mut following = Following::new();
    following.feed(bytes);
    assert_eq!(following.stream.malformed(), 0);
    events(following)
}

fn as_written(story: &Story) -> String {
    story.says.iter().map(|(at, line)| format!("{}.{:03} {line}\n", at / 1_000, at % 1_000)).collect()
}

#[test]
fn random_calls_of_a_freeswitch_tell_what_their_maker_knows() {
    each_seed(60, |seed| {
        for call in 0..CALLS_A_ROUND {
            let story = tell(Chance::new(seed * 1_000 + call as u64), 0, call);
            let bytes: Vec<u8> = all_written(&story).into_iter().flat_map(|(.., bytes)| bytes).collect();
            let check = told(&play(&bytes)).and_then(|found| compare(&story.legs, &found));
            check.map_err(|why| format!("call {call}\n{why}\n{}", as_written(&story)))?;
        }
        let all = stories(seed);
        let bytes: Vec<u8> = all_written(&all).into_iter().flat_map(|(.., bytes)| bytes).collect();
        compare(&all.legs, &told(&play(&bytes))?)
    });
}

#[test]
fn random_calls_tell_the_same_whichever_of_two_neighbours_comes_first() {
    each_seed(60, |seed| {
        for call in 0..CALLS_A_ROUND {
            let story = tell(Chance::new(seed * 1_000 + call as u64), 0, call);
            let bytes = in_another_order(&all_written(&story), seed);
            let check = told(&play(&bytes)).and_then(|found| compare(&story.legs, &found));
            check.map_err(|why| format!("call {call}\n{why}\n{}\n{}", as_written(&story), order(&bytes)))?;
        }
        Ok(())
    });
}

#[test]
fn callers_of_an_agent_with_an_open_line_are_told_each_by_itself_in_any_order() {
    each_seed(60, |seed| {
        for day in 0..CALLS_A_ROUND {
            let story = tell_agent(Chance::new(seed * 1_000 + day as u64), day);
            let all = all_written(&story);
            let in_order: Vec<u8> = all.iter().flat_map(|(.., bytes)| bytes.clone()).collect();
            for bytes in [in_order, in_another_order(&all, seed)] {
                let check = told(&play(&bytes)).and_then(|found| compare(&story.legs, &found));
                check
                    .map_err(|why| format!("day {day}\n{why}\n{}\n{}", as_written(&story), order(&bytes)))?;
            }
        }
        Ok(())
    });
}

/// The events in the order they were written.
fn order(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let header = |event: &str, name: &str| {
        event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned()
    };
    let lines = text
        .split("Content-Length: ")
        .skip(1)
        .map(|event| format!("{}{}\n", header(event, "Event-Name: CHANNEL_"), header(event, "Unique-ID:")));
    lines.collect()
}

#[test]
fn what_a_freeswitch_says_and_is_not_heard_breaks_no_invariant_once_a_list_was_read() {
    each_seed(60, |seed| {
        let all = stories(seed);
        let mut chance = Chance::new(seed ^ 0x1057);
        let mut following = Following::new();
        for (.., bytes) in all_written(&all) {
            if !chance.one_in(12) {
                following.feed(&bytes);
            }
        }
        following.link_lost();
        following.feed(&Wire::new().lists());
        let check = invariants(&events(following));
        check.map_err(|why| format!("{why}\n{}", as_written(&all)))
    });
}

/// The link is lost before any event and back before any later one, some times: what is gone ends, nothing is told
/// twice, and nothing begins that is no call.
#[test]
fn a_gap_anywhere_in_what_a_freeswitch_says_breaks_no_invariant() {
    each_seed(60, |seed| {
        let all = stories(seed);
        let mut chance = Chance::new(seed ^ 0x6A9);
        let mut gaps: Vec<usize> =
            (0..2 * (1 + chance.below(3))).map(|_| chance.below(all.says.len())).collect();
        gaps.sort_unstable();
        let mut wire = Wire::new();
        let mut following = Following::new();
        let mut is_lost = false;
        for (place, (at, line)) in all.says.iter().enumerate() {
            for _ in gaps.iter().filter(|gap| **gap == place) {
                if is_lost {
                    following.feed(&wire.lists())
                } else {
                    following.link_lost()
                }
                is_lost = !is_lost;
            }
            let (.., bytes) = written(&mut wire, *at, line);
            if !is_lost {
                following.feed(&bytes);
            }
        }
        following.link_lost();
        following.feed(&wire.lists());
        let events = events(following);
        let context = |why: String| format!("{why}\ngaps {gaps:?}\n{}", as_written(&all));
        invariants(&events).map_err(context)?;
        let unknown =
            events.iter().find(|event| !all.legs.contains_key(event.leg.as_str().trim_start_matches("p-")));
        unknown.map_or(Ok(()), |event| Err(context(format!("{} is no leg", event.leg))))
    });
}

/// We are started anew before any event, with what the journal kept, and the FreeSWITCH is asked for its channels.
#[test]
fn a_restart_of_ours_anywhere_in_what_a_freeswitch_says_breaks_no_invariant() {
    each_seed(60, |seed| {
        let all = stories(seed);
        let moment = Chance::new(seed ^ 0x5E57).below(all.says.len());
        let (mut wire, mut kept) = (Wire::new(), Kept::default());
        let mut following = Following::new();
        for (place, (at, line)) in all.says.iter().enumerate() {
            if place == moment {
                kept.keep(std::mem::take(&mut following.out));
                following = Following::new();
                following.tracker = Tracker::new(PbxName::new("p"), TrackerLimits::default());
                following.tracker.restore(kept.restored());
                following.feed(&wire.lists());
            }
            following.feed(&written(&mut wire, *at, line).2);
        }
        following.link_lost();
        following.feed(&wire.lists());
        let Following { stream, tracker, out, last } = &mut following;
        stream.recording_ended(|at, input| tracker.handle(at, input, &Lab, out));
        tracker.handle_timeout(*last + Duration::from_secs(60), &Lab, out);
        kept.keep(std::mem::take(out));
        invariants(&kept.events).map_err(|why| format!("{why}\nat {moment}\n{}", as_written(&all)))
    });
}
