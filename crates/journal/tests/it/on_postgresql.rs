//! The store on PostgreSQL passes the suite, and what only it can do wrong is done right.

use std::fmt::Write as _;
use std::pin::Pin;
use std::time::Duration;

use calls::EventKind;
use journal::conformance::engine::{Engine, is_here};
use journal::conformance::sample::{Leg, append, delivery, keep, tried};
use journal::postgres::{Options, Postgres};
use journal::seal::Sealer;
use journal::verbs::*;
use journal::{Appended, Filter, Grant, Journal, JournalError, Outcome, Refusal, Settled};
use tempfile::TempDir;

/// On a machine that does much else.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn options(name: &str) -> Options {
    Options { name: name.to_owned(), allow_unreplicated: true, patience: PATIENCE, ..Options::default() }
}

/// An engine with an empty database, and the folder of a gateway.
pub(crate) struct Ground {
    pub(crate) engine: Engine,
    pub(crate) folder: TempDir,
}

pub(crate) const DATABASE: &str = "calls";

impl Ground {
    /// `None` where there is no PostgreSQL.
    pub(crate) fn lay(standbys: usize) -> Option<Self> {
        if !is_here() {
            return None;
        }
        let engine = Engine::start(standbys);
        engine.database(DATABASE);
        Some(Self { engine, folder: folder() })
    }

    /// A gateway on it.
    pub(crate) async fn opened(&self) -> Postgres {
        self.opens(options("gw1")).await.expect("it opens")
    }

    pub(crate) async fn opens(&self, options: Options) -> Result<Postgres, JournalError> {
        self.opens_in(&self.folder, options).await
    }

    pub(crate) async fn opens_in(
        &self,
        folder: &TempDir,
        options: Options,
    ) -> Result<Postgres, JournalError> {
        open(&self.engine, DATABASE, folder, options).await
    }

    /// One that commits wait for a standby of, and that does not wait long itself.
    pub(crate) fn strict() -> Options {
        Options { allow_unreplicated: false, patience: Duration::from_secs(3), ..options("gw1") }
    }

    fn says(&self, sql: &str) -> String {
        self.engine.servers[0].says(DATABASE, sql)
    }
}

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

async fn open(
    engine: &Engine,
    database: &str,
    folder: &TempDir,
    options: Options,
) -> Result<Postgres, JournalError> {
    Postgres::open(&engine.target(database), folder.path(), Sealer::new([7; 32]), options).await
}

/// Walks the suite: each rule on a database of its own.
struct Walk {
    engine: Engine,
    rules: usize,
}

/// Not on the stack: all of them together are one test.
type Rule<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

impl Walk {
    fn rule<'a>(&'a mut self, name: &'a str, holds: impl AsyncFnOnce(&dyn Journal) + 'a) -> Rule<'a> {
        Box::pin(async move {
            self.rules += 1;
            let database = format!("rule{}", self.rules);
            println!("{name}");
            self.engine.database(&database);
            let folder = folder();
            let journal = open(&self.engine, &database, &folder, options("gw1")).await.expect("a journal");
            holds(&journal).await;
        })
    }

    /// On one that two gateways share.
    fn rule_of_two<'a>(
        &'a mut self,
        name: &'a str,
        holds: impl AsyncFnOnce(&dyn Journal, &dyn Journal) + 'a,
    ) -> Rule<'a> {
        Box::pin(async move {
            self.rules += 1;
            let database = format!("rule{}", self.rules);
            println!("{name}");
            self.engine.database(&database);
            let (here, there) = (folder(), folder());
            let one = share(&self.engine, &database, &here, "gw1").await.expect("a journal");
            let other = share(&self.engine, &database, &there, "gw2").await.expect("a journal");
            holds(&one, &other).await;
        })
    }
}

pub(crate) async fn share(
    engine: &Engine,
    database: &str,
    folder: &TempDir,
    name: &str,
) -> Result<Postgres, JournalError> {
    share_as(engine, database, folder, options(name)).await
}

pub(crate) async fn share_as(
    engine: &Engine,
    database: &str,
    folder: &TempDir,
    options: Options,
) -> Result<Postgres, JournalError> {
    let (target, sealer) = (engine.target(database), Sealer::new([7; 32]));
    Postgres::open_shared(&target, folder.path(), sealer, options).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_passes_the_suite() {
    if !is_here() {
        return;
    }
    let mut walk = Walk { engine: Engine::start(0), rules: 0 };
    journal::conformance!(one by one, walk);
    assert!(walk.rules > 50, "{} rules", walk.rules);
}

/// A test of its own, for the stack that all of it takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_passes_the_suite_of_two_gateways() {
    if !is_here() {
        return;
    }
    let mut walk = Walk { engine: Engine::start(0), rules: 0 };
    journal::conformance!(of two, one by one, walk);
    assert!(walk.rules > 15, "{} rules", walk.rules);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_gateway_at_a_time_has_it_and_who_lost_it_writes_nothing() {
    let Some(ground) = Ground::lay(0) else { return };
    let there = folder();
    let first = ground.opens(options("gw1")).await.expect("nobody has it");
    let seq = keep(&first, Leg::incoming(1).append(&[EventKind::Incoming], &[1])).await[0];

    let refused = ground.opens_in(&there, options("gw2")).await.err().expect("it is in use");
    let words = refused.to_string();
    assert!(matches!(refused, JournalError::Elsewhere { .. }), "{words}");
    assert!(words.contains("in use by the gateway gw1 since 2") && words.contains("UTC"), "{words}");
    let same_folder = ground.opens(options("gw1")).await.err().expect("the folder is in use");
    assert!(matches!(same_folder, JournalError::InUse { .. }), "{same_folder}");

    // It hangs: another connection of its own takes its name away, as a start on another machine would after its beat
    // has stood still.
    ground.says("UPDATE ringbud.lease SET epoch = epoch + 1, owner = 'gw2', since = now()");
    for (kinds, fenced) in [(&[EventKind::Answered][..], 1), (&[], 0)] {
        let late = first.append(&[Leg::incoming(1).append(kinds, &[1])]).await.expect("an answer");
        assert_eq!(late, [vec![Appended::Fenced; fenced]]);
    }
    let late = first.settle(&[tried(delivery(seq, 1), 1, 200, Outcome::Delivered)]).await;
    assert_eq!(late.expect("an answer"), [Settled::Fenced]);
    let late = first.prune(None, journal::WallTime(i64::MAX)).await;
    assert!(matches!(late, Err(JournalError::Taken { .. })), "{late:?}");
    tokio::time::timeout(PATIENCE, first.is_lost()).await.expect("its beat tells it");
    let kept = first.events(Filter::default()).await.expect("it may look");
    assert_eq!(kept.len(), 1, "nothing came behind the takeover");
    drop(first);

    // Nobody beats for gw2: it counts as gone.
    let next = ground.opens(options("gw1")).await.expect("it is taken over");
    assert_eq!(next.load_all(Grant::ALONE).await.expect("pending").len(), 1);
    let behind = keep(&next, Leg::incoming(1).append(&[EventKind::Answered], &[1])).await[0];
    assert!(behind > seq);
    next.release().await.expect("given back");
    drop(next);
    let began = tokio::time::Instant::now();
    ground.opens_in(&there, options("gw2")).await.expect("nobody has it");
    println!("taken over after a release in {:?}", began.elapsed());
}

/// Each has the leg's end, or another of its kind, somewhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_row_of_a_leg_judges_whatever_a_group_has_of_it() {
    let Some(ground) = Ground::lay(0) else { return };
    let journal = ground.opened().await;
    let leg = Leg::incoming(2);
    let (incoming, answered, ended) = (EventKind::Incoming, EventKind::Answered, EventKind::Ended);
    let first = keep(&journal, leg.append(&[answered], &[1])).await[0];
    let answers =
        append(&journal, leg.append(&[incoming, ended, answered, EventKind::Outgoing, ended], &[1, 1])).await;
    let [Appended::Stored(begun, _), Appended::Stored(end, waiting), rest @ ..] = &answers[..] else {
        panic!("{answers:?}")
    };
    assert_eq!(waiting.len(), 2);
    assert_eq!(
        rest,
        [Appended::Repeat(first), Appended::Refused(Refusal::AfterEnded), Appended::Repeat(*end)]
    );
    let again = append(&journal, leg.append(&[ended, incoming, EventKind::Outgoing], &[1])).await;
    assert_eq!(
        again,
        [Appended::Repeat(*end), Appended::Repeat(*begun), Appended::Refused(Refusal::AfterEnded)]
    );
    assert_eq!(journal.events(Filter::default()).await.expect("events").len(), 3);
    assert_eq!(journal.size().await.expect("size").pending, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_text_of_the_engine_can_hold_stops_nothing() {
    let Some(ground) = Ground::lay(0) else { return };
    let journal = ground.opened().await;
    let mut moment = Leg::incoming(2).whole(&[1]);
    for (event, _) in &mut moment.events {
        event.a_number = "4\0 5".into();
        event.leg = calls::LegId::new("pbx1-\0");
        event.call = calls::CallId::new("pbx1-\0\0");
    }
    let kept = keep(&journal, moment).await;
    let bodies = journal.bodies(kept.clone()).await.expect("bodies");
    assert_eq!((bodies.len(), &*bodies[0].event.a_number), (3, "4\0 5"));
    assert_eq!(bodies[0].event.leg, calls::LegId::new("pbx1-\u{fffd}"));
    let failed = Outcome::Failed(Some(journal::Reason::text("no\0thing")));
    let settled = journal.settle(&[tried(delivery(kept[0], 1), 1, 0, failed)]).await.expect("settled");
    assert_eq!(settled, [Settled::Done]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_would_not_keep_it_and_a_store_that_is_not_ours_are_refused_in_words() {
    let Some(ground) = Ground::lay(0) else { return };
    let mut said = String::new();
    let strict = || Options { allow_unreplicated: false, ..options("gw1") };
    let refused = ground.opens(strict()).await.err().expect("one server is no two");
    let _ = writeln!(said, "{refused}");
    assert!(refused.to_string().contains("synchronous_standby_names is empty"), "{refused}");
    ground.engine.servers[0].says("postgres", "ALTER DATABASE calls SET synchronous_commit = local");
    ground.engine.servers[0]
        .says("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (nobody)'");
    ground.engine.servers[0].says("postgres", "SELECT pg_reload_conf()");
    let mut words = String::new();
    for _ in 0..200 {
        words = ground.opens(strict()).await.err().expect("local").to_string();
        if words.contains("synchronous_commit is local") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(words.contains("synchronous_commit is local"), "{words}");
    ground.engine.servers[0].says("postgres", "ALTER SYSTEM RESET synchronous_standby_names");
    ground.engine.servers[0].says("postgres", "SELECT pg_reload_conf()");
    drop(ground.opens(options("gw1")).await.expect("it is said that one server is enough"));

    let other_key = Sealer::new([8; 32]);
    let refused =
        Postgres::open(&ground.engine.target(DATABASE), ground.folder.path(), other_key, options("gw1"))
            .await;
    assert!(matches!(refused.err(), Some(JournalError::WrongKey { .. })));
    ground.says("UPDATE ringbud.meta SET value = 99 WHERE name = 'format'");
    let refused = ground.opens(options("gw1")).await.err().expect("it is newer");
    assert!(matches!(refused, JournalError::Newer { found: 99, .. }), "{refused}");
    ground.engine.servers[0].says("postgres", "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
    let refused =
        open(&ground.engine, "latin", &ground.folder, options("gw1")).await.err().expect("its encoding");
    assert!(refused.to_string().contains("its encoding is LATIN1"), "{refused}");
    let refused =
        open(&ground.engine, "nowhere", &ground.folder, options("gw1")).await.err().expect("it is not there");
    assert!(refused.to_string().contains("database \"nowhere\" does not exist"), "{refused}");
}

/// It may be there and may not: it is asked for again, and is there once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_standby_confirms_is_in_doubt_and_asked_for_again_it_is_there_once() {
    let Some(mut ground) = Ground::lay(2) else { return };
    let journal = ground.opens(Ground::strict()).await.expect("it has standbys");
    keep(&journal, Leg::incoming(1).append(&[EventKind::Incoming], &[1])).await;
    ground.engine.servers[1].kill();
    ground.engine.servers[2].kill();
    let moment = Leg::incoming(1).append(&[EventKind::Answered], &[1]);
    for _ in 0..4 {
        let doubtful = journal.append(std::slice::from_ref(&moment)).await;
        assert!(
            matches!(doubtful, Err(JournalError::Unknown { .. } | JournalError::Unwritable { .. })),
            "{doubtful:?}"
        );
    }
    let backends = ground.engine.servers[0]
        .says("postgres", "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ringbud'");
    assert!(
        backends.parse::<u32>().expect("a number") < 16,
        "{backends} connections: it does not connect for ever"
    );
    ground.engine.servers[1].run();
    let answers = loop {
        match journal.append(std::slice::from_ref(&moment)).await {
            Ok(mut answers) => break answers.remove(0),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    assert!(matches!(answers[..], [Appended::Repeat(_) | Appended::Stored(..)]), "{answers:?}");
    let listed = journal.events(Filter::default()).await.expect("events");
    assert_eq!(listed.len(), 2);
    assert_eq!(journal.load_all(Grant::ALONE).await.expect("pending").len(), 2, "each with its one delivery");
}

/// Everything that was acknowledged is on the standby that takes over, once, and it goes on there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_primary_dies_under_load_and_nothing_that_was_acknowledged_is_lost() {
    let Some(mut ground) = Ground::lay(2) else { return };
    let journal = std::sync::Arc::new(ground.opens(Ground::strict()).await.expect("it has standbys"));
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writers: Vec<_> = (0..4_u32)
        .map(|writer| {
            let (journal, stop) = (journal.clone(), stop.clone());
            tokio::spawn(async move {
                let (mut legs, mut doubts, mut longest) = (0, 0, Duration::ZERO);
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let moment = Leg::incoming(writer * 100_000 + legs).whole(&[1]);
                    let began = tokio::time::Instant::now();
                    while journal.append(std::slice::from_ref(&moment)).await.is_err() {
                        doubts += 1;
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    longest = longest.max(began.elapsed());
                    legs += 1;
                }
                (legs, doubts, longest)
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let began = tokio::time::Instant::now();
    tokio::task::block_in_place(|| ground.engine.fail_over());
    println!("failed over in {:?}", began.elapsed());
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let mut legs = 0;
    for writer in writers {
        let (mine, doubts, longest) =
            tokio::time::timeout(PATIENCE, writer).await.expect("it goes on").expect("a writer");
        println!("{mine} legs, {doubts} times in doubt or undone, longest {longest:?}");
        legs += u64::from(mine);
    }
    let size = journal.size().await.expect("size");
    assert_eq!((size.events, size.pending), (legs * 3, legs * 3));
    let counted = ground.engine.servers.iter().find_map(|server| {
        server
            .is_running()
            .then(|| server.says("calls", "SELECT count(*), count(DISTINCT (leg, kind)) FROM ringbud.event"))
    });
    assert_eq!(counted.as_deref(), Some(&*format!("{0}|{0}", legs * 3)));
}

/// It thinks a table is empty, for so it found it last, and by now a hundred thousand wait in it.
#[test]
fn whatever_the_engine_thinks_of_a_table_a_writer_finds_rows_by_their_keys() {
    let Some(ground) = Ground::lay(0) else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    drop(runtime.block_on(ground.opened()));
    ground.says("VACUUM ANALYZE");
    let (settings, statements) = journal::postgres::written();
    let mut found_by_keys = 0;
    for statement in statements {
        let many = (1..).take_while(|number| statement.contains(&format!("${number}"))).count();
        let nothing = vec!["NULL"; many].join(", ");
        let plan = ground.says(&format!(
            "{settings}; PREPARE asked AS {statement}; EXPLAIN (COSTS OFF) EXECUTE asked({nothing})"
        ));
        let lines: Vec<&str> = plan.lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("Scan using")) {
            assert!(lines[at + 1].starts_with("Index Cond:"), "{line} reads all of it:\n{plan}");
            found_by_keys += 1;
        }
        let reads_all = lines.iter().any(|line| line.contains("Seq Scan"));
        assert!(!reads_all, "{plan}");
    }
    assert!(found_by_keys >= 8, "{found_by_keys}");
}
