//! Feature-code patterns, compiled once each.

use std::collections::HashMap;

use regex::{Regex, RegexBuilder};

/// What nearly every account has.
const USUAL: &str = r"^\*";
/// So many different patterns are kept compiled.
const MAX_PATTERNS: usize = 256;
/// No compiled pattern is larger than this.
const MAX_PATTERN_BYTES: usize = 1 << 18;

#[derive(Default)]
pub(super) struct FeatureCodes(HashMap<Box<str>, Option<Regex>>);

impl FeatureCodes {
    pub(super) fn matches(&mut self, pattern: &str, dialled: &str) -> bool {
        if pattern == USUAL {
            return dialled.starts_with('*');
        }
        if pattern.is_empty() {
            return false;
        }
        if !self.0.contains_key(pattern) {
            if self.0.len() >= MAX_PATTERNS {
                self.0.clear();
            }
            let regex = RegexBuilder::new(pattern).size_limit(MAX_PATTERN_BYTES).build();
            if let Err(error) = &regex {
                tracing::warn!(pattern, %error, "a feature-code pattern is no regular expression; it matches nothing");
            }
            self.0.insert(pattern.into(), regex.ok());
        }
        self.0.get(pattern).is_some_and(|regex| regex.as_ref().is_some_and(|regex| regex.is_match(dialled)))
    }
}
