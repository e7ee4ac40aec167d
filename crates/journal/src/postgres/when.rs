//! Moments on their way to the engine, which makes them moments of its own clock where it writes: gateways compare no
//! clocks. How long something lay here meanwhile is measured by a clock that never jumps.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio_postgres::Client;

use super::errors::Fault;
use crate::clock::{Clock, micros};
use crate::{WallTime, steady};

/// What the engine's clock says, in a statement.
pub(super) const ENGINE_NOW: &str = "(extract(epoch FROM now()) * 1000000)::bigint";
/// The engine has another clock by now, or this one was set.
const MOVED: Duration = Duration::from_secs(1);

/// A clock in the place of the machine's and of the engine's: for whoever fills a store, and for tests.
#[derive(Clone, Default)]
pub struct OwnClock(pub Option<Clock>);

impl std::fmt::Debug for OwnClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "a clock" } else { "none" })
    }
}

impl OwnClock {
    /// By which people are shown when something was.
    pub(super) fn wall(&self) -> WallTime {
        self.0.as_ref().map_or_else(|| WallTime(::clock::wall_micros()), |own| own())
    }

    /// The store's, given what the engine's says.
    pub(super) fn store(&self, engine: WallTime) -> WallTime {
        self.0.as_ref().map_or(engine, |own| own())
    }

    /// So long ago.
    pub(super) fn ago(&self, age: Duration) -> When {
        match &self.0 {
            Some(own) => When::Own { at: own().minus(age), age },
            None => When::Steady(steady::now().minus(age)),
        }
    }

    /// In so long.
    pub(super) fn ahead(&self, delay: Duration) -> When {
        match &self.0 {
            Some(own) => When::Own { at: own().plus(delay), age: Duration::ZERO },
            None => When::Steady(steady::now().plus(delay)),
        }
    }
}

/// A moment.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    /// By this process's clock that never jumps.
    Steady(WallTime),
    /// By a clock in the engine's place, and how long ago that was.
    Own { at: WallTime, age: Duration },
}

impl When {
    pub(super) fn age(self) -> Duration {
        match self {
            Self::Steady(at) => steady::now().since(at),
            Self::Own { age, .. } => age,
        }
    }

    /// By this machine's clock.
    pub(super) fn wall(self) -> WallTime {
        match self {
            Self::Steady(at) => steady::on_the_wall(at, steady::ahead()),
            Self::Own { at, .. } => at,
        }
    }
}

/// Moments as a statement takes them: from when they are counted, which is now by the engine's clock unless something else
/// is said, and by how many microseconds each is later.
pub(super) fn counted(moments: impl Iterator<Item = Option<When>>) -> (Option<i64>, Vec<Option<i64>>) {
    let (mut from, now) = (None, steady::now());
    let mut later = |when: When| match when {
        When::Steady(at) => at.0.saturating_sub(now.0),
        When::Own { at, .. } => {
            from = Some(0);
            at.0
        }
    };
    let later = moments.map(|when| when.map(&mut later)).collect();
    (from, later)
}

/// By how much the engine's clock is ahead of this process's that never jumps, as it was found first: what is told once
/// more is told in the same moments.
#[derive(Default)]
pub(super) struct EngineAhead(Mutex<Option<i64>>);

impl EngineAhead {
    pub(super) async fn ask(&self, client: &Client) -> Result<i64, Fault> {
        let found = engine_now(client).await?.0.saturating_sub(steady::now().0);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let has_moved = |known: i64| known.abs_diff(found) > micros(MOVED).unsigned_abs();
        if known.is_none_or(has_moved) {
            *known = Some(found);
        }
        Ok(known.unwrap_or(found))
    }
}

/// What the engine's clock says.
pub(super) async fn engine_now(client: &Client) -> Result<WallTime, Fault> {
    let row = client.query_one(&format!("SELECT {ENGINE_NOW}"), &[]).await?;
    Ok(WallTime(row.get(0)))
}
