//! SQLite and the model agree, whatever is asked in whatever order, reopened in between; and PostgreSQL does with it.
//! The seed of a failure is printed by proptest.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use calls::{AccountId, EventKind, PbxName, PbxTime};
use journal::conformance::sample::{Leg, aged, delivery, settle, tried};
use journal::faults::Faults;
use journal::memory::Memory;
use journal::seal::Sealer;
use journal::settings::{Account, IntegrationId, Setting, SettingKey};
use journal::{
    Access, Append, Cursor, DeliveryState, Erase, EventSeq, Failing, Filter, Grant, Journal, LegOutcome,
    Logging, Options, Outcome, Quarter, Reason, RollingUp, Settle, Sqlite, WallTime, clock,
};
use proptest::prelude::*;

const CASES: u32 = 48;
pub(crate) const STEPS: std::ops::Range<usize> = 1..40;
const NOW: WallTime = WallTime(1_795_000_500_000_000);

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Append(Vec<Append>),
    Settle(Vec<Settle>),
    Prune(Option<AccountId>, WallTime),
    Erase(AccountId, Erase),
    Put(SettingKey, Option<Setting>, Option<u64>),
    NoteFailing(Vec<Failing>),
    Allocate,
    Reopen,
    Look(Box<Filter>),
}

fn leg() -> impl Strategy<Value = Leg> {
    // What a leg is follows from its number, so that it is the same each time it comes up.
    (0..12_u32).prop_map(|number| {
        let leg = if number.is_multiple_of(4) { Leg::outgoing(number) } else { Leg::incoming(number) };
        leg.of(["1", "2", "3"][number as usize % 3]).on(["a", "b"][number as usize % 2])
    })
}

fn kind() -> impl Strategy<Value = EventKind> {
    prop::sample::select(EventKind::ALL.to_vec())
}

fn append() -> impl Strategy<Value = Append> {
    let note = prop::option::of(prop::option::of(0..100_i64));
    (leg(), prop::collection::vec(kind(), 0..4), prop::collection::vec(1..4_u32, 0..3), note).prop_map(
        |(leg, kinds, integrations, note)| {
            let mut moment = leg.append(&kinds, &integrations);
            if let Some(kept) = note {
                let kept = kept.map(|secs| calls::Kept {
                    answered_at: Some(PbxTime::from_secs(secs)),
                    ..calls::Kept::default()
                });
                moment.notes = leg.note(kept).notes;
            }
            aged(moment, NOW)
        },
    )
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        4 => Just(Outcome::Delivered),
        2 => (0..9_u64).prop_map(|micros| Outcome::RetryIn(Duration::from_micros(micros))),
        1 => Just(Outcome::Expired),
        1 => "[a-z]{0,3}".prop_map(|why| Outcome::Failed((!why.is_empty()).then(|| Reason::text(&why)))),
        1 => Just(Outcome::Cancelled),
        1 => Just(Outcome::Held),
        2 => (0..9_u64).prop_map(|micros| Outcome::Again(Duration::from_micros(micros))),
    ]
}

/// Attempts number themselves by their place among the steps, so that none comes twice.
fn settlement() -> impl Strategy<Value = (i64, u32, Option<u16>, Outcome)> {
    let status = prop::option::of(prop::sample::select(vec![0_u16, 204, 410, 500]));
    (1..40_i64, 1..4_u32, status, outcome())
}

fn filter() -> impl Strategy<Value = Filter> {
    let place =
        || prop::option::weighted(0.3, (0..40_i64).prop_map(|at| at.to_string().parse().expect("a place")));
    let at =
        || prop::option::weighted(0.2, (0..30_i64).prop_map(|at| PbxTime::from_secs(1_795_000_000 + at)));
    let states = prop::collection::vec(
        prop::sample::select(vec![
            DeliveryState::Waiting,
            DeliveryState::Retrying(WallTime(0)),
            DeliveryState::Paused,
            DeliveryState::Delivered,
            DeliveryState::Failed,
            DeliveryState::Expired,
            DeliveryState::Cancelled,
        ]),
        0..3,
    );
    let named = prop::option::weighted(0.2, leg());
    let found_by = (
        prop::option::weighted(0.2, (100..106_u32).prop_map(|number| number.to_string())),
        prop::option::weighted(0.2, prop::sample::select(vec!["1", "00004", "+45"]).prop_map(str::to_owned)),
        prop::option::weighted(0.3, prop::sample::select(LegOutcome::ALL.to_vec())),
    );
    let part =
        (prop::option::weighted(0.3, 0..3_usize), prop::option::weighted(0.2, kind()), named, any::<bool>());
    (part, found_by, place(), place(), at(), at(), states, 0..9_usize).prop_map(
        |((account, kind, named, by_call), found_by, before, after, from, until, states, limit)| Filter {
            account: account.map(|at| AccountId::new(["1", "2", "3"][at])),
            leg: named.as_ref().filter(|_| !by_call).map(Leg::id),
            call: named.as_ref().filter(|_| by_call).map(|leg| leg.begin().call),
            kind,
            employee: found_by.0,
            number: found_by.1,
            outcome: found_by.2,
            from,
            until,
            states,
            before,
            after,
            limit,
        },
    )
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let key = prop::sample::select(vec!["1", "2"]).prop_map(|id| SettingKey::Account(AccountId::new(id)));
    let value = prop::option::of("[a-z]{0,4}".prop_map(|name| Setting::Account(Account::named(name))));
    let before = (0..40_i64).prop_map(|secs| WallTime((1_795_000_000 + secs) * 1_000_000));
    let account = prop::option::of(prop::sample::select(vec!["1", "2", "3"]).prop_map(AccountId::new));
    prop_oneof![
        6 => prop::collection::vec(append(), 1..4).prop_map(Step::Append),
        6 => prop::collection::vec(settlement(), 1..6).prop_map(|rows| Step::Settle(
            rows.into_iter().map(|(event, integration, status, outcome)| {
                let id = delivery(EventSeq(event), integration);
                match status {
                    Some(status) => tried(id, 0, status, outcome),
                    None => settle(id, outcome),
                }
            }).collect()
        )),
        1 => (account, before).prop_map(|(account, before)| Step::Prune(account, before)),
        1 => (prop::sample::select(vec!["1", "2", "3"]), 0..12_u32, any::<bool>()).prop_map(|(account, leg, number)| {
            let whose = match number {
                true => Erase::Number(format!("+4520{leg:06}")),
                false => Erase::Employee(format!("{}", 500 + leg)),
            };
            Step::Erase(AccountId::new(account), whose)
        }),
        2 => (key, value, prop::option::of(0..6_u64)).prop_map(|(key, value, expected)| Step::Put(key, value, expected)),
        1 => prop::collection::vec(failing(), 0..4).prop_map(Step::NoteFailing),
        1 => Just(Step::Allocate),
        1 => Just(Step::Reopen),
        6 => filter().prop_map(|filter| Step::Look(Box::new(filter))),
    ]
}

fn failing() -> impl Strategy<Value = Failing> {
    (1..3_u32, "[a-c]", 0..3_u64).prop_map(|(number, url, secs)| Failing {
        integration: IntegrationId { number },
        url,
        lasted: Duration::from_secs(secs),
        streak: 0,
    })
}

/// Legs are packed with what waits of them, or when nothing does.
fn open(folder: &Path, waits: i64, logging: Logging) -> Sqlite {
    let rolling_up = RollingUp { waits, ..RollingUp::at_once(3) };
    let clock: clock::Clock = Arc::new(|| NOW);
    let options = Options { faults: Faults::none(), clock, max_bytes: None, rolling_up, logging };
    let sealer = Sealer::new([1; 32]);
    Sqlite::open_with(folder, Access::Gateway, sealer, options).expect("the journal opens")
}

/// With no log, one that is folded after every commit, one whose bounds are reached at once, and one that is only folded
/// for who asks.
fn loggings() -> Vec<Logging> {
    let bounded = Logging { bytes: 2_000, rows: 3, ..Logging::default() };
    vec![Logging::never(), Logging::folded_at_once(), bounded, Logging::default()]
}

/// What both say to a step, as text: errors have no equality.
pub(crate) async fn say(journal: &dyn Journal, step: Step) -> String {
    match step {
        Step::Append(batch) => format!("{:?}", journal.append(&batch).await),
        Step::Settle(rows) => format!("{:?}", journal.settle(&rows).await),
        Step::Prune(account, before) => format!("{:?}", journal.prune(account, before).await),
        Step::Erase(account, whose) => format!("{:?}", journal.erase(account, whose, Cursor::START).await),
        Step::Put(key, value, expected) => format!("{:?}", journal.put(key, value, expected).await),
        Step::NoteFailing(notes) => format!("{:?}", journal.note_failing(notes).await),
        Step::Allocate => format!("{:?}", journal.allocate_integration().await),
        Step::Reopen => String::new(),
        Step::Look(filter) => {
            let from = filter.from.unwrap_or(PbxTime::from_secs(0));
            let until = filter.until.unwrap_or(PbxTime::from_secs(2_000_000_000));
            let events = journal.events((*filter).clone()).await;
            let legs = journal.legs((*filter).clone()).await;
            let deliveries = journal.deliveries(*filter).await;
            let (mut sums, mut sizes) = (Vec::new(), Vec::new());
            let bytes = (from.as_micros() / 1_000_000 % 5_000 * 100).unsigned_abs();
            for account in ["1", "2", "3"] {
                let within = from..until;
                sums.push(journal.sums(AccountId::new(account), within).await);
                let within = journal.kept_within(AccountId::new(account), bytes).await;
                sizes.push(within.expect("weighed"));
            }
            let since = Quarter::of(from);
            let recent = journal.recent(["1", "2", "3"].map(|id| (AccountId::new(id), since)).into()).await;
            format!("{events:#?}\n{legs:#?}\n{deliveries:#?}\n{sums:#?}\n{sizes:?}\n{recent:?}")
        }
    }
}

/// Everything there is to see.
pub(crate) async fn whole(journal: &dyn Journal) -> String {
    let everything = Filter::default();
    let mut text = say(journal, Step::Look(Box::new(everything))).await;
    for pbx in ["a", "b"] {
        text += &format!("\n{:#?}", journal.restore(PbxName::new(pbx)).await);
    }
    for event in 1..40 {
        for integration in 1..4 {
            text += &format!("\n{:?}", journal.attempts(delivery(EventSeq(event), integration)).await);
        }
    }
    text += &format!("\n{:#?}", journal.load_all(Grant::ALONE).await);
    text += &format!("\n{:#?}", journal.failing().await);
    text += &format!("\n{:#?}", journal.settings().await);
    text += &format!("\n{:#?}", journal.settings_since(2).await);
    let size = journal.size().await.expect("size");
    text + &format!("\n{} events, {} pending", size.events, size.pending)
}

/// Gives each attempt of the run a number of its own.
pub(crate) fn number(step: &mut Step, next: &mut u16) {
    let Step::Settle(rows) = step else { return };
    for attempt in rows.iter_mut().filter_map(|row| row.attempt.as_mut()) {
        *next += 1;
        attempt.number = *next;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_and_the_model_agree(
        steps in prop::collection::vec(step(), STEPS),
        waits in prop::sample::select(vec![0, 5, i64::MAX]),
        logging in prop::sample::select(loggings()),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let folder = tempfile::tempdir().expect("a folder");
            let model = Memory::with(Faults::none(), Arc::new(|| NOW));
            let mut sqlite = open(folder.path(), waits, logging);
            let mut attempts = 0;
            for mut step in steps {
                number(&mut step, &mut attempts);
                if matches!(step, Step::Reopen) {
                    drop(sqlite);
                    sqlite = open(folder.path(), waits, logging);
                }
                let (said, expected) = (say(&sqlite, step.clone()).await, say(&model, step.clone()).await);
                prop_assert_eq!(said, expected, "{:?}", step);
            }
            prop_assert_eq!(whole(&sqlite).await, whole(&model).await);
            sqlite.check().await.expect("the store is whole");
            Ok(())
        })?;
    }
}

/// PostgreSQL's places are not the model's: the n-th event that one keeps is the n-th of the other.
#[cfg(unix)]
mod on_postgresql {
    use journal::Appended;
    use journal::conformance::engine::{Engine, is_here};
    use journal::postgres::{Options, OwnClock, Postgres};
    use proptest::test_runner::{Config, TestRunner};

    use super::*;

    /// Each is a database of its own.
    const CASES: u32 = 24;
    /// Where no event is.
    const NOWHERE: i64 = 1 << 61;

    #[derive(Default)]
    struct Places(Vec<i64>);

    impl Places {
        /// The place there that is this one in the model.
        fn there(&self, place: i64) -> i64 {
            let at = usize::try_from(place - 1).ok();
            match at.and_then(|at| self.0.get(at)) {
                Some(there) => *there,
                None if place < 1 => place,
                None => NOWHERE + place,
            }
        }

        fn step(&self, step: &mut Step) {
            match step {
                Step::Settle(rows) => {
                    rows.iter_mut().for_each(|row| row.id.event.0 = self.there(row.id.event.0));
                }
                Step::Look(filter) => {
                    for cursor in [&mut filter.before, &mut filter.after].into_iter().flatten() {
                        let place = cursor.to_string().parse().expect("a number");
                        *cursor = self.there(place).to_string().parse().expect("a place");
                    }
                }
                _ => {}
            }
        }

        /// What was said there, in the model's places.
        fn here(&self, mut said: String) -> String {
            // The longest first: one may begin as another.
            for (at, there) in self.0.iter().enumerate().rev() {
                said = said.replace(&there.to_string(), &(at + 1).to_string());
            }
            said
        }
    }

    async fn open(engine: &Engine, database: &str, folder: &Path) -> Postgres {
        let options = Options {
            allow_unreplicated: true,
            patience: Duration::from_secs(60),
            clock: OwnClock(Some(Arc::new(|| NOW))),
            ..Options::default()
        };
        let sealer = Sealer::new([1; 32]);
        Postgres::open(&engine.target(database), folder, sealer, options).await.expect("the journal opens")
    }

    /// The same of [`whole`], which asks for places by their numbers.
    async fn whole_there(journal: &dyn Journal, places: &Places) -> String {
        let everything = Filter::default();
        let mut text = say(journal, Step::Look(Box::new(everything))).await;
        for pbx in ["a", "b"] {
            text += &format!("\n{:#?}", journal.restore(PbxName::new(pbx)).await);
        }
        for event in 1..40 {
            for integration in 1..4 {
                let id = delivery(EventSeq(places.there(event)), integration);
                text += &format!("\n{:?}", journal.attempts(id).await);
            }
        }
        text += &format!("\n{:#?}", journal.load_all(Grant::ALONE).await);
        text += &format!("\n{:#?}", journal.failing().await);
        text += &format!("\n{:#?}", journal.settings().await);
        text += &format!("\n{:#?}", journal.settings_since(2).await);
        let size = journal.size().await.expect("size");
        places.here(text) + &format!("\n{} events, {} pending", size.events, size.pending)
    }

    async fn agree(engine: &Engine, database: &str, steps: Vec<Step>) -> Result<(), TestCaseError> {
        engine.database(database);
        let folder = tempfile::tempdir().expect("a folder");
        let model = Memory::with(Faults::none(), Arc::new(|| NOW));
        let mut there = open(engine, database, folder.path()).await;
        let (mut places, mut attempts) = (Places::default(), 0);
        for mut step in steps {
            number(&mut step, &mut attempts);
            let expected = say(&model, step.clone()).await;
            places.step(&mut step);
            let said = match &step {
                Step::Reopen => {
                    drop(there);
                    there = open(engine, database, folder.path()).await;
                    String::new()
                }
                Step::Append(batch) => {
                    let answers = journal::Events::append(&there, batch).await;
                    for answer in answers.iter().flatten().flatten() {
                        if let Appended::Stored(seq, _) = answer {
                            places.0.push(seq.0);
                        }
                    }
                    format!("{answers:?}")
                }
                _ => say(&there, step.clone()).await,
            };
            prop_assert_eq!(places.here(said), expected, "{:?}", step);
        }
        prop_assert_eq!(whole_there(&there, &places).await, whole(&model).await);
        Ok(())
    }

    #[test]
    fn postgresql_and_the_model_agree() {
        if !is_here() {
            return;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let engine = Engine::start(0);
        let config =
            Config { cases: CASES, failure_persistence: None, max_shrink_iters: 60, ..Config::default() };
        let case = std::cell::Cell::new(0);
        TestRunner::new(config)
            .run(&prop::collection::vec(step(), STEPS), |steps| {
                case.set(case.get() + 1);
                runtime.block_on(agree(&engine, &format!("case{}", case.get()), steps))
            })
            .expect("they agree");
    }
}
