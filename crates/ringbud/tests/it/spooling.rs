//! PostgreSQL is away: calls are kept on the gateway's disk and told as they happen, and it has them all when it is back.

use std::time::{Duration, Instant};

use http::StatusCode;
use journal::conformance::engine::{Engine, is_here};
use tasks::Part;

use crate::bed::{Gateway, kinds, patiently};
use crate::on_postgresql::{bed, configuration};

const WHOLE: [&str; 3] = ["Incoming", "Answered", "Ended"];

/// Waits until `/readyz` is 200, and says something of the spool or does not.
pub(crate) async fn becomes(gateway: &Gateway, spools: bool) -> String {
    let looked = async {
        loop {
            let (status, body) = gateway.api("GET", "/readyz", "", "").await;
            if status == 200 && body.contains("kept in the spool") == spools {
                return body;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    patiently("/readyz to say so", looked).await
}

pub(crate) async fn figure(gateway: &Gateway, name: &str) -> String {
    let (_, figures) = gateway.api("GET", "/metrics", "", "").await;
    let line = figures.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("no {name}")).to_owned()
}

/// Everything it kept is on the engine: calls of an account.
async fn calls(gateway: &Gateway, account: &str, token: &str) -> usize {
    let path = format!("/api/v1/accounts/{account}/calls");
    let (status, calls) = gateway.api("GET", &path, token, "").await;
    assert_eq!(status, 200, "{calls}");
    calls.matches("hungup_by_counterpart").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_postgresql_is_away_calls_are_told_as_they_happen_and_it_has_them_when_it_is_back() {
    if !is_here() {
        return;
    }
    let mut engine = Engine::start(0);
    let mut bed = bed(&engine).await;
    let mut gateway = Gateway::mortal(&bed.config(), "", &[]).await;
    gateway.says("the PBX is followed").await;
    let token = bed.ask(&["token", "create", "--name", "tests"]).await;
    bed.play(&["inbound-answered"], 50.0).await;
    let account = bed.events(3).await[0].parameter("AccountId").to_owned();
    becomes(&gateway, false).await;

    // Nothing is written here: it is not by an event that one learns it.
    engine.servers[0].kill();
    let said = becomes(&gateway, true).await;
    assert!(!said.contains("cannot be written"), "{said}");
    let (_, verbose) = gateway.api("GET", "/readyz?verbose", "", "").await;
    assert!(verbose.contains("\"code\":\"journal_spooling\""), "{verbose}");
    for _ in 0..3 {
        let began = Instant::now();
        bed.play(&["inbound-answered"], 50.0).await;
        assert_eq!(kinds(&bed.events(3).await), WHOLE);
        println!("told within {:?}", began.elapsed());
    }
    // What is refused is tried again: its event is at hand, in the spool.
    bed.receiver.behave(StatusCode::SERVICE_UNAVAILABLE, Duration::ZERO);
    bed.play(&["inbound-answered"], 50.0).await;
    bed.request().await;
    bed.receiver.behave(StatusCode::OK, Duration::ZERO);
    assert_eq!(kinds(&bed.events(3).await), WHOLE);
    // A piece of work on the spool dies, and what it was to keep is kept.
    gateway.kill_part(Part::JournalSpool).await;
    bed.play(&["inbound-answered"], 50.0).await;
    assert_eq!(kinds(&bed.events(3).await), WHOLE);
    assert_eq!(figure(&gateway, "ringbud_spool_events").await, "15");

    gateway.kill_part(Part::JournalMerge).await;
    engine.servers[0].run();
    let began = Instant::now();
    becomes(&gateway, false).await;
    println!("the spool was empty {:?} after PostgreSQL was back", began.elapsed());
    assert_eq!(figure(&gateway, "ringbud_spool_events").await, "0");
    assert_eq!(figure(&gateway, "ringbud_spool_refused_total").await, "0");
    assert_eq!(calls(&gateway, &account, token.trim()).await, 6);
    gateway.stop().await;
    assert!(bed.receiver.try_next().is_none(), "something was told twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_delivered_on_for_long_enough_holds_and_goes_on_keeping() {
    if !is_here() {
        return;
    }
    let mut engine = Engine::start(0);
    let mut bed = bed(&engine).await;
    let text = configuration(&bed, &engine, "data", "allow_unreplicated = true\ndeliver_through_secs = 5");
    let url = bed.receiver.url("/operator");
    bed.write(&format!("{text}[operator]\nurl = \"{url}\"\n"));
    let mut gateway = bed.serve().await;
    engine.servers[0].kill();
    bed.play(&["inbound-answered"], 50.0).await;
    assert_eq!(kinds(&bed.events(3).await), WHOLE);
    gateway.says("PostgreSQL has been away for longer than deliveries go on").await;
    bed.play(&["inbound-answered"], 50.0).await;
    let kept = async {
        while figure(&gateway, "ringbud_spool_events").await != "6" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    patiently("the call to be kept", kept).await;
    // Ten seconds are no moment any more: the operator is told, and of calls nothing is.
    let notice = bed.request().await;
    let told = String::from_utf8_lossy(&notice.body).into_owned();
    assert!(told.contains("\"type\":\"journal.spooling\""), "{told}");

    // It dies in the middle: what it kept is told by its next life, once PostgreSQL is back.
    gateway.kill().await;
    engine.servers[0].run();
    // Whoever copies the store out of the database before that would leave it behind.
    let out = bed.folder.path().join("out");
    let refused = bed.run(&["journal", "copy", "--to", out.to_str().unwrap()]).await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("not all is in the database"), "{said}");
    let gateway = bed.serve().await;
    assert_eq!(kinds(&bed.events(3).await), WHOLE);
    assert_eq!(figure(&gateway, "ringbud_spool_events").await, "0");
    gateway.stop().await;
    while let Some(rest) = bed.receiver.try_next() {
        assert!(rest.event().is_none(), "something was told twice");
    }
}
