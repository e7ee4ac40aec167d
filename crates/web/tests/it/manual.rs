//! A page of the manual that is there in both languages says the same in both: what people type, read and look for is code.

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;

fn page(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    std::fs::read_to_string(root.join(path)).unwrap()
}

/// What stands between backticks, and the lines of blocks without their remarks. Tests are named in one language alone.
fn code(text: &str) -> BTreeSet<String> {
    let (block, span, test) = (
        Regex::new(r"(?s)```.*?```").unwrap(),
        Regex::new(r"`([^`]+)`").unwrap(),
        Regex::new("^[a-z0-9]+(_[a-z0-9]+){4,}$").unwrap(),
    );
    let lines = block.find_iter(text).flat_map(|found| found.as_str().lines().collect::<Vec<_>>());
    let mut all: BTreeSet<String> =
        lines.map(|line| line.split('#').next().unwrap_or_default().trim().to_owned()).collect();
    let outside = block.replace_all(text, "");
    let spans =
        span.captures_iter(&outside).map(|found| found[1].split_whitespace().collect::<Vec<_>>().join(" "));
    all.extend(spans.filter(|code| !test.is_match(code)));
    all
}

#[test]
fn the_danish_page_on_postgresql_has_all_that_the_english_one_has() {
    let (english, danish) = (page("postgresql.md"), page("da/postgresql.md"));
    let (of_english, of_danish) = (code(&english), code(&danish));
    assert!(of_english.len() > 60, "{of_english:?}");
    assert_eq!(
        of_english.difference(&of_danish).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "missing in Danish"
    );
    assert_eq!(
        of_danish.difference(&of_english).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "missing in English"
    );
    let many = |text: &str, of: &str| text.lines().filter(|line| line.starts_with(of)).count();
    for of in ["## ", "- ", "| "] {
        assert_eq!(many(&danish, of), many(&english, of), "lines that begin with {of:?}");
    }
}

/// A link within a page leads to a heading of it.
#[test]
fn links_within_the_pages_on_postgresql_lead_somewhere() {
    let links = Regex::new(r"\]\(#([^)]+)\)").unwrap();
    for path in ["postgresql.md", "da/postgresql.md"] {
        let text = page(path);
        let heads: BTreeSet<String> = text
            .lines()
            .filter_map(|line| line.strip_prefix("## "))
            .map(|head| head.to_lowercase().replace([',', '\''], "").replace(' ', "-"))
            .collect();
        for found in links.captures_iter(&text) {
            assert!(heads.contains(&found[1]), "{path}: {}: {heads:?}", &found[1]);
        }
    }
}
