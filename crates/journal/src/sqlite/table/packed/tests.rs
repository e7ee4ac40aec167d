//! Legs of nobody, packed and read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use calls::{EventKind, PbxName, PbxTime};

use super::*;
use crate::conformance::sample;
use crate::record::event::kind_number;
use crate::record::{attempt, event};
use crate::{Attempt, WallTime};

const KINDS: [EventKind; 3] = [EventKind::Incoming, EventKind::Answered, EventKind::Ended];

/// A leg of nobody, that differs from another where real ones do.
fn invented(number: u32) -> Leg {
    let mut state = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut draw = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let began = 1_795_000_000 + i64::from(number) * 37;
    let pbx = PbxName::new(["pbx1", "pbx", "office", "hq"][draw(4) as usize]);
    let channel = format!("{began}.{}", draw(90_000));
    let linked = format!("{}.{}", began - draw(3).cast_signed(), draw(90_000));
    let account = format!("{}", 1_000 + draw(400));
    let (person, phone) = (100 + draw(900), 100 + draw(900));
    let host = ["crm.example", "hooks.example.com", "api.example.dk"][draw(3) as usize];
    let path = ["/ringbud", "/incoming", "/webhooks/calls", "/api/calls"][draw(4) as usize];
    let (a_number, dialed) = (format!("+45{:08}", draw(100_000_000)), format!("{:08}", draw(100_000_000)));
    let json = draw(4) == 0;
    let mut sample = sample::Leg::incoming(number % 1_000).on(pbx.as_str()).of(&account);
    sample.pbx = pbx.clone();
    let mut events = Vec::new();
    for (at, kind) in KINDS.into_iter().enumerate() {
        let mut told = sample.event(kind);
        told.leg = LegId::of(&pbx, &channel);
        told.call = calls::CallId::of(&pbx, &linked);
        told.a_number = a_number.as_str().into();
        told.dialed_number = dialed.as_str().into();
        told.begun_at = PbxTime::from_micros(began * 1_000_000 + draw(1_000_000).cast_signed());
        told.at = told.begun_at + std::time::Duration::from_millis(at as u64 * draw(60_000));
        let received_at = told.at.as_micros() + 700 + draw(900).cast_signed();
        let (leg, id) = (told.leg.as_str(), told.id());
        let name = ["incoming", "answered", "ended"][at];
        let time =
            format!("2026-11-{:02}T{:02}:{:02}:{:02}+01:00", 1 + draw(28), draw(24), draw(60), draw(60));
        let pairs = match kind {
            EventKind::Incoming => vec![
                ("AccountId", account.clone()),
                ("UniqueCallId", leg.to_owned()),
                ("Calledphone", phone.to_string()),
                ("ANumber", a_number.clone()),
                ("TimeStamp", time),
                ("EmployeeLocalNumber", person.to_string()),
                ("LinkedUniqueCallId", format!("{pbx}-{linked}", pbx = pbx.as_str())),
            ],
            EventKind::Answered => vec![
                ("AccountId", account.clone()),
                ("UniqueCallId", leg.to_owned()),
                ("EmployeeLocalNumber", person.to_string()),
                ("ANumber", a_number.clone()),
                ("TimeStamp", time),
                ("LinkedUniqueCallId", format!("{pbx}-{linked}", pbx = pbx.as_str())),
            ],
            EventKind::Outgoing | EventKind::Ended => vec![
                ("AccountId", account.clone()),
                ("UniqueCallId", leg.to_owned()),
                ("Duration", draw(900).to_string()),
                ("Transfer", "False".to_owned()),
                ("CallDirection", "Incoming".to_owned()),
                ("TransferedUniqueId", String::new()),
                ("TransferedNumber", String::new()),
                ("TransferTo", String::new()),
            ],
        };
        let body = if json {
            let fields: Vec<_> =
                pairs.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
            format!("{{{}}}", fields.join(","))
        } else {
            let field = |(name, value): &(&str, String)| {
                format!("{name}={}", value.replace('+', "%2B").replace(':', "%3A"))
            };
            pairs.iter().map(field).collect::<Vec<_>>().join("&")
        };
        let mark: Vec<u8> = (0..32).map(|_| draw(256) as u8).collect();
        let content_type = if json { "application/json" } else { "application/x-www-form-urlencoded" };
        let headers = [
            ("host", host.to_owned()),
            ("user-agent", "Ringbud/0.1.0".to_owned()),
            ("content-type", content_type.to_owned()),
            ("webhook-id", id.as_str().to_owned()),
            ("webhook-timestamp", (received_at / 1_000_000).to_string()),
            ("webhook-signature", format!("v1,{}", STANDARD.encode(&mark))),
        ];
        let attempt = Attempt {
            number: 1,
            at: WallTime(received_at + 400),
            took_micros: 800 + draw(90_000),
            address: format!("203.0.113.{}:443", draw(250)),
            request_line: format!("POST {path}/{name} HTTP/1.1"),
            request_headers: headers.iter().map(|(name, value)| (*name, value.as_str())).collect(),
            request_body: body.into_bytes().into(),
            status: Some([200, 204, 202][draw(3) as usize]),
            reason: None,
            response_body: [&b""[..], b"ok", b"{\"ok\":true}"][draw(3) as usize].to_vec(),
        };
        let raw = Raw {
            seq: i64::from(number) * 90 + i64::try_from(at).unwrap_or(0) * 31,
            kind: kind_number(kind),
            at: told.at.as_micros(),
            received_at,
            account: account.clone(),
            call: told.call.as_str().to_owned(),
            body: event::write(&pbx, &told),
        };
        let noted = Noted {
            integration: 1 + i64::from(number % 300),
            number: 1,
            delivered: true,
            at: received_at + 1_900,
            detail: Some(attempt::write(&attempt)),
        };
        events.push(Event { raw, noted: vec![noted] });
    }
    Leg { leg: LegId::of(&pbx, &channel), events }
}

#[test]
fn a_leg_comes_back_as_it_was() {
    let mut packer = Packer::new().unwrap();
    for number in 0..200 {
        let mut leg = invented(number);
        if number % 3 == 0 {
            leg.events[1].raw.account = "of another".to_owned();
            leg.events[2].raw.call = String::new();
            leg.events[0].raw.received_at = i64::MIN;
            leg.events[2].noted.push(Noted {
                integration: i64::MAX,
                number: u16::MAX,
                delivered: false,
                at: i64::MAX,
                detail: None,
            });
        }
        let row = packer.pack(&leg).unwrap();
        assert_eq!(unpack(leg.last(), &row).unwrap(), leg);
    }
}

#[test]
fn a_leg_with_its_attempts_takes_less_than_a_third_of_what_they_were() {
    let mut packer = Packer::new().unwrap();
    let (mut whole, mut packed) = (0, 0);
    for number in 100_000..100_200 {
        let leg = invented(number);
        whole += postcard::to_stdvec(&shape(&leg)).unwrap().len();
        packed += packer.pack(&leg).unwrap().len();
    }
    assert!(packed * 3 < whole, "{} of {} bytes a leg", packed / 200, whole / 200);
}

/// Each bit of it, and where it ends.
#[test]
fn a_row_that_is_damaged_is_told_from_one_that_is_whole() {
    let leg = invented(7);
    let row = Packer::new().unwrap().pack(&leg).unwrap();
    for at in 0..row.len() {
        let mut other = row.clone();
        other[at] ^= 1 << (at % 8);
        // Some bits say nothing.
        let read = unpack(leg.last(), &other);
        assert!(read.as_ref().is_ok_and(|other| *other == leg) || read.is_err_and(is_damage), "byte {at}");
        assert!(unpack(leg.last(), &row[..at]).is_err_and(is_damage), "cut at {at}");
    }
}

fn is_damage(error: StoreError) -> bool {
    matches!(error, StoreError::Damaged(_))
}

/// What was written once is read for ever: by this dictionary and this shape.
#[test]
fn a_leg_that_was_packed_long_ago_is_read() {
    let row = STANDARD.decode(include_str!("../../../../dictionaries/leg_1.txt").trim()).unwrap();
    assert_eq!(unpack(invented(4).last(), &row).unwrap(), invented(4));
}

/// `cargo test -p journal --lib -- --ignored the_dictionary_is_made`: only for a new version.
#[test]
#[ignore = "it writes what is in the source"]
fn the_dictionary_is_made() {
    let samples: Vec<_> =
        (0..4_000).map(|number| postcard::to_stdvec(&shape(&invented(number))).unwrap()).collect();
    let made = zstd::dict::from_samples(&samples, 4_096).unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/dictionaries/");
    std::fs::write(format!("{folder}legs_1.dict"), made).unwrap();
}

/// The same with `the_packed_leg_is_written`, after that.
#[test]
#[ignore = "it writes what is in the source"]
fn the_packed_leg_is_written() {
    let row = Packer::new().unwrap().pack(&invented(4)).unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/dictionaries/");
    std::fs::write(format!("{folder}leg_1.txt"), STANDARD.encode(row) + "\n").unwrap();
}
