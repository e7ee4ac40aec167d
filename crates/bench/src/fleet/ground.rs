//! An engine, gateways that share it, PBXs they follow: and one gateway with a store of its own, alike.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use demo::load::{Load, LoadOptions, feed};
use demo::pbx::Pbx;
use tempfile::TempDir;

use crate::clock;
use crate::gateway::{self, A_CALL, EMPLOYEES, Gateway, Program};
use crate::receiver::Receiver;

use super::primary::{Primary, stat};

/// Accounts that are called, all with the same receiver.
const ACCOUNTS: usize = 10;
/// Before the clock runs, of each PBX.
const WARM_UP_CALLS: usize = 300;
/// Whose parts of the store have not moved for so long have them for good: longer than one that joins listens first.
const SETTLED: Duration = Duration::from_secs(9);
/// How soon the engine tells what it counted.
const SOON_TOLD: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(120);

/// What is measured.
pub(super) struct Case {
    pub(super) gateways: usize,
    pub(super) pbxs: usize,
    pub(super) calls: usize,
    /// Events a second of all PBXs together; none: as fast as they are taken.
    pub(super) pace: Option<f64>,
}

/// What was seen.
pub(super) struct Seen {
    pub(super) rate: f64,
    /// Rows that shared a commit of the engine: a delivery is written twice, with its event and with its outcome. Pulses of
    /// the links are commits as well, where nothing else is under way.
    pub(super) a_commit: f64,
    /// The engine's processor time a delivery.
    pub(super) primary_us: f64,
    /// The gateways'.
    pub(super) gateway_us: f64,
    /// The receiver's and the PBXs', which share the gateways' core.
    pub(super) beside_us: f64,
}

/// Everything that runs for one measurement. It ends with it.
pub(super) struct Ground {
    primary: Primary,
    pbxs: Vec<Pbx>,
    gateways: Vec<Gateway>,
    _folder: TempDir,
}

impl Ground {
    /// One gateway that keeps its store in its folder.
    pub(super) async fn embedded(
        program: &Program,
        receiver: &Receiver,
        pbxs: usize,
    ) -> anyhow::Result<Self> {
        let case = Case { gateways: 1, pbxs, calls: 0, pace: None };
        Self::lay(program, receiver, &case, Primary::none()).await
    }

    /// Gateways on a PostgreSQL that is made for them; several share the PBXs.
    pub(super) async fn on_postgresql(
        program: &Program,
        receiver: &Receiver,
        case: &Case,
    ) -> anyhow::Result<Self> {
        Self::lay(program, receiver, case, Primary::start()?).await
    }

    async fn lay(
        program: &Program,
        receiver: &Receiver,
        case: &Case,
        primary: Primary,
    ) -> anyhow::Result<Self> {
        let folder = program.folder()?;
        let mut pbxs = Vec::new();
        for _ in 0..case.pbxs {
            pbxs.push(gateway::pbx().await?);
        }
        std::fs::write(folder.path().join("key"), "a key of the benchmark's")?;
        let configs: Vec<PathBuf> = (0..case.gateways)
            .map(|number| {
                let file = folder.path().join(format!("gateway{number}.toml"));
                let url = primary.url();
                std::fs::write(&file, configuration(number, case.gateways > 1, url.as_deref(), &pbxs))?;
                anyhow::Ok(file)
            })
            .collect::<Result<_, _>>()?;
        let url = receiver.url("/hook");
        for account in (1000..1000 + ACCOUNTS).map(|account| account.to_string()) {
            program.run(&configs[0], &["account", "set", &account, "--name", "of the benchmark"]).await?;
            let integration = [
                "integration",
                "set",
                &account,
                "--method",
                "POST",
                "--incoming-url",
                &url,
                "--answered-url",
                &url,
                "--outgoing-url",
                &url,
                "--ended-url",
                &url,
            ];
            program.run(&configs[0], &integration).await?;
        }
        let mut gateways = Vec::new();
        for config in &configs {
            let mut gateway = program.launch(config)?;
            gateway.is_not_heard()?;
            gateways.push(gateway);
        }
        let ground = Self { primary, pbxs, gateways, _folder: folder };
        ground.settled(case.gateways).await?;
        Ok(ground)
    }

    /// Every PBX is followed, and none changes hands any more.
    async fn settled(&self, gateways: usize) -> anyhow::Result<()> {
        let began = clock::instant();
        let (mut owners, mut since) = (String::new(), clock::instant());
        loop {
            let now = self.owners();
            let joined = self.primary.ask("SELECT count(*) FROM gateway").parse().unwrap_or(gateways);
            if now != owners || now.contains('?') || joined < gateways {
                (owners, since) = (now, clock::instant());
            }
            if since.elapsed() > SETTLED {
                break;
            }
            anyhow::ensure!(began.elapsed() < PATIENCE, "the PBXs do not come to rest: {owners}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        for pbx in &self.pbxs {
            // By the gateway that has it, and by the one that is its second reader.
            let clients = pbx.clients(gateways.min(2));
            tokio::time::timeout(PATIENCE, clients).await.context("a PBX is not followed")?;
        }
        self.primary.pin()?;
        Ok(())
    }

    /// Who has which PBX's part of the store.
    fn owners(&self) -> String {
        self.primary
            .ask("SELECT string_agg(coalesce(owner, '?'), ' ' ORDER BY part) FROM lease WHERE part > 0")
    }

    fn gateways_us(&self) -> anyhow::Result<f64> {
        self.gateways.iter().map(Gateway::cpu_us).sum()
    }

    /// Says the calls of a case and waits for all their requests.
    pub(super) async fn play(self, receiver: &Receiver, case: &Case) -> anyhow::Result<Seen> {
        // Before anybody calls: afterwards it is a while until what was put off is done.
        let idle_us = self.primary.idle_us().await;
        let owners = self.owners();
        let mut loads: Vec<Load> = (0..self.pbxs.len()).map(load).collect();
        receiver.reset().await?;
        let warm_up = if case.pace.is_some() { WARM_UP_CALLS / 10 } else { WARM_UP_CALLS };
        self.say(&mut loads, warm_up, None).await;
        let many = |calls: usize| (calls * self.pbxs.len()) as u64 * A_CALL;
        receiver.wait_for(many(warm_up)).await?;
        // What the engine counts it tells a moment later.
        tokio::time::sleep(SOON_TOLD).await;
        receiver.reset().await?;
        let calls = case.calls.div_ceil(self.pbxs.len());
        let own = || stat(std::process::id()).map_or(0.0, |fields| (fields[11] + fields[12]) * 1e4);
        let (commits, engine_us, gateways_us) =
            (self.primary.commits(), self.primary.used_us(), self.gateways_us()?);
        let (beside_us, began_us) = (own() + receiver.cpu_us(), clock::now_us());
        self.say(&mut loads, calls, case.pace).await;
        let report = receiver.wait_for(many(calls)).await?;
        let beside_us = own() + receiver.cpu_us() - beside_us;
        let gateways_us = self.gateways_us()? - gateways_us;
        tokio::time::sleep(SOON_TOLD).await;
        let received = report.received() as f64;
        let secs = clock::now_us().saturating_sub(began_us) as f64 / 1e6;
        let commits = self.primary.commits() - commits;
        let engine_us = self.primary.used_us() - engine_us - secs * idle_us;
        let seen = Seen {
            rate: report.rate_since(began_us),
            a_commit: 2.0 * received / commits,
            primary_us: engine_us / received,
            gateway_us: gateways_us / received,
            beside_us: beside_us / received,
        };
        if self.owners() != owners {
            eprintln!("fleet: a PBX changed hands meanwhile, which is in the figures");
        }
        for gateway in self.gateways {
            gateway.kill().await?;
        }
        Ok(seen)
    }

    /// So many calls on each PBX, side by side.
    async fn say(&self, loads: &mut [Load], calls: usize, pace: Option<f64>) {
        let each = pace.map(|pace| pace / A_CALL as f64 / self.pbxs.len() as f64);
        let all = self.pbxs.iter().zip(loads).map(|(pbx, load)| async move {
            if each.is_some() {
                return feed(pbx, load, calls as u64, each).await;
            }
            let mut out = Vec::with_capacity(calls * 5_000);
            (0..calls).for_each(|_| load.call(clock::now_us(), &mut out));
            load.finish(clock::now_us(), &mut out);
            gateway::say(pbx, Bytes::from(out)).await;
        });
        let mut all: Vec<_> = all.map(Box::pin).collect();
        std::future::poll_fn(|cx| {
            all.retain_mut(|one| one.as_mut().poll(cx).is_pending());
            if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }
}

fn load(seed: usize) -> Load {
    let (accounts, seed) = (ACCOUNTS, seed as u64 + 1);
    Load::new(LoadOptions { accounts, employees: EMPLOYEES, seed, ..LoadOptions::default() })
}

fn configuration(number: usize, shares: bool, engine: Option<&str>, pbxs: &[Pbx]) -> String {
    use std::fmt::Write as _;
    let mut text = format!(
        "data_dir = \"data{number}\"\n{}[http]\nlisten = \"127.0.0.1:0\"\n[log]\nformat = \"json\"\n\
         [keep]\nattempts = true\n[outgoing]\nallow = [\"127.0.0.0/8\"]\n",
        if engine.is_some() { "secret_key_file = \"key\"\n" } else { "" },
    );
    if let Some(url) = engine {
        let _ = write!(
            text,
            "[journal]\nurl = \"{url}\"\nname = \"gateway{number}\"\nallow_unreplicated = true\n{}",
            if shares { "share_pbxs = true\n" } else { "" },
        );
    }
    for (at, pbx) in pbxs.iter().enumerate() {
        let _ = write!(
            text,
            "[[pbx]]\nname = \"pbx{at}\"\nkind = \"asterisk\"\naddress = \"{}\"\nusername = \"ringbud\"\n\
             secret = \"ringbud\"\n[[pbx.phones]]\nendpoint = 'PJSIP/(?<account>\\d+)-(?<phone>\\d+)'\n",
            pbx.address()
        );
    }
    text
}
