//! The rows of lists that FreeSWITCH answered with, until they are told.

use std::collections::BTreeMap;

use calls::PbxTime;
use serde_json::{Map, Value};

use super::json;

/// The lists that came in, until they are told.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub(super) rows: Option<Vec<Map<String, Value>>>,
    /// Who is bridged with whom, both ways.
    pub(super) bridged: BTreeMap<String, String>,
    /// When channels were answered, by what was asked about each.
    pub(super) answered: BTreeMap<String, PbxTime>,
    /// Channels that are gone whatever the list says.
    pub(super) gone: Vec<String>,
}

impl Lists {
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
