//! Lists people look through that no store keeps as they ask for them: found among what it does keep, up to a bound.

use std::collections::{HashMap, HashSet};

use calls::{CallId, Direction, Event, PbxTime};
use journal::{Cursor, DeliveryRecord, DeliveryState, Filter, LegOutcome, LegRecord};

use crate::{Actor, Admin, Refusal};

/// So many legs of a day are looked through for who was missed and who called back, the newest first.
const LEGS_OF_A_DAY: usize = 500;
/// So many deliveries are looked through for those with an answer; who wants more asks on from there.
const LOOKED_THROUGH: usize = 5_000;
/// Deliveries read at once.
const PIECE: usize = MOST_COUNTED;
/// How many of a list are counted at most: as many as the store lists at once.
pub const MOST_COUNTED: usize = journal::MAX_LISTED;

/// A call nobody took.
#[derive(Clone, Debug, PartialEq)]
pub struct Missed {
    /// The newest leg of it.
    pub leg: LegRecord,
    /// So many phones rang for it.
    pub phones: usize,
    /// The conversation there was later with the same number, if there was one.
    pub back: Option<LegRecord>,
}

/// Deliveries found by their answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answered {
    /// Newest first.
    pub found: Vec<DeliveryRecord>,
    /// From where to look on; nothing: that was all.
    pub next: Option<Cursor>,
}

impl Admin {
    /// The calls that came in since a moment and that nobody took, the newest first, with who talked to the same
    /// number afterwards. Looks through the newest 500 legs.
    pub async fn missed_since(
        &self,
        actor: &Actor,
        account: &str,
        since: PbxTime,
    ) -> Result<Vec<Missed>, Refusal> {
        let filter = Filter { from: Some(since), limit: LEGS_OF_A_DAY, ..Filter::default() };
        Ok(missed(self.legs(actor, account, filter).await?))
    }

    /// Up to `limit` deliveries with an answer that somebody looks for, the newest first, among the next 5,000.
    pub async fn deliveries_answered(
        &self,
        actor: &Actor,
        account: &str,
        mut filter: Filter,
        is: impl Fn(&DeliveryRecord) -> bool,
    ) -> Result<Answered, Refusal> {
        let wanted = std::mem::replace(&mut filter.limit, PIECE).max(1);
        let mut all = Answered::default();
        for _ in 0..LOOKED_THROUGH / PIECE {
            let piece = self.deliveries(actor, account, filter.clone()).await?;
            let many = piece.len();
            for one in piece {
                filter.before = Some(one.cursor());
                if is(&one) {
                    all.found.push(one);
                    if all.found.len() >= wanted {
                        all.next = filter.before;
                        return Ok(all);
                    }
                }
            }
            if many < PIECE {
                return Ok(all);
            }
        }
        all.next = filter.before;
        Ok(all)
    }

    /// Deliveries that sending all again would send, up to `limit`.
    pub async fn to_send_again(
        &self,
        actor: &Actor,
        account: &str,
        filter: Filter,
    ) -> Result<Vec<DeliveryRecord>, Refusal> {
        let states = vec![DeliveryState::Failed, DeliveryState::Expired];
        self.deliveries(actor, account, Filter { states, before: None, ..filter }).await
    }
}

/// Who was missed, of legs that are newest first.
fn missed(legs: Vec<LegRecord>) -> Vec<Missed> {
    let mut found: Vec<Missed> = Vec::new();
    let mut by_call: HashMap<CallId, usize> = HashMap::new();
    let mut talks: HashMap<String, LegRecord> = HashMap::new();
    let mut taken: HashSet<CallId> = HashSet::new();
    for leg in legs {
        let number = other(&leg.begun).to_owned();
        let is_missed = leg.direction == Direction::Incoming
            && matches!(leg.outcome(), LegOutcome::Missed | LegOutcome::Busy);
        if leg.outcome() == LegOutcome::Answered && !number.is_empty() {
            // The oldest of the conversations after it is the one that called back.
            talks.insert(number, leg.clone());
        }
        match leg.outcome() {
            LegOutcome::Answered | LegOutcome::Running => drop(taken.insert(leg.begun.call.clone())),
            LegOutcome::Missed | LegOutcome::Busy | LegOutcome::Elsewhere | LegOutcome::Unanswered => {}
        }
        if !is_missed {
            continue;
        }
        match by_call.get(&leg.begun.call) {
            Some(at) => found[*at].phones += 1,
            None => {
                by_call.insert(leg.begun.call.clone(), found.len());
                let back = talks.get(other(&leg.begun)).cloned();
                found.push(Missed { leg, phones: 1, back });
            }
        }
    }
    found.retain(|one| !taken.contains(&one.leg.begun.call));
    found
}

/// The other side's number.
fn other(event: &Event) -> &str {
    match event.direction {
        Direction::Incoming => &event.a_number,
        Direction::Outgoing => &event.b_number,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use calls::{AccountId, EndReason, Ended, LegId, Phone, What};
    use journal::{EventSeq, WallTime};

    use super::*;

    fn leg(seq: i64, call: &str, number: &str, outgoing: bool, answered: bool) -> LegRecord {
        let at = PbxTime::from_secs(1_795_337_580 + seq * 60);
        let direction = if outgoing { Direction::Outgoing } else { Direction::Incoming };
        let begun = Event {
            leg: LegId::new(format!("pbx1-{seq}.1")),
            call: CallId::new(call),
            sequence: 1,
            phone: Arc::new(Phone { account: AccountId::new("1"), number: "101".into(), employee: None }),
            direction,
            at,
            begun_at: at,
            waiting_since: None,
            counterpart: None,
            a_number: if outgoing { "101" } else { number }.into(),
            b_number: if outgoing { number } else { "" }.into(),
            dialed_number: "".into(),
            queue: "".into(),
            assumed: false,
            what: if outgoing { What::Outgoing } else { What::Incoming },
        };
        let answered_at = answered.then(|| at + Duration::from_secs(5));
        let what = What::Ended(Ended { answered_at, reason: EndReason::NoAnswer, transfer: None });
        let ended = Some(Event { sequence: 2, what, ..begun.clone() });
        LegRecord {
            seq: EventSeq(seq),
            received_at: WallTime::default(),
            begun,
            answered_at,
            ended,
            direction,
        }
    }

    #[test]
    fn a_call_is_missed_once_and_whoever_talked_to_the_number_afterwards_called_back() {
        let legs = vec![
            leg(9, "i", "+4511111111", true, true),
            leg(8, "h", "+4511111111", true, true),
            leg(7, "g", "+4522222222", true, false),
            leg(6, "f", "", false, false),
            leg(5, "e", "+4522222222", false, false),
            leg(4, "d", "+4511111111", false, false),
            leg(3, "d", "+4511111111", false, false),
            leg(2, "c", "+4511111111", false, true),
            leg(1, "b", "+4533333333", false, false),
        ];
        let told: Vec<_> = missed(legs)
            .iter()
            .map(|one| {
                let back = one.back.as_ref().map(|back| back.begun.call.to_string());
                (one.leg.begun.call.to_string(), one.phones, back)
            })
            .collect();
        let of = |call: &str, phones, back: Option<&str>| (call.to_owned(), phones, back.map(str::to_owned));
        let expected = [of("f", 1, None), of("e", 1, None), of("d", 2, Some("h")), of("b", 1, None)];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_one_phone_missed_and_another_took_is_no_missed_call() {
        assert!(
            missed(vec![leg(2, "a", "+4511111111", false, true), leg(1, "a", "+4511111111", false, false)])
                .is_empty()
        );
    }
}
