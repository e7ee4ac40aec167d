//! Makes a recording fit to be sent to strangers: phone numbers and names of people are replaced, the same
//! one always by the same other one, and what nobody needs is left out.
//!
//! What decides about call events stays as it is: ids, times, states, and the names of devices, queues and
//! contexts, for the rules of the directory go by them. Numbers of up to four digits are extensions and stay,
//! too. Of longer ones the last six digits are replaced wherever they occur, so that `+4570123456` and
//! `70123456` stay recognisable as one; the digits before them are kept. A header that is not known to be
//! needed loses its value.
//!
//! Nothing is remembered: the replacement is computed from a key, which the shell draws at random and forgets.

use md5::{Digest, Md5};

use super::malformed::MAX_LINE_BYTES;
use super::numbers::number_on_a_line;

/// Shorter runs of digits are extensions, not numbers of people.
const SHORTEST_NUMBER: usize = 5;
/// So many digits at the end of a number are replaced.
const REPLACED_DIGITS: usize = 6;
/// Each lets every digit depend on every other a little more.
const ROUNDS: u8 = 8;

/// Replaces what names people, by a key: the same by the same.
#[derive(Clone, Copy)]
pub(crate) struct Disguise {
    key: [u8; 16],
}

/// Rewrites the bytes of one or several recordings that belong together.
pub struct Anonymiser {
    disguise: Disguise,
    line: Vec<u8>,
    /// The line in progress is longer than the codec reads, and stays so.
    is_too_long: bool,
}

impl Anonymiser {
    /// Same key, same replacements.
    pub const fn new(key: [u8; 16]) -> Self {
        Self { disguise: Disguise::new(key), line: Vec::new(), is_too_long: false }
    }

    /// Takes bytes in any pieces; whole lines come out.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.line.extend_from_slice(piece);
            let is_whole = piece.ends_with(b"\n");
            let length = self.line.len() - usize::from(is_whole);
            if self.is_too_long || length > MAX_LINE_BYTES {
                self.is_too_long = !is_whole;
                out.extend(self.line.drain(..).map(|byte| if byte == b'\n' { byte } else { b'x' }));
            } else if is_whole {
                let line = std::mem::take(&mut self.line);
                self.rewrite(&line, out);
                self.line = line;
                self.line.clear();
            }
        }
    }

    fn rewrite(&self, line: &[u8], out: &mut Vec<u8>) {
        let content = line.strip_suffix(b"\n").unwrap_or(line);
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        let end = &line[content.len()..];
        match content.iter().position(|&byte| byte == b':') {
            None if content.starts_with(b"Asterisk Call Manager") => out.extend_from_slice(content),
            None if content.is_empty() => {}
            // Output of a command. The line stays, for a blank one would end the message.
            None => out.push(b'-'),
            Some(colon) => {
                let (name, value) = content.split_at(colon);
                let value = value[1..].strip_prefix(b" ").unwrap_or(&value[1..]);
                out.extend_from_slice(name);
                out.extend_from_slice(b": ");
                match Kind::of(name) {
                    Kind::Kept => out.extend_from_slice(value),
                    Kind::Text => self.disguise.text(value, out),
                    Kind::Channel => self.disguise.channel(value, out),
                    Kind::Number => self.disguise.number(value, out),
                    Kind::Name => self.disguise.name(value, out),
                    Kind::Variable => variable(value, out),
                    Kind::DialString => self.disguise.dialled_on_a_line(value, out),
                    Kind::NotNeeded => {}
                }
            }
        }
        out.extend_from_slice(end);
    }
}

impl Disguise {
    /// Same key, same replacements.
    pub(crate) const fn new(key: [u8; 16]) -> Self {
        Self { key }
    }

    /// Any text: long runs of digits are numbers.
    pub(crate) fn text(&self, text: &[u8], out: &mut Vec<u8>) {
        for run in text.chunk_by(|one, two| one.is_ascii_digit() == two.is_ascii_digit()) {
            if run[0].is_ascii_digit() && run.len() >= SHORTEST_NUMBER {
                let (kept, replaced) = run.split_at(run.len().saturating_sub(REPLACED_DIGITS));
                out.extend_from_slice(kept);
                self.digits(replaced, out);
            } else {
                out.extend_from_slice(run);
            }
        }
    }

    /// A channel's name ends with a counter, which is no number of anybody.
    fn channel(&self, name: &[u8], out: &mut Vec<u8>) {
        let dash = name.iter().rposition(|&byte| byte == b'-').unwrap_or(name.len());
        self.text(&name[..dash], out);
        out.extend_from_slice(&name[dash..]);
    }

    pub(crate) fn number(&self, number: &[u8], out: &mut Vec<u8>) {
        let has_digits = number.iter().any(u8::is_ascii_digit);
        if has_digits || number.len() <= 1 || is_withheld(number) {
            self.text(number, out);
        } else {
            out.extend_from_slice(format!("user{:05}", self.hash(&[number]) % 100_000).as_bytes());
        }
    }

    /// Only the number is needed, not on what line it was dialled, nor where that is.
    fn dialled_on_a_line(&self, text: &[u8], out: &mut Vec<u8>) {
        let number = std::str::from_utf8(text).map(number_on_a_line).unwrap_or_default();
        if !number.is_empty() {
            self.number(number.as_bytes(), out);
            out.extend_from_slice(b"@line");
        }
    }

    fn name(&self, name: &[u8], out: &mut Vec<u8>) {
        if name.is_empty() || is_withheld(name) {
            out.extend_from_slice(name);
        } else if name.iter().filter(|byte| byte.is_ascii_digit()).count() >= SHORTEST_NUMBER {
            self.text(name, out);
        } else {
            out.extend_from_slice(format!("Person {:05}", self.hash(&[name]) % 100_000).as_bytes());
        }
    }

    /// Other digits, as many, for five or six: a permutation, so that different ones stay different. Each
    /// half is shifted by an amount that depends on the other, again and again.
    fn digits(&self, digits: &[u8], out: &mut Vec<u8>) {
        let value = digits.iter().fold(0, |value: u64, digit| value * 10 + u64::from(digit - b'0'));
        let high_modulus = if digits.len() == REPLACED_DIGITS { 1000 } else { 100 };
        let (mut high, mut low) = (value / 1000, value % 1000);
        for round in 0..ROUNDS {
            high = (high + self.hash(&[&[round, 0], &low.to_be_bytes()])) % high_modulus;
            low = (low + self.hash(&[&[round, 1], &high.to_be_bytes()])) % 1000;
        }
        out.extend_from_slice(format!("{:0width$}", high * 1000 + low, width = digits.len()).as_bytes());
    }

    /// A number of up to 32 bits that nobody can compute without the key.
    fn hash(&self, parts: &[&[u8]]) -> u64 {
        let digest =
            parts.iter().fold(Md5::new().chain_update(self.key), |digest, part| digest.chain_update(part));
        let bytes = digest.finalize();
        u64::from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }
}

/// What a header holds.
enum Kind {
    Kept,
    Text,
    Channel,
    Number,
    Name,
    Variable,
    DialString,
    NotNeeded,
}

impl Kind {
    fn of(name: &[u8]) -> Self {
        const KEPT: [&str; 46] = [
            "Event",
            "Response",
            "Privilege",
            "Timestamp",
            "ActionID",
            "EventList",
            "ListItems",
            "Items",
            "Ping",
            "Message",
            "BridgeUniqueid",
            "BridgeId",
            "BridgeID",
            "BridgeType",
            "BridgeNumChannels",
            "SwapUniqueid",
            "ToBridgeUniqueid",
            "FromBridgeUniqueid",
            "DestBridgeUniqueid",
            "OrigBridgeUniqueid",
            "SecondBridgeUniqueid",
            "DialStatus",
            "Cause",
            "Cause-txt",
            "TechCause",
            "Result",
            "IsExternal",
            "DestType",
            "DestApp",
            "ParkingSpace",
            "Uptime",
            "LastReload",
            "Status",
            "Shutdown",
            "Restart",
            "CoreStartupDate",
            "CoreStartupTime",
            "AsteriskVersion",
            "CoreCDRenabled",
            "Application",
            "Duration",
            "Seconds",
            "LocalOptimization",
            "DeviceState",
            "BridgeTechnology",
            "BridgeCreator",
        ];
        const KEPT_SUFFIXES: [&str; 7] =
            ["ChannelState", "ChannelStateDesc", "Uniqueid", "Linkedid", "Priority", "Language", "Pres"];
        const TEXT: [&str; 5] = ["SystemName", "Queue", "Parkinglot", "ObjectName", "ParkerDialString"];
        const NUMBERS: [&str; 7] =
            ["CallerIDNum", "ConnectedLineNum", "Exten", "Extension", "Forward", "DNID", "Meetme"];
        let Ok(name) = std::str::from_utf8(name) else { return Self::NotNeeded };
        let ends_with = |suffix: &str| name.ends_with(suffix);
        if KEPT.contains(&name) || KEPT_SUFFIXES.iter().any(|suffix| ends_with(suffix)) {
            Self::Kept
        } else if NUMBERS.iter().any(|suffix| ends_with(suffix)) {
            Self::Number
        } else if ends_with("CallerIDName") || ends_with("ConnectedLineName") {
            Self::Name
        } else if ends_with("Channel") {
            Self::Channel
        } else if TEXT.contains(&name) || ends_with("Context") || ends_with("AccountCode") {
            Self::Text
        } else if name == "Variable" {
            Self::Variable
        } else if name == "DialString" {
            Self::DialString
        } else {
            Self::NotNeeded
        }
    }
}

/// `CDR(answer,u)=1795343903.920987` is needed to find exact times after a gap.
fn variable(value: &[u8], out: &mut Vec<u8>) {
    let equals = value.iter().position(|&byte| byte == b'=').map_or(value.len(), |at| at + 1);
    let is_needed = value.starts_with(b"CDR(start,u)=") || value.starts_with(b"CDR(answer,u)=");
    out.extend_from_slice(if is_needed { value } else { &value[..equals] });
}

fn is_withheld(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| super::numbers::number_of(text).is_empty())
}
