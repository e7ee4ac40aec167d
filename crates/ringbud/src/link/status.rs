//! How a link is doing, for status pages and metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use calls::{AccountId, PbxName};
use journal::WallTime;
use pbx::{About, Code, Endpoint, Missing, Product, Remark, Sign};

use tokio::time::Instant;

use super::{Anew, LinkFailure};

/// A PBX's clock that is further from ours is told without being asked for.
const CLOCK_FAR: Duration = Duration::from_secs(10);
/// So many endpoints of one phone are looked at.
const MAX_OF_A_PHONE: usize = 16;
/// So many endpoints of a PBX are listed for people.
const MAX_ENDPOINTS: usize = 50_000;
/// So many endpoints that are no phones are listed for people.
const MAX_STRANGERS: usize = 1_000;

/// What a link lacks that is up, and over which nothing comes.
pub(crate) const SILENT: &str = "silent";

/// What a link is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// A connection is being made, or name and secret are being checked.
    Connecting,
    /// Logged in; the channels are being asked for.
    Synchronising,
    /// Everything the PBX says is followed as it happens.
    Live,
    /// The PBX cannot be reached or the link broke; it is tried again at this moment.
    Down {
        /// Why.
        why: LinkFailure,
        /// When it is tried again.
        retry_at: WallTime,
    },
    /// The PBX lets nobody in, or is none that can be followed; it is tried again at this moment.
    Refused {
        /// Why.
        why: LinkFailure,
        /// When it is tried again.
        retry_at: WallTime,
    },
    /// The program stops.
    Stopped,
}

impl LinkState {
    /// One word for logs, metrics and pages.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Synchronising => "synchronising",
            Self::Live => "live",
            Self::Down { .. } => "down",
            Self::Refused { .. } => "refused",
            Self::Stopped => "stopped",
        }
    }

    /// All names.
    pub const NAMES: [&str; 6] = ["connecting", "synchronising", "live", "down", "refused", "stopped"];
}

/// What is known of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownEndpoint {
    /// Whether it can be reached, where the PBX says.
    pub is_reachable: Option<bool>,
    /// What shows that it is a provider's line.
    pub signs: BTreeSet<Sign>,
    /// Where its calls come in; empty where the PBX does not say.
    pub context: String,
    /// The number the PBX gives it; empty where it does not say.
    pub number: String,
}

impl KnownEndpoint {
    /// What the PBX said first.
    pub fn of(endpoint: &Endpoint<'_>) -> Self {
        let mut known = Self::default();
        known.learn(endpoint);
        known
    }

    /// The PBX said something more.
    pub fn learn(&mut self, endpoint: &Endpoint<'_>) {
        self.is_reachable = endpoint.is_reachable.or(self.is_reachable);
        self.signs.extend(endpoint.sign);
        if !endpoint.context.is_empty() && self.context != endpoint.context {
            endpoint.context.clone_into(&mut self.context);
        }
        if !endpoint.number.is_empty() && self.number != endpoint.number {
            endpoint.number.clone_into(&mut self.number);
        }
    }
}

/// An endpoint that has calls and is no phone by the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StrangerSeen {
    /// The PBX shows it as a provider's line, so it should be none.
    pub is_provider: bool,
    /// When it had a call first since the program started.
    pub since: WallTime,
}

/// How a link is doing.
#[derive(Clone, Debug)]
pub struct LinkStatus {
    /// The PBX.
    pub pbx: PbxName,
    /// What it is.
    pub product: Product,
    /// Host and port.
    pub address: String,
    /// What the link is doing.
    pub state: LinkState,
    /// Since when.
    pub since: WallTime,
    /// When something was heard over it last.
    pub heard_at: Option<Instant>,
    /// Whether whoever listens beside the gateway that has the PBX would miss nothing, for as long as the link lives.
    pub is_ready: bool,
    /// The last reason the link was lost or could not be made; stays after it is up again.
    pub last_error: Option<(WallTime, LinkFailure)>,
    /// What the PBX says of itself.
    pub about: About,
    /// What the login lacks.
    pub missing: Vec<Missing>,
    /// How old the newest event was when it was worked off.
    pub lag: Option<Duration>,
    /// How far the PBX's clock is ahead of ours, in microseconds.
    pub clock_ahead_micros: Option<i64>,
    /// Bytes that came in and are not worked off.
    pub queued_bytes: u64,
    /// Whether that queue is full and the PBX has to wait.
    pub is_full: bool,
    /// How often it was full on this link.
    pub times_full: u64,
    /// Live channels.
    pub channels: usize,
    /// Open legs.
    pub legs: usize,
    /// Messages that came in.
    pub messages: u64,
    /// How often the link was lost.
    pub losses: u64,
    /// Things the call logic did not expect.
    pub anomalies: u64,
    /// Endpoints the PBX knows.
    pub endpoints: BTreeMap<String, KnownEndpoint>,
    /// Endpoints that placed or got calls and are no phones by the rules.
    pub strangers: BTreeMap<String, StrangerSeen>,
    /// The phones behind those endpoints, each with which of its endpoints can be reached.
    pub phones: BTreeMap<(AccountId, Arc<str>), BTreeMap<String, bool>>,
}

/// What is wrong with a link that is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Channels come and go there, and no event of them comes.
    Deaf,
    /// The PBX's clock is so many seconds ahead of ours (behind it, if less than 0), and all times of calls are by it.
    ClockFar {
        /// By how much.
        secs: i64,
    },
}

impl Trouble {
    /// Its code: the same in the operator's notices and in `/readyz`.
    pub const fn code(self) -> Code {
        match self {
            Self::Deaf => Missing::CallEvents.code(),
            Self::ClockFar { .. } => "clock_far",
        }
    }

    /// As data, for whoever has sentences of its own.
    pub fn remark(self, product: Product) -> Remark {
        match self {
            Self::Deaf => Missing::CallEvents.remark(product),
            Self::ClockFar { secs } => {
                let arguments =
                    vec![("kind", product.kind().name().to_owned()), ("seconds", secs.to_string())];
                Remark { code: self.code(), arguments, english: self.sentence(product) }
            }
        }
    }

    /// In English, with how to mend it.
    pub fn sentence(self, product: Product) -> String {
        match self {
            Self::Deaf => Missing::CallEvents.sentence(product),
            Self::ClockFar { secs } => format!(
                "the PBX's clock differs from ours by {secs} s, and times of calls are by its clock: use NTP on both"
            ),
        }
    }
}

impl LinkStatus {
    /// Why nothing is heard over the link, as a code; none where something was within so long.
    pub fn lacks(&self, within: Duration) -> Option<&'static str> {
        match &self.state {
            LinkState::Live if self.heard_at.is_some_and(|at| at.elapsed() >= within) => Some(SILENT),
            LinkState::Live => None,
            LinkState::Down { why, .. } | LinkState::Refused { why, .. } => Some(why.code()),
            LinkState::Connecting | LinkState::Synchronising => Some("connecting"),
            LinkState::Stopped => Some("stopped"),
        }
    }

    /// What is wrong although the link is up.
    pub fn troubles(&self) -> Vec<Trouble> {
        if self.state != LinkState::Live {
            return Vec::new();
        }
        let deaf = self.missing.contains(&Missing::CallEvents).then_some(Trouble::Deaf);
        let clock = secs_ahead(self.clock_ahead_micros, CLOCK_FAR).map(|secs| Trouble::ClockFar { secs });
        deaf.into_iter().chain(clock).collect()
    }

    /// The phones of an account of which the PBX says whether they can be reached, by any of their endpoints; none of
    /// a PBX that is not followed, for then it is not known.
    pub fn phones_of(&self, account: &AccountId) -> Vec<(Arc<str>, bool)> {
        if self.state != LinkState::Live {
            return Vec::new();
        }
        let first = (account.clone(), Arc::from(""));
        let own = self.phones.range(first..).take_while(|((of, _), _)| of == account);
        own.map(|((_, number), endpoints)| (number.clone(), endpoints.values().any(|is| *is))).collect()
    }

    /// All that an operator should know of the link now: what the login lacks, and what is wrong although it is up.
    pub fn remarks(&self) -> Vec<Remark> {
        let lacking = self.missing.iter().map(|missing| missing.remark(self.product));
        // Deafness is among what is missing.
        let others = self.troubles().into_iter().filter(|trouble| *trouble != Trouble::Deaf);
        lacking.chain(others.map(|trouble| trouble.remark(self.product))).collect()
    }
}

/// How many seconds a PBX's clock is ahead of ours, if it is more than that, either way.
pub(crate) fn secs_ahead(ahead_micros: Option<i64>, tolerance: Duration) -> Option<i64> {
    let ahead = ahead_micros?;
    (u128::from(ahead.unsigned_abs()) > tolerance.as_micros()).then_some(ahead / 1_000_000)
}

/// All links of the moment, in the order of the configuration: they come and go when it is read anew.
#[derive(Clone, Debug, Default)]
pub struct Links(Arc<Mutex<Vec<Status>>>);

impl Links {
    /// Those there are now.
    pub fn all(&self) -> Vec<Status> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set(&self, links: Vec<Status>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = links;
    }
}

/// Shared between the link and those who look at it.
#[derive(Clone, Debug)]
pub struct Status(Arc<Mutex<LinkStatus>>, Anew);

impl Status {
    /// Of a PBX that was never reached.
    pub fn new(pbx: PbxName, product: Product, address: String, now: WallTime) -> Self {
        let status = LinkStatus {
            pbx,
            product,
            address,
            state: LinkState::Connecting,
            since: now,
            heard_at: None,
            is_ready: false,
            last_error: None,
            about: About::default(),
            missing: Vec::new(),
            lag: None,
            clock_ahead_micros: None,
            queued_bytes: 0,
            is_full: false,
            times_full: 0,
            channels: 0,
            legs: 0,
            messages: 0,
            losses: 0,
            anomalies: 0,
            endpoints: BTreeMap::new(),
            phones: BTreeMap::new(),
            strangers: BTreeMap::new(),
        };
        Self(Arc::new(Mutex::new(status)), Anew::default())
    }

    /// The same, where others are told when the link breaks.
    pub(crate) fn telling(self, anew: Anew) -> Self {
        Self(self.0, anew)
    }

    /// Whether the link may be made anew.
    pub(crate) fn anew(&self) -> &Anew {
        &self.1
    }

    /// How it is now.
    pub fn get(&self) -> LinkStatus {
        self.lock().clone()
    }

    /// Looks without copying the endpoints.
    pub fn with<T>(&self, look: impl FnOnce(&LinkStatus) -> T) -> T {
        look(&self.lock())
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut LinkStatus)) {
        change(&mut self.lock());
    }

    /// Takes up a new state.
    pub(crate) fn enter(&self, state: LinkState, now: WallTime) {
        let mut status = self.lock();
        if status.state.name() != state.name() {
            status.since = now;
        }
        if let LinkState::Down { why, .. } | LinkState::Refused { why, .. } = &state {
            status.last_error = Some((now, why.clone()));
        }
        status.is_ready &= state == LinkState::Live;
        status.state = state;
    }

    /// The PBX said whether a phone's endpoint can be reached. Whether that is news.
    pub(crate) fn phone(&self, endpoint: &str, phone: (AccountId, Arc<str>), is_reachable: bool) -> bool {
        let mut status = self.lock();
        if status.phones.len() >= MAX_ENDPOINTS && !status.phones.contains_key(&phone) {
            return false;
        }
        let of = status.phones.entry(phone).or_default();
        if of.len() >= MAX_OF_A_PHONE && !of.contains_key(endpoint) {
            return false;
        }
        of.insert(endpoint.to_owned(), is_reachable) != Some(is_reachable)
    }

    pub(crate) fn endpoint(&self, endpoint: &Endpoint<'_>) {
        let mut status = self.lock();
        if let Some(known) = status.endpoints.get_mut(endpoint.name) {
            known.learn(endpoint);
        } else if status.endpoints.len() < MAX_ENDPOINTS {
            status.endpoints.insert(endpoint.name.to_owned(), KnownEndpoint::of(endpoint));
        }
    }

    /// An endpoint placed or got a call and is no phone. Whether that is news.
    pub(crate) fn stranger(&self, endpoint: &str, is_provider: bool, since: WallTime) -> bool {
        let mut status = self.lock();
        let is_news = !status.strangers.contains_key(endpoint) && status.strangers.len() < MAX_STRANGERS;
        if is_news {
            status.strangers.insert(endpoint.to_owned(), StrangerSeen { is_provider, since });
        }
        is_news
    }

    fn lock(&self) -> MutexGuard<'_, LinkStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live() -> Status {
        let status =
            Status::new(PbxName::new("pbx1"), Product::Asterisk, "pbx1:5038".to_owned(), WallTime(0));
        status.enter(LinkState::Live, WallTime(0));
        status
    }

    #[test]
    fn a_link_that_is_up_is_troubled_when_it_is_deaf_or_the_clocks_are_apart() {
        let status = live();
        assert!(status.with(LinkStatus::troubles).is_empty());
        status.change(|link| link.missing = Missing::ALL.to_vec());
        assert_eq!(status.with(LinkStatus::troubles), [Trouble::Deaf], "the others cost no call");
        for (micros, secs) in [(10_500_000, 10), (-3_600_000_000, -3_600)] {
            status.change(|link| link.clock_ahead_micros = Some(micros));
            assert_eq!(status.with(LinkStatus::troubles), [Trouble::Deaf, Trouble::ClockFar { secs }]);
        }
        status.change(|link| (link.missing, link.clock_ahead_micros) = (Vec::new(), Some(-10_000_000)));
        assert!(status.with(LinkStatus::troubles).is_empty(), "so near is near enough");
    }

    #[test]
    fn a_phone_is_reached_by_any_of_its_endpoints_and_nothing_is_known_of_it_while_the_link_is_down() {
        let status = live();
        let (one, other) = (AccountId::new("1"), AccountId::new("10"));
        let phone = |account: &AccountId, number: &str| (account.clone(), Arc::from(number));
        assert!(status.phone("PJSIP/201", phone(&one, "201"), false), "news");
        assert!(!status.phone("PJSIP/201", phone(&one, "201"), false), "none");
        status.phone("PJSIP/202", phone(&one, "202"), false);
        status.phone("PJSIP/99202", phone(&one, "202"), true);
        status.phone("PJSIP/301", phone(&other, "301"), false);
        let told = |account| status.with(|link| link.phones_of(account));
        assert_eq!(told(&one), [(Arc::from("201"), false), (Arc::from("202"), true)]);
        assert_eq!(told(&other), [(Arc::from("301"), false)]);
        status.enter(LinkState::Connecting, WallTime(1));
        assert_eq!(told(&one), []);
    }

    #[test]
    fn a_link_that_is_down_is_down_and_not_troubled() {
        let status = live();
        status.change(|link| link.missing = vec![Missing::CallEvents]);
        status.enter(LinkState::Connecting, WallTime(1));
        assert!(status.with(LinkStatus::troubles).is_empty());
    }

    #[test]
    fn what_is_wrong_with_a_link_is_data_and_told_once() {
        let status = live();
        status.change(|link| {
            link.missing = vec![Missing::CallEvents, Missing::Filters];
            link.clock_ahead_micros = Some(-3_600_000_000);
        });
        let remarks = status.with(LinkStatus::remarks);
        let codes: Vec<Code> = remarks.iter().map(|remark| remark.code).collect();
        assert_eq!(codes, ["missing_call_events", "missing_filters", "clock_far"]);
        assert_eq!(remarks[2].arguments[1], ("seconds", "-3600".to_owned()));
    }

    #[test]
    fn each_trouble_is_told_with_its_remedy_on_every_kind_of_pbx() {
        for product in Product::ALL {
            for trouble in [Trouble::Deaf, Trouble::ClockFar { secs: -90 }] {
                assert!(trouble.sentence(product).contains(": "), "{product:?}: {trouble:?}");
            }
        }
    }
}
