//! What the tasks share under one lock: the schedule, the ways, and the bodies at hand.

use std::sync::Arc;

use calls::EventKind;
use journal::settings::IntegrationId;
use journal::{DeliveryId, EventSeq, Kept, Outcome, Part, Pending, SettingsCache, Settle};
use rustc_hash::FxHashMap;
use tokio::sync::watch;

use super::ahead::Ahead;
use super::parts::{Hold, Parts};
use super::pausing::Pausing;
use super::routes::{Routes, Way};
use super::settler::{Entry, Placed};
use crate::clock::Clock;
use crate::policy;
use crate::reason::{GivesReason as _, WhyPaused, Wrong};
use crate::schedule::{DestinationKey, Disposition, Input, Out, Schedule, SlotId, Verdict, WebhookKey};

/// Bodies kept at hand for deliveries that were offered and not started yet, some 150 MB at most; the rest is
/// read again, before its turn if it was never tried (`ahead`).
pub(super) const FRESH_MAX: usize = 262_144;

/// An attempt to be made.
pub(super) struct Job {
    pub(super) slot: SlotId,
    pub(super) id: DeliveryId,
    pub(super) webhook: WebhookKey,
    pub(super) kind: EventKind,
    pub(super) attempt: u16,
    pub(super) kept: Option<Arc<Kept>>,
    pub(super) way: Result<Way, Arc<Wrong>>,
    pub(super) hold: Hold,
}

/// What is to be done once the lock is open again.
#[derive(Default)]
pub(super) struct Work {
    pub(super) jobs: Vec<Job>,
    pub(super) entries: Vec<Entry>,
    /// Of whom the next are to be read.
    pub(super) ahead: Vec<WebhookKey>,
    pub(super) urgent: bool,
    pub(super) pauses: Vec<Pausing>,
}

pub(super) struct Core {
    pub(super) schedule: Schedule,
    pub(super) routes: Routes,
    pub(super) parts: Parts,
    book: Arc<SettingsCache>,
    revision: watch::Receiver<u64>,
    clock: Clock,
    fresh: FxHashMap<(i64, u32), Arc<Kept>>,
    pub(super) ahead: Ahead,
    outs: Vec<Out>,
}

impl Core {
    pub(super) fn new(schedule: Schedule, routes: Routes, book: Arc<SettingsCache>, clock: Clock) -> Self {
        let revision = book.watch();
        let parts = Parts::alone();
        let (fresh, ahead, outs) = (FxHashMap::default(), Ahead::default(), Vec::new());
        Self { schedule, routes, parts, book, revision, clock, fresh, ahead, outs }
    }

    pub(super) fn handle(&mut self, input: Input, work: &mut Work) {
        self.refresh(work);
        self.schedule.handle(self.clock.now(), input, &mut self.outs);
        self.collect(work);
    }

    /// The bodies at hand of a part that is another's.
    pub(super) fn forget_fresh(&mut self, part: Part) {
        self.fresh.retain(|(seq, _), _| EventSeq(*seq).part() != part);
        self.ahead.begins_anew();
    }

    pub(super) fn is_fresh(&self, seq: i64, integration: IntegrationId) -> bool {
        self.fresh.contains_key(&(seq, integration.number))
    }

    /// How many bodies are at hand.
    pub(super) fn many_fresh(&self) -> usize {
        self.fresh.len()
    }

    /// Keeps a body until its delivery is started, if there are fewer than so many.
    pub(super) fn is_at_hand(&mut self, seq: i64, integration: IntegrationId, kept: Arc<Kept>, most: usize) {
        if self.fresh.len() < most {
            self.fresh.insert((seq, integration.number), kept);
        }
    }

    /// The body at hand of a delivery that is not sent.
    pub(super) fn not_fresh(&mut self, id: DeliveryId) {
        self.fresh.remove(&(id.event.0, id.integration.number));
    }

    /// Gives a place at a destination back that was taken for a request in no list.
    pub(super) fn give_place_back(&mut self, destination: DestinationKey, work: &mut Work) {
        self.schedule.give_place_back(self.clock.now(), destination, &mut self.outs);
        self.collect(work);
    }

    pub(super) fn handle_timeout(&mut self, work: &mut Work) {
        self.refresh(work);
        self.schedule.handle_timeout(self.clock.now(), &mut self.outs);
        self.collect(work);
    }

    /// Takes in changed settings; costs a look at a number when there are none.
    pub(super) fn refresh(&mut self, work: &mut Work) {
        if self.revision.has_changed().unwrap_or(false) {
            self.revision.mark_unchanged();
            self.routes.refresh(&self.book, &mut self.schedule, self.clock.now(), &mut self.outs);
            self.collect(work);
            // Only now: what came out speaks of webhooks by their keys.
            self.routes.give_back(&mut self.schedule);
        }
    }

    /// Whether an integration has this URL for any kind of event.
    pub(super) fn has_url(&self, integration: IntegrationId, url: &str) -> bool {
        let settings = self.book.integration(integration);
        settings.is_some_and(|(_, of)| EventKind::ALL.iter().any(|kind| of.url(*kind) == Some(url)))
    }

    /// Whether an account's web service is there and not paused for any event it is told.
    pub(super) fn sends_to(&self, integration: IntegrationId, url: &str) -> bool {
        let settings = self.book.integration(integration);
        settings.is_some_and(|(_, of)| {
            EventKind::ALL.iter().any(|kind| of.url(*kind) == Some(url) && !of.paused.contains_key(kind))
        })
    }

    pub(super) fn offer(&mut self, pending: Pending, kept: Option<Arc<Kept>>, work: &mut Work) {
        let Pending { id, account: _, kind, call_hash, age, attempts, due_at_age, held } = pending;
        // What was kept just before its part was lost is whoever's who has it now.
        let Some(grant) = self.parts.grant_of(id.event).filter(|_| !held) else { return };
        let way = self.routes.dispose(&self.book, &mut self.schedule, id.integration, kind);
        let webhook = match way {
            (Disposition::Send, Some(webhook)) => webhook,
            (Disposition::Hold, _) => return work.entries.push(Entry::outside(grant, id, Outcome::Held)),
            _ => return work.entries.push(Entry::outside(grant, id, Outcome::Cancelled)),
        };
        // What is left alone for now would only take up the room of what is not.
        if let Some(kept) = kept
            && !self.schedule.is_left_alone(webhook)
        {
            self.is_at_hand(id.event.0, id.integration, kept, FRESH_MAX);
        }
        let patience = self.routes.patience(id.integration).with(kind);
        let now = self.clock.now();
        let (since, due) = policy::taken_up(patience, age, due_at_age, now);
        let input = Input::Offer { seq: id.event.0, webhook, kind, call_hash, since, attempts, due };
        self.schedule.handle(now, input, &mut self.outs);
        self.collect(work);
    }

    fn collect(&mut self, work: &mut Work) {
        let mut outs = std::mem::take(&mut self.outs);
        for out in outs.drain(..) {
            match out {
                Out::Start { slot, seq, webhook, kind, attempt } => {
                    let integration = self.routes.hook_of(webhook).integration;
                    let id = DeliveryId { event: EventSeq(seq), integration };
                    let kept = self.fresh.remove(&(seq, integration.number));
                    // What is tried again says nothing of what comes next, nor does what most likely fails.
                    let is_missing =
                        kept.is_none() && attempt == 1 && !self.schedule.will_likely_fail(webhook);
                    if self.ahead.started(webhook, is_missing) {
                        work.ahead.push(webhook);
                    }
                    let way = self.routes.way(webhook, kind);
                    let hold = self.parts.hold(id.event);
                    work.jobs.push(Job { slot, id, webhook, kind, attempt, kept, way, hold });
                }
                Out::Settle { slot, seq, webhook, verdict, urgent } => {
                    let integration = self.routes.hook_of(webhook).integration;
                    let id = DeliveryId { event: EventSeq(seq), integration };
                    // What was tried was taken out when it began.
                    if !matches!(verdict, Verdict::Delivered | Verdict::RetryAt(_)) {
                        self.fresh.remove(&(seq, integration.number));
                    }
                    // Of a part that is lost nothing is in the schedule.
                    let Some(grant) = self.parts.settles(id.event) else { continue };
                    let settle = Settle { grant, id, attempt: None, outcome: self.outcome(verdict) };
                    work.entries.push(Entry { settle, slot: Some(Placed { slot, verdict, grant }) });
                    work.urgent |= urgent;
                }
                Out::Urgent => work.urgent = true,
                Out::Pause { webhook, failing_since } => {
                    let hook = self.routes.hook_of(webhook);
                    let why = if failing_since.is_some() { WhyPaused::Failing } else { WhyPaused::Gone };
                    let last = hook.last.clone().unwrap_or_default();
                    let (integration, url) = (hook.integration, hook.url.clone());
                    work.pauses.push(Pausing { integration, url, why, last });
                }
            }
        }
        self.outs = outs;
    }

    fn outcome(&self, verdict: Verdict) -> Outcome {
        match verdict {
            Verdict::Delivered => Outcome::Delivered,
            Verdict::RetryAt(at) => Outcome::RetryIn(at.since(self.clock.now())),
            Verdict::Expired => Outcome::Expired,
            Verdict::Failed => Outcome::Failed(Some(Wrong::Forgotten.reason())),
            Verdict::Cancelled => Outcome::Cancelled,
            Verdict::Held => Outcome::Held,
        }
    }
}
