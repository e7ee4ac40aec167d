//! How a link is doing, for status pages and metrics.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use calls::PbxName;
use journal::WallTime;
use pbx::{About, Endpoint, Kind, Missing};

use super::LinkFailure;

/// So many endpoints of a PBX are listed for people.
const MAX_ENDPOINTS: usize = 50_000;

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
    /// What shows that it is a provider's line; empty where nothing does.
    pub provider: String,
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
        if !endpoint.provider.is_empty() && self.provider != endpoint.provider {
            endpoint.provider.clone_into(&mut self.provider);
        }
    }
}

/// How a link is doing.
#[derive(Clone, Debug)]
pub struct LinkStatus {
    /// The PBX.
    pub pbx: PbxName,
    /// What it is.
    pub kind: Kind,
    /// Host and port.
    pub address: String,
    /// What the link is doing.
    pub state: LinkState,
    /// Since when.
    pub since: WallTime,
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
}

/// Shared between the link and those who look at it.
#[derive(Clone, Debug)]
pub struct Status(Arc<Mutex<LinkStatus>>);

impl Status {
    /// Of a PBX that was never reached.
    pub fn new(pbx: PbxName, kind: Kind, address: String, now: WallTime) -> Self {
        Self(Arc::new(Mutex::new(LinkStatus {
            pbx,
            kind,
            address,
            state: LinkState::Connecting,
            since: now,
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
        })))
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
        status.state = state;
    }

    pub(crate) fn endpoint(&self, endpoint: &Endpoint<'_>) {
        let mut status = self.lock();
        if let Some(known) = status.endpoints.get_mut(endpoint.name) {
            known.learn(endpoint);
        } else if status.endpoints.len() < MAX_ENDPOINTS {
            status.endpoints.insert(endpoint.name.to_owned(), KnownEndpoint::of(endpoint));
        }
    }

    fn lock(&self) -> MutexGuard<'_, LinkStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
