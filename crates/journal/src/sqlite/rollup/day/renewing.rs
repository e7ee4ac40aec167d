//! Days of an older program learn in which hours their outcomes were: from their legs, some days at a time, by the thread
//! that rolls up when it has nothing else to do. Longer spans learn it from their days, which come before them.

use rusqlite::{Connection, params};

use super::super::super::errors::StoreError;
use super::part::{Outcomes, Part};
use super::{begun, each, within};

/// So many rows at once, at most.
const AT_ONCE: usize = 64;

/// The first rows of an account's blocks, days before longer spans.
const FIRST_ROWS: &str = "SELECT account, span, block, body FROM day
    WHERE part = 0 AND (account, span, block) > (?1, ?2, ?3) ORDER BY account, span, block";

/// How far the thread is.
#[derive(Clone, Default)]
pub(in crate::sqlite) struct Mark {
    after: (String, i64, i64),
    /// Whether there was one since the beginning.
    found: bool,
}

/// Rows as they are to be.
pub(in crate::sqlite) struct Renewed {
    rows: Vec<(String, i64, i64, Vec<u8>)>,
    /// None is left.
    was_last: bool,
}

impl Renewed {
    pub(in crate::sqlite) fn many(&self) -> usize {
        self.rows.len()
    }

    pub(in crate::sqlite) fn write(&self, conn: &Connection) -> Result<(), StoreError> {
        let mut update = conn.prepare_cached(
            "UPDATE day SET body = ?4 WHERE account = ?1 AND span = ?2 AND block = ?3 AND part = 0",
        )?;
        for (account, span, block, body) in &self.rows {
            update.execute(params![account, span, block, body])?;
        }
        if self.was_last {
            conn.execute("UPDATE meta SET value = 0 WHERE name = 'old_days'", [])?;
        }
        Ok(())
    }
}

/// The next of them; nothing where all know.
pub(in crate::sqlite) fn renew(conn: &Connection, mark: &mut Mark) -> Result<Option<Renewed>, StoreError> {
    let mut is_left = conn.prepare_cached("SELECT 1 FROM meta WHERE name = 'old_days' AND value > 0")?;
    if !is_left.exists([])? {
        return Ok(None);
    }
    let mut renewed = Renewed { rows: Vec::new(), was_last: false };
    let mut select = conn.prepare_cached(FIRST_ROWS)?;
    let (account, span, block) = &mark.after;
    let mut rows = select.query(params![account, span, block])?;
    while let Some(row) = rows.next()? {
        let (account, span, block): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let body = row.get_ref(3)?.as_blob().map_err(|error| StoreError::Damaged(error.to_string()))?;
        if Part::outcomes_of(body).is_none() {
            // Its days have to be written before a longer span is made of them.
            if renewed.many() >= AT_ONCE || span > 1 && renewed.many() > 0 {
                return Ok(Some(renewed));
            }
            let outcomes = match span {
                1 => begun::outcomes_of(conn, &account, block)?,
                _ => of_days(conn, &account, span, block)?,
            };
            if let Some(outcomes) = outcomes {
                let part = Part { outcomes: Some(outcomes), ..Part::read(body)? };
                renewed.rows.push((account.clone(), span, block, part.write()));
                mark.found = true;
            }
        }
        mark.after = (account, span, block);
    }
    // What was not put away, for its day changed meanwhile, is found the next time round.
    let Mark { found, .. } = std::mem::take(mark);
    renewed.was_last = !found;
    Ok(Some(renewed))
}

/// By its days; nothing as long as one of them does not know.
fn of_days(conn: &Connection, account: &str, span: i64, block: i64) -> Result<Option<Outcomes>, StoreError> {
    let mut outcomes = Some(Outcomes::default());
    each(conn, account, 1, &(block * span..(block + 1) * span), |day, number, part| {
        if number > 0 {
            return;
        }
        outcomes = outcomes.zip(part.outcomes).map(|(mut all, of_day)| {
            let bit = 1 << within(span, day, 0).bit;
            all.iter_mut().zip(of_day).for_each(|(bits, hours)| *bits |= if hours > 0 { bit } else { 0 });
            all
        });
    })?;
    Ok(outcomes)
}

#[cfg(test)]
mod tests {
    use calls::PbxTime;

    use super::super::super::super::schema;
    use super::super::super::entry::Entry;
    use super::super::super::line::Lines;
    use super::super::{DAY_MICROS, Days, HOURS_A_DAY};
    use super::*;
    use crate::seal::Sealer;
    use crate::sums::{LegOutcome, Outline, Person};

    fn leg(place: i64, outcome: LegOutcome) -> Entry {
        let outline = Outline { outcome, outgoing: false, talk_secs: 0, ring_micros: 0, transferred: false };
        Entry {
            places: vec![place, place + 1],
            begun: Some(place),
            begun_at: PbxTime::from_micros(place * DAY_MICROS / HOURS_A_DAY),
            outline,
            person: Person { number: "100".to_owned(), name: String::new() },
            numbers: String::new(),
            wait: None,
            queue: String::new(),
        }
    }

    fn days(conn: &Connection) -> Vec<(i64, i64, Vec<u8>)> {
        let mut select = conn.prepare("SELECT span, block, body FROM day ORDER BY span, block").unwrap();
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn days_of_an_older_program_learn_what_those_of_this_one_know() {
        let mut conn = Connection::open_in_memory().unwrap();
        schema::migrate(&mut conn, &Sealer::new([7; 32])).unwrap();
        let (mut all, mut lines) = (Days::default(), Lines::default());
        for place in (24_000..24_000 + 90 * 24).step_by(5) {
            let outcome = if place % 97 == 0 { LegOutcome::Busy } else { LegOutcome::Missed };
            let leg = leg(place, outcome);
            all.add(&conn, "a", &leg).unwrap();
            lines.add(&conn, "a", &leg).unwrap();
            conn.execute("INSERT INTO hours VALUES (0, ?1, ?1, ?1)", [place]).unwrap();
        }
        all.write(&conn).unwrap();
        lines.write(&conn).unwrap();
        let known = days(&conn);
        assert!(known.len() > 95, "{} days and spans", known.len());
        for (span, block, body) in &known {
            let body = Part::as_before(body);
            assert_eq!(Part::outcomes_of(&body), None);
            conn.execute(
                "UPDATE day SET body = ?3 WHERE span = ?1 AND block = ?2",
                params![span, block, body],
            )
            .unwrap();
        }
        assert!(renew(&conn, &mut Mark::default()).unwrap().is_none(), "a store of this program has none");
        conn.execute("UPDATE meta SET value = 1 WHERE name = 'old_days'", []).unwrap();
        let (mut mark, mut lost, mut bites) = (Mark::default(), false, 0);
        while let Some(renewed) = renew(&conn, &mut mark).unwrap() {
            bites += 1;
            // One is made of what is no longer so, and not put away.
            if !std::mem::replace(&mut lost, true) {
                continue;
            }
            renewed.write(&conn).unwrap();
        }
        assert_eq!(days(&conn), known);
        assert!(bites > 5, "{bites} bites");
    }
}
