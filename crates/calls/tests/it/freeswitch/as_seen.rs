//! Beside each recording of a FreeSWITCH stands what somebody who watched its phones would report: which phone
//! was rung by whom or dialled what, and whether it talked. The events say the same, value by value.

use std::collections::BTreeMap;

use calls::{Event, What};
use serde_json::Value;

use super::{events, links, names, traces};

/// A leg as somebody sees it: phone, direction, number of the other side, whether they talked.
type Seen = (String, &'static str, String, bool);

/// Where the pages of shapes are right and whoever watched wrote something else down: the recording, a leg that was
/// seen and is not told, one that is told and was not seen, and why.
const DIFFERENT: [(&str, Option<Noted>, Option<Noted>, &str); 3] = [
    (
        "originate-not-answered",
        Some(("1001-101", "out", "+491758888888", false)),
        None,
        "nobody lifted the phone that a program rang: it has placed no call",
    ),
    (
        "two-devices-one-employee",
        None,
        Some(("1001-101", "in", "+491701111111", false)),
        "two telephones of one user rang: each is a leg, and one of them was answered",
    ),
    (
        "parking-retrieve",
        Some(("1001-102", "in", "+491701111111", true)),
        Some(("1001-102", "out", "701", true)),
        "the caller was fetched by an ordinary number, which is dialled: only a feature code is not",
    ),
];

/// A leg as it is written down above.
type Noted = (&'static str, &'static str, &'static str, bool);

fn seen(name: &str) -> Vec<Seen> {
    let meta = std::fs::read(traces().join(format!("{name}.meta.json"))).unwrap();
    let meta: Value = serde_json::from_slice(&meta).unwrap();
    let legs = meta["legs"].as_array().unwrap().iter().map(|leg| {
        let text = |field: &str| leg[field].as_str().unwrap().to_owned();
        let direction = if leg["direction"] == "in" { "in" } else { "out" };
        (text("employee"), direction, text("other"), leg["answered"].as_bool().unwrap())
    });
    legs.collect()
}

fn told(events: &[Event]) -> Vec<Seen> {
    let mut legs: BTreeMap<&str, Seen> = BTreeMap::new();
    for event in events {
        let phone = format!("{}-{}", event.phone.account, event.phone.number);
        let leg = legs.entry(event.leg.as_str()).or_insert((phone, "", String::new(), false));
        match &event.what {
            What::Incoming => (leg.1, leg.2) = ("in", event.a_number.to_string()),
            What::Outgoing => (leg.1, leg.2) = ("out", event.b_number.to_string()),
            What::Answered => leg.3 = true,
            What::Ended(ended) => leg.3 |= ended.answered_at.is_some(),
        }
    }
    legs.into_values().collect()
}

#[test]
fn who_watches_the_phones_of_a_freeswitch_sees_what_is_told() {
    let mut wrong = Vec::new();
    for name in names() {
        let (mut seen, mut told) = (seen(&name), told(&events(&links(&name, false).unwrap())));
        for (_, untold, unseen, why) in DIFFERENT.iter().filter(|(different, ..)| *different == name) {
            let leg = |noted: &Noted| (noted.0.to_owned(), noted.1, noted.2.to_owned(), noted.3);
            if let Some(untold) = untold.as_ref().map(leg) {
                let at = seen.iter().position(|leg| *leg == untold);
                seen.remove(at.unwrap_or_else(|| panic!("{name}: not seen any more, so not needed: {why}")));
            }
            seen.extend(unseen.as_ref().map(leg));
        }
        seen.sort();
        told.sort();
        if seen != told {
            wrong.push(format!("{name}\n  seen {seen:?}\n  told {told:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
