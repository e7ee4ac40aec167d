//! Random calls of random shapes, with an oracle of their own: whoever makes the call up knows what each
//! phone must tell. The call is written in the scenario language, so that a failure can be read.

mod transfers;

pub(crate) use crate::known::{Chance, Story, Told};
use crate::known::{Known, Side, Tells};

/// Two sides talking: the called phone, and the party it talks to.
#[derive(Clone, Debug)]
struct Talk {
    phone: Side,
    party: Side,
    /// The channel the PBX says the phone is connected with: the party, or a helper in between.
    facing: String,
    bridge: String,
    helpers: Vec<String>,
}

pub(crate) struct Teller {
    known: Known,
    ids: usize,
    prefix: String,
    /// Plays an older PBX: placed channels begin like called ones, attempts are handed over by ending them, and
    /// an attended transfer names only the channels of the phone that transfers.
    is_old: bool,
}

/// Makes up one call, beginning at `start` milliseconds; `prefix` keeps its channels apart from others'.
pub(crate) fn tell(chance: Chance, start: u64, prefix: usize) -> Story {
    let mut chance = chance;
    let mut teller = Teller {
        is_old: chance.one_in(2),
        known: Known::new(chance, start),
        ids: 0,
        prefix: letters(prefix),
    };
    teller.call();
    teller.known.story
}

fn letters(mut number: usize) -> String {
    let mut text = String::new();
    loop {
        text.push(char::from(b'a' + (number % 26) as u8));
        number /= 26;
        if number == 0 {
            return text;
        }
    }
}

impl Tells for Teller {
    fn known(&mut self) -> &mut Known {
        &mut self.known
    }
}

impl Teller {
    fn wait(&mut self) {
        self.known.now += 200 + self.known.chance.below(4_000) as u64;
    }

    fn id(&mut self) -> String {
        self.ids += 1;
        format!("{}{}", self.prefix, letters(self.ids))
    }

    fn phone(&mut self) -> Side {
        let number = format!("{}", 101 + self.known.chance.below(5));
        let channel = format!("{number}{}", self.id());
        Side { channel, number, phone: true }
    }

    fn trunk(&mut self) -> Side {
        let number = format!("+45{}", 10_000_000 + self.known.chance.below(80_000_000));
        Side { channel: format!("t{}", self.id()), number, phone: false }
    }

    /// A channel places a call; in older ones that is seen only by its second word.
    fn places(&mut self, side: &Side, number: &str) {
        let Side { channel, number: own, .. } = side;
        if self.is_old {
            self.say(format!("{channel} is called"));
            self.say(format!("{channel} is now {own}"));
            self.say(format!("{channel} is calling {number}"));
        } else {
            self.say(format!("{channel} places {number} as {own}"));
        }
    }

    fn call(&mut self) {
        match self.known.chance.below(4) {
            0 => self.employee_call(),
            1 => self.by_order(),
            _ => self.outside_call(),
        }
    }

    fn outside_call(&mut self) {
        let caller = self.trunk();
        self.places(&caller, "+4530");
        self.ring_round(&caller, &caller.channel.clone(), 0);
    }

    fn employee_call(&mut self) {
        let caller = self.phone();
        if self.known.chance.one_in(3) {
            return self.outgoing_call(&caller);
        }
        self.places(&caller, "600");
        self.begin(&caller, 'O', "600", &caller.number);
        self.ring_round(&caller, &caller.channel.clone(), 0);
    }

    fn outgoing_call(&mut self, caller: &Side) {
        let called = self.trunk();
        self.places(caller, &called.number);
        self.begin(caller, 'O', &called.number, &caller.number);
        self.say(format!("{} is called", called.channel));
        self.say(format!("{} is now {}", called.channel, called.number));
        self.say(format!("{} dials {}", caller.channel, called.channel));
        self.wait();
        if self.known.chance.one_in(3) {
            self.say(format!("{} ends dialling {} busy", caller.channel, called.channel));
            self.say(format!("{} gone busy", called.channel));
            self.say(format!("{} gone", caller.channel));
            return;
        }
        self.say(format!("{} up", called.channel));
        self.say(format!("{} ends dialling {} answered", caller.channel, called.channel));
        self.known.answered_at.insert(caller.channel.clone(), self.known.now);
        let talk = self.connect(caller.clone(), called.clone(), called.channel.clone());
        self.talk(talk, 0);
    }

    /// Click-to-call: the phone rings for nobody.
    fn by_order(&mut self) {
        let phone = self.phone();
        self.say(format!("{} is called", phone.channel));
        self.say(format!("nobody dials {}", phone.channel));
        self.say(format!("{} rings", phone.channel));
        self.wait();
        if self.known.chance.one_in(3) {
            self.say(format!("nobody ends dialling {} busy", phone.channel));
            self.say(format!("{} gone busy", phone.channel));
            return;
        }
        self.say(format!("{} up", phone.channel));
        let called = self.trunk();
        self.say(format!("{} is called", called.channel));
        self.say(format!("{} is now {}", called.channel, called.number));
        self.say(format!("{} dials {} for {}", phone.channel, called.channel, called.number));
        self.begin(&phone, 'O', &called.number, &phone.number);
        self.wait();
        self.say(format!("{} up", called.channel));
        self.say(format!("{} ends dialling {} answered", phone.channel, called.channel));
        self.known.answered_at.insert(phone.channel.clone(), self.known.now);
        let talk = self.connect(phone, called.clone(), called.channel);
        self.talk(talk, 0);
    }

    fn connect(&mut self, phone: Side, party: Side, facing: String) -> Talk {
        let bridge = format!("b{}", self.id());
        self.say(format!("{} joins {bridge}", phone.channel));
        self.say(format!("{facing} joins {bridge}"));
        Talk { phone, party, facing, bridge, helpers: Vec::new() }
    }

    /// The party's call rings one to three phones, perhaps over helpers; `dialler` is the channel that does
    /// it for the party.
    fn ring_round(&mut self, party: &Side, dialler: &str, depth: usize) {
        let phones: Vec<(Side, Vec<String>)> = (0..1 + self.known.chance.below(3))
            .map(|_| {
                let phone = self.phone();
                let pairs = (0..self.known.chance.below(3)).map(|_| format!("L{}", self.id())).collect();
                (phone, pairs)
            })
            .collect();
        let mut ringing = Vec::new();
        for (phone, pairs) in phones {
            let last = self.dial_over(dialler, &pairs);
            self.say(format!("{} is called", phone.channel));
            self.say(format!("{last} dials {}", phone.channel));
            if self.known.chance.one_in(6) {
                self.say(format!("{last} ends dialling {} busy", phone.channel));
                self.say(format!("{} gone busy", phone.channel));
                self.drop_helpers(&pairs);
            } else {
                self.say(format!("{} rings", phone.channel));
                self.begin(&phone, 'I', &party.channel, &party.number);
                ringing.push((phone, pairs, last));
            }
        }
        self.wait();
        if ringing.is_empty() {
            return self.hang_up_party(party);
        }
        match self.known.chance.below(8) {
            0 => self.nobody_answers(party, dialler, ringing, depth),
            1 => self.picked_up(party, ringing, depth),
            _ => self.one_answers(party, dialler, ringing, depth),
        }
    }

    fn dial_over(&mut self, dialler: &str, pairs: &[String]) -> String {
        let mut last = dialler.to_owned();
        for pair in pairs {
            self.say(format!("{pair};1 is called"));
            self.say(format!("{pair};2 places 600"));
            self.say(format!("{pair};1 pairs {pair};2"));
            self.say(format!("{last} dials {pair};1"));
            last = format!("{pair};2");
        }
        last
    }

    fn drop_helpers(&mut self, pairs: &[String]) {
        for pair in pairs {
            self.say(format!("{pair};1 gone"));
            self.say(format!("{pair};2 gone"));
        }
    }

    fn nobody_answers(
        &mut self,
        party: &Side,
        dialler: &str,
        ringing: Vec<(Side, Vec<String>, String)>,
        depth: usize,
    ) {
        for (phone, pairs, last) in ringing {
            self.say(format!("{last} ends dialling {} noanswer", phone.channel));
            self.say(format!("{last} ends dialling {} cancelled", phone.channel));
            self.say(format!("{} gone", phone.channel));
            self.drop_helpers(&pairs);
        }
        if depth < 3 && self.known.chance.one_in(2) {
            self.wait();
            return self.ring_round(party, dialler, depth + 1);
        }
        self.hang_up_party(party);
        if dialler != party.channel {
            self.say(format!("{dialler} gone"));
        }
    }

    fn picked_up(&mut self, party: &Side, ringing: Vec<(Side, Vec<String>, String)>, depth: usize) {
        let picker = self.phone();
        let victim = ringing[self.known.chance.below(ringing.len())].clone();
        self.places(&picker, "*8");
        self.say(format!("{} up", picker.channel));
        let lines = [
            format!("{} picks up {}", picker.channel, victim.0.channel),
            format!("{} ends dialling {} answered", victim.2, picker.channel),
        ];
        let first = self.known.chance.below(2);
        self.say(lines[first].clone());
        self.say(lines[1 - first].clone());
        self.begin(&picker, 'I', &party.channel, &party.number);
        self.answers_at(&picker, party, self.known.now);
        for (phone, pairs, last) in &ringing {
            if phone.channel != victim.0.channel {
                self.say(format!("{last} ends dialling {} cancelled", phone.channel));
                self.drop_helpers(pairs);
            }
            self.say(format!("{} gone", phone.channel));
        }
        let helpers = victim.1.clone();
        let facing = if helpers.is_empty() { party.channel.clone() } else { victim.2.clone() };
        let mut talk = self.connect(picker, party.clone(), facing);
        talk.helpers = helpers;
        self.talk(talk, depth);
    }

    fn one_answers(
        &mut self,
        party: &Side,
        dialler: &str,
        ringing: Vec<(Side, Vec<String>, String)>,
        depth: usize,
    ) {
        let winner = self.known.chance.below(ringing.len());
        let (phone, pairs, last) = ringing[winner].clone();
        self.say(format!("{} up", phone.channel));
        self.answers_at(&phone, party, self.known.now);
        for (other, pairs, last) in ringing.iter().filter(|(other, ..)| other.channel != phone.channel) {
            self.say(format!("{last} ends dialling {} cancelled", other.channel));
            self.say(format!("{} gone elsewhere", other.channel));
            self.drop_helpers(pairs);
        }
        self.say(format!("{last} ends dialling {} answered", phone.channel));
        let facing = if pairs.is_empty() { dialler.to_owned() } else { last };
        let mut talk = self.connect(phone, party.clone(), facing);
        let mut outer = dialler.to_owned();
        for pair in &pairs {
            self.say(format!("{outer} ends dialling {pair};1 answered"));
            let bridge = format!("b{}", self.id());
            self.say(format!("{pair};1 joins {bridge}"));
            self.say(format!("{outer} joins {bridge}"));
            outer = format!("{pair};2");
        }
        talk.helpers = pairs.clone();
        if dialler == party.channel && pairs.len() == 1 && self.known.chance.one_in(2) {
            self.optimise(&mut talk, &pairs[0]);
        }
        self.talk(talk, depth);
    }

    fn optimise(&mut self, talk: &mut Talk, pair: &str) {
        self.say(format!("{};2 leaves {}", pair, talk.bridge));
        self.say(format!("{} joins {}", talk.party.channel, talk.bridge));
        self.say(format!("{pair};1 gone"));
        self.say(format!("{pair};2 gone"));
        talk.helpers.clear();
        talk.facing = talk.party.channel.clone();
    }

    fn talk(&mut self, talk: Talk, depth: usize) {
        self.wait();
        if depth >= 3 {
            return self.hang_up(talk);
        }
        match self.known.chance.below(6) {
            0 => self.blind(talk, depth),
            1 => self.attended(talk, depth),
            2 => self.attended_while_ringing(talk),
            3 => self.park(talk, depth),
            _ => self.hang_up(talk),
        }
    }

    fn hang_up_party(&mut self, party: &Side) {
        self.over(party);
        self.say(format!("{} gone", party.channel));
    }

    fn hang_up(&mut self, talk: Talk) {
        self.wait();
        self.over(&talk.phone);
        self.over(&talk.party);
        let mut lines = [format!("{} gone", talk.phone.channel), format!("{} gone", talk.party.channel)];
        if self.known.chance.one_in(2) {
            lines.swap(0, 1);
        }
        for line in lines {
            self.say(line);
        }
        self.drop_helpers(&talk.helpers);
    }
}
