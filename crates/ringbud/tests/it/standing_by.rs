//! Two gateways on one store: one has it, the other stands by and takes over, whatever becomes of the first.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use demo::receiver::Received;
use http::StatusCode;
use journal::conformance::engine::{Engine, is_here};
use tokio::net::UnixDatagram;
use tokio::sync::Notify;

use crate::bed::{Bed, Gateway, Signal, kind, kinds, patiently, play_ringing};
use crate::on_postgresql::{HOLDS_AT_ONCE, bed, configuration, hold};
use crate::supervision::Systemd;
use crate::way::{Passage, Way};

const STANDS_BY: &str = "allow_unreplicated = true\nstand_by = true";

/// The configuration of another gateway of a bed.
fn other(bed: &Bed, engine: &Engine, name: &str) -> PathBuf {
    let file = bed.folder.path().join(format!("{name}.toml"));
    std::fs::write(&file, configuration(bed, engine, name, STANDS_BY)).unwrap();
    file
}

fn id(request: &Received) -> &str {
    request.headers["webhook-id"].to_str().unwrap()
}

/// What was told: each leg's events, first occurrences, in the order they came; and how often anything came again.
pub(crate) fn told(requests: &[Received]) -> (BTreeMap<String, Vec<&'static str>>, usize) {
    let (mut legs, mut seen): (BTreeMap<String, Vec<_>>, _) = (BTreeMap::new(), BTreeSet::new());
    let taken = requests.iter().filter(|request| request.event().is_some() && request.status.is_success());
    let mut again = 0;
    for request in taken {
        let id = id(request);
        if seen.insert(id) {
            let (leg, _) = id.rsplit_once('-').unwrap();
            legs.entry(leg.to_owned()).or_default().push(kind(request));
        } else {
            again += 1;
        }
    }
    (legs, again)
}

pub(crate) const WHOLE: [&str; 3] = ["Incoming", "Answered", "Ended"];

/// Waits until a gateway that stood by has taken over and follows its PBX.
async fn takes_over(second: &mut Gateway) {
    second.says("takes over").await;
    second.says("ringbud runs").await;
    second.says("the PBX is followed").await;
}

/// Waits until a gateway has said of so many events that they are kept.
pub(crate) async fn keeps(gateway: &mut Gateway, events: usize) {
    while gateway.said.iter().filter(|line| line["message"] == "event").count() < events {
        gateway.hears().await;
    }
}

/// What a command says as soon as it says that.
async fn listed(bed: &Bed, command: &[&str], is: impl Fn(&str) -> bool) -> String {
    patiently("what is listed", async {
        loop {
            let listed = bed.ask(command).await;
            if is(&listed) {
                return listed;
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stands_by_says_so_to_everybody_who_asks_and_stops_when_told() {
    if !is_here() {
        return;
    }
    let engine = Engine::start(0);
    let bed = bed(&engine).await;
    let first = bed.serve().await;
    let socket = bed.folder.path().join("notify");
    let systemd = Systemd(UnixDatagram::bind(&socket).unwrap());
    let environment = [("NOTIFY_SOCKET", socket.to_str().unwrap()), ("WATCHDOG_USEC", "400000")];
    let mut second = Gateway::standing_by(&other(&bed, &engine, "second"), &environment).await;

    systemd.hears("READY=1").await;
    let status = systemd.hears("WATCHDOG=1").await;
    assert!(status.contains("STATUS=stands by: gateway data holds the store since 2"), "{status}");
    // It is always read, as systemd does: who tells it waits where it is not.
    let stopping = tokio::spawn(async move { systemd.hears("STOPPING=1").await });
    assert_eq!(second.api("GET", "/healthz", "", "").await.0, 200);
    let (status, said) = second.api("GET", "/readyz", "", "").await;
    assert_eq!(status, 503);
    assert!(said.contains("stands by: gateway data holds the store since 2"), "{said}");
    let (status, said) = second.api("GET", "/readyz?verbose", "", "").await;
    assert!(status == 503 && said.contains("\"code\":\"stands_by\""), "{said}");
    let (status, figures) = second.api("GET", "/metrics", "", "").await;
    assert!(status == 200 && figures.contains("ringbud_gateway_standing_by 1\n"), "{figures}");
    for path in ["/", "/api/v1/accounts", "/login"] {
        let (status, page) = second.page(path, "").await;
        assert!(status == 503 && page.contains("retry-after: 5") && page.contains("stands by"), "{page}");
    }
    let (_, figures) = first.api("GET", "/metrics", "", "").await;
    assert!(figures.contains("ringbud_gateway_standing_by 0\n"), "{figures}");

    let listed = listed(&bed, &["gateways"], |listed| !listed.contains("does not beat")).await;
    let lines: Vec<_> =
        listed.lines().map(|line| line.split("  ").map(str::trim).collect::<Vec<_>>()).collect();
    assert_eq!(lines.len(), 3, "{listed}");
    assert!(
        lines[1].starts_with(&["data"]) && listed.contains("has the store") && lines[2][0] == "second",
        "{listed}"
    );
    assert!(lines[2].contains(&"stands by") && !listed.contains("does not beat"), "{listed}");

    second.signal(Signal::USR1);
    second.forget();
    second.says("stands by: gateway data").await;
    second.signal(Signal::HUP);
    second.says("the configuration is read anew as soon as").await;
    second.signal(Signal::TERM);
    stopping.await.unwrap();
    assert_eq!(second.ends().await, Some(0), "{:?}", second.said);
    assert_eq!(first.api("GET", "/readyz", "", "").await.0, 200, "the other has noticed nothing");
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stands_by_takes_over_from_a_killed_gateway_with_all_it_had() {
    if !is_here() {
        return;
    }
    let engine = Engine::start(0);
    let mut bed = bed(&engine).await;
    let mut first = bed.serve().await;
    let cookie = first.log_in().await;
    let token = bed.ask(&["token", "create", "--name", "tests"]).await;
    let mut second = Gateway::standing_by(&other(&bed, &engine, "second"), &[]).await;
    second.signal(Signal::HUP);
    second.says("the configuration is read anew as soon as").await;

    // One call is over and told, another is told by half and waits, a third rings when it dies.
    bed.play(&["inbound-answered"], 50.0).await;
    let mut requests = bed.events(3).await;
    bed.receiver.behave(StatusCode::SERVICE_UNAVAILABLE, Duration::ZERO);
    bed.play(&["inbound-answered"], 50.0).await;
    let waits = bed.request().await;
    keeps(&mut first, 6).await;
    bed.receiver.behave(StatusCode::OK, Duration::ZERO);
    let killed = {
        let Bed { pbx, receiver, .. } = &mut bed;
        let go_on = Arc::new(Notify::new());
        let ((), (killed, rings)) =
            tokio::join!(play_ringing(pbx, "inbound-answered", 20.0, &go_on), async {
                let mut before = Vec::new();
                let rings = |request: &Received| {
                    request.status.is_success() && kind(request) == "Incoming" && id(request) != id(&waits)
                };
                while !before.last().is_some_and(rings) {
                    before.push(patiently("the third's ring", receiver.next()).await.unwrap());
                }
                let killed = Instant::now();
                first.kill().await;
                go_on.notify_one();
                (killed, before)
            });
        requests.extend(rings);
        killed
    };
    takes_over(&mut second).await;
    println!("taken over {:?} after the kill", killed.elapsed());
    second.says("the configuration was read anew").await;
    let lost = second.says("the gateway that had the store is gone").await;
    assert_eq!(lost["from"], "data");
    let (_, figures) = second.api("GET", "/metrics", "", "").await;
    assert!(figures.contains("ringbud_gateway_takeovers_total 1\n"), "{figures}");
    // One that stood still for a moment does not beat in it.
    let listed =
        listed(&bed, &["gateways", "--json"], |listed| listed.matches("does not beat").count() == 1).await;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(
        (&listed[0]["name"], &listed[0]["state"]),
        (&"data".into(), &"does not beat".into()),
        "{listed}"
    );
    assert_eq!(
        (&listed[1]["name"], &listed[1]["state"]),
        (&"second".into(), &"has the store".into()),
        "{listed}"
    );
    let mut first_request = None;
    while {
        let (legs, _) = told(&requests);
        legs.len() < 3 || legs.values().any(|kinds| kinds.last() != Some(&"Ended"))
    } {
        requests.push(bed.request().await);
        first_request.get_or_insert_with(|| killed.elapsed());
    }
    println!("the first request came {first_request:?} after the kill");
    let (legs, again) = told(&requests);
    println!("{again} repeated");
    for kinds in legs.values() {
        // What happened between the two lives is known by its end alone.
        assert!(*kinds == WHOLE || *kinds == ["Incoming", "Ended"], "{legs:?}");
    }
    assert_eq!(legs.values().filter(|kinds| **kinds == WHOLE).count(), 2, "{legs:?}");

    // Settings, logins and tokens are those of before.
    let (_, page) = second.page("/", &cookie).await;
    assert!(page.contains("location: /") && !page.contains("location: /login"), "who was in is out: {page}");
    let (status, accounts) = second.api("GET", "/api/v1/accounts", token.trim(), "").await;
    assert!(status == 200 && accounts.contains(demo::cast::ACCOUNTS[0].name), "{accounts}");
    assert_eq!(second.api("GET", "/readyz", "", "").await.0, 200);
    bed.play(&["inbound-answered"], 50.0).await;
    assert_eq!(kinds(&bed.events(3).await), WHOLE);
    second.stop().await;
}

/// Where a whole machine stands still nobody misses a beat, whoever wakes first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_stands_still_costs_nobody_the_store() {
    if !is_here() {
        return;
    }
    let engine = Engine::start(0);
    let mut bed = bed(&engine).await;
    let first = bed.serve().await;
    let second = Gateway::standing_by(&other(&bed, &engine, "second"), &[]).await;
    for gateway in [&first, &second] {
        gateway.signal(Signal::STOP);
    }
    // For longer than a beat that stands still is waited for.
    tokio::time::sleep(Duration::from_secs(5)).await;
    second.signal(Signal::CONT);
    // Many looks.
    tokio::time::sleep(Duration::from_secs(1)).await;
    first.signal(Signal::CONT);
    bed.play(&["inbound-answered"], 50.0).await;
    assert_eq!(kinds(&bed.events(3).await), WHOLE);
    let (status, said) = second.api("GET", "/readyz?verbose", "", "").await;
    assert!(status == 503 && said.contains("\"code\":\"stands_by\""), "{said}");
    assert_eq!(first.api("GET", "/readyz", "", "").await.0, 200);
    second.stop().await;
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_stops_hands_over_to_who_stands_by_and_nothing_is_told_twice() {
    if !is_here() {
        return;
    }
    let engine = Engine::start(0);
    let mut bed = bed(&engine).await;
    let here = configuration(&bed, &engine, "data", STANDS_BY);
    bed.write(&here);
    let mut gateways = [bed.config(), other(&bed, &engine, "second")];
    let mut has_it = Gateway::start(&gateways[0]).await;
    has_it.says("the PBX is followed").await;
    let mut requests = Vec::new();
    for _ in 0..4 {
        let mut waits = Gateway::standing_by(&gateways[1], &[]).await;
        bed.play(&["inbound-answered"], 50.0).await;
        requests.extend(bed.events(3).await);
        let began = Instant::now();
        has_it.signal(Signal::TERM);
        waits.says("takes over").await;
        println!("taken over {:?} after it was told to stop", began.elapsed());
        takes_over(&mut waits).await;
        println!("the PBX is followed {:?} after it was told to stop", began.elapsed());
        assert_eq!(has_it.ends().await, Some(0), "{:?}", has_it.said);
        let (_, figures) = waits.api("GET", "/metrics", "", "").await;
        assert!(figures.contains("ringbud_gateway_takeovers_total 0\n"), "it was handed over: {figures}");
        has_it = waits;
        gateways.reverse();
    }
    bed.play(&["inbound-answered"], 50.0).await;
    requests.extend(bed.events(3).await);
    has_it.stop().await;
    let (legs, again) = told(&requests);
    assert!(legs.len() == 5 && legs.values().all(|kinds| *kinds == WHOLE), "{legs:?}");
    assert!(again == 0 && bed.receiver.try_next().is_none(), "something was told twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_wakes_behind_who_stood_by_tells_nothing_and_stands_by_itself() {
    if !is_here() {
        return;
    }
    let engine = Arc::new(Engine::start(0));
    let mut bed = bed(&engine).await;
    bed.write(&configuration(&bed, &engine, "data", HOLDS_AT_ONCE));
    bed.receiver.behave(StatusCode::SERVICE_UNAVAILABLE, Duration::ZERO);
    let mut first = bed.serve().await;
    let mut second = Gateway::standing_by(&other(&bed, &engine, "second"), &[]).await;
    bed.play(&["inbound-answered"], 50.0).await;
    bed.request().await;
    first.signal(Signal::STOP);
    let stood = Instant::now();
    takes_over(&mut second).await;
    println!("taken over {:?} after it stood still", stood.elapsed());
    bed.receiver.behave(StatusCode::OK, Duration::ZERO);
    assert_eq!(kinds(&bed.events(3).await), WHOLE);
    // For some seconds its beats are not answered: it learns late that the store is another's.
    let slow = hold(&engine, "ringbud.gateway").await;
    first.signal(Signal::CONT);
    patiently("the lock to be gone", slow).await.unwrap();
    assert_eq!(first.ends().await, Some(4), "{:?}", first.said);
    assert!(bed.receiver.try_next().is_none(), "it was told once more");
    // Whoever supervises it starts it again.
    bed.write(&configuration(&bed, &engine, "data", STANDS_BY));
    let mut first = Gateway::standing_by(&bed.config(), &[]).await;
    let began = Instant::now();
    second.kill().await;
    takes_over(&mut first).await;
    println!("taken over {:?} after the kill", began.elapsed());
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_cut_off_and_does_not_deliver_on_falls_silent_and_who_stands_by_takes_over() {
    if is_here() {
        cut_off(HOLDS_AT_ONCE).await;
    }
}

/// Both follow the call to its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_cut_off_delivers_on_and_who_stands_by_takes_over_and_ids_are_the_same() {
    if is_here() {
        cut_off("allow_unreplicated = true").await;
    }
}

async fn cut_off(how: &str) {
    let engine = Engine::start(0);
    let mut bed = bed(&engine).await;
    let way = Way::lay(&engine, bed.folder.path());
    bed.write(&way.over(&configuration(&bed, &engine, "data", how)));
    let mut first = bed.serve().await;
    let mut second = Gateway::standing_by(&other(&bed, &engine, "second"), &[]).await;
    bed.play(&["inbound-answered"], 50.0).await;
    let mut requests = bed.events(3).await;
    // A call rings when the way is cut; both read its end, and only one may tell it.
    let cut = {
        let Bed { pbx, receiver, .. } = &mut bed;
        let go_on = Arc::new(Notify::new());
        let ((), (cut, rings)) = tokio::join!(play_ringing(pbx, "inbound-answered", 20.0, &go_on), async {
            let rings = patiently("the ring", receiver.next()).await.unwrap();
            way.becomes(Passage::Cut);
            go_on.notify_one();
            (Instant::now(), rings)
        });
        requests.push(rings);
        cut
    };
    takes_over(&mut second).await;
    println!("taken over {:?} after the cut", cut.elapsed());
    until_told(&mut bed, &mut requests, 2).await;
    let delivers_on = how != HOLDS_AT_ONCE;
    if delivers_on {
        // Whichever tells it first, the other tells the same.
        bed.play(&["inbound-answered"], 50.0).await;
        until_told(&mut bed, &mut requests, 3).await;
    }
    way.becomes(Passage::Open);
    assert_eq!(first.ends().await, Some(4), "{:?}", first.said);
    let calls = if delivers_on { 4 } else { 3 };
    bed.play(&["inbound-answered"], 50.0).await;
    until_told(&mut bed, &mut requests, calls).await;
    second.stop().await;
    requests.extend(std::iter::from_fn(|| bed.receiver.try_next()));
    let (legs, again) = told(&requests);
    println!("{again} repeated");
    assert_eq!(legs.len(), calls, "{legs:?}");
    for kinds in legs.values() {
        assert!(*kinds == WHOLE || *kinds == ["Incoming", "Ended"], "{legs:?}");
    }
}

/// Waits until so many legs were told to their ends.
async fn until_told(bed: &mut Bed, requests: &mut Vec<Received>, legs: usize) {
    let is_told = |requests: &[Received]| {
        let (told, _) = told(requests);
        told.len() >= legs && told.values().all(|kinds| kinds.last() == Some(&"Ended"))
    };
    while !is_told(requests) {
        requests.push(bed.request().await);
    }
}

/// Two gateways on an engine with two standbys, the first of which has the store.
async fn on_three_servers(engine: &Engine, bed: &Bed) -> (Gateway, Gateway) {
    bed.write(&configuration(bed, engine, "data", ""));
    let first = bed.serve().await;
    let file = bed.folder.path().join("second.toml");
    std::fs::write(&file, configuration(bed, engine, "second", "stand_by = true")).unwrap();
    (first, Gateway::standing_by(&file, &[]).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_takes_over_where_a_standby_of_postgresql_does() {
    if !is_here() {
        return;
    }
    let mut engine = Engine::start(2);
    let mut bed = bed(&engine).await;
    let (first, second) = on_three_servers(&engine, &bed).await;
    bed.play(&["inbound-answered"], 50.0).await;
    let mut requests = bed.events(3).await;
    let began = Instant::now();
    tokio::task::block_in_place(|| engine.fail_over());
    println!("failed over within {:?}", began.elapsed());
    bed.play(&["inbound-answered"], 50.0).await;
    while told(&requests).0.values().map(Vec::len).sum::<usize>() < 6 {
        requests.push(bed.request().await);
    }
    println!("told {:?} after the primary was killed", began.elapsed());
    let (status, said) = second.api("GET", "/readyz", "", "").await;
    assert!(status == 503 && said.contains("stands by: gateway data holds"), "{said}");
    assert_eq!(first.api("GET", "/readyz", "", "").await.0, 200);
    let (legs, _) = told(&requests);
    assert!(legs.len() == 2 && legs.values().all(|kinds| *kinds == WHOLE), "{legs:?}");
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateway_and_primary_die_together_and_nothing_that_was_kept_is_lost() {
    if !is_here() {
        return;
    }
    let mut engine = Engine::start(2);
    let mut bed = bed(&engine).await;
    let (mut first, mut second) = on_three_servers(&engine, &bed).await;
    bed.receiver.behave(StatusCode::SERVICE_UNAVAILABLE, Duration::ZERO);
    bed.play(&["inbound-answered"], 50.0).await;
    keeps(&mut first, 3).await;
    let began = Instant::now();
    first.kill().await;
    tokio::task::block_in_place(|| engine.fail_over());
    println!("both are dead, and a standby is promoted, within {:?}", began.elapsed());
    bed.receiver.behave(StatusCode::OK, Duration::ZERO);
    takes_over(&mut second).await;
    println!("taken over {:?} after the kill", began.elapsed());
    let mut requests = Vec::new();
    while told(&requests).0.values().map(Vec::len).sum::<usize>() < 3 {
        requests.push(bed.request().await);
    }
    let (legs, again) = told(&requests);
    assert!(legs.len() == 1 && again == 0 && legs.values().all(|kinds| *kinds == WHOLE), "{legs:?}");
    second.stop().await;
}
