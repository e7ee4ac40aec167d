//! What a setting is made of, field by field: what two people who changed it at once are told of.

use std::num::NonZeroU32;

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

    /// The version to write against, when this one is there (0 for none). `yours` is what is wanted; nothing where it
    /// is to go. `at` says what was there at a version, as far as that is remembered.
    pub(crate) fn against<T: Fields>(
        self,
        there: Option<(&T, u64)>,
        yours: Option<&T>,
        at: impl FnOnce(u64) -> Option<(T, u64)>,
    ) -> Result<u64, Refusal> {
        let (now, found) = there.map_or((None, 0), |(now, version)| (Some(now), version));
        let (had, good) = match self {
            Self::Any => (found, true),
            Self::New => (0, found == 0),
            Self::Version(version) => (version, found == version),
            Self::Seen(revision) => {
                // Who wants what is there already loses nothing.
                let same = now.zip(yours).is_some_and(|(now, yours)| now.fields() == yours.fields());
                (revision, found <= revision || same)
            }
        };
        if good {
            return Ok(found);
        }
        let was = at(had).filter(|(_, version)| matches!(self, Self::Seen(_)) || *version == had);
        Err(Refusal::changed(had, found, changes(was.as_ref().map(|(was, _)| was), now, yours)))
    }
}

/// Something that has fields.
pub(crate) trait Fields: Sized {
    /// Their names as the API has them, and their values in words; of secrets only whether they are there.
    fn fields(&self) -> Vec<(&'static str, String)>;

    /// As it is kept.
    fn setting(self) -> Setting;

    /// What is kept, if it is one.
    fn of(setting: Setting) -> Option<Self>;
}

/// What was changed meanwhile, field by field. Where nobody remembers what was, what differs from what is wanted.
fn changes<T: Fields>(was: Option<&T>, now: Option<&T>, yours: Option<&T>) -> Vec<FieldChange> {
    let [mut was, mut now, mut yours] = [was, now, yours].map(|one| one.map(|one| one.fields().into_iter()));
    let some = [&was, &now, &yours].into_iter().flatten().next();
    let fields: Vec<_> =
        some.map(|fields| fields.clone().map(|(field, _)| field).collect()).unwrap_or_default();
    let next = |of: &mut Option<std::vec::IntoIter<(&'static str, String)>>| Some(of.as_mut()?.next()?.1);
    let is_there = now.is_some();
    let change = |field| {
        let (was, now, yours) = (next(&mut was), next(&mut now).unwrap_or_default(), next(&mut yours));
        let differs = match (&was, &yours) {
            (Some(was), _) => *was != now,
            (None, Some(yours)) => is_there && *yours != now,
            (None, None) => false,
        };
        differs.then_some(FieldChange { field, was, now, yours })
    };
    fields.into_iter().filter_map(change).collect()
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
            ("alert.url", self.alert.url.clone().unwrap_or_default()),
            ("alert.mail", self.alert.mail.clone().unwrap_or_default()),
            ("alert.language", self.alert.language.clone()),
        ]
    }

    fn setting(self) -> Setting {
        Setting::Account(self)
    }

    fn of(setting: Setting) -> Option<Self> {
        if let Setting::Account(one) = setting { Some(one) } else { None }
    }
}

impl Fields for Employee {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("name", self.name.clone())]
    }

    fn setting(self) -> Setting {
        Setting::Employee(self)
    }

    fn of(setting: Setting) -> Option<Self> {
        if let Setting::Employee(one) = setting { Some(one) } else { None }
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

    fn of(setting: Setting) -> Option<Self> {
        if let Setting::Phone(one) = setting { Some(one) } else { None }
    }
}

impl Fields for User {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("scope", format!("{:?}", self.scope)), ("password", "•••".to_owned())]
    }

    fn setting(self) -> Setting {
        Setting::User(self)
    }

    fn of(setting: Setting) -> Option<Self> {
        if let Setting::User(one) = setting { Some(one) } else { None }
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
            ("e164_country", self.e164_country.clone().unwrap_or_default()),
            ("extras", format!("{:?}", self.extras)),
            ("headers", headers.collect::<Vec<_>>().join(", ")),
            // Secrets print themselves as dots.
            ("credentials", self.credentials.as_ref().map(|one| format!("{one:?}")).unwrap_or_default()),
            ("secret", if self.secrets.is_empty() { String::new() } else { "•••".to_owned() }),
            ("ca_pem", self.ca_pem.clone()),
            ("retry.incoming_secs", number(self.retry.incoming_secs)),
            ("retry.others_secs", number(self.retry.others_secs)),
            ("rate", number(self.rate.map(NonZeroU32::get))),
            ("paused", self.paused.keys().map(|kind| kind.name()).collect::<Vec<_>>().join(", ")),
        ]
    }

    fn setting(self) -> Setting {
        Setting::Integration(Box::new(self))
    }

    fn of(setting: Setting) -> Option<Self> {
        if let Setting::Integration(one) = setting { Some(*one) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Employee {
        Employee { name: name.into() }
    }

    fn told(
        expect: Expect,
        there: Option<&str>,
        was: Option<(&str, u64)>,
    ) -> Option<(Option<String>, String)> {
        let there = there.map(named);
        let there = there.as_ref().map(|one| (one, 9));
        let refusal =
            expect.against(there, Some(&named("yours")), |_| was.map(|(name, at)| (named(name), at)));
        let changed = *refusal.err()?.changed?;
        let field = changed.fields.into_iter().next()?;
        assert_eq!((field.field, field.yours.as_deref()), ("name", Some("yours")));
        Some((field.was, field.now))
    }

    #[test]
    fn what_was_is_told_if_it_is_what_was_seen() {
        let (was, now) = (|name: &str| Some(name.to_owned()), |name: &str| name.to_owned());
        let at_5 = Some(("then", 5));
        assert_eq!(told(Expect::Version(5), Some("now"), at_5), Some((was("then"), now("now"))));
        assert_eq!(told(Expect::Version(6), Some("now"), at_5), Some((None, now("now"))), "that was another");
        assert_eq!(told(Expect::Seen(6), Some("now"), at_5), Some((was("then"), now("now"))));
        assert_eq!(told(Expect::New, Some("now"), None), Some((None, now("now"))));
        assert_eq!(told(Expect::Version(5), None, at_5), Some((was("then"), now(""))), "it was removed");
        assert_eq!(told(Expect::Version(5), None, None), None);
    }

    #[test]
    fn what_nobody_changed_is_not_told() {
        let phone = |name: &str| Phone { name: name.into(), holder: Holder::SameNumber };
        let there = (&phone("now"), 9);
        let yours = Phone { name: "yours".into(), holder: Holder::Nobody };
        let refusal = Expect::Version(5).against(Some(there), Some(&yours), |_| Some((phone("then"), 5)));
        let fields = refusal.unwrap_err().changed.unwrap().fields;
        assert_eq!(fields.iter().map(|one| one.field).collect::<Vec<_>>(), ["name"]);
    }
}
