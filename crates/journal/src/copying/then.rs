//! When what is copied happened.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::WallTime;
use crate::clock::Clock;

/// The clock of the store that is filled: what is copied happened when it did.
#[derive(Clone, Default)]
pub struct Then(Arc<AtomicI64>);

impl Then {
    /// For the options of the store that is filled.
    pub fn clock(&self) -> Clock {
        let then = self.0.clone();
        Arc::new(move || WallTime(then.load(Ordering::Acquire)))
    }

    /// From now on it is this moment.
    pub fn set(&self, at: WallTime) {
        self.0.store(at.0, Ordering::Release);
    }
}
