//! Events, a gateway's worth of journal, settings and sender, and receivers.

pub(crate) mod gateway;
pub(crate) mod receiver;
pub(crate) mod smtp;

use std::sync::Arc;

use calls::{
    AccountId, CallId, Direction, Employee, EndReason, Ended, Event, EventKind, LegId, PbxName, PbxTime,
    Phone, Transfer, What,
};

/// An event of a kind, of one leg of a call.
pub(crate) fn event(kind: EventKind, call: &str) -> Event {
    let pbx = PbxName::new("pbx1");
    let employee = Employee { number: "201".into(), name: "Åse Ørsted".into() };
    let phone = Phone { account: AccountId::new("1001"), number: "101".into(), employee: Some(employee) };
    let at = PbxTime::from_micros(1_795_337_580_900_000);
    let outgoing = kind == EventKind::Outgoing;
    Event {
        leg: LegId::of(&pbx, &format!("{call}.7")),
        call: CallId::new(format!("pbx1-{call}")),
        sequence: match kind {
            EventKind::Incoming | EventKind::Outgoing => 1,
            EventKind::Answered => 2,
            EventKind::Ended => 3,
        },
        phone: Arc::new(phone),
        direction: if outgoing { Direction::Outgoing } else { Direction::Incoming },
        at,
        begun_at: at - std::time::Duration::from_millis(7_900),
        waiting_since: None,
        counterpart: Some(LegId::of(&pbx, "1795337570.6")),
        a_number: "+4512345678".into(),
        b_number: if outgoing { "70 10 20 30".into() } else { "".into() },
        dialed_number: "+4570102030".into(),
        queue: "salg & support".into(),
        assumed: false,
        what: match kind {
            EventKind::Incoming => What::Incoming,
            EventKind::Answered => What::Answered,
            EventKind::Outgoing => What::Outgoing,
            EventKind::Ended => What::Ended(Ended {
                answered_at: Some(at - std::time::Duration::from_millis(3_999)),
                reason: EndReason::Transferred,
                transfer: Some(Transfer {
                    party: LegId::of(&pbx, "1795337570.6"),
                    party_number: "+4512345678".into(),
                    to: "302".into(),
                }),
            }),
        },
    }
}
