//! A part is this gateway's no more: another has taken it, or is handed it.

use std::time::Duration;

use calls::PbxName;
use journal::{Given, Grant, rest};

use super::{EARLIER_CALLS, Has, Sharing, lock};
use crate::serve::following::{Followed, stop_following};
use crate::serve::operator;
use crate::serve::seconds::Seconds;

/// How long a part that is handed over waits for requests that are out. What is out then may be told again by the next.
const HANDED_WITHIN: Duration = Duration::from_millis(500);

impl Sharing {
    pub(super) async fn lose(&self, pbx: &PbxName, has: &mut Has) {
        let Some(grant) = has.remove(pbx) else { return };
        if *pbx == rest() {
            tracing::warn!("another gateway has taken {EARLIER_CALLS}");
            return self.sender.lose(grant);
        }
        tracing::warn!(%pbx, "another gateway has taken the PBX: what this one says of it counts for nothing");
        self.sender.lose(grant);
        self.unfollow(std::slice::from_ref(pbx)).await;
    }

    /// It is another's by its order. This gateway reads on behind that one, over the link there is: if the other dies before it
    /// has it, or soon after, all that was said is at hand here.
    pub(super) async fn hand_over_in_order(&self, pbx: PbxName, has: &mut Has, seconds: &mut Seconds) {
        if self.has_seconds {
            self.steps_back(&pbx, seconds).await;
        }
        self.hand_over(std::slice::from_ref(&pbx), Given::InOrder, has).await;
        seconds.tells_ready(&pbx);
    }

    async fn steps_back(&self, pbx: &PbxName, seconds: &mut Seconds) {
        // Who stops waits until what was heard is kept.
        let mut following = self.following.lock().await;
        let Some(at) = following.iter().position(|one| one.pbx.name == *pbx) else { return };
        let followed = following.swap_remove(at);
        // Or a tick in between would tell that it is not heard here.
        lock(&self.behind).push(followed.status.clone());
        seconds.steps_back(followed).await;
        drop(following);
        self.board.forget_legs(pbx);
        self.show().await;
    }

    /// All at once: a network that is away is so for many PBXs.
    pub(super) async fn hand_over(&self, pbxs: &[PbxName], why: Given, has: &mut Has) {
        let given = pbxs.iter().filter_map(|pbx| Some((pbx, has.remove(pbx)?)));
        let given: Vec<(&PbxName, Grant)> = given.collect();
        self.unfollow(pbxs).await;
        let handing = given.into_iter().map(|(pbx, grant)| async move {
            let in_order = self.sender.hand_over(grant, HANDED_WITHIN).await;
            self.give_back_for(pbx, grant, why).await;
            if why == Given::ForItsLink {
                metrics::counter!("ringbud_part_given_up_total", "pbx" => pbx.to_string()).increment(1);
                self.operator.tell(operator::moved(pbx, "link_lost"));
                tracing::warn!(%pbx, in_order, "the PBX is not heard any more, and another gateway hears it: it is handed over");
                return;
            }
            if *pbx == rest() {
                tracing::info!(in_order, "{EARLIER_CALLS} are handed over to another gateway");
                return;
            }
            self.operator.tell(operator::moved(pbx, "handed_over"));
            tracing::info!(%pbx, in_order, "the PBX is handed over to another gateway");
        });
        futures_util::future::join_all(handing).await;
    }

    pub(super) async fn give_back(&self, pbx: &PbxName, grant: Grant) {
        self.give_back_for(pbx, grant, Given::InOrder).await;
    }

    async fn give_back_for(&self, pbx: &PbxName, grant: Grant, why: Given) {
        let given = self.journal.release(grant, why).await;
        if let Err(error) = &given
            && *pbx == rest()
        {
            tracing::warn!(%error, "{EARLIER_CALLS} were not given back; another gateway waits some seconds for them");
        } else if let Err(error) = given {
            tracing::warn!(%pbx, %error, "the PBX was not given back; another gateway waits some seconds for it");
        }
    }

    pub(super) async fn unfollow(&self, pbxs: &[PbxName]) {
        let mut following = self.following.lock().await;
        let is_one = |one: &Followed| pbxs.contains(&one.pbx.name);
        let (ends, stays): (Vec<_>, _) = std::mem::take(&mut *following).into_iter().partition(is_one);
        *following = stays;
        let ended: Vec<PbxName> = ends.iter().map(|one| one.pbx.name.clone()).collect();
        stop_following(ends).await;
        drop(following);
        ended.iter().for_each(|pbx| self.board.forget(pbx));
        self.show().await;
    }
}
