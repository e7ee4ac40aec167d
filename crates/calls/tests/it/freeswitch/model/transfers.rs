//! A phone sends its party on, or has it meet a colleague.

use super::{Talk, Teller};
use crate::known::{Side, Tells};

impl Teller {
    /// By the phone itself (SIP REFER): it says so, and the party too.
    pub(super) fn sent_away(&mut self, talk: &Talk, to: &str) {
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

    pub(super) fn blind(&mut self, talk: Talk, depth: usize) {
        let to = format!("{}", 600 + self.known.chance.below(9));
        self.sent_away(&talk, &to);
        self.ring_round(&talk.party, depth + 1);
    }

    /// By a code or a program: only the party knows.
    pub(super) fn blind_by_code(&mut self, talk: Talk, depth: usize) {
        let to = format!("{}", 600 + self.known.chance.below(9));
        self.transferred(&talk.phone, &talk.party, &to);
        let lines = vec![format!("hangup {} NORMAL_CLEARING", talk.phone.channel), self.unbridges(&talk)];
        self.say(format!("history {} bl_xfer:{to}/tenant/XML", talk.party.channel));
        self.say_in_any_order(lines);
        self.tick();
        self.ring_round(&talk.party, depth + 1);
    }

    /// The phone dials a colleague on a second channel.
    pub(super) fn consultation(&mut self, talk: &Talk) -> (Side, Side) {
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
        let mark = self.known.mark.take();
        self.begin(&target, 'I', &second.channel, &second.number);
        self.known.mark = mark;
        self.wait();
        (second, target)
    }

    pub(super) fn attended(&mut self, talk: Talk, depth: usize) {
        let (second, target) = self.consultation(&talk);
        let lifted_at = self.known.now;
        self.say(format!("answer {}", target.channel));
        self.say(format!("answer {}", second.channel));
        self.say(format!("bridge {} {}", second.channel, target.channel));
        if let Some(told) = self.told(&target) {
            told.answered_with = Some(second.channel.clone());
        }
        self.known.answered_at.insert(target.channel.clone(), lifted_at);
        self.known.answered_at.insert(second.channel.clone(), lifted_at);
        self.wait();
        self.transferred(&talk.phone, &talk.party, &target.number);
        self.over(&second);
        self.part_of_transfer(&[&second, &target]);
        let (first, party) = (&talk.phone.channel, &talk.party.channel);
        let (second, third) = (&second.channel, &target.channel);
        self.say(format!("set {second} transfer_disposition=replaced"));
        self.say(format!(
            "set {first} transfer_disposition=recv_replace transfer_to=att:{third} refer_uuid={second}"
        ));
        let parked = self.known.chance.one_in(2);
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
            self.known.now += 700;
            self.say(format!("hangup {second} NORMAL_CLEARING"));
        }
        self.talk(joined, depth + 1);
    }

    /// The second call is with a queue and nobody else: the party takes its place there.
    pub(super) fn attended_into_queue(&mut self, talk: Talk, depth: usize) {
        self.say(format!("hold {}", talk.phone.channel));
        self.wait();
        let second = Side { channel: self.id("s"), ..talk.phone.clone() };
        self.places(&second, "200");
        self.say(format!("media {}", second.channel));
        self.begin(&second, 'O', "200", &second.number);
        self.say(format!("answer {}", second.channel));
        self.wait();
        self.transferred(&talk.phone, &talk.party, "200");
        self.over(&second);
        self.part_of_transfer(&[&second]);
        let (first, second, party) = (&talk.phone.channel, &second.channel, &talk.party.channel);
        self.say(format!("hangup {second} ATTENDED_TRANSFER transfer_disposition=replaced"));
        self.say(format!("unhold {first} transfer_disposition=recv_replace refer_uuid={second}"));
        self.say(format!("history {party} bl_xfer:200/tenant/XML"));
        let lines = vec![format!("hangup {first} NORMAL_CLEARING"), self.unbridges(&talk)];
        self.say_in_any_order(lines);
        self.tick();
        self.ring_round(&talk.party, depth + 1);
    }

    pub(super) fn attended_while_ringing(&mut self, talk: Talk, depth: usize) {
        let (second, target) = self.consultation(&talk);
        self.transferred(&talk.phone, &talk.party, &target.number);
        self.part_of_transfer(&[&second, &target]);
        let (first, party) = (&talk.phone.channel, &talk.party.channel);
        let second = &second.channel;
        self.say(format!("set {first} transfer_disposition=recv_replace refer_uuid={second}"));
        let seconds =
            format!("hangup {second} NORMAL_CLEARING transfer_disposition=replaced transfer_to=satt:{party}");
        if self.known.chance.one_in(2) {
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
        let lifted_at = self.known.now;
        self.say(format!("answer {}", target.channel));
        self.tick();
        self.say(format!("history {party} uuid_br:{}", target.channel));
        self.say(format!("history {} uuid_br:{party}", target.channel));
        let joined = self.bridged(target.clone(), talk.party.clone(), None);
        self.answers_at(&target, &talk.party, lifted_at);
        self.talk(joined, depth + 1);
    }

    /// The phone consults a colleague by a feature code, over its one channel.
    pub(super) fn consults_by_code(&mut self, talk: &Talk) -> Side {
        let target = self.phone();
        let (phone, third) = (&talk.phone.channel, &target.channel);
        self.say(format!("create {third} out {}@{} {phone}", target.number, self.account));
        self.tick();
        self.say(format!("progress {third}"));
        let mark = self.known.mark.take();
        self.begin(&target, 'I', phone, &talk.phone.number);
        self.known.mark = mark;
        self.wait();
        let lifted_at = self.known.now;
        self.say(format!("answer {third}"));
        self.tick();
        self.say(format!("bridge {phone} {third}"));
        if let Some(told) = self.told(&target) {
            told.answered_with = Some(phone.clone());
        }
        self.known.answered_at.insert(third.clone(), lifted_at);
        self.wait();
        target
    }

    /// Consulted by a feature code: the phone joins the two, or the colleague hangs up first.
    pub(super) fn consulted_by_code(&mut self, talk: Talk, depth: usize) {
        let target = self.consults_by_code(&talk);
        let (phone, party, third) = (&talk.phone.channel, &talk.party.channel, &target.channel);
        if self.known.chance.one_in(2) {
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
        self.part_of_transfer(&[&target]);
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
}
