//! One call's story: a line a leg, coloured by state, with what was told under each mark. Where many phones only rang,
//! most of them are folded away.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use admin::kept::{DeliveryRecord, EventSeq, Filter, Kept, LegRecord};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use calls::{Direction, EndReason, Event, EventKind, LegId, PbxTime, What};

use super::super::frame::page;
use super::super::{Fail, Frame, Visitor, Window, reason};
use super::picture::{self, Arrow, Span, Stretch, Tick};
use super::{dot, other_number, others, row};
use crate::api;

/// So many letters stand above a line: a phone is not wider.
const LONGEST: usize = 32;
/// Of which a number takes no more.
const LONGEST_NUMBER: usize = 20;
/// From one time above the picture to the next, from which on days are named.
const DAYS: Duration = Duration::from_secs(86_400);

/// An event on a leg's line, and what was told of it.
pub(crate) struct Mark {
    pub(crate) x: String,
    pub(crate) kind: &'static str,
    pub(crate) delivery: Option<DeliveryMark>,
}

/// A delivery below its event's mark: a link.
pub(crate) struct DeliveryMark {
    pub(crate) x: String,
    pub(crate) id: String,
    pub(crate) dot: &'static str,
    pub(crate) said: String,
}

/// Who called: above the phones.
pub(crate) struct Caller {
    pub(crate) y: u32,
    pub(crate) number: String,
    pub(crate) x: String,
    pub(crate) until: String,
}

/// A leg's line.
pub(crate) struct Line {
    pub(crate) y: u32,
    pub(crate) label: String,
    pub(crate) number: String,
    pub(crate) stretches: Vec<Stretch>,
    pub(crate) marks: Vec<Mark>,
}

/// An event as a row of the table.
pub(crate) struct Told {
    pub(crate) at: String,
    pub(crate) iso: String,
    pub(crate) kind: &'static str,
    pub(crate) employee: String,
    pub(crate) leg: String,
    pub(crate) what: String,
    /// Name, dot, state, last words.
    pub(crate) deliveries: Vec<(String, &'static str, &'static str, String)>,
    pub(crate) assumed: bool,
    /// Of a phone that is folded away.
    pub(crate) other: bool,
}

/// Phones that rang like others: folded away until somebody asks for them.
pub(crate) struct Others {
    pub(crate) many: usize,
    /// How many of their deliveries have not come through.
    pub(crate) missing: usize,
    pub(crate) lines: Vec<Line>,
    pub(crate) height: u32,
}

#[derive(Template)]
#[template(path = "story.html")]
struct StoryPage {
    f: Frame,
    title: String,
    /// A leg, and how a transfer touched it.
    rows: Vec<(super::Row, Option<String>)>,
    ticks: Vec<(Tick, String)>,
    callers: Vec<Caller>,
    lines: Vec<Line>,
    arrows: Vec<Arrow>,
    height: u32,
    others: Option<Others>,
    told: Vec<Told>,
    call: String,
}

pub(crate) async fn story(
    State(window): State<Arc<Window>>,
    Path((account, leg)): Path<(String, String)>,
    visitor: Visitor,
) -> Result<Response, Fail> {
    let account = visitor.reads(&window, &account)?;
    let f = Frame::account(&window, &visitor, &account, "calls");
    let (actor, admin, id) = (visitor.actor(), &window.web.admin, account.id.as_str());
    let own = Filter { account: Some(account.id.clone()), limit: 1, ..Filter::default() };
    let one = admin.events(&actor, id, Filter { leg: Some(LegId::new(leg)), ..own.clone() }).await?;
    let Some(one) = one.first() else { return Err(Fail::Nowhere) };
    let call = one.event.call.clone();
    let of_call = Filter { call: Some(call.clone()), limit: 200, ..own };
    let mut legs = admin.legs(&actor, id, of_call.clone()).await?;
    legs.reverse();
    let mut events = admin.events(&actor, id, of_call.clone()).await?;
    events.reverse();
    let deliveries = admin.deliveries(&actor, id, of_call).await?;
    let mut by_event: HashMap<EventSeq, Vec<&DeliveryRecord>> = HashMap::new();
    for delivery in &deliveries {
        by_event.entry(delivery.event.seq).or_default().push(delivery);
    }
    page(&told(f, &legs, &events, &by_event, call.to_string()))
}

fn told(
    f: Frame,
    legs: &[LegRecord],
    events: &[Arc<Kept>],
    by_event: &HashMap<EventSeq, Vec<&DeliveryRecord>>,
    call: String,
) -> StoryPage {
    let begin = events.iter().map(|kept| kept.event.at).min().unwrap_or_default();
    let last = events.iter().map(|kept| kept.event.at).max().unwrap_or_default();
    let span = Span::of(begin, last);
    let callers = callers(&f, legs, last, span);
    let worst = |leg: &LegRecord| {
        let seqs = events.iter().filter(|kept| kept.event.leg == leg.begun.leg).map(|kept| kept.seq);
        let of = seqs.flat_map(|seq| by_event.get(&seq).into_iter().flatten());
        of.filter(|one| dot(&one.state) != "delivered").count()
    };
    let missing: Vec<usize> = legs.iter().map(worst).collect();
    let folded = others::folded(legs, &missing);
    let is_other = |leg: &LegId| folded.iter().any(|at| legs[*at].begun.leg == *leg);
    let (others, shown): (Vec<&LegRecord>, Vec<&LegRecord>) =
        legs.iter().partition(|leg| is_other(&leg.begun.leg));
    let first = callers.len();
    let only = (first == 1).then(|| callers[0].number.clone());
    let lines = |of: &[&LegRecord], first: usize| -> Vec<Line> {
        let line = |(index, leg): (usize, &&LegRecord)| {
            let number = shortened(other_number(&f, &leg.begun), LONGEST_NUMBER);
            // The only caller stands above all of them.
            let number = if only.as_ref() == Some(&number) { String::new() } else { number };
            Line {
                y: picture::y(first + index),
                label: shortened(name_of(leg), LONGEST - number.chars().count()),
                number,
                stretches: picture::stretches(leg, last, span),
                marks: marks(&f, leg, events, by_event, span),
            }
        };
        of.iter().enumerate().map(line).collect()
    };
    let title = legs.first().map(|leg| other_number(&f, &leg.begun)).unwrap_or_default();
    let transferred = |leg: &LegRecord| leg.ended.as_ref().and_then(|event| transferred(&f, legs, event));
    let entry =
        |kept: &Arc<Kept>| Told { other: is_other(&kept.event.leg), ..entry(&f, legs, kept, by_event) };
    StoryPage {
        lines: lines(&shown, first),
        arrows: picture::arrows(&shown, first, span),
        height: picture::height(first + shown.len()),
        ticks: clocked(&f, picture::ticks(span)),
        told: events.iter().map(entry).collect(),
        rows: shown.iter().map(|leg| (row(&f, leg, ""), transferred(leg))).collect(),
        others: (!others.is_empty()).then(|| Others {
            many: others.len(),
            missing: folded.iter().map(|at| missing[*at]).sum(),
            lines: lines(&others, 0),
            height: picture::height(others.len()),
        }),
        callers,
        title,
        call,
        f,
    }
}

/// With what they are called: times of a day, or days where they are so far apart.
fn clocked(f: &Frame, ticks: Vec<Tick>) -> Vec<(Tick, String)> {
    let are_days = ticks.windows(2).any(|two| two[1].at.since(two[0].at) >= DAYS);
    let called = |tick: Tick| {
        let at = tick.at.as_micros();
        let clock = if are_days { f.locale.day_of(at) } else { f.locale.clock(at) };
        (tick, clock)
    };
    ticks.into_iter().map(called).collect()
}

/// The parties of incoming legs that are no leg of this account themselves.
fn callers(f: &Frame, legs: &[LegRecord], last: PbxTime, span: Span) -> Vec<Caller> {
    let mut seen: Vec<&LegId> = Vec::new();
    let mut callers = Vec::new();
    for leg in legs.iter().filter(|leg| leg.direction == Direction::Incoming) {
        let Some(party) = &leg.begun.counterpart else { continue };
        if seen.contains(&party) || legs.iter().any(|other| other.begun.leg == *party) {
            continue;
        }
        seen.push(party);
        let of_party = legs.iter().filter(|other| other.begun.counterpart.as_ref() == Some(party));
        let until = of_party.map(|other| other.ended.as_ref().map_or(last, |ended| ended.at)).max();
        callers.push(Caller {
            y: picture::y(callers.len()),
            number: shortened(other_number(f, &leg.begun), LONGEST_NUMBER),
            x: span.x(leg.begun.at),
            until: span.x(until.unwrap_or(last)),
        });
    }
    callers
}

fn marks(
    f: &Frame,
    leg: &LegRecord,
    events: &[Arc<Kept>],
    by_event: &HashMap<EventSeq, Vec<&DeliveryRecord>>,
    span: Span,
) -> Vec<Mark> {
    let of_leg: Vec<&Arc<Kept>> = events.iter().filter(|kept| kept.event.leg == leg.begun.leg).collect();
    let worst = |kept: &Kept| {
        let of = by_event.get(&kept.seq).into_iter().flatten();
        of.copied().max_by_key(|one| super::rank(dot(&one.state)))
    };
    let told: Vec<&Arc<Kept>> = of_leg.iter().copied().filter(|kept| worst(kept).is_some()).collect();
    let times: Vec<PbxTime> = told.iter().map(|kept| kept.event.at).collect();
    let mut places: HashMap<EventSeq, String> =
        told.iter().map(|kept| kept.seq).zip(picture::apart(span, &times)).collect();
    let delivery = |kept: &Kept, x: String, one: &DeliveryRecord| {
        let event = f.w.get(&format!("event.{}", kept.event.kind().name()));
        let state = f.w.get(&format!("state.{}", api::state_name(&one.state)));
        let clock = f.locale.clock(one.updated_at.0);
        let said = format!("{event}: {state}, {clock}, {}", reason::told_if(f.w, one.last.as_ref()));
        let said = said.trim_end_matches(", ").to_owned();
        DeliveryMark { x, id: api::delivery_name(one.id), dot: dot(&one.state), said }
    };
    let mark = |kept: &Arc<Kept>| Mark {
        x: span.x(kept.event.at),
        kind: kept.event.kind().name(),
        delivery: worst(kept).zip(places.remove(&kept.seq)).map(|(one, x)| delivery(kept, x, one)),
    };
    of_leg.into_iter().map(mark).collect()
}

/// So many letters of it; the table has all of them.
fn shortened(text: String, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((cut, _)) => format!("{}…", text[..cut].trim_end()),
        None => text,
    }
}

fn name_of(leg: &LegRecord) -> String {
    let phone = &leg.begun.phone;
    let name = phone.employee.as_ref().map(|one| one.name.to_string()).filter(|name| !name.is_empty());
    name.map_or_else(
        || phone.employee_number().to_owned(),
        |name| format!("{} {name}", phone.employee_number()),
    )
}

/// How a transfer touched a leg, told from its own side.
fn transferred(f: &Frame, legs: &[LegRecord], event: &Event) -> Option<String> {
    let What::Ended(end) = &event.what else { return None };
    let transfer = end.transfer.as_ref()?;
    if end.reason == EndReason::Transferred {
        return Some(f.w.with("story.transferred", "to", f.locale.phone(&transfer.to)));
    }
    if transfer.party == event.leg {
        return Some(f.w.with("story.was_transferred", "to", f.locale.phone(&transfer.to)));
    }
    let gave = legs.iter().find(|leg| {
        let ended = leg.ended.as_ref().map(|event| &event.what);
        matches!(ended, Some(What::Ended(other)) if other.reason == EndReason::Transferred
            && other.transfer.as_ref().is_some_and(|of| of.party == transfer.party && of.to == transfer.to))
    });
    Some(match gave {
        Some(leg) => f.w.with("story.received", "from", name_of(leg)),
        None => f.w.get("story.received_somehow").to_owned(),
    })
}

fn entry(
    f: &Frame,
    legs: &[LegRecord],
    kept: &Kept,
    by_event: &HashMap<EventSeq, Vec<&DeliveryRecord>>,
) -> Told {
    let event = &kept.event;
    let what = match &event.what {
        What::Ended(end) => {
            let reason = f.w.get(&format!("reason.{}", end.reason.name())).to_owned();
            let talk = event.duration().as_secs();
            let talked = (talk > 0).then(|| f.locale.duration(talk));
            let to = transferred(f, legs, event);
            let reason = Some(reason).filter(|_| end.reason != EndReason::Transferred || to.is_none());
            [reason, to, talked].into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
        What::Incoming | What::Answered | What::Outgoing => other_number(f, event),
    };
    let deliveries = by_event.get(&kept.seq).into_iter().flatten().map(|one| {
        let state = api::state_name(&one.state);
        (api::delivery_name(one.id), dot(&one.state), state, reason::told_if(f.w, one.last.as_ref()))
    });
    Told {
        at: f.locale.clock(event.at.as_micros()),
        iso: f.locale.iso(event.at.as_micros()),
        kind: EventKind::name(event.kind()),
        employee: event.phone.employee_number().to_owned(),
        leg: event.leg.to_string(),
        what,
        deliveries: deliveries.collect(),
        assumed: event.assumed,
        other: false,
    }
}
