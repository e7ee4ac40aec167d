//! How a call of the journal looks in the spool: shapes of this file alone, behind a version.

use calls::{Note, PbxName, PbxTime};
use serde::{Deserialize, Serialize};

use crate::record::event::{self, Columns, kind_of};
use crate::record::{Unreadable, Whole, note, pack, unpack};
use crate::settings::IntegrationId;
use crate::{Append, Grant, WallTime};

const VERSION: u8 = 1;

/// A call.
#[derive(Serialize, Deserialize)]
pub(crate) enum Entry<'a> {
    /// Moments were kept.
    #[serde(borrow)]
    Append(Vec<MomentShape<'a>>),
    /// Deliveries were settled.
    #[serde(borrow)]
    Settle(Vec<OutcomeShape<'a>>),
}

/// A moment, and the place of its first event; the others follow.
#[derive(Serialize, Deserialize)]
pub(crate) struct MomentShape<'a> {
    pub(crate) first: i64,
    pub(crate) pbx: &'a str,
    pub(crate) heard_at: i64,
    pub(crate) received_at: i64,
    #[serde(borrow)]
    pub(crate) events: Vec<EventShape<'a>>,
    /// As [`note::write`] writes them.
    #[serde(borrow)]
    pub(crate) notes: Vec<(&'a str, Option<Whole<'a>>)>,
}

/// An event, and to whom it is owed.
#[derive(Serialize, Deserialize)]
pub(crate) struct EventShape<'a> {
    pub(crate) kind: u8,
    pub(crate) at: i64,
    pub(crate) account: &'a str,
    pub(crate) leg: &'a str,
    pub(crate) call: &'a str,
    pub(crate) owed: Vec<u32>,
    /// As [`event::write`] writes it.
    #[serde(borrow)]
    pub(crate) body: Whole<'a>,
}

/// What became of a delivery, as the engine takes it.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct OutcomeShape<'a> {
    pub(crate) event: i64,
    pub(crate) integration: u32,
    pub(crate) verb: i16,
    pub(crate) number: Option<i32>,
    pub(crate) last: Option<&'a str>,
    pub(crate) at: i64,
    pub(crate) due_at: Option<i64>,
    #[serde(borrow)]
    pub(crate) detail: Option<Bytes<'a>>,
}

/// As [`Whole`], to be copied.
#[derive(Clone, Copy)]
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Whole(self.0).serialize(serializer)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Bytes<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Whole::deserialize(deserializer).map(|Whole(bytes)| Self(bytes))
    }
}

impl<'a> Entry<'a> {
    pub(crate) fn write(&self) -> Vec<u8> {
        pack(VERSION, self)
    }

    pub(crate) fn read(packed: &'a [u8]) -> Result<Self, Unreadable> {
        unpack("entry of the spool", VERSION, packed)
    }

    /// How many events are in it.
    pub(crate) fn events(&self) -> usize {
        match self {
            Self::Append(moments) => moments.iter().map(|moment| moment.events.len()).sum(),
            Self::Settle(_) => 0,
        }
    }

    /// The place of its first event.
    pub(crate) fn first(&self) -> Option<i64> {
        match self {
            Self::Append(moments) => {
                moments.iter().find(|moment| !moment.events.is_empty()).map(|moment| moment.first)
            }
            Self::Settle(_) => None,
        }
    }
}

impl MomentShape<'_> {
    /// What was asked for, once more.
    pub(crate) fn append(&self) -> Result<Append, Unreadable> {
        let events = self.events.iter().map(|shape| {
            let (_, event) = shape.event()?;
            let owed = shape.owed.iter().map(|number| IntegrationId { number: *number });
            Ok((event, owed.collect()))
        });
        let notes = self.notes.iter().map(|(channel, kept)| {
            let kept = kept.as_ref().map(|Whole(packed)| note::read(packed)).transpose()?;
            Ok(Note { channel: (*channel).into(), kept })
        });
        Ok(Append {
            grant: Grant::ALONE,
            pbx: PbxName::new(self.pbx),
            events: events.collect::<Result<_, Unreadable>>()?,
            notes: notes.collect::<Result<_, Unreadable>>()?,
            heard_at: PbxTime::from_micros(self.heard_at),
            received_at: WallTime(self.received_at),
        })
    }
}

impl EventShape<'_> {
    pub(crate) fn event(&self) -> Result<(PbxName, calls::Event), Unreadable> {
        let no_kind = || Unreadable { what: "entry of the spool", why: format!("no kind {}", self.kind) };
        let columns = Columns {
            kind: kind_of(self.kind).ok_or_else(no_kind)?,
            at: PbxTime::from_micros(self.at),
            account: calls::AccountId::new(self.account),
            leg: calls::LegId::new(self.leg),
            call: calls::CallId::new(self.call),
        };
        event::read(columns, self.body.0)
    }
}
