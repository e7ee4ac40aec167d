//! Does what follows from what was told, one step after the other.

use std::collections::BTreeMap;
use std::time::Duration;

use calls::PbxName;
use journal::turns::Step;
use journal::{Fleet, Given, Grant, rest};
use tokio::sync::watch;
use tokio::time::Instant;

use super::{EARLIER_CALLS, Has, Sharing, Told, lock};
use crate::serve::following::Followed;
use crate::serve::seconds::Seconds;
use crate::serve::who_has::name_of;

/// Does what follows from what was told, one step after the other.
pub(super) async fn keep(of: &Sharing, told: &Told, began: Instant, may_take: watch::Receiver<bool>) {
    let mut has = BTreeMap::new();
    let mut seconds = Seconds { parts: of.parts.clone(), who: of.who.clone(), behind: BTreeMap::new() };
    loop {
        tokio::select! {
            () = told.anew.notified() => {}
            () = of.changed.notified() => {}
        }
        of.follows_wanted(&mut has).await;
        let names = of.names();
        let (steps, fleet) = {
            let unheard = lock(&told.unheard).clone();
            let mut last = lock(&told.turns);
            let Some(fleet) = last.1.clone() else { continue };
            (last.0.steps(began.elapsed(), &names, &has, &unheard), fleet)
        };
        let is_heard_elsewhere = |step: &Step| match step {
            Step::HandOver { pbx, why: Given::ForItsLink } => Some(pbx.clone()),
            Step::HandOver { .. } | Step::Lose(_) | Step::Take { .. } => None,
        };
        let heard_elsewhere: Vec<PbxName> = steps.iter().filter_map(is_heard_elsewhere).collect();
        if *may_take.borrow() && !heard_elsewhere.is_empty() {
            of.hand_over(&heard_elsewhere, Given::ForItsLink, &mut has).await;
        }
        of.does_asked(&fleet, &has).await;
        for step in steps {
            let may_take = *may_take.borrow();
            match step {
                Step::Lose(pbx) => of.lose(&pbx, &mut has).await,
                Step::Take { pbx, seen, from } if may_take => {
                    let name = from.as_ref().map(|from| name_of(&fleet, from));
                    let careful = if from.is_some() { of.others_deliver_for } else { Duration::ZERO };
                    match of.journal.take(pbx.clone(), seen, careful).await {
                        Ok(Some(taken)) => {
                            of.begin(pbx, taken, name, &mut has, &mut seconds).await;
                        }
                        Ok(None) => {}
                        Err(error) if pbx == rest() => {
                            tracing::warn!(%error, "{EARLIER_CALLS} are free and cannot be taken");
                        }
                        Err(error) => tracing::warn!(%pbx, %error, "the PBX is free and cannot be taken"),
                    }
                }
                Step::HandOver { pbx, why: Given::InOrder } if may_take => {
                    of.hand_over_in_order(pbx, &mut has, &mut seconds).await;
                }
                Step::Take { .. } | Step::HandOver { .. } => {}
            }
        }
        if let Some(hears) = of.hears(told, began.elapsed(), &has) {
            let may_take = *may_take.borrow();
            if seconds.listens(hears.into_iter().filter(|_| may_take)).await {
                // Who has the PBX may be gone and back before the next tick.
                told.look.notify_one();
            }
        }
        *lock(&of.behind) = seconds.statuses();
    }
}

impl Sharing {
    /// Those it is to listen to, with what it has by now; `None`: nothing is known of the others, and it goes on.
    fn hears(&self, told: &Told, now: Duration, has: &Has) -> Option<Vec<PbxName>> {
        let last = lock(&told.turns);
        last.1.as_ref()?;
        Some(if self.has_seconds { last.0.hears(now, &self.names(), has) } else { Vec::new() })
    }

    /// The configuration was read anew: a PBX that is not in it any more is handed over, one that is otherwise is followed
    /// anew under what it had.
    async fn follows_wanted(&self, has: &mut Has) {
        let wanted = self.who.wanted();
        let find = |pbx: &PbxName| wanted.iter().find(|(one, _)| one.name == *pbx);
        let gone: Vec<_> = has.keys().filter(|pbx| **pbx != rest() && find(pbx).is_none()).cloned().collect();
        for pbx in gone {
            self.hand_over(&[pbx], Given::InOrder, has).await;
        }
        let others: Vec<_> = {
            let following = self.following.lock().await;
            let is_other = |one: &&Followed| {
                find(&one.pbx.name)
                    .is_some_and(|(pbx, secret)| !one.pbx.is_followed_as(pbx) || one.secret != *secret)
            };
            following.iter().filter(is_other).map(|one| one.pbx.name.clone()).collect()
        };
        for pbx in others {
            let (Some(grant), Some((config, secret))) = (has.get(&pbx).copied(), find(&pbx)) else {
                continue;
            };
            self.unfollow(std::slice::from_ref(&pbx)).await;
            match self.parts.follow(config, secret.clone(), grant).await {
                Ok(followed) => {
                    self.following.lock().await.push(followed);
                    self.show().await;
                }
                Err(error) => {
                    tracing::warn!(%pbx, %error, "the PBX cannot be followed as it is configured now: it is given back");
                    has.remove(&pbx);
                    self.sender.lose(grant);
                    self.give_back(&pbx, grant).await;
                }
            }
        }
    }

    /// What other gateways ask of its parts. What cannot be done now waits for the next tick.
    async fn does_asked(&self, fleet: &Fleet, has: &Has) {
        for (pbx, grant) in has.iter().filter(|(_, grant)| fleet.asked.contains(&grant.part())) {
            self.does_asked_of(pbx, *grant).await;
        }
    }

    async fn does_asked_of(&self, pbx: &PbxName, grant: Grant) {
        if let Err(error) = self.sender.does_asked(grant, &self.on_facts()).await {
            if *pbx == rest() {
                tracing::warn!(%error, "what another gateway asks of {EARLIER_CALLS} is not done yet");
            } else {
                tracing::warn!(%pbx, %error, "what another gateway asks of the PBX is not done yet");
            }
        }
    }
}
