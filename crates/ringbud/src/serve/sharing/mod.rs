//! A store that several gateways share: this one follows the PBXs whose parts it has. It takes those that are free and
//! its turn, drops those that others have taken, and hands over those that are another's by their order.
//!
//! Three loops: `tick` beats and sees what the others do, `hear` sees which PBXs are heard, and `keep` does what follows.

mod giving;
mod hear;
mod keep;
mod taking;
mod tick;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::pbx::Secret;
use calls::PbxName;
use delivery::operator::OperatorNotifier;
use delivery::sender::Sender;
use journal::turns::Turns;
use journal::{Fleet, Grant, Journal, Lease, rest};
use tasks::Part;
use tokio::sync::{Mutex as Held, Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::following::{Followed, Parts};
use super::who_has::WhoHas;
use crate::board::Board;
use crate::config::Pbx;
use crate::link::{Links, Status};

use hear::hear;
use keep::keep;
use tick::tick;

/// What is no PBX's, for people who read the log.
const EARLIER_CALLS: &str = "the calls of before PBXs were shared";

/// The PBXs that are followed, in no order.
pub(super) type Following = Arc<Held<Vec<Followed>>>;
/// Those this gateway has.
type Has = BTreeMap<PbxName, Grant>;

/// What it takes.
pub(super) struct Sharing {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) sender: Arc<Sender>,
    pub(super) parts: Arc<Parts>,
    pub(super) following: Following,
    pub(super) links: Links,
    pub(super) board: Arc<Board>,
    pub(super) operator: OperatorNotifier,
    /// One that is held for gone may be cut off only, and have requests under way for so long.
    pub(super) others_deliver_for: Duration,
    /// The configuration was read anew.
    pub(super) changed: Arc<Notify>,
    /// The gateway that was told lost last.
    pub(super) lost: Mutex<Option<(String, Instant)>>,
    /// Those this gateway can reach, and what is known of them.
    pub(super) who: Arc<WhoHas>,
    /// Whether the next in a PBX's order listens to it, too.
    pub(super) has_seconds: bool,
    /// The links to those this gateway listens to.
    pub(super) behind: Mutex<Vec<Status>>,
}

/// Told to end.
pub(super) struct Shares {
    pub(super) who: Arc<WhoHas>,
    changed: Arc<Notify>,
    takes: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Shares {
    /// These PBXs are this gateway's to reach from now on: what it is to change, in words.
    pub(super) fn follow_as(&self, pbxs: Vec<(Pbx, Secret)>) -> Vec<String> {
        let before = self.who.wanted();
        let mut said = Vec::new();
        for (pbx, secret) in &pbxs {
            match before.iter().find(|(one, _)| one.name == pbx.name) {
                None => said.push(format!("the PBX {}: added", pbx.name)),
                Some((old, had)) if !old.is_followed_as(pbx) || had != secret => {
                    said.push(format!("the PBX {}: changed", pbx.name));
                }
                Some(_) => {}
            }
        }
        let is_gone = |old: &&(Pbx, Secret)| pbxs.iter().all(|(pbx, _)| pbx.name != old.0.name);
        said.extend(before.iter().filter(is_gone).map(|(old, _)| format!("the PBX {}: removed", old.name)));
        self.who.want(pbxs);
        self.changed.notify_one();
        said
    }

    /// It goes on beating, and keeps what it has: nothing more is taken or handed over.
    pub(super) fn stop_taking(&self) {
        self.takes.send_replace(false);
    }

    /// Does not beat any more.
    pub(super) async fn end(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// What was told at the last tick.
struct Told {
    /// None: the last tick failed. Then nothing is known of the others, and nothing is taken.
    turns: Mutex<(Turns, Option<Fleet>)>,
    anew: Notify,
    /// As they were told last, however long ago.
    leases: Mutex<Vec<Lease>>,
    /// Since when which of its own PBXs are not heard.
    unheard: Mutex<BTreeMap<PbxName, Duration>>,
    /// Others are to be seen now; and to tell how their links are doing.
    look: Notify,
    asks: AtomicBool,
}

impl Told {
    fn new(has_seconds: bool) -> Self {
        let turns = if has_seconds { Turns::with_second_readers() } else { Turns::default() };
        Self {
            turns: Mutex::new((turns, None)),
            anew: Notify::default(),
            leases: Mutex::default(),
            unheard: Mutex::default(),
            look: Notify::default(),
            asks: AtomicBool::new(false),
        }
    }
}

impl Sharing {
    pub(super) fn start(self) -> Shares {
        let (takes, may_take) = watch::channel(true);
        let (who, changed) = (self.who.clone(), self.changed.clone());
        let task = tasks::spawn(Part::JournalBeat, async move {
            let (told, began) = (Told::new(self.has_seconds), Instant::now());
            let stays = may_take.clone();
            tokio::join!(
                tick(&self, &told, began, stays),
                hear(&self, &told, began),
                keep(&self, &told, began, may_take)
            );
        });
        Shares { who, changed, takes, task }
    }

    fn names(&self) -> Vec<PbxName> {
        self.who.wanted().into_iter().map(|(pbx, _)| pbx.name).chain([rest()]).collect()
    }

    async fn show(&self) {
        self.links.set(self.following.lock().await.iter().map(|one| one.status.clone()).collect());
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
