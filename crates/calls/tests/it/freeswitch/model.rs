//! Random calls as a FreeSWITCH has them, with an oracle of their own: whoever makes the call up knows what each
//! phone must tell. A call is written in the words of [`super::wire`], so that a failure can be read.

use std::collections::BTreeMap;

use crate::model::{Chance, Told};

/// A made-up call: what happens, by time in milliseconds, and what each leg must tell.
#[derive(Debug, Default)]
pub(super) struct Story {
    pub(super) says: Vec<(u64, String)>,
    pub(super) legs: BTreeMap<String, Told>,
}

/// A clock of FreeSWITCH goes on by so much at a time.
const TICK_MS: u64 = 20;
/// After so many transfers the two hang up.
const MAX_DEPTH: usize = 3;

/// One side of a conversation.
#[derive(Clone, Debug)]
struct Side {
    channel: String,
    number: String,
    phone: bool,
}

/// Who rings for a party: a phone, and the loopback in between, if there is one.
#[derive(Clone, Debug)]
struct Ring {
    phone: Side,
    loopback: Option<[String; 2]>,
}

/// Two sides talking: a phone, and the party it talks to. Who is which side of the bridge is FreeSWITCH's choice.
#[derive(Clone, Debug)]
struct Talk {
    phone: Side,
    party: Side,
    loopback: Option<[String; 2]>,
    bridge: [String; 2],
}

/// How phones are rung for a party: each names it in another way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Dialplan,
    Enterprise,
    Queue,
    Fifo,
    Loopback,
}

struct Teller {
    chance: Chance,
    story: Story,
    now: u64,
    ids: usize,
    prefix: usize,
    account: &'static str,
    answered_at: BTreeMap<String, u64>,
    /// Channels FreeSWITCH answered already.
    up: Vec<String>,
    /// The transfer the party brings to every phone it rings.
    mark: Option<(String, String, String)>,
}

/// Makes up one call, beginning at `start` milliseconds; `prefix` keeps its channels apart from others'.
pub(super) fn tell(mut chance: Chance, start: u64, prefix: usize) -> Story {
    let account = if chance.one_in(3) { "2002" } else { "1001" };
    let mut teller = Teller {
        chance,
        story: Story::default(),
        now: start / TICK_MS * TICK_MS,
        ids: 0,
        prefix,
        account,
        answered_at: BTreeMap::new(),
        up: Vec::new(),
        mark: None,
    };
    teller.call();
    teller.story
}

impl Teller {
    fn say(&mut self, line: impl Into<String>) {
        self.story.says.push((self.now, line.into()));
    }

    /// In the same moment or a tick later, by chance in another order: the channels speak for themselves.
    fn say_in_any_order(&mut self, mut lines: Vec<String>) {
        while !lines.is_empty() {
            let next = self.chance.below(lines.len());
            let line = lines.remove(next);
            self.say(line);
        }
    }

    fn tick(&mut self) {
        self.now += TICK_MS * self.chance.below(3) as u64;
    }

    fn wait(&mut self) {
        self.now += (300 + self.chance.below(4_000) as u64) / TICK_MS * TICK_MS;
    }

    fn id(&mut self, kind: &str) -> String {
        self.ids += 1;
        format!("{kind}{}.{}", self.prefix, self.ids)
    }

    fn phone(&mut self) -> Side {
        let number = format!("{}", 101 + self.chance.below(5));
        Side { channel: self.id("f"), number, phone: true }
    }

    fn outside(&mut self) -> Side {
        let number = format!("+45{}", 10_000_000 + self.chance.below(80_000_000));
        Side { channel: self.id("t"), number, phone: false }
    }

    fn places(&mut self, side: &Side, number: &str) {
        let Side { channel, number: own, phone } = side;
        let who = if *phone { format!("{own}@{}", self.account) } else { own.clone() };
        self.say(format!("create {channel} in {who} {number}"));
    }

    /// FreeSWITCH answers a channel that called in; only once.
    fn answers(&mut self, side: &Side) -> Vec<String> {
        if self.up.contains(&side.channel) {
            return Vec::new();
        }
        self.up.push(side.channel.clone());
        vec![format!("answer {}", side.channel)]
    }

    fn begin(&mut self, side: &Side, begun: char, with: &str, from: &str) {
        let transfer = if begun == 'I' { self.mark.clone() } else { None };
        let told = Told { begun, with: with.into(), from: from.into(), transfer, ..Told::default() };
        self.story.legs.insert(side.channel.clone(), told);
    }

    fn told(&mut self, side: &Side) -> Option<&mut Told> {
        self.story.legs.get_mut(&side.channel)
    }

    /// The leg is over now, if it is not yet.
    fn over(&mut self, side: &Side) {
        if let Some(since) = self.answered_at.remove(&side.channel) {
            let secs = (self.now - since) / 1_000;
            if let Some(told) = self.told(side) {
                told.secs = secs;
            }
        }
    }

    fn call(&mut self) {
        match self.chance.below(8) {
            0 | 1 => self.employee_call(),
            2 => self.by_order(),
            3 => self.no_call(),
            _ => self.outside_call(),
        }
    }

    fn outside_call(&mut self) {
        let caller = self.outside();
        self.places(&caller, "+4530");
        if self.chance.one_in(3) {
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
        if self.chance.one_in(3) {
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
        if self.chance.one_in(3) {
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
        self.answered_at.insert(phone.channel.clone(), self.now);
        let answers = self.answers(phone);
        self.say_in_any_order(answers);
    }

    /// Click-to-call: the phone rings for nobody, and dials when it is lifted.
    fn by_order(&mut self) {
        let phone = self.phone();
        self.say(format!("create {} out {}@{} -", phone.channel, phone.number, self.account));
        self.say(format!("progress {}", phone.channel));
        self.wait();
        if self.chance.one_in(3) {
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
        if self.chance.one_in(2) {
            self.places(&phone, "999");
            return self.say(format!("hangup {} NO_ROUTE_DESTINATION", phone.channel));
        }
        self.places(&phone, "*43");
        self.say(format!("media {}", phone.channel));
        self.say(format!("answer {}", phone.channel));
        self.wait();
        self.say(format!("hangup {} NORMAL_CLEARING", phone.channel));
    }

    /// The party rings one to three phones, in one of FreeSWITCH's ways.
    fn ring_round(&mut self, party: &Side, depth: usize) {
        let ways = [Way::Dialplan, Way::Dialplan, Way::Enterprise, Way::Queue, Way::Fifo, Way::Loopback];
        let way = ways[self.chance.below(ways.len())];
        if matches!(way, Way::Queue | Way::Fifo) {
            let answers = self.answers(party);
            self.say_in_any_order(answers);
            self.wait();
        }
        let rings: Vec<Ring> = (0..1 + self.chance.below(3)).map(|_| self.dialled(party, way)).collect();
        self.tick();
        let mut ringing = Vec::new();
        for ring in rings {
            if self.chance.one_in(6) {
                self.say(format!("hangup {} USER_BUSY", ring.phone.channel));
                self.drop_loopback(ring.loopback.as_ref());
            } else {
                let rings = if self.chance.one_in(4) { "media" } else { "progress" };
                self.say(format!("{rings} {}", ring.phone.channel));
                self.begin(&ring.phone, 'I', &party.channel, &party.number);
                ringing.push(ring);
            }
        }
        self.wait();
        if ringing.is_empty() {
            return self.hang_up_party(party);
        }
        match self.chance.below(9) {
            0 => self.nobody_answers(party, ringing, depth),
            1 if way == Way::Dialplan => self.picked_up(party, ringing, depth),
            2 if way == Way::Dialplan && ringing.len() == 1 => self.forwarded(party, &ringing[0], depth),
            _ => self.one_answers(party, ringing, way, depth),
        }
    }

    fn dialled(&mut self, party: &Side, way: Way) -> Ring {
        let phone = self.phone();
        let who = format!("create {} out {}@{}", phone.channel, phone.number, self.account);
        let party = &party.channel;
        let mut loopback = None;
        match way {
            Way::Dialplan => self.say(format!("{who} {party}")),
            Way::Enterprise => {
                self.say(format!("{who} ? ent_originate_aleg_uuid={party} originating_leg_uuid={party}"));
            }
            Way::Queue => self.say(format!("{who} ? cc_member_session_uuid={party}")),
            Way::Fifo => self.say(format!("{who} ? fifo_bridge_uuid={party}")),
            Way::Loopback => {
                let [one, two] = [self.id("l"), self.id("m")];
                let halves = vec![
                    format!("create {one} out loopback:{two}:{} {party}", phone.number),
                    format!("create {two} in loopback:{one}:{} {}", phone.number, phone.number),
                ];
                self.say_in_any_order(halves);
                self.say(format!("{who} {two}"));
                loopback = Some([one, two]);
            }
        }
        Ring { phone, loopback }
    }

    fn drop_loopback(&mut self, loopback: Option<&[String; 2]>) {
        for half in loopback.into_iter().flatten() {
            self.say(format!("hangup {half} NORMAL_CLEARING"));
        }
    }

    fn nobody_answers(&mut self, party: &Side, ringing: Vec<Ring>, depth: usize) {
        if self.chance.one_in(2) {
            self.over(party);
            let mut ends = vec![format!("hangup {} ORIGINATOR_CANCEL", party.channel)];
            ends.extend(
                ringing.iter().map(|ring| format!("hangup {} ORIGINATOR_CANCEL", ring.phone.channel)),
            );
            self.say_in_any_order(ends);
            ringing.iter().for_each(|ring| self.drop_loopback(ring.loopback.as_ref()));
            return;
        }
        for ring in ringing {
            self.say(format!("hangup {} NO_ANSWER", ring.phone.channel));
            self.drop_loopback(ring.loopback.as_ref());
        }
        self.wait();
        if depth < MAX_DEPTH && self.chance.one_in(2) {
            return self.ring_round(party, depth + 1);
        }
        self.hang_up_party(party);
    }

    fn hang_up_party(&mut self, party: &Side) {
        self.over(party);
        self.say(format!("hangup {} NORMAL_CLEARING", party.channel));
    }

    fn picked_up(&mut self, party: &Side, ringing: Vec<Ring>, depth: usize) {
        let picker = self.phone();
        let by_group = self.chance.one_in(2);
        self.places(&picker, if by_group { "*8" } else { "**1" });
        self.say(format!("media {}", picker.channel));
        self.say(format!("answer {}", picker.channel));
        self.tick();
        let (cause, channels) = if by_group {
            let pseudo = self.id("p");
            self.say(format!(
                "answer {pseudo} channel_swap_uuid={} originator={}",
                picker.channel, party.channel
            ));
            ("LOSE_RACE", vec![format!("hangup {pseudo} PICKED_OFF")])
        } else {
            self.say(format!("history {} uuid_br:{}", party.channel, picker.channel));
            self.say(format!("history {} uuid_br:{}", picker.channel, party.channel));
            ("PICKED_OFF", Vec::new())
        };
        let rung = ringing.iter().map(|ring| format!("hangup {} {cause}", ring.phone.channel));
        let lines = channels.into_iter().chain(rung).collect();
        self.say_in_any_order(lines);
        let answers = self.answers(party);
        self.say_in_any_order(answers);
        self.begin(&picker, 'I', &party.channel, &party.number);
        let talk = self.bridged(picker.clone(), party.clone(), None);
        self.now_answers(&picker, party, self.now);
        self.talk(talk, depth);
    }

    /// The phone sends the call on.
    fn forwarded(&mut self, party: &Side, ring: &Ring, depth: usize) {
        let next = self.phone();
        let to = next.number.clone();
        self.transferred(&ring.phone, party, &to);
        self.say(format!(
            "hangup {} REDIRECTION_TO_NEW_DESTINATION sip_redirect_contact_user_0={to}",
            ring.phone.channel
        ));
        self.tick();
        self.say(format!("create {} out {to}@{} {}", next.channel, self.account, party.channel));
        self.tick();
        self.say(format!("progress {}", next.channel));
        self.begin(&next, 'I', &party.channel, &party.number);
        self.wait();
        self.one_answers(party, vec![Ring { phone: next, loopback: None }], Way::Dialplan, depth + 1);
    }

    fn now_answers(&mut self, phone: &Side, party: &Side, at: u64) {
        let with = party.channel.clone();
        if let Some(told) = self.told(phone) {
            told.answered_with = Some(with);
        }
        self.answered_at.insert(phone.channel.clone(), at);
        let party_dials = self.told(party).is_some_and(|told| told.begun == 'O');
        if party_dials && !self.answered_at.contains_key(&party.channel) {
            self.answered_at.insert(party.channel.clone(), at);
        }
        if let Some(mark) = self.mark.clone().filter(|mark| party.phone && mark.0 == party.channel)
            && let Some(told) = self.told(party)
        {
            told.transfer = Some(mark);
        }
    }

    fn one_answers(&mut self, party: &Side, ringing: Vec<Ring>, way: Way, depth: usize) {
        let winner = self.chance.below(ringing.len());
        let ring = ringing[winner].clone();
        let lifted_at = self.now;
        self.say(format!("answer {}", ring.phone.channel));
        let others: Vec<&Ring> =
            ringing.iter().filter(|other| other.phone.channel != ring.phone.channel).collect();
        let confirms = way == Way::Dialplan && self.chance.one_in(6);
        if confirms {
            // A key is asked for first.
            self.now += 1_000 + TICK_MS * self.chance.below(100) as u64;
        } else if !others.is_empty() && self.chance.one_in(6) {
            self.say(format!("answer {}", others[0].phone.channel));
        }
        let answered_at = if confirms { self.now } else { lifted_at };
        let cause = if way == Way::Loopback { "ORIGINATOR_CANCEL" } else { "LOSE_RACE" };
        let mut lines: Vec<String> =
            others.iter().map(|other| format!("hangup {} {cause}", other.phone.channel)).collect();
        lines.extend(self.answers(party));
        if let Some(halves) = &ring.loopback {
            lines.extend(halves.iter().map(|half| format!("answer {half}")));
        }
        self.say_in_any_order(lines);
        for other in others {
            for half in other.loopback.iter().flatten() {
                self.say(format!("hangup {half} LOSE_RACE"));
            }
        }
        if way == Way::Queue {
            self.say(format!("history {} uuid_br:{}", party.channel, ring.phone.channel));
            self.say(format!("history {} uuid_br:{}", ring.phone.channel, party.channel));
        }
        let mut talk = self.bridged(ring.phone.clone(), party.clone(), ring.loopback);
        if way == Way::Fifo {
            // The member is the A side.
            talk.bridge.swap(0, 1);
            if let Some((_, line)) = self.story.says.last_mut() {
                *line = format!("bridge {} {}", talk.bridge[0], talk.bridge[1]);
            }
        }
        self.now_answers(&ring.phone, party, answered_at);
        self.talk(talk, depth);
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
            None if placed(&self.story, &phone) && !placed(&self.story, &party) => {
                [phone.channel.clone(), party.channel.clone()]
            }
            None => [party.channel.clone(), phone.channel.clone()],
        };
        if self.chance.one_in(4) {
            bridge.swap(0, 1);
        }
        self.say(format!("bridge {} {}", bridge[0], bridge[1]));
        Talk { phone, party, loopback, bridge }
    }

    fn unbridges(&self, talk: &Talk) -> String {
        format!("unbridge {} {}", talk.bridge[0], talk.bridge[1])
    }

    fn talk(&mut self, talk: Talk, depth: usize) {
        self.wait();
        if depth >= MAX_DEPTH || talk.loopback.is_some() {
            return self.hang_up(talk);
        }
        match self.chance.below(14) {
            0 => self.blind(talk, depth),
            // A party on the B side says nothing in that second: nobody can know.
            1 if talk.bridge[0] == talk.party.channel => self.blind_by_code(talk, depth),
            2 => self.attended(talk, depth),
            3 => self.attended_while_ringing(talk, depth),
            4 => self.consulted_by_code(talk, depth),
            5 => self.park(talk, depth),
            6 => self.rearranged(talk, depth),
            7 => self.taken_over(talk, depth),
            8 => self.room(&talk),
            _ => self.hang_up(talk),
        }
    }

    fn transferred(&mut self, by: &Side, party: &Side, to: &str) {
        let transfer = (party.channel.clone(), party.number.clone(), to.to_owned());
        self.over(by);
        for side in [by, party] {
            if let Some(told) = self.told(side) {
                told.transfer = Some(transfer.clone());
            }
        }
        self.mark = Some(transfer);
    }

    /// By the phone itself (SIP REFER): it says so, and the party too.
    fn sent_away(&mut self, talk: &Talk, to: &str) {
        self.transferred(&talk.phone, &talk.party, to);
        let (phone, party) = (&talk.phone.channel, &talk.party.channel);
        self.say(format!("history {party} bl_xfer:{to}/tenant/XML"));
        let lines = vec![
            format!(
                "hangup {phone} NORMAL_CLEARING transfer_disposition=recv_replace transfer_to=blind:{party} transfer_destination=blind:{to}"
            ),
            self.unbridges(talk),
        ];
        self.say_in_any_order(lines);
        self.tick();
    }

    fn blind(&mut self, talk: Talk, depth: usize) {
        let to = format!("{}", 600 + self.chance.below(9));
        self.sent_away(&talk, &to);
        self.ring_round(&talk.party, depth + 1);
    }

    /// By a code or a program: only the party knows.
    fn blind_by_code(&mut self, talk: Talk, depth: usize) {
        let to = format!("{}", 600 + self.chance.below(9));
        self.transferred(&talk.phone, &talk.party, &to);
        let lines = vec![format!("hangup {} NORMAL_CLEARING", talk.phone.channel), self.unbridges(&talk)];
        self.say(format!("history {} bl_xfer:{to}/tenant/XML", talk.party.channel));
        self.say_in_any_order(lines);
        self.tick();
        self.ring_round(&talk.party, depth + 1);
    }

    /// The phone dials a colleague on a second channel.
    fn consultation(&mut self, talk: &Talk) -> (Side, Side) {
        self.say(format!("hold {}", talk.phone.channel));
        self.wait();
        let second = Side { channel: self.id("s"), ..talk.phone.clone() };
        let target = self.phone();
        self.places(&second, &target.number);
        self.begin(&second, 'O', &target.number, &second.number);
        self.say(format!(
            "create {} out {}@{} {}",
            target.channel, target.number, self.account, second.channel
        ));
        self.tick();
        self.say(format!("progress {}", target.channel));
        let mark = self.mark.take();
        self.begin(&target, 'I', &second.channel, &second.number);
        self.mark = mark;
        self.wait();
        (second, target)
    }

    fn attended(&mut self, talk: Talk, depth: usize) {
        let (second, target) = self.consultation(&talk);
        let lifted_at = self.now;
        self.say(format!("answer {}", target.channel));
        self.say(format!("answer {}", second.channel));
        self.say(format!("bridge {} {}", second.channel, target.channel));
        if let Some(told) = self.told(&target) {
            told.answered_with = Some(second.channel.clone());
        }
        self.answered_at.insert(target.channel.clone(), lifted_at);
        self.answered_at.insert(second.channel.clone(), lifted_at);
        self.wait();
        self.transferred(&talk.phone, &talk.party, &target.number);
        self.over(&second);
        for side in [&second, &target] {
            let mark = self.mark.clone();
            if let Some(told) = self.told(side) {
                told.transfer = mark;
            }
        }
        let (first, party) = (&talk.phone.channel, &talk.party.channel);
        let (second, third) = (&second.channel, &target.channel);
        self.say(format!("set {second} transfer_disposition=replaced"));
        self.say(format!(
            "set {first} transfer_disposition=recv_replace transfer_to=att:{third} refer_uuid={second}"
        ));
        let parked = self.chance.one_in(2);
        if parked {
            self.say(format!("park {second}"));
        }
        self.say(format!("unbridge {second} {third}"));
        if !parked {
            self.say(format!("hangup {second} NORMAL_CLEARING"));
        }
        self.say(format!("unhold {first}"));
        self.say(format!("hangup {first} NORMAL_CLEARING"));
        self.say(format!("history {party} uuid_br:{third}"));
        let unbridges = self.unbridges(&talk);
        self.say(unbridges);
        self.say(format!("history {third} uuid_br:{party}"));
        self.tick();
        let joined = self.bridged(target.clone(), talk.party, None);
        if parked {
            self.now += 700;
            self.say(format!("hangup {second} NORMAL_CLEARING"));
        }
        self.talk(joined, depth + 1);
    }

    fn attended_while_ringing(&mut self, talk: Talk, depth: usize) {
        let (second, target) = self.consultation(&talk);
        self.transferred(&talk.phone, &talk.party, &target.number);
        for side in [&second, &target] {
            let mark = self.mark.clone();
            if let Some(told) = self.told(side) {
                told.transfer = mark;
            }
        }
        let (first, party) = (&talk.phone.channel, &talk.party.channel);
        let second = &second.channel;
        self.say(format!("set {first} transfer_disposition=recv_replace refer_uuid={second}"));
        let seconds =
            format!("hangup {second} NORMAL_CLEARING transfer_disposition=replaced transfer_to=satt:{party}");
        if self.chance.one_in(2) {
            self.say(seconds);
            self.say(format!("unhold {first}"));
        } else {
            self.say(format!("unhold {first}"));
            self.say(seconds);
        }
        self.say(format!("hangup {first} NORMAL_CLEARING"));
        self.say(format!("history {party} bl_xfer:m:loop/tenant/inline"));
        let unbridges = self.unbridges(&talk);
        self.say(unbridges);
        self.wait();
        let lifted_at = self.now;
        self.say(format!("answer {}", target.channel));
        self.tick();
        self.say(format!("history {party} uuid_br:{}", target.channel));
        self.say(format!("history {} uuid_br:{party}", target.channel));
        let joined = self.bridged(target.clone(), talk.party.clone(), None);
        self.now_answers(&target, &talk.party, lifted_at);
        self.talk(joined, depth + 1);
    }

    /// Consulted by a feature code: the phone has one channel. It joins them, or the colleague hangs up first.
    fn consulted_by_code(&mut self, talk: Talk, depth: usize) {
        let target = self.phone();
        let (phone, party, third) = (&talk.phone.channel, &talk.party.channel, &target.channel);
        self.say(format!("create {third} out {}@{} {phone}", target.number, self.account));
        self.tick();
        self.say(format!("progress {third}"));
        let mark = self.mark.take();
        self.begin(&target, 'I', phone, &talk.phone.number);
        self.mark = mark;
        self.wait();
        let lifted_at = self.now;
        self.say(format!("answer {third}"));
        self.tick();
        self.say(format!("bridge {phone} {third}"));
        if let Some(told) = self.told(&target) {
            told.answered_with = Some(phone.clone());
        }
        self.answered_at.insert(third.clone(), lifted_at);
        self.wait();
        if self.chance.one_in(2) {
            self.over(&target);
            let lines = vec![format!("hangup {third} NORMAL_CLEARING"), format!("unbridge {phone} {third}")];
            self.say_in_any_order(lines);
            self.tick();
            self.say(format!("history {party} uuid_br:{phone}"));
            self.say(format!("bridge {party} {phone}"));
            let bridge = [party.clone(), phone.clone()];
            return self.talk(Talk { bridge, ..talk.clone() }, depth + 1);
        }
        self.transferred(&talk.phone, &talk.party, &target.number);
        let mark = self.mark.clone();
        if let Some(told) = self.told(&target) {
            told.transfer = mark;
        }
        self.say(format!("hangup {phone} NORMAL_CLEARING"));
        self.say(format!("park {third}"));
        self.say(format!("unbridge {phone} {third}"));
        self.say(format!("history {party} uuid_br:{third}"));
        let unbridges = self.unbridges(&talk);
        self.say(unbridges);
        self.say(format!("history {third} uuid_br:{party}"));
        self.tick();
        self.say(format!("bridge {third} {party}"));
        let bridge = [third.clone(), party.clone()];
        let joined = Talk { phone: target.clone(), party: talk.party.clone(), loopback: None, bridge };
        self.talk(joined, depth + 1);
    }

    /// Parks the party; a colleague fetches it by feature code or number, or it gives up.
    fn park(&mut self, talk: Talk, depth: usize) {
        self.sent_away(&talk, "701");
        self.say(format!("custom valet_parking::info {} Action=hold", talk.party.channel));
        self.mark = None;
        self.wait();
        if self.chance.one_in(4) {
            return self.hang_up_party(&talk.party);
        }
        let fetcher = self.phone();
        let by_code = self.chance.one_in(2);
        let number = if by_code { "*7701" } else { "701" };
        self.places(&fetcher, number);
        self.say(format!("media {}", fetcher.channel));
        self.say(format!("answer {}", fetcher.channel));
        self.up.push(fetcher.channel.clone());
        self.say(format!("history {} uuid_br:{}", talk.party.channel, fetcher.channel));
        self.say(format!("history {} uuid_br:{}", fetcher.channel, talk.party.channel));
        self.tick();
        if by_code {
            self.begin(&fetcher, 'I', &talk.party.channel, &talk.party.number);
            self.now_answers(&fetcher, &talk.party, self.now);
        } else {
            self.begin(&fetcher, 'O', number, &fetcher.number);
            self.answered_at.insert(fetcher.channel.clone(), self.now);
        }
        self.say(format!("bridge {} {}", talk.party.channel, fetcher.channel));
        let bridge = [talk.party.channel.clone(), fetcher.channel.clone()];
        self.talk(Talk { phone: fetcher, bridge, ..talk }, depth + 1);
    }

    /// The media are arranged anew: no event of anybody.
    fn rearranged(&mut self, talk: Talk, depth: usize) {
        let [one, two] = talk.bridge.clone();
        let lines = if self.chance.one_in(2) {
            vec![format!("unbridge {one}"), format!("unbridge {two}")]
        } else {
            vec![self.unbridges(&talk)]
        };
        self.say_in_any_order(lines);
        self.tick();
        self.say(format!("bridge {one} {two}"));
        self.talk(talk, depth + 1);
    }

    /// A colleague takes the party out of the talk by a code.
    fn taken_over(&mut self, talk: Talk, depth: usize) {
        let taker = self.phone();
        self.places(&taker, "*77");
        self.say(format!("media {}", taker.channel));
        self.say(format!("answer {}", taker.channel));
        self.tick();
        self.over(&talk.phone);
        let (party, by) = (talk.party.channel.clone(), taker.channel.clone());
        self.say(format!("history {party} uuid_br:{by}"));
        self.say(format!("history {by} uuid_br:{party}"));
        let lines = vec![self.unbridges(&talk), format!("hangup {} PICKED_OFF", talk.phone.channel)];
        self.say_in_any_order(lines);
        self.tick();
        self.mark = None;
        self.begin(&taker, 'I', &party, &talk.party.number);
        self.now_answers(&taker, &talk.party, self.now);
        self.say(format!("bridge {party} {by}"));
        self.talk(Talk { phone: taker, bridge: [party, by], ..talk }, depth + 1);
    }

    /// A program moves both into a conference: nobody was transferred.
    fn room(&mut self, talk: &Talk) {
        let sides = [talk.party.clone(), talk.phone.clone()];
        for side in &sides {
            self.say(format!("history {} bl_xfer:800/tenant/XML", side.channel));
        }
        let unbridges = self.unbridges(talk);
        self.say(unbridges);
        let join = |side: &Side| {
            format!(
                "custom conference::maintenance {} Action=add-member Conference-Unique-ID=room",
                side.channel
            )
        };
        self.say_in_any_order(sides.iter().map(join).collect());
        self.now += 2_000;
        for side in &sides {
            self.wait();
            self.over(side);
            self.say(format!("hangup {} NORMAL_CLEARING", side.channel));
        }
    }

    fn hang_up(&mut self, talk: Talk) {
        self.wait();
        self.over(&talk.phone);
        self.over(&talk.party);
        let mut lines = vec![
            format!("hangup {} NORMAL_CLEARING", talk.phone.channel),
            format!("hangup {} NORMAL_CLEARING", talk.party.channel),
        ];
        if !self.chance.one_in(8) {
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
