//! People a provider vouches for, as users: known by issuer and subject and by nothing else.

use std::net::IpAddr;

use calls::AccountId;
use journal::Put;
use journal::settings::{Scope, Setting, SettingKey, User, Vouched};
use sha2::{Digest as _, Sha256};

use super::at_door;
use crate::admin::Admin;
use crate::tokens::role_of;
use crate::{Actor, Code, Refusal, clock};

/// What their names among the users begin with; names of others have no colon.
const PREFIX: &str = "oidc:";
/// So many characters follow.
const KEY_CHARS: usize = 16;
/// So many are kept; who was away longest makes room.
const PERSONS_MAX: usize = 10_000;

/// A person as a provider knows them.
#[derive(Clone, Debug)]
pub struct VouchedPerson {
    /// The provider's own name.
    pub issuer: String,
    /// What it calls the person.
    pub subject: String,
    /// For people.
    pub name: String,
}

/// What becomes of a person a provider vouches for.
#[derive(Debug)]
pub enum Admission {
    /// They come in, by this name among the users.
    In(String, User),
    /// The provider gives them no role here.
    NoRole,
    /// It gives them one for an account that is not there.
    NoAccount(AccountId),
}

impl VouchedPerson {
    /// The name among the users: the same for the same person for ever.
    fn key(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.issuer.as_bytes());
        // No URL has a line break.
        hash.update(b"\n");
        hash.update(self.subject.as_bytes());
        let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{PREFIX}{}", &hex[..KEY_CHARS])
    }

    fn is(&self, known: &Vouched) -> bool {
        known.issuer == self.issuer && known.subject == self.subject
    }
}

/// What stands in the audit log. A name at the provider may be anybody's: the key behind it is theirs alone, and no
/// user of ours can be called so.
pub fn logged_as(key: &str, user: &User) -> String {
    match &user.vouched {
        None => key.to_owned(),
        Some(vouched) => format!("{} [{key}]", vouched.name),
    }
}

impl Admin {
    /// Takes in a person a provider vouches for, as what it says they are today. Who may do nothing here is forgotten:
    /// that ends their sessions too. `provider` is what people call it.
    pub async fn admit(
        &self,
        person: &VouchedPerson,
        scope: Option<Scope>,
        provider: &str,
        language: &str,
        from: Option<IpAddr>,
    ) -> Result<Admission, Refusal> {
        let refused = match scope {
            None => Admission::NoRole,
            Some(scope) => match role_of(&scope).1 {
                Some(account) if self.cache.account(account).is_none() => {
                    Admission::NoAccount(account.clone())
                }
                Some(_) | None => return self.keep(person, scope, provider, language, from).await,
            },
        };
        self.forget(person, from).await?;
        Ok(refused)
    }

    async fn keep(
        &self,
        person: &VouchedPerson,
        scope: Scope,
        provider: &str,
        language: &str,
        from: Option<IpAddr>,
    ) -> Result<Admission, Refusal> {
        let (key, now) = (person.key(), clock::now());
        let present = self.person(&key);
        let known = present.as_ref().and_then(|user| user.vouched.as_ref());
        if known.is_some_and(|known| !person.is(known)) {
            tracing::error!(key, "two people of the provider have the same key");
            return Err(Refusal::new(Code::Internal));
        }
        let mut puts = if known.is_none() { self.room_for_one() } else { Vec::new() };
        let vouched = Vouched {
            issuer: person.issuer.clone(),
            subject: person.subject.clone(),
            name: person.name.clone(),
            came_at: known.map_or(now, |known| known.came_at),
            seen_at: now,
        };
        let language = present.as_ref().map_or(language, |user| &user.language).to_owned();
        let user = User { password_hash: String::new(), scope, language, vouched: Some(vouched) };
        let value = Some(Setting::User(user.clone()));
        puts.push(Put { key: SettingKey::User(key.clone()), value, expected: None });
        let actor = Actor::person(logged_as(&key, &user), user.scope.clone()).at(from);
        self.cache.put_all(puts, vec![at_door("audit.oidc", provider).by(&actor)]).await?;
        Ok(Admission::In(key, user))
    }

    async fn forget(&self, person: &VouchedPerson, from: Option<IpAddr>) -> Result<(), Refusal> {
        let key = person.key();
        tracing::warn!(
            name = person.name,
            key,
            "somebody the OpenID provider vouches for may do nothing here"
        );
        let Some(user) = self.person(&key) else { return Ok(()) };
        if user.vouched.as_ref().is_some_and(|known| person.is(known)) {
            let actor = Actor::person(logged_as(&key, &user), user.scope).at(from);
            let put = Put { key: SettingKey::User(key), value: None, expected: None };
            self.cache.put_all(vec![put], vec![at_door("audit.oidc_out", "").by(&actor)]).await?;
        }
        Ok(())
    }

    /// Who has to go so that there is room for one more.
    fn room_for_one(&self) -> Vec<Put> {
        let users = self.cache.users();
        let vouched: Vec<_> =
            users.iter().filter_map(|(key, (user, _))| Some((key, user.vouched.as_ref()?.seen_at))).collect();
        if vouched.len() < PERSONS_MAX {
            return Vec::new();
        }
        let longest_away = vouched.into_iter().min_by_key(|(_, seen_at)| *seen_at);
        let gone =
            |(key, _): (&String, _)| Put { key: SettingKey::User(key.clone()), value: None, expected: None };
        longest_away.map(gone).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use journal::WallTime;

    use super::super::room;
    use super::*;

    fn person(issuer: &str, subject: &str) -> VouchedPerson {
        VouchedPerson { issuer: issuer.into(), subject: subject.into(), name: "Mette".into() }
    }

    async fn come(admin: &Admin, subject: &str) -> String {
        let person = person("https://a.example", subject);
        match admin.admit(&person, Some(Scope::Everything), "Nordlys", "da", None).await.unwrap() {
            Admission::In(key, _) => key,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_person_is_known_by_issuer_and_subject_and_by_nothing_else() {
        let one = person("https://a.example", "7").key();
        assert!(one.starts_with(PREFIX) && one.len() == PREFIX.len() + KEY_CHARS, "{one}");
        assert_eq!(one, VouchedPerson { name: "Another".into(), ..person("https://a.example", "7") }.key());
        assert_ne!(one, person("https://a.example", "8").key());
        assert_ne!(one, person("https://b.example", "7").key());
        assert_ne!(person("https://a.example", "17").key(), person("https://a.example1", "7").key());
    }

    #[tokio::test]
    async fn people_are_bounded_and_who_was_away_longest_makes_room() {
        let admin = room().await.unwrap();
        let first = come(&admin, "first").await;
        let known = |number: usize| {
            let seen_at = WallTime(i64::try_from(number).unwrap());
            let (issuer, subject) = ("https://a.example".to_owned(), number.to_string());
            let vouched = Vouched { issuer, subject, name: String::new(), came_at: seen_at, seen_at };
            let user = User {
                password_hash: String::new(),
                scope: Scope::Everything,
                language: String::new(),
                vouched: Some(vouched),
            };
            let key = SettingKey::User(format!("oidc:{number:016}"));
            Put { key, value: Some(Setting::User(user)), expected: None }
        };
        admin.cache.put_all((1..PERSONS_MAX).map(known).collect(), Vec::new()).await.unwrap();
        come(&admin, "first").await;
        assert_eq!(admin.cache.users().len(), PERSONS_MAX, "who is known needs no room");
        let longest_away = format!("oidc:{:016}", 1);
        assert!(admin.person(&longest_away).is_some());
        come(&admin, "new").await;
        assert_eq!(admin.cache.users().len(), PERSONS_MAX);
        assert!(admin.person(&first).is_some() && admin.person(&longest_away).is_none());
    }
}
