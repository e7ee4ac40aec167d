//! Who plays: three PBXs, the receiver, the data folder, and the gateway's lives.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calls::{
    AccountId, CallId, Direction, EndReason, Ended, Event, EventKind, LegId, PbxName, PbxTime, Phone, What,
};
use demo::load::{Load, LoadOptions};
use demo::pbx::{Pbx, PbxOptions};
use demo::player::{PlayOptions, play};
use journal::conformance::engine::Engine;
use journal::postgres::{Options, Postgres};
use journal::seal::Sealer;
use journal::{Access, Append, Grant, Journal, Sqlite, WallTime};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::beneath::{Beneath, Strike};
use super::life::{Life, Words, said};
use super::played::Played;
use super::rng::Rng;
use super::told::Told;
use crate::bed::{patiently, ringbud};
use crate::way::{Passage, Way};

/// Calls of the two PBXs whose every call is known: how many ring and talk at a time, and how many begin at
/// a tick at most. The first one's calls live within a life, the other's across several.
const LOADS: [(&str, usize, u64); 2] = [("pbx1", 2, 3), ("pbx2", 25, 1)];
/// The PBX that plays recordings of every shape of call.
const SHAPES: &str = "pbx3";
/// Between two ticks of a load.
const TICK_MS: u64 = 60;
/// How fast the recordings are played.
const SPEED: f64 = 12.0;
/// Accounts of the loads, `1000` and on; the recordings play in some of them.
const ACCOUNTS: usize = 4;
/// Legs of old that are put into the journal at once, to be forgotten by the next life.
const OLD_LEGS: u32 = 1_200;

/// Everything but the gateway.
pub(super) struct Stage {
    folder: tempfile::TempDir,
    pbxs: Vec<Arc<Pbx>>,
    pub(super) played: Arc<Played>,
    pub(super) told: Told,
    /// The last lines of the last life's log.
    words: Words,
    seed: u64,
    old_legs: Mutex<u32>,
    /// What the store stands on, if it is no file.
    beneath: Option<Mutex<Beneath>>,
    /// The way to it, where it can be cut.
    way: Option<Way>,
    /// Whether several gateways have shared it.
    is_shared: AtomicBool,
}

/// The database on it.
const DATABASE: &str = "calls";
/// What the key is made of there.
const KEY: &str = "the kills' own key";

/// The PBXs at play.
pub(super) struct Feeding {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Stage {
    pub(super) async fn set(seed: u64, beneath: Option<Beneath>) -> Self {
        if let Some(beneath) = &beneath {
            beneath.database(DATABASE);
        }
        let mut pbxs = Vec::new();
        for _ in 0..=LOADS.len() {
            pbxs.push(Arc::new(Pbx::start(PbxOptions::default()).await.unwrap()));
        }
        let stage = Self {
            folder: tempfile::tempdir().unwrap(),
            pbxs,
            played: Arc::default(),
            told: Told::start(seed).await,
            words: Words::default(),
            seed,
            old_legs: Mutex::default(),
            beneath: beneath.map(Mutex::new),
            way: None,
            is_shared: AtomicBool::new(false),
        };
        std::fs::write(stage.folder.path().join("key"), KEY).unwrap();
        std::fs::write(stage.config(), stage.configuration()).unwrap();
        stage.integrate().await;
        stage
    }

    /// The same, and the gateways reach the engine over a way that can be cut.
    pub(super) async fn set_beyond_a_way(seed: u64, engine: Engine) -> Self {
        let stage = Self::set(seed, Some(Beneath::Engine(engine))).await;
        let way = stage.with_engine(|engine| Way::lay(engine, stage.folder.path()));
        Self { way: Some(way), ..stage }
    }

    /// Does something to the engine the store stands on.
    pub(super) fn with_engine<T>(&self, act: impl FnOnce(&mut Engine) -> T) -> T {
        match &mut *self.beneath.as_ref().unwrap().lock().unwrap() {
            Beneath::Engine(engine) => act(engine),
            Beneath::Patroni(_) => panic!("Patroni looks after it"),
        }
    }

    pub(super) fn way_becomes(&self, passage: Passage) {
        self.way.as_ref().unwrap().becomes(passage);
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("ringbud.toml")
    }

    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn configuration(&self) -> String {
        let mut text = r#"
data_dir = "data"
[http]
listen = "127.0.0.1:0"
[log]
format = "json"
level = "info,ringbud::gateway=debug"
[keep]
days = 1
[outgoing]
allow = ["127.0.0.0/8"]
"#
        .to_owned();
        if let Some(beneath) = &self.beneath {
            let beneath = beneath.lock().unwrap();
            let direct = beneath.url(DATABASE);
            let journal = format!(
                "[journal]\nurl = \"{}\"\nallow_unreplicated = {}\n",
                self.way.as_ref().map_or(direct.clone(), |way| way.over(&direct)),
                !beneath.is_replicated()
            );
            text = format!("secret_key_file = \"key\"\n{text}{journal}");
        }
        let names = LOADS.iter().map(|(name, ..)| *name).chain([SHAPES]);
        for (name, pbx) in names.zip(&self.pbxs) {
            text += &format!(
                "[[pbx]]\nname = \"{name}\"\nkind = \"asterisk\"\naddress = \"{}\"\nusername = \"ringbud\"\n\
                 secret = \"ringbud\"\n[[pbx.phones]]\nendpoint = 'PJSIP/(?<account>\\d+)-(?<phone>\\d+)'\n",
                pbx.address()
            );
        }
        text
    }

    /// All accounts have an integration that tells everything; most have one URL for all events.
    async fn integrate(&self) {
        let file = self.folder.path().join("integration.json");
        let patience = r#""retry": {"incoming_secs": 3600}, "extras": true, "time_format": "unix_ms", "body_format": "json""#;
        let of_loads = (1_000..1_000 + ACCOUNTS).map(|account| account.to_string());
        let of_shapes = demo::cast::ACCOUNTS.iter().map(|account| account.id.to_owned());
        for (number, account) in of_loads.chain(of_shapes).enumerate() {
            let url = |kind: &str| {
                let path = if number == 0 { format!("/{account}/{kind}") } else { format!("/{account}") };
                self.told.url(&path)
            };
            let json = format!(
                r#"{{"incoming_url": "{}", "answered_url": "{}", "outgoing_url": "{}", "ended_url": "{}", {patience}}}"#,
                url("incoming"),
                url("answered"),
                url("outgoing"),
                url("ended")
            );
            std::fs::write(&file, json).unwrap();
            let config = self.config();
            let config = config.to_str().unwrap();
            let commands: [&[&str]; 2] = [
                &["account", "--config", config, "set", &account, "--name", "Firma"],
                &["integration", "--config", config, "set", &account, "--json", file.to_str().unwrap()],
            ];
            for command in commands {
                let done = ringbud(command).await;
                assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            }
        }
    }

    /// The PBXs begin, and go on whether anybody listens or not.
    pub(super) fn play(&self) -> Feeding {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = Vec::new();
        for (load, pbx) in LOADS.into_iter().zip(&self.pbxs) {
            tasks.push(tokio::spawn(feed(
                load,
                self.seed,
                pbx.clone(),
                self.played.clone(),
                stopped.clone(),
            )));
        }
        let (pbx, mut stopped, seed) = (self.pbxs[LOADS.len()].clone(), stopped.clone(), self.seed);
        tasks.push(tokio::spawn(async move {
            let options = PlayOptions { seed, speed: SPEED, ..PlayOptions::default() };
            let (begun, _begins) = mpsc::channel(1);
            tokio::select! {
                _ = play(&pbx, options, begun) => {}
                _ = stopped.wait_for(|stopped| *stopped) => {}
            }
        }));
        Feeding { stop, tasks }
    }

    /// All calls of the loads end; the PBX of the recordings is restarted, which ends its calls too.
    pub(super) async fn fall_silent(&self, feeding: Feeding) {
        feeding.stop.send_replace(true);
        for task in feeding.tasks {
            patiently("the PBXs to end their calls", task).await.unwrap();
        }
        self.played.is_silent();
        self.pbxs[LOADS.len()].restart();
    }

    /// A new life of the gateway.
    pub(super) fn live(&self) -> Life {
        self.words.lock().unwrap().clear();
        Life::begin(&self.config(), self.played.clone(), self.words.clone())
    }

    /// The same on one of two machines, so to speak, as one that stands by where the other has the store.
    pub(super) fn live_on(&self, machine: usize) -> Life {
        self.live_as(machine, "stand_by")
    }

    /// As one of those that share the PBXs.
    pub(super) fn share_on(&self, machine: usize) -> Life {
        self.is_shared.store(true, Ordering::Relaxed);
        self.live_as(machine, "share_pbxs")
    }

    fn live_as(&self, machine: usize, how: &str) -> Life {
        let file = self.folder.path().join(format!("ringbud{machine}.toml"));
        let text = self.configuration().replace("\"data\"", &format!("\"data{machine}\""));
        let journal = format!("[journal]\n{how} = true\nname = \"gw{machine}\"\n");
        std::fs::write(&file, text.replace("[journal]\n", &journal)).unwrap();
        let begin = if machine == 1 { Life::begin_beside } else { Life::begin };
        begin(&file, self.played.clone(), self.words.clone())
    }

    /// What waits still where several gateways share the store, of which no journal has all.
    pub(super) fn waits(&self) -> Vec<String> {
        let sql = "SELECT seq, integration FROM ringbud.pending";
        let said = self.with_engine(|engine| engine.servers[0].says(DATABASE, sql));
        said.lines().map(str::to_owned).collect()
    }

    /// What the last life said, as far as it is kept.
    pub(super) fn last_words(&self) -> String {
        said(&self.words)
    }

    /// The journal, between two lives.
    pub(super) async fn journal(&self) -> Box<dyn Journal> {
        let Some(beneath) = &self.beneath else { return Box::new(self.file()) };
        let target = beneath.lock().unwrap().target(DATABASE);
        let sealer = ringbud::key::Key::of_text(KEY).sealer();
        let options =
            Options { allow_unreplicated: true, patience: Duration::from_secs(30), ..Options::default() };
        if self.is_shared() {
            return Box::new(Postgres::open_beside(&target, sealer, options).await.unwrap());
        }
        Box::new(Postgres::open(&target, &self.data(), sealer, options).await.unwrap())
    }

    /// Whether several gateways share the store.
    pub(super) fn is_shared(&self) -> bool {
        self.is_shared.load(Ordering::Relaxed)
    }

    fn file(&self) -> Sqlite {
        let sealer = Sealer::from_key_file(&self.data().join("secret.key")).unwrap();
        Sqlite::open(&self.data(), Access::Gateway, sealer).unwrap()
    }

    /// Whether the store is whole, where that can be asked.
    pub(super) async fn check(&self) -> Result<(), journal::JournalError> {
        if self.beneath.is_some() { Ok(()) } else { self.file().check().await }
    }

    /// Whether it is no file that the store stands on.
    pub(super) fn has_engine(&self) -> bool {
        self.beneath.is_some()
    }

    /// What the store stands on is killed, and it or another is there again.
    pub(super) fn strike_beneath(&self, how: Strike) {
        let Some(beneath) = &self.beneath else { return };
        tokio::task::block_in_place(|| beneath.lock().unwrap().strike(how));
    }

    /// How long nobody took writes, where something looks after that.
    pub(super) fn of_beneath(&self) -> String {
        let beneath = self.beneath.as_ref().map(|beneath| beneath.lock().unwrap());
        match beneath.as_deref() {
            Some(Beneath::Patroni(cluster)) => format!("nobody took writes for {:.1?}", cluster.away),
            _ => String::new(),
        }
    }

    /// Puts legs into the journal that ended long ago: the next life has something to forget.
    pub(super) async fn grow_old(&self) {
        let journal = self.journal().await;
        let first = {
            let mut old_legs = self.old_legs.lock().unwrap();
            let first = *old_legs;
            *old_legs += OLD_LEGS;
            first
        };
        for legs in (first..first + OLD_LEGS).collect::<Vec<_>>().chunks(200) {
            journal.append(&legs.iter().copied().map(old_leg).collect::<Vec<_>>()).await.unwrap();
        }
    }
}

async fn feed(
    (name, spread, at_once): (&str, usize, u64),
    seed: u64,
    pbx: Arc<Pbx>,
    played: Arc<Played>,
    stopped: watch::Receiver<bool>,
) {
    let options = LoadOptions { accounts: ACCOUNTS, employees: 20, spread, stamped: true, seed };
    let (mut load, mut rng) = (Load::new(options), Rng::new(seed ^ 7));
    loop {
        let is_over = *stopped.borrow();
        pbx.happens(|now_us| {
            let mut bytes = Vec::new();
            if is_over {
                load.finish(now_us, &mut bytes);
            } else {
                (0..=rng.below(at_once + 1)).for_each(|_| load.call(now_us, &mut bytes));
            }
            let messages = String::from_utf8(bytes).unwrap();
            played.says(name, &messages);
            messages
        })
        .await;
        if is_over {
            return;
        }
        tokio::time::sleep(Duration::from_millis(rng.below(TICK_MS))).await;
    }
}

/// A whole leg of the year 2020, of an account that has no integration.
pub(crate) fn old_leg(number: u32) -> Append {
    let pbx = PbxName::new("pbx0");
    let at = PbxTime::from_secs(1_600_000_000 + i64::from(number));
    let id = format!("{}.{number}", 1_600_000_000);
    let event = |kind: EventKind| Event {
        leg: LegId::of(&pbx, &id),
        call: CallId::new(format!("pbx0-{id}")),
        sequence: if kind == EventKind::Incoming { 1 } else { 2 },
        phone: Arc::new(Phone { account: AccountId::new("999"), number: "101".into(), employee: None }),
        direction: Direction::Incoming,
        at,
        begun_at: at,
        waiting_since: None,
        counterpart: None,
        a_number: "4512345678".into(),
        b_number: "".into(),
        dialed_number: "".into(),
        queue: "".into(),
        assumed: false,
        what: match kind {
            EventKind::Ended => {
                What::Ended(Ended { answered_at: None, reason: EndReason::NoAnswer, transfer: None })
            }
            _ => What::Incoming,
        },
    };
    Append {
        grant: Grant::ALONE,
        pbx: pbx.clone(),
        events: [EventKind::Incoming, EventKind::Ended].map(|kind| (event(kind), Vec::new())).into(),
        notes: Vec::new(),
        heard_at: at,
        received_at: WallTime(at.as_micros()),
        age: Duration::ZERO,
    }
}

/// When a file was changed last, as far as the system tells.
pub(super) fn changed(file: &Path) -> Option<std::time::SystemTime> {
    std::fs::metadata(file).and_then(|about| about.modified()).ok()
}
