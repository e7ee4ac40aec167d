//! Whoever reads what a command prints may stop at any line (`| head`): it ends quietly.

use std::path::Path;
use std::process::{Output, Stdio};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::bed::{Bed, own_address, patiently, ringbud};

/// The commands that print nothing, by their last word.
const SILENT: [&str; 9] = ["serve", "set", "remove", "import", "cancel", "pause", "resume", "rotate", "copy"];

/// A command whose standard output nobody reads.
fn unread(arguments: &[&str]) -> Command {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringbud"));
    command.args(arguments).stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

fn ended_quietly(command: &str, done: &Output) {
    let said = String::from_utf8_lossy(&done.stderr);
    for loud in ["panicked", "Broken pipe", "standard output"] {
        assert!(!said.contains(loud), "{command}: {said}");
    }
    assert_eq!(done.status.code(), Some(0), "{command}: {said}");
}

/// The subcommands that the help of a command names.
async fn subcommands(command: &[&str]) -> Vec<String> {
    let help = String::from_utf8(ringbud(&[command, &["--help"]].concat()).await.stdout).unwrap();
    let list =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names =
        list.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// All commands, the last subcommands of each.
async fn commands() -> Vec<String> {
    let mut all = Vec::new();
    for command in subcommands(&[]).await {
        let below = subcommands(&[&command]).await;
        all.extend(below.iter().map(|name| format!("{command} {name}")));
        if below.is_empty() {
            all.push(command);
        }
    }
    all
}

#[tokio::test]
async fn every_command_that_prints_ends_quietly_when_nobody_reads_any_more() {
    let mut bed = Bed::new().await;
    let free = own_address().to_string();
    bed.write(&bed.sound().replace("127.0.0.1:0", &free));
    bed.integrate("POST").await;
    let gateway = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    let told = bed.requests(3).await.remove(0);
    let (account, employee) = (told.parameter("AccountId"), told.parameter("EmployeeLocalNumber").to_owned());
    bed.ask(&["employee", "set", account, &employee]).await;
    let listed = bed.ask(&["delivery", "list", account, "--json"]).await;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let delivery = listed[0]["id"].as_str().unwrap().to_owned();
    let trace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces/inbound-answered.tracker.ami");
    let (config, trace) = (bed.config().display().to_string(), trace.display().to_string());
    let backup = bed.config().with_file_name("unread.backup").display().to_string();
    let walk: [(&str, &[&str]); 29] = [
        ("completions", &["bash"]),
        ("man", &[]),
        ("demo", &["--once", "--only", "inbound-answered", "--speed", "50", "--listen", "127.0.0.1:0"]),
        ("check", &["--config", &config]),
        ("init", &["--config", &config, "--pbx", "freepbx", "--show"]),
        ("replay", &["--config", &config, &trace]),
        ("replay", &["--config", &config, "--explain", &trace]),
        ("record", &["--config", &config, "--anonymise", "--from", &trace]),
        ("account list", &["--config", &config]),
        ("account list", &["--config", &config, "--json"]),
        ("employee list", &["--config", &config, account]),
        ("phone list", &["--config", &config, account]),
        ("integration list", &["--config", &config]),
        ("integration show", &["--config", &config, account]),
        ("token list", &["--config", &config]),
        ("token create", &["--config", &config, "--name", "unread"]),
        ("delivery list", &["--config", &config, account]),
        ("delivery list", &["--config", &config, account, "--json"]),
        ("delivery show", &["--config", &config, account, &delivery]),
        ("delivery again", &["--config", &config, account, "--failed"]),
        ("delivery test", &["--config", &config, account, &employee]),
        ("user set", &["--config", &config, "unread", "--role", "operator"]),
        ("user list", &["--config", &config]),
        ("user reset", &["--config", &config, "unread"]),
        ("key id", &["--config", &config]),
        ("export", &["--config", &config, account, "--employee", &employee]),
        ("erase", &["--config", &config, account, "--number", "999999", "--yes"]),
        ("backup", &["--config", &config, &backup]),
        ("restore", &["--look", &backup]),
    ];
    for command in commands().await {
        // `gateways` wants a PostgreSQL beneath, and prints as every list does.
        let is_walked = ["receive", "gateways"].contains(&command.as_str())
            || walk.iter().any(|(name, _)| *name == command);
        let is_silent = SILENT.iter().any(|word| command.split(' ').next_back() == Some(word));
        assert!(
            is_walked || is_silent,
            "ringbud {command} is new: walk it here, or say that it prints nothing"
        );
    }
    for (command, more) in walk {
        let words: Vec<&str> = command.split(' ').chain(more.iter().copied()).collect();
        // Not by `output`, which would give it a standard output that is read.
        let child = unread(&words).spawn().unwrap();
        let done = patiently(command, child.wait_with_output()).await.unwrap();
        ended_quietly(command, &done);
    }
    assert!(!bed.ask(&["token", "list"]).await.contains("command-"), "a command left its token behind");
    gateway.stop().await;
}

#[tokio::test]
async fn a_receiver_that_nobody_reads_ends_quietly_with_the_first_request() {
    let mut child = unread(&["receive", "--listen", "127.0.0.1:0"]).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    patiently("its address", said.read_line(&mut line)).await.unwrap();
    let address = line.trim().strip_prefix("receiving on http://").unwrap().trim_end_matches('/');
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /?Event=Incoming HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    patiently("its end", said.read_to_end(&mut rest)).await.unwrap();
    let status = patiently("its end", child.wait()).await.unwrap();
    ended_quietly("receive", &Output { status, stdout: Vec::new(), stderr: rest });
}
