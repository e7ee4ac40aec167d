//! Two readers of every recording of an Asterisk: 22, 16, FreePBX, and those handed out.

use std::collections::{BTreeMap, BTreeSet};

use calls::EventKind::{Answered, Ended, Incoming, Outgoing};
use calls::{Directory, Event, EventKind, Output, PbxName, PbxTime, Restored, Tracker, TrackerLimits};
use demo::pbx::Channels;
use pbx::ami::Stream;

use crate::corpora;
use crate::model::Chance;
use crate::pair::Differs::{Otherwise, Told};
use crate::pair::{self, Difference, Differs, Pbx, Reader, acts, agree, alone, differences, read};
use crate::recordings;
use crate::stretched::Stretched;

/// So many ways of losing links each recording is read in.
const SEEDS: u64 = 12;
/// An event that two tell otherwise, by its leg's id.
type Known = (&'static str, EventKind, Differs);
/// Those over which two do not agree, and all that they tell otherwise in any way of losing links: who knows a channel from a
/// list alone takes it for another than it is. The row of the leg holds what was told first.
const NOT_YET: [(&str, &[Known]); 8] = [
    // A program rings a phone, and a caller is joined to it later: the leg begins when they meet, for who heard the program.
    ("asterisk16/ari-rings-employee", &[("1795915433.1", Incoming, Otherwise)]),
    // The talk of an agent on an open line is named after the second in which it began, and a list does not say which.
    (
        "field/agent-login-nailed-up",
        &[
            ("1795343900.1-1795343925", Incoming, Told),
            ("1795343900.1-1795343925", Answered, Told),
            ("1795343900.1-1795343925", Ended, Told),
            ("1795343900.1-1795343949", Incoming, Told),
            ("1795343900.1-1795343949", Answered, Told),
            ("1795343900.1-1795343949", Ended, Told),
        ],
    ),
    // An id that a program chose is a leg's with the second in which its channel was made, and a list does not say which.
    (
        "field/ari-rings-agent",
        &[
            ("agent-7f21c0de-1795343904", Incoming, Told),
            ("agent-7f21c0de-1795343904", Answered, Told),
            ("agent-7f21c0de-1795343904", Ended, Told),
        ],
    ),
    // A trunk named as a phone is: only where its channel is new is its context the one its device calls in through.
    ("field/digit-trunk-six-digits", &[("1795343900.1", Outgoing, Told), ("1795343900.1", Ended, Told)]),
    // A page opens phones that nobody rang, which are in the group of who pages as called ones are.
    (
        "field/page-two-phones",
        &[
            ("1795343900.2", Incoming, Told),
            ("1795343900.2", Answered, Told),
            ("1795343900.2", Ended, Told),
            ("1795343900.3", Incoming, Told),
            ("1795343900.3", Answered, Told),
            ("1795343900.3", Ended, Told),
        ],
    ),
    // A phone that was lifted in a group that asks to confirm, and did not get the call, looks as one that has it.
    (
        "field/ring-group-confirm-two-lift",
        &[("1795343900.6", Answered, Told), ("1795343900.6", Ended, Otherwise)],
    ),
    // A phone that was lifted and has not dialled stands at its own number, as one that has dialled stands at the number.
    ("field/sccp-off-hook-and-on", &[("1795343900.1", Outgoing, Told), ("1795343900.1", Ended, Told)]),
    ("field/sccp-outbound", &[("1795343900.1", Outgoing, Otherwise)]),
];
/// So far apart are messages that bear no time.
const APART_US: u64 = 20_000;

/// What an Asterisk said, and when.
struct Recording<'a> {
    messages: Vec<Vec<u8>>,
    moments: Vec<u64>,
    /// The channels there are before each of its messages.
    channels: Vec<Channels>,
    phones: &'a dyn Directory,
    /// How channels are asked for.
    asks: &'static str,
}

fn header<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn micros(seconds: &str) -> Option<u64> {
    let (seconds, rest) = seconds.split_once('.').unwrap_or((seconds, "0"));
    Some(seconds.parse::<u64>().ok()? * 1_000_000 + format!("{rest:0<6}")[..6].parse::<u64>().ok()?)
}

/// When each message was said: as it says, else a little after the one before it, and not before a channel's id does.
fn moments(messages: &[Vec<u8>]) -> Vec<u64> {
    let mut said: Vec<Option<u64>> = Vec::new();
    let mut now = None;
    for message in messages {
        let text = String::from_utf8_lossy(message);
        let stamp = header(&text, "Timestamp").and_then(micros);
        let made = header(&text, "Uniqueid").filter(|_| header(&text, "Event") == Some("Newchannel"));
        let made =
            made.and_then(|id| micros(id.rsplit_once('-').map_or(id, |(_, id)| id).split('.').next()?));
        let next = match (stamp, now) {
            (Some(stamp), _) => Some(stamp.max(now.unwrap_or(0))),
            (None, Some(now)) => Some(made.unwrap_or(0).max(now + APART_US)),
            (None, None) => made,
        };
        now = next;
        said.push(next);
    }
    // What comes before any time is known is said when that is.
    let first = said.iter().flatten().next().copied().unwrap_or(1_795_000_000_000_000);
    said.into_iter().map(|at| at.unwrap_or(first)).collect()
}

/// With the time on it, where an Asterisk is not asked to write it.
fn stamped(message: &[u8], at: u64) -> Vec<u8> {
    let text = message.strip_suffix(b"\n").filter(|_| !message.windows(10).any(|name| name == b"Timestamp:"));
    let is_event = message.windows(6).any(|name| name == b"Event:");
    let Some(text) = text.filter(|_| is_event && !message.windows(11).any(|name| name == b"FullyBooted"))
    else {
        return message.to_vec();
    };
    let stamp = format!("Timestamp: {}.{:06}\n\n", at / 1_000_000, at % 1_000_000);
    [text, stamp.as_bytes()].concat()
}

impl<'a> Recording<'a> {
    fn of(link: &[u8], phones: &'a dyn Directory, asks: &'static str) -> Self {
        let messages = corpora::messages(link).into_iter().map(|(message, ..)| message);
        let messages: Vec<Vec<u8>> = messages.collect();
        let was = moments(&messages);
        let mut stretched = Stretched::new(was.clone());
        let moments: Vec<u64> = was.iter().map(|at| stretched.at(*at)).collect();
        let messages = messages.iter().zip(&was).map(|(message, at)| {
            let message = stamped(message, *at);
            stretched.seconds(&message, *at)
        });
        let messages: Vec<Vec<u8>> = messages.collect();
        let mut there = Channels::default();
        let channels = messages.iter().zip(&moments).map(|(message, at)| {
            let before = there.clone();
            there.hear(&String::from_utf8_lossy(message), *at);
            before
        });
        Self { channels: channels.collect(), messages, moments, phones, asks }
    }
}

struct Listener<'a> {
    of: &'a Recording<'a>,
    stream: Stream,
    tracker: Tracker,
}

impl<'a> Pbx for &'a Recording<'a> {
    type Reader = Listener<'a>;

    fn moments(&self) -> &[u64] {
        &self.moments
    }

    fn reader(&self) -> Listener<'a> {
        let tracker = Tracker::new(PbxName::new("p"), TrackerLimits::default());
        Listener { of: self, stream: Stream::new(None), tracker }
    }
}

impl Listener<'_> {
    fn feeds(&mut self, bytes: &[u8]) -> Vec<Output> {
        let mut out = Vec::new();
        let Self { of, stream, tracker } = self;
        stream.feed(bytes, None, |at, input| tracker.handle(at, input, of.phones, &mut out));
        out
    }
}

impl Reader for Listener<'_> {
    fn hears(&mut self, word: usize) -> Vec<Output> {
        let of = self.of;
        self.feeds(&of.messages[word])
    }

    fn lists(&mut self, at: u64, word: usize) -> Vec<Output> {
        let asked = ["BridgeList", self.of.asks].map(|what| {
            let variables = "Variables: CDR(start,u),CDR(answer,u)";
            format!("Action: {what}\r\nActionID: ringbud-1-{what}\r\n{variables}\r\n")
        });
        let channels = &self.of.channels[word];
        let answers = asked.map(|action| channels.answer(&action, at));
        self.feeds(&answers.concat())
    }

    fn loses_its_link(&mut self, _at: u64) -> Vec<Output> {
        let mut out = Vec::new();
        let Self { of, stream, tracker } = self;
        stream.link_lost(|at, input| tracker.handle(at, input, of.phones, &mut out));
        out
    }

    fn is_due(&mut self, until: u64) -> Vec<(u64, Vec<Output>)> {
        pair::is_due(&mut self.tracker, self.of.phones, until)
    }

    fn restores(&mut self, kept: Restored) {
        self.tracker.restore(kept);
    }

    fn adopts(&mut self, kept: Restored) {
        self.tracker.adopt(kept);
    }

    fn waits(&mut self, until: u64) -> Vec<Output> {
        let mut out = self.feeds(b"\n");
        self.tracker.handle_timeout(PbxTime::from_micros(until as i64), self.of.phones, &mut out);
        out
    }
}

type Said = (String, Vec<u8>, Box<dyn Directory>);

/// All in which the PBX is there all the time, by name: what was said, and whose phones are whose.
fn all() -> Vec<Said> {
    let ours = recordings::names().into_iter().map(|name| {
        let files = recordings::files(&name, ".tracker.ami");
        let links = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
        (name, links, Box::new(recordings::Lab) as Box<dyn Directory>)
    });
    let others = corpora::followed().into_iter();
    let others = others.map(|(name, links, rules)| (name, links, Box::new(rules) as Box<dyn Directory>));
    let one_link = |(name, mut links, phones): (String, Vec<Vec<u8>>, Box<dyn Directory>)| {
        // One that begins with a list of its own is in the middle of calls that nobody heard begin.
        let is_listed = |link: &[u8]| link.windows(16).any(|part| part == b"EventList: start");
        (links.len() == 1 && !is_listed(&links[0])).then(|| (name, links.swap_remove(0), phones))
    };
    ours.chain(others).filter_map(one_link).collect()
}

/// Both ways of asking for channels, and many of losing links: what one told that never sleeps, and what two did.
fn each_way(link: &[u8], phones: &dyn Directory, mut came: impl FnMut(&str, Vec<Event>, Vec<Event>, usize)) {
    for asks in ["Status", "CoreShowChannels"] {
        let recording = Recording::of(link, phones, asks);
        let pbx = &recording;
        let alone = alone(&pbx);
        for seed in 1..=SEEDS / 2 {
            let acts = acts(&mut Chance::new(seed ^ 0xA57), &pbx.moments);
            let (events, moves) = read(&pbx, &acts);
            came(&format!("by {asks} seed {seed}, {acts:?}"), alone.clone(), events, moves);
        }
    }
}

#[test]
fn two_readers_of_an_asterisk_tell_what_one_that_never_sleeps_does() {
    let only = std::env::var("CALLS_CASE").ok();
    let mut wrong = Vec::new();
    let (mut count, mut recordings, mut moved, mut all_events, mut otherwise) = (0, 0, 0, 0, 0);
    for (name, link, phones) in all() {
        let is_left_out = NOT_YET.iter().any(|(one, ..)| *one == name);
        if only.as_ref().map_or(is_left_out, |only| *only != name) {
            continue;
        }
        count += 1;
        let mut moves_here = 0;
        each_way(&link, &*phones, |way, alone, events, moves| {
            all_events += events.len();
            moves_here += moves;
            match agree(alone, events) {
                Ok(words) => otherwise += words,
                Err(why) => wrong.push(format!("{name} {way}: {why}")),
            }
        });
        moved += moves_here;
        recordings += usize::from(moves_here > 0);
    }
    println!("{recordings} of {count} recordings moved, {moved} times");
    println!("{otherwise} of {all_events} events have a word otherwise");
    assert!(wrong.is_empty(), "{} are wrong\n{}", wrong.len(), wrong.join("\n"));
    if only.is_none() {
        assert!(recordings * 10 > count * 8, "{recordings} of {count} recordings moved");
        // Mostly how a leg that one has from a list began.
        assert!(otherwise * 10 < all_events, "{otherwise} of {all_events} events have a word otherwise");
    }
}

#[test]
fn where_two_readers_of_an_asterisk_do_not_agree_it_is_over_what_is_known() {
    let (mut left, mut otherwise) = (BTreeMap::from(NOT_YET), Vec::new());
    for (name, link, phones) in all() {
        let Some(known) = left.remove(&*name) else { continue };
        let mut found = BTreeSet::new();
        each_way(&link, &*phones, |way, alone, events, _| {
            let differences = differences(alone, events).unwrap_or_else(|why| panic!("{name} {way}: {why}"));
            found.extend(differences);
        });
        let known = known.iter().map(|(leg, kind, how)| (format!("p-{leg}"), *kind, *how));
        let known: BTreeSet<Difference> = known.collect();
        if found != known {
            otherwise.push(format!("{name} {found:?}"));
        }
    }
    assert!(otherwise.is_empty(), "not what is known: {otherwise:#?}");
    assert!(left.is_empty(), "not among the recordings: {left:?}");
}
