//! Three PostgreSQLs under Patroni, which agree by Raft on which of them takes writes: the real thing that promotes and
//! demotes, where the other tests do it by hand.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use journal::conformance::engine;
use rustix::process::{Pid, kill_process};
use serde_json::Value;

use super::beneath::Strike;
use crate::bed::{Signal, send};

/// Servers of the cluster.
const SERVERS: usize = 3;
const PASSWORD: &str = "only-for-tests";
/// Where a container has what is done first.
const FIRST: &str = "/etc/patroni/first";
/// How long it may take to be whole again.
const PATIENCE: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(100);

/// A cluster; it ends with the test.
pub(super) struct Patroni {
    program: PathBuf,
    folder: PathBuf,
    /// Of PostgreSQL.
    ports: [u16; SERVERS],
    /// Where each is asked about the cluster.
    asked_at: [u16; SERVERS],
    raft: [u16; SERVERS],
    nodes: [Option<Child>; SERVERS],
    /// How long nobody took writes after each strike.
    pub(super) away: BTreeMap<Strike, Vec<Duration>>,
}

/// Ports that are free; held until all are known, so that none is given twice.
fn free_ports<const N: usize>() -> [u16; N] {
    let held: Vec<_> = (0..N).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    std::array::from_fn(|at| held[at].local_addr().unwrap().port())
}

fn name(server: usize) -> String {
    format!("db{}", server + 1)
}

impl Patroni {
    /// Three that follow one another, run by the `patroni` of a folder that scripts/patroni made.
    pub(super) fn start(installed: &Path) -> Self {
        let all = free_ports::<{ 3 * SERVERS }>();
        let some = |from: usize| -> [u16; SERVERS] { std::array::from_fn(|at| all[from + at]) };
        let mut cluster = Self {
            program: installed.join("bin/patroni"),
            folder: engine::folder(),
            ports: some(0),
            asked_at: some(SERVERS),
            raft: some(2 * SERVERS),
            nodes: [const { None }; SERVERS],
            away: BTreeMap::new(),
        };
        // The files that are shipped, where the account of PostgreSQL may read them.
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/container/patroni");
        let first = cluster.folder.join("first");
        fs::copy(shipped.join("first"), &first).unwrap();
        let text = fs::read_to_string(shipped.join("patroni.yml")).unwrap();
        assert!(text.contains(FIRST), "it names what is done first");
        fs::write(cluster.settings(), text.replace(FIRST, &first.display().to_string())).unwrap();
        (0..SERVERS).for_each(|server| cluster.run(server));
        cluster.is_whole();
        cluster
    }

    fn settings(&self) -> PathBuf {
        self.folder.join("patroni.yml")
    }

    fn file(&self, server: usize, extension: &str) -> PathBuf {
        self.folder.join(name(server)).with_extension(extension)
    }

    /// What packaging/container/two.yaml says of a server, here.
    fn environment(&self, server: usize) -> [(&'static str, String); 14] {
        let here = |port: u16| format!("127.0.0.1:{port}");
        let others = (0..SERVERS).filter(|other| *other != server);
        let others: Vec<_> = others.map(|other| format!("'{}'", here(self.raft[other]))).collect();
        let file = |extension| self.file(server, extension).display().to_string();
        [
            ("HOME", self.folder.display().to_string()),
            ("PATRONI_NAME", name(server)),
            ("PATRONI_RAFT_SELF_ADDR", here(self.raft[server])),
            ("PATRONI_RAFT_PARTNER_ADDRS", others.join(",")),
            ("PATRONI_RAFT_DATA_DIR", file("raft")),
            ("PATRONI_RESTAPI_LISTEN", here(self.asked_at[server])),
            ("PATRONI_RESTAPI_CONNECT_ADDRESS", here(self.asked_at[server])),
            ("PATRONI_POSTGRESQL_LISTEN", here(self.ports[server])),
            ("PATRONI_POSTGRESQL_CONNECT_ADDRESS", here(self.ports[server])),
            ("PATRONI_POSTGRESQL_DATA_DIR", file("data")),
            ("PATRONI_POSTGRESQL_BIN_DIR", engine::PROGRAMS.to_owned()),
            ("PATRONI_POSTGRESQL_PGPASS", file("pgpass")),
            ("PATRONI_SUPERUSER_PASSWORD", PASSWORD.to_owned()),
            ("PATRONI_REPLICATION_PASSWORD", PASSWORD.to_owned()),
        ]
    }

    fn run(&mut self, server: usize) {
        let log = fs::File::options().create(true).append(true).open(self.file(server, "log")).unwrap();
        let mut command = Command::new(&self.program);
        engine::of_its_account(&mut command);
        command.envs(self.environment(server)).env("RINGBUD_PASSWORD", PASSWORD).arg(self.settings());
        // A group of its own: it and its PostgreSQL can be killed together.
        command.process_group(0).stdout(Stdio::null()).stderr(log);
        let node = command.spawn().unwrap_or_else(|error| panic!("{:?}: {error}", self.program));
        self.nodes[server] = Some(node);
    }

    /// What the servers that are there say of the cluster, each member by its name.
    fn members(&self) -> Vec<Value> {
        let say = |port: &u16| -> Option<Value> {
            let mut socket = std::net::TcpStream::connect(("127.0.0.1", *port)).ok()?;
            socket.set_read_timeout(Some(Duration::from_secs(3))).ok()?;
            std::io::Write::write_all(&mut socket, b"GET /cluster HTTP/1.0\r\n\r\n").ok()?;
            let mut said = String::new();
            socket.read_to_string(&mut said).ok()?;
            let (_, body) = said.split_once("\r\n\r\n")?;
            serde_json::from_str(body).ok()
        };
        let said = self.asked_at.iter().find_map(say);
        said.and_then(|said| said["members"].as_array().cloned()).unwrap_or_default()
    }

    /// Waits until one takes writes, both others follow it, and one of them has to have what is committed.
    fn is_whole(&self) {
        let began = Instant::now();
        loop {
            let members = self.members();
            let are = |role: &str, state: &str| {
                members
                    .iter()
                    .filter(|member| member["state"] == state && (role.is_empty() || member["role"] == role))
                    .count()
            };
            if are("leader", "running") == 1
                && are("", "streaming") == SERVERS - 1
                && self
                    .asked("SHOW synchronous_standby_names")
                    .is_some_and(|names| names.contains("ANY 1 (db"))
            {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "it is not whole: {members:?}\n{}", self.last_words());
            sleep(PAUSE);
        }
    }

    fn leader(&self) -> usize {
        let began = Instant::now();
        loop {
            let members = self.members();
            let leads =
                members.iter().find(|member| member["role"] == "leader").map(|member| member["name"].clone());
            if let Some(server) = (0..SERVERS).find(|server| leads == Some(name(*server).into())) {
                return server;
            }
            assert!(began.elapsed() < PATIENCE, "nobody leads: {members:?}\n{}", self.last_words());
            sleep(PAUSE);
        }
    }

    /// The way to a database on whichever takes writes.
    pub(super) fn url(&self, database: &str) -> String {
        self.url_of("ringbud", database)
    }

    fn url_of(&self, user: &str, database: &str) -> String {
        let hosts = ["127.0.0.1"; SERVERS].join(",");
        let ports = self.ports.map(|port| port.to_string()).join(",");
        format!("host={hosts} port={ports} user={user} password={PASSWORD} dbname={database}")
    }

    pub(super) fn says(&self, sql: &str) {
        self.asked(sql).unwrap_or_else(|| panic!("it said no: {sql}"));
    }

    fn asked(&self, sql: &str) -> Option<String> {
        let mut psql = Command::new(Path::new(engine::PROGRAMS).join("psql"));
        engine::of_its_account(&mut psql);
        let way = format!(
            "{} target_session_attrs=read-write connect_timeout=3",
            self.url_of("postgres", "postgres")
        );
        let output = psql.args(["-X", "-q", "-A", "-t", "-c", sql, "-d", &way]).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Strikes the one that takes writes, and comes back when another does and three are there again.
    pub(super) fn strike(&mut self, how: Strike) {
        let struck = self.leader();
        let began = Instant::now();
        match how {
            // Its children see that it is gone, and end.
            Strike::Server => send(Signal::KILL, self.server_of(struck).unwrap()),
            Strike::Machine => {
                let server = self.server_of(struck).unwrap();
                let mut node = self.nodes[struck].take().unwrap();
                node.kill().unwrap();
                send(Signal::KILL, server);
                node.wait().unwrap();
            }
            Strike::SwitchedOver => self.switch_over(struck),
        }
        // What is written waits for a standby: only then are writes taken.
        while self.leader() == struck || self.asked("SELECT pg_logical_emit_message(true, '', '')").is_none()
        {
            assert!(began.elapsed() < PATIENCE, "nobody took over\n{}", self.last_words());
            sleep(PAUSE);
        }
        self.away.entry(how).or_default().push(began.elapsed());
        if self.nodes[struck].is_none() {
            self.run(struck);
        }
        self.is_whole();
    }

    /// The process of a PostgreSQL, by what it wrote down.
    fn server_of(&self, server: usize) -> Option<u32> {
        let file = self.folder.join(format!("{}.data/postmaster.pid", name(server)));
        fs::read_to_string(file).ok()?.lines().next()?.trim().parse().ok()
    }

    fn switch_over(&self, from: usize) {
        let body = format!(r#"{{"leader": "{}"}}"#, name(from));
        let mut socket = std::net::TcpStream::connect(("127.0.0.1", self.asked_at[from])).unwrap();
        let head = "POST /switchover HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length";
        std::io::Write::write_all(&mut socket, format!("{head}: {}\r\n\r\n{body}", body.len()).as_bytes())
            .unwrap();
        let mut said = String::new();
        let _ = socket.read_to_string(&mut said);
        assert!(said.contains("200") || said.contains("202"), "{said}");
    }

    /// The end of what each of them said.
    fn last_words(&self) -> String {
        let words = |server| {
            let said = fs::read_to_string(self.file(server, "log")).unwrap_or_default();
            let lines: Vec<_> = said.lines().rev().take(8).collect();
            format!("{}:\n{}\n", name(server), lines.into_iter().rev().collect::<Vec<_>>().join("\n"))
        };
        (0..SERVERS).map(words).collect()
    }
}

impl Drop for Patroni {
    fn drop(&mut self) {
        for server in 0..SERVERS {
            if let Some(mut node) = self.nodes[server].take() {
                let _ = node.kill();
                let _ = node.wait();
            }
            if let Some(pid) = self.server_of(server).and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?))
            {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}
