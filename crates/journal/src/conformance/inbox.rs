//! Inboxes: what is asked of a part's owner is done by whoever has the part, and is neither lost nor done twice. Each rule
//! is given one journal as two gateways see it.

use std::time::Duration;

use calls::{EventKind, PbxName};

use super::sample::{Leg, delivery, keep, tried};
use crate::settings::IntegrationId;
use crate::{
    About, Accepted, Answer, Asked, EventSeq, Facts, Given, Grant, Journal, JournalError, Outcome, Settled,
    WISHES_OF_A_PART, Wish, WishId, facts,
};

async fn take(journal: &dyn Journal, pbx: &str) -> Grant {
    let pbx = PbxName::new(pbx);
    let fleet = journal.tick(&About::default()).await.expect("a beat");
    let seen = fleet.leases.into_iter().find(|lease| lease.pbx == pbx).map(|lease| lease.epoch);
    journal.take(pbx, seen, Duration::ZERO).await.expect("an answer").expect("nobody was quicker").grant
}

fn again(seq: i64) -> Wish {
    Wish::Again(vec![delivery(EventSeq(seq), 1)])
}

async fn ask(journal: &dyn Journal, of: Grant, wish: Wish) -> WishId {
    match journal.ask(of.part(), wish).await.expect("asked") {
        Asked::Waits(id) => id,
        other => panic!("{other:?}"),
    }
}

async fn asked(journal: &dyn Journal, of: Grant) -> Vec<Wish> {
    let asked = journal.asked(of, None).await.expect("what is asked");
    asked.into_iter().map(|(_, wish)| wish).collect()
}

fn done(done: u64) -> Answer {
    Answer { done, left: vec![("webhook_paused".to_owned(), 2)] }
}

/// The same wish is the one that waits, whoever asks; once it is answered it is asked anew.
pub async fn what_was_asked_twice_is_done_once(one: &dyn Journal, other: &dyn Journal) {
    let (a, b) = (take(one, "pbx1").await, take(one, "pbx2").await);
    let first = ask(other, a, again(1)).await;
    assert_eq!(ask(other, a, again(1)).await, first);
    assert_eq!(ask(one, a, again(1)).await, first);
    let mut rest = vec![ask(other, a, again(2)).await];
    rest.push(ask(other, a, Wish::Cancel(vec![delivery(EventSeq(1), 1)])).await);
    assert_ne!(ask(other, b, again(1)).await, first, "it is another part's");
    let all = one.asked(a, None).await.expect("what is asked");
    assert_eq!(all.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [vec![first], rest].concat());
    assert_eq!(one.asked(a, Some(first)).await.expect("what is asked"), all[1..], "from behind it on");
    assert_eq!(other.answered(first).await.expect("an answer"), None);
    one.answer(a, first, done(3)).await.expect("answered");
    assert_eq!(other.answered(first).await.expect("an answer"), Some(done(3)));
    assert_eq!(one.asked(a, None).await.expect("what is asked"), all[1..]);
    // The answer got lost: it is given once more, and the first one counts.
    one.answer(a, first, done(0)).await.expect("answered");
    assert_eq!(other.answered(first).await.expect("an answer"), Some(done(3)));
    let facts = ask(other, a, Wish::Facts(b"kept".to_vec())).await;
    assert_eq!(ask(other, a, Wish::Facts(b"kept".to_vec())).await, facts);
    one.answer(a, facts, done(1)).await.expect("answered");
    let anew = ask(other, a, again(1)).await;
    assert_ne!(anew, first, "it was done, and is wished once more");
    assert_eq!(one.asked(a, None).await.expect("what is asked").last(), Some(&(anew, again(1))));
}

/// Also of a part that nobody has; and all learn at their ticks which parts are asked.
pub async fn what_is_asked_waits_for_whoever_has_the_part_next(one: &dyn Journal, other: &dyn Journal) {
    let (grant, quiet) = (take(one, "pbx1").await, take(one, "pbx2").await);
    let kinds = EventKind::ALL.map(|kind| Wish::Reload {
        integration: IntegrationId { number: 4 },
        kind,
        with_kept: kind == EventKind::Answered,
    });
    one.release(grant, Given::InOrder).await.expect("given back");
    for wish in &kinds {
        ask(one, grant, wish.clone()).await;
    }
    let facts = Wish::Facts(vec![0, 1, 255]);
    let last = ask(one, grant, facts.clone()).await;
    for journal in [one, other] {
        assert_eq!(journal.tick(&About::default()).await.expect("a beat").asked, [grant.part()]);
    }
    let taken = take(other, "pbx1").await;
    assert_eq!(asked(other, taken).await, [&kinds[..], &[facts]].concat());
    for (id, _) in other.asked(taken, None).await.expect("what is asked") {
        other.answer(taken, id, Answer::default()).await.expect("answered");
    }
    assert_eq!(asked(other, taken).await, []);
    assert_eq!(one.answered(last).await.expect("an answer"), Some(Answer::default()));
    assert!(one.tick(&About::default()).await.expect("a beat").asked.is_empty());
    assert_eq!(asked(one, quiet).await, []);
}

/// What it did counts for nothing, so it waits for the next.
pub async fn who_lost_a_part_answers_nothing(one: &dyn Journal, other: &dyn Journal) {
    let lost = take(one, "pbx1").await;
    let wish = ask(other, lost, again(1)).await;
    let has = take(other, "pbx1").await;
    let late = one.answer(lost, wish, done(1)).await;
    assert!(matches!(late, Err(JournalError::Taken { .. })), "{late:?}");
    assert_eq!(other.answered(wish).await.expect("an answer"), None);
    assert_eq!(asked(other, has).await, [again(1)]);
}

/// But for those who need not be asked.
pub async fn what_is_asked_of_all_parts_is_asked_of_each(one: &dyn Journal, other: &dyn Journal) {
    let grants = [take(one, "pbx1").await, take(other, "pbx2").await, take(other, "pbx3").await];
    other.release(grants[2], Given::InOrder).await.expect("given back");
    let no_pbxs = take(other, "").await;
    let answers = one.ask_all(vec![grants[0].part()], again(1)).await.expect("asked");
    assert!(answers.len() == 3 && answers.iter().all(|one| matches!(one, Asked::Waits(_))), "{answers:?}");
    assert_eq!(one.ask_all(vec![grants[0].part()], again(1)).await.expect("asked"), answers);
    assert_eq!(asked(one, grants[0]).await, []);
    assert_eq!(asked(other, grants[1]).await, [again(1)]);
    assert_eq!(asked(other, no_pbxs).await, [again(1)]);
    assert_eq!(asked(other, take(one, "pbx3").await).await, [again(1)]);
}

/// Of one part it is no other's, and what is done makes room.
pub async fn a_flood_of_wishes_has_a_bound_and_keeps_no_facts_out(one: &dyn Journal, other: &dyn Journal) {
    let (a, b) = (take(one, "pbx1").await, take(one, "pbx2").await);
    let mut first = None;
    for number in 0..WISHES_OF_A_PART {
        let id = ask(other, a, again(i64::try_from(number).expect("few"))).await;
        first.get_or_insert(id);
    }
    let more = || other.ask(a.part(), again(9_999));
    assert_eq!(more().await.expect("asked"), Asked::Full);
    ask(other, a, again(0)).await;
    ask(other, b, again(9_999)).await;
    ask(other, a, Wish::Facts(b"kept".to_vec())).await;
    one.answer(a, first.expect("one"), done(1)).await.expect("answered");
    assert!(matches!(more().await.expect("asked"), Asked::Waits(_)));
    let (mut many, mut after) = (0, None);
    loop {
        let some = one.asked(a, after).await.expect("what is asked");
        let Some((last, _)) = some.last() else { break };
        after = Some(*last);
        many += some.len();
    }
    assert_eq!(many, WISHES_OF_A_PART + 1);
}

/// Events that are there stay as they are, the others are kept under the owner's grant; what was taken is known by its event,
/// wherever that was kept; and a leg that was ended takes nothing more.
pub async fn what_another_kept_is_kept_once_however_often_it_is_brought(
    one: &dyn Journal,
    other: &dyn Journal,
) {
    let lost = take(one, "pbx1").await;
    let (incoming, answered, ended) = (EventKind::Incoming, EventKind::Answered, EventKind::Ended);
    let leg = |number| Leg::incoming(number).under(lost);
    let there = keep(one, leg(1).append(&[incoming], &[1, 2])).await[0];
    keep(one, leg(2).append(&[incoming, ended], &[])).await;
    let has = take(other, "pbx1").await;
    let accepted = |leg: &Leg, kind, number, attempt| Accepted {
        event: leg.event(kind).id(),
        integration: IntegrationId { number },
        attempt,
    };
    let attempt = tried(delivery(there, 1), 1, 200, Outcome::Delivered).attempt;
    let mut noted = leg(3).note(Some(calls::Kept::default()));
    noted.events = leg(3).append(&[incoming], &[1]).events;
    let facts = Facts {
        moments: vec![leg(1).append(&[incoming, answered], &[1, 2]), leg(2).append(&[answered], &[1]), noted],
        accepted: vec![
            accepted(&leg(1), incoming, 1, attempt.clone()),
            accepted(&leg(1), answered, 2, None),
            accepted(&leg(2), answered, 1, None),
            accepted(&leg(9), ended, 1, None),
        ],
    };
    let now = one.now().await.expect("it says");
    let packed = facts::write(&facts, now);
    for round in 0..2 {
        let facts = facts::read(&packed, now).expect("as it was written");
        let brought = facts::bring(other, has, facts).await.expect("kept");
        let news: Vec<_> = brought.news.iter().map(|(kept, left)| (kept.event.id(), left.len())).collect();
        let new = [(leg(1).event(answered).id(), 1), (leg(3).event(incoming).id(), 1)];
        assert_eq!(news, if round == 0 { &new[..] } else { &[] });
        assert_eq!((brought.repeats.len(), brought.refused), (if round == 0 { 1 } else { 3 }, 1));
        let settles: Vec<_> = brought.accepted.iter().map(|(settle, _)| settle.clone()).collect();
        assert_eq!(settles.len(), 2, "{settles:?}");
        let settled = other.settle(&settles).await.expect("an answer");
        assert_eq!(settled, [if round == 0 { Settled::Done } else { Settled::Gone }; 2]);
    }
    let left = other.load_all(has).await.expect("pending");
    let left: Vec<_> = left.iter().map(|one| (one.id.event.part(), one.id.integration.number)).collect();
    assert_eq!(left, [(has.part(), 2), (has.part(), 1), (has.part(), 1)]);
    assert_eq!(other.attempts(delivery(there, 1)).await.expect("attempts"), [*attempt.expect("one")]);
    assert!(
        other.restore(PbxName::new("pbx1")).await.expect("restored").notes.is_empty(),
        "notes are its own"
    );
    let size = other.size().await.expect("size");
    assert_eq!((size.events, size.pending), (5, 3));
    let late = facts::bring(one, lost, facts).await;
    assert!(matches!(late, Err(JournalError::Taken { .. })), "{late:?}");
}
