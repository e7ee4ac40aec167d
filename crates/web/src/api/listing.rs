//! How lists are asked for: by account, number, employee, time, and page by page.

use std::borrow::Cow;

pub(crate) use admin::delivery_name;
use admin::kept::{Cursor, DeliveryState, Filter, LegOutcome, WallTime};
use admin::{Code, Refusal};
use calls::{AccountId, CallId, LegId, PbxTime};

use super::ApiError;
use super::webhooks::kind;

/// The most one page has.
pub(crate) const MAX_PAGE: usize = 1_000;
/// What a page has where nothing else is asked for.
pub(super) const PAGE: usize = 100;

/// What a list was asked for.
pub(crate) struct Listing {
    pub(crate) filter: Filter,
    /// The limit that was asked for, if one was.
    pub(crate) limit: Option<usize>,
}

/// The names a list may be asked with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Calls have an outcome, no kind and no state.
    Calls,
    /// Events have a kind.
    Events,
    /// Deliveries have both.
    Deliveries,
}

impl Listing {
    /// Reads a query; a name it does not know is refused.
    pub(crate) fn read(account: &AccountId, text: Option<&str>, of: Kind) -> Result<Self, ApiError> {
        let mut filter = Filter { account: Some(account.clone()), limit: PAGE, ..Filter::default() };
        let mut asked = None;
        for (name, value) in query(text) {
            let value = value.as_ref();
            match name.as_ref() {
                "before" => filter.before = Some(place("before", value)?),
                "after" if of == Kind::Events => filter.after = Some(place("after", value)?),
                "limit" => {
                    filter.limit = limit(value)?;
                    asked = Some(filter.limit);
                }
                "from" => filter.from = Some(moment("from", value)?),
                "until" => filter.until = Some(moment("until", value)?),
                "employee" => filter.employee = Some(value.to_owned()),
                "number" => filter.number = Some(value.to_owned()),
                "outcome" if of == Kind::Calls => filter.outcome = Some(outcome(value)?),
                "unique_call_id" => filter.leg = Some(LegId::new(value)),
                "call_id" => filter.call = Some(CallId::new(value)),
                "event" if of != Kind::Calls => filter.kind = Some(kind(value)?),
                "state" if of == Kind::Deliveries => filter.states.push(state(value)?),
                _ => return Err(unknown(&name)),
            }
        }
        Ok(Self { filter, limit: asked })
    }
}

/// The parts of a query.
pub(crate) fn query(text: Option<&str>) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    url::form_urlencoded::parse(text.unwrap_or_default().as_bytes())
}

pub(crate) fn unknown(name: &str) -> ApiError {
    Refusal::of(Code::UnknownQuery, name).with("name", name).into()
}

pub(crate) fn limit(text: &str) -> Result<usize, ApiError> {
    let limit = text.parse().ok().filter(|limit| (1..=MAX_PAGE).contains(limit));
    limit.ok_or_else(|| Refusal::of(Code::Limit, "limit").with("most", MAX_PAGE).into())
}

pub(super) fn place(name: &str, text: &str) -> Result<Cursor, ApiError> {
    text.parse().map_err(|_| Refusal::of(Code::Place, name).into())
}

fn moment(name: &str, text: &str) -> Result<PbxTime, ApiError> {
    if let Ok(secs) = text.parse() {
        return Ok(PbxTime::from_secs(secs));
    }
    match text.parse::<jiff::Timestamp>() {
        Ok(at) => Ok(PbxTime::from_micros(at.as_microsecond())),
        Err(_) => Err(Refusal::of(Code::Moment, name).into()),
    }
}

/// How a call came out, by its name.
fn outcome(name: &str) -> Result<LegOutcome, ApiError> {
    Ok(match name {
        "running" => LegOutcome::Running,
        "answered" => LegOutcome::Answered,
        "missed" => LegOutcome::Missed,
        "elsewhere" => LegOutcome::Elsewhere,
        "busy" => LegOutcome::Busy,
        "unanswered" => LegOutcome::Unanswered,
        _ => return Err(Refusal::of(Code::Outcome, "outcome").into()),
    })
}

/// A state by its name.
pub(crate) fn state(name: &str) -> Result<DeliveryState, ApiError> {
    Ok(match name {
        "waiting" => DeliveryState::Waiting,
        "retrying" => DeliveryState::Retrying(WallTime(0)),
        "paused" => DeliveryState::Paused,
        "delivered" => DeliveryState::Delivered,
        "expired" => DeliveryState::Expired,
        "failed" => DeliveryState::Failed,
        "cancelled" => DeliveryState::Cancelled,
        _ => return Err(Refusal::of(Code::State, "state").into()),
    })
}

/// The name of a state.
pub(crate) fn state_name(state: &DeliveryState) -> &'static str {
    match state {
        DeliveryState::Waiting => "waiting",
        DeliveryState::Retrying(_) => "retrying",
        DeliveryState::Paused => "paused",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Expired => "expired",
        DeliveryState::Failed => "failed",
        DeliveryState::Cancelled => "cancelled",
    }
}

/// Cuts the one too many that tells whether there is a next page.
pub(crate) fn next<T>(found: &mut Vec<T>, limit: usize, place: impl Fn(&T) -> Cursor) -> Option<String> {
    let more = found.len() >= limit;
    found.truncate(limit);
    found.last().filter(|_| more).map(|last| place(last).to_string())
}
