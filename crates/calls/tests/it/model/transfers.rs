//! Talks that are sent on: blind, attended, while it rings, parked.

use super::{Talk, Teller};
use crate::known::{Side, Tells};

impl Teller {
    pub(super) fn blind(&mut self, talk: Talk, depth: usize) {
        let to = format!("{}", 600 + self.known.chance.below(9));
        self.transferred(&talk.phone, &talk.party, &to);
        let transfer = format!("{} transfers {} to {to}", talk.phone.channel, talk.facing);
        let leaves = format!("{} leaves {}", talk.facing, talk.bridge);
        let swap = self.known.chance.one_in(2);
        self.say(if swap { leaves.clone() } else { transfer.clone() });
        self.say(if swap { transfer } else { leaves });
        self.say(format!("{} leaves {}", talk.phone.channel, talk.bridge));
        self.say(format!("{} gone", talk.phone.channel));
        self.ring_round(&talk.party, &talk.facing, depth + 1);
        self.drop_helpers(&talk.helpers);
    }

    /// The phone dials a colleague on a second channel, who answers; then joins the two.
    pub(super) fn attended(&mut self, talk: Talk, depth: usize) {
        let (second, target) = self.consultation(&talk.phone);
        self.wait();
        self.say(format!("{} up", target.channel));
        self.say(format!("{} ends dialling {} answered", second.channel, target.channel));
        if let Some(told) = self.told(&target) {
            told.answered_with = Some(second.channel.clone());
        }
        self.known.answered_at.insert(target.channel.clone(), self.known.now);
        self.known.answered_at.insert(second.channel.clone(), self.known.now);
        let consultation = self.connect(target.clone(), second.clone(), second.channel.clone());
        self.wait();
        self.transferred(&talk.phone, &talk.party, &target.number);
        self.over(&second);
        self.part_of_transfer(&[&second, &target]);
        self.say(format!("{} leaves {}", talk.facing, talk.bridge));
        self.say(format!("{} leaves {}", second.channel, consultation.bridge));
        self.say(format!("{} joins {}", talk.facing, consultation.bridge));
        let (party, with) = if self.is_old && talk.helpers.is_empty() {
            ("?".to_owned(), "?".to_owned())
        } else {
            (talk.facing.clone(), target.channel.clone())
        };
        self.say(format!("{} and {} connect {party} with {with}", talk.phone.channel, second.channel));
        self.say(format!("{} gone", talk.phone.channel));
        self.say(format!("{} gone", second.channel));
        let joined = Talk { phone: target, bridge: consultation.bridge, ..talk };
        self.talk(joined, depth + 1);
    }

    pub(super) fn consultation(&mut self, phone: &Side) -> (Side, Side) {
        let second = Side { channel: format!("{}{}", phone.number, self.id()), ..phone.clone() };
        let target = self.phone();
        self.places(&second, &target.number);
        self.begin(&second, 'O', &target.number, &second.number);
        self.say(format!("{} is called", target.channel));
        self.say(format!("{} dials {}", second.channel, target.channel));
        self.say(format!("{} rings", target.channel));
        let mark = self.known.mark.take();
        self.begin(&target, 'I', &second.channel, &second.number);
        self.known.mark = mark;
        (second, target)
    }

    pub(super) fn attended_while_ringing(&mut self, talk: Talk) {
        let (second, target) = self.consultation(&talk.phone);
        self.wait();
        self.transferred(&talk.phone, &talk.party, &target.number);
        self.part_of_transfer(&[&second, &target]);
        self.say(format!("{} and {} connect {} with ?", talk.phone.channel, second.channel, talk.facing));
        self.say(format!("{} leaves {}", talk.facing, talk.bridge));
        self.say(format!("{} gone", talk.phone.channel));
        if self.is_old {
            self.say(format!("{} ends dialling {} noanswer", second.channel, target.channel));
            self.say(format!("{} dials {}", talk.facing, target.channel));
        }
        self.say(format!("{} gone", second.channel));
        self.wait();
        self.say(format!("{} up", target.channel));
        self.answers_at(&target, &talk.party, self.known.now);
        self.say(format!("{} ends dialling {} answered", talk.facing, target.channel));
        let mut joined = self.connect(target, talk.party.clone(), talk.facing.clone());
        joined.helpers = talk.helpers;
        self.hang_up(joined);
    }

    /// Parks the party; a colleague fetches it by feature code or number.
    pub(super) fn park(&mut self, talk: Talk, depth: usize) {
        self.transferred(&talk.phone, &talk.party, "700");
        let lines = [
            format!("{} transfers {} to 700", talk.phone.channel, talk.facing),
            format!("{} is parked at 701", talk.facing),
        ];
        let first = self.known.chance.below(2);
        self.say(lines[first].clone());
        self.say(lines[1 - first].clone());
        self.say(format!("{} leaves {}", talk.facing, talk.bridge));
        self.wait();
        self.say(format!("{} gone", talk.phone.channel));
        let fetcher = self.phone();
        let by_code = self.known.chance.one_in(2);
        let number = if by_code { "*7701" } else { "701" };
        self.places(&fetcher, number);
        self.say(format!("{} retrieves {}", fetcher.channel, talk.facing));
        self.known.mark = None;
        if by_code {
            self.begin(&fetcher, 'I', &talk.party.channel, &talk.party.number);
            self.answers_at(&fetcher, &talk.party, self.known.now);
        } else {
            self.begin(&fetcher, 'O', number, &fetcher.number);
            self.known.answered_at.insert(fetcher.channel.clone(), self.known.now);
        }
        let mut joined = self.connect(fetcher, talk.party.clone(), talk.facing.clone());
        joined.helpers = talk.helpers;
        self.talk(joined, depth + 1);
    }
}
