//! Events and settlements to try a journal with.

use std::sync::Arc;
use std::time::Duration;

use calls::{
    AccountId, CallId, Direction, Employee, EndReason, Ended, Event, EventKind, LegId, Note, PbxName,
    PbxTime, Phone, Transfer, What,
};

use crate::settings::IntegrationId;
use crate::{
    Append, Appended, Attempt, DeliveryId, EventSeq, Grant, Journal, Outcome, Reason, Settle, WallTime,
};

/// Where the sample calls begin.
pub const START_SECS: i64 = 1_795_000_000;

/// Longer than a test takes, by far.
pub const HOUR: Duration = Duration::from_secs(3_600);

/// That a duration is another one, but for the time a test takes.
pub fn is_about(time: Duration, expected: Duration) {
    assert!(time.abs_diff(expected) < HOUR / 4, "{time:?}, expected about {expected:?}");
}

/// A leg of some account; the number tells legs apart.
#[derive(Clone, Debug)]
pub struct Leg {
    /// Its number.
    pub number: u32,
    /// Its account.
    pub account: AccountId,
    /// Its PBX.
    pub pbx: PbxName,
    /// How it begins.
    pub direction: Direction,
    /// Under which its moments are kept.
    pub grant: Grant,
}

impl Leg {
    /// A leg of account `1` on `pbx1` that begins with `Incoming`.
    pub fn incoming(number: u32) -> Self {
        let direction = Direction::Incoming;
        Self {
            number,
            account: AccountId::new("1"),
            pbx: PbxName::new("pbx1"),
            direction,
            grant: Grant::ALONE,
        }
    }

    /// A leg of account `1` on `pbx1` that begins with `Outgoing`.
    pub fn outgoing(number: u32) -> Self {
        Self { direction: Direction::Outgoing, ..Self::incoming(number) }
    }

    /// Of this account.
    #[must_use]
    pub fn of(self, account: &str) -> Self {
        Self { account: AccountId::new(account), ..self }
    }

    /// On this PBX.
    #[must_use]
    pub fn on(self, pbx: &str) -> Self {
        Self { pbx: PbxName::new(pbx), ..self }
    }

    /// Of a PBX whose part somebody has.
    #[must_use]
    pub fn under(self, grant: Grant) -> Self {
        Self { grant, ..self }
    }

    /// The PBX's name of its channel.
    pub fn channel(&self) -> String {
        format!("{}.{}", START_SECS + i64::from(self.number), self.number)
    }

    /// Its id.
    pub fn id(&self) -> LegId {
        LegId::of(&self.pbx, &self.channel())
    }

    /// When it begins.
    pub fn begins_at(&self) -> PbxTime {
        PbxTime::from_secs(START_SECS + i64::from(self.number))
    }

    /// The event it begins with.
    pub fn begin(&self) -> Event {
        match self.direction {
            Direction::Incoming => self.event(EventKind::Incoming),
            Direction::Outgoing => self.event(EventKind::Outgoing),
        }
    }

    /// One of its events. Even legs have an employee of another number than the phone; every third was
    /// transferred; two neighbours are one call.
    pub fn event(&self, kind: EventKind) -> Event {
        let number = self.number;
        let phone = format!("{}", 100 + number % 50);
        let employee =
            Employee { number: format!("{}", 500 + number % 50).into(), name: "Åse Ærø".into() };
        let begun_at = self.begins_at();
        let (sequence, later) = match kind {
            EventKind::Incoming | EventKind::Outgoing => (1, 0),
            EventKind::Answered => (2, 4),
            EventKind::Ended => (3, 9),
        };
        let transfer = Transfer {
            party: LegId::of(&self.pbx, "1795000000.0"),
            party_number: format!("+45700{number:05}").into(),
            to: "200".into(),
        };
        let ended = Ended {
            answered_at: (number.is_multiple_of(2)).then(|| begun_at + std::time::Duration::from_secs(4)),
            reason: EndReason::HungUpByCounterpart,
            transfer: (number.is_multiple_of(3)).then_some(transfer),
        };
        Event {
            leg: self.id(),
            call: CallId::of(&self.pbx, &format!("{}.0", START_SECS + i64::from(number / 2))),
            sequence,
            phone: Arc::new(Phone {
                account: self.account.clone(),
                number: phone.into(),
                employee: (number.is_multiple_of(2)).then_some(employee),
            }),
            direction: self.direction,
            at: begun_at + std::time::Duration::from_secs(later),
            begun_at,
            waiting_since: (number.is_multiple_of(7)).then(|| begun_at - std::time::Duration::from_secs(11)),
            counterpart: (!number.is_multiple_of(5)).then(|| LegId::of(&self.pbx, "1795000000.7")),
            a_number: format!("+4520{number:06}").into(),
            b_number: match self.direction {
                Direction::Incoming => "".into(),
                Direction::Outgoing => format!("0045{number:08}").into(),
            },
            dialed_number: "70101010".into(),
            queue: if number.is_multiple_of(7) { "support".into() } else { "".into() },
            assumed: number.is_multiple_of(11),
            what: match kind {
                EventKind::Incoming => What::Incoming,
                EventKind::Answered => What::Answered,
                EventKind::Outgoing => What::Outgoing,
                EventKind::Ended => What::Ended(ended),
            },
        }
    }

    /// An append of some of its events, received when the last of them happened, for these integrations.
    pub fn append(&self, kinds: &[EventKind], integrations: &[u32]) -> Append {
        let wanted: Vec<_> = integrations.iter().map(|number| IntegrationId { number: *number }).collect();
        let events: Vec<_> = kinds.iter().map(|kind| (self.event(*kind), wanted.clone())).collect();
        let heard_at = events.last().map_or(self.begins_at(), |(event, _)| event.at);
        Append {
            grant: self.grant,
            pbx: self.pbx.clone(),
            events,
            notes: Vec::new(),
            heard_at,
            received_at: WallTime(heard_at.as_micros() + 1_000),
            age: Duration::ZERO,
        }
    }

    /// A note about its channel, and nothing else.
    pub fn note(&self, kept: Option<calls::Kept>) -> Append {
        let note = Note { channel: self.channel().into(), kept };
        Append { notes: vec![note], ..self.append(&[], &[]) }
    }

    /// Its beginning, its answer (if it is an incoming one) and its end.
    pub fn whole(&self, integrations: &[u32]) -> Append {
        match self.direction {
            Direction::Incoming => {
                self.append(&[EventKind::Incoming, EventKind::Answered, EventKind::Ended], integrations)
            }
            Direction::Outgoing => self.append(&[EventKind::Outgoing, EventKind::Ended], integrations),
        }
    }
}

/// As old as it is where everybody's clock says this.
pub fn aged(moment: Append, now: WallTime) -> Append {
    Append { age: now.since(moment.received_at), ..moment }
}

/// A delivery's id.
pub fn delivery(event: EventSeq, integration: u32) -> DeliveryId {
    DeliveryId { event, integration: IntegrationId { number: integration } }
}

/// A settlement without an attempt.
pub fn settle(id: DeliveryId, outcome: Outcome) -> Settle {
    Settle { grant: Grant::ALONE, id, attempt: None, outcome }
}

/// A settlement with an attempt.
pub fn tried(id: DeliveryId, number: u16, status: u16, outcome: Outcome) -> Settle {
    Settle { grant: Grant::ALONE, id, attempt: Some(attempt(number, status).into()), outcome }
}

/// An attempt with this number and this answer; no answer where the status is 0.
pub fn attempt(number: u16, status: u16) -> Attempt {
    Attempt {
        number,
        at: WallTime(START_SECS * 1_000_000 + i64::from(number)),
        took_micros: 1_500,
        address: "192.0.2.1:443".to_owned(),
        request_line: "POST /ringbud HTTP/1.1".to_owned(),
        request_headers: [("webhook-id", "pbx1-1-incoming")].into_iter().collect(),
        request_body: b"AccountId=1"[..].into(),
        status: (status > 0).then_some(status),
        reason: (status == 0).then(|| Reason::new("connection_refused").with("address", "192.0.2.1:443")),
        response_body: vec![0xff, 0x00, b'x'],
    }
}

/// Appends one moment; the answers to its events.
pub async fn append(journal: &dyn Journal, append: Append) -> Vec<Appended> {
    let mut answers = journal.append(&[append]).await.expect("the journal takes events");
    answers.pop().expect("an answer for the append")
}

/// Appends one moment whose events are all new; their places.
pub async fn keep(journal: &dyn Journal, moment: Append) -> Vec<EventSeq> {
    let place = |appended| match appended {
        Appended::Stored(seq, _) => seq,
        Appended::Repeat(_) | Appended::Refused(_) | Appended::Fenced => panic!("not stored: {appended:?}"),
    };
    append(journal, moment).await.into_iter().map(place).collect()
}
