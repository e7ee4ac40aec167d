//! What Asterisks of other kinds say, written down short: `tests/variants/*.txt`, made into the events of AMI as an
//! Asterisk writes them, so that the reading of them is tested with the rules.
//!
//! ```text
//! ## What is true in this case
//! # why
//! phones SCCP/(?<phone>\d{3})            a rule of account 1001 (several; none: names of two to six digits)
//! phone DAHDI/7 107                      an endpoint's phone outright
//! 0    A = SIP/101-00000001 Down num=101 exten=102 ctx=from-internal link=T id=…
//! 0.1  A Ring exten=102                  Newstate; `num=`, `conn=`, `exten=`, `ctx=` change what is said from here on
//! 0.1  A is num=+45…                     NewCallerid (`pres=35 (…)`); `A sees 102`: NewConnectedLine
//! 0.2  A dials B / - dials B             DialBegin (`A dials B +45…@provider`: with its DialString)
//! 0.2  A ordered +45…                    OriginateResponse, with the number it was ordered for
//! 0.3  A tries B RINGING                 DialState
//! 0.5  A ends B ANSWER Forward=102       DialEnd, with further headers
//! 1    A enters b BridgeTechnology=holding_bridge BridgeCreator=ConfBridge SwapUniqueid=B
//! 2    A leaves b
//! 3    A gone 16
//! 3    event ParkedCall Parkee:A ParkingSpace=701      any event: channels under their prefixes, headers
//!     in 101 A                           the legs, as `corpora` writes them; a value: `in 101 | Incoming ANumber 102`
//! ```

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use crate::corpora::{Case, Rules};

/// The second in which every case begins.
const BEGIN: f64 = 1_795_343_900.0;

/// A channel as the next event shows it.
#[derive(Clone, Default)]
struct Shown {
    name: String,
    state: String,
    number: String,
    connected: String,
    extension: String,
    context: String,
    id: String,
    group: String,
}

/// The events of one case.
#[derive(Default)]
struct Script {
    text: String,
    channels: BTreeMap<String, Shown>,
}

const STATES: [&str; 10] =
    ["Down", "Rsrvd", "OffHook", "Dialing", "Ring", "Ringing", "Up", "Busy", "Dialing Offhook", "Pre-ring"];

impl Script {
    fn line(&mut self, line: &str) -> Option<()> {
        let (time, words) = line.split_once(char::is_whitespace)?;
        let at = BEGIN + time.parse::<f64>().ok()?;
        let words: Vec<&str> = words.split_whitespace().collect();
        let (head, rest) = match words.as_slice() {
            ["event", event, rest @ ..] => return self.event(at, event, rest, ""),
            [one, verb, rest @ ..] => ((*one, *verb), rest),
            _ => return None,
        };
        match (head, rest) {
            ((one, "="), [name, state, rest @ ..]) => {
                let id = format!("{}.{}", at as u64, self.channels.len() + 1);
                let shown = Shown {
                    name: (*name).into(),
                    state: (*state).into(),
                    group: id.clone(),
                    id,
                    extension: "s".into(),
                    context: "from-internal".into(),
                    ..Shown::default()
                };
                self.channels.insert(one.into(), shown);
                let rest = self.learn(one, rest)?;
                self.event(at, "Newchannel", &[&format!(":{one}")], &rest)
            }
            ((one, "is"), rest) => {
                let rest = self.learn(one, rest)?;
                self.event(at, "NewCallerid", &[&format!(":{one}")], &rest)
            }
            ((one, "ordered"), [number]) => {
                let channel = self.channels.get(one)?;
                let _ = write!(
                    self.text,
                    "Event: OriginateResponse\nPrivilege: call,all\nTimestamp: {at:.6}\nResponse: Success\n\
                     Channel: {}\nContext: from-internal\nExten: {number}\nReason: 4\nUniqueid: {}\n\
                     CallerIDNum: <unknown>\nCallerIDName: <unknown>\n\n",
                    channel.name, channel.id
                );
                Some(())
            }
            ((one, "sees"), [number]) => {
                self.channels.get_mut(one)?.connected = (*number).into();
                self.event(at, "NewConnectedLine", &[&format!(":{one}")], "")
            }
            ((one, "dials"), [two]) => self.dial(at, "DialBegin", one, two, "DialString: x\n"),
            ((one, "dials"), [two, text]) => {
                self.dial(at, "DialBegin", one, two, &format!("DialString: {text}\n"))
            }
            ((one, "tries"), [two, status]) => {
                self.dial(at, "DialState", one, two, &format!("DialStatus: {status}\n"))
            }
            ((one, "ends"), [two, status, rest @ ..]) => {
                let mut more = format!("DialStatus: {status}\n");
                for header in rest {
                    let (name, value) = header.split_once('=')?;
                    let _ = writeln!(more, "{name}: {value}");
                }
                self.dial(at, "DialEnd", one, two, &more)
            }
            ((one, "enters"), [bridge, rest @ ..]) => {
                let technology = said(rest, "BridgeTechnology").unwrap_or("simple_bridge");
                let creator = said(rest, "BridgeCreator").unwrap_or("<unknown>");
                let swap = said(rest, "SwapUniqueid").and_then(|other| self.channels.get(other));
                let swap = swap.map(|other| format!("SwapUniqueid: {}\n", other.id)).unwrap_or_default();
                let front = bridge_headers(bridge, technology, creator);
                self.whole(at, "BridgeEnter", &front, &[("", one)], &swap)
            }
            ((one, "leaves"), [bridge]) => {
                let front = bridge_headers(bridge, "simple_bridge", "<unknown>");
                self.whole(at, "BridgeLeave", &front, &[("", one)], "")
            }
            ((one, "gone"), [cause]) => {
                self.whole(at, "Hangup", "", &[("", one)], &format!("Cause: {cause}\nCause-txt: x\n"))
            }
            ((one, state), rest) if STATES.contains(&state) => {
                self.channels.get_mut(one)?.state = state.into();
                let rest = self.learn(one, rest)?;
                self.event(at, "Newstate", &[&format!(":{one}")], &rest)
            }
            _ => None,
        }
    }

    /// Takes over what is said of a channel; gives back the other headers.
    fn learn(&mut self, one: &str, rest: &[&str]) -> Option<String> {
        let group =
            said(rest, "link").and_then(|link| self.channels.get(link)).map(|link| link.group.clone());
        let channel = self.channels.get_mut(one)?;
        let mut more = String::new();
        for word in rest {
            let (name, value) = word.split_once('=')?;
            match name {
                "num" => channel.number = value.into(),
                "conn" => channel.connected = value.into(),
                "exten" => channel.extension = value.into(),
                "ctx" => channel.context = value.into(),
                "id" => {
                    if channel.group == channel.id {
                        channel.group = value.into();
                    }
                    channel.id = value.into();
                }
                "link" => channel.group = group.clone()?,
                "name" => channel.name = value.into(),
                "pres" => drop(writeln!(more, "CID-CallingPres: {value} (x)")),
                other => drop(writeln!(more, "{other}: {value}")),
            }
        }
        Some(more)
    }

    fn dial(&mut self, at: f64, event: &str, one: &str, two: &str, more: &str) -> Option<()> {
        if one == "-" {
            return self.whole(at, event, "", &[("Dest", two)], more);
        }
        self.whole(at, event, "", &[("", one), ("Dest", two)], more)
    }

    fn event(&mut self, at: f64, event: &str, words: &[&str], more: &str) -> Option<()> {
        let mut channels = Vec::new();
        let mut headers = String::new();
        for word in words {
            match word.split_once(':').filter(|(_, name)| self.channels.contains_key(*name)) {
                Some((prefix, name)) => channels.push((prefix, name)),
                None => {
                    let (name, value) = word.split_once('=')?;
                    let _ = writeln!(headers, "{name}: {}", value.replace('_', " "));
                }
            }
        }
        self.whole(at, event, "", &channels, &(headers + more))
    }

    fn whole(
        &mut self,
        at: f64,
        event: &str,
        front: &str,
        channels: &[(&str, &str)],
        more: &str,
    ) -> Option<()> {
        let _ = write!(self.text, "Event: {event}\nPrivilege: call,all\nTimestamp: {at:.6}\n{front}");
        for (prefix, name) in channels {
            let channel = self.channels.get(*name)?;
            let number = |number: &str| if number.is_empty() { "<unknown>" } else { number }.to_owned();
            let state = STATES.iter().position(|known| *known == channel.state)?;
            for (name, value) in [
                ("Channel", channel.name.clone()),
                ("ChannelState", state.to_string()),
                ("ChannelStateDesc", channel.state.clone()),
                ("CallerIDNum", number(&channel.number)),
                ("CallerIDName", "<unknown>".into()),
                ("ConnectedLineNum", number(&channel.connected)),
                ("ConnectedLineName", "<unknown>".into()),
                ("Language", "en".into()),
                ("AccountCode", String::new()),
                ("Context", channel.context.clone()),
                ("Exten", channel.extension.clone()),
                ("Priority", "1".into()),
                ("Uniqueid", channel.id.clone()),
                ("Linkedid", channel.group.clone()),
            ] {
                let _ = writeln!(self.text, "{prefix}{name}: {value}");
            }
        }
        self.text.push_str(more);
        self.text.push('\n');
        Some(())
    }
}

fn said<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

fn bridge_headers(bridge: &str, technology: &str, creator: &str) -> String {
    format!(
        "BridgeUniqueid: {bridge}\nBridgeType: basic\nBridgeTechnology: {technology}\nBridgeCreator: {creator}\n\
         BridgeName: <unknown>\nBridgeNumChannels: 1\nBridgeVideoSourceMode: none\n"
    )
}

/// All cases, each named by its file and what it holds.
pub(crate) fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/variants");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        for case in text.split("\n## ").skip(1) {
            cases.push(made(&name, case));
        }
    }
    cases
}

fn made(file: &str, text: &str) -> Case {
    let (title, text) = text.split_once('\n').unwrap();
    let mut script = Script::default();
    let mut rules = Rules::none();
    let (mut expect, mut says) = (Vec::new(), Vec::new());
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        if let Some(leg) = line.strip_prefix("    ") {
            match leg.split_once(" | ") {
                Some((leg, value)) => {
                    let mut value = value.splitn(3, ' ').map(str::to_owned);
                    let mut next = || value.next().unwrap_or_default();
                    says.push([leg.to_owned(), next(), next(), next()]);
                }
                None => expect.push(leg.to_owned()),
            }
        } else if let Some(rule) = line.strip_prefix("phones ") {
            rules.with_rule(rule, "1001");
        } else if let Some((endpoint, number)) =
            line.strip_prefix("phone ").and_then(|rule| rule.split_once(' '))
        {
            rules.with_phone(endpoint, number);
        } else {
            script.line(line).unwrap_or_else(|| panic!("{file}: {title}: not understood: {line}"));
        }
    }
    Case::made(format!("{file}: {title}"), script.text.into_bytes(), rules, expect, says)
}
