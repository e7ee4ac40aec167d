//! What has come while the last group was under way goes into the next one: a round trip and a commit are shared. Behind a
//! small group the writer rests for as long as it took, so that the next one is larger: a small one costs the engine nearly
//! as much as a large one, and the busier it is the longer it takes. Who comes later than that waits for nothing.

use std::time::Duration;

use tasks::Part;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use super::errors::Fault;
use super::pen::{Held, Pen};
use crate::JournalError;

/// So many callers wait at most.
const QUEUED: usize = 1_024;
/// A group that weighs so much takes in no more callers.
const ENOUGH: usize = 1_024;
/// Behind one that weighs so much nobody rests: the next one is large by itself.
const LARGE: usize = 64;
/// The longest rest.
const REST: Duration = Duration::from_millis(10);

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
    let mut rests_until = Instant::now();
    while let Some(first) = jobs.recv().await {
        if Instant::now() < rests_until {
            sleep_until(rests_until).await;
        }
        let (mut rows, mut callers, mut weight) = (Vec::new(), Vec::new(), 0);
        let mut next = Some(first);
        while let Some(Job { rows: of_one, to }) = next {
            weight += of_one.iter().map(W::weight).sum::<usize>();
            callers.push((of_one.len(), to));
            rows.extend(of_one);
            next = if weight < ENOUGH { jobs.try_recv().ok() } else { None };
        }
        let began = Instant::now();
        let written = writer.write(&rows).await;
        let rest = if weight < LARGE { began.elapsed().min(REST) } else { Duration::ZERO };
        rests_until = Instant::now() + rest;
        match written {
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

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test's tasks are its own")]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::time::{interval, sleep};

    use super::*;

    /// How long a commit takes.
    const TAKES: Duration = Duration::from_millis(4);

    /// Writes down how large its groups are.
    struct Counts(Arc<Mutex<Vec<usize>>>);

    impl Writes for Counts {
        type Row = usize;
        type Answer = usize;

        fn weight(row: &usize) -> usize {
            *row
        }

        async fn write(&mut self, rows: &[usize]) -> Result<Vec<usize>, Fault> {
            sleep(TAKES).await;
            self.0.lock().unwrap().push(rows.len());
            Ok(rows.to_vec())
        }
    }

    /// The groups that form when a row of such a weight comes every so often.
    async fn groups(weight: usize, every: Duration) -> Vec<usize> {
        let sizes = Arc::new(Mutex::default());
        let lane = Arc::new(Lane::start(Counts(sizes.clone())));
        let mut comes = interval(every);
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..100 {
            comes.tick().await;
            let lane = lane.clone();
            callers.spawn(async move { lane.write(vec![weight], "here").await.expect("an answer") });
        }
        callers.join_all().await;
        let sizes = sizes.lock().unwrap().clone();
        assert_eq!(sizes.iter().sum::<usize>(), 100, "each is written once");
        sizes
    }

    #[tokio::test(start_paused = true)]
    async fn behind_a_small_group_more_gather() {
        let sizes = groups(1, Duration::from_millis(1)).await;
        let full = &sizes[1..sizes.len() - 1];
        assert!(full.iter().all(|size| (7..=9).contains(size)), "what comes in two commits: {sizes:?}");
        let sizes = groups(LARGE, Duration::from_millis(1)).await;
        let full = &sizes[1..sizes.len() - 1];
        assert!(full.iter().all(|size| (3..=5).contains(size)), "behind large ones nobody rests: {sizes:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_alone_waits_for_nothing() {
        let lane = Lane::start(Counts(Arc::default()));
        for _ in 0..3 {
            let began = Instant::now();
            lane.write(vec![1], "here").await.expect("an answer");
            assert_eq!(began.elapsed(), TAKES);
            sleep(2 * TAKES).await;
        }
    }
}
