//! A store that several gateways share: this one follows the PBXs whose parts it has. It takes those that are free and
//! its turn, drops those that others have taken, and hands over those that are another's by their order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::pbx::Secret;
use calls::PbxName;
use delivery::operator::OperatorNotifier;
use delivery::sender::Sender;
use journal::turns::{ASKS_AFTER, Step, Turns};
use journal::{About, Fleet, Given, Grant, Journal, Kept, Lease, Linked, Pending, Taken, rest};
use tasks::Part;
use tokio::sync::{Mutex as Held, Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::seconds::Seconds;
use super::who_has::{WhoHas, name_of};
use super::{Followed, Parts, operator, stop_following};
use crate::board::Board;
use crate::config::Pbx;
use crate::link::{LinkStatus, Links, Status};

/// How often this gateway beats, and sees what the others do.
const TICK: Duration = Duration::from_secs(1);
/// A link is pinged once a second: over one that was silent for so long nothing is heard, and others are told so.
const HEARD_WITHIN: Duration = Duration::from_secs(2);
/// A PBX that was not heard for so long goes to a gateway that hears it.
const SILENT_AFTER: Duration = Duration::from_secs(3);
/// How often it is seen whether each is heard; and while one is not, and another may.
const LOOKS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_millis(100));
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
}

/// Beats for ever, whatever is taken meanwhile.
async fn tick(of: &Sharing, told: &Told, began: Instant, stays: watch::Receiver<bool>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = of.journal.woken() => {}
            () = told.look.notified() => {}
        }
        // Who goes is to be handed nothing.
        let links = if *stays.borrow() { of.linked(&lock(&told.leases)) } else { Vec::new() };
        let asks = told.asks.swap(false, Ordering::AcqRel);
        let answer = of.journal.tick(&About { pbxs: of.names(), links, asks }).await;
        {
            let mut last = lock(&told.turns);
            match answer {
                Ok(fleet) => {
                    // Before this gateway acts again.
                    of.sender.sees(&fleet);
                    lock(&told.leases).clone_from(&fleet.leases);
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

/// Sees which of its own PBXs this gateway hears, for ever, and asks the others about those it does not. Whose link broke
/// and nobody hears makes it anew.
async fn hear(of: &Sharing, told: &Told, began: Instant) {
    if !of.has_seconds {
        return;
    }
    let mut asked: BTreeMap<PbxName, Duration> = BTreeMap::new();
    let mut pause = LOOKS.0;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = of.parts.broke.notified() => {}
        }
        pause = LOOKS.0;
        let now = began.elapsed();
        let links = of.links.all();
        let unheard: BTreeMap<PbxName, Duration> = {
            let mut unheard = lock(&told.unheard);
            let is_not = links.iter().filter_map(|link| link.with(LinkStatus::unheard));
            let since = is_not.map(|pbx| (unheard.get(&pbx).copied().unwrap_or(now), pbx));
            *unheard = since.map(|(since, pbx)| (pbx, since)).collect();
            unheard.clone()
        };
        asked.retain(|pbx, _| unheard.contains_key(pbx));
        for (pbx, since) in unheard {
            if !lock(&told.turns).0.may_be_heard(now, &pbx, since) {
                let of_it = links.iter().filter(|link| link.with(|status| status.pbx == pbx));
                of_it.for_each(|link| link.anew().may_be_made());
            } else {
                pause = LOOKS.1;
                if now >= since + ASKS_AFTER {
                    if asked.insert(pbx, since) != Some(since) {
                        told.asks.store(true, Ordering::Release);
                    }
                    told.look.notify_one();
                }
            }
        }
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
            let unheard = lock(&told.unheard).clone();
            let mut last = lock(&told.turns);
            let Some(fleet) = last.1.clone() else { continue };
            let (now, turns) = (began.elapsed(), &mut last.0);
            let hears = if of.has_seconds { turns.hears(now, &names, &has) } else { Vec::new() };
            (turns.steps(now, &names, &has, &unheard), fleet, hears)
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
                        Err(error) => tracing::warn!(%pbx, %error, "the PBX is free and cannot be taken"),
                    }
                }
                Step::HandOver { pbx, why: Given::InOrder } if may_take => {
                    of.hand_over(&[pbx], Given::InOrder, &mut has).await;
                }
                Step::Take { .. } | Step::HandOver { .. } => {}
            }
        }
        let may_take = *may_take.borrow();
        seconds.listens(hears.into_iter().filter(|pbx| may_take && !has.contains_key(pbx))).await;
        *lock(&of.behind) = seconds.statuses();
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
        let mut lost = lock(&self.lost);
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
        self.unfollow(std::slice::from_ref(pbx)).await;
    }

    /// All at once: a network that is away is so for many PBXs.
    async fn hand_over(&self, pbxs: &[PbxName], why: Given, has: &mut Has) {
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
            if *pbx != rest() {
                self.operator.tell(operator::moved(pbx, "handed_over"));
            }
            tracing::info!(%pbx, in_order, "the PBX is handed over to another gateway");
        });
        futures_util::future::join_all(handing).await;
    }

    async fn give_back(&self, pbx: &PbxName, grant: Grant) {
        self.give_back_for(pbx, grant, Given::InOrder).await;
    }

    async fn give_back_for(&self, pbx: &PbxName, grant: Grant, why: Given) {
        if let Err(error) = self.journal.release(grant, why).await {
            tracing::warn!(%pbx, %error, "the PBX was not given back; another gateway waits some seconds for it");
        }
    }

    async fn unfollow(&self, pbxs: &[PbxName]) {
        let mut following = self.following.lock().await;
        let is_one = |one: &Followed| pbxs.contains(&one.pbx.name);
        let (ends, stays) = std::mem::take(&mut *following).into_iter().partition(is_one);
        *following = stays;
        stop_following(ends).await;
        drop(following);
        pbxs.iter().for_each(|pbx| self.board.forget(pbx));
        self.show().await;
    }

    /// How its links are doing, those of its own first.
    fn linked(&self, leases: &[Lease]) -> Vec<Linked> {
        let mut linked: Vec<Linked> = Vec::new();
        let of = |pbx: &PbxName| leases.iter().find(|lease| lease.pbx == *pbx).map(|lease| lease.part);
        let own = self.links.all().into_iter().map(|link| (link, true));
        let behind = lock(&self.behind).clone().into_iter().map(|link| (link, false));
        for (link, is_own) in own.chain(behind) {
            let lacks = |status: &LinkStatus| match status.lacks(HEARD_WITHIN) {
                None if !is_own && !status.is_ready => Some("connecting"),
                lacks => lacks,
            };
            let (part, lacks) = link.with(|status| (of(&status.pbx), lacks(status).map(str::to_owned)));
            if let Some(part) = part.filter(|part| linked.iter().all(|one| one.part != *part)) {
                linked.push(Linked { part, lacks });
            }
        }
        linked
    }

    async fn show(&self) {
        self.links.set(self.following.lock().await.iter().map(|one| one.status.clone()).collect());
    }
}

impl LinkStatus {
    /// Its PBX, where that is not heard over it.
    fn unheard(&self) -> Option<PbxName> {
        self.lacks(SILENT_AFTER).map(|_| self.pbx.clone())
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
