//! Recordings of a real Asterisk give the events of their shape: `tests/recordings.txt` has them, one block a
//! recording, with channels named as in the scenarios. Each recording exists twice, filtered as the gateway
//! asks for it and whole; both must give the same. `UPDATE_SCENARIOS=1` rewrites the file, to be read.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use calls::{
    AccountId, Directory, Employee, Event, LegId, Output, PbxName, Phone, Tracker, TrackerLimits, What,
};
use pbx::ami::Stream;

/// Endpoints `PJSIP/1001-101` are phone 101 of account 1001.
pub(crate) struct Lab;

impl Directory for Lab {
    fn phone(&self, endpoint: &str) -> Option<Arc<Phone>> {
        let (account, number) = endpoint.strip_prefix("PJSIP/")?.split_once('-')?;
        let employee = Some(Employee { number: number.into(), name: "".into() });
        Some(Arc::new(Phone { account: AccountId::new(account), number: number.into(), employee }))
    }

    fn is_feature_code(&self, _: &AccountId, dialled: &str) -> bool {
        dialled.starts_with('*')
    }
}

pub(crate) fn events(files: &[PathBuf]) -> Vec<Event> {
    let mut stream = Stream::new(None);
    let mut tracker = Tracker::new(PbxName::new("p"), TrackerLimits::default());
    let mut out = Vec::new();
    let mut last = calls::PbxTime::default();
    for (number, file) in files.iter().enumerate() {
        if number > 0 {
            stream.link_lost(|at, input| tracker.handle(at, input, &Lab, &mut out));
        }
        let bytes = std::fs::read(file).unwrap();
        stream.feed(&bytes, None, |at, input| {
            last = last.max(at);
            tracker.handle(at, input, &Lab, &mut out);
        });
        stream.recording_ended(|at, input| tracker.handle(at, input, &Lab, &mut out));
    }
    tracker.handle_timeout(last + Duration::from_secs(5), &Lab, &mut out);
    let events = out.into_iter().filter_map(|output| match output {
        Output::Event(event) => Some(*event),
        Output::Note(_) => None,
        Output::Anomaly(anomaly) => panic!("{files:?}: {anomaly:?}"),
    });
    events.collect()
}

/// Names for channels: phones by number with a letter for the second and third, others `t`, `u`, `v`….
#[derive(Default)]
pub(crate) struct Names(BTreeMap<LegId, String>);

impl Names {
    pub(crate) fn phone(&mut self, event: &Event) -> String {
        let account = event.account().as_str();
        let number = &event.phone.number;
        let base = if account == "1001" { number.to_string() } else { format!("{account}-{number}") };
        self.name(&event.leg, |nth| {
            if nth == 0 { base.clone() } else { format!("{base}{}", ['b', 'c', 'd'][nth - 1]) }
        })
    }

    pub(crate) fn other(&mut self, id: &LegId) -> String {
        self.name(id, |nth| ["t", "u", "v", "w"][nth].to_owned())
    }

    fn name(&mut self, id: &LegId, called: impl Fn(usize) -> String) -> String {
        if let Some(name) = self.0.get(id) {
            return name.clone();
        }
        let name = (0..).map(called).find(|name| !self.0.values().any(|other| other == name)).unwrap();
        self.0.insert(id.clone(), name.clone());
        name
    }
}

pub(crate) fn shown(events: &[Event]) -> String {
    let mut names = Names::default();
    for event in events {
        names.phone(event);
    }
    let mut text = String::new();
    let began = events.first().map(|event| event.at).unwrap_or_default();
    for event in events {
        let at = event.at.since(began).as_millis() as f64 / 1e3;
        let _ = write!(text, "{at:6.1}  {}{}", &event.kind().name()[..1], names.phone(event));
        let number = |number: &str| if number.is_empty() { "-".to_owned() } else { number.to_owned() };
        let _ = match &event.what {
            What::Incoming | What::Answered => {
                let linked = event.counterpart.as_ref().map_or("?".to_owned(), |linked| names.other(linked));
                write!(text, " linked {linked} from {}", number(&event.a_number))
            }
            What::Outgoing => write!(text, " to {} from {}", event.b_number, number(&event.a_number)),
            What::Ended(ended) => {
                let direction = if event.direction == calls::Direction::Incoming { "in" } else { "out" };
                let _ = write!(text, " {direction} {}s {}", event.duration().as_secs(), ended.reason.name());
                match &ended.transfer {
                    Some(transfer) => {
                        let party = names.other(&transfer.party);
                        write!(text, " T({party}, {}, {})", number(&transfer.party_number), transfer.to)
                    }
                    None => Ok(()),
                }
            }
        };
        text.push_str(if event.assumed { " assumed\n" } else { "\n" });
    }
    text
}

/// Where the recordings are.
pub(crate) fn traces() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces")
}

/// The names of all recordings.
pub(crate) fn names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(traces())
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".tracker.ami").map(str::to_owned)
        })
        .filter(|name| !name.ends_with(".2"))
        .collect();
    names.sort();
    names
}

/// The files of a recording: the second, if there is one, is after the link was lost.
pub(crate) fn files(name: &str, ending: &str) -> Vec<PathBuf> {
    let paths = [format!("{name}{ending}"), format!("{name}.2{ending}")];
    paths.iter().map(|path| traces().join(path)).filter(|path| path.exists()).collect()
}

#[test]
fn every_recording_gives_the_events_of_its_shape_filtered_or_whole() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = names();
    assert!(names.len() > 40, "the recordings are missing");
    let mut all = String::new();
    for name in names {
        let filtered = shown(&events(&files(&name, ".tracker.ami")));
        let whole = files(&name, ".ami");
        if !whole.is_empty() {
            let whole = shown(&events(&whole));
            assert!(
                name.contains("killed") || name.contains("-during-call") || filtered == whole,
                "{name}\nfiltered\n{filtered}\nwhole\n{whole}"
            );
        }
        let _ = writeln!(all, "{name}\n{filtered}");
    }
    let golden = here.join("tests/recordings.txt");
    if std::env::var_os("UPDATE_SCENARIOS").is_some() {
        std::fs::write(&golden, &all).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&golden).unwrap_or_default(), all);
}
