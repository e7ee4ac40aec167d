//! One life of the gateway: a process, and what it says of itself.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::played::Played;
use crate::bed::{PATIENCE, Signal, patiently, send};

/// How far a life has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// The process was started.
    Begun,
    /// Another has the store, and it waits for that one's end.
    StandsBy,
    /// What waited from the life before was read.
    Loaded,
    /// Everything is wired; the PBXs are being asked.
    Runs,
    /// All PBXs are followed.
    Followed,
}

/// PBXs there are.
const PBXS: usize = 3;
/// How it begins to say that a PBX is another's.
const NOT_ITS_OWN: [&str; 3] = [
    "another gateway has taken the PBX",
    "the PBX is handed over to another gateway",
    "this gateway listens to the PBX beside",
];
/// The last lines of its log that are kept.
const LINES_KEPT: usize = 60;

/// PBXs by how well a gateway has them.
#[derive(Debug, Default)]
struct Whole {
    could_have: BTreeSet<String>,
    has: BTreeSet<String>,
}

/// What was said last.
pub(super) type Words = Arc<Mutex<VecDeque<String>>>;

pub(super) struct Life {
    child: Child,
    standing: watch::Receiver<Standing>,
    /// How often its spool was merged.
    merges: watch::Receiver<usize>,
    /// The PBXs that it has, or could have at once and miss nothing, and those that it has; where several gateways share them.
    whole: watch::Receiver<Whole>,
    listening: JoinHandle<()>,
    words: Words,
}

impl Life {
    pub(super) fn begin(config: &Path, played: Arc<Played>, words: Words) -> Self {
        Self::begin_of(std::env::var_os("RINGBUD_KILLS_OF"), config, played, words)
    }

    /// The same of the program that shares the store with the one under test.
    pub(super) fn begin_beside(config: &Path, played: Arc<Played>, words: Words) -> Self {
        let beside = std::env::var_os("RINGBUD_KILLS_BESIDE");
        Self::begin_of(beside.or_else(|| std::env::var_os("RINGBUD_KILLS_OF")), config, played, words)
    }

    fn begin_of(program: Option<OsString>, config: &Path, played: Arc<Played>, words: Words) -> Self {
        let mut command = Command::new(program.unwrap_or_else(|| env!("CARGO_BIN_EXE_ringbud").into()));
        command.env_remove("RINGBUD_CONFIG").env_remove("RINGBUD_LOG").kill_on_drop(true);
        command.arg("serve").arg("--config").arg(config).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (tell, standing) = watch::channel(Standing::Begun);
        let (merged, merges) = watch::channel(0);
        let (tell_whole, whole) = watch::channel(Whole::default());
        let log = child.stderr.take().unwrap();
        let tell = Tell { standing: tell, merged, whole: tell_whole };
        let listening = tokio::spawn(listen(log, played, words.clone(), tell));
        Self { child, standing, merges, whole, listening, words }
    }

    /// Waits until it has, or could have, every PBX and miss nothing.
    pub(super) async fn is_whole(&self) {
        self.comes_to("could have all", |whole| whole.has.union(&whole.could_have).count() == PBXS).await;
    }

    /// Waits until all PBXs are its own.
    pub(super) async fn has_all(&self) {
        self.comes_to("has all", |whole| whole.has.len() == PBXS).await;
    }

    /// Waits until none is.
    pub(super) async fn has_none(&self) {
        self.comes_to("has none", |whole| whole.has.is_empty()).await;
    }

    /// The PBXs that are its own.
    pub(super) fn has(&self) -> BTreeSet<String> {
        self.whole.borrow().has.clone()
    }

    async fn comes_to(&self, what: &str, is: impl Fn(&Whole) -> bool) {
        let mut whole = self.whole.clone();
        let reached = whole.wait_for(|now| is(now));
        if !matches!(tokio::time::timeout(PATIENCE, reached).await, Ok(Ok(_))) {
            panic!(
                "waited in vain for a gateway that {what}; {:?}; last words:\n{}",
                self.whole.borrow(),
                said(&self.words)
            );
        }
    }

    /// It stands still from now on, or goes on.
    pub(super) fn stands_still(&self, still: bool) {
        send(if still { Signal::STOP } else { Signal::CONT }, self.child.id().unwrap());
    }

    /// Waits until it has come so far.
    pub(super) async fn reaches(&self, wanted: Standing) {
        let mut standing = self.standing.clone();
        let reached = standing.wait_for(|now| *now >= wanted);
        match tokio::time::timeout(PATIENCE, reached).await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => {
                panic!("the gateway ended by itself before it reached {wanted:?}:\n{}", said(&self.words))
            }
            Err(_) => panic!(
                "waited in vain for a gateway that reaches {wanted:?}; it stands at {:?}, and the machine at {}\n\
                 its threads:\n{}\nits last words:\n{}",
                *self.standing.borrow(),
                std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim(),
                self.threads(),
                said(&self.words),
            ),
        }
    }

    /// What each of its threads is at, as far as the system tells.
    fn threads(&self) -> String {
        let Some(process) = self.child.id() else { return "it has ended".to_owned() };
        let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
        let about = |task: std::fs::DirEntry| {
            let read = |of: &str| std::fs::read_to_string(task.path().join(of)).unwrap_or_default();
            let state = read("status").lines().find(|line| line.starts_with("State:")).map(str::to_owned);
            format!("{} {} in {}", read("comm").trim(), state.unwrap_or_default(), read("wchan"))
        };
        tasks.map(about).collect::<Vec<_>>().join("\n")
    }

    pub(super) fn standing(&self) -> Standing {
        *self.standing.borrow()
    }

    pub(super) fn merges(&self) -> usize {
        *self.merges.borrow()
    }

    /// Waits until its spool was merged once more than so often.
    pub(super) async fn merges_again(&self, than: usize) {
        let mut merges = self.merges.clone();
        let merged = merges.wait_for(|merges| *merges > than);
        if !matches!(tokio::time::timeout(PATIENCE, merged).await, Ok(Ok(_))) {
            panic!("waited in vain for the spool to be merged; last words:\n{}", said(&self.words));
        }
    }

    pub(super) fn ask_to_stop(&self) {
        send(Signal::TERM, self.child.id().unwrap());
    }

    /// Kills it, and reads what it had said. Whether it was still alive.
    pub(super) async fn die(mut self) -> bool {
        let ended = self.child.try_wait().unwrap();
        let _ = self.child.start_kill();
        patiently("its death", self.child.wait()).await.unwrap();
        patiently("its last words", self.listening).await.unwrap();
        assert!(ended.is_none_or(|status| status.success()), "the gateway ended by itself: {ended:?}");
        ended.is_none()
    }

    pub(super) async fn end_in_order(mut self) {
        self.ask_to_stop();
        let status = patiently("its end", self.child.wait()).await.unwrap();
        patiently("its last words", self.listening).await.unwrap();
        assert!(status.success(), "{status}");
    }
}

/// What its log is read for.
struct Tell {
    standing: watch::Sender<Standing>,
    merged: watch::Sender<usize>,
    whole: watch::Sender<Whole>,
}

/// Reads its log to the end.
async fn listen(log: ChildStderr, played: Arc<Played>, words: Words, tell: Tell) {
    let Tell { standing, merged, whole } = tell;
    let mut lines = BufReader::new(log).lines();
    let mut followed = 0;
    while let Ok(Some(line)) = lines.next_line().await {
        // The last line may be cut off.
        let Ok(said) = serde_json::from_str::<Value>(&line) else { continue };
        let word = |name: &str| said[name].as_str().unwrap_or_default();
        let message = word("message");
        if message == "event" {
            played.is_acknowledged(word("event_id"));
            continue;
        }
        if message.starts_with("what was kept in the spool is on PostgreSQL") {
            merged.send_modify(|merges| *merges += 1);
        }
        let pbx = || word("pbx").to_owned();
        whole.send_modify(|whole| match message {
            "this gateway has the PBX now" => whole.has.extend([pbx()]),
            "this gateway could have the PBX now and miss nothing" => whole.could_have.extend([pbx()]),
            _ if NOT_ITS_OWN.iter().any(|words| message.starts_with(words)) => {
                whole.has.remove(&pbx());
                whole.could_have.remove(&pbx());
            }
            _ => {}
        });
        let now = if message.starts_with("stands by") {
            Standing::StandsBy
        } else if message.starts_with("taken up from the last run") {
            Standing::Loaded
        } else if message.starts_with("ringbud runs") {
            Standing::Runs
        } else if message.starts_with("the PBX is followed") {
            played.is_followed(word("pbx"));
            followed += 1;
            if followed == PBXS { Standing::Followed } else { Standing::Begun }
        } else {
            Standing::Begun
        };
        standing.send_modify(|standing| *standing = (*standing).max(now));
        let mut words = words.lock().unwrap();
        if words.len() == LINES_KEPT {
            words.pop_front();
        }
        words.push_back(line);
    }
}

/// The words, a line each.
pub(super) fn said(words: &Words) -> String {
    words.lock().unwrap().iter().cloned().collect::<Vec<_>>().join("\n")
}
