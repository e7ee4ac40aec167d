//! Every text of the window, in Danish and English.
//!
//! `texts/*.txt` hold a line a text, `key = text`, with `{name}` for what is filled in. A test proves that
//! both are complete and nothing in them is unused.

use std::collections::HashMap;
use std::sync::LazyLock;

pub(crate) use admin::Language;

type Catalogue = HashMap<&'static str, &'static str>;

static DANISH: LazyLock<Catalogue> = LazyLock::new(|| read(include_str!("../../texts/da.txt")));
static ENGLISH: LazyLock<Catalogue> = LazyLock::new(|| read(include_str!("../../texts/en.txt")));

/// The texts of one language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Messages(pub(crate) Language);

impl Messages {
    /// The text of a key.
    pub(crate) fn get(&self, key: &str) -> &'static str {
        self.find(key).unwrap_or("⟨?⟩")
    }

    /// The text of a key, if there is one.
    pub(crate) fn find(&self, key: &str) -> Option<&'static str> {
        let catalogue = match self.0 {
            Language::Danish => &DANISH,
            Language::English => &ENGLISH,
        };
        catalogue.get(key).copied()
    }

    /// The text of a key with one thing filled in.
    pub(crate) fn with(&self, key: &str, name: &str, value: impl std::fmt::Display) -> String {
        self.get(key).replace(&format!("{{{name}}}"), &value.to_string())
    }
}

fn read(text: &'static str) -> Catalogue {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = ")).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn keys(catalogue: &Catalogue) -> BTreeSet<&'static str> {
        catalogue.keys().copied().collect()
    }

    /// Everything in quotes in a template or a source of the window.
    fn quoted(folder: &Path, into: &mut BTreeSet<String>) {
        let parts = regex::Regex::new(r#""([a-z0-9_]+(?:\.[A-Za-z0-9_\-]+)+)""#).unwrap();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                quoted(&path, into);
            } else if path.file_name().is_some_and(|name| name != "messages.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                into.extend(parts.captures_iter(&text).map(|found| found[1].to_owned()));
            }
        }
    }

    /// Families whose last part is a value: `state.` + the name of a state.
    const FAMILIES: &[&str] = &[
        "state.",
        "reason.",
        "event.",
        "kind.",
        "help.",
        "expect.",
        "done.",
        "param.",
        "url.",
        "day.",
        "scope.",
        "place.",
        "audit.",
        "field.",
        "method.",
        "told.",
        "now.held",
        "links.up",
        "links.connecting",
        "links.down",
        "links.elsewhere",
    ];

    #[test]
    fn both_languages_have_the_same_texts() {
        let (danish, english) = (keys(&DANISH), keys(&ENGLISH));
        assert_eq!(danish.difference(&english).collect::<Vec<_>>(), Vec::<&&str>::new(), "missing in en.txt");
        assert_eq!(english.difference(&danish).collect::<Vec<_>>(), Vec::<&&str>::new(), "missing in da.txt");
    }

    #[test]
    fn what_is_filled_in_is_the_same_in_both_languages() {
        let holes = regex::Regex::new(r"\{[a-z]+\}").unwrap();
        for (key, danish) in DANISH.iter() {
            let of = |text| holes.find_iter(text).map(|hole| hole.as_str()).collect::<BTreeSet<_>>();
            assert_eq!(of(danish), of(ENGLISH[key]), "{key}");
        }
    }

    #[test]
    fn no_text_is_missing_and_none_is_unused() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut used = BTreeSet::new();
        quoted(&root.join("templates"), &mut used);
        quoted(&root.join("src/window"), &mut used);
        let known = keys(&ENGLISH);
        let sections: BTreeSet<&str> = known.iter().filter_map(|key| key.split('.').next()).collect();
        let missing: Vec<_> = used
            .iter()
            .filter(|key| ![".html", ".csv", ".xlsx"].iter().any(|file| key.ends_with(file)))
            .filter(|key| sections.contains(key.split('.').next().unwrap()) && !known.contains(key.as_str()))
            .collect();
        assert_eq!(missing, Vec::<&String>::new(), "used, but not in the catalogues");
        let unused: Vec<_> = known
            .iter()
            .filter(|key| !used.contains(**key) && !FAMILIES.iter().any(|family| key.starts_with(family)))
            .collect();
        assert_eq!(unused, Vec::<&&str>::new(), "in the catalogues, but not used");
    }
}
