//! Sums of ended legs: by day and person, by longer spans of days and person, by quarter of an hour.

use std::collections::BTreeMap;

use rusqlite::{Connection, ToSql, params};

use super::super::errors::StoreError;
use super::{Row, column};
use crate::sums::{Person, QUARTER_MICROS, Tally};

pub(in crate::sqlite) const DAY_MICROS: i64 = 86_400 * 1_000_000;
/// Spans of days that are added up too, the longest first, each a multiple of the next: a year is some twenty
/// rows a person instead of 365.
pub(in crate::sqlite) const LONG_SPANS: [i64; 2] = [64, 8];

type People<'a> = BTreeMap<(&'a str, i64, &'a Person), (i64, Tally)>;

/// Adds rows to the sums, or takes them away.
pub(super) fn add(conn: &Connection, rows: &[Row], sign: i64) -> Result<(), StoreError> {
    let (mut days, mut quarters) = (People::new(), BTreeMap::<(&str, i64), u64>::new());
    for row in rows.iter().filter(|row| row.seq.is_some()) {
        let (at, tally) = (row.begun_at.as_micros(), row.outline.tally());
        let day = days.entry((&row.account, at.div_euclid(DAY_MICROS), &row.person)).or_default();
        day.0 += 1;
        day.1.add(&tally);
        *quarters.entry((&row.account, at.div_euclid(QUARTER_MICROS))).or_default() += tally.calls();
    }
    add_people(conn, "day_sums", "day", None, &days, sign)?;
    for span in LONG_SPANS {
        let mut long = People::new();
        for ((account, day, person), (legs, sum)) in &days {
            let block = long.entry((*account, day.div_euclid(span), *person)).or_default();
            block.0 += legs;
            block.1.add(sum);
        }
        add_people(conn, "long_sums", "span, block", Some(span), &long, sign)?;
    }
    add_quarters(conn, quarters, sign)
}

fn add_quarters(
    conn: &Connection,
    quarters: BTreeMap<(&str, i64), u64>,
    sign: i64,
) -> Result<(), StoreError> {
    for ((account, quarter), calls) in quarters {
        conn.prepare_cached(
            "INSERT INTO quarter_sums VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET calls = calls + excluded.calls",
        )?
        .execute(params![account, quarter, column(calls) * sign])?;
        if sign < 0 {
            conn.prepare_cached(
                "DELETE FROM quarter_sums WHERE account = ?1 AND quarter = ?2 AND calls = 0",
            )?
            .execute(params![account, quarter])?;
        }
    }
    Ok(())
}

fn signed(sum: &Tally, sign: i64) -> [i64; 8] {
    let Tally { taken, missed, elsewhere, made, talks, talk_secs, ring_micros, transferred } = *sum;
    [taken, missed, elsewhere, made, talks, talk_secs, ring_micros, transferred]
        .map(|count| column(count) * sign)
}

/// Into a table of sums; `place` are the columns that say of which days, the span's own first if there is one.
fn add_people(
    conn: &Connection,
    table: &str,
    place: &str,
    span: Option<i64>,
    people: &People<'_>,
    sign: i64,
) -> Result<(), StoreError> {
    let holders = |from: usize, many: usize| {
        (from..from + many).map(|at| format!("?{at}")).collect::<Vec<_>>().join(", ")
    };
    let key = format!("account, {place}, employee, name");
    let keys = key.split(", ").count();
    let add = format!(
        "INSERT INTO {table} ({key}, legs, taken, missed, elsewhere, made, talks, talk_secs, ring_micros, transferred)
         VALUES ({})
         ON CONFLICT DO UPDATE SET legs = legs + excluded.legs, taken = taken + excluded.taken,
             missed = missed + excluded.missed, elsewhere = elsewhere + excluded.elsewhere,
             made = made + excluded.made, talks = talks + excluded.talks,
             talk_secs = talk_secs + excluded.talk_secs, ring_micros = ring_micros + excluded.ring_micros,
             transferred = transferred + excluded.transferred",
        holders(1, keys + 9)
    );
    let drop_empty = format!("DELETE FROM {table} WHERE ({key}) = ({}) AND legs = 0", holders(1, keys));
    for ((account, block, person), (legs, sum)) in people {
        let mut values: Vec<&dyn ToSql> = vec![account];
        values.extend(span.as_ref().map(|span| span as &dyn ToSql));
        values.extend([block as &dyn ToSql, &person.number, &person.name]);
        let (legs, sums) = (legs * sign, signed(sum, sign));
        let counted = [&legs as &dyn ToSql].into_iter().chain(sums.iter().map(|sum| sum as &dyn ToSql));
        let row: Vec<&dyn ToSql> = values.iter().copied().chain(counted).collect();
        conn.prepare_cached(&add)?.execute(row.as_slice())?;
        if sign < 0 {
            conn.prepare_cached(&drop_empty)?.execute(values.as_slice())?;
        }
    }
    Ok(())
}
