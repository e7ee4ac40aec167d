//! A store that was copied gives the same answers to every question, but for places and versions, whichever engine it
//! is copied to.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use calls::{AccountId, PbxName, PbxTime};
use journal::conformance::sample::{Leg, delivery, settle, tried};
use journal::conformance::settings::all_kinds;
use journal::copying::{CopyError, Counted, Then, copy, count};
use journal::faults::Faults;
use journal::memory::Memory;
use journal::seal::Sealer;
use journal::settings::IntegrationId;
use journal::verbs::*;
use journal::{
    Access, ActorKind, Appended, AuditEntry, AuditFilter, EventSeq, Failing, Filter, Grant, Journal, Options,
    Outcome, Put, Reason, Sqlite, WallTime,
};
use proptest::prelude::*;

use crate::agreeing::{STEPS, Step, number, say, step};

const SECOND: i64 = 1_000_000;
const NOW: i64 = 1_795_000_500 * SECOND;
/// Behind all that was told.
pub(crate) const LOOKED_AT: i64 = NOW + 3_600 * SECOND;

/// Everything there is to see, without places and versions.
pub(crate) async fn seen(journal: &dyn Journal) -> String {
    let (mut text, mut ids) = (String::new(), BTreeMap::new());
    let all = || Filter::default();
    for kept in journal.events(all()).await.expect("events").iter().rev() {
        ids.insert(kept.seq, kept.event.id());
        writeln!(text, "{:?} {} {:#?}", kept.received_at, kept.pbx, kept.event).expect("text");
    }
    for leg in journal.legs(all()).await.expect("legs").iter().rev() {
        writeln!(text, "{:?} {:?} {:?}", leg.begun.id(), leg.answered_at, leg.outcome()).expect("text");
    }
    for record in journal.deliveries(all()).await.expect("deliveries").iter().rev() {
        let id = &ids[&record.id.event];
        let attempts = journal.attempts(record.id).await.expect("attempts");
        writeln!(
            text,
            "{id:?} {:?} {:?} {} {:?} {:?} {attempts:#?}",
            record.id.integration, record.state, record.attempts, record.last, record.updated_at
        )
        .expect("text");
    }
    for waits in journal.load_all(Grant::ALONE).await.expect("what waits") {
        let id = &ids[&waits.id.event];
        // When it is looked at says how old it is.
        let waits = journal::Pending { id: delivery(EventSeq(0), 0), age: Duration::ZERO, ..waits.clone() };
        writeln!(text, "{id:?} {waits:?}").expect("text");
    }
    for pbx in ["a", "b"] {
        writeln!(text, "{:#?}", journal.restore(PbxName::new(pbx)).await).expect("text");
    }
    for account in ["1", "2", "3"] {
        let within = PbxTime::from_secs(0)..PbxTime::from_secs(2_000_000_000);
        writeln!(text, "{:#?}", journal.sums(AccountId::new(account), within).await).expect("text");
        writeln!(text, "{:?}", journal.kept_within(AccountId::new(account), 700).await).expect("text");
    }
    for setting in journal.settings().await.expect("settings") {
        writeln!(text, "{:?} {:?} {:?}", setting.key, setting.value, setting.changed_at).expect("text");
    }
    writeln!(text, "{:#?}", journal.failing().await).expect("text");
    writeln!(text, "{:#?}", journal.audit(AuditFilter::default()).await.expect("audit").entries)
        .expect("text");
    writeln!(text, "{:?}", journal.newest_event_at().await).expect("text");
    let size = journal.size().await.expect("size");
    writeln!(text, "{} events, {} pending", size.events, size.pending).expect("text");
    text
}

pub(crate) fn file(folder: &std::path::Path, clock: journal::clock::Clock) -> Sqlite {
    let options = Options { clock, ..Options::default() };
    Sqlite::open_with(folder, Access::Gateway, Sealer::new([1; 32]), options).expect("it opens")
}

/// One of everything, told over some days.
async fn told(journal: &dyn Journal, then: impl Fn(i64)) {
    for (at, (key, value)) in (0..).zip(all_kinds()) {
        then(NOW + at / 3 * SECOND);
        let noted = AuditEntry {
            at: WallTime(NOW + at),
            kind: ActorKind::Person,
            actor: "Ida".to_owned(),
            address: Some([192, 0, 2, 7].into()),
            account: (at % 2 == 0).then(|| AccountId::new("1")),
            what: "account_changed".to_owned(),
            subject: at.to_string(),
            detail: String::new(),
        };
        let put = Put { key, value: Some(value), expected: None };
        journal.put_all(vec![put], vec![noted]).await.expect("put");
    }
    for _ in 0..7 {
        journal.allocate_integration().await.expect("a number");
    }
    let mut legs: Vec<_> = (0..40).map(|number| Leg::incoming(number).on("a")).collect();
    legs.extend((40..60).map(|number| Leg::outgoing(number).on("b").of("2")));
    let mut events = Vec::new();
    for (at, leg) in legs.iter().enumerate() {
        let moment = if at % 5 == 4 { leg.append(&[leg.begin().kind()], &[1]) } else { leg.whole(&[1, 2]) };
        let answers = journal.append(&[moment]).await.expect("kept");
        for answer in answers.into_iter().flatten() {
            let Appended::Stored(seq, _) = answer else { panic!("{answer:?}") };
            events.push(seq);
        }
    }
    let kept = calls::Kept { answered_at: Some(PbxTime::from_secs(9)), ..calls::Kept::default() };
    journal.append(&[legs[4].note(Some(kept))]).await.expect("a note");
    let pause = Duration::from_secs(900);
    let outcomes = [
        Outcome::Delivered,
        Outcome::RetryIn(pause),
        Outcome::Expired,
        Outcome::Failed(Some(Reason::new("paused_failing").with("days", 5))),
        Outcome::Failed(None),
        Outcome::Cancelled,
        Outcome::Held,
    ];
    for (at, event) in (0..).zip(events) {
        then(NOW + at * SECOND);
        let id = delivery(event, 1);
        let outcome = outcomes[usize::try_from(at).expect("small") % outcomes.len()].clone();
        let retry = |number| tried(id, number, 503, Outcome::RetryIn(pause));
        let steps = match at % 6 {
            0 => vec![settle(id, outcome)],
            1 => vec![retry(1), retry(2), tried(id, 3, 200, outcome)],
            2 => vec![retry(1), settle(id, outcome)],
            3 => vec![settle(id, Outcome::RetryIn(pause)), settle(id, outcome)],
            4 => vec![retry(1), settle(id, outcome), settle(id, Outcome::Again(Duration::ZERO))],
            _ => Vec::new(),
        };
        for step in steps {
            journal.settle(&[step]).await.expect("settled");
        }
    }
    let integration = IntegrationId { number: 1 };
    let lasted = Duration::from_secs(90);
    journal
        .note_failing(vec![Failing { integration, url: "http://x".to_owned(), lasted, streak: 0 }])
        .await
        .expect("noted");
}

/// A file told over some days.
pub(crate) async fn a_file(folder: &std::path::Path) -> Sqlite {
    let clock = Arc::new(std::sync::atomic::AtomicI64::new(NOW));
    let looked = clock.clone();
    let journal = file(folder, Arc::new(move || WallTime(looked.load(std::sync::atomic::Ordering::Relaxed))));
    told(&journal, |at| clock.store(at, std::sync::atomic::Ordering::Relaxed)).await;
    journal
}

async fn copied(from: &dyn Journal, to: &dyn Journal, then: &Then) -> Result<Counted, CopyError> {
    let mut last = None;
    let done =
        copy(from, to, then, &[Grant::ALONE], &[PbxName::new("a")], &mut |progress| last = Some(progress))
            .await?;
    let last = last.expect("it says how far it is");
    assert_eq!((last.events, last.of), (done.events, done.events));
    Ok(done)
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_goes_to_postgresql_and_back_answers_as_before() {
    use journal::conformance::engine::{Engine, is_here};
    use journal::postgres::{Filling, Options, OwnClock, Postgres};

    if !is_here() {
        return;
    }
    let engine = Engine::start(0);
    engine.database("copied");
    let target = engine.target("copied");
    let options = |then: &Then| Options {
        allow_unreplicated: true,
        patience: Duration::from_secs(60),
        clock: OwnClock(Some(then.clock())),
        ..Options::default()
    };
    let folder = || tempfile::tempdir().expect("a folder");
    let (old, own, new) = (folder(), folder(), folder());
    let from = a_file(old.path()).await;
    let expected = seen(&from).await;

    // One that breaks off leaves nothing that could be worked with, and is begun anew.
    let then = Then::default();
    let sealer = || Sealer::new([2; 32]);
    let filling = Filling::open(&target, own.path(), sealer(), options(&then)).await.expect("an empty one");
    let second = Filling::open(&target, folder().path(), sealer(), options(&then)).await;
    assert!(second.is_err_and(|error| error.to_string().contains("is being copied into it")));
    filling.journal().append(&[Leg::incoming(99).whole(&[1])]).await.expect("kept");
    filling.journal().release().await.expect("given back");
    drop(filling);
    let refused = Postgres::open(&target, own.path(), sealer(), options(&then)).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("was not finished")));

    let filling = loop {
        match Filling::open(&target, own.path(), sealer(), options(&then)).await {
            Ok(filling) => break filling,
            // The connection of the one that broke off is a moment in going.
            Err(error) => assert!(error.to_string().contains("is being copied"), "{error}"),
        }
    };
    let counted = copied(&from, filling.journal(), &then).await.expect("copied");
    assert!(counted.waiting > 10 && counted.given_up > 10 && counted.attempts > 50, "{counted}");
    filling.finish().await.expect("finished");
    let again = Filling::open(&target, own.path(), sealer(), options(&then)).await;
    assert!(again.is_err_and(|error| error.to_string().contains("there is a store in it already")));

    let there = Postgres::open(&target, own.path(), sealer(), options(&then)).await.expect("it opens");
    then.set(WallTime(LOOKED_AT));
    assert_eq!(seen(&there).await, expected);

    let then = Then::default();
    let back = file(new.path(), then.clock());
    assert_eq!(copied(&there, &back, &then).await.expect("copied back"), counted);
    then.set(WallTime(LOOKED_AT));
    assert_eq!(seen(&back).await, expected);
    assert_eq!(count(&from).await.expect("counted"), counted);

    // Numbers of integrations go on.
    let next = back.allocate_integration().await.expect("a number");
    assert!(next.number > from.allocate_integration().await.expect("a number").number);
}

#[tokio::test]
async fn only_an_empty_store_is_filled() {
    let (then, from) = (Then::default(), Memory::new());
    let to = Memory::with(Faults::none(), then.clock());
    from.append(&[Leg::incoming(1).whole(&[1])]).await.expect("kept");
    copied(&from, &to, &then).await.expect("copied");
    let again = copied(&from, &to, &then).await;
    assert!(matches!(again, Err(CopyError::NotEmpty)), "{again:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever was done to it: what is seen of it is the same.
    #[test]
    fn what_is_copied_is_seen_as_it_was(steps in prop::collection::vec(step(), STEPS)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let (then, mut attempts) = (Then::default(), 0);
            let from = Memory::with(Faults::none(), Arc::new(|| WallTime(NOW)));
            let to = Memory::with(Faults::none(), then.clock());
            for mut step in steps {
                number(&mut step, &mut attempts);
                if !matches!(step, Step::Look(_)) {
                    say(&from, step).await;
                }
            }
            let pbxs = ["a", "b"].map(PbxName::new);
            copy(&from, &to, &then, &[Grant::ALONE], &pbxs, &mut |_| {}).await.expect("copied");
            then.set(WallTime(LOOKED_AT));
            prop_assert_eq!(seen(&to).await, seen(&from).await);
            Ok(())
        })?;
    }
}
