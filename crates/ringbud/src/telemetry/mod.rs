//! The program's log, on standard error, and its metrics.

mod figures;

use std::io::IsTerminal;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

pub use figures::begin;

/// Bounds of the histograms of durations, in seconds.
const SECONDS: [f64; 16] =
    [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];

/// Bounds of the histogram of how many jobs went into one commit.
const JOBS: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0];

/// Starts the log. `RINGBUD_LOG` in the environment beats the configuration's level.
pub fn start_log(log: &Log) {
    let filter = EnvFilter::try_from_env(VARIABLE).or_else(|_| EnvFilter::try_new(&log.level));
    let filter = filter.unwrap_or_else(|_| EnvFilter::new("info"));
    let is_terminal = std::io::stderr().is_terminal();
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(is_terminal).with_writer(std::io::stderr);
    // A second start in one process (tests) changes nothing.
    let _ = match log.format {
        LogFormat::Human => {
            let subscriber = subscriber.with_target(false).with_filter_reloading();
            let handle = subscriber.reload_handle();
            let _ = CHANGE.set(Box::new(move |filter| handle.reload(filter).is_ok()));
            subscriber.try_init()
        }
        LogFormat::Json => {
            let subscriber = subscriber.json().flatten_event(true).with_current_span(false);
            let subscriber = subscriber.with_filter_reloading();
            let handle = subscriber.reload_handle();
            let _ = CHANGE.set(Box::new(move |filter| handle.reload(filter).is_ok()));
            subscriber.try_init()
        }
    };
}

/// The variable of the environment that beats the configuration's level.
const VARIABLE: &str = "RINGBUD_LOG";

/// Puts another filter before the log.
static CHANGE: OnceLock<Box<dyn Fn(EnvFilter) -> bool + Send + Sync>> = OnceLock::new();

/// From now on so much is told; `false` where the environment has a level that beats it.
pub fn change_level(log: &Log) -> bool {
    if EnvFilter::try_from_env(VARIABLE).is_ok() {
        return false;
    }
    let filter = EnvFilter::try_new(&log.level);
    filter.is_ok_and(|filter| CHANGE.get().is_some_and(|change| change(filter)))
}

/// Starts counting.
pub fn start_metrics() -> PrometheusHandle {
    let builder = PrometheusBuilder::new();
    let builder = builder
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(|builder| {
            builder.set_buckets_for_metric(Matcher::Full("ringbud_journal_commit_jobs".to_owned()), &JOBS)
        })
        .unwrap_or_else(|_| PrometheusBuilder::new());
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    // A second start in one process (tests) counts for itself.
    let _ = metrics::set_global_recorder(recorder);
    figures::describe();
    handle
}
