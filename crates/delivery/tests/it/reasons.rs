//! The list of reasons: as the code has it, and nowhere else.

use delivery::guard::{Refused, Why};
use delivery::reason::{CODES, GivesReason as _, danish, english};
use journal::Reason;

const DOC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/delivery.md");
const BEGIN: &str = "<!-- reasons: made by RINGBUD_WRITE=1 cargo test -p delivery reasons -->\n";
const END: &str = "<!-- end of reasons -->\n";

fn table() -> String {
    let rows = CODES.iter().map(|code| {
        let args = code.args.iter().map(|arg| format!("`{arg}`")).collect::<Vec<_>>().join(", ");
        format!("| `{}` | {args} | {} |\n", code.name, code.english)
    });
    let ranges = Why::ALL
        .iter()
        .map(|why| format!("`{}` ({})", why.name(), why.english()))
        .collect::<Vec<_>>()
        .join(", ");
    let head = "| code | arguments | in English |\n|---|---|---|\n";
    format!("\n{head}{}\n`range` is one of {ranges}.\n\n", rows.collect::<String>())
}

#[test]
fn the_manual_lists_the_codes_as_they_are() {
    let page = std::fs::read_to_string(DOC).expect("the page");
    let (before, rest) = page.split_once(BEGIN).expect("a place for the list");
    let (listed, after) = rest.split_once(END).expect("its end");
    if std::env::var_os("RINGBUD_WRITE").is_some() {
        std::fs::write(DOC, format!("{before}{BEGIN}{}{END}{after}", table())).expect("written");
        return;
    }
    assert_eq!(listed, table(), "run RINGBUD_WRITE=1 cargo test -p delivery reasons");
}

#[test]
fn a_code_stands_once_and_its_sentence_uses_its_arguments_and_no_others() {
    for (at, code) in CODES.iter().enumerate() {
        assert!(CODES[..at].iter().all(|other| other.name != code.name), "{} twice", code.name);
        assert!(
            code.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        );
        let holes: Vec<&str> =
            code.english.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
        for arg in code.args {
            assert!(holes.contains(arg), "{} does not tell {arg}", code.name);
        }
        for hole in holes.iter().filter(|hole| **hole != "…") {
            assert!(code.args.contains(hole), "{} has no {hole}", code.name);
        }
    }
}

#[test]
fn every_code_and_every_range_has_its_words_in_both_languages() {
    for code in CODES {
        let holes = |text: &str| {
            let mut holes: Vec<String> =
                text.split('{').skip(1).filter_map(|rest| Some(rest.split('}').next()?.to_owned())).collect();
            holes.sort();
            holes
        };
        assert_eq!(holes(code.english), holes(code.danish), "{}", code.name);
        let says_words = code.english.bytes().any(|byte| byte.is_ascii_lowercase());
        let same_in_both = code.args == ["status"] || code.name == "text" || !says_words;
        assert!(same_in_both || code.english != code.danish, "{}", code.name);
    }
    for (at, why) in Why::ALL.iter().enumerate() {
        assert!(Why::ALL[..at].iter().all(|other| other.name() != why.name()), "{why:?}");
        assert!(why.english() != why.danish(), "{why:?}");
        assert_eq!(Why::named(why.name()), Some(*why));
        let refused = Refused { address: [127, 0, 0, 1].into(), why: *why };
        assert_eq!(english(&refused.reason()), refused.to_string());
        assert!(
            danish(&refused.reason()).starts_with(&format!("127.0.0.1 er {} og afvises: ", why.danish()))
        );
    }
}

#[test]
fn what_it_was_about_is_in_the_sentence_and_old_sentences_stay() {
    for (reason, told) in [
        (
            Reason::new("connection_refused").with("address", "192.0.2.7:443"),
            "Der er ikke forbindelse til 192.0.2.7:443: forbindelsen blev afvist",
        ),
        (Reason::status(500), "HTTP 500"),
        (Reason::text("written by an older program"), "written by an older program"),
        (Reason::new("from_tomorrow").with("x", 1), "from_tomorrow x=\"1\""),
    ] {
        assert_eq!(danish(&reason), told);
    }
}

#[test]
fn a_code_of_a_later_version_is_shown_as_it_is() {
    let unknown = Reason::new("moon_in_the_way").with("phase", "full");
    assert_eq!(english(&unknown), "moon_in_the_way phase=\"full\"");
}
