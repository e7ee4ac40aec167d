//! Whether what happens on the PBX reaches us, by its lists of channels and not by what it says of rights: an AMI
//! user without `call` in `read` is welcomed, asked nothing, and told nothing.
//!
//! Deaf is a link on which a channel that is younger than it stands in two lists some time apart and no
//! `Newchannel` of it came; or on which one is gone from the lists without a `Hangup`. Half deaf is one on which a
//! channel that is younger than it went through a queue or keeps its line open, and no event of the class `agent`
//! came.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A channel this much younger than the link must have been told by an event.
const SURELY_TOLD: Duration = Duration::from_secs(2);
/// How long the `Hangup` of a channel that is in no list any more may take.
const SURELY_GONE: Duration = Duration::from_secs(4);
/// So many channels are watched; beyond that nothing is judged.
const MAX_WATCHED: usize = 128 * 1024;

/// What does not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deaf {
    /// `Newchannel`.
    Beginnings,
    /// `Hangup`.
    Ends,
    /// What queues do, and agents.
    Agents,
}

/// What was heard of the channels on one connection. Channels are known by a digest of their ids.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    /// Channels whose beginning was heard and whose end was not.
    begun: BTreeSet<u64>,
    /// Those whose end was heard since the last list.
    ended: BTreeSet<u64>,
    /// Those of the last list.
    before: BTreeSet<u64>,
    /// Those of the list that is being read, and whether each is younger than the link.
    list: Vec<(u64, bool)>,
    /// Younger than the link, listed, and never heard of: since when.
    silent: BTreeMap<u64, Duration>,
    /// In no list any more, and their end not heard: since when.
    missing: BTreeMap<u64, Duration>,
    heard_any: bool,
    deaf: Option<Deaf>,
    /// In the list that is being read somebody is served by a queue, or an agent has logged in.
    sees_agents: bool,
    heard_agents: bool,
    agents_told: bool,
}

impl Hearing {
    /// Whether any event of a call came.
    pub(super) const fn heard_any(&self) -> bool {
        self.heard_any
    }

    /// Whether the lists have to be looked at closely.
    pub(super) fn is_doubtful(&self) -> bool {
        !self.heard_any || !self.silent.is_empty() || !self.missing.is_empty()
    }

    /// An event of a call. Says whether the link was taken for deaf and is not.
    pub(super) fn heard(&mut self, event: &str, id: &str) -> bool {
        self.heard_any = true;
        let id = digest(id);
        let mended = match event {
            "Newchannel" => {
                if self.begun.len() < MAX_WATCHED {
                    self.begun.insert(id);
                }
                self.silent.remove(&id);
                Deaf::Beginnings
            }
            "Hangup" => {
                self.begun.remove(&id);
                if self.ended.len() < MAX_WATCHED {
                    self.ended.insert(id);
                }
                self.silent.remove(&id);
                self.missing.remove(&id);
                Deaf::Ends
            }
            _ => return false,
        };
        if self.deaf == Some(mended) {
            self.deaf = None;
            self.silent.clear();
            self.missing.clear();
            return true;
        }
        false
    }

    /// An event of what queues and agents do. Says whether they were taken for unheard.
    pub(super) fn heard_agent(&mut self) -> bool {
        self.heard_agents = true;
        std::mem::take(&mut self.agents_told)
    }

    /// A list begins.
    pub(super) fn list_begins(&mut self) {
        self.list.clear();
        self.sees_agents = false;
    }

    /// A channel of the list, on a link older than it, has been given somebody by a queue, or logged in as an agent.
    pub(super) const fn sees_agent(&mut self) {
        self.sees_agents = true;
    }

    /// A channel of the list, of this age, on a link of that age.
    pub(super) fn listed(&mut self, id: &str, age: Duration, link_age: Duration) {
        if self.list.len() < MAX_WATCHED {
            self.list.push((digest(id), age + SURELY_TOLD < link_age));
        }
    }

    /// The list is complete. What does not come, if that is news; two sightings have to be `apart`.
    pub(super) fn list_ends(&mut self, now: Duration, apart: Duration) -> Option<Deaf> {
        let list = std::mem::take(&mut self.list);
        let all_are_watched =
            list.len() < MAX_WATCHED && self.begun.len() < MAX_WATCHED && self.ended.len() < MAX_WATCHED;
        let mut found = None;
        let mut here = BTreeSet::new();
        let mut silent = BTreeMap::new();
        for (id, is_younger) in list {
            self.missing.remove(&id);
            if is_younger && !self.begun.contains(&id) && !self.ended.contains(&id) {
                let since = self.silent.get(&id).copied().unwrap_or(now);
                if now.saturating_sub(since) >= apart {
                    found = Some(Deaf::Beginnings);
                }
                silent.insert(id, since);
            }
            if !self.ended.contains(&id) {
                here.insert(id);
            }
        }
        for id in self.before.iter().filter(|id| !here.contains(id) && !self.ended.contains(id)) {
            self.missing.entry(*id).or_insert(now);
        }
        if self.missing.values().any(|since| now.saturating_sub(*since) >= SURELY_GONE) {
            found = found.or(Some(Deaf::Ends));
        }
        self.before = here;
        self.silent = silent;
        self.ended.clear();
        let is_half = self.heard_any && self.sees_agents && !self.heard_agents && !self.agents_told;
        if found.is_none() && is_half {
            self.agents_told = true;
            return Some(Deaf::Agents);
        }
        if !all_are_watched || self.deaf.is_some() {
            return None;
        }
        self.deaf = found;
        found
    }
}

/// FNV-1a: the same on every run, and nobody gains by a collision.
fn digest(id: &str) -> u64 {
    id.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// At a minute: these channels of that age.
    fn look(hearing: &mut Hearing, at: u32, listed: &[(&str, u32)]) -> Option<Deaf> {
        hearing.list_begins();
        for (id, age) in listed {
            hearing.listed(id, *age * SECOND, at * SECOND);
        }
        hearing.list_ends(at * SECOND, 55 * SECOND)
    }

    #[test]
    fn a_channel_younger_than_the_link_that_is_in_two_lists_and_never_began_shows_a_deaf_link() {
        let mut hearing = Hearing::default();
        assert_eq!(look(&mut hearing, 60, &[("1.1", 20)]), None);
        assert_eq!(look(&mut hearing, 70, &[("1.1", 30)]), None, "too soon");
        assert_eq!(look(&mut hearing, 120, &[("1.1", 80)]), Some(Deaf::Beginnings));
        assert_eq!(look(&mut hearing, 180, &[("1.1", 140)]), None, "told once");
        assert!(!hearing.heard("Hangup", "1.1"));
        assert!(hearing.heard("Newchannel", "1.2"), "it hears after all");
        assert_eq!(look(&mut hearing, 240, &[("1.2", 20)]), None);
        assert_eq!(look(&mut hearing, 300, &[("1.2", 80)]), None);
    }

    #[test]
    fn what_is_older_than_the_link_or_was_heard_shows_nothing() {
        let mut hearing = Hearing::default();
        hearing.heard("Newchannel", "1.2");
        for minute in 1..5 {
            let age = minute * 60;
            assert_eq!(look(&mut hearing, age, &[("1.1", age + 10), ("1.2", age - 20)]), None, "{minute}");
        }
    }

    #[test]
    fn a_channel_that_is_gone_without_a_hangup_shows_a_deaf_link() {
        let mut hearing = Hearing::default();
        assert_eq!(look(&mut hearing, 60, &[("1.1", 100)]), None);
        assert_eq!(look(&mut hearing, 120, &[]), None, "its hang-up may be on its way");
        assert!(hearing.is_doubtful());
        assert_eq!(look(&mut hearing, 125, &[]), Some(Deaf::Ends));
        let mut hearing = Hearing::default();
        assert_eq!(look(&mut hearing, 60, &[("1.1", 100)]), None);
        assert!(!hearing.heard("Hangup", "1.1"));
        assert_eq!(look(&mut hearing, 120, &[]), None);
        assert_eq!(look(&mut hearing, 180, &[]), None);
    }

    #[test]
    fn a_queue_that_serves_and_says_nothing_is_unheard_and_told_once() {
        let mut hearing = Hearing::default();
        let queue = |hearing: &mut Hearing, at: u32| {
            hearing.list_begins();
            hearing.listed("1.1", (at - 10) * SECOND, at * SECOND);
            hearing.sees_agent();
            hearing.list_ends(at * SECOND, 55 * SECOND)
        };
        assert_eq!(queue(&mut hearing, 60), None, "where nothing comes at all, that is what is told");
        hearing.heard("Newchannel", "1.1");
        assert_eq!([queue(&mut hearing, 80), queue(&mut hearing, 140)], [Some(Deaf::Agents), None]);
        assert!(hearing.heard_agent() && !hearing.heard_agent(), "it is heard after all");
        assert_eq!(queue(&mut hearing, 200), None);
    }

    #[test]
    fn a_hang_up_while_the_list_is_read_counts() {
        let mut hearing = Hearing::default();
        hearing.list_begins();
        hearing.listed("1.1", 100 * SECOND, 60 * SECOND);
        hearing.heard("Hangup", "1.1");
        assert_eq!(hearing.list_ends(60 * SECOND, 55 * SECOND), None);
        assert_eq!(look(&mut hearing, 120, &[]), None);
        assert_eq!(look(&mut hearing, 180, &[]), None);
    }
}
