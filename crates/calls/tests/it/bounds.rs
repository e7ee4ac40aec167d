//! What is kept is bounded, whatever a PBX forgets to say.

use calls::{EventKind, Output, PbxName, PbxTime, Tracker, TrackerLimits};

use crate::language;
use crate::world::World;

#[test]
fn a_pbx_that_never_says_that_a_channel_is_gone_cannot_make_the_tracker_grow_for_ever() {
    let mut world = World::new();
    world.tracker = Tracker::new(PbxName::new("p"), TrackerLimits { channels: 100 });
    let mut ended = 0;
    let mut anomalies = 0;
    for call in 0..1_000 {
        let line = format!("{call} 101{} places 102", letters(call));
        for output in language::run(&mut world, &line).unwrap() {
            match output {
                Output::Event(event) if event.kind() == EventKind::Ended => {
                    assert!(event.assumed, "the end of a leg that was given up is assumed");
                    ended += 1;
                }
                Output::Anomaly(_) => anomalies += 1,
                Output::Event(_) | Output::Note(_) => {}
            }
        }
    }
    world.at = PbxTime::from_secs(1_001);
    world.waits();
    assert_eq!(world.tracker.counts(), (100, 100));
    assert_eq!((ended, anomalies), (900, 900), "each leg that was given up ended, and it was said");
}

#[test]
fn phones_whose_beginning_was_missed_wait_a_moment_and_are_told() {
    let mut world = World::new();
    language::run(&mut world, "0 link lost").unwrap();
    for call in 0..500 {
        language::run(&mut world, &format!("0 101{} rings", letters(call))).unwrap();
    }
    world.at = PbxTime::from_secs(1);
    let told = world.waits();
    assert_eq!(told.iter().filter(|output| matches!(output, Output::Event(_))).count(), 500);
    assert_eq!(world.tracker.next_deadline(), None);
}

fn letters(mut number: usize) -> String {
    let mut text = String::new();
    loop {
        text.push(char::from(b'a' + (number % 26) as u8));
        number /= 26;
        if number == 0 {
            return text;
        }
    }
}
