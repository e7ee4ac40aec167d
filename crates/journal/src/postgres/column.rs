//! Texts as columns have them.

/// The engine takes every text but one with a NUL in it, and what a stranger says must not stop the journal: a NUL is
/// kept as the sign for what cannot be shown.
pub(super) fn plain(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
