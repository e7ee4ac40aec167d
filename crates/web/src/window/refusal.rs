//! A refusal in the reader's language.

use admin::{Changed, FieldChange, Refusal};

use super::Messages;

/// The sentence.
pub(crate) fn told(w: Messages, refusal: &Refusal) -> String {
    refusal.told(w.0)
}

/// A field that somebody else changed meanwhile.
pub(crate) struct Differing {
    pub(crate) label: &'static str,
    /// A dash where nobody remembers.
    pub(crate) was: String,
    pub(crate) now: String,
    /// A dash where it was to be removed.
    pub(crate) yours: String,
}

fn or_dash(value: Option<&String>) -> String {
    value.map_or_else(|| "–".to_owned(), Clone::clone)
}

/// What was changed meanwhile, each with the label of its field and both values.
pub(crate) fn differing(w: Messages, refusal: &Refusal) -> Vec<Differing> {
    let Some(Changed { fields, .. }) = refusal.changed.as_deref() else { return Vec::new() };
    let label = |field: &'static str| w.find(&format!("field.{field}")).unwrap_or(field);
    fields
        .iter()
        .map(|FieldChange { field, was, now, yours }| Differing {
            label: label(field),
            was: or_dash(was.as_ref()),
            now: now.clone(),
            yours: or_dash(yours.as_ref()),
        })
        .collect()
}
