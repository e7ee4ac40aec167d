//! A PostgreSQL of a test's own: a primary, and standbys where commits are to wait for them, on sockets in a temporary
//! folder. It ends with the test.

#![allow(clippy::disallowed_methods, reason = "a test's waiting for a process is its own")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::postgres::Target;
use crate::settings::Secret;

/// Where Debian puts it.
pub const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
/// How long a server may take to do what it is asked.
const PATIENCE: Duration = Duration::from_secs(90);
/// The account it runs under where the tests are root's: it refuses to be root.
const ACCOUNT: &str = "postgres";
/// Where its sockets are; the name of one is short, for that of a socket is bounded.
const FOLDER: &str = "/tmp";

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A server of a cluster, running or not.
pub struct Server {
    data: PathBuf,
    sockets: PathBuf,
    port: u16,
    runs: Option<Child>,
}

/// A primary and its standbys.
pub struct Engine {
    folder: PathBuf,
    /// The primary is the first.
    pub servers: Vec<Server>,
}

/// Whether there is one on this machine; where there has to be one, there being none is a failure.
///
/// # Panics
/// In CI, where it is wanting.
pub fn is_here() -> bool {
    let here = Path::new(PROGRAMS).join("postgres").is_file();
    if !here {
        eprintln!("LEFT OUT: there is no PostgreSQL 15 in {PROGRAMS} (apt-get install postgresql-15)");
        assert!(std::env::var("CI").as_deref() != Ok("true"), "PostgreSQL 15 is wanting, and this is CI");
    }
    here
}

/// The number of an account of the system, where this is root's process.
fn account() -> Option<(u32, u32)> {
    let uid = fs::metadata("/proc/self").map(|about| std::os::unix::fs::MetadataExt::uid(&about)).ok()?;
    if uid != 0 {
        return None;
    }
    let accounts = fs::read_to_string("/etc/passwd").expect("accounts");
    let line = accounts.lines().find(|line| line.starts_with(&format!("{ACCOUNT}:")));
    let mut parts =
        line.expect("the account postgres").split(':').skip(2).map(|part| part.parse().expect("a number"));
    parts.next().zip(parts.next())
}

fn program(name: &str) -> Command {
    let mut command = Command::new(Path::new(PROGRAMS).join(name));
    of_its_account(&mut command);
    command
}

/// Runs a program as PostgreSQL is run: under an account of its own where the tests are root's.
///
/// # Panics
/// Where there is no such account.
pub fn of_its_account(command: &mut Command) {
    if let Some((user, group)) = account() {
        command.uid(user).gid(group);
    }
    // Messages are read by tests, and it refuses folders it may not look into.
    command.env("LC_ALL", "C").current_dir(FOLDER).stdin(Stdio::null());
}

/// A folder of PostgreSQL's own, empty.
///
/// # Panics
/// Where it cannot be made.
pub fn folder() -> PathBuf {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = PathBuf::from(format!("{FOLDER}/rb{}-{number}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).expect("a folder");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o711)).expect("open to it");
    if let Some((user, group)) = account() {
        chown(&folder, Some(user), Some(group)).expect("its own");
    }
    folder
}

fn done(command: &mut Command) {
    let output = command.output().expect("the program runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Engine {
    /// A primary, and so many standbys, of which one has to have what is committed.
    ///
    /// # Panics
    /// Where it cannot be set up.
    pub fn start(standbys: usize) -> Self {
        Self::set_up(standbys, 5_432, |_| String::new())
    }

    /// One server that is reached over TCP on this machine too, with this certificate and its key.
    ///
    /// # Panics
    /// Where it cannot be set up.
    pub fn start_with_tls(certificate: &str, key: &str) -> Self {
        // Of those the system gives nobody while the server is set up; tests beside this one, each a process of its own, look
        // elsewhere.
        let first = 10_000 + (std::process::id() % 1_000) as u16 * 20;
        let is_free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
        let port = (first..first + 20).rev().find(is_free).expect("a free port");
        Self::set_up(0, port, |data| {
            for (name, text) in [("server.crt", certificate), ("server.key", key)] {
                let file = data.join(name);
                fs::write(&file, text).expect("written");
                fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("its own");
                if let Some((user, group)) = account() {
                    chown(&file, Some(user), Some(group)).expect("its own");
                }
            }
            "listen_addresses = '127.0.0.1'\nssl = on\n".to_owned()
        })
    }

    fn set_up(standbys: usize, port: u16, more: impl FnOnce(&Path) -> String) -> Self {
        let folder = folder();
        let server = |at: usize| Server {
            data: folder.join(format!("d{at}")),
            sockets: folder.clone(),
            port: port + u16::try_from(at).expect("few"),
            runs: None,
        };
        let mut primary = server(0);
        done(program("initdb").arg("-D").arg(&primary.data).args([
            "-U",
            "ringbud",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-locale",
            "--no-sync",
        ]));
        let names: Vec<_> = (1..=standbys).map(|at| format!("s{at}")).collect();
        let mut settings = format!(
            "listen_addresses = ''\nunix_socket_directories = '{}'\nfsync = off\nmax_connections = 100\n\
             shared_buffers = 32MB\nlog_min_messages = warning\nmax_wal_senders = 8\nhot_standby = on\n\
             wal_keep_size = 256MB\nautovacuum_naptime = 10s\n",
            folder.display()
        );
        if standbys > 0 {
            settings += &format!("synchronous_standby_names = 'ANY 1 ({})'\n", names.join(", "));
        }
        settings += &more(&primary.data);
        let file = primary.data.join("postgresql.auto.conf");
        fs::write(&file, settings).expect("its settings");
        primary.run();
        let mut servers = vec![primary];
        for at in 1..=standbys {
            let mut standby = server(at);
            let from = format!("host={} port={port} user=ringbud application_name=s{at}", folder.display());
            done(
                program("pg_basebackup")
                    .args(["-R", "-c", "fast", "-X", "stream", "--no-sync", "-d", &from, "-D"])
                    .arg(&standby.data),
            );
            standby.run();
            servers.push(standby);
        }
        Self { folder, servers }
    }

    /// An empty database on the primary.
    ///
    /// # Panics
    /// Where it cannot be made.
    pub fn database(&self, name: &str) {
        self.servers[0].says("postgres", &format!("CREATE DATABASE {name}"));
    }

    /// The primary dies; of two standbys the one that has more becomes the primary, and the other follows it.
    ///
    /// # Panics
    /// Where there are no two, or they do not do it.
    pub fn fail_over(&mut self) {
        self.servers[0].kill();
        // What is on its way to them still counts.
        for standby in [1, 2] {
            while self.servers[standby].says("postgres", "SELECT count(*) FROM pg_stat_wal_receiver") != "0" {
                sleep(std::time::Duration::from_millis(20));
            }
        }
        let has = |at: usize| {
            self.servers[at]
                .says("postgres", "SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')::bigint")
        };
        let number = |text: String| text.parse::<u64>().expect("a place in its log");
        let (next, other) = if number(has(1)) >= number(has(2)) { (1, 2) } else { (2, 1) };
        self.servers[next].promote();
        let from = format!(
            "host={} port={} user=ringbud application_name=s{other}",
            self.folder.display(),
            self.servers[next].port
        );
        self.servers[other].says("postgres", &format!("ALTER SYSTEM SET primary_conninfo = '{from}'"));
        self.servers[other].says("postgres", "SELECT pg_reload_conf()");
    }

    /// The way to a database on whichever server takes writes.
    ///
    /// # Panics
    /// Never: it is well formed.
    pub fn target(&self, database: &str) -> Target {
        Target::new(&Secret::new(self.url(database)), None).expect("a connection string")
    }

    /// The same, as it is written into a configuration.
    pub fn url(&self, database: &str) -> String {
        let hosts = vec![self.folder.display().to_string(); self.servers.len()].join(",");
        let ports: Vec<_> = self.servers.iter().map(|server| server.port.to_string()).collect();
        format!("host={hosts} port={} user=ringbud dbname={database}", ports.join(","))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.servers.iter_mut().for_each(Server::kill);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Server {
    /// Starts it, and waits until it answers.
    ///
    /// # Panics
    /// If it does not, in a long time.
    pub fn run(&mut self) {
        let began = Instant::now();
        loop {
            // What is left of one that was killed lets go of its memory a moment later.
            let _ = fs::remove_file(self.data.join("postmaster.pid"));
            let log = fs::File::options().create(true).append(true).open(self.data.with_extension("log"));
            let mut server = program("postgres")
                .arg("-D")
                .arg(&self.data)
                .args(["-p", &self.port.to_string()])
                .stdout(Stdio::null())
                .stderr(log.expect("a log"))
                .spawn()
                .expect("it runs");
            while server.try_wait().expect("its state").is_none() {
                if self.asked("postgres", "SELECT 1").is_some() {
                    self.runs = Some(server);
                    return;
                }
                assert!(began.elapsed() < PATIENCE, "it does not answer: {:?}", self.data);
                sleep(Duration::from_millis(30));
            }
            assert!(began.elapsed() < PATIENCE, "it does not start: {:?}", self.data);
            sleep(Duration::from_millis(100));
        }
    }

    /// Kills it with its children, and waits until it is gone.
    pub fn kill(&mut self) {
        let Some(mut server) = self.runs.take() else { return };
        // Its children live until they notice, and a standby's would confirm what is committed meanwhile.
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", server.id()));
        let _ = server.kill();
        let _ = server.wait();
        let kill = format!("kill -KILL {}", children.unwrap_or_default());
        let _ = Command::new("sh").args(["-c", &kill]).stderr(Stdio::null()).status();
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it was started and not killed.
    pub fn is_running(&self) -> bool {
        self.runs.is_some()
    }

    /// Makes a standby the primary.
    ///
    /// # Panics
    /// If it cannot be.
    pub fn promote(&self) {
        self.says("postgres", "SELECT pg_promote(true, 60)");
    }

    /// Asks it by psql; what it said.
    ///
    /// # Panics
    /// If it said no.
    pub fn says(&self, database: &str, sql: &str) -> String {
        self.asked(database, sql).unwrap_or_else(|| panic!("it said no: {sql}"))
    }

    fn asked(&self, database: &str, sql: &str) -> Option<String> {
        let output = program("psql")
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                "ringbud",
                "-p",
                &self.port.to_string(),
                "-h",
            ])
            .arg(&self.sockets)
            .args(["-d", database, "-c", sql])
            .output()
            .ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}
