//! The comparison: a script of panoramisk and aiohttp, as an integrator writes it by hand.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::gateway::{self, A_CALL, Calls, Program};
use crate::receiver::Receiver;
use crate::{Scale, clock};

const SCRIPT: &str = include_str!("panoramisk.py");
const PACKAGES: [&str; 2] = ["panoramisk==1.4", "aiohttp==3.14.5"];
const ACCOUNTS: usize = 10;
/// It is some times slower than we are: fewer calls are enough.
const CALLS: usize = 10_000;

/// The script and what runs it.
pub(crate) struct Script {
    python: PathBuf,
    file: PathBuf,
}

impl Script {
    /// Installs the packages beside the results; where that cannot be done says so, and there is no script.
    pub(crate) async fn prepare(program: &Program) -> anyhow::Result<Option<Self>> {
        let venv = program.results_folder().join("venv");
        let python = venv.join("bin/python");
        let file = program.results_folder().join("panoramisk_script.py");
        std::fs::write(&file, SCRIPT)?;
        let mut make = Command::new("python3");
        make.args(["-m", "venv"]).arg(&venv);
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES);
        for mut step in [make, install] {
            let done = step.stdout(Stdio::null()).status().await;
            if !done.is_ok_and(|status| status.success()) {
                eprintln!("LEFT OUT: panoramisk + aiohttp: Python 3 or its packages are not to be had here");
                return Ok(None);
            }
        }
        Ok(Some(Self { python, file }))
    }

    /// Requests a second.
    pub(crate) async fn flat_out(&self, receiver: &Receiver, scale: Scale) -> anyhow::Result<f64> {
        let pbx = gateway::pbx().await?;
        let mut running = Command::new(&self.python)
            .arg(&self.file)
            .arg(pbx.address().port().to_string())
            .arg(receiver.url("/hook"))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut said = BufReader::new(running.stdout.take().context("the script's output")?).lines();
        anyhow::ensure!(said.next_line().await?.as_deref() == Some("follows"), "the script does not start");
        pbx.clients(1).await;
        let calls = scale.of(CALLS);
        receiver.reset().await?;
        let bytes = Calls::new(ACCOUNTS).next(calls);
        let began_us = clock::now_us();
        gateway::say(&pbx, bytes).await;
        let report = receiver.wait_for(calls as u64 * A_CALL).await?;
        running.start_kill()?;
        running.wait().await?;
        Ok(report.rate_since(began_us))
    }
}
