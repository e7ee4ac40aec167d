//! Whether the peer lives, and how far behind it we are.

use std::time::Duration;

use calls::PbxTime;

use crate::link::{Health, Now};

/// A ping that took longer says nothing about the PBX's clock.
const QUICK: Duration = Duration::from_millis(250);

/// Pings, pongs and the age of what comes in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pulse {
    every: Duration,
    within: Duration,
    heard_at: Duration,
    next_ping_at: Duration,
    /// When the ping that is not answered yet was sent.
    asked: Option<Now>,
    health: Health,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Ping,
    /// Nothing came for this long although it was asked for.
    Dead(Duration),
}

impl Pulse {
    pub(crate) fn new(every: Duration, within: Duration, now: Now) -> Self {
        let (heard_at, next_ping_at) = (now.monotonic, now.monotonic + every);
        Self { every, within, heard_at, next_ping_at, asked: None, health: Health::default() }
    }

    pub(crate) const fn health(&self) -> Health {
        self.health
    }

    /// Bytes came in. A peer that is busy sending is alive, however long its pong takes.
    pub(crate) const fn heard(&mut self, now: Now) {
        self.heard_at = now.monotonic;
    }

    pub(crate) fn pinged(&mut self, now: Now) {
        self.asked = Some(now);
        self.next_ping_at = now.monotonic + self.every;
    }

    pub(crate) fn ponged(&mut self, pbx: Option<PbxTime>, now: Now) {
        let Some(asked) = self.asked.take() else {
            return;
        };
        let took = now.monotonic.saturating_sub(asked.monotonic);
        self.health.ping = Some(took);
        if let (Some(pbx), true) = (pbx, took < QUICK || self.health.clock_ahead_micros.is_none()) {
            let half = i64::try_from(took.as_micros() / 2).unwrap_or(0);
            self.health.clock_ahead_micros = Some(pbx.as_micros() - (now.wall_micros - half));
        }
    }

    /// An event of this moment was read.
    pub(crate) fn read(&mut self, event: PbxTime, now: Now) {
        if let Some(ahead) = self.health.clock_ahead_micros {
            let age = now.wall_micros + ahead - event.as_micros();
            self.health.lag = Some(Duration::from_micros(u64::try_from(age).unwrap_or(0)));
        }
    }

    pub(crate) fn due(&self, now: Now) -> Option<Due> {
        match self.dead_at() {
            Some(dead_at) if now.monotonic >= dead_at => {
                Some(Due::Dead(now.monotonic.saturating_sub(self.heard_at)))
            }
            Some(_) => None,
            None => (now.monotonic >= self.next_ping_at).then_some(Due::Ping),
        }
    }

    pub(crate) fn deadline(&self) -> Duration {
        self.dead_at().unwrap_or(self.next_ping_at)
    }

    /// When the peer is given up, if it was asked for a sign of life.
    fn dead_at(&self) -> Option<Duration> {
        self.asked.map(|asked| asked.monotonic.max(self.heard_at) + self.within)
    }
}
