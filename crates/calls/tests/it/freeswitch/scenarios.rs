//! The rules by which a FreeSWITCH is followed, one by one, where no recording shows them: `tests/freeswitch`
//! has files of scenarios in the words of [`super::wire`], each line with the second at which it is said and the
//! events it causes indented below. Each is played again with neighbouring events of different channels exchanged:
//! every leg tells the same. `UPDATE_SCENARIOS=1` rewrites the indented lines, to be read.
//!
//! `wait` lets time pass without a word; `lost` loses the link, and the next lines are said over the next one;
//! `lists` is what a FreeSWITCH answers when it is asked for its channels, `nothing` when it has none left.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use calls::{Output, PbxTime};

use super::wire::{Wire, message};
use super::{Following, Lab, exchanged, legs};
use crate::show;

/// In how many orders each scenario is played.
const ORDERS: u64 = 40;
/// What is said further apart comes in the order it was said.
const NEIGHBOURS_MS: u64 = 200;
/// Said of a scenario in which the order decides, and everything that can come out is right.
const ORDER_DECIDES: &str = "# the order decides";

/// One line, understood.
enum Step {
    Says { channel: String, bytes: Vec<u8> },
    Waits,
    Lost,
}

struct Line {
    number: usize,
    at_ms: u64,
    step: Step,
}

struct Scenario {
    name: String,
    lines: Vec<Line>,
    order_decides: bool,
}

fn read(text: &str) -> Vec<Scenario> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    let mut wire = Wire::new();
    for (number, line) in text.lines().enumerate() {
        if let Some(name) = line.strip_prefix("## ") {
            wire = Wire::new();
            scenarios.push(Scenario { name: name.into(), lines: Vec::new(), order_decides: false });
        }
        let Some(scenario) = scenarios.last_mut() else { continue };
        scenario.order_decides |= line.starts_with(ORDER_DECIDES);
        if line.is_empty() || line.starts_with(['#', ' ']) {
            continue;
        }
        let understood =
            understand(&mut wire, line).unwrap_or_else(|| panic!("line {}: {line:?}?", number + 1));
        let (at_ms, step) = understood;
        scenario.lines.push(Line { number, at_ms, step });
    }
    scenarios
}

fn understand(wire: &mut Wire, line: &str) -> Option<(u64, Step)> {
    let (at, what) = line.split_once(char::is_whitespace)?;
    let at_ms = (at.parse::<f64>().ok()? * 1_000.0).round() as u64;
    let what = what.trim();
    let step = match what {
        "wait" => Step::Waits,
        "lost" => Step::Lost,
        "nothing" => Step::Says {
            channel: String::new(),
            bytes: [(); 2].map(|()| message("api/response", "{\"row_count\":0}")).concat(),
        },
        "lists" => Step::Says { channel: String::new(), bytes: wire.lists() },
        _ => {
            let words: Vec<&str> = what.split_whitespace().collect();
            let channel = if words[0] == "custom" { words.get(2)? } else { words.get(1)? };
            Step::Says { channel: (*channel).to_owned(), bytes: wire.says(at_ms, what)? }
        }
    };
    Some((at_ms, step))
}

fn time(at_ms: u64) -> PbxTime {
    PbxTime::from_micros(1_795_000_000_000_000 + i64::try_from(at_ms * 1_000).unwrap())
}

impl Following {
    fn at(&mut self, line: &Line) -> Vec<Output> {
        match &line.step {
            Step::Says { bytes, .. } => self.feed(bytes),
            Step::Waits => {
                let Self { stream, tracker, out, .. } = self;
                stream.handle_timeout(time(line.at_ms), |at, input| tracker.handle(at, input, &Lab, out));
                tracker.handle_timeout(time(line.at_ms), &Lab, out);
            }
            Step::Lost => self.link_lost(),
        }
        std::mem::take(&mut self.out)
    }
}

/// The file as it would be if every expectation were true.
fn played(text: &str) -> String {
    let mut causes: BTreeMap<usize, String> = BTreeMap::new();
    for scenario in read(text) {
        let mut following = Following::new();
        for line in &scenario.lines {
            let cause = causes.entry(line.number).or_default();
            for event in following.at(line) {
                if let Some(event) = show::line(&event, time(line.at_ms)) {
                    let event = event.replace(" at 1795000", " at ");
                    let _ = writeln!(cause, "    {event}");
                }
            }
        }
        assert_eq!(following.stream.malformed(), 0);
    }
    let mut lines = String::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with("    ")) {
        lines.push_str(line);
        lines.push('\n');
        lines.push_str(causes.get(&number).map_or("", |cause| cause));
    }
    lines
}

fn files() -> Vec<(std::path::PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/freeswitch");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files.into_iter().map(|file| (file.clone(), std::fs::read_to_string(file).unwrap())).collect()
}

#[test]
fn every_rule_of_a_freeswitch_gives_the_events_its_scenario_names() {
    for (file, text) in files() {
        let played = played(&text);
        if played != text && std::env::var_os("UPDATE_SCENARIOS").is_some() {
            std::fs::write(&file, &played).unwrap();
            continue;
        }
        assert_eq!(text, played, "{}", file.display());
    }
}

/// What every leg of a scenario tells.
fn told(lines: &[Line], order: Option<u64>) -> Vec<String> {
    let mut following = Following::new();
    let mut events = Vec::new();
    let mut said: Vec<(String, Vec<u8>)> = Vec::new();
    let (mut seed, mut last_ms) = (0, 0);
    let mut take = |following: &mut Following, said: &mut Vec<(String, Vec<u8>)>| {
        seed += 1_000;
        let bytes = match order {
            Some(order) => exchanged(said, order + seed),
            None => said.iter().flat_map(|(_, bytes)| bytes.clone()).collect(),
        };
        said.clear();
        following.feed(&bytes);
    };
    for line in lines {
        if line.at_ms > last_ms + NEIGHBOURS_MS {
            take(&mut following, &mut said);
        }
        last_ms = line.at_ms;
        match &line.step {
            Step::Says { channel, bytes } if !channel.is_empty() => {
                if !bytes.is_empty() {
                    said.push((channel.clone(), bytes.clone()));
                }
            }
            Step::Says { .. } | Step::Waits | Step::Lost => {
                take(&mut following, &mut said);
                events.extend(following.at(line));
            }
        }
        events.append(&mut following.out);
    }
    take(&mut following, &mut said);
    events.append(&mut following.out);
    let Following { stream, tracker, out, last } = &mut following;
    stream.recording_ended(|at, input| tracker.handle(at, input, &Lab, out));
    tracker.handle_timeout(*last + Duration::from_secs(5), &Lab, out);
    events.append(out);
    let events: Vec<_> = events
        .into_iter()
        .filter_map(|output| match output {
            Output::Event(event) => Some(*event),
            Output::Note(_) | Output::Anomaly(_) => None,
        })
        .collect();
    legs(&events)
}

#[test]
fn the_rules_of_a_freeswitch_hold_whichever_of_two_neighbours_comes_first() {
    let mut wrong = String::new();
    for (_, text) in files() {
        for scenario in read(&text) {
            let expected = told(&scenario.lines, None);
            for seed in 0..ORDERS {
                let found = told(&scenario.lines, Some(seed));
                if found != expected && !scenario.order_decides {
                    let _ = writeln!(wrong, "{} seed {seed}\n{expected:#?}\n{found:#?}", scenario.name);
                    break;
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
