//! The stream of events, read with curl from the real program, over a restart of it.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::bed::{Bed, patiently};

/// A curl that reads a stream.
pub(crate) struct Curl {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Curl {
    pub(crate) fn on(address: &str, account: &str, token: &str, last: &str) -> Self {
        let url = format!("http://{address}/api/v1/accounts/{account}/events/stream");
        let mut curl = Command::new("curl");
        curl.args(["-sN", "-H", &format!("Authorization: Bearer {token}"), &url]);
        if !last.is_empty() {
            curl.args(["-H", &format!("Last-Event-ID: {last}")]);
        }
        let mut child = curl.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { _child: child, lines }
    }

    /// The next message's event, position and id; none at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<(String, String, String)> {
        let (mut event, mut position, mut id) = <(String, String, String)>::default();
        loop {
            let line = patiently("a line of the stream", self.lines.next_line()).await.unwrap()?;
            match line.split_once(": ") {
                Some(("event", value)) => event = value.to_owned(),
                Some(("id", value)) => position = value.to_owned(),
                Some(("data", value)) => {
                    let data: serde_json::Value = serde_json::from_str(value).unwrap();
                    id = data["id"].as_str().unwrap().to_owned();
                }
                Some(_) => {}
                None if line.is_empty() && !position.is_empty() => return Some((event, position, id)),
                None => {}
            }
        }
    }
}

pub(crate) fn is_here() -> bool {
    let run = std::process::Command::new("curl").arg("--version").stdout(Stdio::null()).status();
    let here = run.is_ok_and(|status| status.success());
    assert!(here || !std::env::var("CI").is_ok_and(|value| value == "true"), "scripts/provide brings curl");
    here
}

#[tokio::test]
async fn curl_reads_every_event_once_over_a_restart() {
    if !is_here() {
        return;
    }
    let mut bed = Bed::new().await;
    bed.integrate("POST").await;
    let gateway = bed.serve().await;
    // Whose phones the demo's PBX plays the call on is always the same.
    bed.play(&["inbound-answered"], 50.0).await;
    let account = bed.requests(3).await[0].parameter("AccountId").to_owned();
    let said = bed.ask(&["token", "create", "--name", "crm", "--account", &account, "--read-only"]).await;
    let token = said.trim().to_owned();
    let mut curl = Curl::on(&gateway.address, &account, &token, "");
    let begun = patiently("the first position", curl.next()).await.unwrap();
    assert_eq!(begun.0, "");
    bed.play(&["inbound-answered"], 50.0).await;
    let (mut read, mut last) = (Vec::new(), begun.1);
    // The last of the call is not taken: the connection is lost before.
    for _ in 0..2 {
        let (event, position, id) = curl.next().await.unwrap();
        read.push((event, id));
        last = position;
    }
    drop(curl);
    let mut told: Vec<_> = bed.requests(3).await;
    gateway.stop().await;
    let gateway = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    told.extend(bed.requests(3).await);
    let mut curl = Curl::on(&gateway.address, &account, &token, &last);
    let again = patiently("where it was", curl.next()).await.unwrap();
    assert_eq!(again.1, last);
    for _ in 0..4 {
        let (event, _, id) = curl.next().await.unwrap();
        read.push((event, id));
    }
    let told: Vec<_> = told
        .iter()
        .map(|request| (request.event().unwrap().to_owned(), request.header("webhook-id").to_owned()))
        .collect();
    assert_eq!(read, told, "as the web services were told");
    // One that stops lets go of who reads.
    gateway.stop().await;
    assert_eq!(curl.next().await, None);
}
