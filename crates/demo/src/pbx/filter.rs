//! The filters that a client installs with the action `Filter`.

use regex::Regex;

use super::message::Headers;

/// Filters one client may have; more are refused.
pub(super) const FILTERS_MAX: usize = 256;

/// The filters of one session, by Asterisk's rules: with no including filter everything is included, and
/// an excluding one has the last word.
#[derive(Debug, Default)]
pub(super) struct Filters {
    including: Vec<Criterion>,
    excluding: Vec<Criterion>,
}

#[derive(Debug)]
enum Criterion {
    /// The event has this name.
    Name(String),
    /// A pattern over the whole event: the old way.
    Pattern(Regex),
}

impl Filters {
    /// Takes what the action says: `MatchCriteria: name(Hangup)`, or a regular expression in `Filter`, with
    /// `!` before it to exclude. Says why not, if not.
    pub(super) fn add(&mut self, criteria: &str, filter: &str) -> Result<(), &'static str> {
        if self.including.len() + self.excluding.len() >= FILTERS_MAX {
            return Err("Too many filters");
        }
        let (exclude, criterion) = if criteria.is_empty() { pattern(filter)? } else { advanced(criteria)? };
        let list = if exclude { &mut self.excluding } else { &mut self.including };
        list.push(criterion);
        Ok(())
    }

    pub(super) fn pass(&self, event: &str) -> bool {
        let name = Headers(event).get("Event");
        let matches = |criterion: &Criterion| match criterion {
            Criterion::Name(wanted) => wanted == name,
            Criterion::Pattern(pattern) => pattern.is_match(event),
        };
        (self.including.is_empty() || self.including.iter().any(matches))
            && !self.excluding.iter().any(matches)
    }
}

fn pattern(filter: &str) -> Result<(bool, Criterion), &'static str> {
    let (exclude, pattern) = match filter.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, filter),
    };
    match Regex::new(pattern) {
        Ok(regex) if !pattern.is_empty() => Ok((exclude, Criterion::Pattern(regex))),
        Ok(_) | Err(_) => Err("Filter did not parse successfully"),
    }
}

/// `action(exclude),name(Hangup)`; other criteria are not played.
fn advanced(criteria: &str) -> Result<(bool, Criterion), &'static str> {
    let mut exclude = false;
    let mut name = None;
    for part in criteria.split(',').map(str::trim) {
        match part.split_once('(').map(|(what, value)| (what, value.trim_end_matches(')'))) {
            Some(("action", "exclude")) => exclude = true,
            Some(("action", "include")) => exclude = false,
            Some(("name", value)) => name = Some(value.to_owned()),
            Some(_) | None => return Err("Filter did not parse successfully"),
        }
    }
    name.map(|name| (exclude, Criterion::Name(name))).ok_or("Filter did not parse successfully")
}
