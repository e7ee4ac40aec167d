//! An anonymised recording says the same of other people.

use std::collections::BTreeMap;

use pbx::ami::Anonymiser;

use crate::recordings::{OTHERS, Recording, inputs, recordings, recordings_in};

fn anonymised<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut anonymiser = Anonymiser::new(*b"sixteen bytes...");
    let mut out = Vec::new();
    for piece in pieces {
        anonymiser.feed(piece, &mut out);
    }
    out
}

fn text(line: &str) -> String {
    String::from_utf8(anonymised([line.as_bytes()])).expect("text stays text")
}

/// Takes the quoted texts of a line apart from the rest.
fn taken_apart(line: &str) -> (Vec<&str>, Vec<&str>) {
    let (mut quoted, mut rest) = (Vec::new(), Vec::new());
    for (number, part) in line.split('"').enumerate() {
        if number % 2 == 0 { rest.push(part) } else { quoted.push(part) }
    }
    (quoted, rest)
}

#[test]
fn every_recording_gives_the_same_inputs_about_other_numbers() {
    let mut renamed: BTreeMap<String, String> = BTreeMap::new();
    for Recording { name, bytes } in recordings(".ami") {
        let (before, after) =
            (inputs([bytes.as_slice()]), inputs([anonymised([bytes.as_slice()]).as_slice()]));
        assert_eq!(before.lines().count(), after.lines().count(), "{name}");
        for (before, after) in before.lines().zip(after.lines()) {
            let ((before_quoted, before), (after_quoted, after)) = (taken_apart(before), taken_apart(after));
            assert_eq!(before, after, "{name}");
            for (before, after) in before_quoted.into_iter().zip(after_quoted) {
                let known = renamed.entry(before.to_owned()).or_insert_with(|| after.to_owned());
                assert_eq!(known, after, "{name}: {before} is always replaced by the same");
            }
        }
    }
    let mut others: Vec<_> = renamed.values().collect();
    others.sort();
    others.dedup();
    assert_eq!(others.len(), renamed.len(), "different ones stay different");
    for kept in ["101", "*8", "PJSIP/1001-101", "1795343903.0", "support"] {
        assert_eq!(renamed.get(kept).map(String::as_str), Some(kept));
    }
}

/// What a number is withheld by stays: the recording is of the same call, told the same way.
#[test]
fn what_other_pbxs_say_is_the_same_too_and_what_is_withheld_stays_withheld() {
    for (inside, suffix) in OTHERS {
        for Recording { name, bytes } in recordings_in(inside, suffix) {
            let (before, after) =
                (inputs([bytes.as_slice()]), inputs([anonymised([bytes.as_slice()]).as_slice()]));
            assert_eq!(before.lines().count(), after.lines().count(), "{inside}/{name}");
            for (before, after) in before.lines().zip(after.lines()) {
                let ((before_quoted, before), (after_quoted, after)) =
                    (taken_apart(before), taken_apart(after));
                assert_eq!(before, after, "{inside}/{name}");
                for (before, after) in before_quoted.into_iter().zip(after_quoted) {
                    assert_eq!(
                        before.is_empty(),
                        after.is_empty(),
                        "{inside}/{name}: {before:?} and {after:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn no_number_and_no_name_is_left() {
    for Recording { name, bytes } in recordings(".ami") {
        let left = String::from_utf8(anonymised([bytes.as_slice()])).expect("text stays text");
        for person in ["Anna", "Ben Birch", "Dora", "Click", "127.0.0.1"] {
            assert!(!left.contains(person), "{name}: {person}");
        }
        let before = String::from_utf8_lossy(&bytes);
        for number in before.lines().filter_map(|line| line.split_once("Num: +").map(|(_, number)| number)) {
            assert!(!left.contains(number), "{name}: {number}");
        }
    }
}

#[test]
fn pieces_do_not_matter() {
    let Recording { bytes, .. } = recordings(".tracker.ami").swap_remove(0);
    assert!(anonymised([bytes.as_slice()]) == anonymised(bytes.chunks(1)));
}

#[test]
fn a_number_is_recognisable_however_it_is_written() {
    let number =
        |line: &str| text(line).trim_end().rsplit(['+', ' ', '*', '/']).next().unwrap_or_default().to_owned();
    let international = number("CallerIDNum: +4570123456\n");
    assert_eq!(international.len(), 10);
    assert!(international.starts_with("4570") && international != "4570123456");
    assert!(international.ends_with(&number("Exten: 70123456\n")));
    assert!(
        text("Channel: Local/4570123456@out-00000007;1\n")
            .contains(&format!("/{international}@out-00000007;1"))
    );
    assert!(text("Exten: *21*70123456\n").starts_with("Exten: *21*70"));
}

#[test]
fn what_is_withheld_or_of_the_dialplan_stays() {
    for line in [
        "CallerIDNum: <unknown>\n",
        "CallerIDNum: anonymous\n",
        "CallerIDName: \n",
        "Exten: s\n",
        "Exten: 102\r\n",
    ] {
        assert_eq!(text(line), line);
    }
}

#[test]
fn names_are_replaced_and_unknown_headers_lose_their_value() {
    let renamed = text("CallerIDName: Søren Kjær\nSecretOfTheirs: 42\n");
    assert!(
        renamed.starts_with("CallerIDName: Person ") && renamed.ends_with("\nSecretOfTheirs: \n"),
        "{renamed}"
    );
    assert_ne!(text("CallerIDNum: anna.ash\n"), "CallerIDNum: anna.ash\n");
}

#[test]
fn a_line_too_long_for_the_codec_stays_too_long_and_says_nothing() {
    let line = format!("X: {}\r\n", "secret ".repeat(20_000));
    let left = anonymised(line.as_bytes().chunks(1000));
    assert_eq!(left.len(), line.len());
    assert!(!left.windows(6).any(|window| window == b"secret"));
}
