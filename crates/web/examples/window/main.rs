//! The window over a journal in RAM with sample data, for working on its pages:
//! `cargo run -p web --example window -- 127.0.0.1:8099`, then open what it prints.

#![allow(clippy::disallowed_methods, reason = "an example's tasks and clocks are its own")]

mod hard;
mod provider;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use admin::{
    Admin, AgainAll, Answer, Gateway, GatewayError, Hour, Link, LinkState, LiveLeg, PbxTried, PbxWish, Pulse,
    Readiness, TestAnswer, TestCall, Waiting, WebhookStatus,
};
use calls::{
    AccountId, CallId, Direction, Employee, EndReason, Ended, Event, EventKind, LegId, PbxName, PbxTime,
    Phone, Transfer, What,
};
use delivery::connect::ConnectError;
use delivery::guard::Guard;
use delivery::reason::{GivesReason as _, WhyPaused};
use delivery::sender::LastAnswer;
use journal::memory::Memory;
use journal::settings::{self, Integration, IntegrationId, Pause, Setting, SettingKey};
use journal::{
    Append, Appended, Attempt, DeliveryId, Filter, Grant, Journal, Outcome, Reason, SettingsCache, Settle,
    WallTime,
};
use tokio::sync::{mpsc, watch};
use web::{Options, Web};

const PEOPLE: [(&str, &str); 6] = [
    ("101", "Mette Holm"),
    ("102", "Jens Bang"),
    ("103", "Søren Ørsted Ågård"),
    ("104", "Ida Kruse"),
    ("105", "Karim Haddad"),
    ("106", "<script>alert(1)</script>"),
];

/// Plays along: everything works, but nothing is sent.
struct Playing {
    cache: Arc<SettingsCache>,
    live: Mutex<Vec<LiveLeg>>,
    changes: watch::Sender<u64>,
}

impl Playing {
    async fn pause(
        &self,
        id: IntegrationId,
        kind: EventKind,
        pause: Option<Pause>,
    ) -> Result<(), GatewayError> {
        let (account, one) = self.cache.integration(id).ok_or(GatewayError::NoIntegration)?;
        let mut one = (*one).clone();
        match pause {
            Some(pause) => drop(one.paused.insert(kind, pause)),
            None => drop(one.paused.remove(&kind)),
        }
        let put = self.cache.put_integration(&account.id, one, None).await;
        put.map(drop).map_err(|error| GatewayError::Unavailable(error.to_string()))
    }
}

impl Gateway for Playing {
    fn links(&self) -> Vec<Link> {
        let link = |name: &str, state, legs| Link {
            name: name.into(),
            address: "10.20.0.5:5038".into(),
            state,
            since: Some(now()),
            lag: Some(Duration::from_micros(3_200)),
            last_error: None,
            remarks: Vec::new(),
            strangers: Vec::new(),
            version: "Asterisk 22.1.0".into(),
            channels: legs * 2,
            legs,
        };
        vec![link("pbx1", LinkState::Up, 3), link("pbx2", LinkState::Connecting, 0)]
    }

    fn readiness(&self) -> Readiness {
        Readiness { ready: true, ..Readiness::default() }
    }

    fn live(&self, account: &AccountId) -> Vec<LiveLeg> {
        if account.as_str() == hard::ACCOUNT {
            return hard::live(PbxTime::from_micros(now().0));
        }
        let live = self.live.lock().expect("nobody panics");
        live.iter().filter(|leg| leg.begun.account() == account).cloned().collect()
    }

    fn free_since(&self, _: &AccountId) -> HashMap<String, PbxTime> {
        let at = |secs: i64| PbxTime::from_micros(now().0 - secs * 1_000_000);
        HashMap::from([("101".into(), at(754)), ("104".into(), at(63)), ("105".into(), at(8_000))])
    }

    fn away(&self, _: &AccountId) -> BTreeSet<String> {
        BTreeSet::from(["104".to_owned()])
    }

    fn waiting(&self, account: Option<&AccountId>) -> Vec<Waiting> {
        let one = |queue: &str, number: &str, secs: i64| Waiting {
            pbx: "pbx1".into(),
            queue: queue.into(),
            number: number.into(),
            since: PbxTime::from_micros(now().0 / 60_000_000 * 60_000_000 - secs * 1_000_000),
        };
        match account.map(AccountId::as_str) {
            Some("1") => vec![one("salg", "+4570201299", 134), one("support", "", 21)],
            Some(hard::ACCOUNT) => hard::waiting(PbxTime::from_micros(now().0)),
            None => vec![one("reception", "+4533121212", 12)],
            Some(_) => Vec::new(),
        }
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn webhooks(&self, id: IntegrationId) -> Vec<WebhookStatus> {
        let Some((_, integration)) = self.cache.integration(id) else { return Vec::new() };
        let of = |kind: EventKind| integration.url(kind).is_some().then(|| webhook(kind));
        EventKind::ALL.into_iter().filter_map(of).collect()
    }

    fn again(&self, _: DeliveryId) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn again_all(&self, _: Filter, _: usize) -> Answer<'_, AgainAll> {
        Box::pin(async { Ok(AgainAll { sent: 3, ..AgainAll::default() }) })
    }

    fn cancel(&self, _: DeliveryId) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn pause(&self, id: IntegrationId, kind: EventKind) -> Answer<'_, ()> {
        let pause =
            Pause { since: now(), why: WhyPaused::ByHand.reason(), server_said: None, by_person: true };
        Box::pin(self.pause(id, kind, Some(pause)))
    }

    fn resume(&self, id: IntegrationId, kind: EventKind, _: bool) -> Answer<'_, ()> {
        Box::pin(self.pause(id, kind, None))
    }

    fn test_call(&self, call: TestCall) -> Answer<'_, mpsc::Receiver<TestAnswer>> {
        let (told, answers) = mpsc::channel(4);
        let account = self.cache.account(&call.account);
        let kept = account.and_then(|one| one.integration().map(|(_, kept, _)| kept.clone()));
        let kept = kept.unwrap_or_default();
        tokio::spawn(async move {
            let life = [EventKind::Incoming, EventKind::Answered, EventKind::Ended, EventKind::Outgoing];
            for kind in life.into_iter().filter(|kind| kept.url(*kind).is_some()) {
                tokio::time::sleep(Duration::from_millis(400)).await;
                let refused = kind == EventKind::Ended;
                let answer = TestAnswer {
                    kind,
                    request_line: "POST /ring HTTP/1.1".into(),
                    request_body: format!("AccountId={}", call.account),
                    status: Some(if refused { 500 } else { 204 }),
                    reason: refused.then(|| Reason::status(500)),
                    took: Duration::from_micros(41_300),
                    response_body: if refused { "<b>no such customer</b>".into() } else { String::new() },
                };
                if told.send(answer).await.is_err() {
                    return;
                }
            }
        });
        Box::pin(async { Ok(answers) })
    }

    fn products(&self) -> Vec<(&'static str, &'static str)> {
        vec![("asterisk", "Asterisk"), ("freepbx", "FreePBX"), ("freeswitch", "FreeSWITCH")]
    }

    fn try_pbx(&self, wish: PbxWish) -> Answer<'_, PbxTried> {
        let is_in = !wish.secret.expose().is_empty();
        let said = [
            (is_in, "pbx3: 127.0.0.1:5038 can be reached over TCP, logged in as ringbud"),
            (true, "pbx3: PJSIP/201 is phone 201 of account 1, by the ready rules \"freepbx\""),
            (
                false,
                "pbx3: its clock differs from ours by 12 s; times of calls are by its clock: use NTP on both",
            ),
        ];
        let entry = [
            "/etc/asterisk/manager_custom.conf (not manager.conf, which Apply Config writes anew)",
            "[ringbud]\nsecret = …\ndeny = 0.0.0.0/0.0.0.0\npermit = 127.0.0.1/255.255.255.255\nread = system,call,agent\nwrite = system,reporting\n",
            "asterisk -rx \"manager reload\"",
            "",
        ];
        let block = "[[pbx]]\nname = \"pbx3\"\nkind = \"asterisk\"\naddress = \"127.0.0.1:5038\"\nusername = \"ringbud\"\nsecret_file = \"/etc/ringbud/pbx3.secret\"\n";
        let tried = PbxTried {
            is_in,
            said: said.map(|(fine, text)| (fine, text.to_owned())).to_vec(),
            entry: entry.map(ToOwned::to_owned),
            block: block.to_owned(),
            secret_file: "/etc/ringbud/pbx3.secret".to_owned(),
        };
        Box::pin(async { Ok(tried) })
    }

    fn day(&self) -> Vec<Pulse> {
        let of = |back: i64| {
            let day = u64::try_from((96 - back) * (96 - back) % 61 + 40 - (back - 40).abs() / 2).unwrap_or(0);
            Pulse {
                begun_at: WallTime((now().0 / 900_000_000 - back) * 900_000_000),
                legs: day,
                delivered: day * 3,
                failed: if (20..28).contains(&back) { day / 4 } else { 0 },
                oldest: Duration::from_millis(day * 9 + if (20..28).contains(&back) { 380_000 } else { 0 }),
                lag: Duration::from_millis(3),
                free_bytes: Some(41_000_000_000 + u64::try_from(back).unwrap_or(0) * 9_000_000),
                links_down: usize::from((50..52).contains(&back)),
            }
        };
        (0..=80).rev().map(of).collect()
    }

    fn metrics(&self) -> String {
        "ringbud_up 1\n".into()
    }
}

/// One that works, one that is slow now and then, and one that fails.
fn webhook(kind: EventKind) -> WebhookStatus {
    let fails = kind == EventKind::Ended;
    let hour = |at: usize| {
        let calls = u32::try_from(at * 13 % 17 + at % 5).unwrap_or(0) * u32::from((7..20).contains(&at));
        let failed = if fails && at > 14 { calls / 3 + 2 } else { u32::from(at == 11) * 3 };
        let taken = if fails && at > 14 { 0 } else { calls };
        let millis = if kind == EventKind::Answered { 2_400 } else { 41 };
        Hour {
            taken,
            retried: failed.min(taken) / 2,
            failed,
            took: Duration::from_millis(millis) * taken,
            waited: Duration::from_millis(millis * 3) + Duration::from_secs(4) * failed,
        }
    };
    let wrong = fails.then(|| Arc::new(Reason::status(503)));
    WebhookStatus {
        kinds: vec![kind],
        pending: if fails { 12 } else { 0 },
        in_flight: 0,
        troubled: fails,
        failing_since: fails.then(|| WallTime(now().0 - 1_260_000_000)),
        paced: kind == EventKind::Incoming,
        next_try: fails.then(|| WallTime(now().0 + 17_000_000)),
        last: Some(LastAnswer {
            at: now(),
            status: Some(503),
            reason: wrong,
            took: Duration::from_millis(41),
        }),
        days: vec![std::array::from_fn(hour)],
    }
}

fn now() -> WallTime {
    WallTime(jiff::Timestamp::now().as_microsecond())
}

fn leg(number: i64, at: PbxTime, person: usize, outgoing: bool) -> Event {
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
fn whole(number: i64, at: PbxTime) -> Vec<Event> {
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

async fn furnish(
    journal: &Arc<dyn Journal>,
    cache: &SettingsCache,
) -> Result<(), Box<dyn std::error::Error>> {
    let one = AccountId::new("1");
    for (id, name) in [("1", "Nordlys ApS"), ("2", "Havnens Tømrer & Søn"), ("7001", "")] {
        let account = Setting::Account(settings::Account::named(name));
        cache.put(SettingKey::Account(AccountId::new(id)), Some(account), None).await?;
    }
    for (number, name) in PEOPLE {
        let employee = Setting::Employee(settings::Employee { name: name.into() });
        cache.put(SettingKey::Employee(one.clone(), number.into()), Some(employee), None).await?;
    }
    for number in ["101", "102", "103", "104", "201", "202"] {
        let phone = settings::Phone { holder: settings::Holder::SameNumber, name: String::new() };
        cache.put(SettingKey::Phone(one.clone(), number.into()), Some(Setting::Phone(phone)), None).await?;
    }
    let integration = Integration {
        incoming_url: Some("https://crm.nordlys.example/pbx/ring?tenant=7".into()),
        answered_url: Some("https://crm.nordlys.example/pbx/answer".into()),
        ended_url: Some("https://crm.nordlys.example/pbx/end".into()),
        ..Integration::default()
    };
    let (id, _) = cache.put_integration(&one, integration, None).await?;
    let mut kept = Vec::new();
    for number in 0..260 {
        let at = PbxTime::from_micros(now().0 - (260 - number) * 2_290_000_000);
        let told = |event: &Event| if event.kind() == EventKind::Outgoing { vec![] } else { vec![id] };
        let events = whole(number, at)
            .into_iter()
            .map(|event| {
                let to = told(&event);
                (event, to)
            })
            .collect();
        kept.push(Append {
            grant: Grant::ALONE,
            pbx: PbxName::new("pbx1"),
            events,
            notes: Vec::new(),
            heard_at: at,
            received_at: WallTime(at.as_micros()),
        });
    }
    let stored = journal.append(&kept).await?.into_iter().flatten();
    let seqs = stored.filter_map(|one| if let Appended::Stored(seq, _) = one { Some(seq) } else { None });
    let settle: Vec<_> = seqs.map(|event| settled(DeliveryId { event, integration: id })).collect();
    journal.settle(&settle).await?;
    let hard = hard::furnish(journal, cache, now()).await?;
    journal.settle(&hard.into_iter().map(settled).collect::<Vec<_>>()).await?;
    Ok(())
}

fn settled(id: DeliveryId) -> Settle {
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
        (_, true) => Outcome::RetryAt(WallTime(now().0 + 90_000_000)),
        (false, false) => Outcome::Delivered,
    };
    Settle { grant: Grant::ALONE, id, attempt: Some(attempt.into()), outcome }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8099".into());
    let path = std::env::args().nth(2).unwrap_or_default();
    let journal: Arc<dyn Journal> = Arc::new(Memory::new());
    let cache = Arc::new(SettingsCache::load(journal.clone()).await?);
    furnish(&journal, &cache).await?;
    let gateway =
        Arc::new(Playing { cache: cache.clone(), live: Mutex::default(), changes: watch::channel(0).0 });
    let (players, keeps) = (gateway.clone(), journal.clone());
    tokio::spawn(async move {
        for round in 0_i64.. {
            let at = PbxTime::from_micros(now().0);
            let ring = |of: i64, outgoing| {
                Arc::new(leg(1_000 + of, at, usize::try_from(of % 6).unwrap_or(0), outgoing))
            };
            {
                let mut live = players.live.lock().expect("nobody panics");
                if let Some(last) = live.last_mut() {
                    last.answered_at = Some(at);
                }
                live.push(LiveLeg {
                    begun: ring(round, round % 3 == 2),
                    answered_at: None,
                    held_since: None,
                });
                if live.len() > 4 {
                    live.remove(0);
                }
            }
            // Account 2 is followed by its stream.
            let mut told = leg(5_000 + round, at, 0, false);
            told.phone = Arc::new(Phone { account: AccountId::new("2"), ..(*told.phone).clone() });
            let kept = Append {
                grant: Grant::ALONE,
                pbx: PbxName::new("pbx1"),
                events: vec![(told, Vec::new())],
                notes: Vec::new(),
                heard_at: at,
                received_at: now(),
            };
            keeps.append(&[kept]).await.expect("it is kept");
            players.changes.send_modify(|revision| *revision += 1);
            tokio::time::sleep(Duration::from_secs(4)).await;
        }
    });
    let admin = Arc::new(Admin::new(journal, cache, gateway, Guard::default()));
    let first = web::first_run_path(&admin).await?.unwrap_or_default();
    let public = format!("http://{listen}{path}");
    println!("{public}{first}");
    let provider = Some(provider::start(&public).await?);
    let options = Options { path, ..Options::default() };
    let app = web::router(Web { admin, provider, options });
    axum::serve(tokio::net::TcpListener::bind(listen).await?, app).await?;
    Ok(())
}
