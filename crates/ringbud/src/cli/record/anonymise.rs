//! Takes what tells of people out of a recording, and leaves what tells of calls.
//!
//! Numbers of six digits and more, names and IP addresses are replaced, the same one always by the same.
//! Ids and times stay: the call logic lives on them. Local numbers stay too: the rules for phones need them.

use std::collections::HashMap;

/// A shorter run of digits is a local number, a feature code, a counter.
const MIN_DIGITS: usize = 6;
/// The end of a number that is replaced; country and area before it stay.
const TAIL_DIGITS: usize = 8;
/// A line that is longer is left out.
const MAX_LINE_BYTES: usize = 64 << 10;

/// Headers that hold a person's name.
const NAMES: [&str; 3] = ["calleridname", "connectedlinename", "membername"];

/// Replaces consistently.
#[derive(Debug, Default)]
pub(super) struct Anonymiser {
    line: Vec<u8>,
    numbers: HashMap<String, String>,
    names: HashMap<String, String>,
    addresses: HashMap<String, String>,
}

impl Anonymiser {
    /// Takes bytes; gives those that can be given.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len() + piece.len() <= MAX_LINE_BYTES {
                self.line.extend_from_slice(piece);
            }
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                out.extend(self.whole_line(&line));
            }
        }
        out
    }

    /// The rest.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let line = std::mem::take(&mut self.line);
        self.whole_line(&line)
    }

    fn whole_line(&mut self, line: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(line);
        let body = text.trim_end_matches(['\r', '\n']);
        let end = &text[body.len()..];
        let changed = match body.split_once(": ") {
            Some((name, value)) => format!("{name}: {}", self.value(name, value)),
            None => body.to_owned(),
        };
        format!("{changed}{end}").into_bytes()
    }

    fn value(&mut self, name: &str, value: &str) -> String {
        let lower = name.to_ascii_lowercase();
        if NAMES.iter().any(|known| lower.ends_with(known)) {
            return self.name(value);
        }
        let is_id = lower.ends_with("id") && lower != "dnid" || lower == "timestamp" || lower == "event";
        if is_id {
            return value.to_owned();
        }
        // The counter at the end of a channel's name (`-0000001a`, `-00000003;1`) is no number of anyone.
        if let Some((peer, counter)) = value.rsplit_once('-')
            && counter.len() >= 8
            && counter.as_bytes()[..8].iter().all(u8::is_ascii_hexdigit)
            && peer.contains('/')
        {
            return format!("{}-{counter}", self.free_text(peer));
        }
        self.free_text(value)
    }

    fn name(&mut self, name: &str) -> String {
        if name.is_empty()
            || name == "<unknown>"
            || name.chars().all(|c| c.is_ascii_digit()) && name.len() < MIN_DIGITS
        {
            return name.to_owned();
        }
        let number = self.names.len() + 1;
        self.names.entry(name.to_owned()).or_insert_with(|| format!("Person {number}")).clone()
    }

    fn free_text(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
            out.push_str(&rest[..start]);
            rest = &rest[start..];
            let length = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let (run, after) = rest.split_at(length);
            out.push_str(&self.digits_and_dots(run));
            rest = after;
        }
        out.push_str(rest);
        out
    }

    fn digits_and_dots(&mut self, run: &str) -> String {
        let parts: Vec<&str> = run.split('.').collect();
        match parts.as_slice() {
            [number] if number.len() >= MIN_DIGITS => self.number(number),
            // A channel's id or a time.
            [seconds, _] if (9..=11).contains(&seconds.len()) => run.to_owned(),
            [a, b, c, d] if [a, b, c, d].iter().all(|part| part.parse::<u8>().is_ok()) => {
                let number = self.addresses.len() + 1;
                self.addresses
                    .entry(run.to_owned())
                    .or_insert_with(|| format!("192.0.2.{}", number.min(254)))
                    .clone()
            }
            _ => run.to_owned(),
        }
    }

    fn number(&mut self, number: &str) -> String {
        let (head, tail) = number.split_at(number.len() - number.len().min(TAIL_DIGITS));
        let width = tail.len();
        let index = self.numbers.len() + 1;
        let other = self
            .numbers
            .entry(tail.to_owned())
            .or_insert_with(|| format!("55{index:0>rest$}", rest = width - 2));
        format!("{head}{other}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anonymised(text: &str) -> String {
        let mut anonymiser = Anonymiser::default();
        // In small pieces, as from a socket.
        let mut out: Vec<u8> = text.as_bytes().chunks(7).flat_map(|piece| anonymiser.feed(piece)).collect();
        out.extend(anonymiser.finish());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_and_names_are_replaced_the_same_always_by_the_same() {
        let text = "CallerIDNum: +491701111111\r\nCallerIDName: Anna Ash\r\nExten: 01701111111\r\nConnectedLineName: Anna Ash\r\n\
                    DialString: 00491702222222@trunk\r\n";
        let expected = "CallerIDNum: +491755000001\r\nCallerIDName: Person 1\r\nExten: 01755000001\r\n\
                        ConnectedLineName: Person 1\r\nDialString: 00491755000002@trunk\r\n";
        assert_eq!(anonymised(text), expected);
    }

    #[test]
    fn ids_times_local_numbers_and_channels_stay() {
        let text = "Event: Newchannel\r\nTimestamp: 1795343903.920987\r\nChannel: PJSIP/1001-101-00000001\r\nExten: *8\r\n\
                    Uniqueid: 1795343903.1\r\nBridgeUniqueid: 435698cd-7e1d-47fb-b1b3-123456789012\r\nCallerIDNum: 101\r\n\
                    Channel: Local/102@tenant-0000000a;1\r\nConnectedLineName: <unknown>\r\n\r\n";
        assert_eq!(anonymised(text), text);
    }

    #[test]
    fn a_number_in_a_channel_and_an_address_are_replaced() {
        let text = "Channel: Local/+491701111111@x-00000003;1\nRemoteAddress: IPV4/TCP/10.1.2.3/5060\n";
        assert_eq!(
            anonymised(text),
            "Channel: Local/+491755000001@x-00000003;1\nRemoteAddress: IPV4/TCP/192.0.2.1/5060\n"
        );
    }
}
