//! What is to be kept, as the statements take it.

use std::sync::Arc;
use std::time::Duration;

use super::column::plain;
use super::when::When;
use crate::record::Whole;
use crate::record::event::kind_number;
use crate::record::moment::{EventShape, MomentShape};
use crate::record::{event, note};
use crate::rules::numbers;
use crate::settings::IntegrationId;
use crate::{Append, Appended, DeliveryId, EventSeq, Grant, Pending, WallTime, call_hash};

/// An append, written out by whoever asked for it.
pub(super) struct Moment {
    pub(super) grant: Grant,
    pub(super) pbx: String,
    pub(super) rows: Vec<Row>,
    pub(super) notes: Vec<(String, Option<Vec<u8>>)>,
    pub(super) heard_at: i64,
    pub(super) received_at: WallTime,
    /// The same as a moment for the store.
    pub(super) heard: When,
}

pub(super) struct Row {
    pub(super) event: Arc<calls::Event>,
    pub(super) kind: usize,
    pub(super) account: String,
    pub(super) leg: String,
    pub(super) call: String,
    pub(super) lane: u64,
    pub(super) employee: String,
    pub(super) numbers: String,
    pub(super) owed: String,
    pub(super) integrations: Vec<IntegrationId>,
    pub(super) body: Vec<u8>,
}

impl Moment {
    pub(super) fn of(append: &Append, heard: When) -> Self {
        let Append { grant, pbx, events, notes, heard_at, received_at, age: _ } = append;
        let row = |(event, integrations): &(calls::Event, Vec<IntegrationId>)| Row {
            kind: usize::from(kind_number(event.kind())),
            account: plain(event.account().as_str()),
            leg: plain(event.leg.as_str()),
            call: plain(event.call.as_str()),
            lane: call_hash(&event.call),
            employee: plain(event.phone.employee_number()),
            numbers: plain(&numbers(event).collect::<Vec<_>>().join("\n")),
            owed: owed(integrations),
            integrations: integrations.clone(),
            body: event::write(pbx, event),
            event: Arc::new(event.clone()),
        };
        let note = |note: &calls::Note| (plain(&note.channel), note.kept.as_ref().map(note::write));
        Self {
            grant: *grant,
            pbx: plain(pbx.as_str()),
            rows: events.iter().map(row).collect(),
            notes: notes.iter().map(note).collect(),
            heard_at: heard_at.as_micros(),
            received_at: *received_at,
            heard,
        }
    }
}

impl Moment {
    pub(super) fn weight(&self) -> usize {
        1 + self.rows.len() + self.notes.len()
    }

    /// As it lies in the spool; from this place on its events have theirs.
    pub(super) fn shape(&self, first: i64) -> MomentShape<'_> {
        let notes = self.notes.iter().map(|(channel, kept)| (&**channel, kept.as_deref().map(Whole)));
        MomentShape {
            first,
            pbx: &self.pbx,
            heard_at: self.heard_at,
            received_at: self.received_at.0,
            events: self.rows.iter().map(Row::shape).collect(),
            notes: notes.collect(),
        }
    }
}

/// As the engine writes an array.
fn owed(integrations: &[IntegrationId]) -> String {
    let numbers: Vec<_> = integrations.iter().map(|id| id.number.to_string()).collect();
    format!("{{{}}}", numbers.join(","))
}

impl Row {
    fn shape(&self) -> EventShape<'_> {
        EventShape::of(&self.event, &self.integrations, &self.body)
    }

    /// The answer for one that is kept there, and was heard so long ago.
    pub(super) fn stored(&self, event: EventSeq, age: Duration) -> Appended {
        let pending = |integration: &IntegrationId| Pending {
            id: DeliveryId { event, integration: *integration },
            account: self.event.account().clone(),
            kind: self.event.kind(),
            call_hash: self.lane,
            age,
            attempts: 0,
            due_at_age: Duration::ZERO,
            held: false,
        };
        Appended::Stored(event, self.integrations.iter().map(pending).collect())
    }
}
