//! The engine, and what it takes of its processor.

use std::process::Command;
use std::time::Duration;

use journal::conformance::engine::{Engine, is_here};

use crate::clock;

/// The engine's core.
const ENGINES: usize = 0;
/// Everybody else's.
pub(super) const OTHERS: usize = 1;
const DATABASE: &str = "calls";
/// How long it is looked at while nobody calls.
const IDLE: Duration = Duration::from_secs(5);

/// A PostgreSQL, or none.
pub(super) struct Primary {
    engine: Option<Engine>,
}

/// Lets a process and what it starts run on one core.
pub(super) fn pin_to(process: u32, core: usize) -> anyhow::Result<()> {
    let done =
        Command::new("taskset").args(["-a", "-c", "-p", &core.to_string(), &process.to_string()]).output()?;
    anyhow::ensure!(done.status.success(), "taskset: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

impl Primary {
    /// Whoever keeps its store in its folder needs none.
    pub(super) const fn none() -> Self {
        Self { engine: None }
    }

    pub(super) fn start() -> anyhow::Result<Self> {
        anyhow::ensure!(is_here(), "there is no PostgreSQL 15");
        let engine = Engine::start(0);
        engine.database(DATABASE);
        // The tests' way is fast; here a commit is one.
        for set in ["ALTER SYSTEM SET fsync = on", "SELECT pg_reload_conf()"] {
            engine.servers[0].says(DATABASE, set);
        }
        Ok(Self { engine: Some(engine) })
    }

    pub(super) fn url(&self) -> Option<String> {
        self.engine.as_ref().map(|engine| engine.url(DATABASE))
    }

    /// Gives it its core.
    pub(super) fn pin(&self) -> anyhow::Result<()> {
        let processes = if self.engine.is_some() { self.processes() } else { Vec::new() };
        processes.into_iter().try_for_each(|process| pin_to(process, ENGINES))
    }

    pub(super) fn ask(&self, sql: &str) -> String {
        self.engine.as_ref().map(|engine| engine.servers[0].says(DATABASE, sql)).unwrap_or_default()
    }

    /// The engine's, the one that began the others first.
    fn processes(&self) -> Vec<u32> {
        let all =
            self.ask("SELECT string_agg(pid::text, ' ') FROM pg_stat_activity WHERE pid <> pg_backend_pid()");
        let children: Vec<u32> = all.split(' ').filter_map(|pid| pid.parse().ok()).collect();
        let parent = children.first().and_then(|pid| stat(*pid)).map(|fields| fields[1] as u32);
        parent.into_iter().chain(children).collect()
    }

    /// What the engine has used of the processor, those of its processes that are gone included.
    pub(super) fn used_us(&self) -> f64 {
        let processes = self.processes();
        let ticks = processes.iter().enumerate().filter_map(|(at, pid)| {
            let fields = stat(*pid)?;
            let own = fields[11] + fields[12];
            Some(if at == 0 { own + fields[13] + fields[14] } else { own })
        });
        ticks.sum::<f64>() * 1e4
    }

    pub(super) fn commits(&self) -> f64 {
        let sql = format!("SELECT xact_commit FROM pg_stat_database WHERE datname = '{DATABASE}'");
        self.ask(&sql).parse().unwrap_or(f64::NAN)
    }

    /// What the engine uses in a second in which nobody calls: that is no delivery's.
    pub(super) async fn idle_us(&self) -> f64 {
        if self.engine.is_none() {
            return 0.0;
        }
        let (used, began_us) = (self.used_us(), clock::now_us());
        tokio::time::sleep(IDLE).await;
        (self.used_us() - used) / (clock::now_us().saturating_sub(began_us) as f64 / 1e6)
    }
}

/// The numbers of a process behind its name.
pub(super) fn stat(process: u32) -> Option<Vec<f64>> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields = stat.rsplit(')').next()?.split_whitespace();
    Some(fields.map(|field| field.parse().unwrap_or(0.0)).collect())
}
