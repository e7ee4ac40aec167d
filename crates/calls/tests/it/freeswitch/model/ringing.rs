//! A party rings phones, in each of FreeSWITCH's ways.

use super::{MAX_DEPTH, TICK_MS, Teller};
use crate::known::{Side, Tells};

/// Who rings for a party: a phone, and the loopback in between, if there is one.
#[derive(Clone, Debug)]
struct Ring {
    phone: Side,
    loopback: Option<[String; 2]>,
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

impl Teller {
    /// The party rings one to three phones, in one of FreeSWITCH's ways.
    pub(super) fn ring_round(&mut self, party: &Side, depth: usize) {
        let ways = [Way::Dialplan, Way::Dialplan, Way::Enterprise, Way::Queue, Way::Fifo, Way::Loopback];
        let way = ways[self.known.chance.below(ways.len())];
        if matches!(way, Way::Queue | Way::Fifo) {
            let answers = self.answers(party);
            self.say_in_any_order(answers);
            self.wait();
        }
        let rings: Vec<Ring> =
            (0..1 + self.known.chance.below(3)).map(|_| self.dialled(party, way)).collect();
        self.tick();
        let mut ringing = Vec::new();
        for ring in rings {
            if self.known.chance.one_in(6) {
                self.say(format!("hangup {} USER_BUSY", ring.phone.channel));
                self.drop_loopback(ring.loopback.as_ref());
            } else {
                let rings = if self.known.chance.one_in(4) { "media" } else { "progress" };
                self.say(format!("{rings} {}", ring.phone.channel));
                self.begin(&ring.phone, 'I', &party.channel, &party.number);
                ringing.push(ring);
            }
        }
        self.wait();
        if ringing.is_empty() {
            return self.hang_up_party(party);
        }
        match self.known.chance.below(9) {
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
        if self.known.chance.one_in(2) {
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
        if depth < MAX_DEPTH && self.known.chance.one_in(2) {
            return self.ring_round(party, depth + 1);
        }
        self.hang_up_party(party);
    }

    fn picked_up(&mut self, party: &Side, ringing: Vec<Ring>, depth: usize) {
        let picker = self.phone();
        let by_group = self.known.chance.one_in(2);
        if !by_group && self.known.chance.one_in(2) {
            self.asks_by_lamp_key(&picker, party);
        } else {
            self.places(&picker, if by_group { "*8" } else { "**1" });
        }
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
        self.answers_at(&picker, party, self.known.now);
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

    fn one_answers(&mut self, party: &Side, ringing: Vec<Ring>, way: Way, depth: usize) {
        let winner = self.known.chance.below(ringing.len());
        let ring = ringing[winner].clone();
        let lifted_at = self.known.now;
        self.say(format!("answer {}", ring.phone.channel));
        let others: Vec<&Ring> =
            ringing.iter().filter(|other| other.phone.channel != ring.phone.channel).collect();
        let confirms = way == Way::Dialplan && self.known.chance.one_in(6);
        if confirms {
            // A key is asked for first.
            self.known.now += 1_000 + TICK_MS * self.known.chance.below(100) as u64;
        } else if !others.is_empty() && self.known.chance.one_in(6) {
            self.say(format!("answer {}", others[0].phone.channel));
        }
        let answered_at = if confirms { self.known.now } else { lifted_at };
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
            if let Some((_, line)) = self.known.story.says.last_mut() {
                *line = format!("bridge {} {}", talk.bridge[0], talk.bridge[1]);
            }
        }
        self.answers_at(&ring.phone, party, answered_at);
        self.talk(talk, depth);
    }
}
