//! What the tests lie in: a folder, a configuration, a demo PBX, a receiver, and the program as a process.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use demo::pbx::{Pbx, PbxOptions};
use demo::player::{Hold, PlayOptions, play};
use demo::receiver::{Received, Receiver, ReceiverOptions};
use rustix::process::{Pid, kill_process};
use serde_json::Value;
use tasks::Part;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::{Notify, mpsc};

pub(crate) use rustix::process::Signal;

/// Nothing that is waited for takes longer; a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for something, and says what when it does not come.
pub(crate) async fn patiently<T>(what: &str, wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Sends a signal to a process. Not by the program `kill`, which a bare Debian has not.
pub(crate) fn send(signal: Signal, process: u32) {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw).unwrap();
    kill_process(process, signal).unwrap();
}

pub(crate) struct Bed {
    pub(crate) folder: TempDir,
    pub(crate) pbx: Pbx,
    pub(crate) receiver: Receiver,
}

impl Bed {
    /// A demo PBX, a receiver and a configuration that knows both.
    pub(crate) async fn new() -> Self {
        let pbx = Pbx::start(PbxOptions::default()).await.unwrap();
        let receiver = Receiver::start(ReceiverOptions::default()).await.unwrap();
        let bed = Self { folder: tempfile::tempdir().unwrap(), pbx, receiver };
        bed.write(&bed.sound());
        bed
    }

    /// A configuration without fault.
    pub(crate) fn sound(&self) -> String {
        format!(
            r#"
data_dir = "data"
[http]
listen = "127.0.0.1:0"
[log]
format = "json"
level = "info,ringbud::gateway=debug"
[outgoing]
allow = ["127.0.0.0/8"]
[[pbx]]
name = "pbx1"
kind = "asterisk"
address = "{}"
username = "ringbud"
secret = "ringbud"
[[pbx.phones]]
endpoint = 'PJSIP/(?<account>\d+)-(?<phone>\d+)'
"#,
            self.pbx.address()
        )
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("ringbud.toml")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn write(&self, config: &str) {
        std::fs::write(self.config(), config).unwrap();
    }

    /// Starts the gateway and waits until it follows the PBX.
    pub(crate) async fn serve(&self) -> Gateway {
        let mut gateway = Gateway::start(&self.config()).await;
        gateway.says("the PBX is followed").await;
        gateway
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(&[], arguments).await
    }

    /// The same in an environment.
    pub(crate) async fn run_with(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Output {
        let config = self.config();
        let (name, rest) = arguments.split_first().unwrap();
        let mut command = command();
        command.arg(name).arg("--config").arg(config).args(rest).envs(environment.iter().copied());
        patiently("the command", command.stdin(Stdio::null()).output()).await.unwrap()
    }

    /// Runs a command that has to succeed; its standard output.
    pub(crate) async fn ask(&self, arguments: &[&str]) -> String {
        let done = self.run(arguments).await;
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    /// Records what the PBX says of a call that is made meanwhile, until these words have been said so often.
    pub(crate) async fn record(&self, file: &str, until: (&str, usize), calls: impl Future<Output = ()>) {
        let mut recording = command();
        recording.args(["record", "--output", file, "--config"]).arg(self.config()).stdin(Stdio::null());
        let recording = recording.stderr(Stdio::piped()).spawn().unwrap();
        calls.await;
        let is_over = async {
            let said = || String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()).into_owned();
            while said().matches(until.0).count() < until.1 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        patiently("the end of the call in the recording", is_over).await;
        send(Signal::TERM, recording.id().unwrap());
        let done = patiently("the recording's end", recording.wait_with_output()).await.unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Gives both accounts of the demo PBX an integration whose four webhooks are one URL of the receiver:
    /// so their requests come in order.
    pub(crate) async fn integrate(&self, method: &str) {
        for account in demo::cast::ACCOUNTS {
            self.ask(&["account", "set", account.id, "--name", account.name]).await;
            let url = self.receiver.url("/hook");
            self.ask(&[
                "integration",
                "set",
                account.id,
                "--method",
                method,
                "--incoming-url",
                &url,
                "--answered-url",
                &url,
                "--outgoing-url",
                &url,
                "--ended-url",
                &url,
            ])
            .await;
        }
    }

    /// Plays recordings, each once, one after the other.
    pub(crate) async fn play(&self, shapes: &[&str], speed: f64) {
        play_on(&self.pbx, shapes, speed).await;
    }

    /// The next request.
    pub(crate) async fn request(&mut self) -> Received {
        patiently("a request", self.receiver.next()).await.unwrap()
    }

    /// So many requests that tell events and were accepted.
    pub(crate) async fn events(&mut self, count: usize) -> Vec<Received> {
        let mut all = Vec::new();
        while all.len() < count {
            let request = self.request().await;
            if request.event().is_some() && request.status.is_success() {
                all.push(request);
            }
        }
        all
    }

    /// So many requests.
    pub(crate) async fn requests(&mut self, count: usize) -> Vec<Received> {
        let mut all = Vec::new();
        while all.len() < count {
            all.push(self.request().await);
        }
        all
    }
}

pub(crate) async fn play_on(pbx: &Pbx, shapes: &[&str], speed: f64) {
    let options = PlayOptions { speed, once: true, parallel: 1, ..PlayOptions::default() };
    let (begun, _begins) = mpsc::channel(64);
    patiently("the play", play(pbx, options.only(shapes).unwrap(), begun)).await;
}

/// The same of one whose phone rings until it is told to go on, however long that takes.
pub(crate) async fn play_ringing(pbx: &Pbx, shape: &str, speed: f64, go_on: &Arc<Notify>) {
    let hold = Some(Hold { behind: "ChannelStateDesc: Ringing", go_on: go_on.clone() });
    let options = PlayOptions { speed, once: true, parallel: 1, hold, ..PlayOptions::default() };
    let (begun, _begins) = mpsc::channel(64);
    patiently("the play", play(pbx, options.only(&[shape]).unwrap(), begun)).await;
}

/// Which event a request tells.
pub(crate) fn kind(request: &Received) -> &'static str {
    request.event().unwrap()
}

/// Which events requests tell.
pub(crate) fn kinds(requests: &[Received]) -> Vec<&'static str> {
    requests.iter().map(kind).collect()
}

/// An address at which nobody listens until the test does, or has it done. The system gives such a port to nobody, and tests
/// beside this one, each a process of its own, look elsewhere.
pub(crate) fn own_address() -> SocketAddr {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + u16::try_from(std::process::id() % 1_000).unwrap() * 20;
    let is_free = |address: &SocketAddr| std::net::TcpListener::bind(address).is_ok();
    let own = (0..20).map(|_| first + GIVEN.fetch_add(1, Ordering::Relaxed) % 20);
    own.map(|port| (Ipv4Addr::LOCALHOST, port).into()).find(is_free).expect("a free port")
}

/// Runs the program to its end.
pub(crate) async fn ringbud(arguments: &[&str]) -> Output {
    let running = command().args(arguments).stdin(Stdio::null()).output();
    patiently("the command", running).await.unwrap()
}

pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringbud"));
    command.env_remove("RINGBUD_CONFIG").env_remove("RINGBUD_LOG").kill_on_drop(true);
    command
}

/// The program as a gateway.
pub(crate) struct Gateway {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
    /// Everything it said so far.
    pub(crate) said: Vec<Value>,
    pub(crate) address: String,
}

impl Gateway {
    /// Starts it and waits until it runs.
    pub(crate) async fn start(config: &Path) -> Self {
        Self::begin(command(), config).await
    }

    /// Starts it in an environment.
    pub(crate) async fn start_with(config: &Path, environment: &[(&str, &str)]) -> Self {
        let mut command = command();
        command.envs(environment.iter().copied());
        Self::begin(command, config).await
    }

    /// Starts it so that its parts can be killed; those named (by commas) are as soon as they begin.
    pub(crate) async fn mortal(config: &Path, first: &str, environment: &[(&str, &str)]) -> Self {
        let mut command = command();
        command.env("RINGBUD_FAULTS", first).envs(environment.iter().copied()).stdin(Stdio::piped());
        Self::begin(command, config).await
    }

    /// Starts it so that what takes a minute takes less than a second.
    pub(crate) async fn hurried(config: &Path) -> Self {
        let mut command = command();
        command.env("RINGBUD_FAULTS", "hurry");
        Self::begin(command, config).await
    }

    /// Starts it in an environment, beside another that has the store, and waits until it stands by.
    pub(crate) async fn standing_by(config: &Path, environment: &[(&str, &str)]) -> Self {
        let mut command = command();
        command.envs(environment.iter().copied());
        let mut gateway = Self::spawn(command, config);
        let answers = gateway.says("health checks are answered").await;
        gateway.address = answers["address"].as_str().unwrap().to_owned();
        gateway.says("stands by").await;
        gateway
    }

    fn spawn(mut command: Command, config: &Path) -> Self {
        command.arg("serve").arg("--config").arg(config).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, log, said: Vec::new(), address: String::new() }
    }

    async fn begin(command: Command, config: &Path) -> Self {
        let mut gateway = Self::spawn(command, config);
        let runs = gateway.says("ringbud runs").await;
        let url = runs["url"].as_str().unwrap();
        gateway.address = url.rsplit_once("//").unwrap().1.to_owned();
        gateway
    }

    /// Waits until it says something that begins so.
    pub(crate) async fn says(&mut self, words: &str) -> Value {
        let begins =
            |line: &Value| line["message"].as_str().is_some_and(|message| message.starts_with(words));
        if let Some(said) = self.said.iter().find(|line| begins(line)) {
            return said.clone();
        }
        // It may go on saying other things for ever: the bound is on the whole.
        let heard = async {
            loop {
                let line = self.hears().await;
                if begins(&line) {
                    return line;
                }
            }
        };
        patiently(words, heard).await
    }

    /// Waits for the next thing it says.
    pub(crate) async fn hears(&mut self) -> Value {
        let next = tokio::time::timeout(PATIENCE, self.log.next_line()).await;
        let line = next.unwrap_or_else(|_| panic!("it says nothing more: {:?}", self.said)).unwrap();
        let line = line.unwrap_or_else(|| panic!("it has ended: {:?}", self.said));
        let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        self.said.push(line.clone());
        line
    }

    /// Kills one of its parts; see `tasks`.
    pub(crate) async fn kill_part(&mut self, part: Part) {
        let line = format!("{}\n", part.label());
        self.child.stdin.as_mut().unwrap().write_all(line.as_bytes()).await.unwrap();
        // Where the process ends by it, it may say nothing more.
        while part.fate() != tasks::Fate::EndsTheProcess {
            let heard = self.hears().await;
            if heard["message"] == "a test kills a part" && heard["part"] == part.label() {
                return;
            }
        }
    }

    /// Its process id.
    pub(crate) fn process(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Forgets what it said, to wait for the next of the kind.
    pub(crate) fn forget(&mut self) {
        self.said.clear();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        send(signal, self.process());
    }

    /// Waits for its end; the exit code, if it was not killed.
    pub(crate) async fn ends(&mut self) -> Option<i32> {
        while let Ok(Some(line)) = patiently("the end", self.log.next_line()).await {
            self.said.push(serde_json::from_str(&line).unwrap_or(Value::String(line)));
        }
        patiently("the end", self.child.wait()).await.unwrap().code()
    }

    /// Stops it in order.
    pub(crate) async fn stop(mut self) -> Vec<Value> {
        self.signal(Signal::TERM);
        assert_eq!(self.ends().await, Some(0), "{:?}", self.said);
        self.said
    }

    /// Kills it, as a power cut would.
    pub(crate) async fn kill(mut self) {
        self.child.start_kill().unwrap();
        self.ends().await;
    }

    /// Makes the first operator by the one-time link; the session's cookie.
    pub(crate) async fn log_in(&mut self) -> String {
        let told = self.says("nobody can log in yet; open this once").await;
        let key = told["message"].as_str().unwrap().rsplit_once("key=").unwrap().1.to_owned();
        let body = format!("key={key}&name=olga&password=correct-horse-9&again=correct-horse-9");
        let answer = self
            .raw(&format!(
                "POST /first HTTP/1.1\r\nHost: x\r\nConnection: close\r\nSec-Fetch-Site: same-origin\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ))
            .await;
        let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: "));
        cookie.unwrap_or_else(|| panic!("{answer}")).split(';').next().unwrap().to_owned()
    }

    /// A page, asked for with a session: status and all that came.
    pub(crate) async fn page(&self, path: &str, cookie: &str) -> (u16, String) {
        let ask = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: {cookie}\r\n\r\n");
        let answer = self.raw(&ask).await;
        (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
    }

    /// Says something over a connection of its own, and reads until it is closed.
    pub(crate) async fn raw(&self, text: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        patiently("an answer", stream.read_to_string(&mut answer)).await.unwrap();
        answer
    }

    /// A request to the API: status and body.
    pub(crate) async fn api(&self, method: &str, path: &str, token: &str, body: &str) -> (u16, String) {
        self.try_api(method, path, token, body).await.unwrap()
    }

    /// The same of a server that may die over it.
    pub(crate) async fn try_api(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: &str,
    ) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(&self.address).await.ok()?;
        let kind = if body.starts_with('{') { "json" } else { "x-www-form-urlencoded" };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
             Sec-Fetch-Site: same-origin\r\nContent-Type: application/{kind}\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        patiently("an answer", stream.read_to_string(&mut answer)).await.ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }
}
