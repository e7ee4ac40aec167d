//! Settings in RAM.

use std::collections::BTreeMap;

use crate::settings::{IntegrationId, Setting, SettingKey, Versioned};
use crate::{JournalError, SettingChange, WallTime};

#[derive(Clone, Default)]
pub(super) struct Settings {
    rows: BTreeMap<SettingKey, SettingChange>,
    revision: u64,
    integrations: u32,
}

impl Settings {
    pub(super) fn all(&self) -> Vec<Versioned> {
        let value = |row: &SettingChange| {
            let value = row.value.clone()?;
            Some(Versioned { key: row.key.clone(), value, version: row.version, changed_at: row.changed_at })
        };
        self.rows.values().filter_map(value).collect()
    }

    pub(super) fn put(
        &mut self,
        key: SettingKey,
        value: Option<Setting>,
        expected: Option<u64>,
        now: WallTime,
    ) -> Result<u64, JournalError> {
        let found = self.rows.get(&key).filter(|row| row.value.is_some()).map_or(0, |row| row.version);
        if let Some(expected) = expected
            && expected != found
        {
            return Err(JournalError::Conflict { expected, found });
        }
        if value.is_none() && found == 0 {
            return Ok(0);
        }
        self.revision += 1;
        let version = self.revision;
        self.rows.insert(key.clone(), SettingChange { key, value, version, changed_at: now });
        Ok(version)
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn since(&self, revision: u64) -> Vec<SettingChange> {
        let mut changes: Vec<_> = self.rows.values().filter(|row| row.version > revision).cloned().collect();
        changes.sort_by_key(|change| change.version);
        changes
    }

    pub(super) fn allocate(&mut self) -> IntegrationId {
        self.integrations += 1;
        IntegrationId { number: self.integrations }
    }
}
