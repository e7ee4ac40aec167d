//! PBXs of other gateways that this one listens to, too: the next in their order, to have them when their owner is gone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use calls::{PbxName, Restored};
use journal::{Grant, JournalError};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::following::{Behind, Followed, Parts, stop_following};
use super::who_has::WhoHas;
use crate::gateway::{Given, Turn};
use crate::link::{LinkState, LinkStatus, Status};

/// A link has to live for so long until what its owner heard before is kept: then it is taken up.
const LIVES_FOR: Duration = Duration::from_secs(3);
/// What was at hand is kept within this, or the PBX is followed anew.
const KEPT_WITHIN: Duration = Duration::from_secs(5);

/// Said of a PBX of another gateway.
const READY: &str = "this gateway could have the PBX now and miss nothing";

/// Those it listens to.
pub(super) struct Seconds {
    /// What it takes to follow one.
    pub(super) parts: Arc<Parts>,
    /// Those this gateway can reach.
    pub(super) who: Arc<WhoHas>,
    /// What it has of each.
    pub(super) behind: BTreeMap<PbxName, Behind>,
}

impl Behind {
    /// Whether nothing of what its PBX says is missed.
    pub(super) fn is_ready(&self) -> bool {
        self.followed.status.with(|status| status.is_ready)
    }
}

/// What became of what was at hand.
enum Handed {
    /// It is kept, as is what others had kept of the PBX: this is all of it.
    Kept(Restored),
    /// The engine is away, and some of it lies in the spool: what the engine says is not all. Taken up, it would let legs live
    /// that have ended.
    Spooled,
    /// It was not kept in time.
    Late,
}

impl Seconds {
    /// How the links are doing.
    pub(super) fn statuses(&self) -> Vec<Status> {
        self.behind.values().map(|behind| behind.followed.status.clone()).collect()
    }

    /// What it has of one that it is to have.
    pub(super) fn of(&mut self, pbx: &PbxName) -> Option<Behind> {
        self.behind.remove(pbx)
    }

    /// Listens to these, and to no others any more. Whether it could have one now that it could not before.
    pub(super) async fn listens(&mut self, to: impl Iterator<Item = PbxName>) -> bool {
        let mut has_news = false;
        let to: Vec<PbxName> = to.collect();
        // One whose address or secret is another now is listened to anew.
        let is_as_wanted = |pbx: &PbxName, followed: &Followed| {
            let wanted = self.who.of(pbx).filter(|_| to.contains(pbx));
            wanted.is_some_and(|(config, secret)| {
                followed.pbx.is_followed_as(&config) && followed.secret == secret
            })
        };
        let not_any_more = self.behind.iter().filter(|(pbx, behind)| !is_as_wanted(pbx, &behind.followed));
        let not_any_more: Vec<PbxName> = not_any_more.map(|(pbx, _)| pbx.clone()).collect();
        for pbx in not_any_more {
            let behind = self.of(&pbx);
            self.gives_up(behind).await;
        }
        for pbx in to {
            let Some(mut behind) = self.behind.remove(&pbx) else {
                let Some((config, secret)) = self.who.of(&pbx) else { continue };
                match self.parts.follow_behind(&config, secret).await {
                    Ok(behind) => {
                        tracing::info!(%pbx, "this gateway listens to the PBX beside the one that has it");
                        self.behind.insert(pbx, behind);
                    }
                    Err(error) => {
                        tracing::warn!(%pbx, %error, "the PBX of another gateway is not listened to yet")
                    }
                }
                continue;
            };
            has_news |= self.gets_ready(&pbx, &mut behind).await;
            self.behind.insert(pbx, behind);
        }
        has_news
    }

    async fn gets_ready(&self, pbx: &PbxName, behind: &mut Behind) -> bool {
        let look = |status: &LinkStatus| {
            (status.state == LinkState::Live).then_some((status.losses, status.is_ready))
        };
        let Some((losses, is_ready)) = behind.followed.status.with(look) else {
            behind.lives = None;
            return false;
        };
        // One that was lost and made again since the last look lives anew.
        let lives = behind.lives.filter(|(_, before)| *before == losses);
        let (since, _) = *behind.lives.insert(lives.unwrap_or((Instant::now(), losses)));
        if is_ready || since.elapsed() < LIVES_FOR {
            return false;
        }
        match self.parts.store.journal.restore(pbx.clone()).await {
            Ok(kept) => {
                let _ = behind.followed.adopt.send(kept).await;
                let is_same =
                    |status: &LinkStatus| status.state == LinkState::Live && status.losses == losses;
                behind.followed.status.change(|status| status.is_ready = is_same(status));
                tracing::info!(%pbx, "{READY}");
                true
            }
            Err(error) => {
                tracing::debug!(%pbx, %error, "what was kept of the PBX is taken up later");
                false
            }
        }
    }

    /// The PBX is another's from now on, and read on behind that one: what was heard until then is kept, and what is heard
    /// from then on is at hand.
    pub(super) async fn steps_back(&mut self, followed: Followed) {
        let pbx = followed.pbx.name.clone();
        let (is_back, back) = oneshot::channel();
        let asked = followed.turns.send(Turn::Back(is_back)).await;
        if asked.is_err() || !matches!(tokio::time::timeout(KEPT_WITHIN, back).await, Ok(Ok(()))) {
            stop_following(vec![followed]).await;
            return;
        }
        followed.status.anew().is_not_asked_for();
        // Whoever had it until now has missed nothing, for as long as its link lives.
        followed.status.change(|status| status.is_ready = status.state == LinkState::Live);
        self.behind.insert(pbx, Behind { followed, lives: None });
    }

    /// Says so of one that it has stepped back from.
    pub(super) fn tells_ready(&self, pbx: &PbxName) {
        if self.behind.get(pbx).is_some_and(Behind::is_ready) {
            tracing::info!(%pbx, "{READY}");
        }
    }

    /// The PBX is this gateway's: what it heard and nobody kept is kept, and what was kept holds.
    pub(super) async fn goes_on(&self, grant: Grant, behind: Behind) -> Result<Followed, JournalError> {
        let Behind { followed, .. } = behind;
        match self.hands_in(grant, &followed).await {
            Ok(handed @ (Handed::Kept(_) | Handed::Spooled)) => {
                if let Handed::Kept(kept) = handed {
                    let _ = followed.adopt.send(kept).await;
                }
                self.parts.is_owned(&followed);
                tracing::info!(pbx = %followed.pbx.name, "what the PBX said to this gateway alone is kept");
                Ok(followed)
            }
            not => {
                let (config, secret) = (followed.pbx.clone(), followed.secret.clone());
                stop_following(vec![followed]).await;
                not?;
                self.parts.follow(&config, secret, grant).await
            }
        }
    }

    async fn hands_in(&self, grant: Grant, of: &Followed) -> Result<Handed, JournalError> {
        let (pbx, store) = (&of.pbx.name, &self.parts.store);
        let kept = store.journal.restore(pbx.clone()).await?;
        self.parts.board.restore(pbx, &kept);
        let (done, is_done) = oneshot::channel();
        if of.turns.send(Turn::Given(Given { grant, kept, done })).await.is_err() {
            return Ok(Handed::Late);
        }
        match tokio::time::timeout(KEPT_WITHIN, is_done).await {
            Ok(Ok(())) if store.engine.spooling().is_some() => Ok(Handed::Spooled),
            Ok(Ok(())) => store.journal.restore(pbx.clone()).await.map(Handed::Kept),
            Ok(Err(_)) | Err(_) => Ok(Handed::Late),
        }
    }

    /// Listens to it no more.
    pub(super) async fn gives_up(&self, behind: Option<Behind>) {
        let Some(Behind { followed, .. }) = behind else { return };
        let pbx = followed.pbx.name.clone();
        stop_following(vec![followed]).await;
        self.parts.board.forget(&pbx);
    }
}
