//! `/a/{account}/calls` and `/search`: the list of calls, and one call's story.

mod others;
mod picture;
mod search;
mod story;

use std::collections::HashMap;
use std::sync::Arc;

use admin::kept::{AccountSettings, Cursor, DeliveryState, Filter, LegOutcome, LegRecord};
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use calls::{Direction, Event, LegId, PbxTime, What};
use futures_util::future;

use super::frame::page;
use super::visitor::Fields;
use super::{Fail, Frame, Visitor, Window};
pub(super) use search::search;
pub(super) use story::story;

/// Rows of a page.
const ROWS: usize = 50;
/// The outcomes, in the order people look for them.
const OUTCOMES: [LegOutcome; 6] = [
    LegOutcome::Answered,
    LegOutcome::Missed,
    LegOutcome::Busy,
    LegOutcome::Unanswered,
    LegOutcome::Elsewhere,
    LegOutcome::Running,
];

/// One leg in the list.
pub(crate) struct Row {
    pub(crate) leg: String,
    pub(crate) at: String,
    pub(crate) at_exact: String,
    pub(crate) iso: String,
    pub(crate) incoming: bool,
    pub(crate) employee: String,
    pub(crate) employee_name: String,
    pub(crate) number: String,
    /// Key of the outcome: `outcome.answered`, ….
    pub(crate) outcome: &'static str,
    pub(crate) talk: String,
    pub(crate) transferred: bool,
    pub(crate) assumed: bool,
    /// `delivered`, `waiting`, `failed`, or empty: nothing to tell.
    pub(crate) told: &'static str,
}

#[derive(Template)]
#[template(path = "calls.html")]
struct CallsPage {
    f: Frame,
    q: Fields,
    rows: Vec<Row>,
    older: Option<String>,
    outcomes: [&'static str; 6],
    employees: Vec<(String, String)>,
    narrowed: bool,
}

pub(super) async fn list(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let account = visitor.reads(&window, &account)?;
    let f = Frame::account(&window, &visitor, &account, "calls");
    let q = Fields::read(query.unwrap_or_default().as_bytes());
    let filter = Filter { outcome: outcome_named(q.get("outcome")), ..narrowed(&f, &account, &q) };
    let mut legs = window.web.admin.legs(&visitor.actor(), account.id.as_str(), filter).await?;
    let more = legs.len() > ROWS;
    legs.truncate(ROWS);
    let from = legs.last().filter(|_| more).map(LegRecord::cursor);
    shown(&window, &visitor, f, q, legs, from, &account).await
}

async fn shown(
    window: &Window,
    visitor: &Visitor,
    f: Frame,
    q: Fields,
    legs: Vec<LegRecord>,
    from: Option<Cursor>,
    account: &AccountSettings,
) -> Result<Response, Fail> {
    let told = told(window, visitor, account, &legs).await?;
    let rows = legs.iter().map(|leg| row(&f, leg, told.get(&leg.begun.leg).copied().unwrap_or(""))).collect();
    let (employees, narrowed) = (employees(account), is_narrowed(&q));
    let older = from.map(|from| older(&f.to("calls"), &q, from));
    let outcomes = OUTCOMES.map(|outcome| outcome_key(outcome).trim_start_matches("outcome."));
    page(&CallsPage { f, q, rows, older, outcomes, employees, narrowed })
}

/// What an address says besides what a list is narrowed to.
const NO_FILTER: [&str; 4] = ["before", "done", "sent", "left"];

/// The fields above a list that are filled in.
fn filled(q: &Fields) -> impl Iterator<Item = &(String, String)> {
    q.0.iter().filter(|(name, value)| !NO_FILTER.contains(&name.as_str()) && !value.is_empty())
}

/// Whether a list is narrowed to some of all there is.
pub(crate) fn is_narrowed(q: &Fields) -> bool {
    filled(q).next().is_some()
}

/// An account's employees to choose from: number and name.
pub(crate) fn employees(account: &AccountSettings) -> Vec<(String, String)> {
    account.employees.iter().map(|(number, (one, _))| (number.clone(), one.name.clone())).collect()
}

/// The same list, one page further.
pub(crate) fn older(url: &str, q: &Fields, from: Cursor) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in filled(q) {
        query.append_pair(name, value);
    }
    query.append_pair("before", &from.to_string());
    format!("{url}?{}", query.finish())
}

/// What the fields above a list narrow it to.
pub(crate) fn narrowed(f: &Frame, account: &AccountSettings, q: &Fields) -> Filter {
    let text = |name: &str| Some(q.get(name).to_owned()).filter(|text| !text.is_empty());
    let digits = |text: String| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    Filter {
        account: Some(account.id.clone()),
        employee: text("employee"),
        number: text("number").map(digits),
        from: day(f, q.get("from"), 0),
        until: day(f, q.get("until"), 1),
        before: q.get("before").parse().ok(),
        limit: ROWS + 1,
        ..Filter::default()
    }
}

/// The beginning of a day in the account's zone, some days later.
pub(crate) fn day(f: &Frame, text: &str, later: i64) -> Option<PbxTime> {
    use jiff::ToSpan as _;
    let date = f.locale.read_date(text)?;
    let begin = date.checked_add(later.days()).ok()?.to_zoned(f.locale.zone.clone()).ok()?;
    Some(PbxTime::from_micros(begin.timestamp().as_microsecond() - later))
}

/// The key of how a leg came out.
fn outcome_key(outcome: LegOutcome) -> &'static str {
    match outcome {
        LegOutcome::Running => "outcome.running",
        LegOutcome::Answered => "outcome.answered",
        LegOutcome::Missed => "outcome.missed",
        LegOutcome::Elsewhere => "outcome.elsewhere",
        LegOutcome::Busy => "outcome.busy",
        LegOutcome::Unanswered => "outcome.outgoing_unanswered",
    }
}

/// The outcome a list is narrowed to; an unknown name narrows nothing.
fn outcome_named(name: &str) -> Option<LegOutcome> {
    LegOutcome::ALL.into_iter().find(|outcome| outcome_key(*outcome).strip_prefix("outcome.") == Some(name))
}

/// The other side's number.
pub(crate) fn other_number(f: &Frame, event: &Event) -> String {
    let number = match event.direction {
        Direction::Incoming => &event.a_number,
        Direction::Outgoing => &event.b_number,
    };
    if number.is_empty() { f.w.get("calls.withheld").to_owned() } else { f.locale.phone(number) }
}

pub(crate) fn row(f: &Frame, leg: &LegRecord, told: &'static str) -> Row {
    let begun = &leg.begun;
    let at = begun.at.as_micros();
    let ended = leg.ended.as_ref();
    Row {
        leg: begun.leg.to_string(),
        at: f.locale.short(at),
        at_exact: f.locale.moment(at),
        iso: f.locale.iso(at),
        incoming: leg.direction == Direction::Incoming,
        employee: begun.phone.employee_number().to_owned(),
        employee_name: begun.phone.employee.as_ref().map(|one| one.name.to_string()).unwrap_or_default(),
        number: other_number(f, begun),
        outcome: outcome_key(leg.outcome()),
        talk: ended
            .map(Event::duration)
            .filter(|of| !of.is_zero())
            .map_or_else(String::new, |of| f.locale.duration(of.as_secs())),
        transferred: ended
            .is_some_and(|event| matches!(&event.what, What::Ended(end) if end.transfer.is_some())),
        assumed: begun.assumed || ended.is_some_and(|event| event.assumed),
        told,
    }
}

/// For each leg, the worst of its deliveries. Asked leg by leg: those of a list may be months apart.
async fn told(
    window: &Window,
    visitor: &Visitor,
    account: &AccountSettings,
    legs: &[LegRecord],
) -> Result<HashMap<LegId, &'static str>, Fail> {
    let actor = visitor.actor();
    let of_leg = async |leg: &LegRecord| {
        let filter = Filter { leg: Some(leg.begun.leg.clone()), ..Filter::default() };
        window.web.admin.deliveries(&actor, account.id.as_str(), filter).await
    };
    let mut told = HashMap::new();
    for (leg, deliveries) in legs.iter().zip(future::try_join_all(legs.iter().map(of_leg)).await?) {
        let worst = deliveries.iter().map(|one| dot(&one.state)).max_by_key(|dot| rank(dot));
        told.extend(worst.map(|dot| (leg.begun.leg.clone(), dot)));
    }
    Ok(told)
}

/// How a state is shown in one dot.
pub(crate) fn dot(state: &DeliveryState) -> &'static str {
    match state {
        DeliveryState::Delivered | DeliveryState::Cancelled => "delivered",
        DeliveryState::Waiting | DeliveryState::Retrying(_) | DeliveryState::Paused => "waiting",
        DeliveryState::Expired | DeliveryState::Failed => "failed",
    }
}

fn rank(dot: &str) -> u8 {
    match dot {
        "failed" => 2,
        "waiting" => 1,
        _ => 0,
    }
}
