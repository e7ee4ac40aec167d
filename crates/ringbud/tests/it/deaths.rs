//! Nothing dies in silence: every part of the program is killed in turn, and either it is there again, or the
//! process ends and says which part died where. The table of parts is walked whole, so a new part without an
//! answer here fails.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use http::StatusCode;
use tasks::{Fate, Part};

use crate::bed::{Bed, Gateway, kind, patiently};

/// So soon it has to be seen.
const SOON: Duration = Duration::from_secs(2);

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
    /// Somebody who looks at the live board: `web` tests that a board that ends is begun again by the browser,
    /// and `tasks` that one piece of work dies alone.
    Viewer,
    /// Not a part of the gateway while it runs.
    Elsewhere,
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
        | Part::OperatorWatch
        | Part::SettingsRefresh
        | Part::Forgetting
        | Part::Gauges
        | Part::LinkWatch
        | Part::HttpServer => By::Itself,
        Part::SenderWorker | Part::DeliveryAttempt => By::Call,
        Part::HttpConnection | Part::JournalQuestion => By::Question,
        Part::PasswordHash => By::Login,
        Part::TestCall => By::TestCall,
        Part::WebhookPausing => By::Gone,
        Part::BoardDrawing | Part::BoardViewer => By::Viewer,
        // Connections of HTTP/2 go to web services with TLS, names are looked up for those with one, and the check
        // for damage is over in a moment: what becomes of them is the same as of the others of their fate.
        Part::OutgoingConnection | Part::NameLookup | Part::DamageCheck | Part::Stopping | Part::Show => {
            By::Elsewhere
        }
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
    let mut gateway = Gateway::mortal(&bed.config()).await;
    gateway.says("the PBX is followed").await;
    gateway
}

/// Makes the program use the part.
async fn provoke(by: By, bed: &Bed, gateway: &Gateway, token: &str) {
    let account = demo::cast::ACCOUNTS[0].id;
    match by {
        By::Itself | By::Viewer | By::Elsewhere => {}
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

fn with_fate(fate: Fate) -> impl Iterator<Item = Part> {
    let walked = |part: &Part| !matches!(begun(*part), By::Viewer | By::Elsewhere);
    Part::ALL.iter().copied().filter(move |part| part.fate() == fate).filter(walked)
}

#[tokio::test]
async fn a_part_others_cannot_do_without_ends_the_process_and_the_next_run_takes_up_what_was_kept() {
    let (mut bed, token) = bed().await;
    for part in with_fate(Fate::EndsTheProcess) {
        let mut gateway = mortal(&bed).await;
        gateway.kill_part(part).await;
        let killed = Instant::now();
        provoke(begun(part), &bed, &gateway, &token).await;
        assert_eq!(gateway.ends().await, Some(4), "{part:?}: {:?}", gateway.said);
        assert!(killed.elapsed() < SOON, "{part:?} took {:?}", killed.elapsed());
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
async fn a_part_that_can_begins_anew_within_two_seconds_and_the_program_goes_on() {
    let (bed, token) = bed().await;
    let mut gateway = mortal(&bed).await;
    for part in with_fate(Fate::BeginsAnew) {
        gateway.kill_part(part).await;
        provoke(begun(part), &bed, &gateway, &token).await;
        let (killed, words) = (Instant::now(), format!("{} has begun anew", part.says()));
        gateway.says(&words).await;
        assert!(killed.elapsed() < SOON, "{part:?} took {:?}", killed.elapsed());
        let (status, why) = gateway.api("GET", "/readyz", "", "").await;
        assert_eq!(status, 200, "{part:?}: {why}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn one_piece_of_work_dies_alone_and_calls_are_told_whole() {
    let (mut bed, token) = bed().await;
    let mut gateway = mortal(&bed).await;
    for part in with_fate(Fate::FailsAlone) {
        gateway.forget();
        gateway.kill_part(part).await;
        provoke(begun(part), &bed, &gateway, &token).await;
        gateway.says(&format!("{} died at", part.says())).await;
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
