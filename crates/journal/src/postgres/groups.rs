//! What has come while the last group was under way goes into the next one: a round trip and a commit are shared.

use std::time::Duration;

use tasks::Part;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::errors::Fault;
use super::pen::{Held, Pen};
use crate::JournalError;

/// So many callers wait at most.
const QUEUED: usize = 1_024;
/// A group that weighs so much takes in no more callers.
const ENOUGH: usize = 1_024;

/// Writes groups of one kind.
pub(super) trait Writes: Send + 'static {
    type Row: Send + Sync + 'static;
    type Answer: Send + 'static;

    fn weight(row: &Self::Row) -> usize;

    /// One transaction; one answer a row.
    fn write(&mut self, rows: &[Self::Row]) -> impl Future<Output = Result<Vec<Self::Answer>, Fault>> + Send;
}

struct Job<W: Writes> {
    rows: Vec<W::Row>,
    to: oneshot::Sender<Result<Vec<W::Answer>, Fault>>,
}

/// The way to a writer of groups; it ends when this is dropped.
pub(super) struct Lane<W: Writes>(mpsc::Sender<Job<W>>);

impl<W: Writes> Lane<W> {
    pub(super) fn start(writer: W) -> Self {
        let (to, jobs) = mpsc::channel(QUEUED);
        drop(tasks::spawn(Part::JournalGroups, run(writer, jobs)));
        Self(to)
    }

    /// How many callers wait.
    pub(super) fn waiting(&self) -> usize {
        self.0.max_capacity() - self.0.capacity()
    }

    pub(super) async fn write(&self, rows: Vec<W::Row>, place: &str) -> Result<Vec<W::Answer>, JournalError> {
        let (to, answer) = oneshot::channel();
        self.0.send(Job { rows, to }).await.map_err(|_| JournalError::Closed)?;
        let answered = answer.await.map_err(|_| JournalError::Closed)?;
        answered.map_err(|fault| fault.at(place))
    }
}

async fn run<W: Writes>(mut writer: W, mut jobs: mpsc::Receiver<Job<W>>) {
    while let Some(first) = jobs.recv().await {
        let (mut rows, mut callers, mut weight) = (Vec::new(), Vec::new(), 0);
        let mut next = Some(first);
        while let Some(Job { rows: of_one, to }) = next {
            weight += of_one.iter().map(W::weight).sum::<usize>();
            callers.push((of_one.len(), to));
            rows.extend(of_one);
            next = if weight < ENOUGH { jobs.try_recv().ok() } else { None };
        }
        match writer.write(&rows).await {
            Ok(answers) => {
                let mut answers = answers.into_iter();
                for (many, to) in callers {
                    // Whoever does not wait any more asks again.
                    let _ = to.send(Ok(answers.by_ref().take(many).collect()));
                }
            }
            Err(fault) => callers.into_iter().for_each(|(_, to)| drop(to.send(Err(fault.clone())))),
        }
    }
}

/// Does something with a pen's connection within a time, and looks after the connection whatever comes of it.
pub(super) async fn within<T>(
    pen: &mut Pen,
    patience: Duration,
    work: impl AsyncFnOnce(&mut Held) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let mut held = pen.take().await?;
    let done = timeout(patience, work(&mut held)).await;
    match done {
        Err(_) => {
            pen.put_aside(held);
            Err(Fault::Doubtful(format!("no answer within {} ms", patience.as_millis())))
        }
        Ok(Ok(_)) if held.link.warned() => Err(Fault::Doubtful("it warned at the commit".to_owned())),
        // What is in doubt leaves a connection nobody knows the state of.
        Ok(Err(fault @ Fault::Doubtful(_))) => Err(fault),
        Ok(done) => {
            pen.give_back(held);
            done
        }
    }
}
