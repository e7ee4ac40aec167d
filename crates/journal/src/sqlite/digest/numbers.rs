//! The numbers of an account's ended legs, some hundred legs in one text: a part of a number is looked for in
//! these texts, which costs a hundredth of a look at every leg's row. A place of the text is an entry:
//! [`ENTRY`], two letters for the leg's place within the block, one for its outcome, and its numbers, each
//! behind a [`NUMBER`]. What is found is only where to look: the event itself has the last word.

use memchr::memmem::Finder;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::super::errors::StoreError;
use super::{Row, outcome_number};
use crate::LegOutcome;

/// So many places of the journal are one block.
pub(in crate::sqlite) const BLOCK: i64 = 1_024;
const ENTRY: char = '\u{1e}';
const NUMBER: char = '\u{1f}';
/// What an entry is recognised by has this many bytes, [`ENTRY`] among them; the outcome is the last.
const HEAD: usize = 4;

/// The beginning of an entry; all of it is ASCII.
fn head(seq: i64, outcome: LegOutcome) -> [u8; HEAD] {
    let within = u8::try_from(seq.rem_euclid(BLOCK) >> 5).unwrap_or(0);
    let rest = u8::try_from(seq.rem_euclid(32)).unwrap_or(0);
    [ENTRY as u8, b'A' + within, b'A' + rest, b'a' + outcome_number(outcome)]
}

fn push_entry(text: &mut String, seq: i64, row: &Row) {
    text.extend(head(seq, row.outline.outcome).map(char::from));
    let mut told: Vec<&str> = Vec::new();
    for number in row.numbers.split(['\n', ENTRY]).filter(|number| !number.is_empty()) {
        if !told.contains(&number) {
            told.push(number);
            text.push(NUMBER);
            text.push_str(number);
        }
    }
}

/// Adds rows, which are in the order of account and place.
pub(super) fn list(conn: &Connection, rows: &[Row]) -> Result<(), StoreError> {
    let placed: Vec<(i64, &Row)> = rows.iter().filter_map(|row| Some((row.seq?, row))).collect();
    let block = |seq: i64| seq.div_euclid(BLOCK);
    let mut insert = conn.prepare_cached(
        "INSERT INTO number_lists VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET listed = listed || excluded.listed",
    )?;
    for rows in placed
        .chunk_by(|(seq, row), (next, other)| (block(*seq), &row.account) == (block(*next), &other.account))
    {
        let mut text = String::new();
        rows.iter().for_each(|(seq, row)| push_entry(&mut text, *seq, row));
        insert.execute(params![rows[0].1.account, block(rows[0].0), text])?;
    }
    Ok(())
}

/// Takes a row out; a block without any goes.
pub(super) fn forget(conn: &Connection, row: &Row) -> Result<(), StoreError> {
    let Some(seq) = row.seq else { return Ok(()) };
    let key = params![row.account, seq.div_euclid(BLOCK)];
    let listed: Option<String> = conn
        .prepare_cached("SELECT listed FROM number_lists WHERE account = ?1 AND block = ?2")?
        .query_row(key, |row| row.get(0))
        .optional()?;
    let Some(listed) = listed else { return Ok(()) };
    let own: String = head(seq, row.outline.outcome)[1..HEAD - 1].iter().copied().map(char::from).collect();
    let mut left = String::with_capacity(listed.len());
    for entry in listed.split(ENTRY).skip(1).filter(|entry| !entry.starts_with(&own)) {
        left.push(ENTRY);
        left.push_str(entry);
    }
    // An update would take new pages before it gives the old ones back, and a store that is full has none.
    conn.prepare_cached("DELETE FROM number_lists WHERE account = ?1 AND block = ?2")?.execute(key)?;
    if !left.is_empty() {
        conn.prepare_cached("INSERT INTO number_lists VALUES (?1, ?2, ?3)")?.execute(params![
            row.account,
            seq.div_euclid(BLOCK),
            left
        ])?;
    }
    Ok(())
}

/// Whether a part of a number can be looked for here: what stands between entries is in no number of a PBX.
pub(in crate::sqlite) fn findable(part: &str) -> bool {
    !part.is_empty() && !part.contains(char::is_control)
}

/// Adds the places of a block's legs that have the part in a number, and came out so if it is asked, in
/// order. The part is [`findable`].
pub(in crate::sqlite) fn found(
    (block, listed): (i64, &str),
    part: &Finder<'_>,
    outcome: Option<LegOutcome>,
    places: &mut Vec<i64>,
) {
    let bytes = listed.as_bytes();
    let mut from = 0;
    while let Some(at) = bytes.get(from..).and_then(|rest| part.find(rest)) {
        let at = from + at;
        let begin = memchr::memrchr(ENTRY as u8, &bytes[..at]).unwrap_or(0);
        if let Some([_, within, rest, how]) =
            bytes.get(begin..begin + HEAD).and_then(|head| head.first_chunk())
            && outcome.is_none_or(|outcome| *how == b'a' + outcome_number(outcome))
        {
            let place = i64::from(within.wrapping_sub(b'A')) * 32 + i64::from(rest.wrapping_sub(b'A'));
            places.push(block * BLOCK + place);
        }
        // One mention is enough: on with the next entry.
        from = memchr::memchr(ENTRY as u8, &bytes[at..]).map_or(bytes.len(), |next| at + next);
    }
    places.sort_unstable();
}
