//! Webhooks that fail, in RAM.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::settings::IntegrationId;
use crate::{Failing, GatewayId};

#[derive(Clone, Default)]
pub(super) struct Notes {
    noted: BTreeMap<(IntegrationId, String), (Duration, u64)>,
    /// Streaks that were begun.
    begun: u64,
    /// The last of each that was ended for a pause, and by whom.
    ended: BTreeMap<(IntegrationId, String), (u64, GatewayId)>,
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

    /// Whether it was ended by this gateway, now or before.
    pub(super) fn end(&mut self, note: Failing, me: &GatewayId) -> bool {
        let (name, ended) = ((note.integration, note.url), (note.streak, me.clone()));
        if self.noted.get(&name).is_some_and(|noted| noted.1 == note.streak) {
            self.noted.remove(&name);
            self.ended.insert(name.clone(), ended.clone());
        }
        self.ended.get(&name) == Some(&ended)
    }
}
