//! The list of reasons: as the code has it, and nowhere else.

use delivery::guard::{Refused, Why};
use delivery::reason::{CODES, GivesReason as _, RANGES, english};

const DOC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/delivery.md");
const BEGIN: &str = "<!-- reasons: made by RINGBUD_WRITE=1 cargo test -p delivery reasons -->\n";
const END: &str = "<!-- end of reasons -->\n";

fn table() -> String {
    let rows = CODES.iter().map(|code| {
        let args = code.args.iter().map(|arg| format!("`{arg}`")).collect::<Vec<_>>().join(", ");
        format!("| `{}` | {args} | {} |\n", code.name, code.english)
    });
    let ranges =
        RANGES.iter().map(|(name, told)| format!("`{name}` ({told})")).collect::<Vec<_>>().join(", ");
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
fn every_range_the_guard_refuses_has_its_words() {
    let all = [
        Why::Loopback,
        Why::Unspecified,
        Why::LinkLocal,
        Why::Metadata,
        Why::Private,
        Why::UniqueLocal,
        Why::SharedNat,
        Why::Multicast,
        Why::Broadcast,
        Why::Documentation,
        Why::Reserved,
    ];
    assert_eq!(all.map(Why::name).to_vec(), RANGES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let refused = Refused { address: [127, 0, 0, 1].into(), why: Why::Loopback };
    assert!(english(&refused.reason()).starts_with("127.0.0.1 is a loopback address and refused: "));
    assert_eq!(english(&refused.reason()), refused.to_string());
}

#[test]
fn a_code_of_a_later_version_is_shown_as_it_is() {
    let unknown = journal::Reason::new("moon_in_the_way").with("phase", "full");
    assert_eq!(english(&unknown), "moon_in_the_way phase=\"full\"");
}
