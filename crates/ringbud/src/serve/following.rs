//! What it takes to follow a PBX: its link with the call logic, and who keeps what that says.

use std::sync::Arc;
use std::time::Duration;

use ::pbx::{Secret, Session, Settings};
use calls::Restored;
use journal::{EventSeq, Filter, Grant, JournalError};
use tasks::Part;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::board::Board;
use crate::clock;
use crate::config::Pbx;
use crate::directory::{Learner, Phones, Rules, Written};
use crate::gateway::{Blocked, Counts, EventSink, EventWriter, Follower, MAX_MOMENTS, PbxTask, Routes, Turn};
use crate::link::{Anew, Status, settings};
use crate::stop::{Stopper, stop};
use crate::store::Store;

/// Where another gateway listens, too, a PBX that falls silent here is to be noticed soon.
const PINGS_IN_A_FLEET: Duration = Duration::from_secs(1);

/// One PBX that is followed.
pub(super) struct Followed {
    pub(super) pbx: Pbx,
    pub(super) secret: Secret,
    pub(super) status: Status,
    pub(super) stopper: Stopper,
    pub(super) link: JoinHandle<()>,
    pub(super) writer: JoinHandle<usize>,
    /// Whose it is, where several gateways share PBXs.
    pub(super) turns: mpsc::Sender<Turn>,
    /// What of another gateway's holds.
    pub(super) adopt: mpsc::Sender<Restored>,
}

/// One that is followed beside the gateway that has it.
pub(super) struct Behind {
    pub(super) followed: Followed,
    /// Since when its link lives, and how often it was lost before.
    pub(super) lives: Option<(Instant, u64)>,
}

/// Reads no more from these PBXs, and waits until what they said is kept; how many events could not be.
pub(super) async fn stop_following(followed: Vec<Followed>) -> usize {
    for one in &followed {
        one.stopper.stop();
    }
    let mut lost = 0;
    for one in followed {
        let _ = one.link.await;
        lost += one.writer.await.unwrap_or(0);
    }
    lost
}

/// What it takes to follow a PBX.
pub(super) struct Parts {
    pub(super) store: Store,
    pub(super) learner: Learner,
    pub(super) sink: Arc<dyn EventSink>,
    pub(super) board: Arc<Board>,
    pub(super) blocked: Blocked,
    /// Told that a link broke, where another gateway may hear its PBX.
    pub(super) broke: Arc<Notify>,
    /// Whether other gateways listen to the PBXs that this one has.
    pub(super) has_seconds: bool,
}

impl Parts {
    /// Follows one PBX from where the last run left it.
    pub(super) async fn follow(
        &self,
        pbx: &Pbx,
        secret: Secret,
        grant: Grant,
    ) -> Result<Followed, JournalError> {
        let restored = self.store.journal.restore(pbx.name.clone()).await?;
        self.board.restore(&pbx.name, &restored);
        let followed = self.start(pbx, secret, Some(grant), restored).await?;
        self.is_owned(&followed);
        Ok(followed)
    }

    /// Follows one beside the gateway that has it, and keeps nothing until it is given.
    pub(super) async fn follow_behind(&self, pbx: &Pbx, secret: Secret) -> Result<Behind, JournalError> {
        let restored = self.store.journal.restore(pbx.name.clone()).await?;
        let followed = self.start(pbx, secret, None, restored).await?;
        Ok(Behind { followed, lives: None })
    }

    /// Its link is not made anew without asking.
    pub(super) fn is_owned(&self, followed: &Followed) {
        if self.has_seconds {
            followed.status.anew().is_asked_for();
        }
    }

    async fn start(
        &self,
        pbx: &Pbx,
        secret: Secret,
        grant: Option<Grant>,
        restored: Restored,
    ) -> Result<Followed, JournalError> {
        let (stopper, stop) = stop();
        let cache = Arc::new(Written::new(self.store.cache.clone()));
        let phones = Phones::new(Rules::of(pbx), cache, self.learner.clone());
        let mut follower = Follower::new(pbx.name.clone(), phones);
        let usual = settings(pbx, secret.clone());
        let ping_every = if self.has_seconds { PINGS_IN_A_FLEET } else { usual.ping_every };
        let session = Session::new(pbx.kind, Settings { ping_every, ..usual }, restored.last_heard);
        follower.restore(restored);
        let newest = self.store.journal.events(Filter { limit: 1, ..Filter::default() }).await?;
        let newest = newest.first().map_or(EventSeq(0), |kept| kept.seq);
        let (moments, kept) = mpsc::channel(MAX_MOMENTS);
        let (adopt, kept_by_others) = mpsc::channel(1);
        let (tell_turn, turns) = mpsc::channel(1);
        let event_writer = EventWriter {
            grant,
            turns,
            journal: self.store.journal.clone(),
            sink: self.sink.clone(),
            stop: stop.clone(),
            blocked: self.blocked.clone(),
            last_published: grant.and_then(|grant| grant.before()).unwrap_or(newest),
            counts: Counts::of(&pbx.name),
        };
        let status = Status::new(pbx.name.clone(), pbx.product, pbx.address.clone(), clock::wall());
        let status = status.telling(Anew::telling(self.broke.clone()));
        let routes = Routes::new(self.store.cache.clone());
        let task = PbxTask {
            pbx: pbx.clone(),
            session,
            follower,
            routes,
            moments,
            board: self.board.clone(),
            status: status.clone(),
            kept_by_others,
            stop: stop.clone(),
        };
        let was_asked = || {
            let stop = stop.clone();
            move || stop.is_called()
        };
        let writer = tasks::spawn_until(Part::EventWriter, was_asked(), event_writer.run(kept));
        let link = tasks::spawn_until(Part::PbxTask, was_asked(), task.run());
        Ok(Followed { pbx: pbx.clone(), secret, status, stopper, link, writer, turns: tell_turn, adopt })
    }
}
