//! Who has which part of a store: what one PBX says has one writer, who shows with each write since when it is his.

use std::pin::Pin;
use std::time::Duration;

use calls::PbxName;

use super::{Answer, Asked, EventSeq, Reply, Wish, WishId};
use crate::WallTime;

/// A part of a store: what one PBX says, kept and delivered by one gateway at a time. A store that one gateway has for
/// itself has one part, number 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part(pub u16);

impl Part {
    /// What is no PBX's: all that was kept before a store had parts and was done by then. Somebody has to be able to send it
    /// again.
    pub const REST: Self = Self(0);

    /// The places of its events.
    #[cfg(feature = "postgres")]
    pub(crate) const fn places(self) -> std::ops::Range<i64> {
        let first = (self.0 as i64) << EventSeq::PART_SHIFT;
        first..first.saturating_add(1 << EventSeq::PART_SHIFT)
    }
}

/// How often a part was taken: who has it under an older one has lost it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u32);

/// That a part is a gateway's, since an epoch. [`Parts`] gives it; it is shown with everything that is written, and counts
/// for nothing once another has taken the part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grant {
    part: Part,
    epoch: Epoch,
}

impl Grant {
    /// Of a store that one gateway has for itself, by having opened it.
    pub const ALONE: Self = Self { part: Part(0), epoch: Epoch(0) };

    pub(crate) const fn new(part: Part, epoch: Epoch) -> Self {
        Self { part, epoch }
    }

    /// What it is of.
    pub const fn part(self) -> Part {
        self.part
    }

    /// Since when.
    pub const fn epoch(self) -> Epoch {
        self.epoch
    }

    /// The place before all that are given under it; `None` where one gateway has the store, and places go on.
    pub fn before(self) -> Option<EventSeq> {
        (self != Self::ALONE).then_some(EventSeq(self.first_place()))
    }

    /// Below all places that are given under it.
    pub(crate) const fn first_place(self) -> i64 {
        ((self.part.0 as i64) << EventSeq::PART_SHIFT) | ((self.epoch.0 as i64) << EventSeq::EPOCH_SHIFT)
    }
}

/// What [`Part::REST`] goes by among the parts: no PBX is named so.
pub fn rest() -> PbxName {
    PbxName::new("")
}

/// A part that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Under which it is written.
    pub grant: Grant,
    /// For so long requests of one that had it and is gone may be under way: nothing is given up as soon as it is too late.
    pub careful: Duration,
}

/// What a gateway is known by in its store, over all its starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GatewayId(pub String);

/// What the store says of its gateways and parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fleet {
    /// Who asks.
    pub me: GatewayId,
    /// All gateways that have beaten and did not leave; who asks is one of them.
    pub gateways: Vec<Beating>,
    /// All parts that were ever given.
    pub leases: Vec<Lease>,
    /// Those whose owners are asked something.
    pub asked: Vec<Part>,
    /// How they came to those who have them.
    pub moves: Vec<Moved>,
}

/// How a part came to who has it. For people: nothing is decided by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Which.
    pub part: Part,
    /// When it was taken or given back last, by the engine's clock.
    pub since: WallTime,
    /// The gateway it was taken from, which was gone, or that gave it up; none where it was given back in order.
    pub from: Option<GatewayId>,
    /// Whether that one gave it up for its link to the PBX.
    pub for_its_link: bool,
}

/// Why a part is given back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Given {
    /// It is another's by its order, or who had it goes.
    #[default]
    InOrder,
    /// What its PBX says is not heard any more by who had it, and is by another.
    ForItsLink,
}

/// How a gateway's link to a PBX is doing, as it tells the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// The PBX's part.
    pub part: Part,
    /// Why nothing is heard over it, as a code; none where whoever has it misses nothing.
    pub lacks: Option<String>,
    /// Since when it is as it is, by the clock of its gateway, where that tells it. For people: nothing is decided by it.
    pub since: Option<WallTime>,
}

/// What a gateway tells the others at a tick.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The PBXs it can reach.
    pub pbxs: Vec<PbxName>,
    /// Those it has a link to, because it has them or listens to them.
    pub links: Vec<Linked>,
    /// The others are to tell theirs now.
    pub asks: bool,
}

/// A gateway, by its beat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beating {
    /// Which.
    pub id: GatewayId,
    /// What people call it.
    pub name: String,
    /// Its start and how often it has beaten since: moves as long as it lives, and says nothing by itself.
    pub beat: (i64, i64),
    /// The PBXs it can reach.
    pub pbxs: Vec<PbxName>,
    /// Those it has a link to.
    pub links: Vec<Linked>,
}

/// Who has a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The PBX whose part it is.
    pub pbx: PbxName,
    /// Its number: given once, and never to another PBX.
    pub part: Part,
    /// How often it was taken.
    pub epoch: Epoch,
    /// Who has it, or had it when he was last heard of; nobody where it was given back.
    pub owner: Option<GatewayId>,
}

/// Who has which part.
pub trait Parts: Send + Sync {
    /// Says that this gateway lives, which PBXs it can reach, and how its links to them are doing; who else does, and who
    /// has what. Once a second.
    fn tick<'a>(&'a self, about: &'a About) -> Reply<'a, Fleet>;

    /// Makes the part of a PBX this gateway's, if nobody took it since it was seen at this epoch (`None`: it had no part
    /// yet). Waits for writes of its last owner that are under way: what was written is seen behind it, and nothing of
    /// his comes after it.
    ///
    /// Who takes it from one that is gone says how long that one may have requests under way. The lease remembers it: who
    /// has the part next, within that time, is told what is left of it, and who takes it without its having been given back
    /// is told all of it once more. It is a duration, by the clock of whoever has the part; while nobody has it, it stands.
    fn take(&self, pbx: PbxName, seen: Option<Epoch>, careful: Duration) -> Reply<'_, Option<Taken>>;

    /// Gives it back, so that nobody waits for it. Nothing is written under the grant any more.
    fn release(&self, grant: Grant, why: Given) -> Reply<'_, ()>;

    /// Gives back all that is this gateway's, which beats no more and is not waited for.
    fn leave(&self) -> Reply<'_, ()>;

    /// What time it is by the clock that the store goes by: what one gateway writes down for another is told in it.
    fn now(&self) -> Reply<'_, WallTime>;

    /// Asks whoever has a part, or the next who has it.
    fn ask(&self, part: Part, wish: Wish) -> Reply<'_, Asked> {
        drop((part, wish));
        Box::pin(std::future::ready(Ok(Asked::Nobody)))
    }

    /// The same of all parts but some; one answer for each.
    fn ask_all(&self, but: Vec<Part>, wish: Wish) -> Reply<'_, Vec<Asked>> {
        drop((but, wish));
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// What a part's owner is asked and has not answered, oldest first, from behind one on; some at a time.
    fn asked(&self, grant: Grant, after: Option<WishId>) -> Reply<'_, Vec<(WishId, Wish)>> {
        let _ = (grant, after);
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// It was done, by the part's owner. Who lost the part answers nothing.
    fn answer(&self, grant: Grant, wish: WishId, answer: Answer) -> Reply<'_, ()> {
        drop((grant, wish, answer));
        Box::pin(std::future::ready(Ok(())))
    }

    /// What came of a wish, once it is answered. It is remembered for a minute.
    fn answered(&self, wish: WishId) -> Reply<'_, Option<Answer>> {
        let _ = wish;
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Comes back when another has given something back or asks for something; where that is not told, never.
    fn woken(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }
}
