//! A store as after months of work: half of the calls are one large account's, the rest is spread.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use calls::{
    AccountId, CallId, Direction, Employee, EndReason, Ended, Event, EventKind, LegId, PbxName, PbxTime,
    Phone, What,
};
use journal::settings::{self, Integration, IntegrationId, Setting, SettingKey};
use journal::{
    Append, Appended, Attempt, DeliveryId, Grant, Journal, Outcome, SettingsCache, Settle, WallTime,
};

use crate::{Result, now};

pub(crate) const ACCOUNTS: i64 = 100;
/// Account 0 has half of the calls.
pub(crate) const LARGE: i64 = 0;
const CHUNK: i64 = 1_000;
/// One call in so many came out so, was answered by nobody, or was refused by the receiver's server.
const BUSY: i64 = 9_973;
const MISSED: i64 = 7;
const REFUSED: i64 = 1_001;
/// So many of the newest calls are still to be delivered.
const WAITING: i64 = 500;
/// One call every ten seconds, up to this moment.
const APART_SECS: i64 = 10;

pub(crate) fn employees(account: i64) -> i64 {
    if account == LARGE { 400 } else { 40 }
}

/// Who got a call. The last employee of an account left early on.
fn of(number: i64, calls: i64) -> (i64, i64) {
    let account = if number % 2 == 0 { LARGE } else { 1 + number / 2 % (ACCOUNTS - 1) };
    let people = employees(account);
    let employee = if number < calls / 1_000 { people - 1 } else { number / 40 % (people - 1) };
    (account, 100 + employee)
}

fn phone(account: i64, employee: i64) -> Arc<Phone> {
    let number = employee.to_string();
    Arc::new(Phone {
        account: AccountId::new(account.to_string()),
        number: number.as_str().into(),
        employee: Some(Employee { number: number.as_str().into(), name: name(employee).into() }),
    })
}

fn name(employee: i64) -> String {
    let first = ["Mette", "Jens", "Søren", "Ida", "Karim", "Åse"];
    let last = ["Holm", "Bang", "Ørsted", "Kruse", "Haddad"];
    let at = usize::try_from(employee).unwrap_or(0);
    format!("{} {}", first[at % first.len()], last[at / first.len() % last.len()])
}

/// The event a leg begins with.
pub(crate) fn begin(id: String, account: i64, employee: i64, at: PbxTime, other: i64) -> Event {
    let outgoing = other % 3 == 0;
    let number = format!("+45{:08}", other.rem_euclid(100_000_000));
    Event {
        leg: LegId::new(format!("{id}.1")),
        call: CallId::new(format!("{id}.0")),
        sequence: 1,
        phone: phone(account, employee),
        direction: if outgoing { Direction::Outgoing } else { Direction::Incoming },
        at,
        begun_at: at,
        waiting_since: None,
        counterpart: Some(LegId::new(format!("{id}.0"))),
        a_number: if outgoing { "".into() } else { number.as_str().into() },
        b_number: if outgoing { number.as_str().into() } else { "".into() },
        dialed_number: "".into(),
        queue: "".into(),
        assumed: false,
        what: if outgoing { What::Outgoing } else { What::Incoming },
    }
}

fn call(number: i64, calls: i64) -> Vec<Event> {
    let at = PbxTime::from_secs(jiff::Timestamp::now().as_second() - (calls - number) * APART_SECS);
    let (account, employee) = of(number, calls);
    let begin = begin(format!("pbx1-{number}"), account, employee, at, number * 7_919);
    let reason = match number {
        _ if number % BUSY == 0 => EndReason::Busy,
        _ if number % MISSED == 0 => EndReason::NoAnswer,
        _ => EndReason::HungUpByCounterpart,
    };
    let answered_at = (reason == EndReason::HungUpByCounterpart).then(|| at + Duration::from_secs(5));
    let later = |sequence, secs, what| {
        let at = at + Duration::from_secs(secs);
        Event { sequence, at, what, ..begin.clone() }
    };
    let answer = (answered_at.is_some() && begin.direction == Direction::Incoming)
        .then(|| later(2, 5, What::Answered));
    let end = later(3, 65, What::Ended(Ended { answered_at, reason, transfer: None }));
    std::iter::once(begin.clone()).chain(answer).chain([end]).collect()
}

fn settled(id: DeliveryId, number: i64, calls: i64) -> Option<Settle> {
    let attempt = |status| Attempt {
        number: 1,
        at: WallTime(0),
        took_micros: 41_000,
        address: "192.0.2.10:443".into(),
        request_line: "POST /ring".into(),
        request_headers: [("content-type", "application/x-www-form-urlencoded")].into_iter().collect(),
        request_body: b"AccountId=1&UniqueCallId=pbx1-1.1&EmployeeLocalNumber=101&ANumber=%2B4570201234"[..]
            .into(),
        status: Some(status),
        reason: None,
        response_body: Vec::new(),
    };
    let settle =
        |status, outcome| Settle { grant: Grant::ALONE, id, attempt: Some(attempt(status).into()), outcome };
    match number {
        _ if number > calls - WAITING => None,
        _ if number % REFUSED == 0 => Some(settle(500, Outcome::Failed(None))),
        _ => Some(settle(204, Outcome::Delivered)),
    }
}

async fn settings(cache: &SettingsCache) -> Result<Vec<IntegrationId>> {
    let mut integrations = Vec::new();
    for account in 0..ACCOUNTS {
        let id = AccountId::new(account.to_string());
        let setting = Setting::Account(settings::Account::named(format!("Account {account}")));
        cache.put(SettingKey::Account(id.clone()), Some(setting), None).await?;
        let url = Some("https://crm.example/pbx".to_owned());
        let integration = Integration {
            incoming_url: url.clone(),
            answered_url: url.clone(),
            ended_url: url,
            ..Integration::default()
        };
        integrations.push(cache.put_integration(&id, integration, None).await?.0);
        for employee in 100..100 + employees(account) {
            let key = SettingKey::Employee(id.clone(), employee.to_string());
            let setting = Setting::Employee(settings::Employee { name: name(employee) });
            cache.put(key, Some(setting), None).await?;
        }
    }
    Ok(integrations)
}

pub(crate) async fn fill(journal: &Arc<dyn Journal>, cache: &SettingsCache, calls: i64) -> Result<()> {
    let integrations = settings(cache).await?;
    let begun = now();
    for from in (0..calls).step_by(CHUNK.unsigned_abs() as usize) {
        chunk(journal, &integrations, from, calls).await?;
        let done = calls.min(from + CHUNK);
        if done % 50_000 == 0 || done == calls {
            eprint!("\r{done} of {calls} calls in {:.0} s", begun.elapsed().as_secs_f64());
            std::io::stderr().flush()?;
        }
    }
    eprintln!();
    loop {
        let left = journal.size().await?.not_rolled_up;
        if left < 5_000 {
            break;
        }
        eprint!("\r{left} events to be rolled up, {:.0} s   ", begun.elapsed().as_secs_f64());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    eprintln!();
    Ok(())
}

async fn chunk(
    journal: &Arc<dyn Journal>,
    integrations: &[IntegrationId],
    from: i64,
    calls: i64,
) -> Result<()> {
    let numbers = from..calls.min(from + CHUNK);
    let appends: Vec<_> = numbers
        .clone()
        .map(|number| {
            let integration = integrations[usize::try_from(of(number, calls).0).unwrap_or(0)];
            let events: Vec<_> =
                call(number, calls).into_iter().map(|event| (event, vec![integration])).collect();
            let at = events[0].0.at;
            let received_at = WallTime(at.as_micros());
            Append {
                grant: Grant::ALONE,
                pbx: PbxName::new("pbx1"),
                events,
                notes: Vec::new(),
                heard_at: at,
                received_at,
                age: Duration::ZERO,
            }
        })
        .collect();
    let to: Vec<_> = appends.iter().map(|one| one.events[0].1[0]).collect();
    let kept = journal.append(&appends).await?;
    let mut rows = Vec::new();
    for ((number, integration), answers) in numbers.zip(to).zip(kept) {
        for answer in answers {
            if let Appended::Stored(event, _) = answer {
                rows.extend(settled(DeliveryId { event, integration }, number, calls));
            }
        }
    }
    journal.settle(&rows).await?;
    Ok(())
}

/// Kinds of which there are deliveries: `Outgoing` is switched off.
pub(crate) const KINDS: [EventKind; 3] = [EventKind::Incoming, EventKind::Answered, EventKind::Ended];
