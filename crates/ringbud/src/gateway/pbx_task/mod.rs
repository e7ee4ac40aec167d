//! One PBX from its bytes to its moments: connects, drives the login session, feeds the call logic.
//!
//! Draining the socket is a task of its own; this one works off what was drained. It waits only for room in
//! the queue of moments, never for a disk or a web service.

mod heard;

use std::sync::Arc;
use std::time::Duration;

use calls::{PbxTime, Restored};
use pbx::{Failure, Now, Session};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::anomalies::Anomalies;
use super::follow::Follower;
use super::routes::Routes;
use super::second::Heard;
use crate::board::Board;
use crate::clock;
use crate::config::Pbx;
use crate::link::{
    Backoff, End, Fill, Halves, LinkFailure, LinkState, Piece, Status, WhenFull, connect, drain, queue,
    secret_in_clear,
};
use crate::stop::Stop;

/// How long a PBX may take to take what we say.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a PBX may take to hear that we leave.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// How often the journal is told that a quiet PBX was heard.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Messages that have come in already and are worked off before what they say is kept: a piece of an Asterisk's flood
/// has more, one of a FreeSWITCH's eight.
const MESSAGES_AT_ONCE: u64 = 128;
/// Pieces, however few messages they have.
const PIECES_AT_ONCE: usize = 16;

/// Why the conversation is over.
enum Lost {
    Link(LinkFailure),
    Stopping,
}

impl From<LinkFailure> for Lost {
    fn from(failure: LinkFailure) -> Self {
        Self::Link(failure)
    }
}

/// One PBX.
pub struct PbxTask {
    /// How to reach it.
    pub pbx: Pbx,
    /// The login session.
    pub session: Session,
    /// The call logic.
    pub follower: Follower,
    /// Which integrations an event goes to.
    pub routes: Routes,
    /// Where its moments are kept.
    pub moments: mpsc::Sender<Heard>,
    /// Where who waits in a queue is shown.
    pub board: Arc<Board>,
    /// How the link is doing, for others to look at.
    pub status: Status,
    /// What another gateway kept of the PBX, for one that follows it beside that one.
    pub kept_by_others: mpsc::Receiver<Restored>,
    /// When to end.
    pub stop: Stop,
}

impl PbxTask {
    /// Follows the PBX until it is told to stop.
    pub async fn run(self) {
        let anomalies = Anomalies::new(self.pbx.name.clone());
        let own = Own {
            to_send: Vec::new(),
            failure: None,
            anomalies,
            heard: None,
            heartbeat_at: None,
            hears_calls: false,
            clock_told: false,
        };
        Running { task: self, own, backoff: Backoff::default(), told: None }.run().await;
    }
}

/// What the session's outputs leave behind until the shell gets to it.
struct Own {
    to_send: Vec<u8>,
    failure: Option<Failure>,
    anomalies: Anomalies,
    /// The PBX's time, and when it was that by our monotonic clock.
    heard: Option<(PbxTime, Instant)>,
    /// When the journal is told next that a quiet PBX was heard; only while it is followed.
    heartbeat_at: Option<Instant>,
    /// An event of a call came on this connection.
    hears_calls: bool,
    /// The trouble with the PBX's clock was told.
    clock_told: bool,
}

struct Running {
    task: PbxTask,
    own: Own,
    backoff: Backoff,
    /// The last trouble told, so that each is told once.
    told: Option<LinkFailure>,
}

impl Running {
    async fn run(mut self) {
        if let Some(warning) = secret_in_clear(&self.task.pbx) {
            tracing::warn!(pbx = %self.task.pbx.name, address = %self.task.pbx.address, "{warning}");
        }
        while !self.task.stop.is_called() {
            self.enter(LinkState::Connecting);
            let began = Instant::now();
            let lost = match self.connect().await {
                Ok(halves) => self.converse(halves).await,
                Err(lost) => lost,
            };
            let Lost::Link(why) = lost else { break };
            self.backoff.was_up(began.elapsed());
            self.pause(why).await;
        }
        self.enter(LinkState::Stopped);
    }

    async fn connect(&mut self) -> Result<Halves, Lost> {
        let pbx = self.task.pbx.clone();
        let mut connecting = Box::pin(connect(&pbx));
        loop {
            let due = self.calls_due();
            tokio::select! {
                connected = &mut connecting => return connected.map_err(|error| LinkFailure::from(error).into()),
                () = self.task.stop.called() => return Err(Lost::Stopping),
                () = at(due) => self.calls_timed_out().await,
            }
        }
    }

    /// Waits before the next attempt, and says why once.
    async fn pause(&mut self, why: LinkFailure) {
        let is_refusal = why.is_refusal();
        let pause = self.backoff.pause(is_refusal, clock::chance());
        let retry_at = journal::WallTime(clock::wall().0 + i64::try_from(pause.as_micros()).unwrap_or(0));
        self.enter(match is_refusal {
            true => LinkState::Refused { why: why.clone(), retry_at },
            false => LinkState::Down { why: why.clone(), retry_at },
        });
        let pbx = &self.task.pbx;
        if self.told.as_ref() == Some(&why) {
            tracing::debug!(pbx = %pbx.name, reason = %why, retry_in_ms = pause.as_millis(), "still no link to the PBX");
        } else if is_refusal {
            let what = if why.code() == "login_refused" {
                "the PBX refuses the login"
            } else {
                "the PBX cannot be followed"
            };
            tracing::error!(pbx = %pbx.name, address = %pbx.address, code = why.code(), reason = %why, "{what}; trying on");
        } else {
            tracing::warn!(pbx = %pbx.name, address = %pbx.address, code = why.code(), reason = %why, "no link to the PBX; trying on");
        }
        self.told = Some(why);
        let until = Instant::now() + pause;
        // What is due in the call logic waits as well: another may have heard more.
        tokio::select! {
            () = self.task.status.anew().may() => {}
            () = self.task.stop.called() => return,
        }
        loop {
            let due = self.calls_due();
            tokio::select! {
                () = tokio::time::sleep_until(until) => return,
                () = self.task.stop.called() => return,
                () = at(due) => self.calls_timed_out().await,
            }
        }
    }

    /// One connection from its greeting to its end.
    async fn converse(&mut self, (reading, mut writing): Halves) -> Lost {
        let (sender, mut pieces) = queue();
        let fill = Arc::new(Fill::default());
        let when_full =
            if self.task.pbx.kind.suffers_slow_readers() { WhenFull::Close } else { WhenFull::Wait };
        let mut draining =
            tasks::spawn(tasks::Part::LinkDrain, drain(reading, sender, fill.clone(), when_full));
        let now = now(Instant::now());
        self.session(|session, out| session.connected(now, out));
        let lost = loop {
            if let Err(lost) = self.settle(&mut writing).await {
                break lost;
            }
            let due = self.due();
            tokio::select! {
                biased;
                () = self.task.stop.called() => break Lost::Stopping,
                piece = pieces.recv() => match piece {
                    Some(piece) => self.received_with_more(piece, &mut pieces, &fill),
                    None => break ended(&mut draining).await,
                },
                Some(kept) = self.task.kept_by_others.recv() => self.adopt(kept),
                () = at(due) => self.timed_out(),
            }
        };
        draining.abort();
        self.own.heartbeat_at = None;
        // What had come in already is worked off, however the link ended.
        while let Ok(piece) = pieces.try_recv() {
            self.received(piece, &fill);
            self.keep().await;
        }
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, writing.shutdown()).await;
        self.session(|session, out| session.disconnected(out));
        self.keep().await;
        metrics::counter!("ringbud_link_losses_total", "pbx" => self.task.pbx.name.to_string()).increment(1);
        self.task.status.change(|status| status.losses += 1);
        lost
    }

    /// Takes in a piece, and what has come in behind it as long as it is little: what it all says is kept at once.
    fn received_with_more(&mut self, piece: Piece, pieces: &mut mpsc::Receiver<Piece>, fill: &Fill) {
        let enough = self.task.session.counts().messages + MESSAGES_AT_ONCE;
        self.received(piece, fill);
        for _ in 1..PIECES_AT_ONCE {
            let is_enough = self.task.session.counts().messages >= enough;
            if is_enough || self.own.failure.is_some() || !self.own.to_send.is_empty() {
                return;
            }
            let Ok(piece) = pieces.try_recv() else { return };
            self.received(piece, fill);
        }
    }

    fn received(&mut self, piece: Piece, fill: &Fill) {
        fill.taken(&piece);
        let before = self.task.session.last_heard();
        let arrived = now(piece.arrived);
        self.session(|session, out| session.received(&piece.bytes, arrived, out));
        // Its deadlines by the time of the piece: what is still in the queue came before later ones.
        self.session(|session, out| session.timed_out(arrived, out));
        let heard = self.task.session.last_heard();
        if heard != before {
            self.own.heard = heard.map(|heard| (heard, piece.arrived));
        }
        self.look(&piece, fill);
    }

    /// What was kept holds; the channels are looked at again, for what of it was not known here.
    fn adopt(&mut self, kept: Restored) {
        self.task.follower.adopt(kept);
        self.task.session.look_again(now(Instant::now()));
    }

    fn timed_out(&mut self) {
        let now = now(Instant::now());
        self.session(|session, out| session.timed_out(now, out));
        self.calls_timeout();
    }

    /// Sends what is to be sent and keeps what is to be kept.
    async fn settle(&mut self, writing: &mut (impl AsyncWrite + Unpin)) -> Result<(), Lost> {
        self.keep().await;
        if !self.own.to_send.is_empty() {
            let sending = async {
                writing.write_all(&self.own.to_send).await?;
                writing.flush().await
            };
            match tokio::time::timeout(WRITE_TIMEOUT, sending).await {
                Ok(Ok(())) => self.own.to_send.clear(),
                Ok(Err(error)) => return Err(LinkFailure::broken(&error).into()),
                Err(_) => return Err(LinkFailure::Stuck.into()),
            }
        }
        self.own.failure.take().map_or(Ok(()), |failure| Err(LinkFailure::from(failure).into()))
    }

    /// Does what is due in the call logic, by the PBX's clock.
    fn calls_timeout(&mut self) {
        if let Some((heard, when)) = self.own.heard {
            self.task.follower.handle_timeout(heard + when.elapsed());
        }
    }

    async fn calls_timed_out(&mut self) {
        self.calls_timeout();
        self.keep().await;
    }

    /// When something is due in the call logic.
    fn calls_due(&self) -> Option<Instant> {
        let (heard, when) = self.own.heard?;
        Some(when + self.task.follower.next_deadline()?.since(heard))
    }

    fn due(&self) -> Option<Instant> {
        let session = self.task.session.next_deadline().map(clock::instant);
        [session, self.calls_due(), self.own.heartbeat_at].into_iter().flatten().min()
    }

    fn enter(&self, state: LinkState) {
        self.task.status.enter(state, clock::wall());
    }
}

fn now(at: Instant) -> Now {
    let ago = i64::try_from(at.elapsed().as_micros()).unwrap_or(0);
    Now { monotonic: clock::monotonic(at), wall_micros: clock::wall().0 - ago }
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

async fn ended(draining: &mut tokio::task::JoinHandle<End>) -> Lost {
    match draining.await {
        Ok(End::Closed | End::Unwanted) | Err(_) => LinkFailure::Closed.into(),
        Ok(End::Full) => LinkFailure::TooFarBehind.into(),
        Ok(End::Broken(error)) => LinkFailure::broken(&error).into(),
    }
}
