use std::collections::BTreeSet;
use std::ops::Range;

use journal::conformance::sample::{Leg, START_SECS, delivery, settle, tried};
use journal::seal::Sealer;
use journal::settings::{Account, Setting, SettingKey};
use journal::{
    Access, ActorKind, Appended, AuditEntry, AuditFilter, EventSeq, Options, Outcome, RollingUp, Sqlite,
};
use splitmix::Rng;

use super::*;

/// The most calls an account has here.
const MOST: u32 = 700;
const BODY: usize = 10_000;

fn leg(account: &str, number: u32) -> Leg {
    Leg::outgoing(number).on(&format!("pbx{account}")).of(account)
}

fn place(answer: Appended) -> EventSeq {
    match answer {
        Appended::Stored(seq, _) => seq,
        Appended::Repeat(_) | Appended::Refused(_) | Appended::Fenced => panic!("not stored: {answer:?}"),
    }
}

/// Who packs these finds nothing to make shorter.
fn different(event: EventSeq) -> Vec<u8> {
    let mut chance = Rng::new(event.0.unsigned_abs());
    std::iter::repeat_with(|| chance.roll().to_le_bytes()).flatten().take(BODY).collect()
}

fn alike(_: EventSeq) -> Vec<u8> {
    vec![b'x'; BODY]
}

struct Bed {
    forgetting: Forgetting,
    _folder: tempfile::TempDir,
}

/// `days` after the sample calls.
fn later(days: i64) -> WallTime {
    WallTime((START_SECS + days * 86_400) * 1_000_000)
}

impl Bed {
    async fn new(days: Option<u32>, megabytes: Option<u32>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // What is packed meanwhile would be another size each time.
        let options = Options { rolling_up: RollingUp::never(), ..Options::default() };
        let sealer = Sealer::new([7; 32]);
        let journal = Sqlite::open_with(folder.path(), Access::Gateway, sealer, options).expect("opens");
        let journal: Arc<dyn Journal> = Arc::new(journal);
        let cache = Arc::new(SettingsCache::load(journal.clone()).await.expect("a cache"));
        let keep = Keep { days, megabytes, audit_days: Some(90), ..Keep::default() };
        let forgetting = Forgetting { journal, cache, keep, pause: Duration::ZERO, cannot_be_kept: false };
        Self { forgetting, _folder: folder }
    }

    async fn wishes(&self, account: &str, days: Option<u32>, megabytes: Option<u32>) {
        let keep = KeepChoice { days, megabytes };
        let setting = Setting::Account(Account { keep, ..Account::named("") });
        let key = SettingKey::Account(AccountId::new(account));
        self.forgetting.cache.put(key, Some(setting), None).await.expect("set");
    }

    /// Calls of an account, each with one delivery that carried much; those in `waiting` are not delivered.
    async fn calls(&self, account: &str, many: u32, waiting: Range<u32>) {
        self.calls_with(account, many, waiting, different).await;
    }

    async fn calls_with(&self, account: &str, many: u32, waiting: Range<u32>, body: fn(EventSeq) -> Vec<u8>) {
        let moments: Vec<_> = (1..=many).map(|number| leg(account, number).whole(&[1])).collect();
        let kept = self.forgetting.journal.append(&moments).await.expect("kept");
        let mut rows = Vec::new();
        for (number, answers) in (1..=many).zip(kept) {
            for answer in answers.into_iter().filter(|_| !waiting.contains(&number)) {
                let event = place(answer);
                let mut row = tried(delivery(event, 1), 1, 200, Outcome::Delivered);
                if let Some(attempt) = &mut row.attempt {
                    attempt.request_body = body(event).into();
                }
                rows.push(row);
            }
        }
        self.forgetting.journal.settle(&rows).await.expect("settled");
    }

    /// The numbers of the calls of an account that are there.
    async fn left(&self, account: &str) -> BTreeSet<u32> {
        let mut left = BTreeSet::new();
        for number in 1..=MOST {
            let filter = Filter { leg: Some(leg(account, number).id()), ..Filter::default() };
            if !self.forgetting.journal.events(filter).await.expect("events").is_empty() {
                left.insert(number);
            }
        }
        left
    }

    async fn used(&self) -> u64 {
        self.forgetting.journal.size().await.expect("size").used
    }
}

#[tokio::test]
async fn an_account_forgets_earlier_than_the_operator_and_never_later() {
    let mut bed = Bed::new(Some(90), None).await;
    for account in ["1", "2", "3"] {
        bed.calls(account, 60, 0..0).await;
    }
    bed.wishes("1", Some(30), None).await;
    bed.wishes("3", Some(300), None).await;
    bed.forgetting.pass(later(29)).await.expect("passes");
    assert_eq!(bed.left("1").await.len(), 60);
    bed.forgetting.pass(later(40)).await.expect("passes");
    assert_eq!(
        [bed.left("1").await.len(), bed.left("2").await.len(), bed.left("3").await.len()],
        [0, 60, 60]
    );
    bed.forgetting.pass(later(100)).await.expect("passes");
    assert_eq!([bed.left("2").await.len(), bed.left("3").await.len()], [0, 0]);
}

#[tokio::test]
async fn an_account_keeps_the_newest_of_its_megabytes_and_no_other_account_is_touched() {
    let mut bed = Bed::new(None, None).await;
    bed.calls("1", 60, 0..0).await;
    bed.calls("2", 60, 0..0).await;
    bed.wishes("1", None, Some(1)).await;
    bed.forgetting.pass(later(1)).await.expect("passes");
    let left = bed.left("1").await;
    assert!((40..50).contains(&left.len()), "some 21 kB each in a megabyte: {left:?}");
    assert!(left.contains(&60) && !left.contains(&1), "the oldest go: {left:?}");
    assert_eq!(bed.left("2").await.len(), 60);
}

#[tokio::test]
async fn a_journal_beyond_its_bound_forgets_the_oldest_and_never_what_waits() {
    let mut bed = Bed::new(None, Some(25)).await;
    bed.calls("1", MOST, 3..5).await;
    bed.calls("2", MOST, 0..0).await;
    let before = bed.used().await;
    assert!(before > 28_000_000, "there is something to forget: {before}");
    bed.forgetting.pass(later(1)).await.expect("passes");
    let (used, first, second) = (bed.used().await, bed.left("1").await, bed.left("2").await);
    assert!(used <= 25_000_000 && used > 10_000_000, "{used}");
    assert!(first.contains(&3) && first.contains(&4) && !first.contains(&1), "what waits stays: {first:?}");
    assert!(first.len() < 300 && second.len() == 700, "the oldest go: {} and {}", first.len(), second.len());
    assert!(!bed.forgetting.cannot_be_kept);
}

#[tokio::test]
async fn what_came_in_last_is_measured_as_it_will_lie() {
    let mut bed = Bed::new(None, Some(10)).await;
    bed.calls_with("1", MOST, 0..0, alike).await;
    let before = bed.used().await;
    assert!(before > 12_000_000, "it takes its room as it came in: {before}");
    bed.forgetting.pass(later(1)).await.expect("passes");
    let used = bed.used().await;
    assert!(used < 2_000_000 && bed.left("1").await.len() == 700, "nothing is forgotten: {used}");
}

#[tokio::test]
async fn a_bound_that_cannot_be_kept_is_said_until_it_can() {
    let mut bed = Bed::new(None, Some(1)).await;
    let waiting: Vec<_> = (1..=2_000).map(|number| Leg::incoming(number).whole(&[1])).collect();
    let kept = bed.forgetting.journal.append(&waiting).await.expect("kept");
    bed.forgetting.pass(later(1)).await.expect("passes");
    assert!(bed.forgetting.cannot_be_kept, "{} bytes", bed.used().await);
    assert_eq!(bed.forgetting.journal.size().await.expect("size").events, 6_000, "what waits stays");

    let cancelled: Vec<_> = kept
        .into_iter()
        .flatten()
        .map(|answer| settle(delivery(place(answer), 1), Outcome::Cancelled))
        .collect();
    bed.forgetting.journal.settle(&cancelled).await.expect("settled");
    bed.forgetting.pass(later(1)).await.expect("passes");
    assert!(!bed.forgetting.cannot_be_kept && bed.used().await <= 1_000_000, "{} bytes", bed.used().await);
}

#[tokio::test]
async fn the_audit_log_goes_back_its_days_and_the_newest_of_people_stay() {
    let mut bed = Bed::new(None, None).await;
    let entry = |kind, days| AuditEntry {
        at: later(days),
        kind,
        actor: "somebody".to_owned(),
        address: None,
        account: None,
        what: "audit.phone".to_owned(),
        subject: "201".to_owned(),
        detail: String::new(),
    };
    let (person, token) = (ActorKind::Person, ActorKind::Token);
    let noted = vec![entry(person, 1), entry(token, 2), entry(token, 50), entry(token, 100)];
    bed.forgetting.journal.note_done(noted).await.expect("noted");
    bed.forgetting.pass(later(100)).await.expect("a pass");
    let left = bed.forgetting.journal.audit(AuditFilter::default()).await.expect("the audit log").entries;
    assert_eq!(left, [entry(token, 100), entry(token, 50), entry(person, 1)]);
}

#[test]
fn a_clock_that_is_far_ahead_is_not_believed_and_quiet_days_are() {
    let (newest, hour) = (later(0), Duration::from_secs(3_600));
    let after = |days: i64| credible(later(days), Some(newest), hour);
    assert_eq!(after(1), later(1));
    let most = WallTime(later(2).0 + 3_600 * 1_000_000);
    assert_eq!([after(200), after(4_000)], [most; 2]);
    assert_eq!(credible(later(9), None, hour), later(9), "with nothing to forget nothing is lost");
}

#[tokio::test]
async fn one_start_with_a_wrong_clock_forgets_nothing() {
    let mut bed = Bed::new(Some(90), None).await;
    bed.calls("1", 3, 0..0).await;
    let events = async |bed: &Bed| bed.forgetting.journal.size().await.expect("a size").events;
    let before = events(&bed).await;
    let newest = bed.forgetting.newest().await.expect("asked");
    bed.forgetting.pass(credible(later(4_000), newest, FIRST_AFTER)).await.expect("passed");
    assert_eq!(events(&bed).await, before);
    bed.forgetting.pass(later(4_000)).await.expect("passed");
    assert_eq!(events(&bed).await, 0, "by the clock alone all of it would be gone");
}
