//! What is played is what was recorded, with other people.

use std::collections::BTreeMap;
use std::path::Path;

use demo::pbx::{Pbx, PbxOptions};
use demo::player::{Begun, PlayOptions, play};
use tokio::sync::mpsc;

use crate::client::Client;

/// Plays one recording once and gives back what a client heard.
pub(crate) async fn heard(name: &str, messages: usize, seed: u64) -> Vec<String> {
    let pbx = Pbx::start(PbxOptions::default()).await.expect("a free port");
    let mut client = Client::log_in(pbx.address()).await;
    let options = PlayOptions { once: true, speed: 1e6, seed, ..PlayOptions::default() };
    let (begun, mut begins) = mpsc::channel(8);
    let played = play(&pbx, options.only(&[name]).expect("a known name"), begun).await;
    assert_eq!(played, 1);
    assert_eq!(begins.recv().await.expect("it began").shape, name);
    assert_eq!(pbx.channels(), 0, "{name}: all channels hung up");
    let mut all = Vec::new();
    for _ in 0..messages {
        all.push(client.message().await.expect("all messages come"));
    }
    all
}

/// The messages of the recording that belong to the call.
pub(crate) fn recorded(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../traces/{name}.tracker.ami"));
    let text = std::fs::read_to_string(path).expect("the recording");
    let messages = text.split_inclusive("\r\n\r\n").filter(|message| message.contains("\r\nTimestamp: "));
    messages.map(str::to_owned).collect()
}

/// Both ways: each recorded value became one new value, and no two became the same.
#[derive(Default)]
struct Renamed {
    there: BTreeMap<String, String>,
    back: BTreeMap<String, String>,
}

impl Renamed {
    fn check(&mut self, old: &str, new: &str, context: &str) {
        let there = self.there.entry(old.to_owned()).or_insert_with(|| new.to_owned());
        assert_eq!(there, new, "{context}: `{old}` became two things");
        let back = self.back.entry(new.to_owned()).or_insert_with(|| old.to_owned());
        assert_eq!(back, old, "{context}: two things became `{new}`");
    }
}

#[tokio::test]
async fn every_recording_is_played_with_the_same_events_and_relations_and_other_people() {
    for number in demo::programme() {
        let name = number.shape.name();
        let old = recorded(name);
        assert_eq!(old.len(), number.shape.messages());
        let new = heard(name, old.len(), 7).await;
        let mut renamed = Renamed::default();
        let mut last_time = String::new();
        for (old, new) in old.iter().zip(&new) {
            assert_eq!(old.lines().count(), new.lines().count(), "{name}\n{old}\n{new}");
            for (old, new) in old.lines().zip(new.lines()) {
                let (Some((old_header, old)), Some((new_header, new))) =
                    (old.split_once(": "), new.split_once(": "))
                else {
                    assert_eq!(old, new);
                    continue;
                };
                assert_eq!(old_header, new_header);
                if old_header == "Timestamp" {
                    assert!(new >= last_time.as_str(), "{name}: time goes on");
                    new.clone_into(&mut last_time);
                } else {
                    renamed.check(old, new, name);
                    let id = old_header.ends_with("niqueid") || old_header.ends_with("inkedid");
                    assert!(!id || old != new, "{name}: {old_header} {old} is not fresh");
                }
            }
        }
        for left in ["Anna Ash", "Ben Birch", "Cara Cedar", "+49"] {
            assert!(!new.concat().contains(left), "{name}: `{left}` was left");
        }
    }
}

#[tokio::test]
async fn ids_are_of_now_and_never_come_twice() {
    let pbx = Pbx::start(PbxOptions::default()).await.expect("a free port");
    let mut client = Client::log_in(pbx.address()).await;
    let options = PlayOptions { once: true, speed: 1e6, ..PlayOptions::default() };
    let messages: usize = options.programme.iter().map(|number| number.shape.messages()).sum();
    play(&pbx, options, mpsc::channel(1).0).await;
    let mut channels = BTreeMap::new();
    for _ in 0..messages {
        let message = client.message().await.expect("all messages come");
        if message.contains("Event: Newchannel\r\n") {
            let value = |header: &str| {
                let line = message.lines().find_map(|line| line.strip_prefix(header)).expect("the header");
                line.to_owned()
            };
            let first = channels.insert(value("Uniqueid: "), ()).is_none()
                && channels.insert(value("Channel: "), ()).is_none();
            assert!(first, "an id came twice\n{message}");
            let time = value("Timestamp: ");
            assert!(value("Uniqueid: ").starts_with(&time[..8]), "{message}");
        }
    }
    assert_eq!(pbx.channels(), 0);
}

#[tokio::test]
async fn the_same_seed_plays_the_same_calls() {
    let first = people(heard("ring-group-second-answers", 31, 3).await);
    let again = people(heard("ring-group-second-answers", 31, 3).await);
    let other = people(heard("ring-group-second-answers", 31, 4).await);
    assert_eq!(first, again);
    assert_ne!(first, other);
}

fn people(messages: Vec<String>) -> Vec<String> {
    let of = |line: &&str| line.contains("CallerIDNum") || line.contains("BridgeUniqueid");
    messages
        .iter()
        .flat_map(|message| message.lines().filter(of).map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

#[tokio::test]
async fn a_restart_ends_what_is_played_without_a_word_and_the_play_goes_on() {
    let pbx = Pbx::start(PbxOptions::default()).await.expect("a free port");
    let mut client = Client::log_in(pbx.address()).await;
    let options = PlayOptions { once: true, parallel: 1, speed: 20.0, ..PlayOptions::default() };
    let options = options.only(&["inbound-answered", "inbound-busy"]).expect("known names");
    let (begun, mut begins) = mpsc::channel::<Begun>(8);
    let watching = async {
        begins.recv().await.expect("the first begins");
        assert!(client.message().await.expect("an event").contains("Event: Newchannel"));
        pbx.restart();
        assert_eq!(pbx.channels(), 0);
        while let Some(message) = client.message().await {
            assert!(!message.contains("Event: Hangup"), "{message}");
        }
        assert_eq!(begins.recv().await.expect("the second begins").shape, "inbound-busy");
    };
    tokio::select! {
        played = play(&pbx, options.clone(), begun) => panic!("{played} calls were played before the restart"),
        () = watching => {}
    }
}

#[test]
fn an_unknown_recording_is_refused_with_the_names_there_are() {
    let error =
        PlayOptions::default().only(&["inbound-answered", "nonsense"]).expect_err("no such recording");
    assert!(
        error
            .to_string()
            .starts_with("there is no recording named `nonsense`; choose among: inbound-answered, ")
    );
}
