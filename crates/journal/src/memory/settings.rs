//! Settings in RAM.

use std::collections::BTreeMap;

use crate::settings::{IntegrationId, SettingKey, Versioned};
use crate::{JournalError, Put, SettingChange, WallTime};

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

    pub(super) fn put_all(&mut self, puts: Vec<Put>, now: WallTime) -> Result<Vec<u64>, JournalError> {
        for put in &puts {
            let found = self.version(&put.key);
            if let Some(expected) = put.expected.filter(|expected| *expected != found) {
                return Err(JournalError::Conflict { expected, found });
            }
        }
        Ok(puts.into_iter().map(|put| self.put(put, now)).collect())
    }

    fn version(&self, key: &SettingKey) -> u64 {
        self.rows.get(key).filter(|row| row.value.is_some()).map_or(0, |row| row.version)
    }

    fn put(&mut self, Put { key, value, .. }: Put, now: WallTime) -> u64 {
        if value.is_none() && self.version(&key) == 0 {
            return 0;
        }
        self.revision += 1;
        let version = self.revision;
        self.rows.insert(key.clone(), SettingChange { key, value, version, changed_at: now });
        version
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
