//! How things look at rest: shapes of this crate alone, each with its version, converted by hand from and to
//! the types of the domain, so that renaming a field there cannot break a store.

pub(crate) mod attempt;
pub(crate) mod audit;
pub(crate) mod event;
pub(crate) mod facts;
mod integration;
pub(crate) mod moment;
pub(crate) mod note;
pub(crate) mod setting;
#[cfg(feature = "postgres")]
pub(crate) mod wish;

use serde::{Deserialize, Serialize};

/// A record cannot be read: it was damaged, or written by something else.
#[derive(Debug, thiserror::Error)]
#[error("a kept {what} cannot be read: {why}")]
pub(crate) struct Unreadable {
    pub(crate) what: &'static str,
    pub(crate) why: String,
}

/// Bytes that are written in one piece, and not one after the other; at rest they look the same.
pub(crate) struct Whole<'a>(pub(crate) &'a [u8]);

impl Serialize for Whole<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Whole<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&[u8]>::deserialize(deserializer).map(Self)
    }
}

/// The version and the shape behind it.
pub(crate) fn pack<T: Serialize>(version: u8, shape: &T) -> Vec<u8> {
    let mut packed = Vec::with_capacity(256);
    packed.push(version);
    postcard::to_extend(shape, packed).expect("a record has nothing that cannot be written to memory")
}

/// The shape, if the version is the one expected.
pub(crate) fn unpack<'a, T: Deserialize<'a>>(
    what: &'static str,
    version: u8,
    packed: &'a [u8],
) -> Result<T, Unreadable> {
    let why = |why: String| Unreadable { what, why };
    match packed.split_first() {
        Some((found, shape)) if *found == version => {
            postcard::from_bytes(shape).map_err(|error| why(error.to_string()))
        }
        Some((found, _)) => Err(why(format!("version {found} is not known"))),
        None => Err(why("it is empty".to_owned())),
    }
}
