//! Whatever works for an Asterisk works for a FreeSWITCH: the commands, walked over both kinds.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Stdio;

use demo::switch::{ActPlan, Switch, SwitchOptions, play};
use pbx::Kind;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::sync::mpsc;

use crate::bed::{Bed, command, kinds, patiently};

/// A PBX of a kind in a bed of its own, called by this name in the configuration.
struct House {
    bed: Bed,
    kind: Kind,
    switch: Option<Switch>,
    name: &'static str,
}

impl House {
    async fn with(kind: Kind) -> Self {
        let bed = Bed::new().await;
        if kind == Kind::Asterisk {
            return Self { bed, kind, switch: None, name: "pbx1" };
        }
        let switch = Switch::start(SwitchOptions::default()).await.unwrap();
        let sound = bed.sound();
        bed.write(&format!(
            "{}[[pbx]]\nname = \"fs\"\nkind = \"freeswitch\"\naddress = \"{}\"\nsecret = \"ClueCon\"\n\
             [[pbx.phones]]\nendpoint = '(?<phone>\\d+)@(?<account>\\d+)\\.lab\\.test'\n",
            sound.split_once("[[pbx]]").unwrap().0,
            switch.address()
        ));
        Self { bed, kind, switch: Some(switch), name: "fs" }
    }

    /// A call comes in and is answered.
    async fn call(&self) {
        let Some(switch) = &self.switch else { return self.bed.play(&["inbound-answered"], 50.0).await };
        let only = vec!["inbound-answered".to_owned()];
        let plan = ActPlan { seed: 7, speed: 50.0, once: true, only };
        let (begun, _begins) = mpsc::channel(8);
        patiently("the play", play(switch, plan, begun)).await;
    }

    async fn clients(&self, count: usize) {
        match &self.switch {
            Some(switch) => patiently("the links", switch.clients(count)).await,
            None => patiently("the links", self.bed.pbx.clients(count)).await,
        }
    }

    fn trace(&self) -> String {
        let traces = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../traces");
        let trace = match self.kind {
            Kind::Asterisk => traces.join("inbound-answered.tracker.ami"),
            Kind::FreeSwitch => traces.join("freeswitch/inbound-answered.tracker.esl.gz"),
        };
        trace.to_str().unwrap().to_owned()
    }

    async fn replay(&self, file: &str, more: &[&str]) -> Vec<Value> {
        let said = self.bed.ask(&[&["replay"], more, &[file]].concat()).await;
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn file(&self, name: &str) -> String {
        self.bed.folder.path().join(name).to_str().unwrap().to_owned()
    }
}

fn told(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["Event"].as_str().unwrap()).collect()
}

const A_CALL: [&str; 3] = ["Incoming", "Answered", "Ended"];

#[tokio::test]
async fn check_and_replay_speak_of_both_kinds() {
    for kind in Kind::ALL {
        let house = House::with(kind).await;
        let said = house.bed.ask(&["check"]).await;
        assert!(said.contains(&format!("ok    {}: {} ", house.name, kind.name())), "{said}");
        assert!(said.contains("is phone 101 of account 1001"), "{said}");
        let events = house.replay(&house.trace(), &[]).await;
        assert_eq!(told(&events), A_CALL, "{kind:?}");
        let id = events[0]["UniqueCallId"].as_str().unwrap();
        assert!(id.starts_with(&format!("{}-", house.name)), "{id}");
        let explained = house.replay(&house.trace(), &["--explain"]).await;
        for event in &explained {
            assert!(!event["Explain"].as_array().unwrap().is_empty(), "{kind:?}: {event}");
        }
    }
}

#[tokio::test]
async fn what_was_recorded_of_either_kind_replays_anonymised_too() {
    for kind in Kind::ALL {
        let house = House::with(kind).await;
        let live = house.file("live");
        let calls = async {
            house.clients(1).await;
            house.call().await;
        };
        // One channel more hangs up there: that of the pickup group.
        let until = match kind {
            Kind::Asterisk => ("Event: Hangup\r\n", 2),
            Kind::FreeSwitch => ("Event-Name: CHANNEL_DESTROY\n", 3),
        };
        house.bed.record(&live, until, calls).await;
        assert_eq!(told(&house.replay(&live, &[]).await), A_CALL, "{kind:?}");
        let anonymous = house.file("anonymous");
        house.bed.ask(&["record", "--anonymise", "--from", &house.trace(), "--output", &anonymous]).await;
        let text = String::from_utf8_lossy(&std::fs::read(&anonymous).unwrap()).into_owned();
        assert!(!text.contains("491701111111"), "{kind:?}");
        let (before, after) = (house.replay(&house.trace(), &[]).await, house.replay(&anonymous, &[]).await);
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before["EventId"], after["EventId"]);
            assert_ne!(before["ANumber"], after["ANumber"]);
        }
        assert_eq!(told(&after), A_CALL);
    }
}

#[tokio::test]
async fn links_figures_and_web_services_are_the_same_for_both_kinds() {
    let mut named: Vec<BTreeSet<String>> = Vec::new();
    for kind in Kind::ALL {
        let mut house = House::with(kind).await;
        house.bed.integrate("GET").await;
        let mut gateway = house.bed.serve().await;
        house.call().await;
        assert_eq!(kinds(&house.bed.requests(3).await), A_CALL, "{kind:?}");
        let (status, figures) = gateway.api("GET", "/metrics", "", "").await;
        assert_eq!(status, 200);
        let own: Vec<&str> = figures.lines().filter(|line| line.contains("pbx=\"")).collect();
        let mine = format!("pbx=\"{}\"", house.name);
        assert!(!own.is_empty() && own.iter().all(|line| line.contains(&mine)), "{own:#?}");
        named.push(own.iter().filter_map(|line| Some(line.split_once('{')?.0.to_owned())).collect());
        assert_eq!(gateway.api("GET", "/readyz", "", "").await.0, 200, "{kind:?}");
        gateway.forget();
        match &house.switch {
            Some(switch) => switch.cut(),
            None => house.bed.pbx.cut(),
        }
        gateway.says("no link to the PBX").await;
        gateway.says("the PBX is followed").await;
        gateway.stop().await;
    }
    assert!(named[0].len() > 8 && named[0] == named[1], "{named:#?}");
}

/// What `receive` prints stands beside what the PBX said, whichever kind that is.
#[tokio::test]
async fn a_receiver_of_ones_own_prints_what_calls_of_either_kind_cause() {
    for kind in Kind::ALL {
        let house = House::with(kind).await;
        let mut receive = command();
        receive.args(["receive", "--json", "--listen", "127.0.0.1:0"]);
        let mut receive = receive.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(receive.stderr.take().unwrap()).lines();
        let mut printed = BufReader::new(receive.stdout.take().unwrap()).lines();
        let first = patiently("its address", said.next_line()).await.unwrap().unwrap();
        let url = first.strip_prefix("receiving on ").unwrap();
        house.bed.integrate("POST").await;
        let hooks = ["--incoming-url", "--answered-url", "--ended-url"].map(|hook| [hook, url]).concat();
        for account in demo::cast::ACCOUNTS {
            house.bed.ask(&[&["integration", "set", account.id], &hooks[..]].concat()).await;
        }
        let gateway = house.bed.serve().await;
        house.call().await;
        let mut events = Vec::new();
        while events.len() < A_CALL.len() {
            let line = patiently("a request", printed.next_line()).await.unwrap().unwrap();
            events.push(serde_json::from_str::<Value>(&line).unwrap());
        }
        let text = events.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (event, text) in A_CALL.iter().zip(&text) {
            assert!(text.to_lowercase().contains(&event.to_lowercase()), "{event}: {text}");
            assert!(text.contains(&format!("{}-", house.name)), "{text}");
        }
        gateway.stop().await;
    }
}

/// From one PBX to the other by a line: each tells its own half, and nothing ties them.
#[tokio::test]
async fn a_call_from_one_pbx_to_the_other_is_two_calls() {
    let mut house = House::with(Kind::FreeSwitch).await;
    let asterisk = house.bed.sound();
    let both = std::fs::read_to_string(house.bed.config()).unwrap();
    house.bed.write(&format!("{both}[[pbx]]{}", asterisk.split_once("[[pbx]]").unwrap().1));
    house.bed.integrate("POST").await;
    let gateway = house.bed.serve().await;
    house.clients(1).await;
    patiently("the other link", house.bed.pbx.clients(1)).await;
    // Out by the line of the one, in by the line of the other.
    tokio::join!(house.bed.play(&["outbound-answered"], 20.0), house.call());
    let requests = house.bed.requests(5).await;
    let of = |pbx: &str| -> Vec<&demo::receiver::Received> {
        requests.iter().filter(|request| request.parameter("UniqueCallId").starts_with(pbx)).collect()
    };
    let (out, back) = (of("pbx1-"), of("fs-"));
    assert_eq!(out.iter().map(|request| request.event().unwrap()).collect::<Vec<_>>(), ["Outgoing", "Ended"]);
    assert_eq!(back.iter().map(|request| request.event().unwrap()).collect::<Vec<_>>(), A_CALL);
    for request in &back[..2] {
        assert!(request.parameter("LinkedUniqueCallId").starts_with("fs-"), "{request:?}");
    }
    for ended in [out.last().unwrap(), back.last().unwrap()] {
        assert_eq!(ended.parameter("Transfer"), "False");
    }
    gateway.stop().await;
}
