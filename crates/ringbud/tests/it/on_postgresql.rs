//! The program with PostgreSQL beneath: calls come through to webhooks, one gateway at a time has the store, and what
//! runs by itself there dies as the table of parts says.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use journal::conformance::engine::{Engine, is_here};
use tasks::Part;
use tokio::task::JoinHandle;

use crate::bed::{Bed, Gateway, Signal, command, kinds, patiently};
use crate::secure::certificate;

pub(crate) const DATABASE: &str = "calls";
/// On one server, and nothing is sent by who is cut off from it.
pub(crate) const HOLDS_AT_ONCE: &str = "allow_unreplicated = true\ndeliver_through_secs = 0";

/// A bed whose store is on an engine.
pub(crate) async fn bed(engine: &Engine) -> Bed {
    engine.database(DATABASE);
    let bed = Bed::new().await;
    std::fs::write(bed.folder.path().join("key"), "a key of its own").unwrap();
    bed.write(&configuration(&bed, engine, "data", "allow_unreplicated = true"));
    bed.integrate("POST").await;
    bed
}

pub(crate) fn configuration(bed: &Bed, engine: &Engine, data: &str, more: &str) -> String {
    let sound = bed.sound().replace("\"data\"", &format!("\"{data}\""));
    let url = engine.url(DATABASE);
    format!("secret_key_file = \"key\"\n{sound}[journal]\nurl = \"{url}\"\nname = \"{data}\"\n{more}\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_come_through_with_postgresql_beneath_and_one_gateway_has_it() {
    if !is_here() {
        return;
    }
    let engine = Engine::start(0);
    let mut bed = bed(&engine).await;
    let gateway = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    let told = bed.events(3).await;
    assert_eq!(kinds(&told), ["Incoming", "Answered", "Ended"]);
    let token = bed.ask(&["token", "create", "--name", "tests"]).await;
    let path = format!("/api/v1/accounts/{}/calls", told[0].parameter("AccountId"));
    let (status, calls) = gateway.api("GET", &path, token.trim(), "").await;
    assert!(status == 200 && calls.contains("hungup_by_counterpart"), "{status} {calls}");
    let (_, figures) = gateway.api("GET", "/metrics", "", "").await;
    assert!(figures.contains("ringbud_events_total"), "{figures}");

    // `check` tries it, beside the gateway.
    let said = bed.ask(&["check"]).await;
    assert!(
        said.contains("the store in the database calls on /tmp/") && said.contains("can be used: 2"),
        "{said}"
    );
    assert!(said.contains("the gateway data has the store since 2"), "{said}");

    // A second one, on another machine so to speak.
    let other = bed.folder.path().join("other.toml");
    std::fs::write(&other, configuration(&bed, &engine, "elsewhere", "allow_unreplicated = true")).unwrap();
    let mut second = command();
    second.arg("serve").arg("--config").arg(&other).stdin(Stdio::null());
    let refused = patiently("a refusal", second.output()).await.unwrap();
    let words = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && words.contains("in use by the gateway data since 2"), "{words}");

    // Killed, it has the store again at once; stopped, another has it at once.
    gateway.kill().await;
    let gateway = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    assert_eq!(kinds(&bed.events(3).await), ["Incoming", "Answered", "Ended"]);
    gateway.stop().await;
    let began = Instant::now();
    let second = Gateway::start(&other).await;
    println!("the second runs after {:?}", began.elapsed());
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_store_on_postgresql_needs_is_said_in_words() {
    if !is_here() {
        return;
    }
    let engine = Engine::start(0);
    let bed = bed(&engine).await;
    let says = async |config: String, arguments: &[&str]| {
        bed.write(&config);
        let done = bed.run(arguments).await;
        assert!(!done.status.success(), "{config}");
        format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr))
    };
    let sound = || configuration(&bed, &engine, "data", "allow_unreplicated = true");
    let said = says(configuration(&bed, &engine, "data", ""), &["serve"]).await;
    assert!(said.contains("synchronous_standby_names is empty"), "{said}");
    let said = says(sound().replace("secret_key_file = \"key\"\n", ""), &["serve"]).await;
    assert!(said.contains("expected secret_key_file beside a store on PostgreSQL"), "{said}");
    std::fs::write(bed.folder.path().join("key2"), "another").unwrap();
    let said = says(sound().replace("\"key\"", "\"key2\""), &["check"]).await;
    assert!(said.contains("was sealed with another key"), "{said}");
    let said = says(sound().replace("url = \"host=", "url = \"hush="), &["serve"]).await;
    assert!(said.contains("expected a connection string") && !said.contains("hush"), "{said}");
    let said = says(sound(), &["backup", "b"]).await;
    assert!(said.contains("backed up and restored as any database"), "{said}");
    let said = says(sound(), &["key", "id"]).await;
    assert!(said.contains("its key is the text in secret_key_file"), "{said}");
}

/// Keeps everybody from a table for some seconds, from now on.
pub(crate) async fn hold(engine: &Arc<Engine>, table: &str) -> JoinHandle<String> {
    let (holder, sql) = (
        engine.clone(),
        format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(4); COMMIT"),
    );
    let slow = tokio::task::spawn_blocking(move || holder.servers[0].says(DATABASE, &sql));
    let held = format!(
        "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = '{table}'::regclass"
    );
    while engine.servers[0].says(DATABASE, &held) != "1" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    slow
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_by_itself_for_postgresql_dies_as_its_fate_is() {
    if !is_here() {
        return;
    }
    let engine = Arc::new(Engine::start(0));
    let mut bed = bed(&engine).await;
    for part in [Part::JournalGroups, Part::JournalBeat] {
        let mut gateway = Gateway::mortal(&bed.config(), "", &[]).await;
        gateway.says("the PBX is followed").await;
        gateway.kill_part(part).await;
        assert_eq!(gateway.ends().await, Some(4), "{part:?}: {:?}", gateway.said);
    }
    let mut gateway = Gateway::mortal(&bed.config(), "", &[]).await;
    gateway.says("the PBX is followed").await;
    gateway.kill_part(Part::JournalConnection).await;
    gateway.says(&format!("{} died at", Part::JournalConnection.says())).await;
    // What is written with has its connection.
    bed.play(&["inbound-answered"], 50.0).await;
    assert_eq!(kinds(&bed.events(3).await), ["Incoming", "Answered", "Ended"]);
    // Somebody holds a table that every append writes, for longer than an answer is waited for.
    gateway.kill_part(Part::JournalLate).await;
    let slow = hold(&engine, "ringbud.heard").await;
    bed.play(&["inbound-answered"], 50.0).await;
    gateway.says(&format!("{} died at", Part::JournalLate.says())).await;
    patiently("the lock to be gone", slow).await.unwrap();
    let mut told = kinds(&bed.events(3).await);
    told.dedup();
    assert_eq!(told, ["Incoming", "Answered", "Ended"], "all came, in order");
    gateway.stop().await;
}

/// Who it is is checked too, whatever the string asks for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_believed_by_its_certificate_alone() {
    if !is_here() {
        return;
    }
    let (ours, key, _) = certificate("localhost");
    let (others, ..) = certificate("localhost");
    let engine = Engine::start_with_tls(&ours, &key);
    engine.database(DATABASE);
    let bed = Bed::new().await;
    let file = |name: &str, text: &str| std::fs::write(bed.folder.path().join(name), text).unwrap();
    file("key", "a key of its own");
    file("ours.pem", &ours);
    file("others.pem", &others);
    let port = engine.servers[0].port();
    let check = async |host: &str, mode: &str, ca_file: &str| {
        let url = format!("postgres://ringbud@{host}:{port}/{DATABASE}{mode}");
        bed.write(&format!(
            "secret_key_file = \"key\"\n{}[journal]\nurl = \"{url}\"\n{ca_file}\nallow_unreplicated = true\n",
            bed.sound()
        ));
        let done = bed.run(&["check"]).await;
        (done.status.success(), String::from_utf8(done.stdout).unwrap())
    };
    let trusts = |name: &str| format!("ca_file = \"{name}.pem\"");
    for mode in ["?sslmode=require", "?sslmode=verify-full"] {
        let (sound, said) = check("localhost", mode, &trusts("ours")).await;
        assert!(sound, "{mode}: {said}");
        for (host, ca_file) in
            [("localhost", trusts("others")), ("localhost", String::new()), ("127.0.0.1", trusts("ours"))]
        {
            let (sound, said) = check(host, mode, &ca_file).await;
            assert!(!sound && said.contains("certificate"), "{mode} {host} {ca_file}: {said}");
        }
    }
    let (_, said) = check("db1.invalid", "?sslmode=disable", "").await;
    assert!(said.contains("warn  [journal] url reaches a server on another machine"), "{said}");
    let encrypted = "SELECT count(*) > 0 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name = 'ringbud'";
    let (sound, said) = check("localhost", "?sslmode=require", &trusts("ours")).await;
    assert!(sound && !said.contains("another machine"), "{said}");
    let gateway = bed.serve().await;
    assert_eq!(engine.servers[0].says("postgres", encrypted), "t");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_moves_to_postgresql_and_back_with_all_it_has() {
    if !is_here() {
        return;
    }
    let engine = Engine::start(0);
    engine.database(DATABASE);
    let mut bed = Bed::new().await;
    std::fs::write(bed.folder.path().join("key"), "a key of its own").unwrap();
    bed.integrate("POST").await;
    let mut token = String::new();
    // A file with a key of its own, the database, and a file again.
    let stations = [
        bed.sound(),
        configuration(&bed, &engine, "data", "allow_unreplicated = true"),
        format!("secret_key_file = \"key\"\n{}", bed.sound().replace("\"data\"", "\"back\"")),
    ];
    for (at, station) in stations.iter().enumerate() {
        bed.write(station);
        let gateway = bed.serve().await;
        if at == 0 {
            token = bed.ask(&["token", "create", "--name", "tests"]).await;
        }
        bed.play(&["inbound-answered"], 50.0).await;
        let told = bed.events(3).await;
        assert_eq!(kinds(&told), ["Incoming", "Answered", "Ended"], "station {at}");
        let path = format!("/api/v1/accounts/{}/calls", told[0].parameter("AccountId"));
        let (status, calls) = gateway.api("GET", &path, token.trim(), "").await;
        assert_eq!((status, calls.matches("hungup_by_counterpart").count()), (200, at + 1), "{calls}");
        gateway.stop().await;
        if at == 1 {
            let refused = bed.run(&["journal", "copy", "--from", &bed.data().display().to_string()]).await;
            let words = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert!(!refused.status.success() && words.contains("there is no store in"), "{words}");
        }
        let there = |name: &str| bed.folder.path().join(name).display().to_string();
        let asked = match at {
            0 => ["journal", "copy", "--from", &there("data")].map(str::to_owned),
            1 => ["journal", "copy", "--to", &there("back")].map(str::to_owned),
            _ => return,
        };
        bed.write(&stations[1]);
        let done = bed.run(&asked.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        let events = format!("in both stores there are {} events", 3 * (at + 1));
        assert!(done.status.success() && said.contains(&events), "{said}");
    }
}

/// Its retries are due when it wakes, and it cannot know yet that the store is another's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_stood_still_sends_nothing_when_it_wakes() {
    if !is_here() {
        return;
    }
    let engine = Arc::new(Engine::start(0));
    let mut bed = bed(&engine).await;
    bed.write(&configuration(&bed, &engine, "data", HOLDS_AT_ONCE));
    bed.receiver.behave(StatusCode::SERVICE_UNAVAILABLE, Duration::ZERO);
    let mut first = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    bed.request().await;
    first.signal(Signal::STOP);
    let stood = Instant::now();
    // Nothing of it is on its way any more when the other has told everything.
    let other = bed.folder.path().join("other.toml");
    std::fs::write(&other, configuration(&bed, &engine, "elsewhere", "allow_unreplicated = true")).unwrap();
    let second = Gateway::start(&other).await;
    println!("taken over {:?} after it stood still", stood.elapsed());
    bed.receiver.behave(StatusCode::OK, Duration::ZERO);
    let mut told = kinds(&bed.events(3).await);
    told.dedup();
    assert_eq!(told, ["Incoming", "Answered", "Ended"]);
    println!("all was told {:?} after it stood still", stood.elapsed());
    // For some seconds its beats are not answered: it learns late that the store is another's.
    let slow = hold(&engine, "ringbud.gateway").await;
    first.signal(Signal::CONT);
    patiently("the lock to be gone", slow).await.unwrap();
    assert_eq!(first.ends().await, Some(4), "{:?}", first.said);
    assert!(bed.receiver.try_next().is_none(), "it was told once more");
    second.stop().await;
}
