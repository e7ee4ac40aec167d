//! What the call logic did not expect: counted always, told in full once in a while.

use std::collections::BTreeMap;
use std::time::Duration;

use calls::{Anomaly, PbxName};
use tokio::time::Instant;

/// The same kind is told again after this.
const QUIET: Duration = Duration::from_secs(60);
/// No more of a message than this is put into the log.
const MAX_EXCERPT_BYTES: usize = 2_048;

/// Tells anomalies, each kind once in a while.
pub(super) struct Anomalies {
    pbx: PbxName,
    told: BTreeMap<&'static str, (Instant, u64)>,
    count: u64,
}

impl Anomalies {
    pub(super) fn new(pbx: PbxName) -> Self {
        Self { pbx, told: BTreeMap::new(), count: 0 }
    }

    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// One more, and the message that led to it.
    pub(super) fn tell(&mut self, anomaly: &Anomaly, excerpt: &str, now: Instant) {
        self.count += 1;
        let labels = [("pbx", self.pbx.to_string()), ("what", anomaly.what.to_owned())];
        metrics::counter!("ringbud_anomalies_total", &labels).increment(1);
        let unheard = match self.told.get_mut(anomaly.what) {
            Some((at, unheard)) if now.duration_since(*at) < QUIET => {
                *unheard += 1;
                return;
            }
            Some((_, unheard)) => *unheard,
            None => 0,
        };
        self.told.insert(anomaly.what, (now, 0));
        let mut end = excerpt.len().min(MAX_EXCERPT_BYTES);
        while !excerpt.is_char_boundary(end) {
            end -= 1;
        }
        tracing::warn!(
            pbx = %self.pbx,
            channel = %anomaly.channel,
            pbx_time = ?anomaly.at,
            like_it_since_last_told = unheard,
            excerpt = &excerpt[..end],
            "the PBX said something unexpected: {}",
            anomaly.what
        );
    }
}
