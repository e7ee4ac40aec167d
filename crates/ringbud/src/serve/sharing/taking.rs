//! A part is this gateway's now: its PBX is followed, and what waits is sent.

use std::sync::Arc;
use std::time::Duration;

use calls::PbxName;
use journal::{Kept, Pending, Taken, rest};
use tokio::time::Instant;

use super::{EARLIER_CALLS, Has, Sharing, lock};
use crate::serve::operator;
use crate::serve::seconds::Seconds;

/// A gateway that is gone is told so once, within which time all its PBXs are taken.
const LOST_ONCE: Duration = Duration::from_secs(60);

/// What is to be sent of events.
type Due = Vec<(Pending, Arc<Kept>)>;

impl Sharing {
    /// What waits is in the schedule before anything is read.
    pub(super) async fn begin(
        &self,
        pbx: PbxName,
        taken: Taken,
        from: Option<String>,
        has: &mut Has,
        seconds: &mut Seconds,
    ) {
        let Taken { grant, careful } = taken;
        if pbx == rest() {
            return self.begin_rest(pbx, taken, from, has).await;
        }
        let Some((config, secret)) = self.who.of(&pbx) else { return self.give_back(&pbx, grant).await };
        let begun = async {
            // What was kept of it elsewhere comes before what it says from now on, and before anything is sent: some of that
            // receivers have taken.
            if let Err(error) = self.sender.takes_in(grant, &self.on_facts()).await {
                tracing::warn!(%pbx, %error, "what another gateway kept of the PBX is taken in later");
            }
            self.sender.take(grant, careful).await?;
            match seconds.of(&pbx) {
                Some(behind) if behind.is_ready() => seconds.goes_on(grant, behind).await,
                behind => {
                    seconds.gives_up(behind).await;
                    self.parts.follow(&config, secret, grant).await
                }
            }
        };
        match begun.await {
            Ok(followed) => {
                self.following.lock().await.push(followed);
                self.show().await;
                has.insert(pbx.clone(), grant);
                tracing::info!(%pbx, from, "this gateway has the PBX now");
            }
            Err(error) => {
                tracing::warn!(%pbx, %error, "the PBX was taken and cannot be followed: it is given back");
                self.sender.lose(grant);
                self.give_back(&pbx, grant).await;
            }
        }
        if let Some(from) = from {
            metrics::counter!("ringbud_gateway_takeovers_total").increment(1);
            metrics::counter!("ringbud_part_takeovers_total", "pbx" => pbx.to_string()).increment(1);
            self.tell_lost(&from);
            self.operator.tell(operator::moved(&pbx, "gateway_lost"));
        }
    }

    /// Once of each gateway, however many PBXs it had.
    fn tell_lost(&self, from: &str) {
        let mut lost = lock(&self.lost);
        if lost.as_ref().is_none_or(|(last, at)| last != from || at.elapsed() > LOST_ONCE) {
            self.operator.tell(operator::taken_over(from));
        }
        *lost = Some((from.to_owned(), Instant::now()));
    }

    /// Events that another gateway brings are shown and sent as those that are heard.
    pub(super) fn on_facts(&self) -> impl Fn(&PbxName, &Arc<Kept>, Due) + Send + Sync + use<> {
        let sink = self.parts.sink.clone();
        move |pbx, event, due| sink.kept(pbx, std::slice::from_ref(event), due, &[])
    }

    /// What is no PBX's is sent, and nothing is read.
    async fn begin_rest(&self, rest: PbxName, taken: Taken, from: Option<String>, has: &mut Has) {
        let Taken { grant, careful } = taken;
        if let Err(error) = self.sender.take(grant, careful).await {
            tracing::warn!(%error, "{EARLIER_CALLS} cannot be loaded: another gateway may try");
            self.sender.lose(grant);
            return self.give_back(&rest, grant).await;
        }
        has.insert(rest, grant);
        tracing::info!(from, "this gateway has {EARLIER_CALLS} now");
        if let Some(from) = from {
            self.tell_lost(&from);
        }
    }
}
