//! A store too large to be checked before the first call is checked beside the calls, and what is found is
//! said: in the log, to the operator, and in readiness until somebody sees to it.

use std::sync::{Arc, OnceLock};

use delivery::operator::OperatorNotifier;
use journal::{JournalError, Sqlite};
use tasks::Part;
use tokio::task::JoinHandle;

use super::operator;

/// What was found wrong, if anything was.
#[derive(Clone, Debug, Default)]
pub(super) struct Damage(Arc<OnceLock<String>>);

impl Damage {
    /// In words for readiness.
    pub(super) fn reason(&self) -> Option<String> {
        let why = self.0.get()?;
        Some(format!(
            "the store is damaged: {why}. Stop Ringbud, keep a copy of the data folder and put the backup in its place"
        ))
    }

    fn found(&self, checked: Result<(), JournalError>, operator: &OperatorNotifier) {
        match checked {
            Ok(()) => tracing::info!("the store was checked from end to end: it is sound"),
            Err(JournalError::Damaged { why, .. }) => {
                tracing::error!(why, "the store is damaged");
                metrics::gauge!("ringbud_journal_damaged").set(1.0);
                operator.tell(operator::damaged(&why));
                let _ = self.0.set(why);
            }
            Err(error) => tracing::warn!(%error, "the store could not be checked from end to end"),
        }
    }
}

/// Checks a store that was too large for it when it was opened.
pub(super) fn start(sqlite: Arc<Sqlite>, damage: Damage, operator: OperatorNotifier) -> JoinHandle<()> {
    tasks::spawn_anew(Part::DamageCheck, move || {
        check_large(sqlite.clone(), damage.clone(), operator.clone())
    })
}

async fn check_large(sqlite: Arc<Sqlite>, damage: Damage, operator: OperatorNotifier) {
    if sqlite.is_large() {
        let checked = sqlite.check().await;
        damage.found(checked, &operator);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_that_was_found_is_a_reason_not_to_be_ready() {
        let damage = Damage::default();
        damage.found(Ok(()), &OperatorNotifier::silent());
        let unreadable = JournalError::Unwritable { place: "x".to_owned(), why: "busy".to_owned() };
        damage.found(Err(unreadable), &OperatorNotifier::silent());
        assert_eq!(damage.reason(), None);
        let found = JournalError::Damaged { place: "x".to_owned(), why: "page 7 is torn".to_owned() };
        damage.found(Err(found), &OperatorNotifier::silent());
        assert!(damage.reason().unwrap().starts_with("the store is damaged: page 7 is torn."));
    }
}
