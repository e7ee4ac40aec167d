//! An account whose data are as long and as many as may be: pages have to bear it.

use std::sync::Arc;
use std::time::Duration;

use admin::{LiveLeg, Waiting};
use calls::{
    AccountId, CallId, Direction, Employee, EndReason, Ended, Event, LegId, PbxName, PbxTime, Phone, What,
};
use journal::settings::{self, Integration, Setting, SettingKey};
use journal::{Append, Appended, DeliveryId, Grant, Journal, SettingsCache, WallTime};

pub(crate) const ACCOUNT: &str = "region-nordjylland.erhverv_og_sundhed.hovedkontor-2026.test-0001";
const EMPLOYEES: usize = 200;
/// Phones of one call.
const RING: usize = 40;

fn account() -> AccountId {
    AccountId::new(ACCOUNT)
}

fn number(at: usize) -> String {
    // One as long as may be.
    if at == 7 { "12345678901234567890123456789012".to_owned() } else { format!("{}", 1_000 + at) }
}

fn name(at: usize) -> String {
    match at % 7 {
        0 => format!("Wolfeschlegelsteinhausenbergerdorff{}", "ø".repeat(60)),
        1 => "Maria Magdalena Wollstonecraft-Østergaard af Rosenborg og Frederiksværk".to_owned(),
        2 => String::new(),
        3 => format!("Bo {at}"),
        _ => format!("Kirsten-Marie Skovgaard Åkjær {at}"),
    }
}

fn phone(at: usize) -> Arc<Phone> {
    let number = number(at);
    let employee = Some(Employee { number: number.as_str().into(), name: name(at).as_str().into() });
    Arc::new(Phone { account: account(), number: number.as_str().into(), employee })
}

fn ring(call: i64, at: PbxTime, phone_of: usize) -> Event {
    Event {
        leg: LegId::new(format!("pbx-hovedkontoret-{}.{call}{phone_of:03}", at.as_micros() / 1_000_000)),
        call: CallId::new(format!("pbx-hovedkontoret-call-{call}")),
        sequence: 1,
        phone: phone(phone_of),
        direction: Direction::Incoming,
        at,
        begun_at: at,
        waiting_since: None,
        counterpart: Some(LegId::new(format!("pbx-hovedkontoret-{call}.0"))),
        a_number: "+4570201234567890".into(),
        b_number: "".into(),
        dialed_number: "".into(),
        queue: "kundeservice-for-erhvervskunder-uden-for-normal-åbningstid".into(),
        assumed: true,
        what: What::Incoming,
    }
}

/// Everybody's phone rings.
pub(crate) fn live(now: PbxTime) -> Vec<LiveLeg> {
    let leg = |at| LiveLeg { begun: Arc::new(ring(9, now, at)), answered_at: None, held_since: None };
    (0..RING).map(leg).collect()
}

pub(crate) fn waiting(now: PbxTime) -> Vec<Waiting> {
    let one = |at: u64| Waiting {
        pbx: "pbx-hovedkontoret".into(),
        queue: "kundeservice-for-erhvervskunder-uden-for-normal-åbningstid".into(),
        number: format!("+45702012345678{at:02}"),
        since: PbxTime::from_micros(now.as_micros() - 90_000_000 * i64::try_from(at).unwrap_or(0)),
    };
    (0..30).map(one).collect()
}

/// One call that rings at all of them and is taken by one.
fn call(number: i64, at: PbxTime) -> Vec<Event> {
    let after = |secs: u64| at + Duration::from_secs(secs);
    let mut events = Vec::new();
    for phone_of in 0..RING {
        let begun = ring(number, at, phone_of);
        let is_taken = phone_of == 3;
        events.push(begun.clone());
        if is_taken {
            events.push(Event { sequence: 2, at: after(9), what: What::Answered, ..begun.clone() });
        }
        let (end, answered_at, reason) = match is_taken {
            true => (after(400_000), Some(after(9)), EndReason::HungUpByCounterpart),
            false => (after(9), None, EndReason::AnsweredElsewhere),
        };
        events.push(Event {
            sequence: 3,
            at: end,
            what: What::Ended(Ended { answered_at, reason, transfer: None }),
            ..begun
        });
    }
    events.sort_by_key(|event| event.at);
    events
}

pub(crate) async fn furnish(
    journal: &Arc<dyn Journal>,
    cache: &SettingsCache,
    now: WallTime,
) -> Result<Vec<DeliveryId>, Box<dyn std::error::Error>> {
    let named = settings::Account::named(
        "Region Nordjyllands Erhvervs- og Sundhedsservicecenter for Mellemstore Virksomheder",
    );
    cache.put(SettingKey::Account(account()), Some(Setting::Account(named)), None).await?;
    for at in 0..EMPLOYEES {
        let employee = Setting::Employee(settings::Employee { name: name(at) });
        cache.put(SettingKey::Employee(account(), number(at).as_str().into()), Some(employee), None).await?;
        let phone = settings::Phone { holder: settings::Holder::SameNumber, name: name(at) };
        cache
            .put(SettingKey::Phone(account(), number(at).as_str().into()), Some(Setting::Phone(phone)), None)
            .await?;
    }
    let url = format!(
        "https://{}.example/{}?{}",
        "crm-".repeat(14) + "1",
        "telefoni/".repeat(60),
        "a=1&".repeat(200)
    );
    let integration = Integration {
        incoming_url: Some(url.clone()),
        answered_url: Some(url.clone()),
        ended_url: Some(url.clone()),
        outgoing_url: Some(url),
        ..Integration::default()
    };
    let (id, _) = cache.put_integration(&account(), integration, None).await?;
    let mut deliveries = Vec::new();
    for number in 0..3 {
        let at = PbxTime::from_micros(now.0 - (3 - number) * 500_000_000_000);
        let events = call(number, at).into_iter().map(|event| (event, vec![id])).collect();
        let append = Append {
            grant: Grant::ALONE,
            pbx: PbxName::new("pbx-hovedkontoret"),
            events,
            notes: Vec::new(),
            heard_at: at,
            received_at: WallTime(at.as_micros()),
            age: Duration::ZERO,
        };
        for one in journal.append(&[append]).await?.into_iter().flatten() {
            if let Appended::Stored(event, _) = one {
                deliveries.push(DeliveryId { event, integration: id });
            }
        }
    }
    Ok(deliveries)
}
