//! Tells a PBX that was restarted while the link was down from one that was not.
//!
//! `FullyBooted` says for how long the PBX has been up, in whole seconds and with no time of its own; every
//! way of comparing that with what is known is tried, and any proof suffices. What cannot be proved is no
//! restart: the snapshot then says what is gone.

use std::time::Duration;

use calls::PbxTime;

/// Uptimes are whole seconds, and messages take their time.
const UPTIME_SLACK: Duration = Duration::from_secs(2);

/// When the PBX was started, as told.
#[derive(Clone, Debug, Default)]
pub(super) struct Boot {
    /// The uptime at the login before, and the first moment known after that login; at the beginning, that it
    /// was up when it was heard first.
    before: Option<(Duration, Option<PbxTime>)>,
    /// The start as `CoreStatus` says it, in words of the PBX's own time zone.
    started: String,
    /// The highest counter of a channel's id since the PBX started.
    channel_counter: u64,
    /// The PBX said that it was shutting down.
    shut_down: bool,
    /// What this login said, until it is settled whether the PBX was restarted.
    doubt: Option<Doubt>,
}

/// After a gap, until something proves a restart or the lack of it.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    /// The last moment before the gap.
    last_heard: Option<PbxTime>,
    /// The uptime of `FullyBooted`, once that was seen.
    uptime: Option<Duration>,
}

impl Boot {
    /// At the beginning; the PBX was heard last then.
    pub(super) fn starting_at(last_heard: Option<PbxTime>) -> Self {
        Self { doubt: Some(Doubt { last_heard, uptime: None }), ..Self::default() }
    }

    /// The link is gone.
    pub(super) fn link_lost(&mut self, last_heard: Option<PbxTime>) {
        // What was in doubt at the last login stays in doubt, from the older gap on.
        let since = self.doubt.map_or(last_heard, |doubt| doubt.last_heard);
        self.doubt = Some(Doubt { last_heard: since, uptime: None });
    }

    /// `Shutdown`.
    pub(super) const fn shutting_down(&mut self) {
        self.shut_down = true;
    }

    /// `FullyBooted`; older Asterisks do not say for how long they have been up. Says whether that proves a
    /// restart.
    pub(super) fn booted(&mut self, uptime: Option<Duration>, heard: Option<PbxTime>) -> bool {
        let Some(doubt) = &mut self.doubt else {
            return false;
        };
        if doubt.uptime.is_some() {
            // A second one on the same link: logged in before the boot was done.
            return false;
        }
        doubt.uptime = uptime;
        let has_shrunk = match (uptime, self.before) {
            (Some(uptime), Some((before, since))) => {
                let watched = since.zip(heard).map_or(Duration::ZERO, |(since, heard)| heard.since(since));
                uptime < before || uptime + UPTIME_SLACK < before + watched
            }
            (None, _) | (_, None) => false,
        };
        self.before = uptime.map(|uptime| (uptime, None));
        let proved = has_shrunk || self.shut_down;
        if proved {
            self.restarted();
        }
        proved
    }

    /// The PBX told its time. Says whether that proves a restart.
    pub(super) fn clock_read(&mut self, now: PbxTime, on_live_link: bool) -> bool {
        match &mut self.before {
            Some((_, since @ None)) => *since = Some(now),
            Some((_, Some(_))) => {}
            // A recording may begin in the middle: it has been up at least since then.
            None => self.before = Some((Duration::ZERO, Some(now))),
        }
        // On a live link it is asked right after its `FullyBooted`; in a recording it may be much later.
        let Some(Doubt { last_heard, uptime: Some(uptime) }) = self.doubt else {
            return false;
        };
        if !on_live_link {
            return false;
        }
        let proved = last_heard.is_some_and(|last_heard| now - uptime - UPTIME_SLACK > last_heard);
        if proved {
            self.restarted();
        }
        self.doubt = None;
        proved
    }

    /// A channel came into being. Says whether its counter proves a restart.
    pub(super) fn new_channel(&mut self, counter: u64) -> bool {
        let proved = self.doubt.is_some() && counter < self.channel_counter;
        if proved {
            self.restarted();
        }
        self.doubt = None;
        self.channel_counter = self.channel_counter.max(counter);
        proved
    }

    /// `CoreStatus`. Says whether another start than last time proves a restart.
    pub(super) fn started(&mut self, date: &str, time: &str) -> bool {
        let is_same = self.started.strip_prefix(date).and_then(|rest| rest.strip_prefix('T')) == Some(time);
        let proved = self.doubt.is_some() && !is_same && !self.started.is_empty();
        if !is_same {
            self.started.clear();
            self.started.extend([date, "T", time]);
        }
        if proved {
            let started = std::mem::take(&mut self.started);
            self.restarted();
            self.started = started;
        } else if is_same {
            self.doubt = None;
        }
        proved
    }

    /// Nothing of the PBX's earlier life counts any more.
    fn restarted(&mut self) {
        let uptime = self.before.take();
        *self = Self { before: uptime, ..Self::default() };
    }
}
