use std::fs;

use futures_util::FutureExt as _;
use tempfile::tempdir;

use super::*;

fn outcome(event: i64) -> OutcomeShape<'static> {
    OutcomeShape {
        event,
        integration: 7,
        verb: 0,
        number: Some(1),
        last: Some("200"),
        at: 5,
        due_at: None,
        detail: Some(Bytes(b"as it was")),
    }
}

fn settled(events: &[i64]) -> Entry<'static> {
    Entry::Settle(events.iter().map(|event| outcome(*event)).collect())
}

fn alone(events: &[i64]) -> [(Grant, Entry<'static>); 1] {
    [(Grant::ALONE, settled(events))]
}

fn read(oldest: &Oldest) -> Vec<Vec<i64>> {
    let of = |(_, _, entry): (Grant, i64, Entry<'_>)| match entry {
        Entry::Settle(rows) => rows.iter().map(|row| row.event).collect(),
        Entry::Append(_) => panic!("nothing was appended"),
    };
    oldest.entries().expect("entries").into_iter().map(of).collect()
}

#[tokio::test]
async fn what_was_kept_comes_out_in_order_after_a_restart_too_and_only_once() {
    let folder = tempdir().expect("a folder");
    let spool = Spool::open(folder.path(), 1 << 20).expect("a spool");
    assert!(!spool.is_in_use() && spool.oldest(Vec::new()).await.expect("nothing").is_none());
    for event in 1..=3 {
        spool.keep(&alone(&[event, 10 * event])).await.expect("kept");
    }
    drop(spool);
    let spool = Spool::open(folder.path(), 1 << 20).expect("a spool");
    assert!(spool.is_in_use(), "the last run left something");
    let oldest = spool.oldest(Vec::new()).await.expect("read").expect("entries");
    assert_eq!(read(&oldest), [[1, 10], [2, 20], [3, 30]]);
    // What comes meanwhile goes behind it.
    spool.keep(&alone(&[4])).await.expect("kept");
    spool.is_merged(oldest).await.expect("removed");
    assert!(spool.is_in_use());
    let rest = spool.oldest(Vec::new()).await.expect("read").expect("entries");
    assert_eq!(read(&rest), [[4]]);
    spool.is_merged(rest).await.expect("removed");
    assert!(spool.grants().await.expect("read").is_none() && !spool.is_in_use());
    assert!(spool.spooled().is_none());
}

#[tokio::test]
async fn an_entry_is_of_one_grant_and_one_of_before_there_were_any_is_of_who_was_alone() {
    let folder = tempdir().expect("a folder");
    let place = folder.path().join(FILE);
    let older = rusqlite::Connection::open(&place).expect("opens");
    older
        .execute_batch(
            "CREATE TABLE entry (n INTEGER PRIMARY KEY, first INTEGER, events INTEGER NOT NULL, packed BLOB NOT NULL) STRICT;
             CREATE INDEX entry_first ON entry (first) WHERE first IS NOT NULL;
             CREATE TABLE store (seal TEXT NOT NULL) STRICT;
             PRAGMA user_version = 1",
        )
        .expect("as it was");
    let insert = "INSERT INTO entry (first, events, packed) VALUES (NULL, 0, ?1)";
    older.execute(insert, [settled(&[1]).write()]).expect("kept");
    drop(older);
    let spool = Spool::open(folder.path(), 1 << 20).expect("a spool");
    let grant = |part, epoch| Grant::new(crate::Part(part), crate::Epoch(epoch));
    let (a, b) = (grant(32_767, 1_048_575), grant(0, 3));
    spool.keep(&[(a, settled(&[2])), (b, settled(&[3]))]).await.expect("kept");
    spool.keep(&[(a, settled(&[4]))]).await.expect("kept");
    drop(spool);
    let spool = Spool::open(folder.path(), 1 << 20).expect("a spool");
    assert_eq!(spool.grants().await.expect("read"), Some(vec![Grant::ALONE, a, b]));
    let of_a = spool.oldest_of(a).await.expect("read").expect("entries");
    assert_eq!(read(&of_a), [[2], [4]]);
    let others = spool.oldest(vec![a]).await.expect("read").expect("entries");
    assert_eq!(read(&others), [[1], [3]]);
    spool.is_merged(of_a).await.expect("removed");
    assert_eq!(spool.grants().await.expect("read"), Some(vec![Grant::ALONE, b]));
    spool.is_merged(others).await.expect("removed");
    assert!(!spool.is_in_use());
}

/// A gateway that stops or gives a part back merges for some seconds only.
#[tokio::test]
async fn a_merge_that_is_broken_off_leaves_nothing_counted_that_is_gone() {
    let folder = tempdir().expect("a folder");
    let spool = Spool::open(folder.path(), 1 << 20).expect("a spool");
    spool.keep(&alone(&[1])).await.expect("kept");
    let oldest = spool.oldest(Vec::new()).await.expect("read").expect("entries");
    let broken_off = {
        let _file = spool.file.lock().expect("nobody died");
        spool.is_merged(oldest).now_or_never()
    };
    assert!(broken_off.is_none());
    while spool.oldest(Vec::new()).await.expect("read").is_some() {}
    assert!(!spool.is_in_use());
}

/// Who broke off waiting reads once more what is being removed.
#[tokio::test]
async fn what_is_merged_twice_is_counted_as_gone_once() {
    let folder = tempdir().expect("a folder");
    let spool = Spool::open(folder.path(), 1 << 20).expect("a spool");
    let (a, b) = (Grant::ALONE, Grant::new(crate::Part(3), crate::Epoch(1)));
    spool.keep(&[(a, settled(&[1])), (b, settled(&[2]))]).await.expect("kept");
    let once = spool.oldest_of(a).await.expect("read").expect("entries");
    let again = spool.oldest_of(a).await.expect("read").expect("entries");
    spool.is_merged(once).await.expect("removed");
    spool.is_merged(again).await.expect("it is gone already");
    assert!(spool.is_in_use(), "another entry is there");
    assert_eq!(read(&spool.oldest(Vec::new()).await.expect("read").expect("entries")), [[2]]);
}

/// The disk is full, or gone: what is refused goes to the engine as soon as that is back.
#[tokio::test]
async fn what_could_not_be_written_does_not_keep_it_in_use() {
    let folder = tempdir().expect("a folder");
    let spool = Spool::open(folder.path(), 1 << 20).expect("a spool");
    let other = rusqlite::Connection::open(folder.path().join(FILE)).expect("opens");
    other.execute_batch("DROP TABLE entry").expect("broken");
    spool.keep(&alone(&[1])).await.expect_err("there is nowhere to write it");
    assert!(!spool.is_in_use() && spool.spooled().is_none());
}

/// Nobody knows what was done to the wall's clock between two runs; an older program knows nothing of either.
#[tokio::test]
async fn how_far_the_clocks_were_apart_is_known_of_this_run_alone() {
    let folder = tempdir().expect("a folder");
    let ahead = async |spool: &Spool| -> Vec<i64> {
        let oldest = spool.oldest(Vec::new()).await.expect("read").expect("entries");
        oldest.entries().expect("entries").iter().map(|(_, ahead, _)| *ahead).collect()
    };
    let spool = Spool::open(folder.path(), 1 << 20).expect("a spool");
    steady::now();
    ::clock::ahead_by(-7_000_000_000);
    spool.keep(&alone(&[1])).await.expect("kept");
    ::clock::ahead_by(0);
    assert_eq!(left_in_spool(folder.path()), Ok(1), "who only looks changes nothing");
    assert!(ahead(&spool).await[0].abs_diff(7_000_000_000) < 1_000_000_000);
    drop(spool);
    let older = rusqlite::Connection::open(folder.path().join(FILE)).expect("opens");
    let insert = "INSERT INTO entry (first, events, packed, part, epoch) VALUES (NULL, 0, ?1, 0, 0)";
    older.execute(insert, [settled(&[2]).write()]).expect("kept");
    drop(older);
    assert_eq!(ahead(&Spool::open(folder.path(), 1 << 20).expect("a spool")).await, [0, 0]);
}

#[tokio::test]
async fn what_is_in_it_goes_to_no_other_store() {
    let folder = tempdir().expect("a folder");
    assert_eq!(left_in_spool(folder.path()), Ok(0));
    let spool = Spool::open(folder.path(), 1 << 20).expect("a spool");
    for seal in ["one", "another", "one"] {
        assert_eq!(spool.becomes(seal.to_owned()).await, Ok(true), "it is empty");
    }
    spool.keep(&alone(&[1])).await.expect("kept");
    drop(spool);
    assert_eq!(left_in_spool(folder.path()), Ok(1));
    let spool = Spool::open(folder.path(), 1 << 20).expect("a spool");
    assert_eq!(spool.becomes("another".to_owned()).await, Ok(false));
    assert_eq!(spool.becomes("one".to_owned()).await, Ok(true));
}

#[tokio::test]
async fn what_has_no_room_is_refused_and_nothing_of_it_counts() {
    let folder = tempdir().expect("a folder");
    let spool = Spool::open(folder.path(), 100).expect("a spool");
    spool.keep(&alone(&[1])).await.expect("there is room");
    let before = spool.spooled().expect("in use").bytes;
    let refused = spool.keep(&alone(&[2, 3, 4, 5])).await.expect_err("there is none");
    assert!(refused.contains("full"), "{refused}");
    assert_eq!(spool.spooled().expect("in use").bytes, before);
}

#[tokio::test]
async fn a_newer_file_and_one_that_is_none_are_refused() {
    let folder = tempdir().expect("a folder");
    drop(Spool::open(folder.path(), 100).expect("a spool"));
    let file = folder.path().join(FILE);
    rusqlite::Connection::open(&file).expect("opens").pragma_update(None, "user_version", 9).expect("newer");
    assert!(Spool::open(folder.path(), 100).err().expect("newer").contains("its format is 9"));
    fs::write(&file, "no database at all, and long enough to be looked at as one").expect("written");
    assert!(Spool::open(folder.path(), 100).is_err());
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempdir().expect("a folder");
    drop(Spool::open(folder.path(), 100).expect("a spool"));
    let mode = fs::metadata(folder.path().join(FILE)).expect("there").permissions().mode();
    assert_eq!(mode & 0o077, 0);
}
