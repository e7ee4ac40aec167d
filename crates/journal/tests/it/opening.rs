//! What a journal is opened on: nothing, its own file, another's, somebody else's folder.

use std::path::Path;

use calls::{AccountId, EventKind, PbxTime};
use journal::conformance::sample::{Leg, attempt, delivery, keep, tried};
use journal::seal::Sealer;
use journal::settings::{Account, Secret, Setting, SettingKey};
use journal::verbs::*;
use journal::{
    Access, ActorKind, AuditFilter, Filter, Grant, JournalError, LegOutcome, Logging, Options, Outcome,
    RollingUp, SettingsCache, Sqlite,
};
use tempfile::{TempDir, tempdir};

use crate::older::{AS_FORMAT_7, as_format_5};

const FILE: &str = "journal.sqlite";

fn folder() -> TempDir {
    tempdir().expect("a folder")
}

fn open(folder: &Path, access: Access) -> Result<Sqlite, JournalError> {
    Sqlite::open(folder, access, Sealer::new([7; 32]))
}

/// One that leaves every event in its row, as programs before this one did.
fn open_unpacked(folder: &Path) -> Sqlite {
    let options = Options { rolling_up: RollingUp::never(), logging: Logging::never(), ..Options::default() };
    Sqlite::open_with(folder, Access::Gateway, Sealer::new([7; 32]), options).expect("a new one")
}

fn raw(folder: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(folder.join(FILE)).expect("the file opens")
}

fn error(opened: Result<Sqlite, JournalError>) -> JournalError {
    opened.err().expect("it is refused")
}

#[tokio::test]
async fn what_was_kept_is_there_after_a_restart() {
    let folder = folder();
    let journal = open(folder.path(), Access::Gateway).expect("a new one");
    let seqs = keep(&journal, Leg::incoming(1).whole(&[1])).await;
    drop(journal);
    let journal = open(folder.path(), Access::Gateway).expect("the same again");
    assert_eq!(journal.load_all(Grant::ALONE).await.expect("pending").len(), 3);
    let next = keep(&journal, Leg::incoming(2).whole(&[])).await;
    assert_eq!(next[0].0, seqs[2].0 + 1);
}

#[test]
fn a_second_gateway_on_a_folder_is_refused_and_told_by_whom() {
    let folder = folder();
    let first = open(folder.path(), Access::Gateway).expect("the first");
    let second = error(open(folder.path(), Access::Gateway));
    assert!(
        matches!(&second, JournalError::InUse { by, .. } if *by == std::process::id().to_string()),
        "{second}"
    );
    drop(first);
    open(folder.path(), Access::Gateway).expect("the folder is free again");
}

#[tokio::test]
async fn settings_can_be_changed_while_a_gateway_runs_and_it_notices() {
    let folder = folder();
    let gateway = std::sync::Arc::new(open(folder.path(), Access::Gateway).expect("the gateway"));
    let cache = SettingsCache::load(gateway.clone()).await.expect("a cache");
    assert!(!cache.refresh().await.expect("refreshed"));

    let command_line = open(folder.path(), Access::Settings).expect("the command line");
    let (id, name) = (AccountId::new("1"), "Nørre".to_owned());
    let account = Setting::Account(Account::named(name.clone()));
    command_line.put(SettingKey::Account(id.clone()), Some(account), Some(0)).await.expect("put");

    let event = command_line.append(&[Leg::incoming(1).whole(&[])]).await;
    assert!(matches!(event, Err(JournalError::Unwritable { .. })), "only settings");

    assert!(cache.refresh().await.expect("refreshed"));
    assert_eq!(cache.account(&id).expect("the account").account.name, name);
    keep(gateway.as_ref(), Leg::incoming(1).whole(&[])).await;
}

#[test]
fn the_command_line_may_be_the_first_to_come() {
    let folder = folder();
    open(folder.path(), Access::Settings).expect("a new one");
    open(folder.path(), Access::Gateway).expect("the same again");
}

#[test]
fn a_store_of_a_newer_program_is_refused() {
    let folder = folder();
    drop(open(folder.path(), Access::Gateway).expect("a new one"));
    raw(folder.path()).pragma_update(None, "user_version", 9_000).expect("changed");
    let refused = error(open(folder.path(), Access::Gateway));
    assert!(matches!(refused, JournalError::Newer { found: 9_000, .. }), "{refused}");
    assert!(refused.to_string().contains("9000"));
}

/// As the first format was: without a table of what fails, without what lists and reports are found by, and with
/// the details of an attempt in the history.
#[tokio::test]
async fn a_store_of_an_older_program_is_brought_up_to_date() {
    let folder = folder();
    let journal = open_unpacked(folder.path());
    journal
        .append(&(0..900).map(|number| Leg::incoming(number).whole(&[])).collect::<Vec<_>>())
        .await
        .expect("kept");
    let tried_twice =
        delivery(keep(&journal, Leg::incoming(900).append(&[EventKind::Incoming], &[1])).await[0], 1);
    let refused = [tried(tried_twice, 1, 500, Outcome::RetryIn(std::time::Duration::ZERO))];
    journal.settle(&refused).await.expect("settled");
    drop(journal);
    raw(folder.path())
        .execute_batch(&format!(
            "{AS_FORMAT_7} DROP TABLE line; DROP TABLE day; DROP TABLE audit; DROP TABLE failing;
             UPDATE history SET detail = (SELECT detail FROM details WHERE id = detail_id);
             ALTER TABLE history DROP COLUMN detail_id; DROP TABLE details;
             DELETE FROM meta WHERE name IN ('digested_to', 'longest_leg'); PRAGMA user_version = 1;"
        ))
        .expect("as it was");
    let journal = open(folder.path(), Access::Gateway).expect("the older one");
    let ever = PbxTime::from_secs(0)..PbxTime::from_secs(4_000_000_000);
    let sums = journal.sums(AccountId::new("1"), ever).await.expect("sums");
    assert_eq!(sums.quarters.values().sum::<u64>(), 900);
    let answered = Filter {
        account: Some(AccountId::new("1")),
        outcome: Some(LegOutcome::Answered),
        ..Filter::default()
    };
    assert_eq!(journal.legs(answered).await.expect("legs").len(), 450);
    assert_eq!(journal.failing().await.expect("nothing noted"), []);
    journal.settle(&[tried(tried_twice, 2, 200, Outcome::Delivered)]).await.expect("settled");
    let attempts = journal.attempts(tried_twice).await.expect("of both formats");
    assert_eq!(attempts, [attempt(1, 500), attempt(2, 200)]);
}

/// The audit log was a setting: one text, sealed, the newest line first.
#[tokio::test]
async fn the_audit_log_of_an_older_store_becomes_a_table() {
    let folder = folder();
    let journal = open(folder.path(), Access::Gateway).expect("a new one");
    let was = "9\tAPI crm\taudit.phone\t1\t201\n7\tolga\taudit.login\t\t\n";
    let key = SettingKey::System("audit".to_owned());
    journal.put(key, Some(Setting::System(Secret::new(was))), None).await.expect("put");
    drop(journal);
    raw(folder.path()).execute_batch(&as_format_5()).expect("as it was");
    let journal = open(folder.path(), Access::Gateway).expect("the older one");
    let entries = journal.audit(AuditFilter::default()).await.expect("the audit log").entries;
    let told = entries.iter().map(|e| (e.at.0, e.kind, e.actor.as_str(), e.what.as_str(), e.detail.as_str()));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            (9, ActorKind::Token, "crm", "audit.phone", "201"),
            (7, ActorKind::Person, "olga", "audit.login", ""),
        ]
    );
    assert_eq!(journal.settings().await.expect("settings"), [], "it is kept once");
}

#[test]
fn a_file_that_is_no_store_is_damage() {
    for content in [&b"this is not a database, and it is longer than one hundred bytes, which is what a header takes: so there."[..], &[0; 8192]] {
        let folder = folder();
        std::fs::write(folder.path().join(FILE), content).expect("written");
        let refused = error(open(folder.path(), Access::Gateway));
        assert!(matches!(refused, JournalError::Damaged { .. }), "{refused}");
    }
}

#[test]
fn another_programs_file_is_not_touched() {
    let folder = folder();
    raw(folder.path()).execute_batch("CREATE TABLE theirs (x)").expect("a table");
    let refused = error(open(folder.path(), Access::Gateway));
    assert!(matches!(refused, JournalError::Damaged { .. }), "{refused}");
    let tables: i64 = raw(folder.path())
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .expect("counted");
    assert_eq!(tables, 1);
}

#[tokio::test]
async fn a_store_with_a_broken_page_is_damage() {
    let folder = folder();
    let journal = open(folder.path(), Access::Gateway).expect("a new one");
    journal
        .append(&(0..200).map(|number| Leg::incoming(number).whole(&[1])).collect::<Vec<_>>())
        .await
        .expect("kept");
    drop(journal);
    let path = folder.path().join(FILE);
    let mut bytes = std::fs::read(&path).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8_192].fill(0x5a);
    std::fs::write(&path, bytes).expect("written");
    let refused = error(open(folder.path(), Access::Gateway));
    assert!(matches!(refused, JournalError::Damaged { .. }), "{refused}");
}

#[tokio::test]
async fn another_key_is_refused_and_says_what_to_do() {
    let folder = folder();
    drop(open(folder.path(), Access::Gateway).expect("a new one"));
    let refused = error(Sqlite::open(folder.path(), Access::Gateway, Sealer::new([8; 32])));
    assert!(matches!(refused, JournalError::WrongKey { .. }), "{refused}");
    assert!(refused.to_string().contains("key it was made with"), "{refused}");
}

/// A command that opened the store before the key was changed, and writes after.
#[tokio::test]
async fn who_opened_the_store_before_its_key_was_changed_leaves_nothing_that_the_new_key_does_not_open() {
    let folder = folder();
    let put = |journal: Sqlite, name: &'static str| async move {
        let secret = Some(Setting::System(Secret::new(name)));
        journal.put(SettingKey::System(name.to_owned()), secret, None).await
    };
    put(open(folder.path(), Access::Gateway).expect("a new one"), "before").await.expect("put");
    let command = open(folder.path(), Access::Settings).expect("beside");
    let (old, new) = (Sealer::new([7; 32]), Sealer::new([8; 32]));
    Sqlite::hold(folder.path()).expect("held").seal_anew(&old, &new).expect("sealed anew");
    let refused = put(command, "late").await.expect_err("sealed with the old key");
    assert!(matches!(refused, JournalError::WrongKey { .. }), "{refused}");
    let journal = Sqlite::open(folder.path(), Access::Settings, new).expect("opened by the new key");
    let all = journal.settings().await.expect("every secret is opened by the new key");
    let names: Vec<_> = all.iter().map(|row| row.key.clone()).collect();
    assert_eq!(names, [SettingKey::System("before".to_owned())]);
    put(journal, "again").await.expect("asked again, it is done");
}

#[tokio::test]
async fn secrets_are_not_in_the_file() {
    let folder = folder();
    let journal = open(folder.path(), Access::Gateway).expect("a new one");
    for (key, value) in journal::conformance::settings::all_kinds() {
        journal.put(key, Some(value), None).await.expect("put");
    }
    let key = SettingKey::System("link".to_owned());
    journal.put(key, Some(Setting::System(Secret::new("open sesame"))), None).await.expect("put");
    drop(journal);
    let bytes = std::fs::read(folder.path().join(FILE)).expect("read");
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("Atlantic/Faroe"), "what is no secret can be read");
    for secret in ["open sesame", "whsec_new", "whsec_old", "once upon a time"] {
        assert!(!holds(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_secret_moved_to_another_place_does_not_open() {
    let folder = folder();
    let journal = open(folder.path(), Access::Gateway).expect("a new one");
    for name in ["one", "two"] {
        let secret = Some(Setting::System(Secret::new(name)));
        journal.put(SettingKey::System(name.to_owned()), secret, None).await.expect("put");
    }
    raw(folder.path())
        .execute_batch("UPDATE settings SET value = (SELECT value FROM settings WHERE owner = 'one') WHERE owner = 'two'")
        .expect("moved");
    let read = journal.settings().await;
    assert!(matches!(read, Err(JournalError::WrongKey { .. })), "{read:?}");
}

#[test]
fn a_key_file_is_made_once_and_only_its_owner_reads_it() {
    let folder = folder();
    let path = folder.path().join("key");
    let made = Sealer::from_key_file(&path).expect("made");
    let sealed = made.seal("place", &Secret::new("x"));
    let read = Sealer::from_key_file(&path).expect("read");
    assert_eq!(read.open("place", &sealed).expect("opened"), Secret::new("x"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    std::fs::write(&path, [1; 31]).expect("written");
    Sealer::from_key_file(&path).expect_err("31 bytes are no key");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_unwritable() {
    let folder = folder();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").expect("written");
    let refused = error(open(&file.join("data"), Access::Gateway));
    assert!(matches!(refused, JournalError::Unwritable { .. }), "{refused}");
}

#[tokio::test]
async fn the_file_is_whole_when_the_journal_is_closed() {
    let folder = folder();
    let journal = open(folder.path(), Access::Gateway).expect("a new one");
    keep(&journal, Leg::incoming(1).whole(&[1])).await;
    journal.check().await.expect("whole");
    drop(journal);
    let copy = tempdir().expect("a folder");
    std::fs::copy(folder.path().join(FILE), copy.path().join(FILE)).expect("copied without its log");
    let journal = open(copy.path(), Access::Gateway).expect("the copy");
    assert_eq!(journal.events(Filter::default()).await.expect("events").len(), 3);
}
