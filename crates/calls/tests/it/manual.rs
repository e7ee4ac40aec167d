//! The manual's pages of rules and shapes are true: `docs/events.md` holds, between two marks, what the
//! recordings give. `UPDATE_SCENARIOS=1` rewrites that part.

use std::fmt::Write;
use std::path::Path;

use calls::{Event, What};

use crate::recordings::{Names, events, files, names, traces};

const BEGIN: &str = "<!-- shapes: made by the tests -->\n";
const END: &str = "<!-- end of shapes -->";

#[test]
fn the_manual_shows_what_the_recordings_give() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let made = format!("{before}{BEGIN}{}{END}{after}", shapes());
    if std::env::var_os("UPDATE_SCENARIOS").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    assert!(
        std::fs::read_to_string(&file).unwrap() == made,
        "docs/events.md is not what the recordings give"
    );
}

/// Each line of the list of PBXs names what it is known from, and that is there, or it says that it is untried.
#[test]
fn what_the_list_of_pbxs_is_known_from_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join("docs/install.md")).unwrap();
    let section = text.split("## Which PBXs").nth(1).unwrap().split("\n## ").next().unwrap();
    let lines: Vec<&str> = section.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(lines.len() > 10, "{section}");
    for line in lines {
        let from = line.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let named: Vec<&str> = from.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty() || from.contains("untried"), "known from nothing: {line}");
        for name in named {
            let place = match name.split_once('/') {
                Some(("lab", shapes)) => root.join(format!("lab/shapes/{shapes}.py")),
                Some(("variants", file)) => root.join(format!("crates/calls/tests/variants/{file}.txt")),
                Some((corpus, case)) => root.join(format!("traces/{corpus}/{case}.ami")),
                None => root.join("traces").join(name),
            };
            assert!(place.exists(), "{name} is not there: {line}");
        }
    }
}

fn shapes() -> String {
    let mut text = String::new();
    for name in names() {
        let _ = writeln!(text, "\n### {name}\n\n{}\n", in_words(&name));
        let events = events(&files(&name, ".tracker.ami"));
        if events.is_empty() {
            text.push_str("No request.\n");
            continue;
        }
        text.push_str("| after | event | what the request says |\n| --- | --- | --- |\n");
        let mut channels = Names::default();
        for event in &events {
            channels.phone(event);
        }
        let began = events[0].at;
        for event in &events {
            let after = event.at.since(began).as_millis() as f64 / 1e3;
            let _ =
                writeln!(text, "| {after:.1} s | {} | {} |", event.kind().name(), said(event, &mut channels));
        }
    }
    text.push('\n');
    text
}

/// What happened, as whoever recorded it wrote it down.
fn in_words(name: &str) -> String {
    let meta = std::fs::read_to_string(traces().join(format!("{name}.meta.json"))).unwrap();
    let what = meta.split("\"what\": \"").nth(1).unwrap();
    what.split("\",\n").next().unwrap().to_owned()
}

fn said(event: &Event, names: &mut Names) -> String {
    let mut parts = vec![("UniqueCallId", names.phone(event))];
    let number = |number: &str| if number.is_empty() { "(empty)".to_owned() } else { number.to_owned() };
    match &event.what {
        What::Incoming | What::Answered => {
            let linked =
                event.counterpart.as_ref().map_or("(empty)".to_owned(), |linked| names.other(linked));
            parts.push(("LinkedUniqueCallId", linked));
            parts.push(("EmployeeLocalNumber", event.phone.employee_number().to_owned()));
            parts.push(("ANumber", number(&event.a_number)));
        }
        What::Outgoing => {
            parts.push(("EmployeeLocalNumber", event.phone.employee_number().to_owned()));
            parts.push(("ANumber", number(&event.a_number)));
            parts.push(("BNumber", number(&event.b_number)));
        }
        What::Ended(ended) => {
            let direction =
                if event.direction == calls::Direction::Incoming { "Incoming" } else { "Outgoing" };
            parts.push(("CallDirection", direction.to_owned()));
            parts.push(("Duration", event.duration().as_secs().to_string()));
            parts.push(("Transfer", if ended.transfer.is_some() { "True" } else { "False" }.to_owned()));
            if let Some(transfer) = &ended.transfer {
                parts.push(("TransferedUniqueId", names.other(&transfer.party)));
                parts.push(("TransferedNumber", number(&transfer.party_number)));
                parts.push(("TransferTo", number(&transfer.to)));
            }
            parts.push(("EndReason", ended.reason.name().to_owned()));
        }
    }
    if event.assumed {
        parts.push(("Assumed", "True".to_owned()));
    }
    parts.iter().map(|(name, value)| format!("{name} `{value}`")).collect::<Vec<_>>().join(", ")
}
