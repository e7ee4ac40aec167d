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
fn in_the_window_and_the_api_only_the_doors_know_the_stores() {
    let mut all = Vec::new();
    sources(&crates().join("web/src"), &mut all);
    // Who somebody is has to be known before anything can be asked as somebody.
    let doors =
        ["first.rs", "look.rs", "login.rs", "oidc/mod.rs", "visitor.rs", "settings.rs", "now/boards.rs"];
    let straight: Vec<_> = all
        .iter()
        .filter(|(name, _)| !doors.iter().any(|door| name.ends_with(door)))
        .filter(|(_, text)| ["web.cache", "web.journal"].iter().any(|word| text.contains(word)))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(straight, Vec::<&String>::new(), "go through admin::Admin");
}
