//! A PBX to a client's eyes: a server that speaks AMI on loopback as Asterisk 22 does.
//!
//! It owns the conversation (login, rights, filters, answers, the channels that live) and every way in
//! which a PBX can misbehave. What it plays comes from [`crate::player`], or from a test, byte for byte.

mod actions;
mod filter;
mod lists;
mod login;
mod message;
mod rights;
mod session;
mod world;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

pub use lists::Channels;
pub use rights::Rights;

use crate::audience::{self, Audience, Room, Said};
use crate::clock;
use crate::part::{Counts, Part};
use message::Answer;
use world::World;

/// A client that does not take an event for so long is disconnected.
pub const WRITE_TIMEOUT: Duration = audience::WRITE_TIMEOUT;

/// Connections at a time; more are closed at once.
const SESSIONS_MAX: usize = 64;

/// A manager user, as in `manager.conf`.
#[derive(Clone)]
pub struct User {
    /// The name.
    pub name: String,
    /// The secret.
    pub secret: String,
    /// Which events it may hear.
    pub read: Rights,
    /// Which actions it may do.
    pub write: Rights,
}

impl User {
    /// The user that Ringbud's manual asks for.
    pub fn new(name: &str, secret: &str) -> Self {
        let (read, write) = (Rights::of("system,call,agent"), Rights::of("system,reporting"));
        Self { name: name.to_owned(), secret: secret.to_owned(), read, write }
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("name", &self.name)
            .field("read", &self.read)
            .field("write", &self.write)
            .finish_non_exhaustive()
    }
}

/// What kind of PBX it is.
#[derive(Clone, Debug)]
pub struct PbxOptions {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Who may log in.
    pub users: Vec<User>,
    /// The first line it sends.
    pub greeting: String,
    /// `AsteriskVersion`.
    pub version: String,
    /// `SystemName`; empty as in a stock configuration.
    pub system_name: String,
    /// Whether it is still booting: clients can log in, `FullyBooted` comes with [`Pbx::boot`].
    pub booting: bool,
    /// How far its clock is ahead of ours.
    pub clock_ahead: Duration,
    /// Which endpoints it lists; none: the phones of the play and a trunk.
    pub endpoints: Vec<Listed>,
}

impl PbxOptions {
    /// What its clock shows.
    fn now_us(&self) -> u64 {
        let ahead = u64::try_from(self.clock_ahead.as_micros()).unwrap_or(u64::MAX);
        clock::now_us().saturating_add(ahead)
    }
}

/// An endpoint as it is listed.
#[derive(Clone, Debug)]
pub struct Listed {
    /// With its technology: PJSIP or DAHDI.
    pub name: &'static str,
    /// Whether it is a provider's line: the PBX logs in there.
    pub is_line: bool,
}

impl Default for PbxOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            users: vec![User::new("ringbud", "ringbud")],
            greeting: "Asterisk Call Manager/11.0.0\r\n".to_owned(),
            version: "22.10.1".to_owned(),
            system_name: String::new(),
            booting: false,
            clock_ahead: Duration::ZERO,
            endpoints: Vec::new(),
        }
    }
}

/// What the connections do.
#[derive(Clone, Copy, Debug, Default)]
struct Mode {
    /// Neither read nor write.
    frozen: bool,
    /// Close, if this went up since the connection was made.
    cuts: u64,
}

/// A running PBX. It stops when dropped.
#[derive(Debug)]
pub struct Pbx {
    address: SocketAddr,
    inner: Arc<Inner>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Inner {
    options: PbxOptions,
    mode: watch::Sender<Mode>,
    /// Counts the restarts; a call of before is not played on.
    generation: watch::Sender<u64>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    world: World,
    counts: Counts,
    audience: Audience,
    started_us: u64,
    booted: bool,
}

impl Pbx {
    /// Starts listening.
    pub async fn start(options: PbxOptions) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let state = State {
            world: World::default(),
            counts: Counts::default(),
            audience: Audience::default(),
            started_us: clock::now_us(),
            booted: !options.booting,
        };
        let inner = Arc::new(Inner {
            options,
            mode: watch::Sender::new(Mode::default()),
            generation: watch::Sender::new(0),
            state: Mutex::new(state),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&inner)));
        Ok(Self { address, inner, accepting })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until so many clients are logged in.
    pub async fn clients(&self, count: usize) {
        let mut clients = self.inner.state().audience.many();
        let _ = clients.wait_for(|clients| *clients == count).await;
    }

    /// Says `bytes` to every client that is logged in, as they are: whole events, half a line, garbage,
    /// ten megabytes without a newline. Waits for a client whose queue is full, however long.
    pub async fn say(&self, bytes: impl Into<Bytes>) {
        let said = Said { bytes: bytes.into(), event: None };
        let audience = self.inner.state().audience.clone();
        audience.say(said).await;
    }

    /// What happens on this PBX, whoever listens, in whole messages that are made at that moment, by its clock: every client
    /// that is logged in hears them, as with [`Pbx::say`], and who asks later finds the channels they left behind.
    pub async fn happens(&self, messages: impl FnOnce(u64) -> String) {
        let room = self.inner.room(None).await;
        let mut state = self.inner.state();
        let now_us = self.inner.options.now_us();
        let messages = messages(now_us);
        for message in messages.split_inclusive("\r\n\r\n") {
            state.world.hear(message, now_us);
        }
        state.audience.hear(room, &Said { bytes: messages.into(), event: None });
    }

    /// Closes every connection without a word; clients may connect again.
    pub fn cut(&self) {
        self.inner.state().audience.is_cut();
        self.inner.mode.send_modify(|mode| mode.cuts += 1);
    }

    /// Stops reading and writing, and keeps the connections.
    pub fn freeze(&self) {
        self.inner.mode.send_modify(|mode| mode.frozen = true);
    }

    /// Ends a freeze.
    pub fn thaw(&self) {
        self.inner.mode.send_modify(|mode| mode.frozen = false);
    }

    /// Ends the booting: `FullyBooted` goes to all who are logged in.
    pub async fn boot(&self) {
        let (said, audience) = {
            let mut state = self.inner.state();
            state.booted = true;
            (self.inner.fully_booted(&state), state.audience.clone())
        };
        audience.say(said).await;
    }

    /// The PBX is killed and starts again: connections are closed without a `Hangup`, all channels are
    /// gone, the counts begin anew.
    pub fn restart(&self) {
        {
            let mut state = self.inner.state();
            state.world = World::default();
            state.counts = Counts::default();
            state.started_us = clock::now_us();
        }
        self.inner.generation.send_modify(|generation| *generation += 1);
        self.cut();
    }

    /// How many channels live now.
    pub fn channels(&self) -> usize {
        self.inner.state().world.counts().0
    }

    pub(crate) fn generation(&self) -> watch::Receiver<u64> {
        self.inner.generation.subscribe()
    }

    /// Plays the next step of a call to everybody who may hear it.
    pub(crate) async fn play(&self, part: &mut Part) {
        let mut event = String::with_capacity(1024);
        let room = self.inner.room(Some(WRITE_TIMEOUT)).await;
        let state = &mut *self.inner.state();
        let now_us = self.inner.options.now_us();
        part.play(now_us, &mut state.counts, &mut event);
        state.world.hear(&event, now_us);
        let event: Arc<str> = event.into();
        state
            .audience
            .hear(room, &Said { bytes: Bytes::copy_from_slice(event.as_bytes()), event: Some(event) });
    }
}

impl Drop for Pbx {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Inner {
    /// The state. A panic elsewhere does not make a play unplayable.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn room(&self, within: Option<Duration>) -> Room {
        let audience = self.state().audience.clone();
        audience.room(within).await
    }

    /// From now on the session hears what is said. `FullyBooted`, if it is time for that.
    fn subscribe(&self, number: u64, tell: mpsc::Sender<Said>) -> Option<Said> {
        let mut state = self.state();
        state.audience.joins(number, tell);
        state.booted.then(|| self.fully_booted(&state))
    }

    fn forget(&self, number: u64) {
        self.state().audience.leaves(number);
    }

    fn fully_booted(&self, state: &State) -> Said {
        let uptime = self.options.now_us().saturating_sub(state.started_us) / 1_000_000;
        let mut message = Answer::default();
        message.header("Event", "FullyBooted").header("Privilege", "system,all").header("Uptime", uptime);
        message.header("LastReload", uptime).header("Status", "Fully Booted").end();
        let bytes = message.into_bytes();
        Said { event: Some(String::from_utf8_lossy(&bytes).into()), bytes: bytes.into() }
    }
}

async fn accept(listener: TcpListener, inner: Arc<Inner>) {
    let mut sessions = JoinSet::new();
    let mut number = 0;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if sessions.len() < SESSIONS_MAX => {
                    number += 1;
                    sessions.spawn(take(Arc::clone(&inner), number, stream));
                }
                Ok(_) => {}
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = sessions.join_next(), if !sessions.is_empty() => {}
        }
    }
}

async fn take(inner: Arc<Inner>, number: u64, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    session::serve(inner, number, stream).await;
}
