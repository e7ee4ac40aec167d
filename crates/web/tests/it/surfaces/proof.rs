//! The surfaces have no way to the stores but the room: their manifests and sources are the proof.

use std::path::Path;

fn crates() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Every source below a folder, with its name.
fn sources(folder: &Path, into: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|of| of == "rs") {
            into.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn the_command_line_reaches_what_is_set_through_the_room_alone() {
    let mut all = Vec::new();
    for part in ["settings", "delivery"] {
        sources(&crates().join("ringbud/src/cli").join(part), &mut all);
    }
    assert!(all.len() > 5);
    let straight: Vec<_> = all
        .iter()
        .filter(|(_, text)| {
            ["journal::", "store.cache", "store.journal", "SettingKey"].iter().any(|word| text.contains(word))
        })
        .map(|(name, _)| name)
        .collect();
    assert_eq!(straight, Vec::<&String>::new(), "go through admin::Admin");
}

#[test]
fn the_window_and_the_api_have_no_way_to_the_stores() {
    let manifest = std::fs::read_to_string(crates().join("web/Cargo.toml")).unwrap();
    let dependencies = manifest.split_once("\n[dependencies]\n").unwrap().1.split("\n[").next().unwrap();
    assert!(dependencies.lines().any(|line| line.starts_with("admin")), "{dependencies}");
    assert!(!dependencies.lines().any(|line| line.starts_with("journal")), "{dependencies}");
    // Nor does the room hand the way on: it shows plain values.
    let room = std::fs::read_to_string(crates().join("admin/src/lib.rs")).unwrap();
    let kept = room.split_once("pub mod kept {").unwrap().1;
    for way in ["Journal", "SettingsCache", "Sqlite", "Memory", "SettingKey", "Put", "Settle", "Append"] {
        let words = kept.split(|c: char| !c.is_alphanumeric());
        assert_eq!(words.filter(|word| *word == way).count(), 0, "admin::kept hands on {way}");
    }
    assert_eq!(room.matches("use journal::").count(), 2, "what is handed on is handed on in `kept`");
}
