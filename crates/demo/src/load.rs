//! Load for benchmarks: simple calls without end, as the bytes of an AMI stream.
//!
//! Deterministic: the same options give the same bytes for the same times. Each call causes an `Incoming`,
//! an `Answered` and an `Ended`. Where the bytes go is the caller's business; [`feed`] gives them to the
//! demo PBX as fast as its clients read.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::clock;
use crate::part::write_time;
use crate::pbx::Pbx;
use crate::rng::Rng;

/// Bytes given to the PBX at a time.
const CHUNK_BYTES: usize = 16 * 1024;

/// Who is called, and how.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Accounts `1000`, `1001`, …
    pub accounts: usize,
    /// Employees `100`, `101`, … of each.
    pub employees: usize,
    /// So many calls ring at a time, and as many talk; 0: one call after the other.
    pub spread: usize,
    /// The caller's number is the microsecond at which it rang, so that a receiver can measure.
    pub stamped: bool,
    /// The same seed calls the same employees in the same order.
    pub seed: u64,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { accounts: 10, employees: 10, spread: 100, stamped: false, seed: 1 }
    }
}

/// An endless supply of calls.
#[derive(Debug)]
pub struct Load {
    options: LoadOptions,
    rng: Rng,
    calls: u64,
    ringing: VecDeque<Live>,
    talking: VecDeque<Live>,
}

/// A call that is up or about to be.
#[derive(Debug)]
struct Live {
    account: String,
    phone: String,
    caller: String,
    /// Of the trunk's channel.
    trunk_suffix: String,
    trunk_id: String,
    /// Of the phone's channel.
    phone_suffix: String,
    phone_id: String,
}

impl Load {
    /// A fresh one.
    pub fn new(options: LoadOptions) -> Self {
        let rng = Rng::new(options.seed);
        Self { options, rng, calls: 0, ringing: VecDeque::new(), talking: VecDeque::new() }
    }

    /// How many calls have begun.
    pub const fn calls(&self) -> u64 {
        self.calls
    }

    /// Begins a call, and lets an earlier one be answered and one end, once there are enough of them.
    pub fn call(&mut self, now_us: u64, out: &mut Vec<u8>) {
        self.ring(now_us, out);
        if self.ringing.len() > self.options.spread {
            self.answer(now_us, out);
        }
        if self.talking.len() > self.options.spread {
            self.hang_up(now_us, out);
        }
    }

    /// Answers and ends what is left.
    pub fn finish(&mut self, now_us: u64, out: &mut Vec<u8>) {
        while !self.ringing.is_empty() {
            self.answer(now_us, out);
        }
        while !self.talking.is_empty() {
            self.hang_up(now_us, out);
        }
    }

    /// Begins `legs` calls and answers every other one: so many legs live, and nothing ends.
    pub fn live(&mut self, legs: usize, now_us: u64, out: &mut Vec<u8>) {
        for leg in 0..legs {
            self.ring(now_us, out);
            if leg % 2 == 0 {
                self.answer(now_us, out);
            }
        }
    }

    /// Ends the call that has lived longest and begins another one, answered at once: the number of live
    /// legs stays the same.
    pub fn turn_over(&mut self, now_us: u64, out: &mut Vec<u8>) {
        self.hang_up(now_us, out);
        self.ring(now_us, out);
        self.answer(now_us, out);
    }

    /// Messages of a call: four to ring, two to be answered, two to end.
    pub const MESSAGES_PER_CALL: usize = 8;

    fn ring(&mut self, now_us: u64, out: &mut Vec<u8>) {
        let live = self.next(now_us);
        let time = time(now_us);
        let (trunk, phone) = (live.trunk("4", "Ring"), live.phone("0", "Down"));
        event(out, "Newchannel", &time, &[("", &trunk)], &[]);
        event(out, "Newchannel", &time, &[("", &phone)], &[]);
        let dialled = [("DialString", live.endpoint())];
        event(out, "DialBegin", &time, &[("", &trunk), ("Dest", &phone)], &dialled);
        event(out, "Newstate", &time, &[("", &live.phone("5", "Ringing"))], &[]);
        self.ringing.push_back(live);
    }

    fn answer(&mut self, now_us: u64, out: &mut Vec<u8>) {
        let Some(live) = self.ringing.pop_front() else { return };
        let time = time(now_us);
        let (trunk, phone) = (live.trunk("4", "Ring"), live.phone("6", "Up"));
        event(out, "Newstate", &time, &[("", &phone)], &[]);
        let answered = [("DialStatus", "ANSWER".to_owned())];
        event(out, "DialEnd", &time, &[("", &trunk), ("Dest", &phone)], &answered);
        self.talking.push_back(live);
    }

    fn hang_up(&mut self, now_us: u64, out: &mut Vec<u8>) {
        let Some(live) = self.talking.pop_front() else { return };
        let time = time(now_us);
        let cause = [("Cause", "16".to_owned()), ("Cause-txt", "Normal Clearing".to_owned())];
        event(out, "Hangup", &time, &[("", &live.phone("6", "Up"))], &cause);
        event(out, "Hangup", &time, &[("", &live.trunk("6", "Up"))], &cause);
    }

    fn next(&mut self, now_us: u64) -> Live {
        let number = self.calls;
        self.calls += 1;
        let account = 1000 + self.rng.below(self.options.accounts);
        let phone = 100 + self.rng.below(self.options.employees);
        let seconds = now_us / 1_000_000;
        Live {
            account: account.to_string(),
            phone: phone.to_string(),
            caller: if self.options.stamped {
                now_us.to_string()
            } else {
                format!("+451{:07}", number % 10_000_000)
            },
            trunk_suffix: format!("{:08x}", (number * 2) & 0xffff_ffff),
            trunk_id: format!("{seconds}.{}", number * 2),
            phone_suffix: format!("{:08x}", (number * 2 + 1) & 0xffff_ffff),
            phone_id: format!("{seconds}.{}", number * 2 + 1),
        }
    }
}

/// A channel as a message shows it.
struct Channel<'a> {
    endpoint: [&'a str; 3],
    suffix: &'a str,
    state: [&'a str; 2],
    number: &'a str,
    other: &'a str,
    account: &'a str,
    context: [&'a str; 2],
    id: &'a str,
    linked: &'a str,
}

impl Live {
    fn endpoint(&self) -> String {
        format!("{}-{}", self.account, self.phone)
    }

    fn trunk<'a>(&'a self, state: &'a str, words: &'a str) -> Channel<'a> {
        Channel {
            endpoint: ["trunk", "", ""],
            suffix: &self.trunk_suffix,
            state: [state, words],
            number: &self.caller,
            other: "<unknown>",
            account: "",
            context: ["from-trunk", ""],
            id: &self.trunk_id,
            linked: &self.trunk_id,
        }
    }

    fn phone<'a>(&'a self, state: &'a str, words: &'a str) -> Channel<'a> {
        Channel {
            endpoint: [&self.account, "-", &self.phone],
            suffix: &self.phone_suffix,
            state: [state, words],
            number: &self.phone,
            other: &self.caller,
            account: &self.account,
            context: ["tenant-", &self.account],
            id: &self.phone_id,
            linked: &self.trunk_id,
        }
    }
}

fn time(now_us: u64) -> String {
    let mut time = String::new();
    write_time(now_us, &mut time);
    time
}

fn event(
    out: &mut Vec<u8>,
    name: &str,
    time: &str,
    channels: &[(&str, &Channel<'_>)],
    more: &[(&str, String)],
) {
    put(out, &["Event: ", name, "\r\nPrivilege: call,all\r\nTimestamp: ", time, "\r\n"]);
    for (prefix, channel) in channels {
        write_channel(out, prefix, channel);
    }
    for (header, value) in more {
        put(out, &[header, ": ", value, "\r\n"]);
    }
    put(out, &["\r\n"]);
}

fn write_channel(out: &mut Vec<u8>, prefix: &str, channel: &Channel<'_>) {
    let Channel { endpoint: [one, two, three], suffix, state: [state, words], .. } = channel;
    let Channel { number, other, account, context: [context, of], id, linked, .. } = channel;
    put(out, &[prefix, "Channel: PJSIP/", one, two, three, "-", suffix, "\r\n"]);
    put(out, &[prefix, "ChannelState: ", state, "\r\n", prefix, "ChannelStateDesc: ", words, "\r\n"]);
    put(out, &[prefix, "CallerIDNum: ", number, "\r\n", prefix, "CallerIDName: <unknown>\r\n"]);
    put(out, &[prefix, "ConnectedLineNum: ", other, "\r\n", prefix, "ConnectedLineName: <unknown>\r\n"]);
    put(out, &[prefix, "Language: en\r\n", prefix, "AccountCode: ", account, "\r\n"]);
    put(out, &[prefix, "Context: ", context, of, "\r\n", prefix, "Exten: s\r\n", prefix, "Priority: 1\r\n"]);
    put(out, &[prefix, "Uniqueid: ", id, "\r\n", prefix, "Linkedid: ", linked, "\r\n"]);
}

fn put(out: &mut Vec<u8>, pieces: &[&str]) {
    for piece in pieces {
        out.extend_from_slice(piece.as_bytes());
    }
}

/// Gives `calls` calls to the PBX and ends them all: as fast as its clients read, or `calls_per_s` evenly.
pub async fn feed(pbx: &Pbx, load: &mut Load, calls: u64, calls_per_s: Option<f64>) {
    let began = Instant::now();
    let mut out = Vec::with_capacity(2 * CHUNK_BYTES);
    for call in 0..calls {
        if let Some(rate) = calls_per_s {
            let due = Duration::try_from_secs_f64(f64::from(u32::try_from(call).unwrap_or(u32::MAX)) / rate);
            tokio::time::sleep_until(began + due.unwrap_or_default()).await;
        }
        load.call(clock::now_us(), &mut out);
        if calls_per_s.is_some() || out.len() >= CHUNK_BYTES {
            pbx.say(Bytes::from(std::mem::replace(&mut out, Vec::with_capacity(2 * CHUNK_BYTES)))).await;
        }
    }
    load.finish(clock::now_us(), &mut out);
    for chunk in out.chunks(CHUNK_BYTES) {
        pbx.say(Bytes::copy_from_slice(chunk)).await;
    }
}
