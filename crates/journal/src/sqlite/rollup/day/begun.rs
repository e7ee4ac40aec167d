//! An account's legs by the hour in which they began: what a day's outcomes are made of.

use rusqlite::{Connection, OptionalExtension, params};

use super::super::super::errors::StoreError;
use super::super::super::table::hours::{Clock, PLACES_OF_HOURS};
use super::super::entry::{self, outcome_at};
use super::super::line::LINES;
use super::part::Outcomes;
use super::{HOURS_A_DAY, day_of, within};

/// Shows when in a day legs that may have begun in these hours began, and how they came out, the newest first, until it is
/// enough. Whether it is known where they are.
fn each(
    conn: &Connection,
    account: &str,
    hours: [i64; 2],
    mut is_enough: impl FnMut((i64, u8), usize) -> bool,
) -> Result<bool, StoreError> {
    let places = conn
        .prepare_cached(PLACES_OF_HOURS)?
        .query_row(params![Clock::Pbx as i64, hours[0], hours[1]], |row| {
            Ok(row.get::<_, Option<i64>>(0)?.zip(row.get::<_, Option<i64>>(1)?))
        })
        .optional()?;
    let Some((first, last)) = places.flatten() else { return Ok(false) };
    let mut select = conn.prepare_cached(LINES)?;
    let mut rows = select.query(params![account, last])?;
    while let Some(row) = rows.next()? {
        let key: i64 = row.get(0)?;
        let body = row.get_ref(1)?.as_blob().map_err(|error| StoreError::Damaged(error.to_string()))?;
        for leg in entry::read(key, body)? {
            if let Some((day, quarter)) = day_of(&leg)
                && let Some(which) = outcome_at(leg.outline.outcome)
                && is_enough((day, within(1, day, quarter).bit), which)
            {
                return Ok(true);
            }
        }
        if key <= first {
            break;
        }
    }
    Ok(true)
}

/// In which hours of a day legs began that came out so; nothing where that is not known.
pub(super) fn outcomes_of(
    conn: &Connection,
    account: &str,
    day: i64,
) -> Result<Option<Outcomes>, StoreError> {
    let hours = [day * HOURS_A_DAY, (day + 1) * HOURS_A_DAY - 1];
    let mut outcomes = Outcomes::default();
    let is_known = each(conn, account, hours, |(of, hour), which| {
        outcomes[which] |= if of == day { 1 << hour } else { 0 };
        false
    })?;
    Ok(is_known.then_some(outcomes))
}

/// Whether no leg began in an hour of a day that came out so.
pub(super) fn is_none_left(
    conn: &Connection,
    account: &str,
    (day, hour): (i64, u8),
    outcome: usize,
) -> Result<bool, StoreError> {
    let number = day * HOURS_A_DAY + i64::from(hour);
    let mut found = false;
    let is_known = each(conn, account, [number; 2], |began, which| {
        found = began == (day, hour) && which == outcome;
        found
    })?;
    Ok(is_known && !found)
}

#[cfg(test)]
mod tests {
    use calls::PbxTime;

    use super::super::super::super::schema;
    use super::super::super::entry::Entry;
    use super::super::super::line::{self, Lines};
    use super::super::{DAY_MICROS, Days, forget};
    use super::*;
    use crate::seal::Sealer;
    use crate::sums::{LegOutcome, Outline, Person};

    const DAY: i64 = 20_000;
    const HOUR_MICROS: i64 = DAY_MICROS / HOURS_A_DAY;

    fn leg(place: i64, hour: i64, outcome: LegOutcome) -> Entry {
        let outline = Outline { outcome, outgoing: false, talk_secs: 0, ring_micros: 0, transferred: false };
        Entry {
            places: vec![place, place + 1],
            begun: Some(place),
            begun_at: PbxTime::from_micros(DAY * DAY_MICROS + hour * HOUR_MICROS + place),
            outline,
            person: Person { number: "100".to_owned(), name: String::new() },
            numbers: String::new(),
            wait: None,
            queue: String::new(),
        }
    }

    fn hours_that_may_have(conn: &Connection, outcome: LegOutcome) -> Vec<i64> {
        let sought = super::super::Sought { outcome: outcome_at(outcome), mark: None };
        let hours = super::super::hours_with(conn, "a", &sought).unwrap();
        hours.into_iter().flatten().map(|hour| hour - DAY * HOURS_A_DAY).collect()
    }

    #[test]
    fn a_forgotten_leg_takes_its_outcome_with_it_unless_another_of_its_hour_came_out_so() {
        let mut conn = Connection::open_in_memory().unwrap();
        schema::migrate(&mut conn, &Sealer::new([7; 32])).unwrap();
        use LegOutcome::{Busy, Missed};
        let legs =
            [leg(1, 9, Busy), leg(3, 9, Busy), leg(5, 9, Missed), leg(7, 10, Busy), leg(9, 10, Missed)];
        let (mut days, mut lines) = (Days::default(), Lines::default());
        for leg in &legs {
            days.add(&conn, "a", leg).unwrap();
            lines.add(&conn, "a", leg).unwrap();
        }
        days.write(&conn).unwrap();
        lines.write(&conn).unwrap();
        for (hour, first, last) in [(9, 1, 4_000), (10, 7, 4_000)] {
            let hour = DAY * HOURS_A_DAY + hour;
            conn.execute("INSERT INTO hours VALUES (0, ?1, ?2, ?3)", [hour, first, last]).unwrap();
        }
        let forgotten = |leg: &Entry| {
            line::forget(&conn, "a", leg).unwrap();
            forget(&conn, "a", leg).unwrap();
            (hours_that_may_have(&conn, Busy), hours_that_may_have(&conn, Missed))
        };
        assert_eq!(forgotten(&legs[0]), (vec![9, 10], vec![9, 10]), "there is another");
        assert_eq!(forgotten(&legs[3]), (vec![9], vec![9, 10]));
        assert_eq!(forgotten(&legs[1]), (vec![], vec![9, 10]));
        conn.execute("DELETE FROM hours", []).unwrap();
        assert_eq!(
            forgotten(&legs[2]),
            (vec![], vec![9, 10]),
            "where they are is not known: they may be there"
        );
    }
}
