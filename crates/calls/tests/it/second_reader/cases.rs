//! Where two readers cannot agree, what was kept of the leg decides: its row refuses a second beginning, [`Told`] makes
//! what was said meanwhile the next of the leg as it was told, and `adopt` goes on with it.

use calls::{Direction, Event, EventKind, Output, PbxTime, Restored, Told, What};

use crate::kept::Kept;
use crate::{language, world::World};

/// What one reader says to these lines.
fn says(world: &mut World, lines: &str) -> Vec<Output> {
    lines.lines().flat_map(|line| language::run(world, line.trim()).expect(line)).collect()
}

fn events(outputs: Vec<Output>) -> Vec<Event> {
    let events = outputs.into_iter().filter_map(|output| match output {
        Output::Event(event) => Some(*event),
        Output::Note(_) | Output::Anomaly(_) => None,
    });
    events.collect()
}

fn kinds(events: &[Event]) -> Vec<EventKind> {
    events.iter().map(Event::kind).collect()
}

/// What the owner has kept of this.
fn kept(lines: &str) -> Kept {
    let mut kept = Kept::default();
    kept.keep(says(&mut World::new(), lines));
    kept
}

const RINGS: &str = "0 t places +4530\n0 101 is called in t\n0 t dials 101\n0.1 101 rings";

#[test]
fn a_list_in_the_middle_of_a_beginning_changes_nothing() {
    // As chan_sip begins a call: the channel is made, and is after a number a moment later.
    let calls = "0 101 is called\n0 101 is calling 102\n0 102 is called in 101\n0 101 dials 102\n0.2 102 rings\n1 wait";
    let (made, rest) = calls.split_once('\n').unwrap();
    let alone = events(says(&mut World::new(), calls));
    let listed = format!("{made}\n0 list 101 called pending -\n{rest}");
    assert_eq!(kinds(&alone), [EventKind::Outgoing, EventKind::Incoming]);
    assert_eq!(events(says(&mut World::new(), &listed)), alone);
}

#[test]
fn an_answer_that_was_guessed_from_a_list_and_not_told_is_none() {
    // It was lifted in the gap, to be asked whether it takes the call; the other reader heard no answer.
    let kept = kept(RINGS);
    let mut other = World::new();
    says(&mut other, RINGS);
    let guessed =
        says(&mut other, "1 link lost\n2 list t placed up - - +4530 t; 101 called up - - - t\n3 wait");
    assert_eq!(kinds(&events(guessed)), [EventKind::Answered]);
    other.tracker.adopt(kept.restored());
    let answered = events(says(&mut other, "5 101 joins b\n5 t joins b"));
    assert_eq!(kinds(&answered), [EventKind::Answered]);
    assert!(answered[0].sequence == 2 && !answered[0].assumed, "{answered:?}");
}

#[test]
fn a_call_whose_group_one_reader_knows_alone_is_called_as_its_leg_was_told() {
    let kept = kept(RINGS);
    // By a list: it is in the group of a channel that is gone.
    let mut other = World::new();
    let lines = "1 list 101 called ringing - - - x\n2 wait\n2.2 101 up\n2.2 101 joins b\n2.2 t joins b";
    let own = events(says(&mut other, lines));
    assert_eq!(kinds(&own), [EventKind::Incoming, EventKind::Answered]);
    assert!(own.iter().all(|event| event.call != kept.events[0].call), "{own:?}");

    // What lay at hand, and what it says when it has the PBX.
    let mut told = Told::of(&kept.restored());
    let handed_in: Vec<Event> = own.into_iter().filter_map(|event| told.next(event)).collect();
    assert!(handed_in.iter().all(|event| event.call == kept.events[0].call), "{handed_in:?}");
    let mut kept = kept;
    kept.keep(handed_in.into_iter().map(|event| Output::Event(Box::new(event))).collect());
    other.tracker.adopt(kept.restored());
    kept.keep(says(&mut other, "4 101 gone\n4 t gone"));
    assert_eq!(kinds(&kept.events), [EventKind::Incoming, EventKind::Answered, EventKind::Ended]);
    assert!(kept.events.iter().all(|event| event.call == kept.events[0].call), "{:?}", kept.events);
}

#[test]
fn a_leg_that_one_knows_from_a_list_begins_as_it_was_told() {
    let kept = kept(RINGS);
    let mut other = World::new();
    let own =
        events(says(&mut other, "1 list t placed pending - - +4530 t; 101 called ringing - - - t\n2 wait"));
    assert_eq!(kinds(&own), [EventKind::Incoming]);
    assert!(own[0].assumed && own[0].begun_at != kept.events[0].begun_at, "{own:?}");
    // The row has one beginning, and what follows says when it was.
    assert_eq!(Told::of(&kept.restored()).next(own[0].clone()), None);
    other.tracker.adopt(kept.restored());
    let end = events(says(&mut other, "4 101 gone"));
    assert!(end[0].begun_at == kept.events[0].begun_at && !end[0].assumed, "{end:?}");
}

#[test]
fn a_leg_that_a_list_shows_and_that_nobody_told_who_heard_it_begin_is_told_no_more() {
    let mut other = World::new();
    let own = events(says(&mut other, "1 list 101 placed pending - - +4530 101\n2 wait"));
    assert!(own[0].kind() == EventKind::Outgoing && own[0].assumed, "{own:?}");
    let heard = |secs| Restored { last_heard: Some(PbxTime::from_secs(secs)), ..Restored::default() };
    assert_eq!(Told::of(&heard(5)).next(own[0].clone()), None);
    // It may be on its way to be kept.
    assert_eq!(Told::of(&heard(2)).next(own[0].clone()).as_ref(), Some(&own[0]));
}

#[test]
fn a_leg_that_one_took_for_another_way_goes_on_as_it_was_told() {
    let kept = kept(RINGS);
    // Taken for a phone that calls: only that it was there was seen.
    let mut other = World::new();
    let own = events(says(&mut other, "1 list 101 placed up b - +4530 101; t called up b - - 101\n2 wait"));
    assert_eq!(kinds(&own), [EventKind::Outgoing]);
    assert_eq!(Told::of(&kept.restored()).next(own[0].clone()), None);
    other.tracker.adopt(kept.restored());
    let end = events(says(&mut other, "4 101 gone"));
    assert!(end[0].direction == Direction::Incoming && matches!(end[0].what, What::Ended(_)), "{end:?}");
}
