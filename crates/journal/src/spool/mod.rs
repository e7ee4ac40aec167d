//! The spool: what a gateway keeps while its engine does not take it, a log of the journal's calls in the data folder.
//!
//! It judges nothing: whoever merges it makes the calls again as they were made, and the engine says what is a repeat.
//! As long as anything is in it everything goes into it, events and outcomes alike, so that the order stays.

mod entry;
mod file;
mod room;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tasks::Part;
use tokio::sync::{Notify, OwnedRwLockReadGuard, RwLock, RwLockWriteGuard};
use tokio::time::Instant;

use crate::record::Unreadable;
use crate::{EventSeq, Grant, Kept, WallTime, steady};

pub(crate) use entry::{Bytes, Entry, OutcomeShape};
use file::{Content, File, Lying, Written};
use room::Room;

/// The name of the file in the data folder.
pub(crate) const FILE: &str = "spool.sqlite";
/// About so much is merged at once.
const MERGED_AT_ONCE: usize = 1 << 20;
/// About so much is handed over at once: who took an event is said with the event, if it came so soon behind it.
const HANDED_AT_ONCE: usize = 16 << 20;

/// What is in the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spooled {
    /// Events.
    pub events: u64,
    /// Bytes of them, and of outcomes of deliveries.
    pub bytes: u64,
    /// How long something has been in it.
    pub lasts: Duration,
}

/// The spool of a data folder.
pub(crate) struct Spool {
    folder: PathBuf,
    room: Room,
    file: Arc<Mutex<File>>,
    state: Arc<Mutex<State>>,
    heard: Notify,
    /// Who writes into it holds it meanwhile; who empties it closes it for its last.
    gate: Arc<RwLock<()>>,
}

/// Held by who writes, from asking whether the spool is in use until what it wrote is on disk.
pub(crate) type Pass = OwnedRwLockReadGuard<()>;

/// As of those who write into it: what is being written counts.
struct State {
    content: Content,
    /// Whether everything goes into it, and since when.
    in_use_since: Option<Instant>,
}

/// Entries that were read, oldest first.
pub(crate) struct Oldest(Vec<Lying>);

impl State {
    /// When nothing is left in it, it is out of use.
    fn loses(&mut self, lost: Content) {
        self.content.entries = self.content.entries.saturating_sub(lost.entries);
        self.content.events = self.content.events.saturating_sub(lost.events);
        self.content.bytes = self.content.bytes.saturating_sub(lost.bytes);
        self.in_use_since = self.in_use_since.filter(|_| self.content.entries > 0);
        show(self);
    }
}

impl Spool {
    /// Opens it; what the last run left in it is there.
    pub(crate) fn open(folder: &Path, most_bytes: u64) -> Result<Self, String> {
        let place = folder.join(FILE);
        own_file(&place).map_err(|error| error.to_string())?;
        let (file, content) = File::open(&place)?;
        let in_use_since = (content.entries > 0).then(Instant::now);
        let spool = Self {
            folder: folder.to_owned(),
            room: Room { most_bytes },
            file: Arc::new(Mutex::new(file)),
            state: Arc::new(Mutex::new(State { content, in_use_since })),
            heard: Notify::new(),
            gate: Arc::default(),
        };
        show(&spool.state());
        Ok(spool)
    }

    /// From now on it is this store's, which is known by its seal. What is in it goes to no other: places and web services
    /// are that one's own. Whether it may.
    pub(crate) async fn becomes(&self, seal: String) -> Result<bool, String> {
        let is_empty = !self.is_in_use();
        self.on_file(move |file| {
            if file.store()?.is_some_and(|store| store == seal) {
                return Ok(true);
            }
            if is_empty {
                file.is_of(&seal)?;
            }
            Ok(is_empty)
        })
        .await
    }

    /// Waits while it is closed.
    pub(crate) async fn pass(&self) -> Pass {
        self.gate.clone().read_owned().await
    }

    /// Waits for who is writing, and lets nobody else pass until this is dropped.
    pub(crate) async fn close(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().await
    }

    /// Whether everything goes into it.
    pub(crate) fn is_in_use(&self) -> bool {
        self.state().in_use_since.is_some()
    }

    /// Bytes in it.
    pub(crate) fn bytes(&self) -> u64 {
        self.state().content.bytes
    }

    /// What is in it, while it is in use.
    pub(crate) fn spooled(&self) -> Option<Spooled> {
        let State { content, in_use_since } = &*self.state();
        in_use_since.map(|since| Spooled {
            events: content.events,
            bytes: content.bytes,
            lasts: since.elapsed(),
        })
    }

    /// The engine was heard.
    pub(crate) fn is_heard(&self) {
        self.heard.notify_one();
    }

    /// Waits until it is.
    pub(crate) async fn heard(&self) {
        self.heard.notified().await;
    }

    /// Keeps an entry of each of some grants: all on disk when this returns. From now on everything goes into it.
    pub(crate) async fn keep(&self, entries: &[(Grant, Entry<'_>)]) -> Result<(), String> {
        let written = |(grant, entry): &(Grant, Entry<'_>)| Written {
            grant: *grant,
            first: entry.first(),
            events: entry.events() as u64,
            packed: entry.write(),
        };
        let written: Vec<Written> = entries.iter().map(written).collect();
        let mut more = Content::default();
        written.iter().for_each(|one| more.add(one.events, one.packed.len()));
        {
            let mut state = self.state();
            self.room.takes(&self.folder, state.content.bytes, more.bytes)?;
            state.in_use_since.get_or_insert_with(Instant::now);
            state.content.entries += more.entries;
            state.content.events += more.events;
            state.content.bytes += more.bytes;
            show(&state);
        }
        let ahead = steady::ahead();
        let kept = self.on_file(move |file| file.add(&written, ahead)).await;
        if kept.is_err() {
            self.state().loses(more);
        }
        kept
    }

    /// The grants it has entries of, by the oldest of each; none, and the spool is in use no longer.
    pub(crate) async fn grants(&self) -> Result<Option<Vec<Grant>>, String> {
        if !self.is_in_use() {
            return Ok(None);
        }
        self.on_file(File::grants).await.map(Some)
    }

    /// The oldest of it but that of some grants, as much as is merged at once; `None`: there is nothing else, but for what is
    /// being written.
    pub(crate) async fn oldest(&self, but: Vec<Grant>) -> Result<Option<Oldest>, String> {
        self.read(MERGED_AT_ONCE, move |grant| !but.contains(&grant)).await
    }

    /// The oldest of a grant, as much as is handed over at once.
    pub(crate) async fn oldest_of(&self, grant: Grant) -> Result<Option<Oldest>, String> {
        self.read(HANDED_AT_ONCE, move |of| of == grant).await
    }

    async fn read(
        &self,
        bytes: usize,
        wanted: impl Fn(Grant) -> bool + Send + 'static,
    ) -> Result<Option<Oldest>, String> {
        let lying = self.on_file(move |file| file.oldest(wanted, bytes)).await?;
        Ok((!lying.is_empty()).then_some(Oldest(lying)))
    }

    /// The engine has these now. Who breaks off waiting for that changes nothing of it.
    pub(crate) async fn is_merged(&self, Oldest(lying): Oldest) -> Result<(), String> {
        let state = self.state.clone();
        let removed = move |file: &File| {
            let removed = file.remove(&lying)?;
            state.lock().unwrap_or_else(PoisonError::into_inner).loses(removed);
            Ok(())
        };
        self.on_file(removed).await
    }

    /// Gives the disk back what it took, if nothing is left in it: of much that takes a while.
    pub(crate) async fn shrink(&self) -> Result<(), String> {
        if self.is_in_use() { Ok(()) } else { self.on_file(File::shrink).await }
    }

    /// Those of some events that are in it.
    pub(crate) async fn bodies(&self, seqs: Vec<EventSeq>) -> Result<Vec<Arc<Kept>>, String> {
        let packed = self.on_file(move |file| {
            seqs.into_iter()
                .filter_map(|seq| Some(file.with(seq.0).transpose()?.map(|found| (seq, found))))
                .collect()
        });
        let found: Vec<(EventSeq, Vec<u8>)> = packed.await?;
        let bodies = found.iter().filter_map(|(seq, packed)| body(*seq, packed).transpose());
        bodies.collect::<Result<_, _>>().map_err(|unreadable| unreadable.to_string())
    }

    async fn on_file<T: Send + 'static>(
        &self,
        work: impl FnOnce(&File) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, String> {
        let file = self.file.clone();
        let done = tasks::blocking(Part::JournalSpool, move || {
            work(&file.lock().unwrap_or_else(PoisonError::into_inner))
        });
        match done.await {
            Ok(done) => done.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Oldest {
    /// Whether it is less than what is merged at once: there was no more when it was read.
    pub(crate) fn is_all(&self) -> bool {
        self.0.iter().map(|lying| lying.packed.len()).sum::<usize>() < MERGED_AT_ONCE
    }

    /// They, as they were written; and by how much the clock that never jumps was ahead of the wall's then.
    pub(crate) fn entries(&self) -> Result<Vec<(Grant, i64, Entry<'_>)>, Unreadable> {
        self.0.iter().map(|lying| Ok((lying.grant, lying.ahead, Entry::read(&lying.packed)?))).collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures, to some digits")]
fn show(state: &State) {
    metrics::gauge!("ringbud_spool_events").set(state.content.events as f64);
    metrics::gauge!("ringbud_spool_bytes").set(state.content.bytes as f64);
}

/// The event of a place, if the entry has it.
fn body(seq: EventSeq, packed: &[u8]) -> Result<Option<Arc<Kept>>, Unreadable> {
    let Entry::Append(moments) = Entry::read(packed)? else { return Ok(None) };
    for moment in moments {
        let at = usize::try_from(seq.0 - moment.first).ok();
        if let Some(shape) = at.and_then(|at| moment.events.get(at)) {
            let (pbx, event) = shape.event()?;
            return Ok(Some(Arc::new(Kept { seq, received_at: WallTime(moment.received_at), pbx, event })));
        }
    }
    Ok(None)
}

/// How many events and outcomes a gateway left in the spool of a data folder.
///
/// # Errors
/// That the file cannot be read, in words.
pub fn left_in_spool(folder: &Path) -> Result<u64, String> {
    let place = folder.join(FILE);
    if !place.exists() {
        return Ok(0);
    }
    File::look(&place).map_err(|error| error.to_string())
}

/// Makes the file so that only its owner reads it: people's numbers are in it.
fn own_file(place: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(place).map(drop)
}

#[cfg(test)]
mod tests;
