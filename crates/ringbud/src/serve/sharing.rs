//! A store that several gateways share: this one follows the PBXs whose parts it has. It takes those that are free and
//! its turn, drops those that others have taken, and hands over those that are another's by their order.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::pbx::Secret;
use calls::PbxName;
use delivery::operator::OperatorNotifier;
use delivery::sender::Sender;
use journal::turns::{Step, Turns};
use journal::{Fleet, Grant, Journal, Kept, Pending, Taken, rest};
use tasks::Part;
use tokio::sync::{Mutex as Held, Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::seconds::Seconds;
use super::who_has::{WhoHas, name_of};
use super::{Followed, Parts, operator, stop_following};
use crate::board::Board;
use crate::config::Pbx;
use crate::link::Links;

/// How often this gateway beats, and sees what the others do.
const TICK: Duration = Duration::from_secs(1);
/// How long a part that is handed over waits for requests that are out. What is out then may be told again by the next.
const HANDED_WITHIN: Duration = Duration::from_millis(500);

/// A gateway that is gone is told so once, within which time all its PBXs are taken.
const LOST_ONCE: Duration = Duration::from_secs(60);

/// The PBXs that are followed, in no order.
pub(super) type Following = Arc<Held<Vec<Followed>>>;

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
}

impl Told {
    fn new(has_seconds: bool) -> Self {
        let turns = if has_seconds { Turns::with_second_readers() } else { Turns::default() };
        Self { turns: Mutex::new((turns, None)), anew: Notify::default() }
    }
}

impl Sharing {
    pub(super) fn start(self) -> Shares {
        let (takes, may_take) = watch::channel(true);
        let (who, changed) = (self.who.clone(), self.changed.clone());
        let task = tasks::spawn(Part::JournalBeat, async move {
            let (told, began) = (Told::new(self.has_seconds), Instant::now());
            tokio::join!(tick(&self, &told, began), keep(&self, &told, began, may_take));
        });
        Shares { who, changed, takes, task }
    }

    fn names(&self) -> Vec<PbxName> {
        self.who.wanted().into_iter().map(|(pbx, _)| pbx.name).chain([rest()]).collect()
    }
}

/// Beats for ever, whatever is taken meanwhile.
async fn tick(of: &Sharing, told: &Told, began: Instant) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = of.journal.woken() => {}
        }
        let answer = of.journal.tick(&of.names()).await;
        {
            let mut last = told.turns.lock().unwrap_or_else(PoisonError::into_inner);
            match answer {
                Ok(fleet) => {
                    // Before this gateway acts again.
                    of.sender.sees(&fleet);
                    last.1 = Some(fleet.clone());
                    last.0.told(began.elapsed(), fleet.clone());
                    of.who.told(&fleet, |id| last.0.lives(began.elapsed(), id));
                }
                Err(_) => {
                    last.1 = None;
                    last.0.failed();
                }
            }
        }
        told.anew.notify_one();
    }
}

/// Does what follows from what was told, one step after the other.
async fn keep(of: &Sharing, told: &Told, began: Instant, may_take: watch::Receiver<bool>) {
    let mut has = BTreeMap::new();
    let mut seconds = Seconds { parts: of.parts.clone(), who: of.who.clone(), behind: BTreeMap::new() };
    loop {
        tokio::select! {
            () = told.anew.notified() => {}
            () = of.changed.notified() => {}
        }
        of.follows_wanted(&mut has).await;
        let names = of.names();
        let (steps, fleet, hears) = {
            let mut last = told.turns.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(fleet) = last.1.clone() else { continue };
            let (now, turns) = (began.elapsed(), &mut last.0);
            let hears = if of.has_seconds { turns.hears(now, &names, &has) } else { Vec::new() };
            (turns.steps(now, &names, &has), fleet, hears)
        };
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
                        Err(error) => tracing::warn!(%pbx, %error, "the PBX is free and cannot be taken"),
                    }
                }
                Step::HandOver(pbx) if may_take => of.hand_over(&pbx, &mut has).await,
                Step::Take { .. } | Step::HandOver(_) => {}
            }
        }
        let may_take = *may_take.borrow();
        seconds.listens(hears.into_iter().filter(|pbx| may_take && !has.contains_key(pbx))).await;
    }
}

type Has = BTreeMap<PbxName, Grant>;
/// What is to be sent of events.
type Due = Vec<(Pending, Arc<Kept>)>;

impl Sharing {
    /// What waits is in the schedule before anything is read.
    async fn begin(
        &self,
        pbx: PbxName,
        taken: Taken,
        from: Option<String>,
        has: &mut Has,
        seconds: &mut Seconds,
    ) {
        let Taken { grant, careful } = taken;
        if pbx == rest() {
            return self.begin_rest(pbx, taken, has).await;
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
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        if lost.as_ref().is_none_or(|(last, at)| last != from || at.elapsed() > LOST_ONCE) {
            self.operator.tell(operator::taken_over(from));
        }
        *lost = Some((from.to_owned(), Instant::now()));
    }

    /// The configuration was read anew: a PBX that is not in it any more is handed over, one that is otherwise is followed
    /// anew under what it had.
    async fn follows_wanted(&self, has: &mut Has) {
        let wanted = self.who.wanted();
        let find = |pbx: &PbxName| wanted.iter().find(|(one, _)| one.name == *pbx);
        let gone: Vec<_> = has.keys().filter(|pbx| **pbx != rest() && find(pbx).is_none()).cloned().collect();
        for pbx in gone {
            self.hand_over(&pbx, has).await;
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
            self.unfollow(&pbx).await;
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
            tracing::warn!(%pbx, %error, "what another gateway asks of the PBX is not done yet");
        }
    }

    /// Events that another gateway brings are shown and sent as those that are heard.
    fn on_facts(&self) -> impl Fn(&PbxName, &Arc<Kept>, Due) + Send + Sync + use<> {
        let sink = self.parts.sink.clone();
        move |pbx, event, due| sink.kept(pbx, std::slice::from_ref(event), due, &[])
    }

    /// What is no PBX's is sent, and nothing is read.
    async fn begin_rest(&self, rest: PbxName, taken: Taken, has: &mut Has) {
        let Taken { grant, careful } = taken;
        if let Err(error) = self.sender.take(grant, careful).await {
            tracing::warn!(%error, "what was kept before PBXs were shared cannot be loaded: another gateway may try");
            self.sender.lose(grant);
            return self.give_back(&rest, grant).await;
        }
        has.insert(rest, grant);
    }

    async fn lose(&self, pbx: &PbxName, has: &mut Has) {
        let Some(grant) = has.remove(pbx) else { return };
        tracing::warn!(%pbx, "another gateway has taken the PBX: what this one says of it counts for nothing");
        self.sender.lose(grant);
        self.unfollow(pbx).await;
    }

    async fn hand_over(&self, pbx: &PbxName, has: &mut Has) {
        let Some(grant) = has.remove(pbx) else { return };
        self.unfollow(pbx).await;
        let in_order = self.sender.hand_over(grant, HANDED_WITHIN).await;
        self.give_back(pbx, grant).await;
        if *pbx != rest() {
            self.operator.tell(operator::moved(pbx, "handed_over"));
        }
        tracing::info!(%pbx, in_order, "the PBX is handed over to another gateway");
    }

    async fn give_back(&self, pbx: &PbxName, grant: Grant) {
        if let Err(error) = self.journal.release(grant).await {
            tracing::warn!(%pbx, %error, "the PBX was not given back; another gateway waits some seconds for it");
        }
    }

    async fn unfollow(&self, pbx: &PbxName) {
        let mut following = self.following.lock().await;
        let (ends, stays) =
            std::mem::take(&mut *following).into_iter().partition(|one: &Followed| one.pbx.name == *pbx);
        *following = stays;
        stop_following(ends).await;
        drop(following);
        self.board.forget(pbx);
        self.show().await;
    }

    async fn show(&self) {
        self.links.set(self.following.lock().await.iter().map(|one| one.status.clone()).collect());
    }
}
