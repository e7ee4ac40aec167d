//! Two talk: what becomes of it.

use super::{MAX_DEPTH, Talk, Teller};
use crate::known::{Side, Tells};

impl Teller {
    pub(super) fn talk(&mut self, talk: Talk, depth: usize) {
        self.wait();
        if depth >= MAX_DEPTH || talk.loopback.is_some() {
            return self.hang_up(talk);
        }
        match self.known.chance.below(17) {
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
            9 => self.three_way(talk, depth),
            10 => self.attended_into_queue(talk, depth),
            _ => self.hang_up(talk),
        }
    }

    /// Parks the party; a colleague fetches it by feature code or number, or it gives up.
    pub(super) fn park(&mut self, talk: Talk, depth: usize) {
        self.sent_away(&talk, "701");
        self.say(format!("custom valet_parking::info {} Action=hold", talk.party.channel));
        self.known.mark = None;
        self.wait();
        if self.known.chance.one_in(4) {
            return self.hang_up_party(&talk.party);
        }
        let fetcher = self.phone();
        let by_code = self.known.chance.one_in(2);
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
            self.answers_at(&fetcher, &talk.party, self.known.now);
        } else {
            self.begin(&fetcher, 'O', number, &fetcher.number);
            self.known.answered_at.insert(fetcher.channel.clone(), self.known.now);
        }
        self.say(format!("bridge {} {}", talk.party.channel, fetcher.channel));
        let bridge = [talk.party.channel.clone(), fetcher.channel.clone()];
        self.talk(Talk { phone: fetcher, bridge, ..talk }, depth + 1);
    }

    /// The media are arranged anew: no event of anybody.
    pub(super) fn rearranged(&mut self, talk: Talk, depth: usize) {
        let [one, two] = talk.bridge.clone();
        let lines = if self.known.chance.one_in(2) {
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
    pub(super) fn taken_over(&mut self, talk: Talk, depth: usize) {
        let taker = self.phone();
        if self.known.chance.one_in(2) {
            self.asks_by_lamp_key(&taker, &talk.party);
        } else {
            self.places(&taker, "*77");
        }
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
        self.known.mark = None;
        self.begin(&taker, 'I', &party, &talk.party.number);
        self.answers_at(&taker, &talk.party, self.known.now);
        self.say(format!("bridge {party} {by}"));
        self.talk(Talk { phone: taker, bridge: [party, by], ..talk }, depth + 1);
    }

    /// Three at once, by a feature code. Whether a phone that leaves the other two has transferred nobody can know.
    pub(super) fn three_way(&mut self, talk: Talk, depth: usize) {
        let target = self.consults_by_code(&talk);
        let (phone, party, third) = (&talk.phone.channel, &talk.party.channel, &target.channel);
        self.say(format!("unbridge {phone} {third}"));
        self.say(format!("history {party} uuid_br:{phone}"));
        let unbridges = self.unbridges(&talk);
        self.say(unbridges);
        self.say(format!("history {phone} uuid_br:{party}"));
        self.tick();
        self.say(format!("bridge {phone} {party}"));
        self.wait();
        let bridge = [phone.clone(), party.clone()];
        let was_transferred = [&talk.phone, &talk.party]
            .into_iter()
            .any(|side| self.told(side).is_some_and(|told| told.transfer.is_some()));
        match self.known.chance.below(3) {
            0 => {
                [&talk.phone, &talk.party, &target].into_iter().for_each(|side| self.over(side));
                let ends = [party, phone, third].map(|side| format!("hangup {side} NORMAL_CLEARING"));
                let unbridges = format!("unbridge {phone} {party}");
                self.say_in_any_order(ends.into_iter().chain([unbridges]).collect());
            }
            1 if !was_transferred => {
                self.transferred(&talk.phone, &talk.party, &target.number);
                self.part_of_transfer(&[&target]);
                for side in [&talk.phone, &talk.party, &target] {
                    if let Some(told) = self.told(side) {
                        told.may_be_either = true;
                    }
                }
                self.say(format!("hangup {phone} NORMAL_CLEARING"));
                self.say(format!("unbridge {phone} {party}"));
                self.say(format!("history {third} uuid_br:{party}"));
                self.tick();
                self.say(format!("bridge {third} {party}"));
                self.say(format!("history {party} uuid_br:{third}"));
                let bridge = [third.clone(), party.clone()];
                self.hang_up(Talk { phone: target, bridge, ..talk });
            }
            _ => {
                self.over(&target);
                self.say(format!("hangup {third} NORMAL_CLEARING"));
                self.talk(Talk { bridge, ..talk }, depth + 1);
            }
        }
    }

    /// A program moves both into a conference: nobody was transferred.
    pub(super) fn room(&mut self, talk: &Talk) {
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
        self.known.now += 2_000;
        for side in &sides {
            self.wait();
            self.over(side);
            self.say(format!("hangup {} NORMAL_CLEARING", side.channel));
        }
    }
}
