//! How a call of the journal looks in the spool: shapes of this file alone, behind a version.

use serde::{Deserialize, Serialize};

use crate::record::moment::MomentShape;
use crate::record::{Unreadable, Whole, pack, unpack};

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
