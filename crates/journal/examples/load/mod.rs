//! What examples give a journal to keep: legs of three events, each delivered, with attempts as the sender makes them.

use calls::EventKind;
use journal::conformance::sample::{Leg, delivery};
use journal::{Append, Appended, Attempt, Grant, Journal, Outcome, Settle};

/// Whose calls they are.
pub(crate) const ACCOUNTS: u32 = 500;

/// Microseconds of processor time this process has used, where the system says (Linux, 100 ticks a second).
pub(crate) fn cpu_micros() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(ticks * 10_000)
}

/// Legs come in threes of events: the beginnings of this round, the answers and ends of the two before.
#[allow(dead_code, reason = "a flood has none")]
pub(crate) async fn round(journal: &dyn Journal, first: u32, batch: u32, history: bool) -> u64 {
    let kinds = [EventKind::Incoming, EventKind::Answered, EventKind::Ended];
    let mut kept = 0;
    for kind in kinds {
        let mut number = first;
        let moments: Vec<_> = (first..first + batch).map(|number| one(number, kind)).collect();
        let answers = journal.append(&moments).await.expect("events are kept");
        let mut rows = Vec::with_capacity(answers.len());
        for answer in answers.into_iter().flatten() {
            let Appended::Stored(seq, _) = answer else { panic!("not new: {answer:?}") };
            let attempt = history.then(|| tried(number, kind).into());
            number += 1;
            rows.push(Settle {
                grant: Grant::ALONE,
                id: delivery(seq, 1),
                attempt,
                outcome: Outcome::Delivered,
            });
        }
        kept += rows.len() as u64;
        journal.settle(&rows).await.expect("deliveries are settled");
    }
    kept
}

/// An attempt as the sender makes them: a form and a signature that is no other's.
pub(crate) fn tried(number: u32, kind: EventKind) -> Attempt {
    let leg = Leg::incoming(number);
    let (event, account) = (leg.event(kind), number % ACCOUNTS);
    let mut state =
        u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(event.sequence) << 60 | 1;
    let signature: String = (0..43)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[(state % 64) as usize],
            )
        })
        .collect();
    let headers = [
        ("host", "127.0.0.1:18080".to_owned()),
        ("user-agent", "Ringbud/0.1.0".to_owned()),
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ("webhook-id", event.id().as_str().to_owned()),
        ("webhook-timestamp", (event.at.as_micros() / 1_000_000).to_string()),
        ("webhook-signature", format!("v1,{signature}=")),
    ];
    let body = match kind {
        EventKind::Incoming | EventKind::Answered => format!(
            "AccountId={account}&UniqueCallId={}&Calledphone={}&ANumber=%2B{}&TimeStamp=2026-11-22T11%3A38%3A23%2B01%3A00&EmployeeLocalNumber={}&LinkedUniqueCallId={}",
            event.leg.as_str(),
            event.phone.number,
            &event.a_number[1..],
            event.phone.employee_number(),
            event.call.as_str(),
        ),
        EventKind::Outgoing | EventKind::Ended => format!(
            "AccountId={account}&UniqueCallId={}&Duration={}&Transfer=False&CallDirection=Incoming&TransferedUniqueId=&TransferedNumber=&TransferTo=",
            event.leg.as_str(),
            number % 900,
        ),
    };
    Attempt {
        number: 1,
        at: journal::WallTime(event.at.as_micros() + 1_400),
        took_micros: 400 + u64::from(number % 800),
        address: "127.0.0.1:18080".to_owned(),
        request_line: format!("POST /hook/{account} HTTP/1.1"),
        request_headers: headers.iter().map(|(name, value)| (*name, value.as_str())).collect(),
        request_body: body.into_bytes().into(),
        status: Some(204),
        reason: None,
        response_body: Vec::new(),
    }
}

pub(crate) fn one(number: u32, kind: EventKind) -> Append {
    Leg::incoming(number).of(&(number % ACCOUNTS).to_string()).append(&[kind], &[1])
}
