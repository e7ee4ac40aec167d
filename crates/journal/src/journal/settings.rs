//! Settings, and the note in the audit log of who changed them.

use super::Reply;
use crate::settings::{IntegrationId, Setting, SettingKey, Versioned};
use crate::{AuditEntry, WallTime};

/// A setting to write or to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// Its name.
    pub key: SettingKey,
    /// Its value; `None` removes it.
    pub value: Option<Setting>,
    /// The version the caller read, 0 for a new one; `None` overwrites whatever is there.
    pub expected: Option<u64>,
}

/// A change of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingChange {
    /// Its name.
    pub key: SettingKey,
    /// Its value, unless it was removed.
    pub value: Option<Setting>,
    /// The revision this change made.
    pub version: u64,
    /// When.
    pub changed_at: WallTime,
}

/// Settings.
pub trait Settings: Send + Sync {
    /// All settings.
    fn settings(&self) -> Reply<'_, Vec<Versioned>>;

    /// Writes or removes settings, each key once, all of them or none, and appends to the audit log what was
    /// done: one transaction. One version each, in order; 0 where there was nothing to remove. Where nothing was
    /// changed, nothing is noted.
    fn put_all(&self, puts: Vec<Put>, noted: Vec<AuditEntry>) -> Reply<'_, Vec<u64>>;

    /// Writes or (with `None`) removes one setting, as [`Settings::put_all`].
    fn put(&self, key: SettingKey, value: Option<Setting>, expected: Option<u64>) -> Reply<'_, u64> {
        Box::pin(async move {
            let versions = self.put_all(vec![Put { key, value, expected }], Vec::new()).await?;
            Ok(versions.first().copied().unwrap_or(0))
        })
    }

    /// Appends to the audit log what was done and is no change of a setting.
    fn note_done(&self, noted: Vec<AuditEntry>) -> Reply<'_, ()> {
        Box::pin(async move { self.put_all(Vec::new(), noted).await.map(drop) })
    }

    /// A number that grows with every settings change by any process on this store. The version of a setting
    /// is the revision its last change made.
    fn settings_revision(&self) -> Reply<'_, u64>;

    /// What was changed after a revision, oldest first; a removed setting has no value.
    fn settings_since(&self, revision: u64) -> Reply<'_, Vec<SettingChange>>;

    /// A number no integration of this store has or had.
    fn allocate_integration(&self) -> Reply<'_, IntegrationId>;
}
