//! What a manager user may hear and do, as `read` and `write` of `manager.conf` say it.

use std::fmt;

/// The classes of AMI, in the order in which Asterisk lists them.
const CLASSES: [&str; 18] = [
    "system",
    "call",
    "log",
    "verbose",
    "command",
    "agent",
    "user",
    "config",
    "dtmf",
    "reporting",
    "cdr",
    "dialplan",
    "originate",
    "agi",
    "cc",
    "aoc",
    "test",
    "security",
];

/// A set of classes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rights(u32);

impl Rights {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// All of them.
    pub const ALL: Self = Self((1 << CLASSES.len()) - 1);

    /// Reads `system,call,agent`, `all`, `on`, `off`, or nothing. Unknown words are passed over, as Asterisk
    /// does it.
    pub fn of(words: &str) -> Self {
        let class = |word: &str| match word {
            "all" | "on" | "yes" => Self::ALL.0,
            _ => CLASSES.iter().position(|class| *class == word).map_or(0, |bit| 1 << bit),
        };
        Self(words.split(',').map(|word| class(word.trim())).fold(0, |all, one| all | one))
    }

    /// Whether they share a class.
    pub(super) const fn touch(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = CLASSES.iter().enumerate().filter(|(bit, _)| self.0 & (1 << bit) != 0);
        match names.next() {
            None => f.write_str("<none>"),
            Some((_, first)) => {
                f.write_str(first)?;
                names.try_for_each(|(_, name)| write!(f, ",{name}"))
            }
        }
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rights({self})")
    }
}
