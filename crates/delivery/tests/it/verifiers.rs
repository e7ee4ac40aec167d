//! What the sender signs, checked by programs we did not write: the `standardwebhooks` packages, called by
//! exactly the examples of `docs/receive.md`. `scripts/test verifiers` installs the packages.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use calls::EventKind;
use journal::WallTime;
use journal::settings::{BodyFormat, Integration, Method, Secret, SigningSecret};
use serde_json::{Value, json};

use crate::support::gateway::{Gateway, everything_to, url};
use crate::support::receiver::{Got, Receiver};

const NEW: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const STRANGE: &str = "whsec_plJ3nmyCDGBKInavdOK15jsl";

/// After the examples: reads requests, and says of each whether it is taken.
const ASK_PYTHON: &str = "
import json, sys
print(json.dumps([from_ringbud(*request) for request in json.load(sys.stdin)]))
";
const ASK_JS: &str = "
import { readFileSync } from 'node:fs';
const requests = JSON.parse(readFileSync(0, 'utf8'));
console.log(JSON.stringify(requests.map((request) => fromRingbud(...request))));
";

/// Where the packages are; none where nobody installed them, which is said aloud.
fn packages() -> Option<PathBuf> {
    let folder = std::env::var_os("RINGBUD_VERIFIERS").map(PathBuf::from);
    if folder.is_none() && std::env::var_os("RINGBUD_VERIFIERS_RUN_ELSEWHERE").is_none() {
        let words = "\n*** LEFT OUT: signatures are not checked by independent packages. `scripts/test code` does. ***\n\n";
        // Not by the macros: those are hidden where the test passes.
        std::io::stderr().write_all(words.as_bytes()).expect("said");
        let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
        assert!(!in_ci, "in CI the tests are run by scripts/test, which has a stage for this");
    }
    folder
}

/// The examples of a language on the page.
fn examples(language: &str) -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/receive.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let fence = format!("```{language}\n");
    page.split(&fence)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default())
        .filter(|example| example.contains("ingbud(secret, method, target, headers, body)"))
        .map(str::to_owned)
        .collect()
}

/// One request as the sender makes it.
async fn sent(settings: impl FnOnce(&mut Integration)) -> Got {
    let mut receiver = Receiver::always(200).await;
    let mut integration = everything_to(&format!("{}?from=ringbud", url(receiver.address)));
    settings(&mut integration);
    let gateway = Gateway::new(integration).await;
    gateway.tell_one(EventKind::Incoming, "1795343903.1").await;
    receiver.next().await
}

fn secrets(all: &[&str]) -> Vec<SigningSecret> {
    let secret = |(at, text): (usize, &&str)| SigningSecret {
        secret: Secret::new(*text),
        until: (at > 0).then_some(WallTime(i64::MAX)),
    };
    all.iter().enumerate().map(secret).collect()
}

/// A request as the examples take it.
fn request(secret: &str, got: &Got) -> Value {
    let mut words = got.line.split(' ');
    let (method, target) = (words.next(), words.next());
    let headers: serde_json::Map<_, _> =
        got.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.as_str().into())).collect();
    json!([secret, method, target, headers, got.body])
}

fn with_header(got: &Got, name: &str, value: &str) -> Got {
    let mut changed = got.clone();
    let header = changed.headers.iter_mut().find(|(of, _)| of.eq_ignore_ascii_case(name));
    header.expect("the header").1 = value.to_owned();
    changed
}

/// Requests, each with whether it is to be taken.
async fn cases() -> Vec<(Value, bool)> {
    let form = sent(|of| of.secrets = secrets(&[NEW])).await;
    let json = sent(|of| {
        of.secrets = secrets(&[NEW]);
        of.body_format = BodyFormat::Json;
    })
    .await;
    let rotated = sent(|of| of.secrets = secrets(&[NEW, OLD])).await;
    let get = sent(|of| {
        of.secrets = secrets(&[NEW]);
        of.method = Method::Get;
    })
    .await;
    assert_eq!(rotated.header("webhook-signature").map(|all| all.split(' ').count()), Some(2));
    assert!(get.line.starts_with("GET /hook?from=ringbud&"), "{}", get.line);
    let mut cases = vec![(request(OLD, &rotated), true)];
    for got in [form, json, rotated, get] {
        let (line, body) =
            (got.line.replace("1795343903", "1795343904"), got.body.replace("AccountId", "accountId"));
        let id = got.header("webhook-id").expect("an id").to_owned();
        let at: i64 = got.header("webhook-timestamp").expect("a moment").parse().expect("a number");
        cases.push((request(NEW, &got), true));
        cases.push((request(STRANGE, &got), false));
        cases.push((request(NEW, &Got { line, body, ..got.clone() }), false));
        cases.push((request(NEW, &with_header(&got, "webhook-id", &format!("{id}2"))), false));
        cases.push((request(NEW, &with_header(&got, "webhook-timestamp", &(at + 1).to_string())), false));
        cases.push((request(NEW, &with_header(&got, "webhook-timestamp", &(at - 400).to_string())), false));
    }
    cases
}

/// What a program says of requests.
fn say(command: &mut Command, requests: &[Value]) -> Vec<bool> {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let asked = serde_json::to_vec(requests).expect("JSON");
    child.stdin.take().expect("its input").write_all(&asked).expect("asked");
    let done = child.wait_with_output().expect("it ends");
    assert!(done.status.success(), "{command:?} failed");
    serde_json::from_slice(&done.stdout).expect("a list of answers")
}

#[tokio::test]
async fn independent_verifiers_take_what_is_sent_and_refuse_what_is_tampered_with() {
    let (python, js) = (examples("python"), examples("js"));
    assert_eq!((python.len(), js.len()), (1, 1), "the examples of docs/receive.md");
    let Some(packages) = packages() else { return };
    let (requests, wanted): (Vec<Value>, Vec<bool>) = cases().await.into_iter().unzip();
    for (at, example) in python.iter().enumerate() {
        let mut command = Command::new(packages.join("python/bin/python"));
        let answers = say(command.arg("-c").arg(format!("{example}{ASK_PYTHON}")), &requests);
        assert_eq!(answers, wanted, "Python example {at}: {requests:#?}");
    }
    for example in &js {
        let mut command = Command::new("node");
        command.current_dir(&packages).args(["--input-type=module", "--eval"]);
        let answers = say(command.arg(format!("{example}{ASK_JS}")), &requests);
        assert_eq!(answers, wanted, "JavaScript example: {requests:#?}");
    }
}
