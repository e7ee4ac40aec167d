//! An account's events for who keeps asking: each once, in the order in which they became readable, and nothing left
//! out without a word.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use calls::AccountId;
use journal::{Cursor, EventSeq, Filter, Journal, Kept};
use tokio::sync::watch;

use crate::{Code, Refusal};

/// Streams of one account open at once.
pub const STREAMS_OF_ACCOUNT: usize = 16;
/// Streams open at once, of all accounts.
pub const STREAMS: usize = 256;
/// Events read at once: no more wait for a slow reader.
const PIECE: usize = 100;
/// What changes more often is looked at so often.
const PAUSE: Duration = Duration::from_millis(100);

/// Where several gateways keep events, what others keep is looked for so often.
const OTHERS: Duration = Duration::from_secs(1);

/// Where a reader is: the last event it has, and where several gateways keep events the last of each part. Its text is
/// opaque; it holds what tells a place in this journal from the same place in one that was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The last by when it was heard.
    at: Cursor,
    of: u32,
    /// The last of each part, in no list's order: a gateway's clock may be behind.
    parts: Vec<EventSeq>,
}

impl Position {
    /// Before everything that is kept.
    pub const START: Self = Self { at: Cursor::START, of: 0, parts: Vec::new() };

    /// After an event, where one gateway keeps them.
    pub fn of(kept: &Kept) -> Self {
        let fold = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        let of = kept.event.id().as_str().bytes().fold(0x811c_9dc5, fold);
        Self { at: kept.cursor(), of, parts: Vec::new() }
    }

    /// Having told one more.
    fn told(&mut self, kept: &Kept, is_shared: bool) {
        if kept.cursor() > self.at || !is_shared {
            let Self { at, of, .. } = Self::of(kept);
            (self.at, self.of) = (at, of);
        }
        if is_shared {
            self.parts.retain(|seq| seq.part() != kept.seq.part());
            self.parts.push(kept.seq);
        }
    }

    fn is_at(&self, other: &Self) -> bool {
        (self.at, self.of) == (other.at, other.of)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at == Cursor::START {
            f.write_str("start")?;
        } else {
            write!(f, "{}-{:08x}", self.at, self.of)?;
        }
        self.parts.iter().try_for_each(|seq| write!(f, "~{}", seq.0))
    }
}

/// The text was no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoPosition;

impl FromStr for Position {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Self, NoPosition> {
        let mut pieces = text.split('~');
        let first = pieces.next().unwrap_or_default();
        let place = |text: &str| text.parse().map(EventSeq).map_err(|_| NoPosition);
        let parts = pieces.map(place).collect::<Result<Vec<_>, _>>()?;
        if first == "start" {
            return Ok(Self { parts, ..Self::START });
        }
        let (at, of) = first.rsplit_once('-').ok_or(NoPosition)?;
        let of = u32::from_str_radix(of, 16).map_err(|_| NoPosition)?;
        Ok(Self { at: at.parse().map_err(|_| NoPosition)?, of, parts })
    }
}

/// How many streams are open.
#[derive(Clone, Default)]
pub(crate) struct Streams(Arc<Mutex<HashMap<AccountId, usize>>>);

impl Streams {
    fn take(&self, account: &AccountId) -> Result<Place, Refusal> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, own) = (open.values().sum::<usize>(), open.get(account).copied().unwrap_or(0));
        if own >= STREAMS_OF_ACCOUNT || all >= STREAMS {
            let most = if own >= STREAMS_OF_ACCOUNT { STREAMS_OF_ACCOUNT } else { STREAMS };
            let mut refusal = Refusal::new(Code::TooManyStreams).with("most", most);
            refusal.retry_after = Some(Duration::from_secs(10));
            return Err(refusal);
        }
        *open.entry(account.clone()).or_default() += 1;
        Ok(Place { streams: self.clone(), account: account.clone() })
    }
}

/// One stream's place; free again when it is dropped.
struct Place {
    streams: Streams,
    account: AccountId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(many) = open.get_mut(&self.account) {
            *many -= 1;
            if *many == 0 {
                open.remove(&self.account);
            }
        }
    }
}

/// What a stream says next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// An event.
    Event(Arc<Kept>),
    /// What followed the place is not all kept any more: what is kept follows.
    Gap,
    /// Nothing came for a while.
    Quiet,
}

/// An account's events, one after the other.
pub struct EventStream {
    place: Place,
    journal: Arc<dyn Journal>,
    changes: watch::Receiver<u64>,
    position: Position,
    waiting: VecDeque<Arc<Kept>>,
    /// Whether the position is an event's that was there when it was looked at last.
    sure: bool,
    /// Whether several gateways keep events: known once it was looked.
    is_shared: bool,
}

impl EventStream {
    /// After a position; without one, from now on. `changes` is looked at before the first question, so that nothing is
    /// missed between.
    pub(crate) async fn begin(
        streams: &Streams,
        journal: Arc<dyn Journal>,
        changes: watch::Receiver<u64>,
        account: &AccountId,
        after: Option<Position>,
    ) -> Result<Self, Refusal> {
        let is_from_now = after.is_none();
        let (place, position) = (streams.take(account)?, after.unwrap_or(Position::START));
        let waiting = VecDeque::new();
        let mut stream = Self { place, journal, changes, position, waiting, sure: false, is_shared: false };
        if is_from_now {
            let parts = stream.journal.reached(account.clone()).await?;
            stream.position = Position { parts, ..stream.newest(None).await? };
            stream.sure = true;
        }
        Ok(stream)
    }

    /// The last event that was said.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// What comes next, at the latest after a while.
    pub async fn next(&mut self, quiet: Duration) -> Result<Next, Refusal> {
        let until = tokio::time::Instant::now() + quiet;
        loop {
            if let Some(next) = self.waiting.pop_front() {
                self.position.told(&next, self.is_shared);
                return Ok(Next::Event(next));
            }
            drop(self.changes.borrow_and_update());
            if !self.look().await? {
                return Ok(Next::Gap);
            }
            if !self.waiting.is_empty() {
                continue;
            }
            let others = tokio::time::Instant::now() + OTHERS;
            let soon = if self.is_shared { until.min(others) } else { until };
            match tokio::time::timeout_at(soon, self.changes.changed()).await {
                Err(_) if soon < until => {}
                Err(_) => return Ok(Next::Quiet),
                // There is no gateway here that could tell of changes.
                Ok(Err(_)) => {
                    tokio::time::sleep_until(until).await;
                    return Ok(Next::Quiet);
                }
                Ok(Ok(())) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Reads on. False: the place is none of those that are kept, so what followed it may not be either.
    async fn look(&mut self) -> Result<bool, Refusal> {
        let account = || self.place.account.clone();
        let followed = self.journal.followed(account(), self.position.parts.clone()).await?;
        self.is_shared = followed.is_some();
        let found = match followed {
            Some(found) => found,
            None => {
                let filter = Filter { after: Some(self.position.at), limit: PIECE, ..self.own() };
                self.journal.events(filter).await?
            }
        };
        // What was here is looked at after what follows it was read: the oldest is forgotten first.
        if self.position.at != Cursor::START && (!found.is_empty() || !self.sure) {
            let there = self.newest(Some(self.position.at.after_it())).await?;
            if !there.is_at(&self.position) {
                // In a store that was restored places that were told may not be given yet.
                let reached = self.journal.reached(account()).await?;
                let given = |told: &EventSeq| {
                    let of_part = reached.iter().find(|newest| newest.part() == told.part())?;
                    Some((*told).min(*of_part))
                };
                let parts = self.position.parts.iter().filter_map(given).collect();
                (self.position, self.sure) = (Position { parts, ..there }, true);
                return Ok(false);
            }
        }
        self.sure = true;
        self.waiting = found.into();
        Ok(true)
    }

    /// The newest event before a place, or of all.
    async fn newest(&self, before: Option<Cursor>) -> Result<Position, Refusal> {
        let found = self.journal.events(Filter { before, limit: 1, ..self.own() }).await?;
        Ok(found.first().map_or(Position::START, |kept| Position::of(kept)))
    }

    fn own(&self) -> Filter {
        Filter { account: Some(self.place.account.clone()), ..Filter::default() }
    }
}
