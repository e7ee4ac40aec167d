//! The surfaces have no way to the stores but the room: their manifests and sources are the proof.

use std::path::Path;

fn crates() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Every source below a folder, with its name.
fn sources(folder: &Path, into: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
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
    sources(&crates().join("ringbud/src/cli"), &mut all);
    // The store as a whole: copied, put back, brought elsewhere, sealed with another key, who is on it. Nothing in it is
    // asked or changed.
    let whole = ["cli/backup.rs", "cli/gateways.rs", "cli/journal.rs", "cli/key.rs"];
    all.retain(|(name, _)| !whole.iter().any(|whole| name.ends_with(whole)));
    assert!(all.len() > 20, "{}", all.len());
    let ways = ["journal::", "sqlite", "rusqlite", ".cache", ".journal", "SettingsCache", "SettingKey"];
    // The configuration's `[journal]` and the command of that name are no way to it.
    let no_ways = ["config.journal", "self::journal::"];
    for (name, text) in &all {
        let text = no_ways.iter().fold(text.clone(), |text, none| text.replace(none, ""));
        for way in ways {
            // Not where a person is told of the file.
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let straight: Vec<_> = code.filter(|line| line.contains(way)).collect();
            assert_eq!(straight, Vec::<&str>::new(), "{name}: go through admin::Admin");
        }
    }
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

#[test]
fn the_words_of_a_refused_address_stand_in_one_place() {
    let mut all = Vec::new();
    for room in std::fs::read_dir(crates()).unwrap() {
        sources(&room.unwrap().path().join("src"), &mut all);
    }
    let texts = ["da", "en"].map(|language| crates().join(format!("web/texts/{language}.txt")));
    all.extend(texts.map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap())));
    assert!(all.len() > 300, "{}", all.len());
    for why in delivery::guard::Why::ALL {
        for words in [why.english(), why.danish()] {
            let written = [format!("\"{words}\""), format!(" = {words}\n")];
            let stands = |text: &str| written.iter().any(|written| text.contains(written));
            let places: Vec<_> = all.iter().filter(|(_, text)| stands(text)).map(|(name, _)| name).collect();
            assert_eq!(places.len(), 1, "\"{words}\" stands in {places:#?}");
            assert!(places[0].ends_with("delivery/src/guard/address.rs"));
        }
    }
}
