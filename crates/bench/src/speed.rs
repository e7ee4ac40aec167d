//! How fast the machine itself is meanwhile: it is shared, and its processors do less while neighbours have much to do.

use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::clock;

/// A fixed piece of work: some tenths of a millisecond.
const STEPS: u32 = 200_000;
/// The shortest of so many was not interrupted.
const TRIES: usize = 5;
const EACH: Duration = Duration::from_secs(1);

/// Does a fixed piece of work each second.
pub(crate) struct Speed {
    took_us: Arc<Mutex<Vec<f64>>>,
    task: JoinHandle<()>,
}

impl Speed {
    pub(crate) fn watch() -> Self {
        let took_us = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn({
            let took_us = took_us.clone();
            async move {
                loop {
                    tokio::time::sleep(EACH).await;
                    let shortest = (0..TRIES).map(|_| piece_of_work_us()).fold(f64::INFINITY, f64::min);
                    took_us.lock().unwrap_or_else(PoisonError::into_inner).push(shortest);
                }
            }
        });
        Self { took_us, task }
    }

    /// What the piece of work took since this was asked last, on average, microseconds.
    pub(crate) fn turn_us(&self) -> f64 {
        let took_us = std::mem::take(&mut *self.took_us.lock().unwrap_or_else(PoisonError::into_inner));
        took_us.iter().sum::<f64>() / took_us.len() as f64
    }
}

impl Drop for Speed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn piece_of_work_us() -> f64 {
    let began = clock::instant();
    let mut word = black_box(0x9E37_79B9_7F4A_7C15_u64);
    for step in 0..STEPS {
        word = (word ^ u64::from(step)).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(23);
    }
    black_box(word);
    began.elapsed().as_secs_f64() * 1e6
}
