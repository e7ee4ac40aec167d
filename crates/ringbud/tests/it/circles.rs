//! No import circles: arrows between the files of a crate go one way.
//!
//! A parent module may name what is in its children, as their face; every other file that two files need of each
//! other is a place where neither can be understood, changed or moved alone.

mod reading;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use reading::{File, Module};

type Arrows<'a> = BTreeMap<&'a Module, BTreeSet<&'a Module>>;

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let inside = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
    entries.flat_map(inside).filter(|path| path.extension().is_some_and(|end| end == "rs")).collect()
}

/// `query/lines.rs` is crate, query, lines; `query/mod.rs` is crate, query.
fn module(source: &Path, file: &Path) -> Module {
    let path = file.strip_prefix(source).expect("inside").with_extension("");
    let names = path.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    let names = names.filter(|name| !matches!(name.as_str(), "mod" | "lib" | "main"));
    std::iter::once("crate".to_owned()).chain(names).collect()
}

fn read(source: &Path) -> BTreeMap<Module, File> {
    let is_test = |file: &PathBuf| file.iter().any(|part| part == "tests" || part == "tests.rs");
    let mut files = BTreeMap::<Module, File>::new();
    for file in sources(source).into_iter().filter(|file| !is_test(file)) {
        let text = std::fs::read_to_string(&file).expect("source");
        let module = module(source, &file);
        files.entry(module.clone()).or_default().read(&module, &text);
    }
    files
}

/// The file that defines what is named so, through what others hand on.
fn home<'a>(files: &'a BTreeMap<Module, File>, path: &[String], hops: usize) -> Option<&'a Module> {
    let hops = hops.checked_sub(1)?;
    let at = (1..=path.len()).rev().find(|length| files.contains_key(&path[..*length]))?;
    let (module, file) = files.get_key_value(&path[..at])?;
    let Some(name) = path.get(at) else { return Some(module) };
    if file.defines.contains(name) {
        return Some(module);
    }
    if let Some(taken) = file.takes.get(name) {
        let to = [taken, &path[at + 1..]].concat();
        return if to == path { None } else { home(files, &to, hops) };
    }
    let among = |whole: &Module| home(files, &[&whole[..], &path[at..]].concat(), hops);
    file.whole.iter().filter_map(among).find(|module| files[*module].defines.contains(name))
}

fn arrows(files: &BTreeMap<Module, File>) -> Arrows<'_> {
    let of = |(module, file)| {
        let module: &Module = module;
        let file: &File = file;
        let needed = file.names.iter().filter_map(|path| home(files, path, 8));
        (module, needed.filter(|needed| !needed.starts_with(module)).collect())
    };
    files.iter().map(of).collect()
}

/// Whatever stands in a circle, or between two: what is left when nothing more is at an end.
fn in_circles<'a>(arrows: &Arrows<'a>) -> BTreeSet<&'a Module> {
    let mut left: BTreeSet<&Module> = arrows.keys().copied().collect();
    loop {
        let needs = |module: &&Module| arrows[*module].iter().any(|needed| left.contains(needed));
        let needed = |module: &&Module| left.iter().any(|other| arrows[other].contains(module));
        let next: BTreeSet<_> =
            left.iter().copied().filter(|module| needs(module) && needed(module)).collect();
        if next.len() == left.len() {
            return left;
        }
        left = next;
    }
}

#[test]
fn no_file_needs_one_that_needs_it() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder of crates");
    let (mut circles, mut seen) = (Vec::new(), 0);
    for entry in std::fs::read_dir(crates).expect("crates") {
        let source = entry.expect("a crate").path().join("src");
        let files = read(&source);
        let arrows = arrows(&files);
        seen += arrows.values().map(BTreeSet::len).sum::<usize>();
        let left = in_circles(&arrows);
        for module in &left {
            let needed: Vec<_> =
                arrows[*module].intersection(&left).map(|needed| needed.join("::")).collect();
            circles.push(format!("{}: {} needs {}", source.display(), module.join("::"), needed.join(", ")));
        }
    }
    assert!(seen > 500, "only {seen} arrows were found: this reads nothing any more");
    assert!(circles.is_empty(), "these need each other:\n{}", circles.join("\n"));
}

#[test]
fn a_circle_is_seen_through_what_others_hand_on() {
    let texts = [
        ("crate", "pub use one::One; mod one; mod two;"),
        ("crate::one", "use crate::two::Two; pub struct One(Two);"),
        ("crate::two", "pub struct Two; impl Two { fn one(&self) -> super::One { todo!() } }"),
        ("crate::three", "pub struct Three; #[cfg(test)] mod tests { use crate::four::Four; }"),
        ("crate::four", "use crate::three::Three; pub struct Four(Three);"),
    ];
    let mut files = BTreeMap::<Module, File>::new();
    for (module, text) in texts {
        let module: Module = module.split("::").map(str::to_owned).collect();
        files.entry(module.clone()).or_default().read(&module, text);
    }
    let left: Vec<String> = in_circles(&arrows(&files)).into_iter().map(|module| module.join("::")).collect();
    assert_eq!(left, ["crate::one", "crate::two"]);
}
