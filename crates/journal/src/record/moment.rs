//! A moment on its way: what is kept of it before the engine has it, in the spool and in inboxes.

use std::time::Duration;

use calls::{Note, PbxName, PbxTime};
use serde::{Deserialize, Serialize};

use super::event::{self, Columns, kind_number, kind_of};
use super::{Unreadable, Whole, note};
use crate::settings::IntegrationId;
use crate::{Append, Grant, WallTime};

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

impl MomentShape<'_> {
    /// What was asked for, once more, under a grant; how old it is whoever reads it knows.
    pub(crate) fn append(&self, grant: Grant) -> Result<Append, Unreadable> {
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
            grant,
            pbx: PbxName::new(self.pbx),
            events: events.collect::<Result<_, Unreadable>>()?,
            notes: notes.collect::<Result<_, Unreadable>>()?,
            heard_at: PbxTime::from_micros(self.heard_at),
            received_at: WallTime(self.received_at),
            age: Duration::ZERO,
        })
    }
}

impl<'a> EventShape<'a> {
    /// An event that is written out already.
    pub(crate) fn of(event: &'a calls::Event, owed: &[IntegrationId], body: &'a [u8]) -> Self {
        Self {
            kind: kind_number(event.kind()),
            at: event.at.as_micros(),
            account: event.account().as_str(),
            leg: event.leg.as_str(),
            call: event.call.as_str(),
            owed: owed.iter().map(|integration| integration.number).collect(),
            body: Whole(body),
        }
    }

    pub(crate) fn event(&self) -> Result<(PbxName, calls::Event), Unreadable> {
        let no_kind = || Unreadable { what: "moment", why: format!("no kind {}", self.kind) };
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
