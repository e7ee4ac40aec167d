//! The receivers that the window makes and docs/receive.md prints: each is run, and gets what the real sender sends,
//! signed and not, and what somebody else would send.

#![expect(clippy::disallowed_methods, reason = "a test's own tasks")]

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use calls::{AccountId, Direction, Event, PbxName, PbxTime, What};
use delivery::connect::ConnectorOptions;
use delivery::guard::Guard;
use delivery::sender::{Sender, SenderOptions};
use delivery::signing::Key;
use journal::settings::{
    BodyFormat, Extras, Integration, IntegrationId, Method, ParameterNames, Secret, SigningSecret,
};
use journal::{Append, Appended, DeliveryId, Grant, Kept, Pending, WallTime, call_hash};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdout};
use tokio::sync::mpsc;

use super::browser::Browser;
use crate::rig::{Rig, call};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/receive.md");
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const STRANGE: &str = "whsec_plJ3nmyCDGBKInavdOK15jslplJ3nmyC";
/// Nothing here takes so long, on however busy a machine.
const SOON: Duration = Duration::from_secs(30);
const FORGED: (u16, &str) = (401, "no signature matches");
const STALE: (u16, &str) = (401, "webhook-timestamp is more than five minutes from now");

/// Whether a program is here. What is left out is said aloud, and fails in CI.
fn is_here(program: &str) -> bool {
    let run = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let here = run.is_ok_and(|status| status.success());
    if !here {
        use std::io::Write as _;
        let words = format!("\n*** LEFT OUT: the receiver for {program}, which is not here. ***\n\n");
        std::io::stderr().write_all(words.as_bytes()).unwrap();
        assert!(!std::env::var("CI").is_ok_and(|value| value == "true"), "scripts/provide brings {program}");
    }
    here
}

/// A request as it was sent, and how it was answered.
#[derive(Clone, Debug)]
struct Passed {
    request: String,
    status: u16,
    body: String,
}

impl Passed {
    fn header(&self, name: &str) -> &str {
        let line = self.request.lines().find(|line| line.starts_with(&format!("{name}: ")));
        line.expect("the header").split_once(": ").unwrap().1
    }

    fn said(&self) -> (u16, &str) {
        (self.status, &self.body)
    }
}

/// Reads a request: its head, and as much body as it says.
async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .to_ascii_lowercase()
                .split_once("content-length: ")
                .map_or(0, |(_, rest)| rest.lines().next().unwrap().parse().unwrap());
            if body.len() >= length {
                return Some(text);
            }
        }
        let mut more = [0; 4_096];
        let many = stream.read(&mut more).await.ok().filter(|many| *many > 0)?;
        bytes.extend_from_slice(&more[..many]);
    }
}

/// Sends a request as it stands, on a connection of its own: by HTTP/1.0, so that the answer comes in one piece.
async fn ask(port: u16, request: &str) -> Passed {
    let asked = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let request = request.replacen(" HTTP/1.1\r\n", " HTTP/1.0\r\n", 1);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let answer = tokio::time::timeout(SOON, asked).await.unwrap_or_else(|_| panic!("no answer to {request}"));
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned();
    Passed { request: request.to_owned(), status, body }
}

/// Stands between sender and receiver, and tells what passes.
struct Between(mpsc::UnboundedReceiver<Passed>);

impl Between {
    async fn next(&mut self) -> Passed {
        tokio::time::timeout(SOON, self.0.recv()).await.expect("a request in time").unwrap()
    }
}

async fn between(port: u16) -> (u16, Between) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().port();
    let (tell, passed) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let tell = tell.clone();
            tokio::spawn(async move {
                while let Some(request) = read(&mut stream).await {
                    // The receiver knows itself by its own port.
                    let request = request.replace(&format!("127.0.0.1:{at}"), &format!("127.0.0.1:{port}"));
                    let one = ask(port, &request).await;
                    let status = one.status;
                    let _ = tell.send(one);
                    let answer = format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\n\r\n");
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (at, Between(passed))
}

/// A receiver as a process, and what it prints.
struct Receiver {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u16,
    _folder: TempDir,
}

/// A port for a process that is started later. The system gives those from here on to nobody, and tests beside this one, each a
/// process of its own, look elsewhere: one of theirs would be asked in its place.
fn own_port() -> u16 {
    let first = 10_000 + u16::try_from(std::process::id() % 1_000).unwrap() * 20;
    let is_free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (first..first + 20).find(is_free).expect("a free port")
}

impl Receiver {
    async fn run(language: &str, code: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = own_port();
        let php = format!("exec php -S 127.0.0.1:{port} receiver.php");
        let (file, command) = match language {
            "python" => ("receiver.py", "exec python3 receiver.py"),
            "node" => ("receiver.mjs", "exec node receiver.mjs"),
            "php" => ("receiver.php", &*php),
            _ => (
                "Program.cs",
                "mcs -r:System.Web -r:System.Runtime.Serialization Program.cs && exec mono Program.exe",
            ),
        };
        std::fs::write(folder.path().join(file), code).unwrap();
        let mut shell = tokio::process::Command::new("sh");
        shell.args(["-c", &format!("exec 2>&1; {command}")]).current_dir(folder.path());
        let environment = [
            ("RINGBUD_SECRET", SECRET),
            ("PYTHONUNBUFFERED", "1"),
            ("PORT", &port.to_string()),
            ("LC_ALL", "C.UTF-8"),
        ];
        shell.envs(environment).env("TMPDIR", folder.path()).kill_on_drop(true).stdout(Stdio::piped());
        let mut child = shell.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut receiver = Self { child, lines, port, _folder: folder };
        receiver.listens().await;
        receiver
    }

    async fn listens(&mut self) {
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            if let Some(status) = self.child.try_wait().unwrap() {
                let mut said = String::new();
                while let Ok(Some(line)) = self.lines.next_line().await {
                    said += &line;
                }
                panic!("it ended with {status}: {said}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Reads what it prints, until a line has these words.
    async fn prints(&mut self, words: &str) {
        let mut before = Vec::new();
        while let Ok(Ok(Some(line))) = tokio::time::timeout(SOON, self.lines.next_line()).await {
            if line.contains(words) {
                return;
            }
            before.push(line);
        }
        panic!("it never printed {words}: {before:#?}");
    }
}

/// The house with the real sender, and one account's settings.
struct House {
    rig: Rig,
    sender: Sender,
    integration: IntegrationId,
}

impl House {
    async fn new(settings: Integration) -> Self {
        let rig = Rig::new().await;
        let (integration, _) = rig.cache.put_integration(&AccountId::new("1"), settings, None).await.unwrap();
        let guard = Guard::new(vec!["127.0.0.0/8".parse().unwrap()]);
        let connector = ConnectorOptions { guard, ..ConnectorOptions::default() };
        let options = SenderOptions { connector, ..SenderOptions::default() };
        let sender = Sender::start(rig.journal.clone(), rig.cache.clone(), options);
        Self { rig, sender, integration }
    }

    async fn change(&self, edit: impl FnOnce(&mut Integration)) {
        let (_, settings) = self.rig.cache.integration(self.integration).unwrap();
        let mut settings = Integration::clone(&settings);
        edit(&mut settings);
        self.rig.cache.put_integration(&AccountId::new("1"), settings, None).await.unwrap();
    }

    /// What the window shows somebody for a language.
    async fn code(&self, olga: &Browser<'_>, language: &str) -> String {
        let page = olga.get(&format!("/a/1/integration/receivers?as={language}")).await.text;
        let code = page.split_once("id=\"code\">").unwrap().1.split_once("</code>").unwrap().0;
        let entities =
            [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<")];
        let code = entities.iter().fold(code.to_owned(), |code, (from, to)| code.replace(from, to));
        code.replace("&#62;", ">").replace("&#38;", "&").replace("&amp;", "&")
    }

    /// Keeps an event, and has it sent.
    async fn tell(&self, event: Event) {
        let (received_at, account, kind) = (clock(), event.account().clone(), event.kind());
        let append = Append {
            grant: Grant::ALONE,
            pbx: PbxName::new("pbx1"),
            events: vec![(event.clone(), vec![self.integration])],
            notes: Vec::new(),
            heard_at: PbxTime::from_secs(0),
            received_at,
            age: Duration::ZERO,
        };
        let appended = self.rig.journal.append(&[append]).await.unwrap();
        let Appended::Stored(seq, _) = appended[0][0] else { panic!("not stored: {appended:?}") };
        let pending = Pending {
            id: DeliveryId { event: seq, integration: self.integration },
            account,
            kind,
            call_hash: call_hash(&event.call),
            age: Duration::ZERO,
            attempts: 0,
            due_at_age: Duration::ZERO,
            held: false,
        };
        let kept = Kept { seq, received_at, pbx: PbxName::new("pbx1"), event };
        self.sender.offer(vec![(pending, Arc::new(kept))]);
    }
}

fn clock() -> WallTime {
    journal::clock::system()()
}

fn outgoing() -> Event {
    let event = call(2).remove(0);
    let b_number = "+45 70 & æ=%2B?".into();
    Event { direction: Direction::Outgoing, what: What::Outgoing, b_number, ..event }
}

fn secrets(all: &[&str]) -> Vec<SigningSecret> {
    let secret = |text: &&str| SigningSecret { secret: Secret::new(*text), until: None };
    all.iter().map(secret).collect()
}

/// What the sender sends is taken, and told apart by event; what came before is not done again.
async fn takes(house: &House, receiver: &mut Receiver, passed: &mut Between) -> Passed {
    let mut of_call = call(1).into_iter().chain([outgoing()]);
    let mut took = async |words: &str| {
        house.tell(of_call.next().unwrap()).await;
        let one = passed.next().await;
        assert_eq!(one.said(), (204, ""), "{one:?}");
        receiver.prints(words).await;
        one
    };
    let first = took("open a pop-up for 101 about +4570201001").await;
    took("in conversation: pbx1-1.1").await;
    took("close it, and log 60 seconds: pbx1-1.1").await;
    took("101 calls +45 70 & æ=%2B?").await;
    let again = ask(receiver.port, &first.request).await;
    assert_eq!(again.status, 204, "who sent it has to hear that it is here");
    receiver.prints(&format!("came again, and was done already: {}", first.header("webhook-id"))).await;
    first
}

/// What is forged or replayed is refused, each with its own words.
async fn refuses(receiver: &Receiver, real: &Passed) {
    let said = async |request: String| {
        let one = ask(receiver.port, &request).await;
        (one.status, one.body)
    };
    let (id, at) = (real.header("webhook-id"), real.header("webhook-timestamp"));
    let forged = [
        real.request.replace(&format!("webhook-id: {id}"), "webhook-id: pbx1-1-7-incoming"),
        real.request.replace("4570201001", "4570201002"),
        real.request.replace(&format!("webhook-timestamp: {at}"), "webhook-timestamp: 1"),
        real.request.replace("webhook-signature: v1,", "webhook-signature: v1,A"),
        real.request.replace("webhook-signature: v1,", "webhook-signature: v2,"),
    ];
    for request in forged {
        assert_ne!(request, real.request);
        let (status, body) = said(request.clone()).await;
        assert_eq!((status, &*body), FORGED, "{request}");
    }
    let content = if real.request.starts_with("GET") {
        real.request.split(' ').nth(1).unwrap()
    } else {
        real.request.split_once("\r\n\r\n").unwrap().1
    };
    for off in [-400_i64, 400] {
        let then = (at.parse::<i64>().unwrap() + off).to_string();
        let mut signature = String::new();
        Key::parse(SECRET).unwrap().sign_into(&mut signature, id, &then, content.as_bytes());
        let request = real.request.replace(real.header("webhook-signature"), &signature);
        let request =
            request.replace(&format!("webhook-timestamp: {at}"), &format!("webhook-timestamp: {then}"));
        let (status, body) = said(request).await;
        assert_eq!((status, &*body), STALE, "{off}");
    }
}

/// Every shape of request, to one language.
async fn every_shape(language: &str, program: &str) {
    if !is_here(program) {
        return;
    }
    let names =
        ParameterNames::Map([("EmployeeLocalNumber".to_owned(), r#"who's "it"\ $x"#.to_owned())].into());
    let form = Integration::default();
    let json = Integration { body_format: BodyFormat::Json, parameter_names: names.clone(), ..form.clone() };
    let get =
        Integration { method: Method::Get, parameter_names: names, extras: Extras::All, ..form.clone() };
    let printed = Integration { parameter_names: ParameterNames::AsPrinted, ..form.clone() };
    let shapes = [(form.clone(), true), (json, true), (get, true), (printed, false)];
    for (settings, signed) in shapes {
        let secrets_now = if signed { secrets(&[SECRET]) } else { Vec::new() };
        let house = House::new(Integration { secrets: secrets_now, ..settings }).await;
        let code = house.code(&Browser::first(&house.rig).await, language).await;
        assert_eq!(code.contains("RINGBUD_SECRET"), signed);
        let mut receiver = Receiver::run(language, &code).await;
        let (port, mut passed) = between(receiver.port).await;
        let url = Some(format!("http://127.0.0.1:{port}/hook?from=ringbud"));
        house
            .change(|of| {
                (of.incoming_url, of.answered_url) = (url.clone(), url.clone());
                (of.outgoing_url, of.ended_url) = (url.clone(), url);
            })
            .await;
        let first = takes(&house, &mut receiver, &mut passed).await;
        if !signed {
            continue;
        }
        refuses(&receiver, &first).await;
        house.change(|of| of.secrets = secrets(&[OLD, SECRET])).await;
        house.tell(call(3).remove(0)).await;
        assert_eq!(passed.next().await.status, 204, "one of two is enough");
        receiver.prints("open a pop-up for 101 about +4570201003").await;
        house.change(|of| of.secrets = secrets(&[STRANGE])).await;
        house.tell(call(4).remove(0)).await;
        assert_eq!(passed.next().await.said(), FORGED);
    }
}

#[tokio::test]
async fn the_receiver_in_python_takes_what_is_sent_and_tells_apart_what_is_not() {
    every_shape("python", "python3").await;
}

#[tokio::test]
async fn the_receiver_in_node_takes_what_is_sent_and_tells_apart_what_is_not() {
    every_shape("node", "node").await;
}

#[tokio::test]
async fn the_receiver_in_php_takes_what_is_sent_and_tells_apart_what_is_not() {
    every_shape("php", "php").await;
}

#[tokio::test]
async fn the_receiver_in_csharp_takes_what_is_sent_and_tells_apart_what_is_not() {
    every_shape("csharp", "mcs").await;
}

/// `RINGBUD_WRITE=1` writes them anew.
#[tokio::test]
async fn the_manual_has_the_receivers_that_the_window_makes() {
    let kept = std::fs::read_to_string(PAGE).unwrap();
    let house = House::new(Integration { secrets: secrets(&[SECRET]), ..Integration::default() }).await;
    let olga = Browser::first(&house.rig).await;
    let mut page = kept.clone();
    for (language, fence) in [("python", "python"), ("node", "js"), ("php", "php"), ("csharp", "csharp")] {
        let heading = format!("<!-- receiver: {language} -->\n```{fence}\n");
        let (before, rest) = page.split_once(&heading).expect(language);
        let (_, after) = rest.split_once("```\n").expect("its end");
        page = format!("{before}{heading}{}\n```\n{after}", house.code(&olga, language).await.trim_end());
    }
    if std::env::var_os("RINGBUD_WRITE").is_some() {
        std::fs::write(PAGE, &page).unwrap();
    } else {
        assert!(kept == page, "docs/receive.md has other receivers: run this with RINGBUD_WRITE=1");
    }
}
