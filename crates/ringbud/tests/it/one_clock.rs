//! The program has one wall clock, and a test can set it.

use std::path::{Path, PathBuf};

use journal::{Access, AuditFilter};
use ringbud::config::{Config, Purpose};
use ringbud::store::Store;

use crate::bed::Bed;

/// Who may read a clock besides `clock`: what measures from outside, and a provider that is somebody else.
const OTHERS: [&str; 3] =
    ["crates/bench/src/clock.rs", "crates/clock/src/lib.rs", "crates/oidc/src/stage/token.rs"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn only_the_clock_reads_the_clock() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let mut files = Vec::new();
    for one in std::fs::read_dir(root.join("crates")).unwrap() {
        let folder = one.unwrap().path().join("src");
        if folder.is_dir() {
            sources(&folder, &mut files);
        }
    }
    let reads = |text: &str| {
        let text = text.replace("tokio::time::Instant", "");
        text.contains("SystemTime::now")
            || text.contains("std::time::Instant")
            || text.contains("Instant, SystemTime")
    };
    let mut readers: Vec<String> = files
        .iter()
        .filter(|file| reads(&std::fs::read_to_string(file).unwrap()))
        .map(|file| file.strip_prefix(&root).unwrap().display().to_string())
        .collect();
    readers.sort();
    assert!(files.len() > 200, "{} files", files.len());
    assert_eq!(readers, OTHERS);
}

#[tokio::test]
async fn a_program_whose_clock_is_wrong_is_wrong_everywhere_in_the_same_way() {
    const DAYS: i64 = 200;
    let bed = Bed::new().await;
    let ahead = (DAYS * 86_400).to_string();
    let done = bed
        .run_with(&[("RINGBUD_CLOCK_AHEAD_SECS", &ahead)], &["account", "set", "1001", "--name", "N"])
        .await;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let config = Config::load(&bed.config(), Purpose::Work).unwrap();
    let store = Store::open(&config, Access::Gateway).await.unwrap();
    let entries = store.journal.audit(AuditFilter::default()).await.unwrap().entries;
    let days = (entries[0].at.0 - clock::wall_micros()) / 86_400_000_000;
    assert!((DAYS - 1..=DAYS).contains(&days), "{days} days ahead: {entries:?}");
}
