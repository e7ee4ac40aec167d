//! Legs, and what the call logic gets back at a restart.

use calls::{Direction, EventKind, Kept, PbxName, PbxTime};

use super::sample::{Leg, append, keep};
use crate::{Filter, Journal};

/// Newest first, by their beginnings.
pub async fn a_leg_is_listed_with_its_beginning_and_its_end(journal: &dyn Journal) {
    let (rings, dials, talked) = (Leg::incoming(1), Leg::outgoing(2), Leg::incoming(4));
    keep(journal, talked.append(&[EventKind::Incoming, EventKind::Answered], &[1])).await;
    keep(journal, rings.append(&[EventKind::Incoming], &[1])).await;
    keep(journal, dials.whole(&[1])).await;
    keep(journal, talked.append(&[EventKind::Ended], &[1])).await;
    let legs = journal.legs(Filter::default()).await.expect("legs");
    let begun: Vec<_> = legs.iter().map(|leg| leg.begun.clone()).collect();
    assert_eq!(begun, [dials.begin(), rings.begin(), talked.begin()]);
    assert_eq!(legs[0].direction, Direction::Outgoing);
    assert_eq!(legs[0].ended, Some(dials.event(EventKind::Ended)));
    assert_eq!((legs[1].direction, &legs[1].ended, legs[1].answered_at), (Direction::Incoming, &None, None));
    assert_eq!(legs[2].answered_at, Some(talked.event(EventKind::Answered).at));
    assert_eq!(legs[2].ended, Some(talked.event(EventKind::Ended)));

    let outgoing = Filter { kind: Some(EventKind::Outgoing), ..Filter::default() };
    assert_eq!(journal.legs(outgoing).await.expect("legs"), legs[..1]);
    let next_page = Filter { before: Some(legs[0].cursor()), limit: 1, ..Filter::default() };
    assert_eq!(journal.legs(next_page).await.expect("legs"), legs[1..2]);
    let followed = Filter { after: Some(legs[2].cursor()), ..Filter::default() };
    assert_eq!(journal.legs(followed).await.expect("legs"), [legs[1].clone(), legs[0].clone()]);
    for leg in &legs {
        let by_leg = Filter { leg: Some(leg.begun.leg.clone()), ..Filter::default() };
        assert_eq!(journal.legs(by_leg).await.expect("legs"), std::slice::from_ref(leg));
    }
}

/// As it was last known.
pub async fn an_open_leg_is_restored_and_an_ended_one_is_not(journal: &dyn Journal) {
    let (open, ended) = (Leg::incoming(6), Leg::incoming(7));
    keep(journal, ended.append(&[EventKind::Incoming], &[1])).await;
    keep(journal, open.append(&[EventKind::Incoming], &[1])).await;
    let mut answer = open.append(&[EventKind::Answered], &[1]);
    answer.events[0].0.a_number = "+4588888888".into();
    keep(journal, answer).await;
    keep(journal, ended.append(&[EventKind::Ended], &[1])).await;
    let restored = journal.restore(open.pbx.clone()).await.expect("restored");
    assert_eq!(restored.legs.len(), 1);
    let leg = &restored.legs[0];
    let begun = open.begin();
    assert_eq!((&leg.leg, &leg.call, &leg.phone), (&begun.leg, &begun.call, &begun.phone));
    assert_eq!((leg.sequence, leg.direction, leg.begun_at), (2, Direction::Incoming, begun.begun_at));
    assert_eq!(leg.answered_at, Some(open.event(EventKind::Answered).at));
    assert_eq!(&*leg.a_number, "+4588888888");
}

/// One note a channel.
pub async fn notes_are_replaced_and_forgotten(journal: &dyn Journal) {
    let (one, two) = (Leg::incoming(1), Leg::incoming(2));
    let first = Kept { answered_at: Some(PbxTime::from_secs(1)), ..Kept::default() };
    let ended = Leg::incoming(3).event(EventKind::Ended);
    let transfer = match ended.what {
        calls::What::Ended(ended) => ended.transfer,
        calls::What::Incoming | calls::What::Answered | calls::What::Outgoing => None,
    };
    assert!(transfer.is_some());
    let second = Kept {
        transfer: transfer.clone(),
        leg_transfer: transfer,
        answered_at: None,
        held_since: Some(PbxTime::from_secs(3)),
    };
    append(journal, one.note(Some(first.clone()))).await;
    append(journal, two.note(Some(first))).await;
    append(journal, one.note(Some(second.clone()))).await;
    append(journal, two.note(None)).await;
    let restored = journal.restore(one.pbx.clone()).await.expect("restored");
    assert_eq!(restored.notes.len(), 1);
    assert_eq!(
        (&*restored.notes[0].channel, &restored.notes[0].kept),
        (one.channel().as_str(), &Some(second))
    );
}

/// Also when nothing came with it.
pub async fn the_last_moment_heard_never_goes_back(journal: &dyn Journal) {
    let (early, late) = (Leg::incoming(1), Leg::incoming(9));
    assert_eq!(journal.restore(early.pbx.clone()).await.expect("restored").last_heard, None);
    append(journal, late.append(&[], &[])).await;
    append(journal, early.append(&[], &[])).await;
    let restored = journal.restore(early.pbx.clone()).await.expect("restored");
    assert_eq!(restored.last_heard, Some(late.begins_at()));
}

/// No event of the leg says when the other side answered, until it has ended.
pub async fn the_answer_of_an_outgoing_leg_is_found_in_its_note(journal: &dyn Journal) {
    let leg = Leg::outgoing(3);
    keep(journal, leg.append(&[EventKind::Outgoing], &[])).await;
    let answered_at = Some(PbxTime::from_secs(42));
    append(journal, leg.note(Some(Kept { answered_at, ..Kept::default() }))).await;
    assert_eq!(journal.legs(Filter::default()).await.expect("legs")[0].answered_at, answered_at);
}

/// Each gets back its own.
pub async fn pbxs_do_not_see_each_other(journal: &dyn Journal) {
    let (one, two) = (Leg::incoming(1).on("one"), Leg::incoming(1).on("two"));
    keep(journal, one.append(&[EventKind::Incoming], &[])).await;
    append(journal, one.note(Some(Kept::default()))).await;
    keep(journal, two.append(&[EventKind::Incoming], &[])).await;
    let restored = journal.restore(PbxName::new("two")).await.expect("restored");
    assert_eq!((restored.legs.len(), restored.notes.len()), (1, 0));
    assert_eq!(restored.legs[0].leg, two.id());
}
