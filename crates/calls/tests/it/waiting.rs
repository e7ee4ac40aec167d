//! Since when a caller waited: from the queue or the first phone that rang, until somebody takes the call.

use calls::{Event, EventKind, Output, PbxTime};

use crate::language::run;
use crate::world::World;

/// The waits of the `Incoming` events that a play tells, in seconds before each leg began.
fn waits(play: &str) -> Vec<(String, f64)> {
    let mut world = World::new();
    let lines = play.lines().map(str::trim).filter(|line| !line.is_empty());
    let told: Vec<Output> = lines
        .flat_map(|line| run(&mut world, line).unwrap_or_else(|| panic!("not understood: {line}")))
        .collect();
    let begun = told.into_iter().filter_map(|output| match output {
        Output::Event(event) if event.kind() == EventKind::Incoming => Some(*event),
        Output::Event(_) | Output::Note(_) | Output::Anomaly(_) => None,
    });
    let wait = |event: Event| {
        let since: PbxTime = event.waiting_since.unwrap_or(event.begun_at);
        (event.phone.number.to_string(), event.begun_at.since(since).as_secs_f64())
    };
    begun.map(wait).collect()
}

fn told(expected: &[(&str, f64)]) -> Vec<(String, f64)> {
    expected.iter().map(|(phone, secs)| ((*phone).to_owned(), *secs)).collect()
}

#[test]
fn whoever_waits_in_a_queue_has_waited_since_they_joined_it() {
    let play = "0 t places +4530 as +4520
        1 t enters support
        9 101 is called
        9 t dials 101
        10 101 rings
        20 t ends dialling 101 noanswer
        20 101 gone noanswer
        24 102 is called
        24 t dials 102
        25 102 rings";
    assert_eq!(waits(play), told(&[("101", 9.0), ("102", 24.0)]));
}

#[test]
fn without_a_queue_the_first_phone_that_rang_counts_for_those_that_follow() {
    let play = "0 t places +4530 as +4520
        1 101 is called
        1 t dials 101
        2 101 rings
        14 t ends dialling 101 noanswer
        14 101 gone noanswer
        14 102 is called
        14 t dials 102
        15 102 rings";
    assert_eq!(waits(play), told(&[("101", 0.0), ("102", 13.0)]));
}

#[test]
fn who_was_answered_and_is_passed_on_waits_anew() {
    let play = "0 t places +4530 as +4520
        1 t enters support
        2 101 is called
        2 t dials 101
        3 101 rings
        5 101 up
        5 t ends dialling 101 answered
        5 t leaves queue
        5 t joins b
        5 101 joins b
        60 101 transfers t to 102
        60 t leaves b
        60 101 leaves b
        60 101 gone
        61 102 is called
        61 t dials 102
        62 102 rings";
    assert_eq!(waits(play), told(&[("101", 2.0), ("102", 0.0)]));
}
