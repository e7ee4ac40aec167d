//! A leg as it is at hand while it lies in the log.

use calls::{EventKind, LegId};

use super::super::remembered::Places;
use super::super::rollup::entry::{Entry, Part};
use super::super::settle::GivenUp;
use super::super::table::packed::Noted;
use super::super::table::raw::{Raw, kind};
use crate::record::event::kind_number;
use crate::rules::Standing;

/// A leg in the log.
pub(super) struct Leg {
    pub(super) leg: LegId,
    /// The row of the log it begins in.
    pub(super) log: i64,
    pub(super) events: Vec<Event>,
    /// Deliveries of it that wait.
    pub(super) waiting: usize,
    pub(super) bytes: usize,
}

impl Leg {
    pub(super) fn has_ended(&self) -> bool {
        self.events.last().is_some_and(|event| event.raw.kind == kind_number(EventKind::Ended))
    }

    /// The call it is of.
    pub(super) fn call(&self) -> &str {
        self.events.first().map_or("", |event| &event.raw.call)
    }

    pub(super) fn place(&self, kind: EventKind) -> Option<i64> {
        let number = kind_number(kind);
        self.events.iter().find(|event| event.raw.kind == number).map(|event| event.raw.seq)
    }

    /// The places of its events by kind.
    pub(super) fn places(&self) -> Places {
        let mut places = Places::default();
        for event in &self.events {
            if let Ok(kind) = kind(event.raw.kind) {
                places = places.and(kind, event.raw.seq);
            }
        }
        places
    }
}

impl Leg {
    /// What lists and sums find it by; none if it has not ended.
    pub(super) fn take_entry(&mut self) -> Option<Entry> {
        let (mut begun, mut ended) = (None, None);
        for event in &mut self.events {
            match event.part.take() {
                Some(Part::Begun(numbers)) if begun.is_none() => begun = Some((event.raw.seq, numbers)),
                Some(Part::Ended(part)) => ended = Some(part),
                Some(Part::Begun(_)) | None => {}
            }
        }
        Some(ended?.whole(self.events.iter().map(|event| event.raw.seq).collect(), begun))
    }
}

/// An event of it.
pub(super) struct Event {
    pub(super) raw: Raw,
    /// What lists and sums find its leg by.
    pub(super) part: Option<Part>,
    pub(super) noted: Vec<Noted>,
    pub(super) deliveries: Vec<Delivery>,
}

/// Where a delivery stands.
pub(super) struct Delivery {
    pub(super) integration: i64,
    pub(super) stands: Stands,
    pub(super) standing: Standing,
    pub(super) updated_at: Option<i64>,
    pub(super) held: bool,
    pub(super) due_at: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    Waits,
    Delivered,
    GivenUp(GivenUp),
}

impl Delivery {
    pub(super) fn fresh(integration: i64) -> Self {
        Self {
            integration,
            stands: Stands::Waits,
            standing: Standing::default(),
            updated_at: None,
            held: false,
            due_at: None,
        }
    }
}
