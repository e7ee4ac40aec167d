//! Webhooks that fail, where several gateways send to them: a streak of failures is one for all of them, and whoever gets
//! through ends it. Each rule is given one journal as two gateways see it.

use std::time::Duration;

use calls::PbxName;

use crate::settings::IntegrationId;
use crate::{Failing, Journal};

const URL: &str = "https://crm/\u{e5}";

fn note(secs: u64, streak: u64) -> Failing {
    let integration = IntegrationId { number: 1 };
    Failing { integration, url: URL.to_owned(), lasted: Duration::from_secs(secs), streak }
}

async fn shared(one: &dyn Journal) {
    let part = one.take(PbxName::new("pbx1"), None, Duration::ZERO).await.expect("an answer");
    part.expect("nobody was quicker");
}

async fn write(journal: &dyn Journal, note: Failing) {
    journal.note_failing(vec![note]).await.expect("noted");
}

/// How long it has failed, by the one note there is, and in which streak.
async fn noted(journal: &dyn Journal) -> (u64, u64) {
    let notes = journal.failing().await.expect("notes");
    let [note] = &notes[..] else { panic!("one note, not {notes:?}") };
    assert_eq!((note.integration.number, &*note.url), (1, URL));
    (note.lasted.as_secs(), note.streak)
}

/// Who begins what another has begun changes nothing, and of what two have counted the longer holds.
pub async fn a_streak_is_counted_by_all_together(one: &dyn Journal, other: &dyn Journal) {
    shared(one).await;
    write(one, note(5, 0)).await;
    let (lasted, streak) = noted(other).await;
    assert!(lasted == 5 && streak > 0, "{lasted} {streak}");
    write(other, note(900, 0)).await;
    assert_eq!(noted(one).await, (5, streak));
    write(other, note(3_600, streak)).await;
    write(one, note(60, streak)).await;
    assert_eq!(noted(one).await, (3_600, streak));
}

/// Whoever has something taken ends it, and who counts on has to begin anew.
pub async fn what_somebody_had_taken_ends_a_streak(one: &dyn Journal, other: &dyn Journal) {
    shared(one).await;
    write(one, note(3_600, 0)).await;
    let (_, first) = noted(one).await;
    write(other, note(0, 0)).await;
    write(one, note(7_200, first)).await;
    assert_eq!(one.failing().await.expect("notes"), [], "it is not counted on");
    write(other, note(1, 0)).await;
    write(one, note(7_200, first)).await;
    let (lasted, second) = noted(one).await;
    assert!(lasted == 1 && second != first, "{lasted} {second} {first}");
}

/// Only while nobody had anything taken, and by one of those who have counted to the end.
pub async fn a_streak_is_ended_for_a_pause_once(one: &dyn Journal, other: &dyn Journal) {
    shared(one).await;
    let end = async |journal: &dyn Journal, streak| {
        journal.end_failing(note(432_000, streak)).await.expect("an answer")
    };
    write(one, note(432_000, 0)).await;
    let (_, first) = noted(one).await;
    write(other, note(0, 0)).await;
    assert!(!end(one, first).await, "another had something taken");
    write(other, note(432_000, 0)).await;
    assert!(!end(one, first).await, "and it has begun anew since");
    let (_, second) = noted(one).await;
    assert!(end(other, second).await);
    assert!(end(other, second).await, "an answer may be lost");
    assert!(!end(one, second).await, "it is paused by the other");
    assert_eq!(one.failing().await.expect("notes"), []);
}
