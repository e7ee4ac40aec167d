//! The phones of the scenarios, and a tracker among them.

use std::collections::BTreeMap;
use std::sync::Arc;

use calls::{AccountId, Directory, Employee, Input, Output, PbxName, PbxTime, Phone, Tracker, TrackerLimits};

use crate::kept::Kept;

/// Endpoints `PJSIP/101` are phones of account 1001, `PJSIP/2002-101` of account 2002; each has the
/// employee of its number unless a scenario says otherwise.
#[derive(Debug, Default)]
pub(crate) struct Office {
    pub(crate) holders: BTreeMap<String, Option<String>>,
}

impl Directory for Office {
    fn phone(&self, endpoint: &str) -> Option<Arc<Phone>> {
        let name = endpoint.strip_prefix("PJSIP/")?;
        let (account, number) = name.split_once('-').unwrap_or(("1001", name));
        if !number.bytes().all(|b| b.is_ascii_digit()) || number.is_empty() {
            return None;
        }
        let holder = self.holders.get(number).cloned().unwrap_or_else(|| Some(number.to_owned()));
        let employee = holder.map(|holder| Employee { number: holder.into(), name: "".into() });
        Some(Arc::new(Phone { account: AccountId::new(account), number: number.into(), employee }))
    }

    fn is_feature_code(&self, _: &AccountId, dialled: &str) -> bool {
        dialled.starts_with('*')
    }
}

/// A tracker with its office and clock.
pub(crate) struct World {
    pub(crate) office: Office,
    pub(crate) tracker: Tracker,
    pub(crate) at: PbxTime,
    /// What a journal would keep of what was told.
    pub(crate) kept: Kept,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            office: Office::default(),
            tracker: Tracker::new(PbxName::new("p"), TrackerLimits::default()),
            at: PbxTime::default(),
            kept: Kept::default(),
        }
    }

    /// The program begins anew with what was kept.
    pub(crate) fn restarts(&mut self) {
        self.tracker = Tracker::new(PbxName::new("p"), TrackerLimits::default());
        self.tracker.restore(self.kept.restored());
    }

    pub(crate) fn says(&mut self, input: Input<'_>) -> Vec<Output> {
        let mut out = Vec::new();
        self.tracker.handle(self.at, input, &self.office, &mut out);
        self.kept.keep(out.clone());
        out
    }

    pub(crate) fn waits(&mut self) -> Vec<Output> {
        let mut out = Vec::new();
        self.tracker.handle_timeout(self.at, &self.office, &mut out);
        self.kept.keep(out.clone());
        out
    }
}
