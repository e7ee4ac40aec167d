//! Parts: who has one writes it, who lost it writes nothing, and who takes it finds all that was written. Each rule is
//! given one journal as two gateways see it.

use std::time::Duration;

use calls::{EventKind, PbxName};

use super::sample::{HOUR, Leg, append, delivery, is_about, keep, settle};
use crate::{
    About, Append, Appended, Epoch, EventSeq, Facts, Filter, Fleet, GatewayId, Given, Grant, Journal, Lease,
    Outcome, Part, Settle, Settled, Taken, WallTime, facts, rest,
};

const BEGUN: &[EventKind] = &[EventKind::Incoming];
const ANSWERED: &[EventKind] = &[EventKind::Answered];

fn pbx(number: u32) -> PbxName {
    PbxName::new(format!("pbx{number}"))
}

async fn lease(journal: &dyn Journal, of: u32) -> Option<Lease> {
    let fleet = journal.tick(&About::default()).await.expect("a beat");
    fleet.leases.into_iter().find(|lease| lease.pbx == pbx(of))
}

/// Takes it from whoever has it.
async fn take(journal: &dyn Journal, of: u32) -> Grant {
    take_from(journal, of, Duration::ZERO).await.grant
}

/// The same from one that may have requests of it under way for so long.
async fn take_from(journal: &dyn Journal, of: u32, careful: Duration) -> Taken {
    let seen = lease(journal, of).await.map(|lease| lease.epoch);
    journal.take(pbx(of), seen, careful).await.expect("an answer").expect("nobody was quicker")
}

/// Takes it as it was seen.
async fn take_as(journal: &dyn Journal, of: u32, seen: Option<Epoch>) -> Option<Grant> {
    let taken = journal.take(pbx(of), seen, Duration::ZERO).await.expect("an answer");
    taken.map(|taken| taken.grant)
}

/// A leg of the PBX of a part.
fn leg(number: u32, of: u32, grant: Grant) -> Leg {
    Leg::incoming(number).on(pbx(of).as_str()).under(grant)
}

fn under(grant: Grant, event: EventSeq, outcome: Outcome) -> Settle {
    Settle { grant, ..settle(delivery(event, 1), outcome) }
}

async fn waiting(journal: &dyn Journal, grant: Grant) -> Vec<EventSeq> {
    let pending = journal.load_all(grant).await.expect("pending");
    pending.into_iter().map(|pending| pending.id.event).collect()
}

/// By the store's clock, and not by those of the gateways: one that is an hour ahead or behind makes nothing younger or
/// older, neither where it keeps it itself nor where another keeps it for it.
pub async fn gateways_whose_clocks_differ_find_the_same_ages(one: &dyn Journal, other: &dyn Journal) {
    let (age, pause) = (HOUR, HOUR / 2);
    let now = one.now().await.expect("it says");
    for (number, received_at) in [(1, now.plus(HOUR * 24)), (2, now), (3, now.minus(HOUR * 24))] {
        let grant = take(one, number).await;
        let moment = Append { received_at, age, ..leg(number, number, grant).append(BEGUN, &[1]) };
        let brought = Append { received_at, age, ..leg(number + 10, number, grant).append(BEGUN, &[1]) };
        let seq = keep(one, moment).await[0];
        one.settle(&[under(grant, seq, Outcome::RetryIn(pause))]).await.expect("settled");
        let facts = facts::write(&Facts { moments: vec![brought], accepted: Vec::new() }, now);
        let taken = take(other, number).await;
        let now = other.now().await.expect("it says");
        facts::bring(other, taken, facts::read(&facts, now).expect("facts")).await.expect("kept");
        let waiting = other.load_all(taken).await.expect("pending");
        assert_eq!(waiting.len(), 2);
        waiting.iter().for_each(|pending| is_about(pending.age, age));
        is_about(waiting[0].due_in(), pause);
        assert_eq!(waiting[1].due_in(), Duration::ZERO);
    }
}

/// Each beat moves, whoever looks; and nobody's moves by itself.
pub async fn a_beat_moves_by_its_gateway_alone(one: &dyn Journal, other: &dyn Journal) {
    one.tick(&About::default()).await.expect("a beat");
    let before = other.tick(&About::default()).await.expect("a beat").gateways;
    assert_eq!(before.len(), 2, "{before:?}");
    let after = other.tick(&About::default()).await.expect("a beat").gateways;
    let moved = before.iter().zip(&after).filter(|(before, after)| before.beat != after.beat);
    let moved: Vec<&GatewayId> = moved.map(|(before, _)| &before.id).collect();
    assert_eq!(moved.len(), 1, "only who beat: {before:?} {after:?}");
    let last = one.tick(&About::default()).await.expect("a beat").gateways;
    let still: Vec<_> = last.iter().zip(&after).filter(|(last, after)| last.beat == after.beat).collect();
    assert!(still.len() == 1 && still[0].0.id == *moved[0], "{after:?} {last:?}");
}

/// Of two who saw the same one has it, and knows it.
pub async fn a_part_is_taken_once(one: &dyn Journal, other: &dyn Journal) {
    let first = take_as(one, 1, None).await.expect("nobody had it");
    assert_eq!(take_as(other, 1, None).await, None, "it is there already");
    let seen = Some(first.epoch());
    let second = take_as(other, 1, seen).await.expect("as it was seen");
    assert_eq!(take_as(one, 1, seen).await, None, "it was taken meanwhile");
    assert!(second.epoch() > first.epoch() && second.part() == first.part(), "{first:?} {second:?}");
    let nobodys = Some(Epoch(second.epoch().0 + 1));
    assert_eq!(take_as(one, 2, nobodys).await, None, "there is no such part");
}

/// A part's number is its PBX's for good.
pub async fn a_part_keeps_its_number(one: &dyn Journal, other: &dyn Journal) {
    let (a, b) = (take(one, 1).await, take(other, 2).await);
    assert_ne!(a.part(), b.part());
    assert!(a.part().0 > 0 && b.part().0 > 0, "0 is the whole store's");
    one.release(a, Given::InOrder).await.expect("given back");
    assert_eq!(lease(one, 1).await.expect("it is there").owner, None);
    assert_eq!(take(other, 1).await.part(), a.part());
    assert_eq!(take(one, 3).await.part().0, a.part().0.max(b.part().0) + 1);
    let owners = other.tick(&About::default()).await.expect("a beat").leases;
    let of_pbxs: Vec<_> = owners.iter().filter(|lease| lease.part != Part::REST).collect();
    assert!(of_pbxs.len() == 3 && of_pbxs.iter().all(|lease| lease.owner.is_some()), "{owners:?}");
}

/// What is no PBX's has an owner, too, and takes no PBX's number.
pub async fn what_is_no_pbxs_is_somebodys(one: &dyn Journal, other: &dyn Journal) {
    let of_pbx = take(one, 1).await;
    let seen = |fleet: Fleet| fleet.leases.into_iter().find(|lease| lease.pbx == rest());
    let before = seen(one.tick(&About::default()).await.expect("a beat")).map(|lease| lease.epoch);
    let taken = one.take(rest(), before, Duration::ZERO).await.expect("an answer").expect("nobody had it");
    assert_eq!((taken.grant.part(), of_pbx.part()), (Part::REST, Part(1)));
    let lease = seen(other.tick(&About::default()).await.expect("a beat")).expect("it is there");
    assert_eq!((lease.part, lease.epoch), (Part::REST, taken.grant.epoch()));
    assert_eq!(other.take(rest(), before, Duration::ZERO).await.expect("an answer"), None, "it was taken");
    assert_eq!(take(other, 2).await.part(), Part(2));
    let seq = keep(one, leg(1, 1, taken.grant).append(BEGUN, &[1])).await[0];
    assert_eq!(waiting(one, taken.grant).await, [seq]);
    assert!(waiting(one, of_pbx).await.is_empty());
    let took = other.take(rest(), Some(lease.epoch), Duration::ZERO).await.expect("an answer");
    let took = took.expect("as it was seen").grant;
    assert_eq!(append(one, leg(1, 1, taken.grant).append(ANSWERED, &[1])).await, [Appended::Fenced]);
    let settled = other.settle(&[under(took, seq, Outcome::Delivered)]).await.expect("an answer");
    assert_eq!(settled, [Settled::Done]);
}

/// That one which had it may have requests under way is known to whoever has it next, and next but one: what is left of the
/// time where it was given back, all of it where it was not.
pub async fn who_has_a_part_next_knows_of_one_that_is_gone(one: &dyn Journal, other: &dyn Journal) {
    let long = Duration::from_secs(3_600);
    assert_eq!(take_from(one, 1, Duration::ZERO).await.careful, Duration::ZERO);
    let from_one_gone = take_from(other, 1, long).await;
    assert_eq!(from_one_gone.careful, long);
    let began_anew = take_from(other, 1, Duration::ZERO).await;
    assert_eq!(began_anew.careful, long, "it may have died at once");
    other.release(began_anew.grant, Given::InOrder).await.expect("given back");
    let handed = take_from(one, 1, Duration::ZERO).await;
    assert!(handed.careful > long / 2 && handed.careful <= long, "{handed:?}");
    assert_eq!(take_from(other, 1, 2 * long).await.careful, 2 * long, "once more from one that is gone");
    other.leave().await.expect("it left");
    let left = take_from(one, 1, Duration::ZERO).await.careful;
    assert!(left > long && left <= 2 * long, "{left:?}");

    let short = take_from(other, 2, Duration::from_millis(1)).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    other.release(short.grant, Given::InOrder).await.expect("given back");
    assert_eq!(take_from(one, 2, Duration::ZERO).await.careful, Duration::ZERO, "it is over");
}

/// Neither events nor outcomes, nor a moment without events; and it stops nothing else of its group.
pub async fn who_lost_a_part_writes_nothing(one: &dyn Journal, other: &dyn Journal) {
    let (lost, has) = (take(one, 1).await, take(one, 2).await);
    let seq = keep(one, leg(1, 1, lost).append(BEGUN, &[1])).await[0];
    let took = take(other, 1).await;
    let note = leg(1, 1, lost).note(Some(calls::Kept::default()));
    let group = [leg(1, 1, lost).append(ANSWERED, &[1]), note, leg(2, 2, has).append(BEGUN, &[1])];
    let answers = one.append(&group).await.expect("an answer");
    assert_eq!((&answers[0][..], answers[1].len()), (&[Appended::Fenced][..], 0));
    let [Appended::Stored(there, _)] = answers[2][..] else { panic!("{answers:?}") };
    let settles = [under(lost, seq, Outcome::Delivered), under(has, there, Outcome::Delivered)];
    let settled = one.settle(&settles).await.expect("an answer");
    assert_eq!(settled, [Settled::Fenced, Settled::Done]);
    assert_eq!(waiting(other, took).await, [seq], "it waits for who has it now");
    assert!(one.restore(pbx(1)).await.expect("restored").notes.is_empty());
    assert_eq!(one.events(Filter::default()).await.expect("events").len(), 2);
    let settled = other.settle(&[under(took, seq, Outcome::Delivered)]).await.expect("an answer");
    assert_eq!(settled, [Settled::Done]);
}

/// Giving back is for good.
pub async fn who_gave_a_part_back_writes_nothing(one: &dyn Journal, other: &dyn Journal) {
    let grant = take(one, 1).await;
    let seq = keep(one, leg(1, 1, grant).append(BEGUN, &[1])).await[0];
    one.release(grant, Given::InOrder).await.expect("given back");
    assert_eq!(append(one, leg(1, 1, grant).append(ANSWERED, &[1])).await, [Appended::Fenced]);
    let settled = one.settle(&[under(grant, seq, Outcome::Delivered)]).await.expect("an answer");
    assert_eq!(settled, [Settled::Fenced]);
    let took = take(other, 1).await;
    // Late, and of a part that is another's: nothing comes of it.
    let _ = one.release(grant, Given::InOrder).await;
    assert_eq!(waiting(other, took).await, [seq]);
    keep(other, leg(1, 1, took).append(ANSWERED, &[1])).await;
}

/// Whoever takes it finds what waits of it, its open legs and its notes, and of no other part anything.
pub async fn a_taker_sees_all_that_was_written_before(one: &dyn Journal, other: &dyn Journal) {
    let (a, b) = (take(one, 1).await, take(one, 2).await);
    let mut kept = Vec::new();
    for number in 1..=20 {
        kept.extend(keep(one, leg(number, 1, a).append(BEGUN, &[1])).await);
        keep(one, leg(100 + number, 2, b).append(BEGUN, &[1])).await;
    }
    let gone = kept.remove(3);
    let settled = one.settle(&[under(a, gone, Outcome::Delivered)]).await.expect("an answer");
    assert_eq!(settled, [Settled::Done]);
    let took = take(other, 1).await;
    assert_eq!(waiting(other, took).await, kept);
    let restored = other.restore(pbx(1)).await.expect("restored");
    assert_eq!(restored.legs.len(), 20);
    assert_eq!(other.bodies(kept.clone()).await.expect("events").len(), 19);
    let repeat = append(other, leg(1, 1, took).append(BEGUN, &[1])).await;
    assert_eq!(repeat, [Appended::Repeat(kept[0])], "it is there already");
    assert_eq!(waiting(one, b).await.len(), 20, "the other part is whose it was");
}

/// Over all its owners, whatever other parts come to.
pub async fn places_grow_over_the_owners_of_a_part(one: &dyn Journal, other: &dyn Journal) {
    let journals = [one, other];
    let mut last = None;
    for number in 0..6_u32 {
        let journal = journals[number as usize % 2];
        let (a, b) = (take(journal, 1).await, take(journal, 2).await);
        for again in 0..3 {
            keep(journal, leg(1_000 + number * 10 + again, 2, b).append(BEGUN, &[])).await;
            let place = keep(journal, leg(number * 10 + again, 1, a).append(BEGUN, &[])).await[0];
            assert!(last < Some(place), "{last:?} {place:?}");
            assert_eq!(place.part(), a.part());
            last = Some(place);
        }
    }
}

/// A list gives each event once, newest first, however its parts lie, a page at a time.
pub async fn pages_over_parts_neither_skip_nor_repeat(one: &dyn Journal, other: &dyn Journal) {
    let grants = [take(one, 1).await, take(other, 2).await];
    let mut moments = Vec::new();
    for number in 0..30_u32 {
        let of = usize::from(number % 3 == 0);
        let (journal, part) = ([one, other][of], u32::try_from(of).expect("few") + 1);
        let mut moment = leg(number, part, grants[of]).append(BEGUN, &[1]);
        // Every third comes in the same microsecond as the one before, of another part.
        moment.received_at = WallTime(1_000_000 * i64::from(number - number % 3));
        moments.push(moment.received_at);
        keep(journal, moment).await;
    }
    for limit in [1, 4, 7] {
        let (mut before, mut seen, mut times) = (None, Vec::new(), Vec::new());
        loop {
            let page = one.events(Filter { before, limit, ..Filter::default() }).await.expect("events");
            let legs = one.legs(Filter { before, limit, ..Filter::default() }).await.expect("legs");
            let sent = one.deliveries(Filter { before, limit, ..Filter::default() }).await.expect("sent");
            let places: Vec<_> = page.iter().map(|kept| kept.seq).collect();
            assert_eq!(legs.iter().map(|leg| leg.seq).collect::<Vec<_>>(), places);
            assert_eq!(sent.iter().map(|record| record.id.event).collect::<Vec<_>>(), places);
            let Some(last) = page.last() else { break };
            before = Some(last.cursor());
            assert_eq!(
                (legs.last().map(|leg| leg.cursor()), sent.last().map(|record| record.cursor())),
                (before, before)
            );
            times.extend(page.iter().map(|kept| kept.received_at));
            seen.extend(places);
        }
        assert_eq!(times, moments.iter().rev().copied().collect::<Vec<_>>());
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 30);
    }
}

/// What is followed from a place on is neither skipped nor repeated, and ends.
pub async fn what_is_followed_over_parts_comes_once(one: &dyn Journal, other: &dyn Journal) {
    let grants = [take(one, 1).await, take(other, 2).await];
    for number in 0..20_u32 {
        let of = usize::from(number % 2 == 0);
        let part = u32::try_from(of).expect("few") + 1;
        keep([one, other][of], leg(number, part, grants[of]).append(BEGUN, &[1])).await;
    }
    let (mut after, mut seen) = (crate::Cursor::START, Vec::new());
    loop {
        let page = Filter { after: Some(after), limit: 3, ..Filter::default() };
        let page = other.events(page).await.expect("events");
        let Some(last) = page.last() else { break };
        after = last.cursor();
        seen.extend(page.iter().map(|kept| kept.event.begun_at));
    }
    let mut once = seen.clone();
    once.sort();
    once.dedup();
    assert_eq!((seen.len(), &once), (20, &seen), "each once, as they came");
}

/// Who follows an account misses nothing of a gateway whose clock is behind, or that was cut off and comes late.
pub async fn a_clock_that_is_behind_hides_nothing_from_who_follows(one: &dyn Journal, other: &dyn Journal) {
    let grants = [take(one, 1).await, take(other, 2).await];
    let account = || calls::AccountId::new("1");
    let mut told: Vec<EventSeq> = Vec::new();
    let mut kept = Vec::new();
    for number in 0..30_u32 {
        let of = usize::from(number % 3 == 0);
        let (journal, part) = ([one, other][of], u32::try_from(of).expect("few") + 1);
        let mut moment = leg(number, part, grants[of]).append(BEGUN, &[]);
        // The other's clock is a minute behind, and jumps back.
        let behind = if of == 1 { 60 + i64::from(number) * 2 } else { 0 };
        moment.received_at = WallTime(1_000_000 * (1_000 + i64::from(number) - behind));
        kept.extend(keep(journal, moment).await);
        if number % 4 == 0 {
            follow(one, account(), &mut told).await;
        }
    }
    follow(one, account(), &mut told).await;
    for grant in grants {
        let of = |all: &[EventSeq]| {
            all.iter().copied().filter(|seq| seq.part() == grant.part()).collect::<Vec<_>>()
        };
        assert_eq!(of(&told), of(&kept), "each once, in its part's order");
    }
    let reached = one.reached(account()).await.expect("places");
    assert_eq!(one.followed(account(), reached).await.expect("followed"), Some(Vec::new()));
}

async fn follow(journal: &dyn Journal, account: calls::AccountId, told: &mut Vec<EventSeq>) {
    loop {
        let mut last = std::collections::BTreeMap::new();
        for seq in told.iter() {
            last.insert(seq.part(), *seq);
        }
        let more = journal.followed(account.clone(), last.into_values().collect()).await.expect("followed");
        let more = more.expect("it is shared");
        if more.is_empty() {
            return;
        }
        told.extend(more.iter().map(|kept| kept.seq));
    }
}

/// Of accounts that are looked at, whoever has their PBXs.
pub async fn open_legs_of_accounts_are_seen_by_all(one: &dyn Journal, other: &dyn Journal) {
    let grants = [take(one, 1).await, take(other, 2).await];
    keep(one, leg(1, 1, grants[0]).append(BEGUN, &[])).await;
    keep(other, leg(2, 2, grants[1]).append(BEGUN, &[])).await;
    keep(other, leg(2, 2, grants[1]).append(ANSWERED, &[])).await;
    keep(other, leg(3, 2, grants[1]).append(BEGUN, &[])).await;
    keep(other, leg(3, 2, grants[1]).append(&[EventKind::Ended], &[])).await;
    let account = calls::AccountId::new("1");
    for journal in [one, other] {
        let mut open = journal.open(vec![account.clone()]).await.expect("open legs");
        open.sort_by(|a, b| a.pbx.cmp(&b.pbx));
        let seen: Vec<_> = open.iter().map(|one| (one.pbx.clone(), one.leg.answered_at.is_some())).collect();
        assert_eq!(seen, [(pbx(1), false), (pbx(2), true)]);
        assert!(journal.open(Vec::new()).await.expect("open legs").is_empty());
    }
}
