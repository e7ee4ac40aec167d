//! The page of promises and the tests it names.

use std::path::Path;

/// Words of the page that look like a test's name and are none.
const NO_TESTS: &[&str] = &["webhook_id", "whsec_"];

#[test]
fn every_test_the_page_names_is_there() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(here.join("../../docs/delivery.md")).expect("the page");
    let mut tests = String::new();
    for entry in std::fs::read_dir(here.join("tests/it")).expect("the tests") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            tests.push_str(&std::fs::read_to_string(path).expect("a module"));
        }
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
    assert!(named.len() > 40, "the page names its tests: {named:?}");
    for name in named {
        assert!(tests.contains(&format!("fn {name}(")), "docs/delivery.md names {name}");
    }
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
