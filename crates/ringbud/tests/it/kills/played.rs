//! What the PBXs did: the one witness. It reads the bytes they said, and nothing of the gateway's but its
//! acknowledgements.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use super::told::Told;

/// A moment of a leg: its place among all that its PBX said, and when it was by the PBX's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Happened {
    pub(super) place: usize,
    pub(super) at_us: i64,
}

/// A leg as the PBX knows it.
#[derive(Clone, Debug)]
pub(super) struct Leg {
    pub(super) pbx: String,
    pub(super) account: String,
    pub(super) phone: String,
    pub(super) caller: String,
    pub(super) rang: Happened,
    pub(super) answered: Option<Happened>,
    pub(super) ended: Option<Happened>,
}

/// The endings of event ids, in the order of a leg.
const KINDS: [&str; 3] = ["incoming", "answered", "ended"];

impl Leg {
    /// Its three moments, by the kind of event they cause.
    fn moments(&self) -> impl Iterator<Item = (&'static str, Happened)> {
        let all = [Some(self.rang), self.answered, self.ended];
        KINDS.into_iter().zip(all).filter_map(|(kind, happened)| Some((kind, happened?)))
    }
}

/// How far one life of the gateway followed one PBX.
#[derive(Clone, Copy, Debug)]
struct Followed {
    /// What was said after this place reached a gateway that followed.
    from: usize,
    /// And what was stamped after this moment cannot have been overtaken by the list of channels.
    from_us: i64,
    /// The last thing said that it acknowledged. What was said between the two was kept before.
    to: usize,
}

#[derive(Default)]
struct Book {
    /// By the leg's id as event ids have it.
    legs: BTreeMap<String, Leg>,
    /// How much each PBX has said.
    said: BTreeMap<String, usize>,
    /// The life that goes on.
    follows: BTreeMap<String, Followed>,
    /// Lives of the past.
    followed: Vec<(String, Followed)>,
    /// Events the gateway said are kept.
    acknowledged: BTreeSet<String>,
    /// From some moment on there is a gateway at any time that misses nothing, whichever that is.
    never_missed: bool,
}

/// The witness.
#[derive(Default)]
pub(super) struct Played(Mutex<Book>);

impl Played {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap()
    }

    /// The PBX is about to say this.
    pub(super) fn says(&self, pbx: &str, messages: &str) {
        let mut book = self.book();
        for message in messages.split_terminator("\r\n\r\n") {
            let place = book.said.entry(pbx.to_owned()).or_default();
            *place += 1;
            let place = *place;
            book.hear(pbx, place, message);
        }
    }

    /// The gateway says that it follows a PBX.
    pub(super) fn is_followed(&self, pbx: &str) {
        let mut book = self.book();
        if book.never_missed {
            return;
        }
        let from = book.said.get(pbx).copied().unwrap_or(0);
        book.follows
            .insert(pbx.to_owned(), Followed { from, from_us: journal::clock::system()().0, to: from });
    }

    /// From now on nothing may be missed, whoever dies.
    pub(super) fn nothing_is_missed(&self) {
        self.book().never_missed = false;
        let pbxs: Vec<String> = self.book().said.keys().cloned().collect();
        pbxs.iter().for_each(|pbx| self.is_followed(pbx));
        self.book().never_missed = true;
    }

    /// The gateway says that an event is kept.
    pub(super) fn is_acknowledged(&self, event: &str) {
        let mut book = self.book();
        book.acknowledged.insert(event.to_owned());
        let Some((leg, kind)) = event.rsplit_once('-') else { return };
        let Some(leg) = book.legs.get(leg) else { return };
        let Some((_, happened)) = leg.moments().find(|(of, _)| *of == kind) else { return };
        let pbx = leg.pbx.clone();
        if let Some(follows) = book.follows.get_mut(&pbx)
            && happened.place > follows.from
        {
            follows.to = follows.to.max(happened.place);
        }
    }

    /// The gateway is dead.
    pub(super) fn life_is_over(&self) {
        let mut book = self.book();
        let over = std::mem::take(&mut book.follows);
        book.followed.extend(over);
    }

    /// The PBXs have said all they had to say to a gateway that lives: it owes all of it.
    pub(super) fn is_silent(&self) {
        let mut book = self.book();
        let Book { follows, said, .. } = &mut *book;
        for (pbx, follows) in follows {
            follows.to = said.get(pbx).copied().unwrap_or(0);
        }
    }

    /// Events that must be told and are not: those acknowledged, those said to a gateway that followed
    /// before one that it acknowledged, and the end of every leg that was told to have begun.
    pub(super) fn owed(&self, told: &Told) -> Vec<String> {
        let book = self.book();
        let mut owed = book.must_be_told();
        owed.extend(told.begun().iter().map(|leg| format!("{leg}-ended")));
        owed.into_iter().filter(|event| !told.has_taken(event)).collect()
    }

    /// How many events the order of things says must have been kept, and how many were acknowledged.
    pub(super) fn counts(&self) -> (usize, usize) {
        let book = self.book();
        (book.must_be_told().len(), book.acknowledged.len())
    }

    /// Every leg there was, by its id as event ids have it.
    pub(super) fn legs(&self) -> BTreeMap<String, Leg> {
        self.book().legs.clone()
    }

    /// Whether all of a leg happened while one life of the gateway followed and acknowledged: nothing about
    /// it may be a guess.
    pub(super) fn was_seen_whole(&self, leg: &Leg) -> bool {
        let book = self.book();
        let Some(ended) = leg.ended else { return false };
        let seen = |followed: &Followed| {
            let begun = followed.from < leg.rang.place && followed.from_us < leg.rang.at_us;
            begun && ended.place <= followed.to
        };
        let past = book.followed.iter().filter(|(pbx, _)| *pbx == leg.pbx).map(|(_, followed)| followed);
        past.chain(book.follows.get(&leg.pbx)).any(seen)
    }
}

impl Book {
    fn hear(&mut self, pbx: &str, place: usize, message: &str) {
        let header = |name: &str| {
            let line = message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.unwrap_or_default()
        };
        let leg = format!("{pbx}-{}", header("Uniqueid").replace('.', "-"));
        let at_us = header("Timestamp").replace('.', "").parse().unwrap();
        let happened = Happened { place, at_us };
        match (header("Event"), header("ChannelState")) {
            ("Newstate", "5") => {
                let about = Leg {
                    pbx: pbx.to_owned(),
                    account: header("AccountCode").to_owned(),
                    phone: header("CallerIDNum").to_owned(),
                    caller: header("ConnectedLineNum").to_owned(),
                    rang: happened,
                    answered: None,
                    ended: None,
                };
                self.legs.insert(leg, about);
            }
            ("Newstate", "6") => self.legs.get_mut(&leg).unwrap().answered = Some(happened),
            ("Hangup", _) => {
                // Trunks have no legs.
                if let Some(leg) = self.legs.get_mut(&leg) {
                    leg.ended = Some(happened);
                }
            }
            _ => {}
        }
    }

    fn must_be_told(&self) -> BTreeSet<String> {
        let mut must = self.acknowledged.clone();
        let mut spans: BTreeMap<&str, Vec<Followed>> = BTreeMap::new();
        for (pbx, followed) in
            self.followed.iter().map(|(pbx, followed)| (pbx, followed)).chain(&self.follows)
        {
            spans.entry(pbx).or_default().push(*followed);
        }
        for (id, leg) in &self.legs {
            let spans = spans.get(&*leg.pbx).map_or(&[][..], Vec::as_slice);
            let was_said = |happened: Happened| {
                spans.iter().any(|span| span.from < happened.place && happened.place <= span.to)
            };
            for (kind, happened) in leg.moments() {
                if was_said(happened) {
                    must.insert(format!("{id}-incoming"));
                    must.insert(format!("{id}-{kind}"));
                }
            }
        }
        must
    }
}
