//! Example events, for parameters and previews. Nothing of them is kept or sent.

use std::sync::Arc;
use std::time::Duration;

use admin::kept::{AccountSettings, WallTime};
use calls::{CallId, Direction, Employee, EndReason, Ended, Event, EventKind, LegId, PbxTime, Phone, What};

/// The employee of the examples: the first of the account.
pub(crate) fn employee(account: &AccountSettings) -> (String, String) {
    let first = account.employees.iter().next();
    first.map_or_else(
        || ("101".to_owned(), "Mette Holm".to_owned()),
        |(number, (employee, _))| (number.clone(), employee.name.clone()),
    )
}

/// An example of a kind.
pub(crate) fn event(
    account: &AccountSettings,
    number: &str,
    name: &str,
    kind: EventKind,
    now: WallTime,
) -> Event {
    let at = PbxTime::from_micros(now.0.div_euclid(1_000_000) * 1_000_000);
    let secs = at.as_micros() / 1_000_000;
    let outgoing = kind == EventKind::Outgoing;
    let what = match kind {
        EventKind::Incoming => What::Incoming,
        EventKind::Answered => What::Answered,
        EventKind::Outgoing => What::Outgoing,
        EventKind::Ended => What::Ended(Ended {
            answered_at: Some(at - Duration::from_secs(187)),
            reason: EndReason::HungUpByCounterpart,
            transfer: None,
        }),
    };
    Event {
        leg: LegId::new(format!("pbx1-{secs}.42")),
        call: CallId::new(format!("pbx1-{secs}.41")),
        sequence: if matches!(kind, EventKind::Incoming | EventKind::Outgoing) { 1 } else { 2 },
        phone: Arc::new(Phone {
            account: account.id.clone(),
            number: number.into(),
            employee: Some(Employee { number: number.into(), name: name.into() }),
        }),
        direction: if outgoing { Direction::Outgoing } else { Direction::Incoming },
        at,
        begun_at: at,
        waiting_since: None,
        counterpart: Some(LegId::new(format!("pbx1-{secs}.41"))),
        a_number: if outgoing { number.into() } else { "+4570201234".into() },
        b_number: if outgoing { "+4533121212".into() } else { "".into() },
        dialed_number: if outgoing { "".into() } else { "+4570101155".into() },
        queue: "".into(),
        assumed: false,
        what,
    }
}
