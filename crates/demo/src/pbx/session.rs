//! One connection of a client: reads its actions, writes answers and the events it may hear.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};

use super::actions::{After, answer};
use super::login::Login;
use super::message::Headers;
use super::{Inner, Mode};
use crate::audience::Said;

/// Messages that wait for one client. Asterisk has no such limit; a client that does not read for
/// [`super::WRITE_TIMEOUT`] is disconnected there too.
pub(super) const SESSION_QUEUE: usize = 1024;

/// The longest action taken; a client that sends more is disconnected.
const ACTION_BYTES_MAX: usize = 64 * 1024;

/// Why a session ends; nobody needs to know more.
struct Over;

struct Session {
    pbx: Arc<Inner>,
    number: u64,
    stream: TcpStream,
    mode: watch::Receiver<Mode>,
    /// The cuts there had been when the connection was made.
    cuts: u64,
    login: Login,
    unread: Vec<u8>,
}

/// Serves one connection until either side closes it.
pub(super) async fn serve(pbx: Arc<Inner>, number: u64, stream: TcpStream) {
    let (tell, mut told) = mpsc::channel(SESSION_QUEUE);
    let mode = pbx.mode.subscribe();
    let cuts = mode.borrow().cuts;
    let (login, unread) = (Login::new(number), Vec::new());
    let mut session = Session { pbx: Arc::clone(&pbx), number, stream, mode, cuts, login, unread };
    let _ = session.run(&tell, &mut told).await;
    pbx.forget(number);
}

impl Session {
    async fn run(&mut self, tell: &mpsc::Sender<Said>, told: &mut mpsc::Receiver<Said>) -> Result<(), Over> {
        let greeting = self.pbx.options.greeting.clone();
        self.write(greeting.as_bytes()).await?;
        let mut buffer = vec![0; 4096];
        loop {
            self.while_frozen().await?;
            tokio::select! {
                biased;
                changed = self.mode.changed() => changed.map_err(|_| Over)?,
                said = told.recv() => if let Some(said) = said {
                    self.hear(&said).await?;
                },
                read = self.stream.read(&mut buffer) => match read {
                    Ok(length) if length > 0 => {
                        self.unread.extend_from_slice(&buffer[..length]);
                        self.act(tell, told).await?;
                    }
                    Ok(_) | Err(_) => return Err(Over),
                },
            }
        }
    }

    /// A frozen PBX neither reads nor writes, and keeps the connection.
    async fn while_frozen(&mut self) -> Result<(), Over> {
        let cuts = self.cuts;
        let mode = self.mode.wait_for(|mode| !mode.frozen || mode.cuts != cuts).await.map_err(|_| Over)?;
        if mode.cuts == cuts { Ok(()) } else { Err(Over) }
    }

    /// Writes all of it, unless the connection is cut meanwhile. A freeze lets what has begun go on.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Over> {
        let (mut mode, cuts) = (self.mode.clone(), self.cuts);
        tokio::select! {
            biased;
            _ = mode.wait_for(|mode| mode.cuts != cuts) => Err(Over),
            written = self.stream.write_all(bytes) => written.map_err(|_| Over),
        }
    }

    async fn hear(&mut self, said: &Said) -> Result<(), Over> {
        if self.login.hears(said) { self.write(&said.bytes).await } else { Ok(()) }
    }

    /// Answers every whole action that has come.
    async fn act(&mut self, tell: &mpsc::Sender<Said>, told: &mut mpsc::Receiver<Said>) -> Result<(), Over> {
        while let Some(end) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
            let action = String::from_utf8_lossy(&self.unread[..end]).into_owned();
            self.unread.drain(..end + 4);
            let (bytes, after) = self.answer(&action, told).await?;
            self.write(&bytes).await?;
            match after {
                After::GoOn => {}
                After::Close => return Err(Over),
                After::LoggedIn => self.logged_in(tell).await?,
            }
        }
        if self.unread.len() > ACTION_BYTES_MAX { Err(Over) } else { Ok(()) }
    }

    /// What was said before is told before.
    async fn answer(
        &mut self,
        action: &str,
        told: &mut mpsc::Receiver<Said>,
    ) -> Result<(Vec<u8>, After), Over> {
        loop {
            while let Ok(said) = told.try_recv() {
                self.hear(&said).await?;
            }
            let state = self.pbx.state();
            if told.is_empty() {
                return Ok(answer(&self.pbx.options, &state, &mut self.login, Headers(action)));
            }
        }
    }

    async fn logged_in(&mut self, tell: &mpsc::Sender<Said>) -> Result<(), Over> {
        let booted = self.pbx.subscribe(self.number, tell.clone());
        match booted {
            Some(said) if self.login.hears(&said) => self.write(&said.bytes).await,
            Some(_) | None => Ok(()),
        }
    }
}
