//! Runs every file of `tests/scenarios`. A file that does not give the events it names fails with the
//! difference; `UPDATE_SCENARIOS=1` rewrites the indented lines, to be read before they are committed.

use std::fmt::Write;
use std::path::Path;

use crate::{language, show, world::World};

/// The file as it would be if every expectation were true. A line `## name` begins a new world.
fn played(text: &str) -> Result<String, String> {
    let mut world = World::new();
    let mut lines = String::new();
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("    ") {
            continue;
        }
        lines.push_str(line);
        lines.push('\n');
        if line.starts_with("## ") {
            world = World::new();
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let outputs = language::run(&mut world, line).ok_or(format!("line {}: {line:?}?", number + 1))?;
        for event in outputs.iter().filter_map(|output| show::line(output, world.at)) {
            let _ = writeln!(lines, "    {event}");
        }
    }
    Ok(lines)
}

#[test]
fn every_scenario_gives_the_events_it_names() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    let mut wrong = String::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        match played(&text) {
            Err(why) => writeln!(wrong, "{name}: {why}").unwrap(),
            Ok(played) if played == text => {}
            Ok(played) if std::env::var_os("UPDATE_SCENARIOS").is_some() => {
                std::fs::write(&file, played).unwrap()
            }
            Ok(played) => writeln!(wrong, "{name}:\n{}", difference(&text, &played)).unwrap(),
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn difference(expected: &str, found: &str) -> String {
    let (expected, found): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    let same = expected.iter().zip(&found).take_while(|(one, other)| one == other).count();
    let window = |lines: &[&str]| lines[same.saturating_sub(3)..(same + 4).min(lines.len())].join("\n  ");
    format!("at line {}\n expected\n  {}\n found\n  {}", same + 1, window(&expected), window(&found))
}
