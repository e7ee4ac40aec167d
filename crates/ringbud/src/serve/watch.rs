//! What runs beside the calls: other processes' settings taken in, old history forgotten, gauges set.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use delivery::sender::Sender;
use journal::{AccountSettings, Journal, SettingsCache, WallTime};
use metrics_exporter_prometheus::PrometheusHandle;
use tasks::Part;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::disk::{self, Pace};
use super::pulse::{Pulses, Seen};
use super::{Running, forget};
use crate::board::Board;
use crate::config::Config;
use crate::elsewhere::Elsewhere;
use crate::engine::Engine;
use crate::link::{LinkState, Links};

/// How often the settings of other processes (the command line) are taken in.
const REFRESH: Duration = Duration::from_millis(500);
/// How often what takes looking for is looked for.
const SLOW_GAUGES: Duration = Duration::from_secs(10);
/// Accounts looked at together.
const ACCOUNTS_AT_ONCE: usize = 256;
/// How often gauges are set.
const GAUGES: Duration = Duration::from_secs(5);

pub(super) fn start(config: &Config, running: &Running, metrics: PrometheusHandle) -> Vec<JoinHandle<()>> {
    let (journal, cache) = (running.store.journal.clone(), running.store.cache.clone());
    let engine = running.store.engine.clone();
    let (links, board, sender, keep) =
        (running.links.clone(), running.board.clone(), running.sender.clone(), config.keep.clone());
    let to_refresh = cache.clone();
    let (watched, counted) = (links.clone(), cache.clone());
    let looks = Looks {
        links: links.clone(),
        sender: sender.clone(),
        board: board.clone(),
        pulses: running.pulses.clone(),
    };
    let (elsewhere, of_others) = (running.elsewhere.clone(), journal.clone());
    let folder = config.data_dir.clone().unwrap_or_default();
    vec![
        tasks::spawn_anew(Part::SettingsRefresh, move || refresh(to_refresh.clone())),
        tasks::spawn_anew(Part::Forgetting, move || {
            forget::run(journal.clone(), cache.clone(), keep.clone())
        }),
        tasks::spawn_anew(Part::Gauges, move || {
            gauges(links.clone(), sender.clone(), engine.clone(), metrics.clone())
        }),
        tasks::spawn_anew(Part::SlowGauges, move || {
            slow_gauges(counted.clone(), folder.clone(), looks.clone())
        }),
        tasks::spawn_anew(Part::LinkWatch, move || {
            let others = follow_others(elsewhere.clone(), of_others.clone(), board.clone());
            let links = follow_links(watched.clone(), board.clone());
            async move {
                tokio::join!(links, others);
            }
        }),
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

/// Where several gateways share the store: reads what the others' PBXs say.
async fn follow_others(elsewhere: Option<Arc<Elsewhere>>, journal: Arc<dyn Journal>, board: Arc<Board>) {
    if let Some(elsewhere) = elsewhere {
        elsewhere.watch(journal, board).await;
    }
}

async fn gauges(links: Links, sender: Arc<Sender>, engine: Engine, handle: PrometheusHandle) {
    let journal = engine.journal();
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
        metrics::gauge!("ringbud_journal_waiting").set(number(engine.waiting()));
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

/// What the operator's page of the last day is made of.
#[derive(Clone)]
struct Looks {
    links: Links,
    sender: Arc<Sender>,
    board: Arc<Board>,
    pulses: Pulses,
}

impl Looks {
    fn look(&self, free_bytes: Option<u64>) {
        let [delivered, failed] = self.sender.answered();
        let links = self.links.all();
        let is_down = |link: &&crate::link::Status| link.with(|status| status.state != LinkState::Live);
        let lag = links.iter().filter_map(|link| link.with(|status| status.lag)).max();
        let seen = Seen {
            legs: self.board.begun(),
            delivered,
            failed,
            oldest: self.sender.oldest().unwrap_or_default(),
            lag: lag.unwrap_or_default(),
            free_bytes,
            links_down: links.iter().filter(is_down).count(),
        };
        self.pulses.look(WallTime(::clock::wall_micros()), seen);
    }
}

/// What takes looking for, and the disk.
async fn slow_gauges(cache: Arc<SettingsCache>, folder: PathBuf, looks: Looks) {
    let (mut pace, began) = (Pace::default(), Instant::now());
    let mut revision = cache.watch();
    revision.mark_changed();
    loop {
        if revision.has_changed().unwrap_or(false) {
            revision.mark_unchanged();
            metrics::gauge!("ringbud_webhooks_paused").set(number(paused(&cache)));
        }
        let free = disk::free_bytes(&folder);
        looks.look(free);
        if let Some(free) = free {
            let now = began.elapsed();
            let full_in = pace.look(now, free);
            metrics::gauge!("ringbud_disk_free_bytes")
                .set(number(usize::try_from(free).unwrap_or(usize::MAX)));
            metrics::gauge!("ringbud_disk_full_in_seconds")
                .set(full_in.map_or(f64::INFINITY, |full_in| full_in.as_secs_f64()));
            if let Some(full_in) = full_in.filter(|full_in| pace.tells(now, *full_in)) {
                let days = full_in.as_secs() / 86_400;
                tracing::warn!(
                    days,
                    free_bytes = free,
                    "the disk of the data folder is full in so many days, at the pace of the last day: make room, or keep less ([keep])"
                );
            }
        }
        tokio::time::sleep(SLOW_GAUGES).await;
    }
}

/// How many webhooks are paused, in all accounts.
fn paused(cache: &SettingsCache) -> usize {
    let (mut count, mut after) = (0, None);
    loop {
        let some = cache.accounts(after.as_ref(), ACCOUNTS_AT_ONCE);
        let Some(last) = some.last() else { return count };
        after = Some(last.id.clone());
        let of = |account: &Arc<AccountSettings>| {
            account.integration().map_or(0, |(_, found, _)| found.paused.len())
        };
        count += some.iter().map(of).sum::<usize>();
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
