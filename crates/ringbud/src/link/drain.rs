//! Drains the socket into a queue of our own, and does nothing else.
//!
//! A PBX that cannot get rid of its events either drops the link (all since then is lost) or keeps them in
//! its own memory while we fall behind; so reading never waits for anything but room in the queue. Where a PBX
//! suffers from that, too, the link is given up instead: what is missed then is assumed after the next login.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant;

use super::buffers::{Buffers, Filled};

/// No more bytes than these wait in the queue; beyond that the PBX has to keep them.
pub(crate) const MAX_QUEUED_BYTES: usize = 256 << 20;
/// No more pieces than these wait, however small.
const MAX_QUEUED_PIECES: usize = 1 << 16;

/// Bytes as they came in.
#[derive(Debug)]
pub(crate) struct Piece {
    /// The bytes.
    pub(crate) bytes: Filled,
    /// When they came in.
    pub(crate) arrived: Instant,
    /// Gives the room in the queue back.
    _room: OwnedSemaphorePermit,
}

/// How full the queue is.
#[derive(Debug, Default)]
pub(crate) struct Fill {
    queued_bytes: AtomicU64,
    is_full: AtomicBool,
    times_full: AtomicU64,
}

impl Fill {
    /// Bytes in the queue now.
    pub(crate) fn queued_bytes(&self) -> u64 {
        self.queued_bytes.load(Ordering::Relaxed)
    }

    /// Whether reading waits for room.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    /// How often it was full.
    pub(crate) fn times_full(&self) -> u64 {
        self.times_full.load(Ordering::Relaxed)
    }

    /// A piece was taken from the queue.
    pub(crate) fn taken(&self, piece: &Piece) {
        self.queued_bytes.fetch_sub(piece.bytes.len() as u64, Ordering::Relaxed);
    }
}

/// How the stream of bytes ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The PBX closed the link.
    Closed,
    /// The system says that the link is gone.
    Broken(std::io::Error),
    /// Nobody takes from the queue any more.
    Unwanted,
    /// The queue is full, and this PBX must not be kept waiting.
    Full,
}

/// What is done when the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenFull {
    /// The PBX waits.
    Wait,
    /// The link is given up.
    Close,
}

/// A queue of pieces for a link.
pub(crate) fn queue() -> (mpsc::Sender<Piece>, mpsc::Receiver<Piece>) {
    mpsc::channel(MAX_QUEUED_PIECES)
}

/// Reads until the stream ends.
pub(crate) async fn drain(
    mut from: impl AsyncRead + Unpin,
    into: mpsc::Sender<Piece>,
    fill: Arc<Fill>,
    when_full: WhenFull,
) -> End {
    let room = Arc::new(Semaphore::new(tasks::narrowed(MAX_QUEUED_BYTES)));
    let buffers = Arc::new(Buffers::default());
    let mut buffer = buffers.take();
    loop {
        let count = match from.read(&mut buffer).await {
            Ok(0) => return End::Closed,
            Ok(count) => count,
            Err(error) => return End::Broken(error),
        };
        let arrived = Instant::now();
        let needed = Buffers::room_for(count);
        let permit = match room_now(&room, needed, &into) {
            Some(permit) => permit,
            None if when_full == WhenFull::Close => {
                fill.times_full.fetch_add(1, Ordering::Relaxed);
                return End::Full;
            }
            None => match make_room(&room, needed, &into, &fill).await {
                Some(permit) => permit,
                None => return End::Unwanted,
            },
        };
        fill.queued_bytes.fetch_add(count as u64, Ordering::Relaxed);
        let piece = Piece { bytes: buffers.hand_on(&mut buffer, count), arrived, _room: permit };
        if into.send(piece).await.is_err() {
            return End::Unwanted;
        }
    }
}

fn room_now(room: &Arc<Semaphore>, count: usize, into: &mpsc::Sender<Piece>) -> Option<OwnedSemaphorePermit> {
    if into.capacity() == 0 {
        return None;
    }
    room.clone().try_acquire_many_owned(u32::try_from(count).ok()?).ok()
}

async fn make_room(
    room: &Arc<Semaphore>,
    count: usize,
    into: &mpsc::Sender<Piece>,
    fill: &Fill,
) -> Option<OwnedSemaphorePermit> {
    let count = u32::try_from(count).ok()?;
    fill.is_full.store(true, Ordering::Relaxed);
    fill.times_full.fetch_add(1, Ordering::Relaxed);
    tracing::warn!(
        queued_bytes = fill.queued_bytes(),
        "the queue of what the PBX says is full; the PBX has to wait until it is worked off"
    );
    let permit = tokio::select! {
        permit = room.clone().acquire_many_owned(count) => permit.ok(),
        () = into.closed() => None,
    };
    fill.is_full.store(false, Ordering::Relaxed);
    permit
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test's tasks are its own")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_sent_before_the_end_arrives_before_the_end() {
        let (sender, mut receiver) = queue();
        let fill = Arc::new(Fill::default());
        let end = drain(&b"Event: Hangup\r\n"[..], sender, fill.clone(), WhenFull::Wait).await;
        assert!(matches!(end, End::Closed));
        let piece = receiver.recv().await.unwrap();
        assert_eq!(&*piece.bytes, b"Event: Hangup\r\n");
        assert_eq!(fill.queued_bytes(), 15);
        fill.taken(&piece);
        assert_eq!(fill.queued_bytes(), 0);
        assert!(receiver.recv().await.is_none());
    }

    #[tokio::test]
    async fn a_full_queue_is_visible_and_reading_waits() {
        let (sender, mut receiver) = mpsc::channel(1);
        let fill = Arc::new(Fill::default());
        let (mut pbx, ours) = tokio::io::duplex(4);
        let task = tokio::spawn(drain(ours, sender, fill.clone(), WhenFull::Wait));
        tokio::io::AsyncWriteExt::write_all(&mut pbx, b"aaaabbbbcccc").await.unwrap();
        drop(pbx);
        let mut all = Vec::new();
        while let Some(piece) = receiver.recv().await {
            fill.taken(&piece);
            all.extend_from_slice(&piece.bytes);
        }
        assert_eq!(all, b"aaaabbbbcccc");
        assert!(matches!(task.await.unwrap(), End::Closed));
        assert!(fill.times_full() > 0);
        assert_eq!(fill.queued_bytes(), 0);
    }

    #[tokio::test]
    async fn a_pbx_that_suffers_from_waiting_is_left_and_what_came_in_is_kept() {
        let (sender, mut receiver) = mpsc::channel(1);
        let fill = Arc::new(Fill::default());
        let (mut pbx, ours) = tokio::io::duplex(4);
        let task = tokio::spawn(drain(ours, sender, fill.clone(), WhenFull::Close));
        tokio::io::AsyncWriteExt::write_all(&mut pbx, b"aaaabbbb").await.unwrap();
        assert!(matches!(task.await.unwrap(), End::Full));
        assert_eq!(&*receiver.recv().await.unwrap().bytes, b"aaaa");
        assert!(receiver.recv().await.is_none());
        assert_eq!(fill.times_full(), 1);
    }

    #[tokio::test]
    async fn it_ends_when_nobody_takes() {
        let (sender, receiver) = queue();
        drop(receiver);
        let (mut pbx, ours) = tokio::io::duplex(4);
        tokio::io::AsyncWriteExt::write_all(&mut pbx, b"a").await.unwrap();
        assert!(matches!(drain(ours, sender, Arc::default(), WhenFull::Wait).await, End::Unwanted));
    }
}
