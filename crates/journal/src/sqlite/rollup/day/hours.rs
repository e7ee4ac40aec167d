//! Where an account's legs of a rare outcome or of somebody can be: the hours in which they began, by the longest spans
//! that say so. A few rows a year, where there are none.

use std::ops::Range;

use memchr::memmem::Finder;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::super::errors::StoreError;
use super::adding::covering;
use super::part::{Outcomes, Part};
use super::{BLOCKS, HOURS_A_DAY, LONG_SPANS};

/// The first and the last day of an account.
pub(in crate::sqlite) const DAYS: [&str; 2] = [
    "SELECT block FROM day WHERE account = ?1 AND span = 1 ORDER BY block LIMIT 1",
    "SELECT block FROM day WHERE account = ?1 AND span = 1 ORDER BY block DESC LIMIT 1",
];

/// What is looked for.
pub(in crate::sqlite) struct Sought<'a> {
    /// Which outcome, by its number among those of ended legs.
    pub(in crate::sqlite) outcome: Option<usize>,
    /// What stands in the rows of the person.
    pub(in crate::sqlite) mark: Option<&'a Finder<'a>>,
}

/// What the rows of a block say.
struct Said {
    block: i64,
    outcomes: Option<Outcomes>,
    has_mark: bool,
}

impl Sought<'_> {
    /// In which hours of a day, or days of a longer span, it can be.
    fn bits(&self, said: &Said) -> u64 {
        match (self.outcome, &said.outcomes) {
            _ if !said.has_mark => 0,
            (Some(outcome), Some(outcomes)) => outcomes[outcome],
            (Some(_), None) | (None, _) => u64::MAX,
        }
    }
}

/// The hours, counted from the epoch, in which legs began that can be meant; neighbours as one, oldest first.
pub(in crate::sqlite) fn hours_with(
    conn: &Connection,
    account: &str,
    sought: &Sought<'_>,
) -> Result<Vec<Range<i64>>, StoreError> {
    let end = |sql| conn.prepare_cached(sql)?.query_row([account], |row| row.get::<_, i64>(0)).optional();
    let (Some(first), Some(last)) = (end(DAYS[0])?, end(DAYS[1])?) else { return Ok(Vec::new()) };
    let mut hours = Vec::new();
    add(conn, account, &(first..last + 1), &LONG_SPANS, sought, &mut hours)?;
    hours.sort_unstable();
    hours.dedup();
    let together = hours.chunk_by(|one, next| next - one == 1);
    Ok(together.map(|run| run[0]..run[run.len() - 1] + 1).collect())
}

fn add(
    conn: &Connection,
    account: &str,
    days: &Range<i64>,
    spans: &[i64],
    sought: &Sought<'_>,
    hours: &mut Vec<i64>,
) -> Result<(), StoreError> {
    for (span, blocks) in covering(days, spans) {
        let said = said(conn, account, span, &blocks, sought)?;
        if span == 1 {
            for said in said {
                let bits = sought.bits(&said);
                let wanted = (0..HOURS_A_DAY).filter(|hour| bits >> hour & 1 == 1);
                hours.extend(wanted.map(|hour| said.block * HOURS_A_DAY + hour));
            }
            continue;
        }
        let shorter =
            LONG_SPANS.iter().position(|long| *long == span).map_or(&[][..], |at| &LONG_SPANS[at + 1..]);
        let mut said = said.into_iter().peekable();
        for block in blocks {
            let bits = said.next_if(|said| said.block == block).map_or(u64::MAX, |said| sought.bits(&said));
            let days = (0..span).filter(|day| bits >> day & 1 == 1).map(|day| block * span + day);
            let days: Vec<i64> = days.collect();
            for run in days.chunk_by(|one, next| next - one == 1) {
                add(conn, account, &(run[0]..run[run.len() - 1] + 1), shorter, sought, hours)?;
            }
        }
    }
    Ok(())
}

fn said(
    conn: &Connection,
    account: &str,
    span: i64,
    blocks: &Range<i64>,
    sought: &Sought<'_>,
) -> Result<Vec<Said>, StoreError> {
    let mut select = conn.prepare_cached(BLOCKS)?;
    let mut rows = select.query(params![account, span, blocks.start, blocks.end])?;
    let mut all: Vec<Said> = Vec::new();
    while let Some(row) = rows.next()? {
        let (block, part): (i64, i64) = (row.get(0)?, row.get(1)?);
        let body = row.get_ref(2)?.as_blob().map_err(|error| StoreError::Damaged(error.to_string()))?;
        let has_mark = sought.mark.is_none_or(|mark| mark.find(body).is_some());
        let outcomes = if part == 0 { Part::outcomes_of(body) } else { None };
        match all.last_mut().filter(|said| said.block == block) {
            Some(said) => said.has_mark |= has_mark,
            None => all.push(Said { block, outcomes, has_mark }),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use calls::PbxTime;

    use super::super::super::entry::{Entry, mark_of, outcome_at};
    use super::super::{DAY_MICROS, Days};
    use super::*;
    use crate::sums::{LegOutcome, Outline, Person};

    fn leg(hour: i64, outcome: LegOutcome, number: &str) -> Entry {
        let outline = Outline { outcome, outgoing: false, talk_secs: 0, ring_micros: 0, transferred: false };
        Entry {
            places: vec![hour, hour + 1],
            begun: Some(hour),
            begun_at: PbxTime::from_micros(hour * DAY_MICROS / HOURS_A_DAY),
            outline,
            person: Person { number: number.to_owned(), name: String::new() },
            numbers: String::new(),
            wait: None,
            queue: String::new(),
        }
    }

    /// A leg an hour for two hundred days, so that long spans are added up.
    #[test]
    fn only_hours_that_can_have_it_are_named_and_all_of_them() {
        let conn = Connection::open_in_memory().unwrap();
        let sql = "CREATE TABLE day (account TEXT, span INTEGER, block INTEGER, part INTEGER, body BLOB,
            PRIMARY KEY (account, span, block, part)) WITHOUT ROWID";
        conn.execute_batch(sql).unwrap();
        let rare = [1_000 * 24 + 5, 1_000 * 24 + 6, 1_077 * 24 + 23, 1_190 * 24];
        let mut days = Days::default();
        for hour in 1_000 * 24..1_200 * 24 {
            let outcome = if rare.contains(&hour) { LegOutcome::Busy } else { LegOutcome::Missed };
            let number = if hour == 1_033 * 24 + 7 { "999" } else { "100" };
            days.add(&conn, "a", &leg(hour, outcome, number)).unwrap();
        }
        days.write(&conn).unwrap();
        let hours = |outcome: Option<LegOutcome>, number: Option<&str>| {
            let mark = number.map(mark_of);
            let mark = mark.as_deref().map(Finder::new);
            let sought = Sought { outcome: outcome.and_then(outcome_at), mark: mark.as_ref() };
            let named: Vec<i64> = hours_with(&conn, "a", &sought).unwrap().into_iter().flatten().collect();
            named
        };
        assert_eq!(hours(Some(LegOutcome::Busy), None), rare);
        assert_eq!(hours(Some(LegOutcome::Elsewhere), None), [0_i64; 0]);
        assert_eq!(hours(Some(LegOutcome::Missed), None).len(), 200 * 24 - rare.len());
        assert_eq!(hours(None, Some("999")), (1_033 * 24..1_034 * 24).collect::<Vec<_>>());
        assert_eq!(hours(Some(LegOutcome::Busy), Some("999")), [0_i64; 0]);
        let all = conn.execute("DELETE FROM day WHERE span > 1", []).unwrap();
        assert!(all > 3, "{all} long spans");
        assert_eq!(hours(Some(LegOutcome::Busy), None), rare, "day by day");
    }
}
