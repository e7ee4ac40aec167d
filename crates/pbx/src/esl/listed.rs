//! The rows of lists that FreeSWITCH answered with, until they are told.

use std::collections::BTreeMap;

use calls::PbxTime;
use serde_json::{Map, Value};

use super::field::Field;
use super::{json, words};

/// The lists that came in, until they are told.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub(super) rows: Option<Vec<Map<String, Value>>>,
    /// Who is bridged with whom, both ways.
    pub(super) bridged: BTreeMap<String, String>,
    /// All about a channel, where it was asked for.
    pub(super) dumps: BTreeMap<String, Dump>,
    /// Channels that are gone whatever the list says.
    pub(super) gone: Vec<String>,
}

/// What a list does not say of a channel, and all about it does. Nothing where it was not asked for.
#[derive(Debug, Default)]
pub(super) struct Dump {
    pub(super) answered_at: Option<PbxTime>,
    /// On whose behalf it is dialled.
    pub(super) origin: String,
    /// The other half, of one half of a loopback.
    pub(super) other_half: String,
    pub(super) gateway: String,
    /// How many entries its `transfer_history` has.
    pub(super) history: u32,
}

impl Dump {
    pub(super) fn read(object: &Map<String, Value>) -> Self {
        let field = |field: Field| text(object, field.name());
        let answered = field(Field::AnsweredTime).parse().ok().filter(|at| *at > 0);
        let origin = words::ORIGINS.into_iter().map(field).find(|id| !id.is_empty());
        let history = words::history(field(Field::TransferHistory)).count();
        Self {
            answered_at: answered.map(PbxTime::from_micros),
            origin: origin.unwrap_or_default().into(),
            other_half: field(Field::OtherLoopback).into(),
            gateway: field(Field::Gateway).into(),
            history: u32::try_from(history).unwrap_or(u32::MAX),
        }
    }
}

static NONE: Dump = Dump {
    answered_at: None,
    origin: String::new(),
    other_half: String::new(),
    gateway: String::new(),
    history: 0,
};

impl Lists {
    pub(super) fn dump(&self, id: &str) -> &Dump {
        self.dumps.get(id).unwrap_or(&NONE)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

pub(super) fn text<'a>(row: &'a Map<String, Value>, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The rows of a list of anything; none if it is no list.
pub(super) fn rows(body: &[u8]) -> Vec<Map<String, Value>> {
    let rows = json::object(body).and_then(|mut object| object.remove("rows"));
    let rows = rows.and_then(|rows| if let Value::Array(rows) = rows { Some(rows) } else { None });
    let rows = rows.unwrap_or_default().into_iter();
    rows.filter_map(|row| if let Value::Object(row) = row { Some(row) } else { None }).collect()
}
