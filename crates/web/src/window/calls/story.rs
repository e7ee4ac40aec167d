//! One call's story: a line a leg, coloured by state, with what was told under each mark.

use std::collections::HashMap;
use std::sync::Arc;

use admin::kept::{DeliveryRecord, EventSeq, Filter, Kept, LegRecord};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use calls::{Direction, EndReason, Event, EventKind, LegId, PbxTime, What};

use super::super::frame::page;
use super::super::{Fail, Frame, Visitor, Window, reason};
use super::picture::{self, Arrow, Span, Stretch, Tick};
use super::{dot, other_number, row};
use crate::api;

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
    let first = callers.len();
    let line = |(index, leg): (usize, &LegRecord)| Line {
        y: picture::y(first + index),
        label: name_of(leg),
        number: other_number(&f, &leg.begun),
        stretches: picture::stretches(leg, last, span),
        marks: marks(&f, leg, events, by_event, span),
    };
    let title = legs.first().map(|leg| other_number(&f, &leg.begun)).unwrap_or_default();
    let transferred = |leg: &LegRecord| leg.ended.as_ref().and_then(|event| transferred(&f, legs, event));
    StoryPage {
        lines: legs.iter().enumerate().map(line).collect(),
        arrows: picture::arrows(legs, first, span),
        height: picture::height(first + legs.len()),
        ticks: picture::ticks(span).into_iter().map(|tick| clocked(&f, tick)).collect(),
        told: events.iter().map(|kept| entry(&f, legs, kept, by_event)).collect(),
        rows: legs.iter().map(|leg| (row(&f, leg, ""), transferred(leg))).collect(),
        callers,
        title,
        call,
        f,
    }
}

fn clocked(f: &Frame, tick: Tick) -> (Tick, String) {
    let clock = f.locale.clock(tick.at.as_micros());
    (tick, clock)
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
            number: other_number(f, &leg.begun),
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
    }
}
