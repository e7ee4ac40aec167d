//! Random calls as a FreeSWITCH has them, with an oracle of their own: whoever makes the call up knows what each
//! phone must tell. A call is written in the words of [`super::wire`], so that a failure can be read.

mod agents;
mod meetings;
mod ringing;
mod transfers;

use crate::known::{Known, Side, Tells};
use crate::model::{Chance, Story};

/// A clock of FreeSWITCH goes on by so much at a time.
const TICK_MS: u64 = 20;
/// After so many transfers the two hang up.
const MAX_DEPTH: usize = 3;

/// Two sides talking: a phone, and the party it talks to. Who is which side of the bridge is FreeSWITCH's choice.
#[derive(Clone, Debug)]
struct Talk {
    phone: Side,
    party: Side,
    loopback: Option<[String; 2]>,
    bridge: [String; 2],
}

struct Teller {
    known: Known,
    ids: usize,
    prefix: usize,
    account: &'static str,
    /// Channels FreeSWITCH answered already.
    up: Vec<String>,
}

/// Makes up one call, beginning at `start` milliseconds; `prefix` keeps its channels apart from others'.
pub(super) fn tell(chance: Chance, start: u64, prefix: usize) -> Story {
    let mut teller = Teller::new(chance, start, prefix);
    teller.call();
    teller.known.story
}

/// Makes up the day of a phone that keeps its line open to be given callers.
pub(super) fn tell_agent(chance: Chance, prefix: usize) -> Story {
    let mut teller = Teller::new(chance, 0, prefix);
    teller.keeps_line_open();
    teller.known.story
}

impl Tells for Teller {
    fn known(&mut self) -> &mut Known {
        &mut self.known
    }
}

impl Teller {
    fn new(mut chance: Chance, start: u64, prefix: usize) -> Self {
        let account = if chance.one_in(3) { "2002" } else { "1001" };
        let known = Known::new(chance, start / TICK_MS * TICK_MS);
        Self { known, ids: 0, prefix, account, up: Vec::new() }
    }

    /// In the same moment or a tick later, by chance in another order: the channels speak for themselves.
    fn say_in_any_order(&mut self, mut lines: Vec<String>) {
        while !lines.is_empty() {
            let next = self.known.chance.below(lines.len());
            let line = lines.remove(next);
            self.say(line);
        }
    }

    fn tick(&mut self) {
        self.known.now += TICK_MS * self.known.chance.below(3) as u64;
    }

    fn wait(&mut self) {
        self.known.now += (300 + self.known.chance.below(4_000) as u64) / TICK_MS * TICK_MS;
    }

    fn id(&mut self, kind: &str) -> String {
        self.ids += 1;
        format!("{kind}{}.{}", self.prefix, self.ids)
    }

    fn phone(&mut self) -> Side {
        let number = format!("{}", 101 + self.known.chance.below(5));
        Side { channel: self.id("f"), number, phone: true }
    }

    fn outside(&mut self) -> Side {
        let number = format!("+45{}", 10_000_000 + self.known.chance.below(80_000_000));
        Side { channel: self.id("t"), number, phone: false }
    }

    fn places(&mut self, side: &Side, number: &str) {
        let Side { channel, number: own, phone } = side;
        let who = if *phone { format!("{own}@{}", self.account) } else { own.clone() };
        self.say(format!("create {channel} in {who} {number}"));
    }

    /// A lamp key asks for a call (INVITE with Replaces): FreeSWITCH makes an order of its own of that.
    fn asks_by_lamp_key(&mut self, by: &Side, party: &Side) {
        self.say(format!(
            "create {} in {}@{} answer,intercept:{} Caller-Dialplan=inline",
            by.channel, by.number, self.account, party.channel
        ));
    }

    /// FreeSWITCH answers a channel that called in; only once.
    fn answers(&mut self, side: &Side) -> Vec<String> {
        if self.up.contains(&side.channel) {
            return Vec::new();
        }
        self.up.push(side.channel.clone());
        vec![format!("answer {}", side.channel)]
    }

    fn call(&mut self) {
        match self.known.chance.below(8) {
            0 | 1 => self.employee_call(),
            2 => self.by_order(),
            3 => self.no_call(),
            _ => self.outside_call(),
        }
    }

    fn outside_call(&mut self) {
        let caller = self.outside();
        self.places(&caller, "+4530");
        if self.known.chance.one_in(3) {
            // A menu.
            self.say(format!("media {}", caller.channel));
            let answers = self.answers(&caller);
            self.say_in_any_order(answers);
            self.wait();
        }
        self.ring_round(&caller, 0);
    }

    fn employee_call(&mut self) {
        let caller = self.phone();
        if self.known.chance.one_in(3) {
            return self.outgoing_call(&caller);
        }
        self.places(&caller, "600");
        self.begin(&caller, 'O', "600", &caller.number);
        self.ring_round(&caller, 0);
    }

    fn outgoing_call(&mut self, caller: &Side) {
        let called = self.outside();
        self.places(caller, &called.number);
        self.begin(caller, 'O', &called.number, &caller.number);
        self.say(format!("create {} out {} {}", called.channel, called.number, caller.channel));
        self.wait();
        if self.known.chance.one_in(3) {
            let ends = [called, caller.clone()].map(|side| format!("hangup {} USER_BUSY", side.channel));
            return self.say_in_any_order(ends.into());
        }
        self.say(format!("progress {}", called.channel));
        self.wait();
        self.far_end_answers(caller, &called);
        let talk = self.bridged(caller.clone(), called, None);
        self.talk(talk, 0);
    }

    fn far_end_answers(&mut self, phone: &Side, called: &Side) {
        self.say(format!("answer {}", called.channel));
        self.up.push(called.channel.clone());
        self.known.answered_at.insert(phone.channel.clone(), self.known.now);
        let answers = self.answers(phone);
        self.say_in_any_order(answers);
    }

    /// Click-to-call: the phone rings for nobody, and dials when it is lifted.
    fn by_order(&mut self) {
        let phone = self.phone();
        self.say(format!("create {} out {}@{} -", phone.channel, phone.number, self.account));
        self.say(format!("progress {}", phone.channel));
        self.wait();
        if self.known.chance.one_in(3) {
            return self.say(format!("hangup {} NO_ANSWER", phone.channel));
        }
        self.say(format!("answer {}", phone.channel));
        self.up.push(phone.channel.clone());
        let called = self.outside();
        self.say(format!("history {} bl_xfer:{}/tenant/XML", phone.channel, called.number));
        self.begin(&phone, 'O', &called.number, &phone.number);
        self.say(format!("create {} out {} {}", called.channel, called.number, phone.channel));
        self.wait();
        self.far_end_answers(&phone, &called);
        let talk = self.bridged(phone, called, None);
        self.talk(talk, 0);
    }

    /// What is dialled and is no call.
    fn no_call(&mut self) {
        let phone = self.phone();
        if self.known.chance.one_in(2) {
            self.places(&phone, "999");
            return self.say(format!("hangup {} NO_ROUTE_DESTINATION", phone.channel));
        }
        self.places(&phone, "*43");
        self.say(format!("media {}", phone.channel));
        self.say(format!("answer {}", phone.channel));
        self.wait();
        self.say(format!("hangup {} NORMAL_CLEARING", phone.channel));
    }

    /// Both are bridged, over the loopback if there is one.
    fn bridged(&mut self, phone: Side, party: Side, loopback: Option<[String; 2]>) -> Talk {
        let placed = |story: &Story, side: &Side| {
            story.says.iter().any(|(_, line)| line.starts_with(&format!("create {} in ", side.channel)))
        };
        let mut bridge = match &loopback {
            Some([one, two]) => {
                self.say(format!("bridge {two} {}", phone.channel));
                [party.channel.clone(), one.clone()]
            }
            // The A side is who dials.
            None if placed(&self.known.story, &phone) && !placed(&self.known.story, &party) => {
                [phone.channel.clone(), party.channel.clone()]
            }
            None => [party.channel.clone(), phone.channel.clone()],
        };
        if self.known.chance.one_in(4) {
            bridge.swap(0, 1);
        }
        self.say(format!("bridge {} {}", bridge[0], bridge[1]));
        Talk { phone, party, loopback, bridge }
    }

    fn unbridges(&self, talk: &Talk) -> String {
        format!("unbridge {} {}", talk.bridge[0], talk.bridge[1])
    }

    fn hang_up_party(&mut self, party: &Side) {
        self.over(party);
        self.say(format!("hangup {} NORMAL_CLEARING", party.channel));
    }

    fn hang_up(&mut self, talk: Talk) {
        self.wait();
        self.over(&talk.phone);
        self.over(&talk.party);
        let mut lines = vec![
            format!("hangup {} NORMAL_CLEARING", talk.phone.channel),
            format!("hangup {} NORMAL_CLEARING", talk.party.channel),
        ];
        if !self.known.chance.one_in(8) {
            lines.push(self.unbridges(&talk));
        }
        if let Some([one, two]) = &talk.loopback {
            lines.push(format!("unbridge {two} {}", talk.phone.channel));
            lines.push(format!("hangup {one} NORMAL_CLEARING"));
            lines.push(format!("hangup {two} NORMAL_CLEARING"));
        }
        self.say_in_any_order(lines);
    }
}
