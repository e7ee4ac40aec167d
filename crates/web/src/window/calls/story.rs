//! One call's story: a line a leg, coloured by state, with what was told under each mark.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use calls::{Direction, EndReason, EventKind, LegId, PbxTime, What};
use journal::{DeliveryRecord, EventSeq, Filter, Kept, LegRecord};

use super::super::frame::page;
use super::super::{Fail, Frame, Visitor, Window, wrong};
use super::{dot, other_number, row};
use crate::api;

/// The picture's width, in its own units.
const WIDTH: f64 = 980.0;
/// Where the lines begin.
const LEFT: f64 = 230.0;
/// From one line to the next.
const LINE: f64 = 64.0;

/// A stretch of a leg's line.
pub(crate) struct Stretch {
    pub(crate) x: String,
    pub(crate) width: String,
    pub(crate) state: &'static str,
}

/// An event on a leg's line.
pub(crate) struct Mark {
    pub(crate) x: String,
    pub(crate) kind: &'static str,
    pub(crate) dot: &'static str,
}

/// A transfer from one leg to another.
pub(crate) struct Arrow {
    pub(crate) x: String,
    pub(crate) from: String,
    pub(crate) to: String,
}

/// A leg's line.
pub(crate) struct Line {
    pub(crate) y: String,
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
    rows: Vec<super::Row>,
    lines: Vec<Line>,
    arrows: Vec<Arrow>,
    height: String,
    begin: String,
    end: String,
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
    let own = Filter { account: Some(account.id.clone()), limit: 1, ..Filter::default() };
    let one = window.web.journal.events(Filter { leg: Some(LegId::new(leg)), ..own.clone() }).await?;
    let Some(one) = one.first() else { return Err(Fail::Nowhere) };
    let call = one.event.call.clone();
    let of_call = Filter { call: Some(call.clone()), limit: 200, ..own };
    let mut legs = window.web.journal.legs(of_call.clone()).await?;
    legs.reverse();
    let mut events = window.web.journal.events(of_call.clone()).await?;
    events.reverse();
    let deliveries = window.web.journal.deliveries(of_call).await?;
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
    let span = last.since(begin).as_secs_f64().max(1.0);
    let x = |at: PbxTime| LEFT + at.since(begin).as_secs_f64() / span * (WIDTH - LEFT - 20.0);
    let y = |index: usize| 30.0 + LINE * f64::from(u16::try_from(index).unwrap_or(u16::MAX));
    let worst = |seq: EventSeq| {
        let of = by_event.get(&seq).into_iter().flatten().map(|one| dot(&one.state));
        of.max_by_key(|dot| super::rank(dot)).unwrap_or("")
    };
    let line = |(index, leg): (usize, &LegRecord)| Line {
        y: format!("{:.0}", y(index)),
        label: name_of(leg),
        number: other_number(&f, &leg.begun),
        stretches: stretches(leg, last, &x),
        marks: events
            .iter()
            .filter(|kept| kept.event.leg == leg.begun.leg)
            .map(|kept| Mark {
                x: format!("{:.1}", x(kept.event.at)),
                kind: kept.event.kind().name(),
                dot: worst(kept.seq),
            })
            .collect(),
    };
    let title = legs.first().map(|leg| other_number(&f, &leg.begun)).unwrap_or_default();
    StoryPage {
        lines: legs.iter().enumerate().map(line).collect(),
        arrows: arrows(legs, &x, &y),
        height: format!("{:.0}", y(legs.len()) - 10.0),
        begin: f.locale.clock(begin.as_micros()),
        end: f.locale.clock(last.as_micros()),
        told: events.iter().map(|kept| entry(&f, kept, by_event)).collect(),
        rows: legs.iter().map(|leg| row(&f, leg, "")).collect(),
        title,
        call,
        f,
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

fn stretches(leg: &LegRecord, last: PbxTime, x: &impl Fn(PbxTime) -> f64) -> Vec<Stretch> {
    let from = leg.begun.at;
    let until = leg.ended.as_ref().map_or(last, |event| event.at);
    let answered = leg.answered_at.or_else(|| match &leg.ended.as_ref()?.what {
        What::Ended(end) => end.answered_at,
        What::Incoming | What::Answered | What::Outgoing => None,
    });
    let stretch = |from: PbxTime, until: PbxTime, state| Stretch {
        x: format!("{:.1}", x(from)),
        width: format!("{:.1}", (x(until) - x(from)).max(2.0)),
        state,
    };
    let before = match leg.direction {
        Direction::Incoming => "ringing",
        Direction::Outgoing => "dialling",
    };
    match answered {
        Some(answered) => vec![stretch(from, answered, before), stretch(answered, until, "talking")],
        None => vec![stretch(from, until, before)],
    }
}

/// From a leg whose call was transferred away to the leg that began for the same party next.
fn arrows(legs: &[LegRecord], x: &impl Fn(PbxTime) -> f64, y: &impl Fn(usize) -> f64) -> Vec<Arrow> {
    let mut arrows = Vec::new();
    for (index, leg) in legs.iter().enumerate() {
        let Some(ended) = &leg.ended else { continue };
        let What::Ended(end) = &ended.what else { continue };
        let Some(transfer) = end.transfer.as_ref().filter(|_| end.reason == EndReason::Transferred) else {
            continue;
        };
        let to = legs
            .iter()
            .enumerate()
            .position(|(other, leg)| other != index && *leg.begun.phone.number == *transfer.to);
        if let Some(to) = to {
            arrows.push(Arrow {
                x: format!("{:.1}", x(ended.at)),
                from: format!("{:.0}", y(index)),
                to: format!("{:.0}", y(to)),
            });
        }
    }
    arrows
}

fn entry(f: &Frame, kept: &Kept, by_event: &HashMap<EventSeq, Vec<&DeliveryRecord>>) -> Told {
    let event = &kept.event;
    let what = match &event.what {
        What::Ended(end) => {
            let reason = f.w.get(&format!("reason.{}", end.reason.name())).to_owned();
            let talk = event.duration().as_secs();
            let talked = (talk > 0).then(|| f.locale.duration(talk));
            let to =
                end.transfer.as_ref().map(|one| f.w.with("story.transferred", "to", f.locale.phone(&one.to)));
            let reason = Some(reason).filter(|_| end.reason != EndReason::Transferred || to.is_none());
            [reason, to, talked].into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
        What::Incoming | What::Answered | What::Outgoing => other_number(f, event),
    };
    let deliveries = by_event.get(&kept.seq).into_iter().flatten().map(|one| {
        let state = api::state_name(&one.state);
        (api::delivery_name(one.id), dot(&one.state), state, wrong::told(f.w, &one.last))
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
