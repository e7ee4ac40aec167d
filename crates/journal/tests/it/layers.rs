//! Tables at the bottom, what writes and reads above: no part of the store on SQLite needs one that needs it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The parts of the store, each with the parts it names.
fn needs(root: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files(root) {
        let module = module(root, &file);
        let Some(part) = module.first() else { continue };
        let text = std::fs::read_to_string(&file).expect("source");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (supers, name) in named(text) {
            if supers == module.len() && name != *part {
                needs.entry(part.clone()).or_default().insert(name);
            }
        }
    }
    let parts: BTreeSet<String> = needs.keys().cloned().collect();
    needs.values_mut().for_each(|names| names.retain(|name| parts.contains(name)));
    needs
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// `query/lines.rs` is query, lines; `query/mod.rs` is query.
fn module(root: &Path, file: &Path) -> Vec<String> {
    let path = file.strip_prefix(root).expect("inside").with_extension("");
    let names = path.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    names.filter(|name| name != "mod").collect()
}

/// What is named behind one or more `super::`, with how many there are.
fn named(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("super::") {
        rest = &rest[at..];
        let mut supers = 0;
        while let Some(behind) = rest.strip_prefix("super::") {
            (rest, supers) = (behind, supers + 1);
        }
        let names = match rest.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap_or_default(),
            None => rest.split(['{', ';', ',', '(', ' ']).next().unwrap_or_default(),
        };
        for name in names.split(',') {
            let name: String = name.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            found.push((supers, name));
        }
    }
    found
}

#[test]
fn no_part_of_the_store_needs_one_that_needs_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sqlite");
    let needs = needs(&root);
    assert!(needs.len() > 15 && needs["query"].contains("table"), "{needs:?}");
    let mut left: BTreeSet<&String> = needs.keys().collect();
    while !left.is_empty() {
        let free: Vec<_> =
            left.iter().copied().filter(|part| needs[*part].iter().all(|of| !left.contains(of))).collect();
        let circles: Vec<_> = left.iter().map(|part| (part, &needs[*part])).collect();
        assert!(!free.is_empty(), "these need each other: {circles:?}");
        left.retain(|part| !free.contains(part));
    }
}
