//! The pages of promises and the tests they name: those of this crate, of its neighbours and of the whole program.

use std::collections::BTreeSet;
use std::path::Path;

/// Words of the page that look like a test's name and are none.
const NO_TESTS: &[&str] = &[
    "next_since",
    "next_misses",
    "webhook_id",
    "whsec_",
    "by_person",
    "event_id",
    "pbx_message",
    "took_micros",
    "public_url",
    "secret_key_file",
    "end_session_endpoint",
    "error_reason",
    "last_reason",
    "why_reason",
    "server_said",
    "server_said_reason",
    "data_dir",
    "secret_key_file",
    "ca_file",
    "url_file",
    "url_env",
    "allow_unreplicated",
    "stand_by",
    "share_pbxs",
    "deliver_through_secs",
    "spool_megabytes",
    "ringbud_spool_events",
    "ringbud_spool_bytes",
    "synchronous_standby_names",
    "synchronous_commit",
    "ringbud_journal_bytes",
    "ringbud_journal_unwritable",
];

/// All modules of a folder, and of the folders in it.
fn read_all(folder: &Path, tests: &mut String) {
    for entry in std::fs::read_dir(folder).expect("the tests") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_all(&path, tests);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            tests.push_str(&std::fs::read_to_string(path).expect("a module"));
        }
    }
}

#[test]
fn every_test_the_pages_name_is_there() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = ["delivery.md", "operate.md", "postgresql.md", "login.md"]
        .map(|page| here.join("../../docs").join(page));
    let page = pages.map(|page| std::fs::read_to_string(page).expect("the page")).concat();
    // The list of reasons is held equal to the code elsewhere.
    let (before, rest) = page.split_once("<!-- reasons").expect("the list of reasons");
    let (_, after) = rest.split_once("<!-- end of reasons").expect("its end");
    let page = format!("{before}{after}");
    let mut tests = String::new();
    for folder in [
        "tests/it",
        "../ringbud/tests/it",
        "../ringbud/src/serve",
        "../calls/tests/it",
        "../journal/tests/it",
        "../journal/src",
        "../oidc/tests/it",
        "../web/tests/it",
    ] {
        read_all(&here.join(folder), &mut tests);
    }
    let is_name = |word: &str| {
        word.contains('_') && word.bytes().all(|b| b == b'_' || b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let named: Vec<&str> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| is_name(word) && !word.starts_with("ringbud_") && !NO_TESTS.contains(word))
        .collect();
    assert!(named.len() > 40, "the pages name their tests: {named:?}");
    for name in named {
        assert!(tests.contains(&format!("fn {name}(")), "the manual names {name}");
    }
}

/// On any page: a longer name is a test's, a figure's or a key's, and somewhere in the program.
#[test]
fn every_longer_name_of_any_page_is_one_of_the_programs() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut code = String::new();
    read_all(&here.join(".."), &mut code);
    let is_part = |c: char| c == '_' || c.is_ascii_alphanumeric();
    let known: BTreeSet<&str> = code.split(|c| !is_part(c)).collect();
    let mut pages = vec![here.join("../../README.md"), here.join("../../CHANGELOG.md")];
    let manual = std::fs::read_dir(here.join("../../docs")).expect("the manual");
    pages.extend(manual.map(|entry| entry.expect("an entry").path()));
    let mut looked_at = 0;
    for page in pages.iter().filter(|page| page.extension().is_some_and(|extension| extension == "md")) {
        let text = std::fs::read_to_string(page).expect("the page");
        let words = text.split('`').skip(1).step_by(2).filter(|word| word.chars().all(is_part));
        for name in words.filter(|word| word.matches('_').count() > 2) {
            looked_at += 1;
            assert!(known.contains(name), "{} names {name}", page.display());
        }
    }
    assert!(looked_at > 100, "{looked_at}");
}

#[test]
fn every_figure_the_page_names_is_counted() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(here.join("../../docs/delivery.md")).expect("the page");
    let code = ["src/sender/mod.rs", "src/sender/settler.rs", "src/connect/pool.rs"]
        .map(|file| std::fs::read_to_string(here.join(file)).expect("a module"))
        .concat();
    let figures = page.split('`').skip(1).step_by(2).filter(|word| word.starts_with("ringbud_"));
    for figure in figures {
        let name = figure.split('{').next().unwrap_or(figure);
        assert!(code.contains(&format!("\"{name}\"")), "docs/delivery.md names {name}");
    }
}
