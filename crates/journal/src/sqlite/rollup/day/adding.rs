//! Sums over whole days: by the longest spans that are there.

use std::ops::Range;

use rusqlite::Connection;

use super::super::super::errors::StoreError;
use super::part::{Part, tally};
use super::{LONG_SPANS, QUARTERS_A_DAY, each};
use crate::sums::{Person, Quarter, Sums};

/// Adds whole days of an account: by the longest spans that are there.
pub(in crate::sqlite) fn add_days(
    conn: &Connection,
    account: &str,
    days: &Range<i64>,
    sums: &mut Sums,
) -> Result<(), StoreError> {
    for (span, blocks) in covering(days, &LONG_SPANS) {
        add_blocks(conn, account, span, blocks, sums)?;
    }
    Ok(())
}

fn add_blocks(
    conn: &Connection,
    account: &str,
    span: i64,
    blocks: Range<i64>,
    sums: &mut Sums,
) -> Result<(), StoreError> {
    let mut missing = blocks.start;
    let mut gaps = Vec::new();
    each(conn, account, span, &blocks, |block, _, part| {
        if missing < block {
            gaps.push(missing..block);
        }
        missing = missing.max(block + 1);
        add_part(span, block, &part, sums);
    })?;
    if span == 1 {
        return Ok(());
    }
    gaps.push(missing..blocks.end);
    let shorter =
        LONG_SPANS.iter().position(|long| *long == span).map_or(&[][..], |at| &LONG_SPANS[at + 1..]);
    for gap in gaps {
        for (span, blocks) in covering(&(gap.start * span..gap.end * span), shorter) {
            add_blocks(conn, account, span, blocks, sums)?;
        }
    }
    Ok(())
}

fn add_part(span: i64, block: i64, part: &Part, sums: &mut Sums) {
    for sum in &part.people {
        let person = Person { number: sum.number.clone(), name: sum.name.clone() };
        if !sum.waits.is_empty() {
            sums.waits.entry(person.clone()).or_default().add(&sum.waits);
        }
        sums.people.entry(person).or_default().add(&tally(sum.counts));
    }
    for (queue, waits) in &part.queues {
        sums.queues.entry(queue.clone()).or_default().add(waits);
    }
    for (quarter, calls) in &part.quarters {
        let quarter = Quarter(block * span * QUARTERS_A_DAY + i64::from(*quarter));
        *sums.quarters.entry(quarter).or_default() += calls;
    }
}

/// The fewest spans that are these days, each with its blocks: long ones inside, single days at the ends.
pub(super) fn covering(days: &Range<i64>, spans: &[i64]) -> Vec<(i64, Range<i64>)> {
    let Some((span, shorter)) = spans.split_first() else {
        return if days.is_empty() { Vec::new() } else { vec![(1, days.clone())] };
    };
    let blocks = -(-days.start).div_euclid(*span)..days.end.div_euclid(*span);
    if blocks.is_empty() {
        return covering(days, shorter);
    }
    let mut all = covering(&(days.start..blocks.start * span), shorter);
    all.extend(covering(&(blocks.end * span..days.end), shorter));
    all.push((*span, blocks));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_cover_each_day_once_and_a_year_is_few_of_them() {
        for start in -130..130 {
            for length in [0, 1, 7, 8, 9, 15, 63, 64, 65, 128, 140, 365, 400] {
                let days = start..start + length;
                let spans = covering(&days, &LONG_SPANS);
                let mut covered: Vec<i64> =
                    spans.iter().flat_map(|(span, blocks)| blocks.start * span..blocks.end * span).collect();
                covered.sort_unstable();
                assert_eq!(covered, days.clone().collect::<Vec<_>>(), "{days:?}");
                let read: i64 = spans.iter().map(|(_, blocks)| blocks.end - blocks.start).sum();
                assert!(read <= 14 + 14 + length / 64, "{days:?}: {read} rows");
            }
        }
    }
}
