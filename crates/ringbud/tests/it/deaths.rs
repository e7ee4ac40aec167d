//! Nothing dies in silence: every part of the program is killed in turn, and either it is there again, or the
//! process ends and says which part died where. The table of parts is walked whole, so a new part without an
//! answer here fails.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use http::StatusCode;
use tasks::{Fate, Part};

use crate::bed::{Bed, Gateway, Signal, command, kind, patiently};
use crate::secure;

/// Who has not died by then was not the one that was chosen.
const A_WHILE: Duration = Duration::from_secs(10);

/// What makes the program begin, or use, a part.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    /// It runs from the start.
    Itself,
    /// A call that is told.
    Call,
    /// A question over HTTP.
    Question,
    /// A wrong password.
    Login,
    /// A test call over the API.
    TestCall,
    /// A web service that says 410.
    Gone,
    /// Somebody who looks at the live board.
    Viewer,
    /// A call that is told over TLS, to a name.
    SecureCall,
    /// A start with TLS.
    Tls,
    /// The start: killed before it is told that it runs.
    Start,
    /// A stop that was asked for.
    Stop,
    /// The demo.
    Demo,
    /// A store on PostgreSQL: killed in `on_postgresql`.
    Postgres,
}

const fn begun(part: Part) -> By {
    match part {
        Part::PbxTask
        | Part::LinkDrain
        | Part::EventWriter
        | Part::Learner
        | Part::JournalWriter
        | Part::JournalRollup
        | Part::JournalCheckpoint
        | Part::SenderBodies
        | Part::SenderSettler
        | Part::SenderClock
        | Part::SenderSettings
        | Part::FailingNotes
        | Part::SenderTidy
        | Part::OperatorNotifier
        | Part::AccountNotifier
        | Part::OperatorWatch
        | Part::SettingsRefresh
        | Part::Forgetting
        | Part::Gauges
        | Part::SlowGauges
        | Part::LinkWatch
        | Part::Supervision
        | Part::HttpServer => By::Itself,
        Part::SenderWorker | Part::DeliveryAttempt => By::Call,
        Part::HttpConnection | Part::JournalQuestion => By::Question,
        Part::PasswordHash => By::Login,
        Part::TestCall => By::TestCall,
        Part::WebhookPausing => By::Gone,
        Part::BoardDrawing | Part::BoardViewer => By::Viewer,
        Part::OutgoingConnection | Part::NameLookup => By::SecureCall,
        Part::CertificateWatch => By::Tls,
        Part::DamageCheck => By::Start,
        Part::Stopping => By::Stop,
        Part::Show => By::Demo,
        Part::JournalGroups
        | Part::JournalBeat
        | Part::JournalConnection
        | Part::JournalLate
        | Part::JournalSpool
        | Part::JournalMerge => By::Postgres,
    }
}

async fn bed() -> (Bed, String) {
    let bed = Bed::new().await;
    let operator = format!("{}\n[operator]\nurl = \"{}\"\n", bed.sound(), bed.receiver.url("/operator"));
    bed.write(&operator);
    bed.integrate("POST").await;
    bed.ask(&["employee", "set", demo::cast::ACCOUNTS[0].id, "101", "--name", "Anna"]).await;
    let token = bed.ask(&["token", "create", "--name", "tests"]).await.trim().to_owned();
    (bed, token)
}

async fn mortal(bed: &Bed) -> Gateway {
    let mut gateway = Gateway::mortal(&bed.config(), "", &[]).await;
    gateway.says("the PBX is followed").await;
    gateway
}

/// Makes the program use the part.
async fn provoke(by: By, bed: &Bed, gateway: &Gateway, token: &str, cookie: &str) {
    let account = demo::cast::ACCOUNTS[0].id;
    match by {
        By::Itself | By::SecureCall | By::Tls | By::Start | By::Demo | By::Postgres => {}
        By::Stop => gateway.signal(Signal::TERM),
        By::Viewer => drop(gateway.page(&format!("/a/{account}/now/stream"), cookie).await),
        By::Call => bed.play(&["inbound-answered"], 50.0).await,
        By::Question => {
            drop(gateway.try_api("GET", &format!("/api/v1/accounts/{account}/calls"), token, "").await)
        }
        By::Login => drop(gateway.try_api("POST", "/login", "", "name=nobody&password=nothing").await),
        By::TestCall => {
            let path = format!("/api/v1/accounts/{account}/integration/test");
            drop(gateway.try_api("POST", &path, token, r#"{"employee":"101"}"#).await);
        }
        By::Gone => {
            bed.receiver.behave(StatusCode::GONE, Duration::ZERO);
            bed.play(&["inbound-answered"], 50.0).await;
        }
    }
}

/// Those that the three long walks below kill, by their fate.
fn with_fate(fate: Fate) -> impl Iterator<Item = Part> {
    let here =
        |part: &Part| !matches!(begun(*part), By::SecureCall | By::Tls | By::Start | By::Demo | By::Postgres);
    Part::ALL.iter().copied().filter(move |part| part.fate() == fate).filter(here)
}

/// Those that a walk of their own kills.
fn begun_by(by: By) -> Vec<Part> {
    Part::ALL.iter().copied().filter(|part| begun(*part) == by).collect()
}

#[test]
fn every_part_of_the_table_is_killed_in_one_walk() {
    let fates = [Fate::EndsTheProcess, Fate::BeginsAnew, Fate::FailsAlone];
    let own = [By::SecureCall, By::Tls, By::Start, By::Demo, By::Postgres];
    let walked = fates.into_iter().flat_map(with_fate).chain(own.into_iter().flat_map(begun_by));
    let mut walked: Vec<&str> = walked.map(Part::label).collect();
    let mut table: Vec<&str> = Part::ALL.iter().map(|part| part.label()).collect();
    walked.sort_unstable();
    table.sort_unstable();
    assert_eq!(walked, table);
}

#[tokio::test]
async fn a_part_others_cannot_do_without_ends_the_process_and_the_next_run_takes_up_what_was_kept() {
    let (mut bed, token) = bed().await;
    for part in with_fate(Fate::EndsTheProcess) {
        let is_armed = begun(part) == By::Stop;
        let armed = if is_armed { part.label() } else { "" };
        let mut gateway = Gateway::mortal(&bed.config(), armed, &[]).await;
        gateway.says("the PBX is followed").await;
        if !is_armed {
            gateway.kill_part(part).await;
        }
        provoke(begun(part), &bed, &gateway, &token, "").await;
        assert_eq!(gateway.ends().await, Some(4), "{part:?}: {:?}", gateway.said);
        let words = format!("ringbud: {} died at crates/", part.says());
        let told = gateway.said.iter().any(|line| line.as_str().is_some_and(|line| line.starts_with(&words)));
        assert!(told, "{part:?}: {:?}", gateway.said);
    }
    // After all those ends calls are told to their end, each event once: the one the worker died over as well. What
    // was out when it died may come again, with the same id.
    let gateway = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    let mut legs: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    while legs.values().filter(|kinds| kinds.ends_with(&["Ended"])).count() < 2 {
        let request = bed.events(1).await.remove(0);
        if ids.insert(request.header("webhook-id").to_owned()) {
            legs.entry(request.parameter("UniqueCallId").to_owned()).or_default().push(kind(&request));
        }
    }
    for kinds in legs.values() {
        let whole = kinds.starts_with(&["Incoming"]) && kinds.ends_with(&["Ended"]);
        let once = kinds.len() == kinds.iter().collect::<BTreeSet<_>>().len();
        assert!(whole && once, "{legs:?}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_part_that_can_begins_anew_and_the_program_goes_on() {
    let (bed, token) = bed().await;
    let mut gateway = mortal(&bed).await;
    for part in with_fate(Fate::BeginsAnew) {
        gateway.kill_part(part).await;
        provoke(begun(part), &bed, &gateway, &token, "").await;
        gateway.says(&format!("{} has begun anew", part.says())).await;
        let (status, why) = gateway.api("GET", "/readyz", "", "").await;
        assert_eq!(status, 200, "{part:?}: {why}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn one_piece_of_work_dies_alone_and_calls_are_told_whole() {
    let (mut bed, token) = bed().await;
    let mut gateway = mortal(&bed).await;
    let cookie = gateway.log_in().await;
    for part in with_fate(Fate::FailsAlone) {
        gateway.forget();
        gateway.kill_part(part).await;
        // One that was about to end may have been chosen, and have passed the fault on to the next too late for this.
        let died = format!("{} died at", part.says());
        loop {
            provoke(begun(part), &bed, &gateway, &token, &cookie).await;
            if tokio::time::timeout(A_WHILE, gateway.says(&died)).await.is_ok() {
                break;
            }
        }
        if part == Part::LinkDrain {
            gateway.says("the PBX is followed").await;
        }
    }
    // The request that died counts as one that failed: it is tried again, and what came after it waited.
    let mut told: Vec<&str> = Vec::new();
    while told.last() != Some(&"Ended") {
        let request = bed.events(1).await.remove(0);
        // Not the events of the test call, of which some died.
        if !request.parameter("UniqueCallId").starts_with("ringbud-test") {
            told.push(kind(&request));
        }
    }
    assert_eq!(told, ["Incoming", "Answered", "Ended"]);
    let (status, why) = gateway.api("GET", "/readyz", "", "").await;
    assert_eq!(status, 200, "{why}");
    let metrics = patiently("metrics", gateway.api("GET", "/metrics", "", "")).await.1;
    for part in with_fate(Fate::FailsAlone) {
        let line = format!("ringbud_task_deaths_total{{part=\"{}\"}} 1", part.label());
        assert!(metrics.contains(&line), "{line}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn what_a_request_over_tls_needs_dies_alone_and_the_request_comes_again() {
    let bed = Bed::new().await;
    let mut service = secure::start(bed.folder.path()).await;
    bed.integrate("POST").await;
    for account in demo::cast::ACCOUNTS {
        bed.ask(&["integration", "set", account.id, "--incoming-url", &service.url]).await;
    }
    let roots = service.roots.clone();
    let mut gateway = Gateway::mortal(&bed.config(), "", &[("SSL_CERT_FILE", &roots)]).await;
    gateway.says("the PBX is followed").await;
    let mut parts = begun_by(By::SecureCall);
    // A name is looked up only where there is no connection yet.
    parts.sort_by_key(|part| *part != Part::NameLookup);
    for part in parts {
        gateway.forget();
        gateway.kill_part(part).await;
        bed.play(&["inbound-answered"], 50.0).await;
        gateway.says(&format!("{} died at", part.says())).await;
        patiently("the request", service.taken.recv()).await.unwrap();
    }
    let (status, why) = gateway.api("GET", "/readyz", "", "").await;
    assert_eq!(status, 200, "{why}");
    gateway.stop().await;
}

#[tokio::test]
async fn what_dies_at_the_start_begins_anew() {
    let bed = Bed::new().await;
    // What TLS needs is not there without it.
    crate::certificates::configure(&bed);
    for part in [begun_by(By::Start), begun_by(By::Tls)].concat() {
        let mut gateway = Gateway::mortal(&bed.config(), part.label(), &[]).await;
        gateway.says(&format!("{} has begun anew", part.says())).await;
        gateway.says("the PBX is followed").await;
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_show_that_dies_says_so_and_the_demo_comes_to_its_end() {
    for part in begun_by(By::Demo) {
        let mut demo = command();
        demo.args(["demo", "--once", "--json", "--speed", "100", "--only", "inbound-answered"]);
        demo.args(["--listen", "127.0.0.1:0"])
            .env("RINGBUD_FAULTS", part.label())
            .stdin(std::process::Stdio::null());
        let done = patiently("the demo's end", demo.output()).await.unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(said.contains(&format!("{} died at", part.says())), "{said}");
        assert!(done.status.code().is_some(), "it ended by itself: {said}");
    }
}
