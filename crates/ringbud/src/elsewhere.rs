//! Legs on PBXs that other gateways have: read from the store once a second for all who look, of those accounts somebody
//! looks at.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use admin::LiveLeg;
use calls::{AccountId, PbxName};
use journal::{Journal, Open};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::board::{Board, begun};

/// How often it is read.
const READ: Duration = Duration::from_secs(1);
/// Who has not asked for so long does not look any more: longer than a board is open without asking.
const LOOKS: Duration = Duration::from_secs(11 * 60);
/// So many accounts are looked at at once; of more only the legs of this gateway's PBXs are shown.
const MOST: usize = 4_096;

/// What others have of the accounts that are looked at.
#[derive(Default)]
pub(crate) struct Elsewhere {
    accounts: Mutex<HashMap<AccountId, Looked>>,
    first: Notify,
}

struct Looked {
    at: Instant,
    legs: Vec<(PbxName, LiveLeg)>,
}

impl Elsewhere {
    /// The legs of an account on any PBX but these, as they were read last; from now on they are read.
    pub(crate) fn live(&self, account: &AccountId, but: &HashSet<PbxName>) -> Vec<LiveLeg> {
        let mut accounts = self.lock();
        let at = Instant::now();
        if let Some(looked) = accounts.get_mut(account) {
            looked.at = at;
            let others = looked.legs.iter().filter(|(pbx, _)| !but.contains(pbx));
            return others.map(|(_, leg)| leg.clone()).collect();
        }
        if accounts.len() < MOST {
            accounts.insert(account.clone(), Looked { at, legs: Vec::new() });
            self.first.notify_one();
        }
        Vec::new()
    }

    /// Reads for ever, and says on the board that something changed.
    pub(crate) async fn watch(&self, journal: Arc<dyn Journal>, board: Arc<Board>) {
        loop {
            let _ = tokio::time::timeout(READ, self.first.notified()).await;
            let watched: Vec<AccountId> = {
                let mut accounts = self.lock();
                accounts.retain(|_, looked| looked.at.elapsed() < LOOKS);
                accounts.keys().cloned().collect()
            };
            if watched.is_empty() {
                self.first.notified().await;
                self.first.notify_one();
                continue;
            }
            match journal.open(watched).await {
                Ok(open) => {
                    if self.take_in(open) {
                        board.changed();
                    }
                }
                // What was read last stands.
                Err(error) => tracing::debug!(%error, "legs of other gateways' PBXs are read later"),
            }
        }
    }

    /// Whether anything is otherwise.
    fn take_in(&self, open: Vec<Open>) -> bool {
        let mut now: HashMap<AccountId, Vec<(PbxName, LiveLeg)>> = HashMap::new();
        for Open { pbx, leg, note } in open {
            let event = Arc::new(begun(&leg));
            let noted = note.unwrap_or_default();
            let leg = LiveLeg {
                answered_at: leg.answered_at.or(noted.answered_at),
                held_since: noted.held_since,
                begun: event,
            };
            now.entry(leg.begun.account().clone()).or_default().push((pbx, leg));
        }
        let mut is_other = false;
        for (account, looked) in self.lock().iter_mut() {
            let mut legs = now.remove(account).unwrap_or_default();
            legs.sort_by(|(_, a), (_, b)| {
                (a.begun.begun_at, &a.begun.leg).cmp(&(b.begun.begun_at, &b.begun.leg))
            });
            is_other |= looked.legs != legs;
            looked.legs = legs;
        }
        is_other
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, Looked>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
