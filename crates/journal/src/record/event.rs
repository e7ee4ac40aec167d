//! An event at rest. What lists are made by (kind, times, account, leg, call) are columns; this is the rest.

use std::sync::Arc;
use std::time::Duration;

use calls::{
    AccountId, CallId, Direction, Employee, EndReason, Ended, Event, EventKind, LegId, PbxName, PbxTime,
    Phone, Transfer, What,
};
use serde::{Deserialize, Serialize};

use super::{Unreadable, pack, unpack};

const VERSION: u8 = 2;
/// The same without [`Shape::waited_micros`], the last of a shape: where nobody waited, and as it was once.
const WITHOUT_WAIT: u8 = 1;

#[derive(Serialize, Deserialize)]
struct Shape<'a> {
    pbx: &'a str,
    sequence: u8,
    phone: &'a str,
    #[serde(borrow)]
    employee: Option<(&'a str, &'a str)>,
    outgoing: bool,
    begun_at: i64,
    counterpart: Option<&'a str>,
    a_number: &'a str,
    b_number: &'a str,
    dialed_number: &'a str,
    queue: &'a str,
    assumed: bool,
    #[serde(borrow)]
    ended: Option<EndedShape<'a>>,
    /// How long the caller had waited when the leg began.
    waited_micros: u64,
}

#[derive(Serialize, Deserialize)]
struct EndedShape<'a> {
    answered_at: Option<i64>,
    reason: u8,
    /// Party, its number, transferred to.
    #[serde(borrow)]
    transfer: Option<(&'a str, &'a str, &'a str)>,
}

/// What of an event is in columns of its own.
pub(crate) struct Columns {
    pub(crate) kind: EventKind,
    pub(crate) at: PbxTime,
    pub(crate) account: AccountId,
    pub(crate) leg: LegId,
    pub(crate) call: CallId,
}

pub(crate) fn write(pbx: &PbxName, event: &Event) -> Vec<u8> {
    let ended = match &event.what {
        What::Ended(Ended { answered_at, reason, transfer }) => Some(EndedShape {
            answered_at: answered_at.map(PbxTime::as_micros),
            reason: reason_number(*reason),
            transfer: transfer.as_ref().map(|Transfer { party, party_number, to }| {
                (party.as_str(), party_number.as_ref(), to.as_ref())
            }),
        }),
        What::Incoming | What::Answered | What::Outgoing => None,
    };
    let shape = Shape {
        pbx: pbx.as_str(),
        sequence: event.sequence,
        phone: &event.phone.number,
        employee: event.phone.employee.as_ref().map(|employee| (&*employee.number, &*employee.name)),
        outgoing: event.direction == Direction::Outgoing,
        begun_at: event.begun_at.as_micros(),
        counterpart: event.counterpart.as_ref().map(LegId::as_str),
        a_number: &event.a_number,
        b_number: &event.b_number,
        dialed_number: &event.dialed_number,
        queue: &event.queue,
        assumed: event.assumed,
        ended,
        waited_micros: event
            .waiting_since
            .map_or(0, |since| u64::try_from(event.begun_at.since(since).as_micros()).unwrap_or(u64::MAX)),
    };
    let mut packed = pack(VERSION, &shape);
    if shape.waited_micros == 0 {
        packed.pop();
        packed[0] = WITHOUT_WAIT;
    }
    packed
}

pub(crate) fn read(columns: Columns, packed: &[u8]) -> Result<(PbxName, Event), Unreadable> {
    let with_none;
    let packed = match packed.split_first() {
        Some((&WITHOUT_WAIT, shape)) => {
            with_none = [&[VERSION], shape, &[0]].concat();
            &with_none
        }
        Some(_) | None => packed,
    };
    let shape: Shape<'_> = unpack("event", VERSION, packed)?;
    let what = match (columns.kind, shape.ended) {
        (EventKind::Incoming, None) => What::Incoming,
        (EventKind::Answered, None) => What::Answered,
        (EventKind::Outgoing, None) => What::Outgoing,
        (EventKind::Ended, Some(ended)) => What::Ended(read_ended(&ended)?),
        (kind, _) => {
            return Err(Unreadable { what: "event", why: format!("it is no {}", kind.name()) });
        }
    };
    let begun_at = PbxTime::from_micros(shape.begun_at);
    let employee = shape.employee.map(|(number, name)| Employee { number: number.into(), name: name.into() });
    let event = Event {
        leg: columns.leg,
        call: columns.call,
        sequence: shape.sequence,
        phone: Arc::new(Phone { account: columns.account, number: shape.phone.into(), employee }),
        direction: if shape.outgoing { Direction::Outgoing } else { Direction::Incoming },
        at: columns.at,
        begun_at,
        waiting_since: (shape.waited_micros > 0)
            .then(|| begun_at - Duration::from_micros(shape.waited_micros)),
        counterpart: shape.counterpart.map(LegId::new),
        a_number: shape.a_number.into(),
        b_number: shape.b_number.into(),
        dialed_number: shape.dialed_number.into(),
        queue: shape.queue.into(),
        assumed: shape.assumed,
        what,
    };
    Ok((PbxName::new(shape.pbx), event))
}

fn read_ended(shape: &EndedShape<'_>) -> Result<Ended, Unreadable> {
    Ok(Ended {
        answered_at: shape.answered_at.map(PbxTime::from_micros),
        reason: reason_of(shape.reason)
            .ok_or_else(|| Unreadable { what: "event", why: format!("no end reason {}", shape.reason) })?,
        transfer: shape.transfer.map(|(party, party_number, to)| Transfer {
            party: LegId::new(party),
            party_number: party_number.into(),
            to: to.into(),
        }),
    })
}

/// The number of a kind in a column.
pub(crate) const fn kind_number(kind: EventKind) -> u8 {
    match kind {
        EventKind::Incoming => 0,
        EventKind::Answered => 1,
        EventKind::Outgoing => 2,
        EventKind::Ended => 3,
    }
}

/// The kind of a number in a column.
pub(crate) const fn kind_of(number: u8) -> Option<EventKind> {
    match number {
        0 => Some(EventKind::Incoming),
        1 => Some(EventKind::Answered),
        2 => Some(EventKind::Outgoing),
        3 => Some(EventKind::Ended),
        _ => None,
    }
}

const fn reason_number(reason: EndReason) -> u8 {
    match reason {
        EndReason::HungUpByEmployee => 0,
        EndReason::HungUpByCounterpart => 1,
        EndReason::NoAnswer => 2,
        EndReason::Busy => 3,
        EndReason::Rejected => 4,
        EndReason::AnsweredElsewhere => 5,
        EndReason::PickedUp => 6,
        EndReason::Cancelled => 7,
        EndReason::Transferred => 8,
        EndReason::PbxRestarted => 9,
        EndReason::LinkLost => 10,
        EndReason::Failed => 11,
    }
}

const fn reason_of(number: u8) -> Option<EndReason> {
    Some(match number {
        0 => EndReason::HungUpByEmployee,
        1 => EndReason::HungUpByCounterpart,
        2 => EndReason::NoAnswer,
        3 => EndReason::Busy,
        4 => EndReason::Rejected,
        5 => EndReason::AnsweredElsewhere,
        6 => EndReason::PickedUp,
        7 => EndReason::Cancelled,
        8 => EndReason::Transferred,
        9 => EndReason::PbxRestarted,
        10 => EndReason::LinkLost,
        11 => EndReason::Failed,
        _ => return None,
    })
}
