//! What whoever makes a call up knows of it: what is said when, and what each leg must tell.

use std::collections::BTreeMap;

/// A small generator of chance, so that a seed is all one needs to see a failure again.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// What a leg must tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// `I` or `O`.
    pub(crate) begun: char,
    /// Counterpart of an `Incoming`, or the number dialled.
    pub(crate) with: String,
    /// The caller's number.
    pub(crate) from: String,
    /// Counterpart of the `Answered`, if there must be one.
    pub(crate) answered_with: Option<String>,
    /// Whole seconds.
    pub(crate) secs: u64,
    /// Party, its number, number transferred to.
    pub(crate) transfer: Option<(String, String, String)>,
    /// Whether it was transferred nobody can know: either is right.
    pub(crate) may_be_either: bool,
}

/// A made-up call: what the PBX says, by time in milliseconds, and what each leg must tell.
#[derive(Debug, Default)]
pub(crate) struct Story {
    pub(crate) says: Vec<(u64, String)>,
    pub(crate) legs: BTreeMap<String, Told>,
    /// When the leg of a channel that may live on is over.
    pub(crate) over_at: BTreeMap<String, u64>,
}

/// One side of a conversation.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    pub(crate) channel: String,
    pub(crate) number: String,
    pub(crate) phone: bool,
}

/// What is known of a call by its maker, while it is made up.
pub(crate) struct Known {
    pub(crate) chance: Chance,
    pub(crate) story: Story,
    /// Milliseconds.
    pub(crate) now: u64,
    pub(crate) answered_at: BTreeMap<String, u64>,
    /// The transfer the party brings to every phone it rings.
    pub(crate) mark: Option<(String, String, String)>,
}

impl Known {
    pub(crate) fn new(chance: Chance, now: u64) -> Self {
        Self { chance, story: Story::default(), now, answered_at: BTreeMap::new(), mark: None }
    }
}

/// Who makes calls up, for whichever PBX.
pub(crate) trait Tells {
    fn known(&mut self) -> &mut Known;

    fn say(&mut self, line: impl Into<String>) {
        let known = self.known();
        known.story.says.push((known.now, line.into()));
    }

    fn begin(&mut self, side: &Side, begun: char, with: &str, from: &str) {
        let known = self.known();
        let transfer = if begun == 'I' { known.mark.clone() } else { None };
        let told = Told { begun, with: with.into(), from: from.into(), transfer, ..Told::default() };
        known.story.legs.insert(side.channel.clone(), told);
    }

    fn told(&mut self, side: &Side) -> Option<&mut Told> {
        self.known().story.legs.get_mut(&side.channel)
    }

    /// The leg is over now, if it is not yet.
    fn over(&mut self, side: &Side) {
        let known = self.known();
        known.story.over_at.insert(side.channel.clone(), known.now);
        if let Some(since) = known.answered_at.remove(&side.channel) {
            let secs = (known.now - since) / 1_000;
            if let Some(told) = self.told(side) {
                told.secs = secs;
            }
        }
    }

    /// The phone has the party, since that moment.
    fn answers_at(&mut self, phone: &Side, party: &Side, at: u64) {
        let with = party.channel.clone();
        if let Some(told) = self.told(phone) {
            told.answered_with = Some(with);
        }
        let party_dials = self.told(party).is_some_and(|told| told.begun == 'O');
        let known = self.known();
        known.answered_at.insert(phone.channel.clone(), at);
        if party_dials && !known.answered_at.contains_key(&party.channel) {
            known.answered_at.insert(party.channel.clone(), at);
        }
        let brought = known.mark.clone().filter(|mark| party.phone && mark.0 == party.channel);
        if let (Some(mark), Some(told)) = (brought, self.told(party)) {
            told.transfer = Some(mark);
        }
    }

    /// A phone sends its party on.
    fn transferred(&mut self, by: &Side, party: &Side, to: &str) {
        let transfer = (party.channel.clone(), party.number.clone(), to.to_owned());
        self.over(by);
        self.known().mark = Some(transfer);
        self.part_of_transfer(&[by, party]);
    }

    /// These, too, had to do with the last transfer.
    fn part_of_transfer(&mut self, sides: &[&Side]) {
        let mark = self.known().mark.clone();
        for side in sides {
            if let Some(told) = self.told(side) {
                told.transfer.clone_from(&mark);
            }
        }
    }
}
