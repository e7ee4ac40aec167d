//! What other people's PBXs said, and a real Asterisk 16 and a real FreePBX: every recording of
//! `traces/field`, `traces/asterisk16` and `traces/freepbx` gives the legs that stand beside it, as it is and
//! with neighbouring words of different channels exchanged.
//!
//! `expect` has one line a leg: `in 101 A` Incoming, Answered, Ended; `in 101 -` not answered; `out 101>NUMBER A`
//! Outgoing with a conversation, `-` without; `… T t 102` says Transfer True, the party transferred is the first
//! channel from outside, to 102; `T #0 103` the party is leg 0 of the list; `T * 103` a channel that is no leg
//! here. Another account than the recording's own is written before the phone: `2002/101`.

mod judge;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use calls::{
    AccountId, Device, Directory, Employee, Event, Input, Output, PbxName, PbxTime, Phone, Tracker,
    TrackerLimits,
};
use pbx::ami::Stream;
use regex::Regex;
use serde_json::Value;

use crate::model::Chance;
pub(crate) use judge::judge;
use judge::{legs, lines};

/// Phones by the rules of a recording's configuration; without rules, names of two to six digits.
pub(crate) struct Rules {
    account: String,
    rules: Vec<(Regex, String)>,
    outright: BTreeMap<String, String>,
}

impl Rules {
    fn lab() -> Self {
        let rules = vec![(Regex::new(r"^SIP/(?<account>\d+)-(?<phone>\d+)$").unwrap(), "1001".to_owned())];
        let outright = BTreeMap::from([("SIP/anna-desk".to_owned(), "104".to_owned())]);
        Self { account: "1001".into(), rules, outright }
    }

    pub(crate) fn none() -> Self {
        Self { account: "1".into(), rules: Vec::new(), outright: BTreeMap::new() }
    }

    fn of(config: &Value) -> Self {
        let mut rules = Self::none();
        for rule in config["phones"].as_array().into_iter().flatten() {
            rules.with_rule(rule["endpoint"].as_str().unwrap(), rule["account"].as_str().unwrap_or("1"));
        }
        for (endpoint, number) in config["endpoints"].as_object().into_iter().flatten() {
            rules.with_phone(endpoint, number.as_str().unwrap());
        }
        rules
    }

    /// A rule for whole names.
    pub(crate) fn with_rule(&mut self, endpoint: &str, account: &str) {
        self.rules.push((Regex::new(&format!("^(?:{endpoint})$")).unwrap(), account.to_owned()));
        self.account = "1001".into();
    }

    /// An endpoint's phone outright.
    pub(crate) fn with_phone(&mut self, endpoint: &str, number: &str) {
        self.outright.insert(endpoint.to_owned(), number.to_owned());
        self.account = "1001".into();
    }
}

impl Directory for Rules {
    fn phone_on_line(&self, endpoint: &str) -> Option<Arc<Phone>> {
        if self.rules.is_empty() && self.outright.is_empty() { None } else { self.phone(endpoint) }
    }

    fn phone(&self, endpoint: &str) -> Option<Arc<Phone>> {
        let found = |account: &str, number: &str| {
            let employee = Some(Employee { number: number.into(), name: "".into() });
            Some(Arc::new(Phone { account: AccountId::new(account), number: number.into(), employee }))
        };
        if let Some(number) = self.outright.get(endpoint) {
            return found("1001", number);
        }
        for (rule, account) in &self.rules {
            if let Some(groups) = rule.captures(endpoint) {
                let account = groups.name("account").map_or(account.as_str(), |account| account.as_str());
                return found(account, &groups["phone"]);
            }
        }
        let name = endpoint.split_once('/')?.1;
        let is_local = (2..=6).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_digit());
        let by_default = self.rules.is_empty() && self.outright.is_empty() && is_local;
        by_default.then(|| found("1", name)).flatten()
    }

    fn is_feature_code(&self, _: &AccountId, dialled: &str) -> bool {
        dialled.starts_with('*')
    }
}

/// One recording, and what it must give.
pub(crate) struct Case {
    name: String,
    files: Vec<PathBuf>,
    /// What was said, where it is in no file.
    made: Option<Vec<u8>>,
    rules: Rules,
    expect: Vec<String>,
    says: Vec<[String; 4]>,
    refuse: bool,
}

impl Case {
    /// One that is made up.
    pub(crate) fn made(
        name: String,
        said: Vec<u8>,
        rules: Rules,
        expect: Vec<String>,
        says: Vec<[String; 4]>,
    ) -> Self {
        Self { name, files: Vec::new(), made: Some(said), rules, expect, says, refuse: false }
    }
}

fn folder(name: &str) -> PathBuf {
    crate::recordings::traces().join(name)
}

fn names(folder: &Path, ending: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries
        .filter_map(|name| name.to_str().unwrap().strip_suffix(ending).map(str::to_owned))
        .filter(|name| !name.ends_with(".2"))
        .collect();
    names.sort();
    names
}

fn field() -> Vec<Case> {
    let case = |name: String| {
        let text = std::fs::read_to_string(folder("field").join(format!("{name}.json"))).unwrap();
        let meta: Value = serde_json::from_str(&text).unwrap();
        let texts = |value: &Value| -> Vec<String> {
            value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        Case {
            files: vec![folder("field").join(format!("{name}.ami"))],
            rules: Rules::of(&meta["config"]),
            expect: texts(&meta["expect"]),
            says: meta["says"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|said| texts(said).try_into().unwrap())
                .collect(),
            made: None,
            refuse: meta["refuse"].as_bool().unwrap_or(false),
            name,
        }
    };
    names(&folder("field"), ".ami").into_iter().map(case).collect()
}

/// The recordings of a folder whose legs are written down, by hand, in its `legs.txt`.
fn recorded(corpus: &str, rules: impl Fn() -> Rules) -> Vec<Case> {
    let text = std::fs::read_to_string(folder(corpus).join("legs.txt")).unwrap_or_default();
    let mut expected: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut name = "";
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        match line.strip_prefix("    ") {
            Some(leg) => expected.entry(name).or_default().push(leg.trim().to_owned()),
            None => {
                name = line;
                expected.entry(name).or_default();
            }
        }
    }
    let case = |name: String| {
        let paths = [format!("{name}.tracker.ami"), format!("{name}.2.tracker.ami")];
        Case {
            files: paths.iter().map(|path| folder(corpus).join(path)).filter(|path| path.exists()).collect(),
            rules: rules(),
            expect: expected.get(name.as_str()).cloned().unwrap_or_else(|| vec!["not written down".into()]),
            says: Vec::new(),
            made: None,
            refuse: false,
            name,
        }
    };
    names(&folder(corpus), ".tracker.ami").into_iter().map(case).collect()
}

/// What came out of a recording.
pub(crate) struct Played {
    events: Vec<Event>,
    anomalies: Vec<String>,
    too_old: bool,
    first: String,
}

pub(crate) fn play(case: &Case, links: &[Vec<u8>]) -> Played {
    let mut stream = Stream::new(None);
    let mut tracker = Tracker::new(PbxName::new("p"), TrackerLimits::default());
    let mut out = Vec::new();
    let mut last = PbxTime::default();
    let mut first = String::new();
    for (number, bytes) in links.iter().enumerate() {
        let mut handle = |at: PbxTime, input: Input<'_>| {
            if let (true, Input::Appeared { who, .. }) = (first.is_empty(), &input)
                && match who.device {
                    Device::Endpoint(endpoint) => case.rules.phone(endpoint).is_none(),
                    Device::Provider(_) => true,
                    Device::Helper(_) | Device::Machine => false,
                }
            {
                first = who.id.to_owned();
            }
            last = last.max(at);
            tracker.handle(at, input, &case.rules, &mut out);
        };
        if number > 0 {
            stream.link_lost(&mut handle);
        }
        stream.feed(bytes, None, &mut handle);
        stream.recording_ended(&mut handle);
    }
    tracker.handle_timeout(last + Duration::from_secs(5), &case.rules, &mut out);
    let mut played = Played {
        events: Vec::new(),
        anomalies: Vec::new(),
        too_old: matches!(stream.age(), pbx::Age::TooOld(_)),
        first,
    };
    for output in out {
        match output {
            Output::Event(event) => played.events.push(*event),
            Output::Note(_) => {}
            Output::Anomaly(anomaly) => played.anomalies.push(format!("{anomaly:?}")),
        }
    }
    played
}

pub(crate) fn links(case: &Case) -> Vec<Vec<u8>> {
    let files = case.files.iter().map(|file| std::fs::read(file).unwrap());
    files.chain(case.made.clone()).collect()
}

/// The recordings of an Asterisk 22, whose events `recordings.txt` has: each gives the legs that it gives as it is.
fn asterisk22() -> Vec<Case> {
    let case = |name: String| {
        let mut rules = Rules::none();
        rules.with_rule(r"PJSIP/(?<account>\d+)-(?<phone>\d+)", "1001");
        let files = crate::recordings::files(&name, ".tracker.ami");
        let (expect, says) = (Vec::new(), Vec::new());
        let mut case = Case { name, files, made: None, rules, expect, says, refuse: false };
        let played = play(&case, &links(&case));
        case.expect = lines(&played, &legs(&case, &played.events).unwrap());
        case
    };
    crate::recordings::names().into_iter().map(case).collect()
}

fn corpora() -> Vec<(&'static str, Vec<Case>)> {
    vec![
        ("field", field()),
        ("asterisk16", recorded("asterisk16", Rules::lab)),
        ("freepbx", recorded("freepbx", Rules::none)),
        ("variants", crate::variants::cases()),
    ]
}

/// Those of real PBXs that can be followed: by name, what was said on each link, and whose phones are whose.
pub(crate) fn followed() -> Vec<(String, Vec<Vec<u8>>, Rules)> {
    let real = corpora().into_iter().filter(|(corpus, _)| *corpus != "variants");
    let cases = real.flat_map(|(corpus, cases)| cases.into_iter().map(move |case| (corpus, case)));
    let cases = cases.filter(|(_, case)| !case.refuse);
    cases.map(|(corpus, case)| (format!("{corpus}/{}", case.name), links(&case), case.rules)).collect()
}

pub(crate) fn wrong(check: impl Fn(&Case) -> Result<(), String>) -> String {
    let only = std::env::var("CALLS_CASE").ok();
    let mut wrong = String::new();
    for (corpus, cases) in corpora().into_iter().chain([("asterisk22", asterisk22())]) {
        let total = cases.len();
        let mut right = 0;
        for case in cases.iter().filter(|case| only.as_ref().is_none_or(|only| *only == case.name)) {
            match check(case) {
                Ok(()) => right += 1,
                Err(why) => drop(writeln!(wrong, "\n{corpus}/{}: {why}", case.name)),
            }
        }
        println!("{corpus}: {right} of {total} right");
    }
    wrong
}

#[test]
fn every_recording_handed_out_gives_the_legs_written_beside_it() {
    let wrong = wrong(|case| {
        let played = play(case, &links(case));
        let judged = judge(case, &played);
        if std::env::var_os("CALLS_CASE").is_some() {
            println!("{}{}", crate::recordings::shown(&played.events), played.anomalies.join("\n"));
        }
        judged
    });
    assert!(wrong.is_empty(), "{wrong}");
}

/// All that is told, value by value, in `tests/corpora.txt`; `UPDATE_SCENARIOS=1` rewrites it, to be read.
#[test]
fn every_recording_handed_out_gives_the_same_values_as_ever() {
    let mut all = String::new();
    for (corpus, cases) in corpora() {
        for case in cases {
            let events = play(&case, &links(&case)).events;
            let _ = writeln!(all, "{corpus}/{}", case.name);
            let mut rest = events.as_slice();
            for line in crate::recordings::shown(&events).lines() {
                let extras = [("for", &rest[0].dialed_number), ("queue", &rest[0].queue)];
                let extras = extras.iter().filter(|(_, value)| !value.is_empty());
                let extras: String = extras.map(|(name, value)| format!(" {name} {value}")).collect();
                let _ = writeln!(all, "{line}{extras}");
                rest = &rest[1..];
            }
            all.push('\n');
        }
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora.txt");
    if std::env::var_os("UPDATE_SCENARIOS").is_some() {
        std::fs::write(&golden, &all).unwrap();
    }
    assert!(
        std::fs::read_to_string(&golden).unwrap_or_default() == all,
        "tests/corpora.txt is not what is told"
    );
}

/// The messages of a recording, each with its blank line, and the channels each is about.
pub(crate) fn messages(bytes: &[u8]) -> Vec<(Vec<u8>, Vec<String>, f64)> {
    let text: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != b'\r').collect();
    let mut messages = Vec::new();
    for message in
        text.split_inclusive(|byte| *byte == b'\n').collect::<Vec<_>>().split_inclusive(|line| *line == b"\n")
    {
        let whole = message.concat();
        let lossy = String::from_utf8_lossy(&whole).into_owned();
        let mut channels = Vec::new();
        let mut at = f64::NAN;
        for (name, value) in lossy.lines().filter_map(|line| line.split_once(": ")) {
            if name.to_ascii_lowercase().ends_with("uniqueid") && !name.starts_with("Bridge") {
                channels.push(value.to_owned());
            }
            if name == "Timestamp" {
                at = value.parse().unwrap_or(f64::NAN);
            }
        }
        messages.push((whole, channels, at));
    }
    messages
}

/// Neighbours of different channels within a moment, exchanged here and there.
fn exchanged(bytes: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut messages = messages(bytes);
    for place in 1..messages.len() {
        let ((_, one, at), (_, other, later)) = (&messages[place - 1], &messages[place]);
        let apart = !one.is_empty() && !other.is_empty() && !one.iter().any(|id| other.contains(id));
        if apart && (later - at).abs() < 0.02 && chance.one_in(3) {
            messages.swap(place - 1, place);
        }
    }
    messages.into_iter().flat_map(|(whole, ..)| whole).collect()
}

#[test]
fn neighbouring_words_of_different_channels_may_come_in_either_order() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let wrong = wrong(|case| {
        let seeds = number("CALLS_SEED").map_or(1..=number("CALLS_ROUNDS").unwrap_or(3), |seed| seed..=seed);
        for seed in seeds {
            let mut chance = Chance::new(seed);
            let links: Vec<_> = links(case).iter().map(|bytes| exchanged(bytes, &mut chance)).collect();
            judge(case, &play(case, &links)).map_err(|why| format!("CALLS_SEED={seed}: {why}"))?;
        }
        Ok(())
    });
    assert!(wrong.is_empty(), "{wrong}");
}
