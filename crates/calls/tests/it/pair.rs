//! Two readers of one PBX, of which one keeps what it hears: when each has a link, what is kept when, and how the PBX
//! moves from one to the other. What is read, and by whom, is a [`Pbx`]'s to say.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use calls::{Directory, Event, EventKind, LegId, Output, PbxTime, Restored, Tracker};

use crate::kept::Kept;
use crate::model::Chance;

const SECOND_US: u64 = 1_000_000;
/// So much of what was said before the owner was heard last lies in the ring still.
const BEHIND_US: u64 = 2 * SECOND_US;
/// A reader takes up what was kept so long after its list: what the other heard before that is kept by then. From then on
/// it can have the PBX.
const READY_US: u64 = 2_500_000;
/// What was heard is kept so much later.
const LATE_US: u64 = SECOND_US;

/// A PBX that two follow, each by itself.
pub(crate) trait Pbx {
    type Reader: Reader;

    /// When it says each of its words, in microseconds of its clock.
    fn moments(&self) -> &[u64];
    /// Who knows nothing of it yet, and has no link.
    fn reader(&self) -> Self::Reader;
}

/// What a reader of a PBX does.
pub(crate) trait Reader {
    fn hears(&mut self, word: usize) -> Vec<Output>;
    /// It is told the channels that there are when all words before this one are said.
    fn lists(&mut self, at: u64, word: usize) -> Vec<Output>;
    fn loses_its_link(&mut self, at: u64) -> Vec<Output>;
    /// What is due by then, each at its moment.
    fn is_due(&mut self, until: u64) -> Vec<(u64, Vec<Output>)>;
    fn restores(&mut self, kept: Restored);
    fn adopts(&mut self, kept: Restored);
    /// Nothing more is said until then.
    fn waits(&mut self, until: u64) -> Vec<Output>;
}

struct One<R> {
    reader: R,
    has_begun: bool,
    /// When it takes up what was kept; `None`: its link is down.
    ready_at: Option<u64>,
    is_ready: bool,
    /// How often it still asks for the channels, for what it had to take up.
    lists: usize,
    ring: VecDeque<(u64, Vec<Output>)>,
}

impl<R: Reader> One<R> {
    fn new(reader: R) -> Self {
        Self { reader, has_begun: false, ready_at: None, is_ready: false, lists: 0, ring: VecDeque::new() }
    }

    /// What is kept holds.
    fn adopts(&mut self, kept: Restored) {
        self.reader.adopts(kept);
        (self.is_ready, self.lists) = (true, 2);
    }

    fn says(&mut self, at: u64, said: Vec<Output>) {
        self.ring.push_back((at, said));
    }

    fn hears(&mut self, at: u64, word: usize) {
        let said = self.reader.hears(word);
        self.says(at, said);
    }

    fn lists(&mut self, at: u64, word: usize) {
        let said = self.reader.lists(at, word);
        self.says(at, said);
    }
}

/// What happens to the readers: 0 owns at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    Loses(usize),
    Finds(usize),
    /// The owner dies with what it said in so many microseconds before unkept, and is back later.
    Dies(u64),
}

struct Pair<'a, P: Pbx> {
    pbx: &'a P,
    readers: [One<P::Reader>; 2],
    owner: usize,
    kept: Kept,
    /// When what was kept last was said.
    heard: u64,
    moved: usize,
    /// The word that is said next.
    next: usize,
}

impl<P: Pbx> Pair<'_, P> {
    /// The owner's is kept, up to that moment.
    fn keep(&mut self, until: u64) {
        let ring = &mut self.readers[self.owner].ring;
        let until = ring.partition_point(|(at, _)| *at <= until);
        for (at, said) in ring.drain(..until) {
            self.kept.keep(said);
            self.heard = self.heard.max(at);
        }
    }

    /// What was kept, and until when the PBX was heard by who kept it.
    fn restored(&self) -> Restored {
        let heard = (self.heard > 0).then(|| PbxTime::from_micros(self.heard as i64));
        Restored { last_heard: heard, ..self.kept.restored() }
    }

    /// The other has it from now on.
    fn moves(&mut self) {
        self.owner = 1 - self.owner;
        self.moved += 1;
        let from = self.heard.saturating_sub(BEHIND_US);
        let mut told = calls::Told::of(&self.restored());
        let ring = std::mem::take(&mut self.readers[self.owner].ring);
        for (at, said) in ring.into_iter().filter(|(at, _)| *at >= from) {
            let said = said.into_iter().filter_map(|output| match output {
                Output::Event(event) => told.next(*event).map(|event| Output::Event(Box::new(event))),
                other => Some(other),
            });
            let said = said.collect();
            self.readers[self.owner].says(at, said);
        }
        self.keep(u64::MAX);
        let kept = self.restored();
        self.readers[self.owner].adopts(kept);
    }

    fn gets_ready(&mut self, at: u64) {
        self.keep(at.saturating_sub(LATE_US));
        let kept = self.restored();
        for one in self.readers.iter_mut().filter(|one| one.ready_at.is_some()) {
            let said = one.reader.is_due(at);
            one.ring.extend(said);
            if !one.is_ready && one.ready_at.is_some_and(|ready_at| ready_at <= at) {
                one.adopts(kept.clone());
            }
        }
    }

    fn acts(&mut self, at: u64, act: Act) {
        self.gets_ready(at);
        match act {
            Act::Loses(who) => self.loses(at, who),
            Act::Finds(who) => {
                if self.readers[who].ready_at.is_none() {
                    self.begins(at, who);
                }
            }
            Act::Dies(unkept) => {
                let (gone, other) = (self.owner, 1 - self.owner);
                if self.readers[other].is_ready {
                    self.keep(at.saturating_sub(unkept));
                    self.moves();
                    self.readers[gone] = One::new(self.pbx.reader());
                }
            }
        }
    }

    fn loses(&mut self, at: u64, who: usize) {
        if self.readers[who].ready_at.take().is_none() {
            return;
        }
        self.readers[who].is_ready = false;
        if who == self.owner && self.readers[1 - who].is_ready {
            // Before it assumes anything.
            self.keep(u64::MAX);
            self.moves();
        }
        let said = self.readers[who].reader.loses_its_link(at);
        self.readers[who].says(at, said);
    }

    /// Its link is up; who begins takes up what was kept.
    fn begins(&mut self, at: u64, who: usize) {
        let kept = self.restored();
        let one = &mut self.readers[who];
        one.ready_at = Some(at + READY_US);
        if !std::mem::replace(&mut one.has_begun, true) {
            one.reader.restores(kept);
        }
        one.lists(at, self.next);
    }

    fn says(&mut self, at: u64, before: u64) {
        self.gets_ready(at);
        for one in self.readers.iter_mut().filter(|one| one.ready_at.is_some()) {
            if one.lists > 0 && at > before {
                one.lists -= 1;
                one.lists(at, self.next);
            }
            one.hears(at, self.next);
        }
    }
}

/// What two readers of a PBX made of it, to which this happens: what was kept, and how often the PBX moved.
pub(crate) fn read<P: Pbx>(pbx: &P, acts: &[(u64, Act)]) -> (Vec<Event>, usize) {
    let moments = pbx.moments();
    let readers = [0, 1].map(|_| One::new(pbx.reader()));
    let mut pair = Pair { pbx, readers, owner: 0, kept: Kept::default(), heard: 0, moved: 0, next: 0 };
    let (first, last) = (moments[0], moments[moments.len() - 1]);
    pair.readers[0].has_begun = true;
    pair.readers[0].ready_at = Some(first);
    let mut acts = acts.iter().peekable();
    let mut before = first;
    for (word, at) in moments.iter().enumerate() {
        pair.next = word;
        while let Some((when, act)) = acts.next_if(|(when, _)| when <= at) {
            pair.acts(*when, *act);
        }
        pair.says(*at, before);
        before = *at;
    }
    let owner = pair.owner;
    let said = pair.readers[owner].reader.waits(last + 60 * SECOND_US);
    pair.readers[owner].says(last, said);
    pair.keep(u64::MAX);
    (pair.kept.events, pair.moved)
}

/// What one made of it that never sleeps.
pub(crate) fn alone<P: Pbx>(pbx: &P) -> Vec<Event> {
    let mut reader = pbx.reader();
    let mut kept = Kept::default();
    let mut before = 0;
    for (word, at) in pbx.moments().iter().enumerate() {
        reader.is_due(*at).into_iter().for_each(|(_, said)| kept.keep(said));
        kept.keep(reader.hears(word));
        before = *at;
    }
    kept.keep(reader.waits(before + 60 * SECOND_US));
    kept.events
}

/// What is due to a tracker by then, each at its moment.
pub(crate) fn is_due(
    tracker: &mut Tracker,
    directory: &dyn Directory,
    until: u64,
) -> Vec<(u64, Vec<Output>)> {
    let mut all = Vec::new();
    while let Some(due) = tracker.next_deadline().filter(|due| due.as_micros() <= until as i64) {
        let mut said = Vec::new();
        tracker.handle_timeout(due, directory, &mut said);
        all.push((due.as_micros() as u64, said));
        if tracker.next_deadline() == Some(due) {
            break;
        }
    }
    all
}

/// At any moment one of the two is whole: a link is lost, or the owner dies, only while the other's is.
pub(crate) fn acts(chance: &mut Chance, moments: &[u64]) -> Vec<(u64, Act)> {
    let (first, end) = (moments[0], moments[moments.len() - 1]);
    let mut within = |seconds: u64| chance.below((seconds * SECOND_US) as usize) as u64;
    let mut acts = vec![(first + within(5), Act::Finds(1))];
    let mut now = acts[0].0;
    loop {
        now += READY_US + within(8);
        // Half of them right before a word, as most words come many at once.
        if within(2) < SECOND_US {
            now = moments.get(moments.partition_point(|at| *at < now)).copied().unwrap_or(now);
        }
        if now > end {
            return acts;
        }
        let who = (within(2) / SECOND_US) as usize;
        if within(3) < SECOND_US {
            acts.push((now, Act::Dies(within(2) * 3 / 4)));
        } else {
            acts.push((now, Act::Loses(who)));
        }
        now += 1_000 + within(6);
        acts.extend([(now, Act::Finds(0)), (now, Act::Finds(1))]);
    }
}

type ByKind = BTreeMap<(LegId, EventKind), Event>;

fn by_kind(events: Vec<Event>) -> ByKind {
    events.into_iter().map(|event| ((event.leg.clone(), event.kind()), event)).collect()
}

/// So far apart two moments may be and be told as the same, as one word otherwise: who heard of a channel by a list alone
/// begins its leg at the next word about it (`a_leg_that_one_knows_from_a_list_begins_as_it_was_told`).
const SAME_MOMENT: Duration = Duration::from_millis(20);

/// How two tell an event otherwise than one that never sleeps does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Differs {
    /// The two alone tell it.
    Told,
    /// They do not.
    Untold,
    /// With another call or place, or another moment.
    Otherwise,
}

/// An event that two tell otherwise: its leg, its kind, and how.
pub(crate) type Difference = (String, EventKind, Differs);

/// Whether the two told what one told that never sleeps: the same legs and kinds, with the same ids, calls, places and
/// moments. Says how many events have another word otherwise.
pub(crate) fn agree(alone: Vec<Event>, two: Vec<Event>) -> Result<usize, String> {
    let (differences, otherwise) = compare(alone, two)?;
    match differences.into_iter().next() {
        Some((.., words)) => Err(words),
        None => Ok(otherwise),
    }
}

/// All that they tell otherwise. Whatever that is, each leg begins once, ends once, and has its events in order: its row
/// decides.
pub(crate) fn differences(alone: Vec<Event>, two: Vec<Event>) -> Result<Vec<Difference>, String> {
    Ok(compare(alone, two)?.0.into_iter().map(|(difference, _)| difference).collect())
}

fn compare(alone: Vec<Event>, two: Vec<Event>) -> Result<(Vec<(Difference, String)>, usize), String> {
    crate::properties::invariants(&two)?;
    let (alone, two) = (by_kind(alone), by_kind(two));
    let keys: BTreeSet<_> = alone.keys().chain(two.keys()).collect();
    let (mut differences, mut otherwise) = (Vec::new(), 0);
    for key in keys {
        let (one, other) = (alone.get(key), two.get(key));
        let differs = match (one, other) {
            (None, _) => Differs::Told,
            (_, None) => Differs::Untold,
            (Some(one), Some(other)) => {
                let told = |event: &Event| (event.id(), event.call.clone(), event.sequence);
                let apart = if one.at > other.at { one.at.since(other.at) } else { other.at.since(one.at) };
                if told(one) == told(other) && apart <= SAME_MOMENT {
                    otherwise += usize::from(one != other);
                    continue;
                }
                Differs::Otherwise
            }
        };
        let words = format!("alone {one:#?}\ntwo {other:#?}");
        differences.push(((key.0.as_str().to_owned(), key.1, differs), words));
    }
    Ok((differences, otherwise))
}
