//! A refusal in the reader's language.

use admin::{Changed, Refusal};

use super::Messages;

/// The sentence.
pub(crate) fn told(w: Messages, refusal: &Refusal) -> String {
    refusal.told(w.0)
}

/// A field that somebody else changed meanwhile.
pub(crate) struct Differing {
    pub(crate) label: &'static str,
    pub(crate) now: String,
    pub(crate) yours: String,
}

/// What was changed meanwhile, each with the label of its field and both values.
pub(crate) fn differing(w: Messages, refusal: &Refusal) -> Vec<Differing> {
    let Some(Changed { fields, .. }) = refusal.changed.as_deref() else { return Vec::new() };
    let label = |field: &'static str| w.find(&format!("field.{field}")).unwrap_or(field);
    fields
        .iter()
        .map(|one| Differing { label: label(one.field), now: one.now.clone(), yours: one.yours.clone() })
        .collect()
}
