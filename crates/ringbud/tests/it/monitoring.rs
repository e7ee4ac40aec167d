//! Dashboard and alerts speak of figures that are there.

use std::collections::BTreeSet;
use std::path::PathBuf;

use tokio::time::Instant;

use crate::bed::{Bed, PATIENCE, own_address};

/// The first has a label for each kind of trouble, so it is there with the first trouble; the second is there with
/// TLS (`a_renewed_certificate_is_shown_from_then_on_and_a_broken_one_is_not`), the others where gateways share a store
/// (`who_has_which_pbx_is_told_everywhere`).
const NOT_ALWAYS: [&str; 6] = [
    "ringbud_anomalies_total",
    "ringbud_certificate_good_until_seconds",
    "ringbud_part_owner",
    "ringbud_part_asked",
    "ringbud_part_takeovers_total",
    "ringbud_part_given_up_total",
];

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
    for name in NOT_ALWAYS {
        wanted.remove(name);
    }
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

#[test]
fn every_alert_has_its_section_in_the_runbook_and_every_section_its_alert() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/monitoring");
    let alerts = std::fs::read_to_string(folder.join("alerts.yml")).unwrap();
    let runbook = std::fs::read_to_string(folder.join("runbook.md")).unwrap();
    let mut linked = Vec::new();
    for alert in alerts.split("- alert: ").skip(1) {
        let name = alert.lines().next().unwrap();
        let link = alert.lines().find_map(|line| line.trim().strip_prefix("runbook: runbook.md#"));
        assert_eq!(link.unwrap_or_else(|| panic!("{name} has no runbook")), name.to_lowercase());
        linked.push(name);
    }
    let sections: Vec<&str> = runbook.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert!(linked.len() >= 15, "{linked:?}");
    assert_eq!(linked, sections);
    for section in runbook.split("\n## ").skip(1) {
        let (name, text) = section.split_once('\n').unwrap();
        assert!(
            text.contains("**Means**") && text.contains("\n1. "),
            "{name} says what it means and what to do"
        );
    }
}

#[tokio::test]
async fn paused_webhooks_and_the_disks_room_have_figures() {
    let bed = Bed::new().await;
    let port = own_address().to_string();
    bed.write(&bed.sound().replace("127.0.0.1:0", &port));
    bed.integrate("POST").await;
    let gateway = bed.serve().await;
    bed.ask(&["delivery", "pause", demo::cast::ACCOUNTS[0].id, "--event", "ended"]).await;
    let figures = crate::bed::patiently("the figure of paused webhooks", async {
        loop {
            let (_, figures) = gateway.api("GET", "/metrics", "", "").await;
            if figures.contains("ringbud_webhooks_paused 1\n") {
                return figures;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    let figure =
        |name: &str| figures.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    assert!(figure("ringbud_disk_free_bytes ").parse::<f64>().unwrap() > 0.0);
    assert_eq!(figure("ringbud_disk_full_in_seconds "), "inf", "it is too early to say");
    gateway.stop().await;
}
