//! A recorded call of a real FreeSWITCH, made ready to be played again with other people.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::LazyLock;
use std::time::Duration;

use flate2::read::GzDecoder;
use regex::{Captures, Regex};

use super::acts::header;
use crate::cast::{self, Account, Employee};
use crate::clock;
use crate::rng::Rng;

/// What is fresh each time: ids, moments, the account, its numbers, outside numbers, phones.
pub(super) static FRESH: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?<id>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})",
        r"|(?<time>\b1795\d{12}\b)",
        r"|(?<outside>4917\d{8,9})",
        r"|49301001(?<own>0\d{3})",
        r"|(?<domain>1001\.lab\.test|tenant-1001|lot1001)",
        // A number may stand behind an encoded colon, whose last letter is one of a word.
        r"|(?<before>\b|%[0-9A-F]{2})(?<phone>10[123])\b",
    ))
    .ok()
});

/// The recorded phones, in the order in which employees take their parts.
const PHONES: [&str; 3] = ["101", "102", "103"];

/// One event, and how long after the one before it came.
#[derive(Debug)]
struct Step {
    after: Duration,
    lines: String,
}

/// A recorded call.
#[derive(Debug)]
pub(super) struct Recording {
    steps: Vec<Step>,
    began_us: u64,
    /// How many employees take part.
    pub(super) employees: usize,
}

impl Recording {
    /// Reads a compressed recording of the events of one call.
    pub(super) fn read(compressed: &[u8]) -> Self {
        let mut bytes = Vec::new();
        // What is built in is whole; of anything else as much is played as there is.
        let _ = GzDecoder::new(compressed).read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes);
        let mut recording = Self { steps: Vec::new(), began_us: 0, employees: 1 };
        let mut last_us = 0;
        for lines in text.split("Content-Type: text/event-plain\n\n").skip(1) {
            let lines = lines.split("\n\n").next().unwrap_or_default();
            let Ok(at_us) = header(lines, "Event-Date-Timestamp").parse::<u64>() else { continue };
            if matches!(header(lines, "Event-Name"), "HEARTBEAT" | "API") {
                continue;
            }
            if recording.steps.is_empty() {
                (recording.began_us, last_us) = (at_us, at_us);
            }
            let after = Duration::from_micros(at_us.saturating_sub(last_us));
            last_us = last_us.max(at_us);
            // Its own start of FreeSWITCH is another one than ours.
            let lines = lines.lines().filter(|line| !line.starts_with("Core-UUID:")).collect::<Vec<_>>();
            recording.steps.push(Step { after, lines: lines.join("\n") });
        }
        let takes_part = |phone: &str| {
            let presence = format!("Channel-Presence-ID: {phone}%40");
            recording.steps.iter().any(|step| step.lines.contains(&presence))
        };
        recording.employees = PHONES.iter().rposition(|phone| takes_part(phone)).map_or(1, |last| last + 1);
        recording
    }
}

/// One call being played: who is in it.
pub(super) struct Part<'a> {
    recording: &'a Recording,
    account: &'static Account,
    employees: Vec<&'static Employee>,
    fresh: BTreeMap<String, String>,
    rng: Rng,
    began_us: u64,
    done: usize,
}

impl<'a> Part<'a> {
    pub(super) fn new(
        recording: &'a Recording,
        account: &'static Account,
        employees: Vec<&'static Employee>,
        rng: Rng,
    ) -> Self {
        Self {
            recording,
            account,
            employees,
            fresh: BTreeMap::new(),
            rng,
            began_us: clock::now_us(),
            done: 0,
        }
    }

    /// How long until the next event; `None` when the call is over.
    pub(super) fn next_after(&self) -> Option<Duration> {
        self.recording.steps.get(self.done).map(|step| step.after)
    }

    /// The next event, with what has to be fresh.
    pub(super) fn next(&mut self) -> Option<String> {
        let recording = self.recording;
        let step = recording.steps.get(self.done)?;
        self.done += 1;
        let now_us = clock::now_us();
        let lines = match FRESH.as_ref() {
            Some(fresh) => {
                fresh.replace_all(&step.lines, |found: &Captures<'_>| self.fresh(found)).into_owned()
            }
            None => step.lines.clone(),
        };
        let stamped = lines.lines().map(|line| match line.strip_prefix("Event-Date-Timestamp:") {
            Some(_) => format!("Event-Date-Timestamp: {now_us}"),
            None => line.to_owned(),
        });
        Some(stamped.collect::<Vec<_>>().join("\n"))
    }

    fn fresh(&mut self, found: &Captures<'_>) -> String {
        let whole = &found[0];
        if found.name("id").is_some() {
            let rng = &mut self.rng;
            return self.fresh.entry(whole.to_owned()).or_insert_with(|| uuid(rng)).clone();
        }
        if found.name("time").is_some() {
            let offset = whole.parse::<u64>().unwrap_or(0).saturating_sub(self.recording.began_us);
            return (self.began_us + offset).to_string();
        }
        if found.name("outside").is_some() {
            let rng = &mut self.rng;
            let number = self.fresh.entry(whole.to_owned()).or_insert_with(|| cast::outsider(rng));
            return number.trim_start_matches('+').to_owned();
        }
        if let Some(own) = found.name("own") {
            let prefix = self.account.number_prefix.trim_start_matches('+');
            let local = own.as_str().trim_start_matches('0');
            return format!("{prefix}{}", self.phone(local).unwrap_or(local));
        }
        if let Some(domain) = found.name("domain") {
            return domain.as_str().replace("1001", self.account.id);
        }
        let [before, phone] =
            ["before", "phone"].map(|part| found.name(part).map_or("", |part| part.as_str()));
        format!("{before}{}", self.phone(phone).unwrap_or(phone))
    }

    fn phone(&self, recorded: &str) -> Option<&'static str> {
        let part = PHONES.iter().position(|phone| *phone == recorded)?;
        self.employees.get(part).map(|employee| employee.number)
    }
}

fn uuid(rng: &mut Rng) -> String {
    let (high, low) = (rng.roll(), rng.roll());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}
