//! Why something was not done: a code of the table, what it is filled with, the field it is about.

use std::fmt;
use std::time::Duration;

use journal::JournalError;

use crate::codes::{Code, Family};
use crate::language::Language;

/// What a hole of a sentence is filled with.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Filling {
    /// The same in every language.
    Plain(String),
    /// As programs know it, in English and in Danish.
    Named(String, String, String),
}

/// A field that has another value than the one who was refused thought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// The field, as the API calls it.
    pub field: &'static str,
    /// What it was when it was read; nothing where nobody remembers.
    pub was: Option<String>,
    /// What it is now; empty where it was removed.
    pub now: String,
    /// What was wanted; nothing where it was to be removed.
    pub yours: Option<String>,
}

impl FieldChange {
    /// In words, as far as they are known.
    fn told(&self, was: &str, is: &str, yours: &str) -> String {
        let part = |word: &str, value: &String| format!("{word} \"{value}\"");
        let was = self.was.as_ref().map(|value| part(was, value));
        let yours = self.yours.as_ref().map(|value| part(yours, value));
        let parts = was.into_iter().chain([part(is, &self.now)]).chain(yours);
        format!("{} {}", self.field, parts.collect::<Vec<_>>().join(", "))
    }
}

/// What was changed meanwhile by somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The version that is there; 0 if it was removed.
    pub version: u64,
    /// The fields somebody else changed; where nobody remembers what was, those that differ from what was wanted.
    pub fields: Vec<FieldChange>,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which one of the table.
    pub code: Code,
    /// The field it is about, as a path (`headers.X-Key`); empty if it is about none.
    pub field: String,
    /// What was changed meanwhile.
    pub changed: Option<Box<Changed>>,
    /// When it is worth asking again.
    pub retry_after: Option<Duration>,
    fillings: Vec<(&'static str, Filling)>,
}

impl Refusal {
    /// A refusal that is about no field.
    pub fn new(code: Code) -> Self {
        Self { code, field: String::new(), changed: None, retry_after: None, fillings: Vec::new() }
    }

    /// A refusal of a field.
    pub fn of(code: Code, field: impl Into<String>) -> Self {
        Self { field: field.into(), ..Self::new(code) }
    }

    /// With a hole filled.
    #[must_use]
    pub fn with(mut self, hole: &'static str, value: impl fmt::Display) -> Self {
        self.fillings.push((hole, Filling::Plain(value.to_string())));
        self
    }

    /// With a hole filled by words, in English and in Danish.
    #[must_use]
    pub fn either(
        mut self,
        hole: &'static str,
        english: impl Into<String>,
        danish: impl Into<String>,
    ) -> Self {
        let english = english.into();
        self.fillings.push((hole, Filling::Named(english.clone(), english, danish.into())));
        self
    }

    /// The same by a name that programs know.
    #[must_use]
    pub(crate) fn named(mut self, hole: &'static str, name: &str, english: &str, danish: &str) -> Self {
        self.fillings.push((hole, Filling::Named(name.into(), english.into(), danish.into())));
        self
    }

    /// The sentence for a person.
    pub fn told(&self, language: Language) -> String {
        let sentence = self.code.sentence(language);
        self.fillings.iter().fold(sentence, |text, (hole, filling)| {
            let value = match (filling, language) {
                (Filling::Plain(value), _) => value.as_str(),
                (Filling::Named(_, english, _), Language::English) => english,
                (Filling::Named(_, _, danish), Language::Danish) => danish,
            };
            text.replace(&format!("{{{hole}}}"), value)
        })
    }

    /// What the sentence is filled with, by name, as programs go by it.
    pub fn args(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.fillings.iter().map(|(hole, filling)| match filling {
            Filling::Plain(value) | Filling::Named(value, ..) => (*hole, value.as_str()),
        })
    }

    /// The sentence in English, the language of the API and the command line.
    pub fn message(&self) -> String {
        self.told(Language::English)
    }

    /// Somebody else was faster: what is there, and what was wanted.
    pub(crate) fn changed(had: u64, version: u64, fields: Vec<FieldChange>) -> Self {
        let code = if version == 0 { Code::RemovedMeanwhile } else { Code::ChangedMeanwhile };
        let all = |[was, is, yours]: [&str; 3]| {
            let told = |one: &FieldChange| one.told(was, is, yours);
            fields.iter().map(told).collect::<Vec<_>>().join("; ")
        };
        let (english, danish) = if fields.is_empty() {
            (
                "to the same values, or in what is never shown".to_owned(),
                "til de samme værdier, eller i det, der aldrig vises".to_owned(),
            )
        } else {
            (all(["was", "is now", "yours was"]), all(["var", "er nu", "dit var"]))
        };
        let mut refusal = Self::new(code).with("found", version).with("expected", had);
        refusal = refusal.either("what", english, danish);
        refusal.changed = Some(Box::new(Changed { version, fields }));
        refusal
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.message())
        } else {
            write!(f, "{}: {}", self.field, self.message())
        }
    }
}

impl std::error::Error for Refusal {}

impl From<JournalError> for Refusal {
    /// The reason is the operator's, in the log: paths of the machine are nobody else's.
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Conflict { expected, found } => {
                Self::new(if found == 0 { Code::RemovedMeanwhile } else { Code::ChangedMeanwhile })
                    .with("expected", expected)
                    .with("found", found)
                    .either("what", "read it again", "læs det igen")
            }
            // The key was changed since the store was opened: who asks again opens it with the new one.
            JournalError::WrongKey { .. }
            | JournalError::Unwritable { .. }
            | JournalError::Unknown { .. }
            | JournalError::Closed => {
                tracing::error!(%error, "something that was asked could not be done");
                Self::new(Code::Unavailable)
            }
            _ => {
                tracing::error!(%error, "something that was asked could not be done");
                Self::new(Code::Internal)
            }
        }
    }
}

impl Refusal {
    /// The family, as the API's envelope has it.
    pub fn family(&self) -> Family {
        self.code.family()
    }
}
