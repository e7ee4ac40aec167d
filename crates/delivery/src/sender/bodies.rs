//! Bodies that are not at hand, read from the journal many at a time.

use std::sync::Arc;

use journal::{EventSeq, Journal, JournalError, Kept};
use tokio::sync::{mpsc, oneshot};

/// Wishes that may wait.
const WISHES: usize = 4_096;
/// Bodies asked for at once.
const AT_ONCE: usize = 256;

type Wish = (EventSeq, oneshot::Sender<Result<Option<Arc<Kept>>, JournalError>>);

/// Where to ask for a body.
#[derive(Clone)]
pub(super) struct Bodies {
    wishes: mpsc::Sender<Wish>,
}

impl Bodies {
    pub(super) fn new() -> (Self, mpsc::Receiver<Wish>) {
        let (wishes, wished) = mpsc::channel(WISHES);
        (Self { wishes }, wished)
    }

    /// The event; none if it is not in the journal any more.
    pub(super) async fn get(&self, seq: EventSeq) -> Result<Option<Arc<Kept>>, JournalError> {
        let (wish, answer) = oneshot::channel();
        self.wishes.send((seq, wish)).await.map_err(|_| JournalError::Closed)?;
        answer.await.map_err(|_| JournalError::Closed)?
    }
}

/// Answers wishes until there are none to come.
pub(super) async fn answer(journal: Arc<dyn Journal>, mut wished: mpsc::Receiver<Wish>) {
    let mut wishes = Vec::with_capacity(AT_ONCE);
    while wished.recv_many(&mut wishes, AT_ONCE).await > 0 {
        let mut seqs: Vec<EventSeq> = wishes.iter().map(|(seq, _)| *seq).collect();
        seqs.sort_unstable();
        seqs.dedup();
        match journal.bodies(seqs).await {
            Ok(mut found) => {
                found.sort_unstable_by_key(|kept| kept.seq);
                for (seq, wish) in wishes.drain(..) {
                    let at = found.binary_search_by_key(&seq, |kept| kept.seq).ok();
                    let _ = wish.send(Ok(at.map(|at| found[at].clone())));
                }
            }
            // One that cannot be had, while the engine is away, keeps no other from being had.
            Err(_) if wishes.len() > 1 => {
                for (seq, wish) in wishes.drain(..) {
                    let found = journal.bodies(vec![seq]).await;
                    let _ = wish.send(found.map(|mut found| found.pop()));
                }
            }
            Err(error) => {
                for (_, wish) in wishes.drain(..) {
                    let _ = wish.send(Err(error.clone()));
                }
            }
        }
    }
}
