//! What a setting is made of, field by field: what two people who changed it at once are told of.

use journal::settings::{Account, Employee, Holder, Integration, Phone, Setting, User};

use crate::refusal::{FieldChange, Refusal};

/// The version a change is made against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Whatever is there.
    Any,
    /// Nothing is there yet.
    New,
    /// This version, as it was read.
    Version(u64),
    /// What was there when the page was made: nothing that changed later, of whatever number.
    Seen(u64),
}

impl Expect {
    /// From the version that a form or a header has, if it has one; 0 is a thing that is not there yet.
    pub fn version(version: Option<u64>) -> Self {
        match version {
            None => Self::Any,
            Some(0) => Self::New,
            Some(version) => Self::Version(version),
        }
    }

    /// The version to write against, when this one is there (0 for none).
    pub(crate) fn against<T: Fields>(self, there: Option<(&T, u64)>, yours: &T) -> Result<u64, Refusal> {
        let found = there.map_or(0, |(_, version)| version);
        let (had, good) = match self {
            Self::Any => (found, true),
            Self::New => (0, found == 0),
            Self::Version(version) => (version, found == version),
            Self::Seen(revision) => {
                // Who wants what is there already loses nothing.
                let same = there.is_some_and(|(one, _)| differing(one, yours).is_empty());
                (revision, found <= revision || same)
            }
        };
        if good {
            return Ok(found);
        }
        let fields = there.map(|(one, _)| differing(one, yours)).unwrap_or_default();
        Err(Refusal::changed(had, found, fields))
    }
}

/// Something that has fields.
pub(crate) trait Fields {
    /// Their names as the API has them, and their values in words; of secrets only whether they are there.
    fn fields(&self) -> Vec<(&'static str, String)>;

    /// As it is kept.
    fn setting(self) -> Setting;
}

/// The fields in which two differ.
fn differing<T: Fields>(now: &T, yours: &T) -> Vec<FieldChange> {
    let both = now.fields().into_iter().zip(yours.fields());
    both.filter(|((_, now), (_, yours))| now != yours)
        .map(|((field, now), (_, yours))| FieldChange { field, now, yours })
        .collect()
}

fn number(count: Option<u32>) -> String {
    count.map(|count| count.to_string()).unwrap_or_default()
}

impl Fields for Account {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("name", self.name.clone()),
            ("keep.days", number(self.keep.days)),
            ("keep.megabytes", number(self.keep.megabytes)),
        ]
    }

    fn setting(self) -> Setting {
        Setting::Account(self)
    }
}

impl Fields for Employee {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("name", self.name.clone())]
    }

    fn setting(self) -> Setting {
        Setting::Employee(self)
    }
}

impl Fields for Phone {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let holder = match &self.holder {
            Holder::SameNumber => String::new(),
            Holder::Employee(number) => number.clone(),
            Holder::Nobody => "-".to_owned(),
        };
        vec![("name", self.name.clone()), ("employee", holder)]
    }

    fn setting(self) -> Setting {
        Setting::Phone(self)
    }
}

impl Fields for User {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("scope", format!("{:?}", self.scope)), ("password", "•••".to_owned())]
    }

    fn setting(self) -> Setting {
        Setting::User(self)
    }
}

impl Fields for Integration {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let url = |url: &Option<String>| url.clone().unwrap_or_default();
        let headers = self.headers.iter().map(|(name, value)| format!("{name}: {value}"));
        vec![
            ("method", format!("{:?}", self.method).to_uppercase()),
            ("answered_url", url(&self.answered_url)),
            ("ended_url", url(&self.ended_url)),
            ("outgoing_url", url(&self.outgoing_url)),
            ("incoming_url", url(&self.incoming_url)),
            ("body_format", format!("{:?}", self.body_format).to_lowercase()),
            ("parameter_names", format!("{:?}", self.parameter_names)),
            ("time_format", format!("{:?}", self.time_format)),
            ("time_zone", self.time_zone.clone()),
            ("feature_codes", self.feature_codes.clone()),
            ("extras", format!("{:?}", self.extras)),
            ("headers", headers.collect::<Vec<_>>().join(", ")),
            // Secrets print themselves as dots.
            ("credentials", self.credentials.as_ref().map(|one| format!("{one:?}")).unwrap_or_default()),
            ("secret", if self.secrets.is_empty() { String::new() } else { "•••".to_owned() }),
            ("ca_pem", self.ca_pem.clone()),
            ("retry.incoming_secs", number(self.retry.incoming_secs)),
            ("retry.others_secs", number(self.retry.others_secs)),
            ("paused", self.paused.keys().map(|kind| kind.name()).collect::<Vec<_>>().join(", ")),
        ]
    }

    fn setting(self) -> Setting {
        Setting::Integration(Box::new(self))
    }
}
