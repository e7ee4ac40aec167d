//! Dashboard and alerts speak of figures that are there.

use std::collections::BTreeSet;
use std::path::PathBuf;

use tokio::time::Instant;

use crate::bed::{Bed, PATIENCE};

/// Has a label for each kind of trouble, so it is there with the first.
const ONLY_IN_TROUBLE: &str = "ringbud_anomalies_total";

/// The names of figures in a text.
fn names(text: &str) -> BTreeSet<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_word(c));
    let names = words.filter(|word| word.starts_with("ringbud_") || word.starts_with("process_"));
    names.map(|name| name.strip_suffix("_bucket").unwrap_or(name).to_owned()).collect()
}

#[tokio::test]
async fn dashboard_and_alerts_name_only_what_is_exported() {
    let mut bed = Bed::new().await;
    bed.integrate("POST").await;
    // One web service cannot be reached: failures have figures of their own.
    for account in demo::cast::ACCOUNTS {
        bed.ask(&["integration", "set", account.id, "--ended-url", "http://127.0.0.1:1/"]).await;
    }
    let gateway = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    bed.requests(2).await;
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/monitoring");
    let mut wanted = BTreeSet::new();
    for file in ["dashboard.json", "alerts.yml"] {
        let found = names(&std::fs::read_to_string(folder.join(file)).unwrap());
        assert!(found.len() > 5, "{file} names hardly anything: {found:?}");
        wanted.extend(found);
    }
    wanted.remove(ONLY_IN_TROUBLE);
    // Gauges are set every few seconds.
    let until = Instant::now() + PATIENCE;
    let mut missing = wanted.clone();
    while !missing.is_empty() {
        let (_, figures) = gateway.api("GET", "/metrics", "", "").await;
        missing = wanted.difference(&names(&figures)).cloned().collect();
        assert!(Instant::now() < until, "never exported: {missing:?}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn figures_can_be_closed_to_all_but_an_operators_token() {
    let bed = Bed::new().await;
    bed.write(&bed.sound().replace("[http]\n", "[http]\nmetrics = \"token\"\n"));
    bed.ask(&["account", "set", "1001", "--name", "Nordlys"]).await;
    let mine = bed.ask(&["token", "create", "--name", "mine", "--account", "1001"]).await;
    let operators = bed.ask(&["token", "create", "--name", "prometheus"]).await;
    let gateway = bed.serve().await;
    for (token, status) in [("", 401), (mine.trim(), 403), (operators.trim(), 200)] {
        let (answered, figures) = gateway.api("GET", "/metrics", token, "").await;
        assert_eq!(answered, status, "{figures}");
        assert_eq!(figures.contains("ringbud_link_state"), status == 200);
    }
    gateway.stop().await;
}
