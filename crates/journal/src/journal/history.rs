//! What happened, for people: lists, sums, attempts.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use calls::{AccountId, CallId, Direction, Event, EventKind, LegId, OpenLeg, PbxName, PbxTime};

use super::{Attempt, DeliveryId, DeliveryRecord, DeliveryState, EventSeq, Kept, Part, Reply};
use crate::{LegOutcome, Quarter, Sums, WallTime};

/// The most one list gives.
pub const MAX_LISTED: usize = 1_000;

/// A place in a list, to go on from. Its text may stand in a link; what is in it is the journal's own affair. Places of
/// different parts say nothing of what came first: there it is by when it was heard. What was kept before the store had
/// parts comes before all that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    pub(crate) heard: i64,
    pub(crate) place: i64,
}

impl Cursor {
    /// Before everything: what follows it is all there is, oldest first.
    pub const START: Self = Self { heard: i64::MIN, place: i64::MIN };

    pub(crate) const fn of(event: EventSeq, received_at: WallTime) -> Self {
        match event.part() {
            Part(0) => Self::at(event.0),
            Part(_) => Self { heard: received_at.0, place: event.0 },
        }
    }

    /// In a list that has no parts.
    pub(crate) const fn at(place: i64) -> Self {
        Self { heard: 0, place }
    }

    /// The next place: what is before that is what is at this one, and all that is before this one.
    #[must_use]
    pub const fn after_it(self) -> Self {
        Self { heard: self.heard, place: self.place.saturating_add(1) }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { heard: 0, place } => write!(f, "{place}"),
            Self { heard, place } => write!(f, "{heard}.{place}"),
        }
    }
}

/// The text was no cursor of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the place that the page before named, as it named it")]
pub struct NoCursor;

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let (heard, place) = text.split_once('.').unwrap_or(("0", text));
        let number = |text: &str| text.parse().map_err(|_| NoCursor);
        Ok(Self { heard: number(heard)?, place: number(place)? })
    }
}

/// What to list. All parts are optional and narrow the list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The account.
    pub account: Option<AccountId>,
    /// A leg.
    pub leg: Option<LegId>,
    /// A call.
    pub call: Option<CallId>,
    /// A kind of event.
    pub kind: Option<EventKind>,
    /// An employee's local number.
    pub employee: Option<String>,
    /// A part of any of the numbers.
    pub number: Option<String>,
    /// From this moment of the PBX's clock on.
    pub from: Option<PbxTime>,
    /// Up to this moment.
    pub until: Option<PbxTime>,
    /// How a leg came out; only lists of legs ask.
    pub outcome: Option<LegOutcome>,
    /// Only deliveries in one of these states (by `DeliveryState`'s variant; a time in it is ignored).
    pub states: Vec<DeliveryState>,
    /// Only what is older than this place: for paging, newest first.
    pub before: Option<Cursor>,
    /// Only what is newer than this place, oldest first: for following.
    pub after: Option<Cursor>,
    /// At most so many (deliveries of one event are never torn apart); the store bounds it at 1,000, and 0
    /// means that bound.
    pub limit: usize,
}

/// One leg, as the list of calls shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct LegRecord {
    /// The place of its first event, for paging.
    pub seq: EventSeq,
    /// When that reached us.
    pub received_at: WallTime,
    /// The event it began with.
    pub begun: Event,
    /// When it was answered, by its events or notes.
    pub answered_at: Option<PbxTime>,
    /// The event it ended with, if it has.
    pub ended: Option<Event>,
    /// How it began.
    pub direction: Direction,
}

impl LegRecord {
    /// How it came out.
    pub fn outcome(&self) -> LegOutcome {
        self.ended.as_ref().map_or(LegOutcome::Running, LegOutcome::of)
    }

    /// Its place in a list.
    pub fn cursor(&self) -> Cursor {
        Cursor::of(self.seq, self.received_at)
    }
}

impl Kept {
    /// Its place in a list.
    pub fn cursor(&self) -> Cursor {
        Cursor::of(self.seq, self.received_at)
    }
}

impl DeliveryRecord {
    /// Its place in a list: its event's, for deliveries of one event are never torn apart.
    pub fn cursor(&self) -> Cursor {
        self.event.cursor()
    }
}

/// What an account's calls come to of late, for lists of accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recent {
    /// [`Tally::calls`](crate::Tally::calls) of the legs that have ended and began since a moment.
    pub calls: u64,
    /// When the leg began that is the first in the list of legs, ended or not; `None`: the list is empty.
    pub newest_begun_at: Option<PbxTime>,
}

/// What happened, for people.
pub trait History: Send + Sync {
    /// Kept events, newest first (oldest first with `after`).
    fn events(&self, filter: Filter) -> Reply<'_, Vec<Arc<Kept>>>;

    /// Legs, newest first.
    fn legs(&self, filter: Filter) -> Reply<'_, Vec<LegRecord>>;

    /// What the legs of an account come to that have ended and began within a stretch of time.
    fn sums(&self, account: AccountId, within: Range<PbxTime>) -> Reply<'_, Sums>;

    /// Of each of these accounts, in their order, what its calls come to that began in a quarter of an hour or later.
    fn recent(&self, of: Vec<(AccountId, Quarter)>) -> Reply<'_, Vec<Recent>>;

    /// Deliveries, newest first.
    fn deliveries(&self, filter: Filter) -> Reply<'_, Vec<DeliveryRecord>>;

    /// The attempts of a delivery, oldest first.
    fn attempts(&self, id: DeliveryId) -> Reply<'_, Vec<Attempt>>;

    /// Where several gateways keep events, each by its own clock: an account's that follow these places, each part's in the
    /// order of its places, some of each; of a part none of them is in, from its first on. `None`: one gateway keeps them,
    /// and what is listed after a place is in order.
    fn followed(&self, account: AccountId, after: Vec<EventSeq>) -> Reply<'_, Option<Vec<Arc<Kept>>>> {
        drop((account, after));
        Box::pin(std::future::ready(Ok(None)))
    }

    /// There: an account's newest place in each part.
    fn reached(&self, account: AccountId) -> Reply<'_, Vec<EventSeq>> {
        drop(account);
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// There: the legs of accounts that have begun and not ended, whoever has their PBXs.
    fn open(&self, accounts: Vec<AccountId>) -> Reply<'_, Vec<Open>> {
        drop(accounts);
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
}

/// A leg that is open.
#[derive(Clone, Debug, PartialEq)]
pub struct Open {
    /// Its PBX.
    pub pbx: PbxName,
    /// By its events.
    pub leg: OpenLeg,
    /// What is noted of its channel.
    pub note: Option<calls::Kept>,
}

/// So many events of a part [`History::followed`] brings at a time.
pub const FOLLOWED_AT_ONCE: usize = 100;

/// Events of parts, each part's in the order of its places: between parts by when they were heard, as far as that goes.
pub(crate) fn woven(mut parts: Vec<Arc<Kept>>) -> Vec<Arc<Kept>> {
    parts.sort_by_key(|kept| kept.seq);
    let mut newest: Option<(super::Part, WallTime)> = None;
    let mut keyed: Vec<(WallTime, Arc<Kept>)> = Vec::with_capacity(parts.len());
    for kept in parts {
        let before = newest.filter(|(part, _)| *part == kept.seq.part()).map(|(_, at)| at);
        let at = before.map_or(kept.received_at, |before| before.max(kept.received_at));
        newest = Some((kept.seq.part(), at));
        keyed.push((at, kept));
    }
    keyed.sort_by_key(|(at, _)| *at);
    keyed.into_iter().map(|(_, kept)| kept).collect()
}
