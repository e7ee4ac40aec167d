//! Whether what a recording told is what stands beside it.

use std::collections::BTreeMap;

use calls::{Event, EventKind, LegId, What};

use super::{Case, Played};

/// A leg as `expect` writes it, its party still by id.
pub(super) struct Leg {
    id: LegId,
    line: String,
    transfer: Option<(LegId, String)>,
    events: Vec<Event>,
}

pub(super) fn legs(case: &Case, events: &[Event]) -> Result<Vec<Leg>, String> {
    let mut order: Vec<LegId> = Vec::new();
    let mut by_leg: BTreeMap<LegId, Vec<Event>> = BTreeMap::new();
    for event in events {
        if !by_leg.contains_key(&event.leg) {
            order.push(event.leg.clone());
        }
        by_leg.entry(event.leg.clone()).or_default().push(event.clone());
    }
    let leg = |id: LegId| {
        let events = by_leg.remove(&id).unwrap();
        let kinds: Vec<EventKind> = events.iter().map(Event::kind).collect();
        let account = events[0].account().as_str();
        let mut phone = events[0].phone.number.to_string();
        if account != case.rules.account {
            phone = format!("{account}/{phone}");
        }
        let Some(Event { what: What::Ended(ended), .. }) = events.last() else {
            return Err(format!("{id} is not ended: {kinds:?}"));
        };
        let answered = |yes: bool| if yes { "A" } else { "-" };
        let line = match kinds.as_slice() {
            [EventKind::Incoming, EventKind::Answered, EventKind::Ended] => format!("in {phone} A"),
            [EventKind::Incoming, EventKind::Ended] => format!("in {phone} -"),
            [EventKind::Outgoing, EventKind::Ended] => {
                format!("out {phone}>{} {}", events[0].b_number, answered(ended.answered_at.is_some()))
            }
            other => return Err(format!("{id} tells {other:?}")),
        };
        let transfer =
            ended.transfer.as_ref().map(|transfer| (transfer.party.clone(), transfer.to.to_string()));
        Ok(Leg { id, line, transfer, events })
    };
    order.into_iter().map(leg).collect()
}

/// The legs as `expect` writes them, in the order they began in.
pub(super) fn lines(played: &Played, legs: &[Leg]) -> Vec<String> {
    let party = |id: &LegId| match legs.iter().find(|leg| leg.id == *id) {
        Some(leg) => format!("({})", leg.line),
        None if id.as_str().trim_start_matches("p-") == played.first => "t".to_owned(),
        None => "*".to_owned(),
    };
    let line = |leg: &Leg| match &leg.transfer {
        Some((id, to)) => format!("{} T {} {to}", leg.line, party(id)),
        None => leg.line.clone(),
    };
    legs.iter().map(line).collect()
}

/// Whether the legs are those expected, in any order.
pub(crate) fn judge(case: &Case, played: &Played) -> Result<(), String> {
    if case.refuse {
        return match (played.too_old, played.events.is_empty()) {
            (true, true) => Ok(()),
            other => Err(format!("(said to be too old, nothing told): {other:?}")),
        };
    }
    if played.too_old {
        return Err("said to be too old".into());
    }
    if !played.anomalies.is_empty() {
        return Err(played.anomalies.join("\n"));
    }
    let legs = legs(case, &played.events)?;
    let mut found = lines(played, &legs);
    let bare = |line: &str| line.split(" T ").next().unwrap_or_default().to_owned();
    let expected = case.expect.iter().map(|line| match line.split_once(" T #") {
        Some((leg, rest)) => {
            let (number, to) = rest.split_once(' ').unwrap();
            format!("{leg} T ({}) {to}", bare(&case.expect[number.parse::<usize>().unwrap()]))
        }
        None => line.clone(),
    });
    let mut expected: Vec<String> = expected.collect();
    expected.sort();
    found.sort();
    if expected != found {
        return Err(format!("expected {expected:#?}\nfound {found:#?}"));
    }
    case.says.iter().try_for_each(|[of, kind, parameter, value]| {
        let leg = legs.iter().find(|leg| leg.line.starts_with(of.as_str())).ok_or(of.clone())?;
        let event = leg.events.iter().find(|event| event.kind().name() == kind).ok_or(kind.clone())?;
        let found = match parameter.as_str() {
            "ANumber" => event.a_number.to_string(),
            "Duration" => event.duration().as_secs().to_string(),
            "Calledphone" => event.phone.number.to_string(),
            "BNumber" => event.b_number.to_string(),
            other => return Err(format!("{other}?")),
        };
        let right = match value.strip_prefix(">=") {
            Some(least) => found.parse::<u64>().unwrap() >= least.parse::<u64>().unwrap(),
            None => found == *value,
        };
        if right { Ok(()) } else { Err(format!("{of} {kind} {parameter} {value}, found {found}")) }
    })
}
