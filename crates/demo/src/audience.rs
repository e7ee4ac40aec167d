//! Those who listen to a PBX, and what it says to them: to each in the order in which it happens.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};

/// A client that does not take an event for so long is disconnected.
pub(crate) const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// Something the PBX says.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) bytes: Bytes,
    /// What of its text decides who hears it; `None` for what a test says: everybody hears it as it is.
    pub(crate) event: Option<Arc<str>>,
}

/// Those who listen, by the numbers of their connections.
#[derive(Clone, Debug)]
pub(crate) struct Audience {
    sessions: Vec<(u64, mpsc::Sender<Said>)>,
    many: watch::Sender<usize>,
}

/// Room for one thing that is said, at each of them; and those who made none in time.
pub(crate) struct Room {
    made: Vec<(u64, mpsc::OwnedPermit<Said>)>,
    deaf: Vec<u64>,
}

impl Default for Audience {
    fn default() -> Self {
        Self { sessions: Vec::new(), many: watch::Sender::new(0) }
    }
}

impl Audience {
    /// How many there are.
    pub(crate) fn many(&self) -> watch::Receiver<usize> {
        self.many.subscribe()
    }

    pub(crate) fn joins(&mut self, number: u64, tell: mpsc::Sender<Said>) {
        self.sessions.retain(|(session, _)| *session != number);
        self.sessions.push((number, tell));
        self.many.send_replace(self.sessions.len());
    }

    pub(crate) fn leaves(&mut self, number: u64) {
        self.sessions.retain(|(session, _)| *session != number);
        self.many.send_replace(self.sessions.len());
    }

    /// They are told nothing more; each leaves when its connection ends.
    pub(crate) fn is_cut(&mut self) {
        self.sessions.clear();
    }

    /// To a copy of it: says something that did not happen. Waits for whose queue is full, however long.
    pub(crate) async fn say(&self, said: Said) {
        for (_, session) in &self.sessions {
            let _ = session.send(said.clone()).await;
        }
    }

    /// To a copy of it: waits for room at each, so long or however long.
    pub(crate) async fn room(self, within: Option<Duration>) -> Room {
        let mut room = Room { made: Vec::new(), deaf: Vec::new() };
        for (number, session) in self.sessions {
            let made = match within {
                Some(within) => tokio::time::timeout(within, session.reserve_owned()).await.ok(),
                None => Some(session.reserve_owned().await),
            };
            match made {
                Some(Ok(permit)) => room.made.push((number, permit)),
                Some(Err(_)) | None => room.deaf.push(number),
            }
        }
        room
    }

    /// Under the lock that what happens is played under, and lists are made under: nobody hears of it in another order,
    /// nor has a list before it.
    pub(crate) fn hear(&mut self, room: Room, said: &Said) {
        let Room { made, deaf } = room;
        let has_room = |number: &u64| made.iter().any(|(other, _)| other == number);
        for (_, session) in self.sessions.iter().filter(|(number, _)| !has_room(number)) {
            // It has come meanwhile.
            let _ = session.try_send(said.clone());
        }
        for (_, permit) in made {
            permit.send(said.clone());
        }
        deaf.into_iter().for_each(|number| self.leaves(number));
    }
}
