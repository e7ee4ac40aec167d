//! What runs beside the calls: other processes' settings taken in, old history forgotten, gauges set.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use delivery::sender::Sender;
use journal::verbs::*;
use journal::{SettingsCache, Sqlite};
use metrics_exporter_prometheus::PrometheusHandle;
use tasks::Part;
use tokio::task::JoinHandle;

use super::{Running, forget};
use crate::board::Board;
use crate::config::Config;
use crate::link::{LinkState, Links};

/// How often the settings of other processes (the command line) are taken in.
const REFRESH: Duration = Duration::from_millis(500);
/// How often gauges are set.
const GAUGES: Duration = Duration::from_secs(5);

pub(super) fn start(config: &Config, running: &Running, metrics: PrometheusHandle) -> Vec<JoinHandle<()>> {
    let (journal, cache) = (running.store.journal.clone(), running.store.cache.clone());
    let sqlite = running.store.sqlite.clone();
    let (links, board, sender, keep) =
        (running.links.clone(), running.board.clone(), running.sender.clone(), config.keep.clone());
    let to_refresh = cache.clone();
    let watched = links.clone();
    vec![
        tasks::spawn_anew(Part::SettingsRefresh, move || refresh(to_refresh.clone())),
        tasks::spawn_anew(Part::Forgetting, move || {
            forget::run(journal.clone(), cache.clone(), keep.clone())
        }),
        tasks::spawn_anew(Part::Gauges, move || {
            gauges(links.clone(), sender.clone(), sqlite.clone(), metrics.clone())
        }),
        tasks::spawn_anew(Part::LinkWatch, move || follow_links(watched.clone(), board.clone())),
    ]
}

async fn refresh(cache: Arc<SettingsCache>) {
    let mut failed = false;
    loop {
        tokio::time::sleep(REFRESH).await;
        match cache.refresh().await {
            Ok(_) => failed = false,
            Err(error) if !failed => {
                failed = true;
                tracing::warn!(%error, "the settings cannot be read anew; those known go on");
            }
            Err(_) => {}
        }
    }
}

/// Tells those who look at the board that a link changed.
async fn follow_links(links: Links, board: Arc<Board>) {
    let mut before = Vec::new();
    loop {
        let states =
            |link: &crate::link::Status| link.with(|status| (status.pbx.clone(), status.state.name()));
        let now: Vec<_> = links.all().iter().map(states).collect();
        if now != before {
            board.changed();
            before = now;
        }
        tokio::time::sleep(REFRESH).await;
    }
}

async fn gauges(links: Links, sender: Arc<Sender>, journal: Arc<Sqlite>, handle: PrometheusHandle) {
    let mut before = BTreeSet::new();
    loop {
        let now = links.all();
        for link in &now {
            link.with(link_gauges);
        }
        let names: BTreeSet<String> =
            now.iter().map(|link| link.with(|status| status.pbx.to_string())).collect();
        before.difference(&names).for_each(|gone| no_link_gauges(gone));
        before = names;
        let oldest = sender.oldest().unwrap_or_default();
        metrics::gauge!("ringbud_delivery_oldest_seconds").set(oldest.as_secs_f64());
        metrics::gauge!("ringbud_journal_waiting").set(number(journal.waiting()));
        if let Ok(size) = journal.size().await {
            metrics::gauge!("ringbud_journal_bytes")
                .set(number(usize::try_from(size.bytes).unwrap_or(usize::MAX)));
            metrics::gauge!("ringbud_journal_used_bytes")
                .set(number(usize::try_from(size.used).unwrap_or(usize::MAX)));
            metrics::gauge!("ringbud_journal_events")
                .set(number(usize::try_from(size.events).unwrap_or(usize::MAX)));
            metrics::gauge!("ringbud_journal_events_to_roll_up")
                .set(number(usize::try_from(size.not_rolled_up).unwrap_or(usize::MAX)));
        }
        if let Some(bytes) = resident_bytes() {
            metrics::gauge!("process_resident_memory_bytes").set(number(bytes));
        }
        handle.run_upkeep();
        tokio::time::sleep(GAUGES).await;
    }
}

/// Of a PBX that is followed no more: figures cannot be taken back, and a number that is none is no alert.
fn no_link_gauges(pbx: &str) {
    for name in LinkState::NAMES {
        metrics::gauge!("ringbud_link_state", "pbx" => pbx.to_owned(), "state" => name).set(f64::NAN);
    }
    for name in ["ringbud_link_lag_seconds", "ringbud_link_queued_bytes", "ringbud_channels", "ringbud_legs"]
    {
        metrics::gauge!(name, "pbx" => pbx.to_owned()).set(f64::NAN);
    }
}

fn link_gauges(status: &crate::link::LinkStatus) {
    let pbx = status.pbx.to_string();
    for name in LinkState::NAMES {
        let is_so = status.state.name() == name;
        metrics::gauge!("ringbud_link_state", "pbx" => pbx.clone(), "state" => name).set(if is_so {
            1.0
        } else {
            0.0
        });
    }
    metrics::gauge!("ringbud_link_lag_seconds", "pbx" => pbx.clone())
        .set(status.lag.unwrap_or_default().as_secs_f64());
    metrics::gauge!("ringbud_link_queued_bytes", "pbx" => pbx.clone())
        .set(number(usize::try_from(status.queued_bytes).unwrap_or(usize::MAX)));
    metrics::gauge!("ringbud_channels", "pbx" => pbx.clone()).set(number(status.channels));
    metrics::gauge!("ringbud_legs", "pbx" => pbx.clone()).set(number(status.legs));
    metrics::counter!("ringbud_pbx_messages_total", "pbx" => pbx).absolute(status.messages);
}

/// Metrics are floating-point numbers; a rounded count is good enough for a gauge.
fn number(count: usize) -> f64 {
    u32::try_from(count)
        .map_or_else(|_| f64::from(u32::try_from(count >> 20).unwrap_or(u32::MAX)) * 1_048_576.0, f64::from)
}

/// What the system says this process takes; only Linux says it in a file.
fn resident_bytes() -> Option<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4_096)
}
