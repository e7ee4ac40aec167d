//! Rows as the tables have them, for all who write and read above: nothing here asks what a question means.

pub(super) mod events;
pub(super) mod history;
pub(super) mod hours;
pub(super) mod packed;
pub(super) mod places;
pub(super) mod raw;
