//! Finds the headers that mean something among the lines of an event.

use super::field::{COUNT, Field};

/// So many letters of a name tell most lines apart from every field.
const KEY_BYTES: usize = 8;

/// A line is looked at so far to find its key.
const SEEN_BYTES: usize = 24;

/// What many names begin with, and where those letters are of which they differ.
const FAMILIES: [(&[u8; KEY_BYTES], usize); 4] =
    [(b"variable", 9), (b"Other-Le", 10), (b"Caller-C", 14), (b"Channel-", 4)];

/// Names of so many letters are too short for a key; their colon tells them from nearly all lines.
const SHORT: usize = 4;

/// So many lines are looked at before those that may be fields are looked at again.
const AT_ONCE: usize = 64;

/// Places for keys; several times as many as there are, so that what is no key hits an empty one.
const SLOTS: usize = 256;
const SLOT_BITS: u32 = SLOTS.trailing_zeros();

/// No field.
const NONE: u8 = u8::MAX;

/// The fields by the keys of their names. An event has some two hundred lines, of which some twenty are fields:
/// looking a line up has to cost a nanosecond or two and no guess.
struct Index {
    /// No two keys have the same slot with this one.
    factor: u64,
    /// Zero where there is none.
    keys: [u64; SLOTS],
    /// The first field of a key.
    first: [u8; SLOTS],
    /// The first field that is too short for a key.
    short: u8,
    /// The next one of the same key, or that is too short.
    next: [u8; COUNT],
}

static INDEX: Index = Index::new();

impl Index {
    const fn new() -> Self {
        let mut factor = 0x9E37_79B9_7F4A_7C15;
        loop {
            if let Some(index) = Self::by(factor) {
                return index;
            }
            factor = u64::wrapping_add(factor, 0x2545_F491_4F6C_DD1E);
        }
    }

    /// With this factor, if it gives every key a slot of its own.
    const fn by(factor: u64) -> Option<Self> {
        let mut index =
            Self { factor, keys: [0; SLOTS], first: [NONE; SLOTS], short: NONE, next: [NONE; COUNT] };
        let mut field = 0;
        while field < COUNT {
            let name = Field::ALL[field].name().as_bytes();
            if name.len() == SHORT {
                index.next[field] = index.short;
                index.short = field as u8;
            } else {
                assert!(name.len() + 2 >= KEY_BYTES, "its key would have letters of its value");
                let key = key_of(&seen(name));
                let slot = index.slot(key);
                if index.keys[slot] != 0 && index.keys[slot] != key {
                    return None;
                }
                index.keys[slot] = key;
                index.next[field] = index.first[slot];
                index.first[slot] = field as u8;
            }
            field += 1;
        }
        Some(index)
    }

    /// The first field that a line which begins so may be, and whether it may be one at all.
    #[inline]
    fn look_up(&self, seen: &[u8; SEEN_BYTES]) -> (u8, bool) {
        let key = key_of(seen);
        let slot = self.slot(key);
        let is_short = seen[SHORT] == b':';
        let first = if is_short { self.short } else { self.first[slot] };
        (first, is_short | (self.keys[slot] == key))
    }

    #[inline]
    const fn slot(&self, key: u64) -> usize {
        (key.wrapping_mul(self.factor) >> (u64::BITS - SLOT_BITS)) as usize
    }
}

/// What is seen of a line of this name, or of a line that is short.
const fn seen(line: &[u8]) -> [u8; SEEN_BYTES] {
    let mut seen = [0; SEEN_BYTES];
    let mut at = 0;
    while at < SEEN_BYTES && at < line.len() + 2 {
        seen[at] = if at < line.len() { line[at] } else { b": "[at - line.len()] };
        at += 1;
    }
    seen
}

/// The key of a line that begins so.
#[inline]
const fn key_of(seen: &[u8; SEEN_BYTES]) -> u64 {
    let first = letters(seen, 0);
    let mut family = 0;
    while family < FAMILIES.len() {
        let (name, at) = FAMILIES[family];
        if first == u64::from_le_bytes(*name) {
            return letters(seen, at);
        }
        family += 1;
    }
    first
}

#[inline]
const fn letters(seen: &[u8; SEEN_BYTES], at: usize) -> u64 {
    let (_, rest) = seen.split_at(at);
    match rest.first_chunk::<KEY_BYTES>() {
        Some(letters) => u64::from_le_bytes(*letters),
        None => 0,
    }
}

/// A line that may be a field's: where it begins and ends, and the first field it may be.
#[derive(Clone, Copy, Default)]
struct Candidate {
    start: u32,
    end: u32,
    first: u8,
}

/// Finds the fields among the lines of a text, which end at these places, up to an empty one: each with its
/// value, as often as it is there.
#[inline]
pub(super) fn find<'a>(text: &'a [u8], ends: &[u32], mut found: impl FnMut(Field, &'a [u8])) {
    let mut start = 0;
    let mut candidates = [Candidate::default(); AT_ONCE];
    for ends in ends.chunks(AT_ONCE) {
        let (mut count, mut is_over) = (0, false);
        // Whether a line is written down is no branch: nobody could guess it.
        for end in ends {
            if *end == start {
                is_over = true;
                break;
            }
            let line = &text[start as usize..];
            let (first, may_be_one) = match line.first_chunk() {
                Some(seen) => INDEX.look_up(seen),
                None => INDEX.look_up(&seen(line)),
            };
            candidates[count % AT_ONCE] = Candidate { start, end: *end, first };
            count += usize::from(may_be_one);
            start = *end + 1;
        }
        for Candidate { start, end, first } in candidates.iter().take(count) {
            let line = &text[*start as usize..*end as usize];
            if let Some((field, value)) = among(*first, line) {
                found(field, value);
            }
        }
        if is_over {
            return;
        }
    }
    // Behind the last end there may be a line without one.
    let line = &text[start as usize..];
    let (first, _) = INDEX.look_up(&seen(line));
    if let Some((field, value)) = among(first, line) {
        found(field, value);
    }
}

/// The field of a line and its value, by the first one of its key.
#[inline]
fn among(mut field: u8, line: &[u8]) -> Option<(Field, &[u8])> {
    while let Some(candidate) = Field::ALL.get(usize::from(field)) {
        if let Some(value) = value_in(*candidate, line) {
            return Some((*candidate, value));
        }
        field = INDEX.next[usize::from(field)];
    }
    None
}

/// The value, if the line is of this field.
#[inline]
fn value_in(field: Field, line: &[u8]) -> Option<&[u8]> {
    let name = field.name().as_bytes();
    // The colon first: it is in its place in hardly any other line.
    let value = line.get(name.len()..)?.strip_prefix(b":")?;
    (line[..name.len()] == *name).then(|| value.strip_prefix(b" ").unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use crate::lines::Places;

    use super::*;

    fn found(text: &str) -> Vec<(Field, String)> {
        let (mut all, mut ends) = (Vec::new(), Places::default());
        ends.add_all(text.as_bytes());
        find(text.as_bytes(), ends.as_slice(), |field, value| {
            all.push((field, String::from_utf8_lossy(value).into_owned()));
        });
        all
    }

    #[test]
    fn every_field_is_found_by_its_name_and_by_no_other() {
        for field in Field::ALL {
            let name = field.name();
            let it = [(field, "x y".to_owned())];
            for text in
                [format!("{name}: x y"), format!("{name}: x y\n"), format!("A: b\n{name}: x y\n\nC: d")]
            {
                assert_eq!(found(&text), it, "{text}");
            }
            assert_eq!(found(&format!("{name}: \n")), [(field, String::new())], "{name}");
            for text in [format!("{name}-Other: x\n"), format!("{name}\n"), format!("\n{name}: x y")] {
                assert_eq!(found(&text), [], "{text}");
            }
        }
    }

    #[test]
    fn of_many_lines_the_fields_are_found_in_their_order() {
        let fields = || (0..7).flat_map(|round| Field::ALL.into_iter().skip(round));
        let lines: String =
            fields().map(|field| format!("{}: {}\nX: y\n", field.name(), field as u8)).collect();
        let expected: Vec<_> = fields().map(|field| (field, (field as u8).to_string())).collect();
        assert_eq!(found(&lines), expected);
    }
}
