//! Webhooks that fail, in RAM.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::Failing;
use crate::settings::IntegrationId;

#[derive(Clone, Default)]
pub(super) struct Notes {
    noted: BTreeMap<(IntegrationId, String), (Duration, u64)>,
    /// Streaks that were begun.
    begun: u64,
}

impl Notes {
    pub(super) fn all(&self) -> Vec<Failing> {
        let note = |((integration, url), (lasted, streak)): (&(IntegrationId, String), &(Duration, u64))| {
            Failing { integration: *integration, url: url.clone(), lasted: *lasted, streak: *streak }
        };
        self.noted.iter().map(note).collect()
    }

    pub(super) fn note(&mut self, note: Failing, is_shared: bool) {
        let Failing { integration, url, lasted, streak } = note;
        let name = (integration, url);
        if lasted.is_zero() {
            self.noted.remove(&name);
        } else if !is_shared {
            self.noted.insert(name, (lasted, 0));
        } else if streak == 0 {
            self.begun += 1;
            self.noted.entry(name).or_insert((lasted, self.begun));
        } else if let Some(noted) = self.noted.get_mut(&name).filter(|noted| noted.1 == streak) {
            noted.0 = noted.0.max(lasted);
        }
    }

    /// Whether there was one of that streak.
    pub(super) fn end(&mut self, note: Failing) -> bool {
        let name = (note.integration, note.url);
        let is_it = self.noted.get(&name).is_some_and(|noted| noted.1 == note.streak);
        is_it && self.noted.remove(&name).is_some()
    }
}
