//! Calls of the days before, and what became of their deliveries.

use std::sync::Arc;
use std::time::Duration;

use calls::{
    AccountId, CallId, Direction, Employee, EndReason, Ended, Event, LegId, PbxTime, Phone, Transfer, What,
};
use delivery::connect::ConnectError;
use delivery::reason::GivesReason as _;
use journal::{Attempt, DeliveryId, Grant, Outcome, Reason, Settle, WallTime};

pub(crate) const PEOPLE: [(&str, &str); 6] = [
    ("101", "Mette Holm"),
    ("102", "Jens Bang"),
    ("103", "Søren Ørsted Ågård"),
    ("104", "Ida Kruse"),
    ("105", "Karim Haddad"),
    ("106", "<script>alert(1)</script>"),
];

pub(crate) fn now() -> WallTime {
    WallTime(jiff::Timestamp::now().as_microsecond())
}

pub(crate) fn leg(number: i64, at: PbxTime, person: usize, outgoing: bool) -> Event {
    let (local, name) = PEOPLE[person % PEOPLE.len()];
    let outside = format!("+4570{:06}", 201_234 + number * 37 % 700_000);
    Event {
        leg: LegId::new(format!("pbx1-{}.{number}", at.as_micros() / 1_000_000)),
        call: CallId::new(format!("pbx1-{number}")),
        sequence: 1,
        phone: Arc::new(Phone {
            account: AccountId::new("1"),
            number: local.into(),
            employee: Some(Employee { number: local.into(), name: name.into() }),
        }),
        direction: if outgoing { Direction::Outgoing } else { Direction::Incoming },
        at,
        begun_at: at,
        waiting_since: None,
        counterpart: Some(LegId::new(format!("pbx1-{number}.0"))),
        a_number: if outgoing { local.into() } else { outside.as_str().into() },
        b_number: if outgoing { outside.as_str().into() } else { "".into() },
        dialed_number: "".into(),
        queue: if number % 3 == 0 { "salg".into() } else { "".into() },
        assumed: number % 31 == 0,
        what: if outgoing { What::Outgoing } else { What::Incoming },
    }
}

/// A whole leg, with one of several ends.
pub(crate) fn whole(number: i64, at: PbxTime) -> Vec<Event> {
    let person = usize::try_from(number * 7 % 11).unwrap_or(0);
    let begun = leg(number, at, person, number % 4 == 3);
    let after = |secs: i64| at + Duration::from_secs(u64::try_from(secs).unwrap_or(0));
    let answered = (number % 5 != 0).then(|| after(4 + number % 9));
    let end =
        answered.unwrap_or(after(22)) + Duration::from_secs(u64::try_from(number * 53 % 400).unwrap_or(0));
    let mut events = vec![begun.clone()];
    if let (Some(at), Direction::Incoming) = (answered, begun.direction) {
        events.push(Event { sequence: 2, at, what: What::Answered, ..begun.clone() });
    }
    // To whom some are transferred; never to who transfers.
    let to = if person % PEOPLE.len() == 3 { 1 } else { 3 };
    let transfer = (number % 13 == 1 && answered.is_some()).then(|| Transfer {
        party: LegId::new(format!("pbx1-{number}.0")),
        party_number: begun.a_number.clone(),
        to: PEOPLE[to].0.into(),
    });
    let reason = match (&transfer, answered) {
        (Some(_), _) => EndReason::Transferred,
        (None, Some(_)) => EndReason::HungUpByCounterpart,
        (None, None) => EndReason::NoAnswer,
    };
    let what = What::Ended(Ended { answered_at: answered, reason, transfer: transfer.clone() });
    events.push(Event { sequence: 3, at: end, what, ..begun });
    if transfer.is_some() {
        // A colleague is asked first, takes the call, and talks for a while.
        let later = |secs: i64| end + Duration::from_secs(u64::try_from(secs).unwrap_or(0));
        let asked = PbxTime::from_micros(end.as_micros() - 12_000_000);
        let (answered_at, gone) = (PbxTime::from_micros(end.as_micros() - 7_000_000), later(95));
        let begun = leg(number, asked, to, false);
        let reason = EndReason::HungUpByCounterpart;
        let ended = What::Ended(Ended { answered_at: Some(answered_at), reason, transfer });
        events.push(begun.clone());
        events.push(Event { sequence: 2, at: answered_at, what: What::Answered, ..begun.clone() });
        events.push(Event { sequence: 3, at: gone, what: ended, ..begun });
        events.sort_by_key(|event| event.at);
    }
    events
}

pub(crate) fn settled(id: DeliveryId) -> Settle {
    let bad = id.event.0 % 41 == 0;
    let retrying = id.event.0 % 57 == 0;
    let address = ([192, 0, 2, 10], 443).into();
    let nobody = ConnectError::Rejected { address };
    let wrong = match (bad, retrying) {
        (true, _) => Some(Reason::status(500)),
        (_, true) => Some(nobody.reason()),
        (false, false) => None,
    };
    let attempt = Attempt {
        number: 1,
        at: now(),
        took_micros: 41_200,
        address: "192.0.2.10:443".into(),
        request_line: "POST /pbx/ring?tenant=7".into(),
        request_headers: [("content-type", "application/x-www-form-urlencoded"), ("authorization", "•••")]
            .into_iter()
            .collect(),
        request_body: b"AccountId=1&UniqueCallId=pbx1-1795337580.42&ANumber=%2B4570201234"[..].into(),
        status: match (bad, retrying) {
            (true, _) => Some(500),
            (_, true) => None,
            (false, false) => Some(204),
        },
        reason: wrong,
        response_body: if bad { b"<script>alert('no')</script>".to_vec() } else { Vec::new() },
    };
    let outcome = match (bad, retrying) {
        (true, _) => Outcome::Failed(None),
        (_, true) => Outcome::RetryIn(Duration::from_secs(90)),
        (false, false) => Outcome::Delivered,
    };
    Settle { grant: Grant::ALONE, id, attempt: Some(attempt.into()), outcome }
}
