//! What settings were before they were changed, as long as somebody may still be looking at a page that shows it: who
//! is refused because of a change is told what it was, too.

use std::collections::VecDeque;

use crate::settings::{Setting, SettingKey};

/// So many values are remembered; the one that was replaced longest ago makes room.
const REMEMBERED: usize = 512;

/// Values that were replaced, in the order in which they were.
#[derive(Default)]
pub(super) struct Replaced(VecDeque<(SettingKey, u64, Setting)>);

impl Replaced {
    pub(super) fn remember(&mut self, key: &SettingKey, version: u64, value: Setting) {
        if self.0.len() >= REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((key.clone(), version, value));
    }

    /// What was there at a revision, if it was replaced since and is remembered; with its version.
    pub(super) fn at(&self, key: &SettingKey, revision: u64) -> Option<(Setting, u64)> {
        let of_key = self.0.iter().rev().filter(|(of, ..)| of == key);
        let mut then = of_key.skip_while(|(_, version, _)| *version > revision);
        then.next().map(|(_, version, value)| (value.clone(), *version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Account;

    fn account(name: &str) -> Setting {
        Setting::Account(Account::named(name))
    }

    #[test]
    fn what_was_there_is_remembered_by_revision_and_the_oldest_makes_room() {
        let mut replaced = Replaced::default();
        let key = |id: &str| SettingKey::Account(calls::AccountId::new(id));
        replaced.remember(&key("1"), 3, account("three"));
        replaced.remember(&key("2"), 4, account("another's"));
        replaced.remember(&key("1"), 7, account("seven"));
        assert_eq!(replaced.at(&key("1"), 2), None);
        assert_eq!(replaced.at(&key("1"), 6), Some((account("three"), 3)));
        assert_eq!(replaced.at(&key("1"), 7), Some((account("seven"), 7)));
        for version in 0..REMEMBERED as u64 {
            replaced.remember(&key("3"), version, account("more"));
        }
        assert_eq!((replaced.at(&key("1"), 9), replaced.0.len()), (None, REMEMBERED));
    }
}
