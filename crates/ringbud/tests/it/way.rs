//! The way from a gateway to the engine's sockets, which can be cut, and which can lose answers; and to a PBX.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use journal::conformance::engine::Engine;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    Open,
    /// Half open: nobody is told that nothing comes through any more.
    Cut,
    /// Of so many answers one does not come through, and its connection breaks; what was asked was done.
    Loses(u32),
}

/// The way.
pub(crate) struct Way {
    passage: watch::Sender<Passage>,
    there: String,
    here: PathBuf,
}

impl Way {
    /// From this folder to all servers of an engine.
    pub(crate) fn lay(engine: &Engine, folder: &Path) -> Self {
        let url = engine.url("any");
        let there = url.strip_prefix("host=").unwrap().split([',', ' ']).next().unwrap().to_owned();
        let (passage, open) = watch::channel(Passage::Open);
        for server in &engine.servers {
            let name = format!(".s.PGSQL.{}", server.port());
            let listener = UnixListener::bind(folder.join(&name)).unwrap();
            tokio::spawn(serve(listener, Path::new(&there).join(&name), open.clone()));
        }
        Self { passage, there, here: folder.to_owned() }
    }

    /// The same connection string, over this way.
    pub(crate) fn over(&self, url: &str) -> String {
        url.replace(&self.there, &self.here.display().to_string())
    }

    pub(crate) fn becomes(&self, passage: Passage) {
        self.passage.send_replace(passage);
    }
}

async fn serve(listener: UnixListener, there: PathBuf, passage: watch::Receiver<Passage>) {
    loop {
        let (near, _) = listener.accept().await.unwrap();
        tokio::spawn(carry(near, there.clone(), passage.clone()));
    }
}

async fn carry(near: UnixStream, there: PathBuf, mut passage: watch::Receiver<Passage>) {
    let is_cut = |passage: &Passage| *passage == Passage::Cut;
    if is_cut(&passage.borrow()) {
        let _ = passage.wait_for(|passage| !is_cut(passage)).await;
        return;
    }
    // A server that is down refuses, and so does the way.
    let Ok(far) = UnixStream::connect(there).await else { return };
    let (mut asks, mut gets) = near.into_split();
    let (mut answers, mut takes) = far.into_split();
    let loses = passage.clone();
    let back = async {
        let mut bytes = vec![0; 65_536];
        loop {
            let Ok(many @ 1..) = answers.read(&mut bytes).await else { return };
            if let Passage::Loses(of) = *loses.borrow()
                && rand_below(of) == 0
            {
                return;
            }
            if gets.write_all(&bytes[..many]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = back => return,
        _ = tokio::io::copy(&mut asks, &mut takes) => return,
        _ = passage.wait_for(is_cut) => {}
    }
    let _ = passage.wait_for(|passage| !is_cut(passage)).await;
}

/// Which answers are lost is no more foretold than when they come.
fn rand_below(below: u32) -> u32 {
    use std::hash::{BuildHasher as _, RandomState};
    u32::try_from(RandomState::new().hash_one(0) % u64::from(below)).unwrap()
}

/// How the way from a gateway to a PBX is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PbxPassage {
    Open,
    /// What is connected is reset, and nobody is let in.
    Reset,
    /// Nothing comes through, and nobody is told so.
    Silent,
}

/// The way from one gateway to a PBX.
pub(crate) struct PbxWay {
    passage: watch::Sender<PbxPassage>,
    pub(crate) address: SocketAddr,
}

impl PbxWay {
    pub(crate) async fn lay(to: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (passage, open) = watch::channel(PbxPassage::Open);
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                tokio::spawn(pass(near, to, open.clone()));
            }
        });
        Self { passage, address }
    }

    pub(crate) fn becomes(&self, passage: PbxPassage) {
        self.passage.send_replace(passage);
    }
}

async fn pass(mut near: TcpStream, to: SocketAddr, mut passage: watch::Receiver<PbxPassage>) {
    let at_first = *passage.borrow();
    if at_first == PbxPassage::Open {
        let Ok(mut far) = TcpStream::connect(to).await else { return };
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut near, &mut far) => return,
            _ = passage.wait_for(|passage| *passage != PbxPassage::Open) => {}
        }
        let now = *passage.borrow();
        if now == PbxPassage::Silent {
            let _ = passage.wait_for(|passage| *passage != PbxPassage::Silent).await;
        }
    } else if at_first == PbxPassage::Silent {
        let _ = passage.wait_for(|passage| *passage != PbxPassage::Silent).await;
    }
    // What is dropped so is reset, and not closed.
    let _ = near.set_zero_linger();
}
