//! The audit log: what was done is told, and told as long as it is promised.

use calls::AccountId;

use crate::audit::{AUDIT_MAX_CHARS, AUDIT_OF_PEOPLE_KEPT};
use crate::settings::{Account, Employee, Setting, SettingKey};
use crate::{ActorKind, AuditEntry, AuditFilter, Journal, JournalError, Put, WallTime};

/// Done by a person to account 1.
fn done(at: i64) -> AuditEntry {
    AuditEntry {
        at: WallTime(at),
        kind: ActorKind::Person,
        actor: "olga".to_owned(),
        address: Some([192, 0, 2, 7].into()),
        account: Some(AccountId::new("1")),
        what: "audit.employee".to_owned(),
        subject: "101".to_owned(),
        detail: "Åse → Bo".to_owned(),
    }
}

fn by(kind: ActorKind, actor: &str, account: Option<&str>, at: i64) -> AuditEntry {
    let address = (kind == ActorKind::Token).then(|| "2001:db8::7".parse().expect("an address"));
    AuditEntry { kind, actor: actor.to_owned(), address, account: account.map(AccountId::new), ..done(at) }
}

async fn listed(journal: &dyn Journal, filter: AuditFilter) -> Vec<AuditEntry> {
    journal.audit(filter).await.expect("the audit log").entries
}

async fn times(journal: &dyn Journal, filter: AuditFilter) -> Vec<i64> {
    listed(journal, filter).await.iter().map(|entry| entry.at.0).collect()
}

/// As it was written, each part.
pub async fn what_was_done_is_listed_newest_first(journal: &dyn Journal) {
    assert_eq!(listed(journal, AuditFilter::default()).await, []);
    let entries = [done(1), by(ActorKind::Token, "crm", None, 2), by(ActorKind::Cli, "root", Some("2"), 3)];
    journal.note_done(entries[..2].to_vec()).await.expect("noted");
    journal.note_done(entries[2..].to_vec()).await.expect("noted");
    let expected: Vec<_> = entries.into_iter().rev().collect();
    assert_eq!(listed(journal, AuditFilter::default()).await, expected);
}

/// Alone and together.
pub async fn the_audit_log_is_filtered_by_account_actor_and_kind(journal: &dyn Journal) {
    let entries = vec![
        by(ActorKind::Person, "olga", Some("1"), 1),
        by(ActorKind::Token, "olga", Some("2"), 2),
        by(ActorKind::Person, "bo", Some("2"), 3),
        by(ActorKind::Cli, "olga", None, 4),
    ];
    journal.note_done(entries).await.expect("noted");
    let account = |account: &str| Some(AccountId::new(account));
    let actor = |actor: &str| Some(actor.to_owned());
    let filters = [
        (AuditFilter { account: account("2"), ..AuditFilter::default() }, vec![3, 2]),
        (AuditFilter { actor: actor("olga"), ..AuditFilter::default() }, vec![4, 2, 1]),
        (AuditFilter { kind: Some(ActorKind::Person), ..AuditFilter::default() }, vec![3, 1]),
        (AuditFilter { account: account("2"), actor: actor("olga"), ..AuditFilter::default() }, vec![2]),
        (AuditFilter { actor: actor("olga"), kind: Some(ActorKind::Cli), ..AuditFilter::default() }, vec![4]),
        (AuditFilter { account: account("3"), ..AuditFilter::default() }, vec![]),
    ];
    for (filter, expected) in filters {
        assert_eq!(times(journal, filter.clone()).await, expected, "{filter:?}");
    }
}

/// Also while something is added at the front; a place outlives being written as text.
pub async fn its_pages_neither_skip_nor_repeat(journal: &dyn Journal) {
    journal.note_done((1..=10).map(done).collect()).await.expect("noted");
    let mut filter = AuditFilter { account: Some(AccountId::new("1")), limit: 3, ..AuditFilter::default() };
    let mut seen = Vec::new();
    loop {
        let page = journal.audit(filter.clone()).await.expect("a page");
        seen.extend(page.entries.iter().map(|entry| entry.at.0));
        journal.note_done(vec![done(100)]).await.expect("noted");
        match page.next {
            Some(next) => filter.after = Some(next.to_string().parse().expect("a place")),
            None => break,
        }
    }
    assert_eq!(seen, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    let all = AuditFilter { limit: 14, ..AuditFilter::default() };
    assert_eq!(journal.audit(all).await.expect("a page").next, None, "a full page that is the last says so");
}

fn account_named(name: &str, expected: Option<u64>) -> Put {
    let value = Some(Setting::Account(Account::named(name)));
    Put { key: SettingKey::Account(AccountId::new("1")), value, expected }
}

/// What was refused, and what removed nothing, was not done.
pub async fn a_change_and_its_note_are_kept_together_or_not_at_all(journal: &dyn Journal) {
    let made = journal.put_all(vec![account_named("one", Some(0))], vec![done(1)]).await.expect("made");
    assert_eq!(made, [journal.settings_revision().await.expect("a revision")]);
    let refused = journal.put_all(vec![account_named("two", Some(0))], vec![done(2)]).await;
    assert!(matches!(refused, Err(JournalError::Conflict { expected: 0, .. })), "{refused:?}");
    let nothing = Put { key: SettingKey::Token("x".to_owned()), value: None, expected: None };
    assert_eq!(journal.put_all(vec![nothing], vec![done(3)]).await.expect("nothing to remove"), [0]);
    assert_eq!(times(journal, AuditFilter::default()).await, [1]);
}

/// One that is refused keeps all of them as they were.
pub async fn several_settings_change_together_or_not_at_all(journal: &dyn Journal) {
    let employee = |expected| Put {
        key: SettingKey::Employee(AccountId::new("1"), "101".to_owned()),
        value: Some(Setting::Employee(Employee { name: "Åse".to_owned() })),
        expected,
    };
    let refused =
        journal.put_all(vec![account_named("one", Some(0)), employee(Some(7))], vec![done(1)]).await;
    assert!(matches!(refused, Err(JournalError::Conflict { expected: 7, found: 0 })), "{refused:?}");
    assert_eq!(journal.settings().await.expect("settings"), []);
    let versions =
        journal.put_all(vec![account_named("one", Some(0)), employee(Some(0))], vec![]).await.expect("made");
    assert!(versions.is_sorted_by(|one, other| one < other), "{versions:?}");
    assert_eq!(journal.settings().await.expect("settings").len(), 2);
    assert_eq!(journal.settings_since(0).await.expect("changes").len(), 2);
}

/// The newest of them; of tokens and the command line nothing does.
pub async fn what_people_did_outlives_its_days(journal: &dyn Journal) {
    let many = i64::try_from(AUDIT_OF_PEOPLE_KEPT).expect("a small number") + 20;
    let mut entries: Vec<_> = (1..=many).map(done).collect();
    entries.push(by(ActorKind::Token, "crm", None, 30));
    entries.push(by(ActorKind::Cli, "root", None, many + 7));
    journal.note_done(entries).await.expect("noted");
    let mut gone = 0;
    loop {
        match journal.prune_audit(WallTime(many + 1)).await.expect("pruned") {
            0 => break,
            some => gone += some,
        }
    }
    assert_eq!(gone, 21, "twenty of people, and the token's");
    let left = times(journal, AuditFilter::default()).await;
    assert_eq!(left.len(), AUDIT_OF_PEOPLE_KEPT + 1);
    assert_eq!((left[0], left[1], left[AUDIT_OF_PEOPLE_KEPT]), (many + 7, many, 21));
}

/// However much of it there is within its days.
pub async fn a_flood_by_tokens_takes_nothing_from_people(journal: &dyn Journal) {
    journal.note_done((1..=20).map(done).collect()).await.expect("noted");
    journal
        .note_done((21..=2_600).map(|at| by(ActorKind::Token, "crm", None, at)).collect())
        .await
        .expect("noted");
    while journal.prune_audit(WallTime(2_000)).await.expect("pruned") > 0 {}
    let of_people = AuditFilter { kind: Some(ActorKind::Person), ..AuditFilter::default() };
    assert_eq!(times(journal, of_people).await.len(), 20);
    let of_tokens = AuditFilter { kind: Some(ActorKind::Token), ..AuditFilter::default() };
    assert_eq!(times(journal, of_tokens).await.last(), Some(&2_000));
}

/// And it stays one line.
pub async fn a_part_that_is_too_long_is_cut(journal: &dyn Journal) {
    let long = AuditEntry { actor: "a\nb\tc".to_owned(), detail: "å".repeat(5_000), ..done(1) };
    journal.note_done(vec![long]).await.expect("noted");
    let kept = &listed(journal, AuditFilter::default()).await[0];
    assert_eq!((kept.actor.as_str(), kept.detail.chars().count()), ("a b c", AUDIT_MAX_CHARS));
}
