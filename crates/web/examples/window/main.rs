//! The window over a journal in RAM with sample data, for working on its pages:
//! `cargo run -p web --example window -- 127.0.0.1:8099`, then open what it prints.

#![allow(clippy::disallowed_methods, reason = "an example's tasks and clocks are its own")]

mod hard;
mod playing;
mod provider;
mod sample;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use admin::{Admin, LiveLeg};
use calls::{AccountId, Event, EventKind, PbxName, PbxTime, Phone};
use delivery::guard::Guard;
use journal::memory::Memory;
use journal::settings::{self, Integration, Setting, SettingKey};
use journal::{Append, Appended, DeliveryId, Grant, Journal, SettingsCache, WallTime};
use tokio::sync::watch;
use web::{Options, Web};

use playing::Playing;
use sample::{PEOPLE, leg, now, settled, whole};

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
            age: Duration::ZERO,
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

/// Every four seconds somebody rings, at account 1 on the board and at account 2 in the journal.
async fn play(gateway: Arc<Playing>, journal: Arc<dyn Journal>) {
    for round in 0_i64.. {
        let at = PbxTime::from_micros(now().0);
        let ring =
            |of: i64, outgoing| Arc::new(leg(1_000 + of, at, usize::try_from(of % 6).unwrap_or(0), outgoing));
        {
            let mut live = gateway.live.lock().expect("nobody panics");
            if let Some(last) = live.last_mut() {
                last.answered_at = Some(at);
            }
            live.push(LiveLeg { begun: ring(round, round % 3 == 2), answered_at: None, held_since: None });
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
            age: Duration::ZERO,
        };
        journal.append(&[kept]).await.expect("it is kept");
        gateway.changes.send_modify(|revision| *revision += 1);
        tokio::time::sleep(Duration::from_secs(4)).await;
    }
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
    tokio::spawn(play(gateway.clone(), journal.clone()));
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
