//! Holding: no event, and no end of a conversation; a note for who looks on.

use calls::{Output, PbxTime};

use crate::language;
use crate::world::World;

/// A call that talks, after its events are out of the way.
fn talking() -> World {
    let mut world = World::new();
    for line in [
        "0 t places +4530 as +4520",
        "0 101 is called",
        "0 t dials 101",
        "0.1 101 rings",
        "2 101 up",
        "2 t ends dialling 101 answered",
        "2 t up",
        "2 101 joins b",
        "2 t joins b",
    ] {
        language::run(&mut world, line).unwrap();
    }
    world
}

/// Since when the notes of a line say that it holds; nothing else may come of it.
fn noted(world: &mut World, line: &str) -> Vec<Option<PbxTime>> {
    let said = language::run(world, line).unwrap();
    let note = |output: Output| match output {
        Output::Note(note) => note.kept.and_then(|kept| kept.held_since),
        other => panic!("{line}: {other:?}"),
    };
    said.into_iter().map(note).collect()
}

#[test]
fn holding_is_noted_and_is_no_event() {
    let mut world = talking();
    assert_eq!(noted(&mut world, "3 101 holds"), [Some(PbxTime::from_secs(3))]);
    assert_eq!(noted(&mut world, "4 101 holds"), [], "it holds already");
    assert_eq!(noted(&mut world, "5 101 takes back"), [None]);
    assert_eq!(noted(&mut world, "5 101 takes back"), [], "Asterisk says so before every transfer");
    assert_eq!(noted(&mut world, "6 101 holds"), [Some(PbxTime::from_secs(6))]);
}

#[test]
fn who_is_held_holds_nobody_and_a_channel_without_a_leg_is_not_noted() {
    let mut world = talking();
    assert_eq!(noted(&mut world, "3 t holds"), []);
}

#[test]
fn a_held_call_is_as_long_as_any_and_its_note_goes_with_it() {
    let mut world = talking();
    language::run(&mut world, "3 101 holds").unwrap();
    let said = language::run(&mut world, "9 101 gone").unwrap();
    let ended = said.iter().any(|output| match output {
        Output::Event(event) => event.duration() == std::time::Duration::from_secs(7),
        Output::Note(_) | Output::Anomaly(_) => false,
    });
    assert!(ended, "a held conversation goes on: {said:?}");
    let forgotten = said.iter().any(|output| matches!(output, Output::Note(note) if note.kept.is_none()));
    assert!(forgotten, "{said:?}");
}
