//! What is played causes the same call events as what was recorded.

use std::sync::Arc;
use std::time::Duration;

use calls::{AccountId, Directory, Output, PbxName, PbxTime, Phone, Tracker, TrackerLimits, What};
use demo::load::{Load, LoadOptions};
use pbx::ami::Stream;

use crate::play::{heard, recorded};

struct Phones;

impl Directory for Phones {
    fn phone(&self, endpoint: &str) -> Option<Arc<Phone>> {
        let (account, number) = endpoint.strip_prefix("PJSIP/")?.split_once('-')?;
        Some(Arc::new(Phone { account: AccountId::new(account), number: number.into(), employee: None }))
    }

    fn is_feature_code(&self, _: &AccountId, dialled: &str) -> bool {
        dialled.starts_with('*')
    }
}

/// The events of a stream: what happened, to the how-manieth phone of the stream, whether transferred.
fn events(stream: &[u8]) -> Vec<String> {
    let mut tracker = Tracker::new(PbxName::new("demo"), TrackerLimits::default());
    let (mut outputs, mut last) = (Vec::new(), PbxTime::default());
    Stream::new(None).feed(stream, None, |at, input| {
        last = last.max(at);
        tracker.handle(at, input, &Phones, &mut outputs);
    });
    tracker.handle_timeout(last + Duration::from_secs(60), &Phones, &mut outputs);
    let mut phones: Vec<Arc<str>> = Vec::new();
    let mut told = Vec::new();
    for output in outputs {
        let Output::Event(event) = output else { continue };
        let index = phones.iter().position(|number| *number == event.phone.number).unwrap_or_else(|| {
            phones.push(event.phone.number.clone());
            phones.len() - 1
        });
        let transferred = matches!(&event.what, What::Ended(ended) if ended.transfer.is_some());
        told.push(format!("{} {index} {:?} {transferred}", event.kind().name(), event.direction));
    }
    told
}

#[tokio::test]
async fn every_recording_causes_the_same_events_when_it_is_played() {
    for number in demo::programme() {
        let name = number.shape.name();
        let recorded = recorded(name);
        let played = heard(name, recorded.len(), 5).await;
        let expected = events(recorded.concat().as_bytes());
        assert!(!expected.is_empty(), "{name} causes nothing");
        assert_eq!(events(played.concat().as_bytes()), expected, "{name}");
    }
}

#[test]
fn each_call_of_the_load_causes_three_events() {
    let (mut load, mut out) = (Load::new(LoadOptions { spread: 3, ..LoadOptions::default() }), Vec::new());
    for _ in 0..20 {
        load.call(1_795_343_903_000_000, &mut out);
    }
    load.finish(1_795_343_903_000_000, &mut out);
    let events = events(&out);
    for kind in ["Incoming", "Answered", "Ended"] {
        assert_eq!(events.iter().filter(|event| event.starts_with(kind)).count(), 20, "{events:#?}");
    }
    assert_eq!(events.len(), 60);
}
