//! A FreeSWITCH to a client's eyes: a server that speaks the event socket on loopback.
//!
//! It owns the conversation (password, subscription, filters, lists of the channels that live) and every way in
//! which a FreeSWITCH can misbehave. What it plays comes from [`play`], or from a test, byte for byte.

mod acts;
mod load;
mod play;
mod recording;
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

pub use load::SwitchLoad;
pub use play::{ActPlan, known, play};

use crate::audience::{Audience, Said, WRITE_TIMEOUT};
use world::World;

/// Connections at a time; more are closed at once.
const SESSIONS_MAX: usize = 64;

/// What kind of FreeSWITCH it is.
#[derive(Clone, Debug)]
pub struct SwitchOptions {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The password of `event_socket.conf.xml`.
    pub password: String,
    /// Whether `apply-inbound-acl` keeps everybody out.
    pub refuses: bool,
    /// The version in `status`.
    pub version: String,
    /// Commands the login may not give, by how they begin (`api show`, `filter`).
    pub denied: Vec<String>,
    /// Whether phones and gateway are registered.
    pub at_home: bool,
    /// Variables that are set for all channels (`vars.xml`).
    pub globals: Vec<(String, String)>,
}

impl Default for SwitchOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            password: "ClueCon".to_owned(),
            refuses: false,
            version: "1.11.1-release".to_owned(),
            denied: Vec::new(),
            at_home: true,
            globals: Vec::new(),
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

/// A running FreeSWITCH. It stops when dropped.
#[derive(Debug)]
pub struct Switch {
    address: SocketAddr,
    inner: Arc<Inner>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Inner {
    options: SwitchOptions,
    mode: watch::Sender<Mode>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    world: World,
    audience: Audience,
    /// Counts the starts: part of `Core-UUID`.
    starts: u64,
}

impl Switch {
    /// Starts listening.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(options: SwitchOptions) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let state = State { world: World::default(), audience: Audience::default(), starts: 1 };
        let inner =
            Arc::new(Inner { options, mode: watch::Sender::new(Mode::default()), state: Mutex::new(state) });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&inner)));
        Ok(Self { address, inner, accepting })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until so many clients are logged in and have asked for events.
    pub async fn clients(&self, count: usize) {
        let mut clients = self.inner.state().audience.many();
        let _ = clients.wait_for(|clients| *clients == count).await;
    }

    /// Says `bytes` to every client that has asked for events, as they are: whole messages, half a line, a wrong
    /// length, ten megabytes of nothing. Waits for a client whose queue is full, however long.
    pub async fn say(&self, bytes: impl Into<Bytes>) {
        let said = Said { bytes: bytes.into(), event: None };
        let audience = self.inner.state().audience.clone();
        audience.say(said).await;
    }

    /// An event happens: every client that asked for such hears it, and who asks later finds the channels it
    /// left behind. `lines` are its headers.
    pub async fn happens(&self, lines: &str) {
        let audience = self.inner.state().audience.clone();
        let room = audience.room(Some(WRITE_TIMEOUT)).await;
        let mut state = self.inner.state();
        let lines = format!("{}\nCore-UUID: {}\n\n", lines.trim_end(), state.core_uuid());
        state.world.hear(&lines);
        let bytes = format!("Content-Length: {}\nContent-Type: text/event-plain\n\n{lines}", lines.len())
            .into_bytes();
        state.audience.hear(room, &Said { bytes: bytes.into(), event: Some(lines.into()) });
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

    /// It is killed and starts again: connections are closed, all channels are gone, `Core-UUID` is another.
    pub fn restart(&self) {
        {
            let mut state = self.inner.state();
            state.world = World::default();
            state.starts += 1;
        }
        self.cut();
    }

    /// How many channels live now.
    pub fn channels(&self) -> usize {
        self.inner.state().world.len()
    }

    /// Which start of it this is.
    pub fn core_uuid(&self) -> String {
        self.inner.state().core_uuid()
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl State {
    fn core_uuid(&self) -> String {
        format!("c0de0000-0000-4000-8000-{:012x}", self.starts)
    }
}

impl Inner {
    /// The state. A panic elsewhere does not make a play unplayable.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on the session hears what is said.
    fn subscribe(&self, number: u64, tell: mpsc::Sender<Said>) {
        self.state().audience.joins(number, tell);
    }

    fn forget(&self, number: u64) {
        self.state().audience.leaves(number);
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
