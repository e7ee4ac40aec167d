//! The other commands.

use std::path::PathBuf;

use serde_json::Value;

use crate::bed::{Bed, own_address, ringbud};

fn trace(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../traces").join(name)
}

async fn replay(bed: &Bed, traces: &[&str], more: &[&str]) -> Vec<Value> {
    let traces: Vec<String> = traces.iter().map(|name| trace(name).display().to_string()).collect();
    let arguments: Vec<&str> =
        ["replay"].into_iter().chain(more.iter().copied()).chain(traces.iter().map(|path| &**path)).collect();
    bed.ask(&arguments).await.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_replay_prints_every_event_and_touches_nothing() {
    let bed = Bed::new().await;
    let events = replay(&bed, &["inbound-answered.tracker.ami"], &[]).await;
    let kinds: Vec<&str> = events.iter().map(|event| event["Event"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["Incoming", "Answered", "Ended"]);
    assert_eq!(events[0]["UniqueCallId"], "pbx1-1795343903.1");
    assert_eq!(events[0]["LinkedUniqueCallId"], "pbx1-1795343903.0");
    assert_eq!(events[0]["ANumber"], "+491701111111");
    assert_eq!(events[2]["Duration"], "2");
    assert!(events.iter().all(|event| event.as_object().unwrap().values().all(Value::is_string)));
    assert!(!bed.data().exists());
}

#[tokio::test]
async fn the_last_message_of_a_recording_counts_without_a_blank_line_after_it() {
    let bed = Bed::new().await;
    let whole = std::fs::read_to_string(trace("inbound-answered.tracker.ami")).unwrap();
    let end = whole.rfind("\r\n\r\nEvent: Hangup").unwrap() + 2;
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.ami");
    std::fs::write(&cut, &whole[..end]).unwrap();
    for more in [&[][..], &["--explain"]] {
        let text = bed.ask(&[&["replay"], more, &[cut.to_str().unwrap()]].concat()).await;
        assert!(text.contains("\"Ended\""), "{more:?}: {text}");
    }
}

#[tokio::test]
async fn several_recordings_are_one_pbx_with_the_link_lost_in_between() {
    let bed = Bed::new().await;
    let files = ["ami-dropped-during-call.tracker.ami", "ami-dropped-during-call.2.tracker.ami"];
    let events = replay(&bed, &files, &[]).await;
    for kind in ["Incoming", "Outgoing", "Answered", "Ended"] {
        let mut ids: Vec<&str> = events
            .iter()
            .filter(|event| event["Event"] == kind)
            .map(|event| event["EventId"].as_str().unwrap())
            .collect();
        let told = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), told, "{kind} was told twice");
    }
    let begun = events.iter().filter(|event| event["Sequence"] == "1").count();
    let ended = events.iter().filter(|event| event["Event"] == "Ended").count();
    assert_eq!(begun, ended);
}

#[tokio::test]
async fn explained_each_event_names_the_lines_that_led_to_it() {
    let bed = Bed::new().await;
    let events = replay(&bed, &["inbound-answered.tracker.ami"], &["--explain"]).await;
    let because = events[0]["Explain"].as_array().unwrap();
    assert!(
        because.iter().any(|line| line.as_str().unwrap().contains("Newchannel PJSIP/1001-101")),
        "{because:?}"
    );
    let line = because.last().unwrap().as_str().unwrap();
    let number: usize = line.split(':').nth(1).unwrap().parse().unwrap();
    let text = std::fs::read_to_string(trace("inbound-answered.tracker.ami")).unwrap();
    assert!(text.lines().nth(number - 1).unwrap().starts_with("Event: Newstate"), "{line}");
}

#[tokio::test]
async fn a_recording_that_cannot_be_read_is_named() {
    let bed = Bed::new().await;
    let done = bed.run(&["replay", "/nonexistent/trace.ami"]).await;
    assert_eq!(done.status.code(), Some(1));
    assert!(String::from_utf8(done.stderr).unwrap().contains("/nonexistent/trace.ami"));
}

#[tokio::test]
async fn the_store_says_how_an_accounts_values_are_written() {
    let bed = Bed::new().await;
    bed.ask(&["account", "set", "1001"]).await;
    let settings = bed.folder.path().join("integration.json");
    std::fs::write(&settings, r#"{"time_format": "unix"}"#).unwrap();
    let done = bed.run(&["integration", "set", "1001", "--json", settings.to_str().unwrap()]).await;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let events = replay(&bed, &["inbound-answered.tracker.ami"], &[]).await;
    assert_eq!(events[0]["TimeStamp"], "1795343903");
}

#[tokio::test]
async fn the_demo_plays_to_its_end_and_every_event_is_taken() {
    for (pbx, only, calls) in [
        ("asterisk", "inbound-answered,pickup", 2),
        ("freeswitch", "inbound-answered,pickup-group", 2),
        ("both", "inbound-answered", 2),
    ] {
        let listen = ["--listen", "127.0.0.1:0"];
        let plan = ["demo", "--pbx", pbx, "--once", "--json", "--speed", "50", "--only", only];
        let done = ringbud(&[&plan[..], &listen].concat()).await;
        let said = String::from_utf8(done.stdout).unwrap();
        assert_eq!(done.status.code(), Some(0), "{pbx}: {}", String::from_utf8_lossy(&done.stderr));
        let end: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
        assert_eq!(end["type"], "end");
        assert_eq!(end["calls"], calls, "{pbx}: {end}");
        assert_eq!(end["accepted"], end["events"], "{pbx}");
        assert_eq!(end["failed"], 0);
        assert!(end["events"].as_u64().unwrap() >= 6, "{pbx}: {end}");
    }
}

#[tokio::test]
async fn an_anonymised_recording_gives_the_same_events_about_nobody() {
    let bed = Bed::new().await;
    let anonymous = bed.folder.path().join("anonymous.ami");
    let from = trace("blind-transfer-to-employee.tracker.ami");
    bed.ask(&[
        "record",
        "--anonymise",
        "--from",
        from.to_str().unwrap(),
        "--output",
        anonymous.to_str().unwrap(),
    ])
    .await;
    let text = std::fs::read_to_string(&anonymous).unwrap();
    assert!(!text.contains("+491701111111") && !text.contains("Anna Ash"));
    let ids =
        |events: &[Value]| -> Vec<Value> { events.iter().map(|event| event["EventId"].clone()).collect() };
    let before = replay(&bed, &["blind-transfer-to-employee.tracker.ami"], &[]).await;
    let after = replay(&bed, &[anonymous.to_str().unwrap()], &[]).await;
    assert_eq!(ids(&before), ids(&after));
}

#[tokio::test]
async fn a_live_recording_replays() {
    let bed = Bed::new().await;
    let gateway = bed.serve().await;
    let file = bed.folder.path().join("live.ami");
    let file = file.to_str().unwrap();
    bed.record(file, ("Event: Hangup\r\n", 2), async {
        crate::bed::patiently("both links", bed.pbx.clients(2)).await;
        bed.play(&["inbound-answered"], 50.0).await;
    })
    .await;
    let events = replay(&bed, &[file], &[]).await;
    assert_eq!(events.len(), 3, "{events:?}");
    // Where it is said how long, it ends by itself.
    bed.ask(&["record", "--output", file, "--seconds", "1"]).await;
    let said = std::fs::read_to_string(file).unwrap();
    assert!(said.starts_with("Asterisk Call Manager/") && said.ends_with("\r\n\r\n"), "{said}");
    assert_eq!(replay(&bed, &[file], &[]).await, Vec::<Value>::new());
    gateway.stop().await;
}

#[tokio::test]
async fn deliveries_are_listed_sent_again_and_tested_through_the_running_gateway() {
    let mut bed = Bed::new().await;
    let free = own_address().to_string();
    bed.write(&bed.sound().replace("127.0.0.1:0", &free));
    bed.integrate("POST").await;
    let gone = bed.run(&["delivery", "list", "1001"]).await;
    assert!(String::from_utf8(gone.stderr).unwrap().contains("no gateway answers"));
    let gateway = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    let first = bed.requests(3).await.remove(0);
    let account = first.parameter("AccountId").to_owned();
    let deliveries = loop {
        let listed = bed.ask(&["delivery", "list", &account, "--state", "delivered", "--json"]).await;
        let listed: Value = serde_json::from_str(&listed).unwrap();
        if listed.as_array().unwrap().len() == 3 {
            break listed;
        }
    };
    let incoming = deliveries.as_array().unwrap().iter().find(|one| one["event"] == "Incoming").unwrap();
    bed.ask(&["delivery", "again", &account, incoming["id"].as_str().unwrap()]).await;
    assert_eq!(bed.request().await.header("webhook-id"), first.header("webhook-id"));
    let employee = first.parameter("EmployeeLocalNumber").to_owned();
    bed.ask(&["employee", "set", &account, &employee]).await;
    assert!(bed.ask(&["delivery", "test", &account, &employee]).await.contains("200"));
    assert_eq!(bed.requests(4).await.len(), 4);
    assert!(!bed.ask(&["token", "list"]).await.contains("command-"), "the command left its token behind");
    gateway.stop().await;
}

#[tokio::test]
async fn help_completions_and_man_page_come_from_one_source() {
    for command in
        ["serve", "demo", "check", "receive", "replay", "record", "account", "token", "integration"]
    {
        let done = ringbud(&[command, "--help"]).await;
        assert!(done.status.success());
        assert!(String::from_utf8(done.stdout).unwrap().contains("Usage: ringbud"), "{command}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            String::from_utf8(ringbud(&["completions", shell]).await.stdout).unwrap().contains("ringbud")
        );
    }
    assert!(String::from_utf8(ringbud(&["man"]).await.stdout).unwrap().contains(".TH ringbud"));
}

#[tokio::test]
async fn how_many_requests_a_second_is_an_accounts_own_choice() {
    let bed = Bed::new().await;
    bed.ask(&["account", "set", "1001"]).await;
    let set = |rate| ["integration", "set", "1001", "--rate", rate];
    for (rate, shown) in [("5", serde_json::json!(5)), ("0", serde_json::Value::Null)] {
        bed.ask(&set(rate)).await;
        let now = bed.ask(&["integration", "show", "1001"]).await;
        let now: serde_json::Value = serde_json::from_str(&now).unwrap();
        assert_eq!(now["rate"], shown);
    }
    let refused = bed.run(&set("1001")).await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("between 1 and 1000"), "{said}");
}

#[tokio::test]
async fn how_long_events_are_tried_is_an_accounts_own_choice() {
    let bed = Bed::new().await;
    bed.ask(&["account", "set", "1001"]).await;
    let set = |option, secs| ["integration", "set", "1001", option, secs];
    bed.ask(&set("--retry-incoming-secs", "30")).await;
    bed.ask(&set("--retry-others-secs", "86400")).await;
    let shown: serde_json::Value =
        serde_json::from_str(&bed.ask(&["integration", "show", "1001"]).await).unwrap();
    assert_eq!(shown["retry"], serde_json::json!({ "incoming_secs": 30, "others_secs": 86_400 }));
    let refused = bed.run(&set("--retry-incoming-secs", "3601")).await;
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("between 1 and 3600 seconds"), "{said}");
}

#[tokio::test]
async fn how_much_is_kept_is_an_accounts_own_choice() {
    let bed = Bed::new().await;
    bed.ask(&["account", "set", "1001", "--name", "Nordlys", "--keep-days", "30"]).await;
    bed.ask(&["account", "set", "1001", "--keep-megabytes", "500"]).await;
    let listed = async || -> serde_json::Value {
        let all: serde_json::Value =
            serde_json::from_str(&bed.ask(&["account", "list", "--json"]).await).unwrap();
        all.as_array().unwrap().iter().find(|one| one["account"] == "1001").expect("it is there").clone()
    };
    let one = listed().await;
    let kept = (one["name"].as_str(), one["keep_days"].as_u64(), one["keep_megabytes"].as_u64());
    assert_eq!(kept, (Some("Nordlys"), Some(30), Some(500)), "what is not given stays");
    let refused = bed.run(&["account", "set", "1001", "--keep-days", "36501"]).await;
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("keep.days: between 1 and 36500 days"), "{said}");
    bed.ask(&["account", "set", "1001", "--keep-days", "0"]).await;
    let one = listed().await;
    assert_eq!(
        (&one["keep_days"], &one["keep_megabytes"]),
        (&serde_json::Value::Null, &serde_json::json!(500))
    );
}
