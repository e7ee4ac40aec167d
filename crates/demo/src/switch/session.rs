//! One connection of a client: reads its commands, writes answers and the events it asked for.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};

use super::acts::{After, Client, answer};
use super::{Inner, Mode};
use crate::audience::Said;

/// Messages that wait for one client.
const SESSION_QUEUE: usize = 1024;
/// The longest command taken; a client that sends more is disconnected.
const COMMAND_BYTES_MAX: usize = 64 * 1024;

/// Why a session ends; nobody needs to know more.
struct Over;

struct Session {
    switch: Arc<Inner>,
    number: u64,
    stream: TcpStream,
    mode: watch::Receiver<Mode>,
    /// The cuts there had been when the connection was made.
    cuts: u64,
    client: Client,
    unread: Vec<u8>,
}

/// Serves one connection until either side closes it.
pub(super) async fn serve(switch: Arc<Inner>, number: u64, stream: TcpStream) {
    let (tell, mut told) = mpsc::channel(SESSION_QUEUE);
    let mode = switch.mode.subscribe();
    let cuts = mode.borrow().cuts;
    let client = Client::default();
    let mut session =
        Session { switch: Arc::clone(&switch), number, stream, mode, cuts, client, unread: Vec::new() };
    let _ = session.run(&tell, &mut told).await;
    switch.forget(number);
}

impl Session {
    async fn run(&mut self, tell: &mpsc::Sender<Said>, told: &mut mpsc::Receiver<Said>) -> Result<(), Over> {
        if self.switch.options.refuses {
            let words = b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n";
            let _ = self.write(words).await;
            return Err(Over);
        }
        self.write(b"Content-Type: auth/request\n\n").await?;
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

    /// A frozen one neither reads nor writes, and keeps the connection.
    async fn while_frozen(&mut self) -> Result<(), Over> {
        let cuts = self.cuts;
        let mode = self.mode.wait_for(|mode| !mode.frozen || mode.cuts != cuts).await.map_err(|_| Over)?;
        if mode.cuts == cuts { Ok(()) } else { Err(Over) }
    }

    /// Writes all of it, unless the connection is cut meanwhile.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Over> {
        let (mut mode, cuts) = (self.mode.clone(), self.cuts);
        tokio::select! {
            biased;
            _ = mode.wait_for(|mode| mode.cuts != cuts) => Err(Over),
            written = self.stream.write_all(bytes) => written.map_err(|_| Over),
        }
    }

    async fn hear(&mut self, said: &Said) -> Result<(), Over> {
        if self.client.hears(said) { self.write(&said.bytes).await } else { Ok(()) }
    }

    /// Answers every whole command that has come.
    async fn act(&mut self, tell: &mpsc::Sender<Said>, told: &mut mpsc::Receiver<Said>) -> Result<(), Over> {
        while let Some(end) = self.unread.windows(2).position(|two| two == b"\n\n") {
            let command = String::from_utf8_lossy(&self.unread[..end]).into_owned();
            self.unread.drain(..end + 2);
            let (bytes, after) = self.answer(command.trim(), told).await?;
            self.write(&bytes).await?;
            match after {
                After::GoOn => {}
                After::Close => return Err(Over),
                After::Listens => self.switch.subscribe(self.number, tell.clone()),
            }
        }
        if self.unread.len() > COMMAND_BYTES_MAX { Err(Over) } else { Ok(()) }
    }

    /// What was said before is told before.
    async fn answer(
        &mut self,
        command: &str,
        told: &mut mpsc::Receiver<Said>,
    ) -> Result<(Vec<u8>, After), Over> {
        loop {
            while let Ok(said) = told.try_recv() {
                self.hear(&said).await?;
            }
            let state = self.switch.state();
            if told.is_empty() {
                return Ok(answer(&self.switch.options, &state, &mut self.client, command));
            }
        }
    }
}
