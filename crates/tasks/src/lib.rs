//! The one door through which tasks and threads begin, so that none of them ends unnoticed.
//!
//! Owns: the table of all parts of the program that run by themselves ([`Part`]), what follows when one dies
//! ([`Fate`]), and noticing it. A part that others cannot do without ends the process, so that whoever
//! supervises it (systemd, a container) starts it again: nothing that was kept is lost by that. One that can
//! begin again does, a bounded number of times. One that is a single piece of work among many fails alone, and
//! whoever waits for that piece is told.
//!
//! Leaves to others: what is done at the end of a process ([`on_death`]). `clippy.toml` forbids every other
//! way to begin a task or a thread.

mod death;
mod faults;
mod part;

use std::any::Any;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, RecvError};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub use death::{Death, dead, note_panics, on_death};
#[cfg(feature = "faults")]
pub use faults::kill;
pub use faults::{hurried, narrowed, open_to_faults};
pub use part::{Fate, Part};

/// So often a part begins anew within [`DEATHS_WITHIN`]; once more ends the process.
pub const DEATHS_MAX: usize = 5;
/// Deaths are counted over so long.
pub const DEATHS_WITHIN: Duration = Duration::from_secs(600);
/// The pause before a part begins anew; doubles with each death.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// A task. Whoever awaits its handle is told of its panic as of any task's.
pub fn spawn<F>(part: Part, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    start(async move {
        match guarded(part, future).await {
            Ok(done) => done,
            Err(Died(why)) => resume_unwind(why),
        }
    })
}

/// A task that only ends when it was asked to; that it ends otherwise is its death as well.
pub fn spawn_until<F>(
    part: Part,
    was_asked: impl Fn() -> bool + Send + 'static,
    future: F,
) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    spawn(part, async move {
        let done = future.await;
        if !was_asked() {
            death::report_unasked(part).await;
        }
        done
    })
}

/// A task that begins anew when it dies. It is over when what was made ends by itself.
pub fn spawn_anew<F>(part: Part, make: impl Fn() -> F + Send + 'static) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    start(async move {
        let mut lives = Lives::default();
        while guarded(part, make()).await.is_err() {
            match lives.next(Instant::now()) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return death::report_last(part),
            }
            death::anew(part);
        }
    })
}

/// Waits for a piece of work, and notices its panic.
///
/// # Errors
/// That it died. It has been told already.
pub async fn guarded<T>(part: Part, future: impl Future<Output = T>) -> Result<T, Died> {
    AssertUnwindSafe(faults::mortal(part, future)).catch_unwind().await.map_err(|why| {
        death::report_panic(part, &*why);
        Died(why)
    })
}

/// A piece of work that keeps a thread busy.
pub fn blocking<T: Send + 'static>(part: Part, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    tokio::task::spawn_blocking(move || notice(part, work).unwrap_or_else(|Died(why)| resume_unwind(why)))
}

/// A thread, with the part's name.
///
/// # Errors
/// What the system says when it gives none.
pub fn thread(part: Part, run: impl FnOnce() + Send + 'static) -> io::Result<std::thread::JoinHandle<()>> {
    start_thread(part, move || drop(notice(part, run)))
}

/// A thread that begins anew when it dies. It is over when its run ends by itself.
///
/// # Errors
/// What the system says when it gives none.
pub fn thread_anew(part: Part, run: impl Fn() + Send + 'static) -> io::Result<std::thread::JoinHandle<()>> {
    start_thread(part, move || {
        let mut lives = Lives::default();
        while notice(part, &run).is_err() {
            match lives.next(Instant::now()) {
                Some(pause) => std::thread::park_timeout(pause),
                None => return death::report_last(part),
            }
            death::anew(part);
        }
    })
}

/// What a thread waits for; here a test can reach it.
///
/// # Errors
/// That nobody is left to send.
pub fn receive<T>(part: Part, from: &Receiver<T>) -> Result<T, RecvError> {
    faults::receive(part, from)
}

/// Where a test can kill a thread that waits for something else.
pub fn fault_point(part: Part) {
    faults::point(part);
}

/// That a piece of work died.
pub struct Died(Box<dyn Any + Send>);

impl std::fmt::Debug for Died {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Died")
    }
}

fn notice<T>(part: Part, work: impl FnOnce() -> T) -> Result<T, Died> {
    let work = || {
        faults::point(part);
        work()
    };
    catch_unwind(AssertUnwindSafe(work)).map_err(|why| {
        death::report_panic(part, &*why);
        Died(why)
    })
}

#[expect(clippy::disallowed_methods, reason = "this is the door")]
fn start<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(task)
}

#[expect(clippy::disallowed_methods, reason = "this is the door")]
fn start_thread(part: Part, run: impl FnOnce() + Send + 'static) -> io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new().name(part.label().to_owned()).spawn(run)
}

/// How often a part died lately.
#[derive(Default)]
struct Lives(Vec<Instant>);

impl Lives {
    /// One more death; the pause before the next life, if there is one.
    fn next(&mut self, now: Instant) -> Option<Duration> {
        self.0.retain(|death| now.duration_since(*death) < DEATHS_WITHIN);
        if self.0.len() >= DEATHS_MAX {
            return None;
        }
        let pause = FIRST_PAUSE * (1 << self.0.len());
        self.0.push(now);
        Some(pause)
    }
}

#[cfg(test)]
mod tests;
