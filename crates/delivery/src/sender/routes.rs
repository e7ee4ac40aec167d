//! The ways deliveries go, by the settings of this moment: integration and kind to webhook, webhook to
//! destination, destination to its connections.

use std::sync::Arc;
use std::time::Duration;

use calls::EventKind;
use journal::settings::{Integration, IntegrationId};
use journal::{Reason, SettingsCache, WallTime};
use rustc_hash::FxHashMap;

use super::day::{Day, HOURS, Hour, Taken};
use crate::connect::{Pool, Pools, Trust};
use crate::guard::{Origin, WebhookUrl};
use crate::policy::{Moment, Patience};
use crate::reason::Wrong;
use crate::request::{Compiled, NoRequest};
use crate::schedule::{DestinationKey, Disposition, Input, Out, Schedule, WebhookKey};

/// What an attempt needs of its webhook.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) compiled: Arc<Compiled>,
    pub(super) pool: Arc<Pool>,
}

/// What a webhook's receiver said last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastAnswer {
    /// When.
    pub at: WallTime,
    /// Its status, if there was one.
    pub status: Option<u16>,
    /// What went wrong; nothing if nothing did.
    pub reason: Option<Arc<Reason>>,
    /// How long it took.
    pub took: Duration,
}

/// A webhook that has been used.
pub(super) struct Hook {
    pub(super) integration: IntegrationId,
    pub(super) url: Arc<str>,
    pub(super) last: Option<LastAnswer>,
    /// Whether something was taken since the notes of what fails were looked at.
    has_taken: bool,
    /// By kind of event, for those that were sent.
    days: [Option<Box<Day>>; 4],
    destination: DestinationKey,
    ways: [Option<Result<Way, Arc<Wrong>>>; 4],
}

impl Hook {
    /// The requests of the last day for a kind of event, hour by hour, the oldest first.
    pub(super) fn day(&self, kind: EventKind, now: WallTime) -> [Hour; HOURS] {
        self.days[kind as usize].as_ref().map_or([Hour::default(); HOURS], |day| day.until(now))
    }

    /// Nobody's: its place is free.
    fn given_back() -> Self {
        Self {
            integration: IntegrationId { number: 0 },
            url: "".into(),
            last: None,
            has_taken: false,
            days: [const { None }; 4],
            destination: DestinationKey(u32::MAX),
            ways: [const { None }; 4],
        }
    }
}

struct Route {
    settings: Option<Arc<Integration>>,
    hooks: Vec<WebhookKey>,
}

type Place = (Origin, String);

pub(super) struct Routes {
    pools: Arc<Pools>,
    trust: Trust,
    routes: FxHashMap<u32, Route>,
    hooks: Vec<Hook>,
    destinations: FxHashMap<Place, DestinationKey>,
    open: Vec<Option<Arc<Pool>>>,
    nowhere: Option<DestinationKey>,
    /// Webhooks that were failing when the program ended, and are not used yet.
    recalled: FxHashMap<(u32, String), (Moment, Duration)>,
    /// Integrations with webhooks that are wanted no more and still have something left.
    leaving: Vec<u32>,
    /// Requests that were accepted and those that were not, since the start.
    answered: [u64; 2],
}

impl Routes {
    pub(super) fn new(pools: Arc<Pools>) -> Self {
        Self {
            pools,
            trust: Trust::of_the_machine(),
            routes: FxHashMap::default(),
            hooks: Vec::new(),
            destinations: FxHashMap::default(),
            open: Vec::new(),
            nowhere: None,
            recalled: FxHashMap::default(),
            leaving: Vec::new(),
            answered: [0; 2],
        }
    }

    /// What is to become of a delivery, by the settings of this moment.
    pub(super) fn dispose(
        &mut self,
        book: &SettingsCache,
        schedule: &mut Schedule,
        integration: IntegrationId,
        kind: EventKind,
    ) -> (Disposition, Option<WebhookKey>) {
        let Some(settings) = self.settings(book, integration) else { return (Disposition::Drop, None) };
        let Some(url) = settings.url(kind).filter(|url| !url.is_empty()) else {
            return (Disposition::Drop, None);
        };
        if settings.paused.contains_key(&kind) {
            return (Disposition::Hold, None);
        }
        (Disposition::Send, Some(self.hook(schedule, integration, url, &settings)))
    }

    /// The settings of an integration that is there; of one that is not nothing is remembered.
    fn settings(&mut self, book: &SettingsCache, integration: IntegrationId) -> Option<Arc<Integration>> {
        if let Some(route) = self.routes.get(&integration.number) {
            return route.settings.clone();
        }
        let (_, settings) = book.integration(integration)?;
        let route = Route { settings: Some(settings.clone()), hooks: Vec::new() };
        self.routes.insert(integration.number, route);
        Some(settings)
    }

    /// How long an integration's events are worth trying.
    pub(super) fn patience(&self, integration: IntegrationId) -> Patience {
        let settings = self.routes.get(&integration.number).and_then(|route| route.settings.as_ref());
        settings.map_or_else(Patience::default, |settings| Patience::of(&settings.retry))
    }

    /// The webhook of a URL; made if it is new.
    fn hook(
        &mut self,
        schedule: &mut Schedule,
        integration: IntegrationId,
        url: &str,
        settings: &Integration,
    ) -> WebhookKey {
        let Some(route) = self.routes.get(&integration.number) else { return WebhookKey(u32::MAX) };
        let known = route.hooks.iter().find(|key| &*self.hooks[key.0 as usize].url == url);
        if let Some(key) = known {
            return *key;
        }
        let destination = self.destination(schedule, url, &settings.ca_pem);
        let key = schedule.add_webhook(destination, Patience::of(&settings.retry));
        schedule.keep_pace(key, integration.number, settings.rate);
        if let Some((since, lasted)) = self.recalled.remove(&(integration.number, url.to_owned())) {
            schedule.recall_failing(key, since, lasted);
        }
        let ways = [const { None }; 4];
        let days = [const { None }; 4];
        let hook =
            Hook { integration, url: url.into(), last: None, has_taken: false, days, destination, ways };
        match self.hooks.get_mut(key.0 as usize) {
            Some(given_back) => *given_back = hook,
            None => self.hooks.push(hook),
        }
        if let Some(route) = self.routes.get_mut(&integration.number) {
            route.hooks.push(key);
        }
        key
    }

    fn destination(&mut self, schedule: &mut Schedule, url: &str, ca_pem: &str) -> DestinationKey {
        let Ok(url) = WebhookUrl::parse(url) else {
            if let Some(nowhere) = self.nowhere {
                return nowhere;
            }
            let nowhere = schedule.add_destination();
            self.open_at(nowhere);
            self.nowhere = Some(nowhere);
            return nowhere;
        };
        let place = (url.origin().clone(), ca_pem.to_owned());
        if let Some(known) = self.destinations.get(&place) {
            return *known;
        }
        let made = schedule.add_destination();
        self.open_at(made);
        self.destinations.insert(place, made);
        made
    }

    /// The connections of a destination, if there are any.
    fn open_at(&mut self, destination: DestinationKey) -> &mut Option<Arc<Pool>> {
        let at = destination.0 as usize;
        if at >= self.open.len() {
            self.open.resize_with(at + 1, || None);
        }
        &mut self.open[at]
    }

    /// The way of a kind of event to a webhook; compiled at its first use.
    pub(super) fn way(&mut self, key: WebhookKey, kind: EventKind) -> Result<Way, Arc<Wrong>> {
        let at = key.0 as usize;
        if let Some(way) = &self.hooks[at].ways[kind as usize] {
            return way.clone();
        }
        let way = self.find_way(at, kind).map_err(Arc::new);
        self.hooks[at].ways[kind as usize] = Some(way.clone());
        way
    }

    fn find_way(&mut self, at: usize, kind: EventKind) -> Result<Way, Wrong> {
        let hook = &self.hooks[at];
        let settings = self
            .routes
            .get(&hook.integration.number)
            .and_then(|route| route.settings.as_ref())
            .ok_or(NoRequest::SwitchedOff)?;
        let compiled = Arc::new(Compiled::new(kind, settings)?);
        let (settings, destination) = (settings.clone(), hook.destination);
        self.way_to(destination, compiled, &settings)
    }

    fn way_to(
        &mut self,
        destination: DestinationKey,
        compiled: Arc<Compiled>,
        settings: &Integration,
    ) -> Result<Way, Wrong> {
        if let Some(pool) = self.open_at(destination) {
            return Ok(Way { compiled, pool: pool.clone() });
        }
        let tls = match (compiled.origin().tls, settings.ca_pem.is_empty()) {
            (false, _) => None,
            (true, true) => Some(self.trust.public()),
            (true, false) => Some(self.trust.with_ca(&settings.ca_pem)?),
        };
        let pool = Arc::new(Pool::new(self.pools.clone(), compiled.origin().clone(), tls));
        *self.open_at(destination) = Some(pool.clone());
        Ok(Way { compiled, pool })
    }

    /// A way for a request that is in no list, as a test call, with the destination it needs a place at.
    pub(super) fn trial(
        &mut self,
        schedule: &mut Schedule,
        kind: EventKind,
        settings: &Integration,
    ) -> Result<(Way, DestinationKey), Wrong> {
        let compiled = Arc::new(Compiled::new(kind, settings)?);
        let destination =
            self.destination(schedule, settings.url(kind).unwrap_or_default(), &settings.ca_pem);
        Ok((self.way_to(destination, compiled, settings)?, destination))
    }

    /// Takes in the settings of this moment.
    pub(super) fn refresh(
        &mut self,
        book: &SettingsCache,
        schedule: &mut Schedule,
        now: Moment,
        out: &mut Vec<Out>,
    ) {
        let numbers: Vec<u32> = self.routes.keys().copied().collect();
        for number in numbers {
            let current = book.integration(IntegrationId { number }).map(|(_, settings)| settings);
            let Some(route) = self.routes.get_mut(&number) else { continue };
            let same = match (&route.settings, &current) {
                (Some(old), Some(new)) => Arc::ptr_eq(old, new),
                (None, None) => true,
                _ => false,
            };
            if same {
                continue;
            }
            route.settings = current;
            let hooks = route.hooks.clone();
            self.leaving.push(number);
            self.rearrange(book, schedule, number, hooks, now, out);
        }
    }

    fn rearrange(
        &mut self,
        book: &SettingsCache,
        schedule: &mut Schedule,
        number: u32,
        hooks: Vec<WebhookKey>,
        now: Moment,
        out: &mut Vec<Out>,
    ) {
        let integration = IntegrationId { number };
        let Some(route) = self.routes.get(&number) else { return };
        let settings = route.settings.clone();
        let patience = settings.as_ref().map_or_else(Patience::default, |of| Patience::of(&of.retry));
        for key in &hooks {
            self.hooks[key.0 as usize].ways = [const { None }; 4];
            self.move_if_trust_changed(schedule, *key, settings.as_deref());
        }
        for key in hooks {
            let to = EventKind::ALL.map(|kind| match self.dispose(book, schedule, integration, kind) {
                (Disposition::Send, Some(to)) if to != key => Disposition::Move(to),
                (disposition, _) => disposition,
            });
            schedule.keep_pace(key, number, settings.as_ref().and_then(|of| of.rate));
            schedule.handle(now, Input::Disposed { webhook: key, to, patience }, out);
        }
    }

    /// With another private CA it is another destination: the webhook of the old one is left for a new one.
    fn move_if_trust_changed(
        &mut self,
        schedule: &mut Schedule,
        key: WebhookKey,
        settings: Option<&Integration>,
    ) {
        let Some(settings) = settings else { return };
        let url = self.hooks[key.0 as usize].url.clone();
        let destination = self.destination(schedule, &url, &settings.ca_pem);
        let hook = &mut self.hooks[key.0 as usize];
        if hook.destination != destination {
            // Its name is taken away, so that the next look for the URL makes a new webhook.
            hook.url = "".into();
        }
    }

    /// Webhooks were failing when the program ended, since these moments and for so long.
    pub(super) fn recall(
        &mut self,
        failing: impl Iterator<Item = (IntegrationId, String, Moment, Duration)>,
    ) {
        let named =
            |(id, url, since, lasted): (IntegrationId, String, _, _)| ((id.number, url), (since, lasted));
        self.recalled.extend(failing.map(named));
    }

    /// One of those is wanted no more.
    pub(super) fn forget_recalled(&mut self, integration: IntegrationId, url: &str) {
        self.recalled.remove(&(integration.number, url.to_owned()));
    }

    /// Gives back what no settings name any more, as far as nothing of it is left; the rest at a later look.
    pub(super) fn give_back(&mut self, schedule: &mut Schedule) {
        let mut freed = false;
        for number in std::mem::take(&mut self.leaving) {
            let Some(route) = self.routes.get_mut(&number) else { continue };
            let settings = route.settings.clone();
            let wanted = |url: &str| {
                let serves = |of: &Integration| EventKind::ALL.iter().any(|kind| of.url(*kind) == Some(url));
                !url.is_empty() && settings.as_deref().is_some_and(serves)
            };
            let hooks = &mut self.hooks;
            let mut left = false;
            route.hooks.retain(|key| {
                let hook = &mut hooks[key.0 as usize];
                if wanted(&hook.url) {
                    return true;
                }
                if schedule.remove_webhook(*key) {
                    *hook = Hook::given_back();
                    freed = true;
                    return false;
                }
                left = true;
                true
            });
            if left {
                self.leaving.push(number);
            } else if route.hooks.is_empty() && route.settings.is_none() {
                self.routes.remove(&number);
            }
        }
        if freed {
            self.give_destinations_back(schedule);
        }
    }

    /// Gives back the destinations nobody uses.
    pub(super) fn give_destinations_back(&mut self, schedule: &mut Schedule) {
        let open = &mut self.open;
        self.destinations.retain(|_, key| {
            let given_back = schedule.remove_destination(*key);
            if given_back && let Some(pool) = open.get_mut(key.0 as usize) {
                *pool = None;
            }
            !given_back
        });
    }

    /// All webhooks that were used, but for those that lost their name to a newer one.
    pub(super) fn hooks(&self) -> impl Iterator<Item = (WebhookKey, &Hook)> {
        let keyed = self.hooks.iter().zip(0..).map(|(hook, key)| (WebhookKey(key), hook));
        keyed.filter(|(_, hook)| !hook.url.is_empty())
    }

    pub(super) fn hook_of(&self, key: WebhookKey) -> &Hook {
        &self.hooks[key.0 as usize]
    }

    /// Notes what came of the so many-th attempt at an event of a kind; if it was taken, so long after the event had
    /// reached us.
    pub(super) fn note_answer(
        &mut self,
        key: WebhookKey,
        kind: EventKind,
        attempt: u16,
        last: LastAnswer,
        waited: Option<Duration>,
    ) {
        let hook = &mut self.hooks[key.0 as usize];
        let day = hook.days[kind as usize].get_or_insert_default();
        day.count(last.at, attempt, waited.map(|waited| Taken { took: last.took, waited }));
        self.answered[usize::from(waited.is_none())] += 1;
        hook.has_taken |= waited.is_some();
        hook.last = Some(last);
    }

    /// Whether a web service took something since the last [`Routes::take_taken`].
    pub(super) fn has_taken(&self, integration: IntegrationId, url: &str) -> bool {
        let hooks = self.hooks_of(integration).iter().map(|key| self.hook_of(*key));
        hooks.into_iter().any(|hook| hook.has_taken && &*hook.url == url)
    }

    /// Those that took something since they were asked for last.
    pub(super) fn take_taken(&mut self) -> Vec<WebhookKey> {
        let had = |hook: &mut Hook| std::mem::take(&mut hook.has_taken);
        self.hooks
            .iter_mut()
            .zip(0..)
            .filter_map(|(hook, key)| had(hook).then_some(WebhookKey(key)))
            .collect()
    }

    /// It could not be said yet.
    pub(super) fn give_taken_back(&mut self, taken: &[WebhookKey]) {
        for key in taken {
            self.hooks[key.0 as usize].has_taken = true;
        }
    }

    /// How many requests were accepted, and how many were not.
    pub(super) fn answered(&self) -> [u64; 2] {
        self.answered
    }

    /// The webhooks an integration has used.
    pub(super) fn hooks_of(&self, integration: IntegrationId) -> &[WebhookKey] {
        self.routes.get(&integration.number).map_or(&[], |route| &route.hooks)
    }

    /// Forgets what a webhook that keeps failing needs for its next attempt only: that is seldom, it is quickly made
    /// again, and many may fail at once.
    pub(super) fn let_go(&mut self, key: WebhookKey) {
        self.hooks[key.0 as usize].ways = [const { None }; 4];
    }

    /// How many requests are ready to be rendered.
    pub(super) fn ready_made(&self) -> usize {
        self.hooks.iter().flat_map(|hook| &hook.ways).flatten().count()
    }

    /// Closes connections nobody used, and forgets what is quickly made again.
    pub(super) fn tidy(&mut self, schedule: &Schedule) {
        for (at, hook) in self.hooks.iter_mut().enumerate() {
            let key = WebhookKey(u32::try_from(at).unwrap_or(u32::MAX));
            if hook.destination.0 != u32::MAX && schedule.webhook(key).pending == 0 {
                hook.ways = [const { None }; 4];
            }
        }
        for pool in self.open.iter_mut() {
            if let Some(pool) = pool {
                pool.tidy();
            }
            if pool.as_ref().is_some_and(|pool| pool.is_empty() && Arc::strong_count(pool) == 1) {
                *pool = None;
            }
        }
    }
}
