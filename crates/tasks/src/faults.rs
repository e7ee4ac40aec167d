//! A switch for tests: kills any part of a running program. Without the feature `faults` there is none.

#[cfg(feature = "faults")]
pub use with::hurried;
#[cfg(feature = "faults")]
pub use with::kill;
#[cfg(feature = "faults")]
pub(crate) use with::{mortal, point, receive};
#[cfg(feature = "faults")]
pub use with::{narrowed, open_to_faults};
#[cfg(not(feature = "faults"))]
pub use without::{hurried, narrowed, open_to_faults};
#[cfg(not(feature = "faults"))]
pub(crate) use without::{mortal, point, receive};

#[cfg(feature = "faults")]
mod with {
    use std::future::Future;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::sync::mpsc::{Receiver, RecvError, RecvTimeoutError};
    use std::time::Duration;

    use tokio::sync::Notify;

    use crate::part::Part;

    /// A thread looks so often whether it is to die.
    const LOOK: Duration = Duration::from_millis(20);

    #[derive(Default)]
    struct Switch {
        task: Notify,
        thread: AtomicBool,
    }

    static SWITCHES: LazyLock<Vec<Switch>> =
        LazyLock::new(|| Part::ALL.iter().map(|_| Switch::default()).collect());

    fn switch(part: Part) -> &'static Switch {
        &SWITCHES[part as usize]
    }

    /// Kills a part: one of those that run, else the next that begins.
    pub fn kill(part: Part) {
        switch(part).thread.store(true, Relaxed);
        switch(part).task.notify_one();
    }

    /// What a test cannot wait for takes a hundredth of its time where `RINGBUD_FAULTS` says `hurry`.
    pub fn hurried(usual: Duration) -> Duration {
        if std::env::var_os("RINGBUD_FAULTS").is_some_and(|word| word == "hurry") {
            usual / 100
        } else {
            usual
        }
    }

    /// What a test cannot fill is a 256th as large where `RINGBUD_FAULTS` says `narrow`.
    pub fn narrowed(usual: usize) -> usize {
        let is_narrow = std::env::var_os("RINGBUD_FAULTS").is_some_and(|word| word == "narrow");
        if is_narrow { usual / 256 } else { usual }
    }

    /// Where the environment has `RINGBUD_FAULTS`, kills what it names (by commas) as soon as it begins, and what is
    /// named on standard input, a line each.
    pub fn open_to_faults() {
        let Ok(first) = std::env::var("RINGBUD_FAULTS") else { return };
        let named = |label: &str| Part::ALL.iter().find(|part| part.label() == label.trim()).copied();
        first.split(',').filter_map(named).for_each(kill);
        #[expect(clippy::disallowed_methods, reason = "a test's own thread")]
        std::thread::spawn(move || {
            for line in std::io::stdin().lines().map_while(Result::ok) {
                if let Some(part) = named(&line) {
                    // Whoever asked waits for it: what comes after may be over before the line was read.
                    kill(part);
                    tracing::info!(part = part.label(), "a test kills a part");
                }
            }
        });
    }

    pub(crate) async fn mortal<T>(part: Part, future: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            () = switch(part).task.notified() => panic!("killed by a test"),
            done = future => done,
        }
    }

    pub(crate) fn point(part: Part) {
        if switch(part).thread.swap(false, Relaxed) {
            panic!("killed by a test");
        }
    }

    pub(crate) fn receive<T>(part: Part, from: &Receiver<T>) -> Result<T, RecvError> {
        loop {
            match from.recv_timeout(LOOK) {
                Ok(received) => return Ok(received),
                Err(RecvTimeoutError::Disconnected) => return Err(RecvError),
                Err(RecvTimeoutError::Timeout) => point(part),
            }
        }
    }
}

#[cfg(not(feature = "faults"))]
mod without {
    use std::future::Future;
    use std::sync::mpsc::{Receiver, RecvError};
    use std::time::Duration;

    use crate::part::Part;

    /// A program that is shipped hurries nowhere.
    pub const fn hurried(usual: Duration) -> Duration {
        usual
    }

    /// A program that is shipped has all its room.
    pub const fn narrowed(usual: usize) -> usize {
        usual
    }

    /// A program that is shipped has no such switch.
    pub const fn open_to_faults() {}

    pub(crate) async fn mortal<T>(_: Part, future: impl Future<Output = T>) -> T {
        future.await
    }

    pub(crate) fn point(_: Part) {}

    pub(crate) fn receive<T>(_: Part, from: &Receiver<T>) -> Result<T, RecvError> {
        from.recv()
    }
}
