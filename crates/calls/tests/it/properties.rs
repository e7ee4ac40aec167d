//! Properties of random calls, many at once: told exactly where nothing is missing, and the invariants
//! where words are lost, doubled or the link is cut. Every failure prints its seed;
//! `CALLS_SEED=…` runs that seed alone, `CALLS_ROUNDS=…` sets how many are tried.

use std::collections::BTreeMap;
use std::fmt::Write;

use calls::{Event, EventKind, Output, PbxTime, What};

use crate::kept::{Kept, list_at};
use crate::model::{Chance, Story, Told, tell};
use crate::{language, world::World};

const CALLS_A_ROUND: usize = 12;

pub(crate) fn each_seed(default_rounds: u64, check: impl Fn(u64) -> Result<(), String>) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("CALLS_SEED") {
        check(seed).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        return;
    }
    for seed in 1..=number("CALLS_ROUNDS").unwrap_or(default_rounds) {
        check(seed).unwrap_or_else(|why| panic!("CALLS_SEED={seed}: {why}"));
    }
}

/// Many calls.
pub(crate) fn calls_of(seed: u64) -> Vec<Story> {
    let mut chance = Chance::new(seed);
    let mut of = |call: usize| {
        let start = chance.below(20_000) as u64;
        tell(Chance::new(seed * 1_000 + call as u64), start, call)
    };
    (0..CALLS_A_ROUND).map(&mut of).collect()
}

/// All at once, their words merged by time.
pub(crate) fn together(calls: Vec<Story>) -> Story {
    let mut all = Story::default();
    for story in calls {
        all.says.extend(story.says);
        all.legs.extend(story.legs);
        all.over_at.extend(story.over_at);
    }
    all.says.sort_by_key(|(at, _)| *at);
    all
}

fn stories(seed: u64) -> Story {
    together(calls_of(seed))
}

pub(crate) fn play(says: &[(u64, String)]) -> Result<Vec<Event>, String> {
    let mut world = World::new();
    let mut events = Vec::new();
    let mut take = |outputs: Vec<Output>| {
        events.extend(outputs.into_iter().filter_map(|output| match output {
            Output::Event(event) => Some(*event),
            Output::Note(_) | Output::Anomaly(_) => None,
        }));
    };
    for (at, line) in says {
        let line = format!("{}.{:03} {line}", at / 1_000, at % 1_000);
        take(language::run(&mut world, &line).ok_or(line)?);
    }
    world.at = PbxTime::from_secs(1_000_000);
    take(world.waits());
    Ok(events)
}

/// What the events of each leg tell, in the oracle's words.
pub(crate) fn told(events: &[Event]) -> Result<BTreeMap<String, Told>, String> {
    let mut legs: BTreeMap<String, Told> = BTreeMap::new();
    invariants(events)?;
    let bare = |id: &calls::LegId| id.as_str().trim_start_matches("p-").to_owned();
    for event in events {
        let leg = legs.entry(bare(&event.leg)).or_default();
        let with = event.counterpart.as_ref().map(bare).unwrap_or_default();
        match &event.what {
            What::Incoming => (leg.begun, leg.with, leg.from) = ('I', with, event.a_number.to_string()),
            What::Outgoing => {
                (leg.begun, leg.with, leg.from) =
                    ('O', event.b_number.to_string(), event.a_number.to_string());
            }
            What::Answered => leg.answered_with = Some(with),
            What::Ended(ended) => {
                leg.secs = event.duration().as_secs();
                leg.transfer = ended.transfer.as_ref().map(|transfer| {
                    (bare(&transfer.party), transfer.party_number.to_string(), transfer.to.to_string())
                });
            }
        }
    }
    Ok(legs)
}

/// Every leg: one beginning, at most one answer and only of what rang, one end, numbered, nothing after it.
pub(crate) fn invariants(events: &[Event]) -> Result<(), String> {
    let mut legs: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for event in events {
        legs.entry(event.leg.as_str()).or_default().push(event);
    }
    for (leg, events) in legs {
        let kinds: Vec<EventKind> = events.iter().map(|event| event.kind()).collect();
        let allowed: [&[EventKind]; 3] = [
            &[EventKind::Incoming, EventKind::Ended],
            &[EventKind::Incoming, EventKind::Answered, EventKind::Ended],
            &[EventKind::Outgoing, EventKind::Ended],
        ];
        let numbered = events.iter().zip(1..).all(|(event, number)| event.sequence == number);
        if !allowed.contains(&kinds.as_slice()) || !numbered {
            return Err(format!("leg {leg} told {kinds:?}"));
        }
    }
    Ok(())
}

pub(crate) fn compare(
    expected: &BTreeMap<String, Told>,
    found: &BTreeMap<String, Told>,
) -> Result<(), String> {
    let mut wrong = String::new();
    for leg in expected.keys().chain(found.keys()).collect::<std::collections::BTreeSet<_>>() {
        if !is_as_told(expected.get(leg), found.get(leg)) {
            let _ =
                writeln!(wrong, "{leg}\n expected {:?}\n found    {:?}", expected.get(leg), found.get(leg));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// Of what nobody can know either is right.
fn is_as_told(expected: Option<&Told>, found: Option<&Told>) -> bool {
    match (expected, found) {
        (Some(expected), Some(found)) if expected.may_be_either => {
            let transfer = if found.transfer.is_some() { &expected.transfer } else { &None };
            *found == Told { may_be_either: false, transfer: transfer.clone(), ..expected.clone() }
        }
        (expected, found) => expected == found,
    }
}

pub(crate) fn written(says: &[(u64, String)]) -> String {
    says.iter().map(|(at, line)| format!("{}.{:03} {line}\n", at / 1_000, at % 1_000)).collect()
}

#[test]
fn random_calls_tell_what_their_maker_knows() {
    each_seed(300, |seed| {
        for call in 0..CALLS_A_ROUND {
            let story = tell(Chance::new(seed * 1_000 + call as u64), 0, call);
            let check = told(&play(&story.says)?).and_then(|found| compare(&story.legs, &found));
            check.map_err(|why| format!("call {call}\n{why}\n{}", written(&story.says)))?;
        }
        let all = stories(seed);
        compare(&all.legs, &told(&play(&all.says)?)?)
    });
}

#[test]
fn order_and_repetition_within_what_a_pbx_does_change_nothing() {
    each_seed(300, |seed| {
        let all = stories(seed);
        let mut chance = Chance::new(seed ^ 0xD15C);
        let mut says = all.says.clone();
        for place in 1..says.len() {
            // `rings` before `dials` of the same phone, in the same moment.
            let phone = says[place].1.strip_suffix(" rings").map(str::to_owned);
            let dialled = phone.is_some_and(|phone| says[place - 1].1.ends_with(&format!(" dials {phone}")));
            if dialled && says[place - 1].0 == says[place].0 && chance.one_in(2) {
                says.swap(place - 1, place);
            }
        }
        let doubled: Vec<_> = says
            .into_iter()
            .flat_map(|say| if chance.one_in(5) { vec![say.clone(), say] } else { vec![say] })
            .collect();
        let found = told(&play(&doubled)?).and_then(|found| compare(&all.legs, &found));
        found.map_err(|why| format!("{why}\n{}", written(&doubled)))
    });
}

#[test]
fn the_same_words_give_the_same_events_to_the_byte() {
    each_seed(50, |seed| {
        let all = stories(seed);
        let (one, other) = (format!("{:?}", play(&all.says)?), format!("{:?}", play(&all.says)?));
        if one == other { Ok(()) } else { Err("two runs differ".to_owned()) }
    });
}

#[test]
fn lost_words_break_no_invariant_once_a_list_was_read() {
    each_seed(300, |seed| {
        let all = stories(seed);
        let mut chance = Chance::new(seed ^ 0x1057);
        let end = all.says.last().map_or(0, |(at, _)| *at);
        let mut says: Vec<_> = all.says.into_iter().filter(|_| !chance.one_in(12)).collect();
        for list in 1..=3 {
            says.push((end + list * 60_000, "list".to_owned()));
        }
        invariants(&play(&says)?).map_err(|why| format!("{why}\n{}", written(&says)))
    });
}

/// The moments at which the link was lost, and at which it was back and the PBX had listed its channels.
type Gaps = Vec<(u64, u64)>;

/// After a list nothing is concluded for so long, and a late word of a call may come.
const SETTLED_MS: u64 = 2_000;

/// Holds what was told across gaps against who made the calls up. A call that no gap touched is told as if there had
/// been none. Of one that was touched nothing is told that was not, a leg that had told its beginning tells the same
/// one, and an answer that was heard is told of the right party.
fn across_gaps(calls: &[Story], gaps: &Gaps, events: &[Event]) -> Result<(), String> {
    invariants(events)?;
    let known = told(events)?;
    let all: Vec<&String> = calls.iter().flat_map(|call| call.legs.keys()).collect();
    if let Some(leg) = known.keys().find(|leg| !all.contains(leg)) {
        return Err(format!("{leg} is no leg"));
    }
    for call in calls {
        let (first, last) = (call.says[0].0, call.says.iter().map(|(at, _)| *at).max().unwrap_or(0));
        let touched = |(lost, back): &(u64, u64)| first < back + SETTLED_MS && *lost <= last + SETTLED_MS;
        let found: BTreeMap<String, Told> = known
            .iter()
            .filter(|(leg, _)| call.legs.contains_key(*leg))
            .map(|(leg, told)| (leg.clone(), told.clone()))
            .collect();
        if !gaps.iter().any(touched) {
            compare(&call.legs, &found)
                .map_err(|why| format!("no gap touched this call:\n{why}{}", written(&call.says)))?;
            continue;
        }
        let touching = gaps.iter().filter(|gap| touched(gap)).map(|(lost, _)| *lost);
        let lost = touching.min().unwrap_or(u64::MAX);
        for event in events.iter().filter(|event| event.at.as_micros() < lost as i64 * 1_000) {
            let Some(leg) = call.legs.get(bare(&event.leg)) else { continue };
            let with = event.counterpart.as_ref().map(|id| bare(id).to_owned()).unwrap_or_default();
            let right = match &event.what {
                What::Incoming => {
                    leg.begun == 'I' && leg.with == with && *leg.from == *event.a_number.to_string()
                }
                What::Outgoing => leg.begun == 'O' && leg.with == event.b_number.to_string(),
                What::Answered => leg.answered_with.as_ref() == Some(&with),
                What::Ended(_) => true,
            };
            if !right {
                return Err(format!(
                    "{event:?}\nbefore any gap, and its maker knows {leg:?}\n{}",
                    written(&call.says)
                ));
            }
        }
    }
    Ok(())
}

#[test]
fn a_gap_anywhere_changes_nothing_of_calls_that_it_does_not_touch() {
    each_seed(300, |seed| {
        let calls = calls_of(seed);
        let all = together(calls_of(seed));
        let mut chance = Chance::new(seed ^ 0x6A9);
        let end = all.says.last().map_or(0, |(at, _)| *at);
        let (from, to) = (chance.below(end as usize) as u64, chance.below(end as usize) as u64);
        let (from, to) = (from.min(to), from.max(to));
        let mut says: Vec<_> = all.says.iter().filter(|(at, _)| *at < from).cloned().collect();
        says.push((from, "link lost".to_owned()));
        says.push((to, list_at(&all.says, to)));
        says.extend(all.says.iter().filter(|(at, _)| *at >= to).cloned());
        says.push((end + 10_000, "link lost".to_owned()));
        says.push((end + 20_000, "list".to_owned()));
        let gaps = vec![(from, to)];
        across_gaps(&calls, &gaps, &play(&says)?)
            .map_err(|why| format!("{why}\ngaps {gaps:?}\n{}", written(&says)))
    });
}

#[test]
fn a_restart_of_ours_anywhere_breaks_no_invariant_and_forgets_no_transfer() {
    each_seed(300, |seed| {
        let all = stories(seed);
        let mut chance = Chance::new(seed ^ 0x5E57);
        let end = all.says.last().map_or(0, |(at, _)| *at);
        let moment = chance.below(end as usize) as u64;
        let mut kept = Kept::default();
        let mut world = World::new();
        let say = |world: &mut World, kept: &mut Kept, at: u64, line: &str| -> Result<(), String> {
            let line = format!("{}.{:03} {line}", at / 1_000, at % 1_000);
            kept.keep(language::run(world, &line).ok_or(line)?);
            Ok(())
        };
        for (at, line) in all.says.iter().filter(|(at, _)| *at < moment) {
            say(&mut world, &mut kept, *at, line)?;
        }
        world = World::new();
        world.tracker.restore(kept.restored());
        say(&mut world, &mut kept, moment, &list_at(&all.says, moment))?;
        for (at, line) in all.says.iter().filter(|(at, _)| *at >= moment) {
            say(&mut world, &mut kept, *at, line)?;
        }
        say(&mut world, &mut kept, end + 10_000, "link lost")?;
        say(&mut world, &mut kept, end + 20_000, "list")?;
        say(&mut world, &mut kept, end + 30_000, "wait")?;
        invariants(&kept.events).map_err(|why| format!("{why}\nat {moment}\n{}", written(&all.says)))?;
        let told = transfers_told_before(&all, &kept.events, moment);
        told.map_err(|why| format!("{why}\nat {moment}\n{}", written(&all.says)))
    });
}

/// The link is lost at any moment and again before what was listed is believed, and the program dies in
/// between: nothing breaks, and nothing begins of what was over when the PBX listed its channels last.
#[test]
fn gaps_within_gaps_and_restarts_between_begin_nothing_that_is_over() {
    each_seed(300, |seed| {
        let calls = calls_of(seed);
        let all = together(calls_of(seed));
        let mut chance = Chance::new(seed ^ 0x6A95);
        let mut gaps = Gaps::new();
        let end = all.says.last().map_or(0, |(at, _)| *at);
        let gone_at = gone_at(&all.says);
        let (mut world, mut kept) = (World::new(), Kept::default());
        let (mut now, mut listed_at) = (0, 0);
        let mut left = 1 + chance.below(3);
        while left > 0 {
            left -= 1;
            // Each series of losses begins anywhere; within it the grace is never over.
            let mut lost = now + chance.below(2 * end as usize / 3 + 1) as u64;
            for _ in 0..1 + chance.below(4) {
                let back = lost + chance.below(1_500) as u64;
                for (at, line) in all.says.iter().filter(|(at, _)| (now..lost).contains(at)) {
                    say(&mut world, &mut kept, *at, line, listed_at, &gone_at)?;
                }
                if chance.one_in(3) {
                    world = World::new();
                    world.tracker.restore(kept.restored());
                } else {
                    say(&mut world, &mut kept, lost, "link lost", listed_at, &gone_at)?;
                }
                say(&mut world, &mut kept, back, &list_at(&all.says, back), back, &gone_at)?;
                gaps.push((lost, back));
                (now, listed_at) = (back, back);
                lost = back + chance.below(600) as u64;
            }
        }
        for (at, line) in all.says.iter().filter(|(at, _)| *at >= now) {
            say(&mut world, &mut kept, *at, line, listed_at, &gone_at)?;
        }
        let end = end.max(now);
        say(&mut world, &mut kept, end + 10_000, "link lost", listed_at, &gone_at)?;
        say(&mut world, &mut kept, end + 20_000, "list", end + 20_000, &gone_at)?;
        say(&mut world, &mut kept, end + 30_000, "wait", end + 20_000, &gone_at)?;
        let check = across_gaps(&calls, &gaps, &kept.events)
            .and_then(|()| told_if_alive(&all, &kept.events, listed_at));
        check.map_err(|why| format!("{why}\ngaps {gaps:?}\n{}", written(&all.says)))
    });
}

/// Whatever was missed, a phone that rings, or talks with whom it rang for, when the last list has been believed has
/// been told.
fn told_if_alive(all: &Story, events: &[Event], listed_at: u64) -> Result<(), String> {
    let gone_at = gone_at(&all.says);
    let incoming = all.legs.iter().filter(|(_, leg)| leg.begun == 'I').map(|(channel, _)| channel);
    for channel in incoming {
        let over_at = [&all.over_at, &gone_at].into_iter().filter_map(|ends| ends.get(channel)).min();
        let is_alive = over_at.is_none_or(|over_at| *over_at > listed_at + SETTLED_MS);
        if is_alive && !events.iter().any(|event| bare(&event.leg) == channel) {
            return Err(format!("{channel} lives on after the last list and was not told"));
        }
    }
    Ok(())
}

/// Says a line and keeps what comes of it; nothing may begin of a channel that was gone before the last list.
fn say(
    world: &mut World,
    kept: &mut Kept,
    at: u64,
    line: &str,
    listed_at: u64,
    gone_at: &BTreeMap<String, u64>,
) -> Result<(), String> {
    let line = format!("{}.{:03} {line}", at / 1_000, at % 1_000);
    let outputs = language::run(world, &line).ok_or_else(|| line.clone())?;
    for output in &outputs {
        if let Output::Event(event) = output
            && event.sequence == 1
            && gone_at.get(bare(&event.leg)).is_some_and(|gone| *gone < listed_at)
        {
            return Err(format!("{line}: {} begins and is over since long", event.leg));
        }
    }
    kept.keep(outputs);
    Ok(())
}

fn bare(leg: &calls::LegId) -> &str {
    leg.as_str().trim_start_matches("p-")
}

/// When each channel is gone.
fn gone_at(says: &[(u64, String)]) -> BTreeMap<String, u64> {
    let gone = says.iter().filter_map(|(at, line)| Some((line.split_once(" gone")?.0.to_owned(), *at)));
    gone.collect()
}

/// A leg that had begun before the restart tells its transfer, whenever that took effect.
fn transfers_told_before(all: &Story, events: &[Event], moment: u64) -> Result<(), String> {
    for event in events.iter().filter(|event| event.begun_at.as_micros() < moment as i64 * 1_000) {
        let What::Ended(ended) = &event.what else { continue };
        let leg = all.legs.get(event.leg.as_str().trim_start_matches("p-"));
        if leg.is_some_and(|leg| leg.transfer.is_some() != ended.transfer.is_some()) {
            return Err(format!("{} lost its transfer", event.leg));
        }
    }
    Ok(())
}
