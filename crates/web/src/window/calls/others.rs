//! Of a call that rang on many phones, those that are like others: nobody answered there, nothing was passed on to
//! them, and a few of their kind are shown already.

use admin::kept::{LegOutcome, LegRecord};
use calls::{Direction, What};

/// So many of them are shown.
const FEW: usize = 5;

/// Which legs are folded away, in their order; one alone never is. Those of which deliveries are missing are shown
/// before others.
pub(super) fn folded(legs: &[LegRecord], missing: &[usize]) -> Vec<usize> {
    let is_to: Vec<&str> = legs.iter().filter_map(transferred_to).collect();
    let mut quiet: Vec<usize> = (0..legs.len()).filter(|at| only_rang(&legs[*at], &is_to)).collect();
    quiet.sort_by_key(|at| missing.get(*at).is_none_or(|missing| *missing == 0));
    let mut folded = quiet.split_off(quiet.len().min(FEW));
    if folded.len() < 2 {
        folded.clear();
    }
    folded.sort_unstable();
    folded
}

fn transferred_to(leg: &LegRecord) -> Option<&str> {
    match &leg.ended.as_ref()?.what {
        What::Ended(end) => end.transfer.as_ref().map(|transfer| &*transfer.to),
        What::Incoming | What::Answered | What::Outgoing => None,
    }
}

fn only_rang(leg: &LegRecord, is_to: &[&str]) -> bool {
    let is_touched = transferred_to(leg).is_some() || is_to.contains(&&*leg.begun.phone.number);
    leg.direction == Direction::Incoming
        && matches!(leg.outcome(), LegOutcome::Missed | LegOutcome::Elsewhere | LegOutcome::Busy)
        && !is_touched
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use admin::kept::{EventSeq, WallTime};
    use calls::{AccountId, CallId, EndReason, Ended, Event, LegId, PbxTime, Phone, Transfer};

    use super::*;

    fn leg(number: u32, reason: EndReason, answered: bool, to: Option<&str>) -> LegRecord {
        let at = PbxTime::from_secs(1_795_000_000);
        let begun = Event {
            leg: LegId::new(format!("a-1.{number}")),
            call: CallId::new("a-1"),
            sequence: 1,
            phone: Arc::new(Phone {
                account: AccountId::new("1"),
                number: number.to_string().into(),
                employee: None,
            }),
            direction: Direction::Incoming,
            at,
            begun_at: at,
            waiting_since: None,
            counterpart: None,
            a_number: "".into(),
            b_number: "".into(),
            dialed_number: "".into(),
            queue: "".into(),
            assumed: false,
            what: What::Incoming,
        };
        let party = LegId::new("a-1.0");
        let transfer = to.map(|to| Transfer { party, party_number: "".into(), to: to.into() });
        let ended = What::Ended(Ended { answered_at: answered.then_some(at), reason, transfer });
        LegRecord {
            seq: EventSeq(number.into()),
            received_at: WallTime(0),
            ended: Some(Event { what: ended, ..begun.clone() }),
            answered_at: answered.then_some(at),
            direction: Direction::Incoming,
            begun,
        }
    }

    fn rang(number: u32) -> LegRecord {
        leg(number, EndReason::AnsweredElsewhere, false, None)
    }

    #[test]
    fn of_phones_that_only_rang_a_few_are_shown_and_one_alone_is_never_folded() {
        for many in 0..=6 {
            assert_eq!(folded(&(0..many).map(rang).collect::<Vec<_>>(), &[]), [0_usize; 0], "{many}");
        }
        assert_eq!(folded(&(0..9).map(rang).collect::<Vec<_>>(), &[]), [5, 6, 7, 8]);
    }

    #[test]
    fn who_answered_transferred_or_was_transferred_to_is_shown() {
        let mut legs: Vec<LegRecord> = (0..10).map(rang).collect();
        legs[7] = leg(7, EndReason::Transferred, true, Some("8"));
        legs[9] = leg(9, EndReason::HungUpByEmployee, true, None);
        legs[6].ended = None;
        assert_eq!(folded(&legs, &[]), [0_usize; 0], "six are left: one would be folded");
        legs.extend((10..13).map(rang));
        assert_eq!(folded(&legs, &[]), [5, 10, 11, 12], "8 rang in vain, but was transferred to");
    }

    #[test]
    fn where_deliveries_are_missing_it_is_shown_before_others() {
        let legs: Vec<LegRecord> = (0..9).map(rang).collect();
        assert_eq!(folded(&legs, &[0, 0, 0, 0, 0, 0, 0, 2, 1]), [3, 4, 5, 6]);
    }
}
