//! A shared store whose other gateways are of an older or of a newer program: nothing of it is lost, and each writes beside.

use std::time::Duration;

use calls::{EventKind, PbxName};
use journal::conformance::engine::{Engine, is_here};
use journal::conformance::sample::{Leg, append};
use journal::postgres::Postgres;
use journal::settings::IntegrationId;
use journal::verbs::*;
use journal::{About, Appended, Failing, Given, Grant, Journal, Lease, Linked, Part, Parts};

use crate::on_postgresql::{DATABASE, Ground, folder, share};

/// As a program left it that knew neither of links nor of streaks.
const OLDER: &str = "
    ALTER TABLE ringbud.gateway DROP COLUMN linked, DROP COLUMN lacks, DROP COLUMN linked_since;
    ALTER TABLE ringbud.lease DROP COLUMN given_for;
    ALTER TABLE ringbud.failing DROP COLUMN streak;";
/// What such a program says once a second.
const OLDER_BEATS: &str = "SET search_path = ringbud;
    INSERT INTO gateway AS g (id, name, run, beat, pbxs) VALUES ('older', 'gw2', 1, 0, '{pbx1}')
    ON CONFLICT (id) DO UPDATE SET name = 'gw2', run = 1, beat = g.beat + 1, pbxs = '{pbx1}';";

fn pbx() -> PbxName {
    PbxName::new("pbx1")
}

async fn lease(journal: &Postgres) -> Lease {
    let leases = journal.tick(&About::default()).await.expect("a beat").leases;
    leases.into_iter().find(|lease| lease.pbx == pbx()).expect("its part")
}

async fn take(journal: &Postgres, seen: Option<&Lease>) -> Grant {
    let taken = journal.take(pbx(), seen.map(|lease| lease.epoch), Duration::ZERO).await;
    taken.expect("an answer").expect("nobody was quicker").grant
}

async fn noted(journal: &Postgres) -> Failing {
    let mut notes = journal.failing().await.expect("notes");
    assert_eq!(notes.len(), 1, "{notes:?}");
    notes.remove(0)
}

fn note(secs: u64, streak: u64) -> Failing {
    let integration = IntegrationId { number: 1 };
    Failing { integration, url: "https://crm".to_owned(), lasted: Duration::from_secs(secs), streak }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_an_older_program_gets_what_is_new_and_keeps_what_it_has() {
    let Some(ground) = Ground::lay(0) else { return };
    let says = |sql: &str| ground.engine.servers[0].says(DATABASE, sql);
    let one = share(&ground.engine, DATABASE, &ground.folder, "gw1").await.expect("shared");
    let first = take(&one, None).await;
    append(&one, Leg::incoming(2).under(first).append(&[EventKind::Incoming], &[1])).await;
    drop(one);
    says(OLDER);
    says("INSERT INTO ringbud.failing VALUES (1, 'https://crm', 7200000000)");
    says(OLDER_BEATS);

    let one = share(&ground.engine, DATABASE, &ground.folder, "gw1").await.expect("it is made wider");
    let before = noted(&one).await;
    assert!(before == note(7_200, before.streak) && before.streak > 0, "{before:?}");
    let grant = take(&one, Some(&lease(&one).await)).await;
    assert!(grant.part() == first.part() && grant.epoch() > first.epoch(), "{first:?} {grant:?}");
    assert_eq!(one.load_all(grant).await.expect("pending").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_program_beats_takes_and_notes_beside() {
    let Some(ground) = Ground::lay(0) else { return };
    let says = |sql: &str| ground.engine.servers[0].says(DATABASE, sql);
    let one = share(&ground.engine, DATABASE, &ground.folder, "gw1").await.expect("shared");
    let grant = take(&one, None).await;
    let links = vec![Linked { part: Part(1), lacks: None, since: None }];
    for beat in 0..2 {
        says(OLDER_BEATS);
        let about = About { pbxs: vec![pbx()], links: links.clone(), ..About::default() };
        let fleet = one.tick(&about).await.expect("a beat");
        let other = fleet.gateways.iter().find(|other| other.id != fleet.me).expect("it is seen");
        assert_eq!((other.beat, &other.pbxs[..], &other.links[..]), ((1, beat), &[pbx()][..], &[][..]));
    }

    // It is handed over, and the other takes it as it knows how; what is written under the old grant is refused.
    Parts::release(&one, grant, Given::InOrder).await.expect("given back");
    assert_eq!(lease(&one).await.owner, None);
    says(
        "UPDATE ringbud.lease SET epoch = epoch + 1, owner = 'older', since = now() WHERE name = 'pbx:pbx1'",
    );
    let late = append(&one, Leg::incoming(2).under(grant).append(&[EventKind::Incoming], &[])).await;
    assert_eq!(late, [Appended::Fenced]);
    let theirs = lease(&one).await;
    assert_eq!(theirs.owner.as_ref().map(|owner| &*owner.0), Some("older"));

    // It is gone: this one has the part back.
    let back = take(&one, Some(&theirs)).await;
    let kept = append(&one, Leg::incoming(2).under(back).append(&[EventKind::Incoming], &[])).await;
    assert!(matches!(kept[..], [Appended::Stored(..)]), "{kept:?}");

    // It notes without a streak: what it begins has one, and what it removes is over.
    says(
        "INSERT INTO ringbud.failing VALUES (1, 'https://crm', 60000000)
        ON CONFLICT (integration, url) DO UPDATE SET lasted = excluded.lasted",
    );
    let streak = noted(&one).await.streak;
    one.note_failing(vec![note(3_600, streak)]).await.expect("noted");
    says(
        "INSERT INTO ringbud.failing VALUES (1, 'https://crm', 7200000000)
        ON CONFLICT (integration, url) DO UPDATE SET lasted = excluded.lasted",
    );
    assert_eq!(noted(&one).await, note(7_200, streak));
    says("DELETE FROM ringbud.failing WHERE integration = 1 AND url = 'https://crm'");
    assert!(!one.end_failing(note(7_200, streak)).await.expect("an answer"), "it got through");
}

/// Each rule for two gateways, in a store to which a newer program has added to every table.
struct Walk {
    engine: Engine,
    rules: usize,
}

impl Walk {
    async fn rule_of_two(&mut self, name: &str, holds: impl AsyncFnOnce(&dyn Journal, &dyn Journal)) {
        self.rules += 1;
        let database = format!("rule{}", self.rules);
        println!("{name}");
        self.engine.database(&database);
        let (here, there) = (folder(), folder());
        let one = share(&self.engine, &database, &here, "gw1").await.expect("a journal");
        self.engine.servers[0].says(
            &database,
            "DO $$ DECLARE one text; BEGIN
                FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = 'ringbud' LOOP
                    EXECUTE format('ALTER TABLE ringbud.%I ADD COLUMN later text NOT NULL DEFAULT ''x'',
                        ADD COLUMN later_still int', one);
                END LOOP;
            END $$",
        );
        let other = share(&self.engine, &database, &there, "gw2").await.expect("a journal");
        holds(&one, &other).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_newer_program_added_is_in_nobodys_way() {
    if !is_here() {
        return;
    }
    let mut walk = Walk { engine: Engine::start(0), rules: 0 };
    journal::conformance!(of two, one by one, walk);
    assert!(walk.rules > 15, "{} rules", walk.rules);
}
