//! The program under measurement: its configuration, its store, its process, and what that takes.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use demo::load::{Load, LoadOptions};
use demo::pbx::{Pbx, PbxOptions};
use demo::switch::Switch;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use crate::clock;
use crate::receiver::Report;

/// The phones the calls ring at.
pub(crate) const EMPLOYEES: usize = 10;
/// Deliveries of a call.
pub(crate) const A_CALL: u64 = 3;
/// Given to the PBX at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// How long the program may take for anything.
const PATIENCE: Duration = Duration::from_secs(120);
/// Ticks of the processor time in `/proc`, a second.
const TICKS: f64 = 100.0;
/// Who uses so little of the processor in a second has nothing to do.
const CALM_US_A_SECOND: f64 = 20_000.0;
/// So long it is waited for.
const CALM_WITHIN_SECS: usize = 60;

/// What one run of the program showed.
pub(crate) struct Run {
    pub(crate) rate: f64,
    /// A delivery's processor time while they were made.
    pub(crate) cpu_us: f64,
    /// The same, with what was put off until it was calm.
    pub(crate) whole_cpu_us: f64,
    /// Bytes that were written for a delivery, with what was put off.
    pub(crate) written: f64,
}

/// Where a run began.
pub(crate) struct Began {
    at_us: u64,
    cpu_us: f64,
    written: f64,
}

/// Where the program is, and where its data may lie.
pub(crate) struct Program {
    path: PathBuf,
    folder: PathBuf,
}

impl Program {
    pub(crate) fn find(path: Option<PathBuf>, folder: &Path) -> anyhow::Result<Self> {
        let path = match path {
            Some(path) => path,
            None => std::env::current_exe()?.with_file_name("ringbud"),
        };
        anyhow::ensure!(
            path.is_file(),
            "{} is not there: build it in the same way first (cargo build --release -p ringbud), or name it with --ringbud",
            path.display()
        );
        Ok(Self { path, folder: folder.to_owned() })
    }

    /// A fresh folder for a run; it goes with the run.
    pub(crate) fn folder(&self) -> anyhow::Result<TempDir> {
        Ok(tempfile::Builder::new().prefix("run-").tempdir_in(&self.folder)?)
    }

    pub(crate) fn results_folder(&self) -> &Path {
        &self.folder
    }

    /// Starts the program on a folder and waits until it follows the PBX.
    pub(crate) async fn serve(
        &self,
        folder: &Path,
        pbx: &impl Beside,
        keeps_attempts: bool,
    ) -> anyhow::Result<Gateway> {
        let mut gateway = self.start(folder, pbx, keeps_attempts)?;
        gateway.says("the PBX is followed").await?;
        Ok(gateway)
    }

    /// Starts the program, and waits for nothing.
    pub(crate) fn start(
        &self,
        folder: &Path,
        pbx: &impl Beside,
        keeps_attempts: bool,
    ) -> anyhow::Result<Gateway> {
        let config = folder.join("ringbud.toml");
        std::fs::write(&config, configuration(pbx, keeps_attempts))?;
        self.launch(&config)
    }

    /// Runs one of its commands by a configuration.
    pub(crate) async fn run(&self, config: &Path, arguments: &[&str]) -> anyhow::Result<()> {
        let done = Command::new(&self.path).args(arguments).arg("--config").arg(config).output().await?;
        let said = String::from_utf8_lossy(&done.stderr);
        anyhow::ensure!(done.status.success(), "{arguments:?}: {said}");
        Ok(())
    }

    /// Starts the program by a configuration.
    pub(crate) fn launch(&self, config: &Path) -> anyhow::Result<Gateway> {
        let mut child = Command::new(&self.path)
            .args(["serve", "--config"])
            .arg(config)
            .env_remove("RINGBUD_LOG")
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let said = BufReader::new(child.stderr.take().context("the program's log")?).lines();
        let id = child.id().context("the program has ended")?;
        Ok(Gateway { child, id, said: Some(said) })
    }
}

/// A PBX beside the program.
pub(crate) trait Beside {
    /// Its part of the configuration.
    fn section(&self) -> String;
}

impl Beside for Pbx {
    fn section(&self) -> String {
        format!(
            r#"
[[pbx]]
name = "pbx1"
kind = "asterisk"
address = "{}"
username = "ringbud"
secret = "ringbud"
[[pbx.phones]]
endpoint = 'PJSIP/(?<account>\d+)-(?<phone>\d+)'
"#,
            self.address()
        )
    }
}

impl Beside for Switch {
    fn section(&self) -> String {
        format!(
            r#"
[[pbx]]
name = "pbx1"
kind = "freeswitch"
address = "{}"
secret = "ClueCon"
[[pbx.phones]]
endpoint = '(?<phone>\d+)@(?<account>\d+)\.lab\.test'
"#,
            self.address()
        )
    }
}

fn configuration(pbx: &impl Beside, keeps_attempts: bool) -> String {
    let section = pbx.section();
    format!(
        r#"
data_dir = "data"
[http]
listen = "127.0.0.1:0"
[log]
format = "json"
[keep]
attempts = {keeps_attempts}
[outgoing]
allow = ["127.0.0.0/8"]
{section}"#
    )
}

/// The running program.
pub(crate) struct Gateway {
    child: Child,
    id: u32,
    said: Option<Lines<BufReader<ChildStderr>>>,
}

impl Gateway {
    /// Waits for words in the log; afterwards the log is read and thrown away.
    pub(crate) async fn says(&mut self, words: &str) -> anyhow::Result<()> {
        let mut said = self.said.take().context("the log was read already")?;
        let waiting = async {
            while let Some(line) = said.next_line().await? {
                if line.contains(words) {
                    return anyhow::Ok(());
                }
            }
            anyhow::bail!("the program ended without saying {words:?}")
        };
        tokio::time::timeout(PATIENCE, waiting).await.context("the program takes too long")??;
        self.said = Some(said);
        self.is_not_heard()
    }

    /// Its log is read and thrown away.
    pub(crate) fn is_not_heard(&mut self) -> anyhow::Result<()> {
        let mut said = self.said.take().context("the log was read already")?;
        tokio::spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });
        Ok(())
    }

    /// Processor time so far, in microseconds.
    pub(crate) fn cpu_us(&self) -> anyhow::Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id))?;
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |field: usize| anyhow::Ok(fields.get(field).context("a field")?.parse::<f64>()?);
        Ok((ticks(11)? + ticks(12)?) * 1e6 / TICKS)
    }

    /// The same when it has nothing left to do.
    async fn calm_cpu_us(&self) -> anyhow::Result<f64> {
        let mut used = self.cpu_us()?;
        for _ in 0..CALM_WITHIN_SECS {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = self.cpu_us()?;
            if now - used <= CALM_US_A_SECOND {
                break;
            }
            used = now;
        }
        self.cpu_us()
    }

    /// Bytes it has had written to a disk so far.
    fn written_bytes(&self) -> anyhow::Result<f64> {
        let io = std::fs::read_to_string(format!("/proc/{}/io", self.id))?;
        let bytes = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).context("write_bytes")?;
        Ok(bytes.parse()?)
    }

    /// From now on it is measured.
    pub(crate) fn begins(&self) -> anyhow::Result<Began> {
        Ok(Began { at_us: clock::now_us(), cpu_us: self.cpu_us()?, written: self.written_bytes()? })
    }

    /// All is received: what that took, and what it took until nothing was left to do. Ends it.
    pub(crate) async fn ran(self, began: Began, report: &Report) -> anyhow::Result<Run> {
        let each = |all: f64| all / report.received() as f64;
        let cpu_us = each(self.cpu_us()? - began.cpu_us);
        let whole_cpu_us = each(self.calm_cpu_us().await? - began.cpu_us);
        let written = each(self.written_bytes()? - began.written);
        self.kill().await?;
        Ok(Run { rate: report.rate_since(began.at_us), cpu_us, whole_cpu_us, written })
    }

    /// What it takes of the memory, in bytes.
    pub(crate) fn resident_bytes(&self) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib * 1024.0)
    }

    /// Open files and connections.
    pub(crate) fn open_files(&self) -> anyhow::Result<usize> {
        Ok(std::fs::read_dir(format!("/proc/{}/fd", self.id))?.count())
    }

    /// Ends it at once.
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        self.child.start_kill()?;
        self.child.wait().await?;
        Ok(())
    }
}

/// A PBX for it.
pub(crate) async fn pbx() -> anyhow::Result<Pbx> {
    Ok(Pbx::start(PbxOptions::default()).await?)
}

/// Calls whose callers' numbers are the moments at which they rang.
pub(crate) fn stamped(accounts: usize) -> Load {
    Load::new(LoadOptions { accounts, employees: EMPLOYEES, stamped: true, ..LoadOptions::default() })
}

/// Calls, written out before the clock runs. One supply a PBX: its channels' ids never come again.
pub(crate) struct Calls(Load);

impl Calls {
    pub(crate) fn new(accounts: usize) -> Self {
        Self(Load::new(LoadOptions { accounts, employees: EMPLOYEES, ..LoadOptions::default() }))
    }

    pub(crate) fn next(&mut self, many: usize) -> Bytes {
        let mut out = Vec::with_capacity(many * 5_000);
        for _ in 0..many {
            self.0.call(clock::now_us(), &mut out);
        }
        self.0.finish(clock::now_us(), &mut out);
        out.into()
    }
}

/// Says all of it, as fast as it is taken.
pub(crate) async fn say(pbx: &Pbx, mut bytes: Bytes) {
    while !bytes.is_empty() {
        let chunk = bytes.split_to(CHUNK_BYTES.min(bytes.len()));
        pbx.say(chunk).await;
    }
}
