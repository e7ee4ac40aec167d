//! An account's events for who keeps asking: each once, in the order in which they became readable, and nothing left
//! out without a word.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use calls::AccountId;
use journal::{Cursor, Filter, Journal, Kept};
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

/// Where a reader is: the last event it has. Its text is opaque; it holds what tells a place in this journal from the
/// same place in one that was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    at: Cursor,
    of: u32,
}

impl Position {
    /// Before everything that is kept.
    pub const START: Self = Self { at: Cursor::START, of: 0 };

    /// After an event.
    pub fn of(kept: &Kept) -> Self {
        let fold = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        Self { at: kept.cursor(), of: kept.event.id().as_str().bytes().fold(0x811c_9dc5, fold) }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::START { f.write_str("start") } else { write!(f, "{}-{:08x}", self.at, self.of) }
    }
}

/// The text was no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoPosition;

impl FromStr for Position {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Self, NoPosition> {
        if text == "start" {
            return Ok(Self::START);
        }
        let (at, of) = text.rsplit_once('-').ok_or(NoPosition)?;
        let of = u32::from_str_radix(of, 16).map_err(|_| NoPosition)?;
        Ok(Self { at: at.parse().map_err(|_| NoPosition)?, of })
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
        let (place, position) = (streams.take(account)?, after.unwrap_or(Position::START));
        let mut stream = Self { place, journal, changes, position, waiting: VecDeque::new(), sure: false };
        if after.is_none() {
            stream.position = stream.newest(None).await?;
            stream.sure = true;
        }
        Ok(stream)
    }

    /// The last event that was said.
    pub fn position(&self) -> Position {
        self.position
    }

    /// What comes next, at the latest after a while.
    pub async fn next(&mut self, quiet: Duration) -> Result<Next, Refusal> {
        let until = tokio::time::Instant::now() + quiet;
        loop {
            if let Some(next) = self.waiting.pop_front() {
                self.position = Position::of(&next);
                return Ok(Next::Event(next));
            }
            drop(self.changes.borrow_and_update());
            if !self.look().await? {
                return Ok(Next::Gap);
            }
            if !self.waiting.is_empty() {
                continue;
            }
            match tokio::time::timeout_at(until, self.changes.changed()).await {
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
        let filter = Filter { after: Some(self.position.at), limit: PIECE, ..self.own() };
        let found = self.journal.events(filter).await?;
        // What was here is looked at after what follows it was read: the oldest is forgotten first.
        if self.position != Position::START && (!found.is_empty() || !self.sure) {
            let there = self.newest(Some(self.position.at.after_it())).await?;
            if there != self.position {
                (self.position, self.sure) = (there, true);
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
