//! Words an Asterisk says of what is done already, by a thread that may be held up before it says them: what others do because
//! of it is said before. BlindTransfer, AttendedTransfer and Pickup are said by whoever does it, behind the act
//! (`ast_bridge_transfer_blind`, `ast_bridge_transfer_attended`, `ast_do_pickup`). Words of parking come through a queue of
//! their own (`parking_event_cb`), and so late or early beside all others. An Asterisk 16 that had little of the processor said
//! ParkedCallTimeOut 44 ms after the phone had begun to ring again.

use std::cell::Cell;

use crate::corpora::{Case, judge, links, messages, play, wrong};

const TRANSFERS: [&str; 3] = ["AttendedTransfer", "BlindTransfer", "Pickup"];
const PARKING: [&str; 4] = ["ParkedCall", "ParkedCallGiveUp", "ParkedCallTimeOut", "UnParkedCall"];
/// So late or early, in seconds.
const MOMENTS: [f64; 3] = [0.02, 0.05, 0.1];

/// A message of a recording, the channels it is about, and when it was said.
type Message = (Vec<u8>, Vec<String>, f64);

fn value<'a>(message: &'a [u8], name: &str) -> &'a str {
    let line = message.split(|byte| *byte == b'\n').find_map(|line| {
        let line = line.strip_prefix(name.as_bytes())?;
        line.strip_prefix(b": ")
    });
    line.and_then(|value| std::str::from_utf8(value).ok()).unwrap_or_default()
}

/// Whether `word` is said before `other` however long its thread is held up: it holds the channels it names, so that none of
/// them is gone; and who transfers by dialling a code does it in his own channel's thread. Who parks a call hears where
/// before he hangs up.
fn comes_first((word, of, _): &Message, (other, about, _): &Message) -> bool {
    let parks = value(word, "Event") == "ParkedCall";
    let is_gone = value(other, "Event") == "Hangup" && (parks || about.iter().any(|id| of.contains(id)));
    let by_code = value(word, "Event") == "BlindTransfer" && value(word, "IsExternal") == "No";
    is_gone || by_code && about.iter().any(|id| id == value(word, "TransfererUniqueid"))
}

/// How many places later and earlier the word at `place` may be said, within so many seconds.
fn may_be_moved(messages: &[Message], place: usize, within: f64) -> (usize, usize) {
    let word = &messages[place];
    let name = value(&word.0, "Event");
    let is_near = |other: &&Message| (other.2 - word.2).abs() <= within;
    let after = messages[place + 1..].iter().take_while(is_near);
    let later = after.take_while(|other| !comes_first(word, other)).count();
    if PARKING.contains(&name) {
        (later, messages[..place].iter().rev().take_while(is_near).count())
    } else if TRANSFERS.contains(&name) {
        (later, 0)
    } else {
        (0, 0)
    }
}

/// The message as it is said at another moment.
fn said_at(message: &[u8], at: f64) -> Vec<u8> {
    let lines = message.split_inclusive(|byte| *byte == b'\n');
    let moved = lines.map(|line| match line.starts_with(b"Timestamp: ") {
        true => format!("Timestamp: {at:.6}\n").into_bytes(),
        false => line.to_vec(),
    });
    moved.flatten().collect()
}

/// A link with one word of those moved, for each of them: what was moved, and the bytes.
fn each_moved(bytes: &[u8], within: f64) -> Vec<(String, Vec<u8>)> {
    let messages = messages(bytes);
    let mut all = Vec::new();
    for place in 0..messages.len() {
        let (later, earlier) = may_be_moved(&messages, place, within);
        let places = [(place + later, "late"), (place - earlier, "early")];
        for (to, how) in places.into_iter().filter(|(to, _)| *to != place) {
            let mut said: Vec<Vec<u8>> = messages.iter().map(|(whole, ..)| whole.clone()).collect();
            let word = said_at(&said.remove(place), messages[to].2);
            said.insert(to, word);
            let name = value(&messages[place].0, "Event");
            all.push((format!("{name} at {:.6}, {within} s {how}", messages[place].2), said.concat()));
        }
    }
    all
}

#[test]
fn what_was_done_may_be_said_late() {
    let moved = Cell::new(0);
    let wrong = wrong(|case: &Case| {
        let links = links(case);
        let mut wrong = String::new();
        for (number, within) in (0..links.len()).flat_map(|number| MOMENTS.map(|within| (number, within))) {
            for (what, bytes) in each_moved(&links[number], within) {
                let mut links = links.clone();
                links[number] = bytes;
                moved.set(moved.get() + 1);
                if let Err(why) = judge(case, &play(case, &links)) {
                    wrong += &format!("{what}: {why}\n");
                }
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    });
    println!("{} words moved", moved.get());
    assert!(moved.get() > 100, "{}", moved.get());
    assert!(wrong.is_empty(), "{wrong}");
}
