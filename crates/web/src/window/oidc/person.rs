//! Who came through the provider, as one of the users: known by issuer and subject and by nothing else.

use ::oidc::Person;
use journal::settings::{Scope, Setting, SettingKey, User, Vouched};
use journal::{SettingsCache, WallTime};
use sha2::{Digest as _, Sha256};

use super::super::messages::Language;
use super::{Fail, audit};

/// What their names among the users begin with; names of others have no colon.
const PREFIX: &str = "oidc:";
/// So many characters follow.
const KEY_CHARS: usize = 16;
/// So many are kept; who was away longest makes room.
const PERSONS_MAX: usize = 10_000;

/// The name among the users: the same for the same person for ever.
fn key(person: &Person) -> String {
    let mut hash = Sha256::new();
    hash.update(person.issuer.as_bytes());
    // No URL has a line break.
    hash.update(b"\n");
    hash.update(person.subject.as_bytes());
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{PREFIX}{}", &hex[..KEY_CHARS])
}

/// What people are shown.
pub(in super::super) fn shown<'a>(key: &'a str, user: &'a User) -> &'a str {
    user.vouched.as_ref().map_or(key, |vouched| &vouched.name)
}

/// What stands in the audit log. A name at the provider may be anybody's: the key behind it is theirs alone,
/// and no user of ours can be called so.
pub(in super::super) fn who(key: &str, user: &User) -> String {
    match &user.vouched {
        None => key.to_owned(),
        Some(vouched) => format!("{} [{key}]", vouched.name),
    }
}

/// What a session is opened with and ends with: another password, or being removed and coming anew.
pub(in super::super) fn opened_with(user: &User) -> String {
    match &user.vouched {
        None => user.password_hash.clone(),
        Some(vouched) => format!("since {}", vouched.came_at.0),
    }
}

/// Keeps what the provider says today.
pub(super) async fn keep(
    cache: &SettingsCache,
    person: &Person,
    scope: Scope,
    language: Language,
    now: WallTime,
) -> Result<(String, User), Fail> {
    let key = key(person);
    let present = cache.user(&key).map(|(user, _)| user);
    let known = present.as_ref().and_then(|user| user.vouched.as_ref());
    if known.is_some_and(|known| !is(known, person)) {
        return Err(Fail::broken("two people of the provider have the same key"));
    }
    if known.is_none() {
        make_room(cache).await?;
    }
    let vouched = Vouched {
        issuer: person.issuer.clone(),
        subject: person.subject.clone(),
        name: person.name.clone(),
        came_at: known.map_or(now, |known| known.came_at),
        seen_at: now,
    };
    let language = present.as_ref().map_or(language.code(), |user| &user.language).to_owned();
    let user = User { password_hash: String::new(), scope, language, vouched: Some(vouched) };
    cache.put(SettingKey::User(key.clone()), Some(Setting::User(user.clone())), None).await?;
    Ok((key, user))
}

/// Forgets who may do nothing here any more: that ends their sessions too.
pub(super) async fn forget(cache: &SettingsCache, person: &Person) -> Result<(), Fail> {
    let key = key(person);
    tracing::warn!(name = person.name, key, "somebody the OpenID provider vouches for may do nothing here");
    let Some((user, _)) = cache.user(&key) else { return Ok(()) };
    if user.vouched.as_ref().is_some_and(|known| is(known, person)) {
        let who = who(&key, &user);
        cache.put(SettingKey::User(key), None, None).await?;
        audit::note(cache, &who, "audit.oidc_out", "", "").await;
    }
    Ok(())
}

fn is(known: &Vouched, person: &Person) -> bool {
    known.issuer == person.issuer && known.subject == person.subject
}

async fn make_room(cache: &SettingsCache) -> Result<(), Fail> {
    let users = cache.users();
    let persons = users.iter().filter_map(|(key, (user, _))| Some((key, user.vouched.as_ref()?.seen_at)));
    let persons: Vec<_> = persons.collect();
    if persons.len() < PERSONS_MAX {
        return Ok(());
    }
    if let Some((longest_away, _)) = persons.into_iter().min_by_key(|(_, seen_at)| *seen_at) {
        cache.put(SettingKey::User(longest_away.clone()), None, None).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use journal::memory::Memory;

    use super::*;

    fn person(issuer: &str, subject: &str) -> Person {
        Person { issuer: issuer.into(), subject: subject.into(), name: "Mette".into(), scope: None }
    }

    async fn come(cache: &SettingsCache, subject: &str, secs: i64) -> String {
        let person = person("https://a.example", subject);
        let now = WallTime(secs * 1_000_000);
        let kept = keep(cache, &person, Scope::Everything, Language::Danish, now).await;
        kept.map(|(key, _)| key).unwrap_or_default()
    }

    #[test]
    fn a_person_is_known_by_issuer_and_subject_and_by_nothing_else() {
        let one = key(&person("https://a.example", "7"));
        assert!(one.starts_with(PREFIX) && one.len() == PREFIX.len() + KEY_CHARS, "{one}");
        assert_eq!(one, key(&Person { name: "Another".into(), ..person("https://a.example", "7") }));
        assert_ne!(one, key(&person("https://a.example", "8")));
        assert_ne!(one, key(&person("https://b.example", "7")));
        assert_ne!(key(&person("https://a.example", "17")), key(&person("https://a.example1", "7")));
    }

    #[tokio::test]
    async fn people_are_bounded_and_who_was_away_longest_makes_room() {
        let cache = SettingsCache::load(Arc::new(Memory::new())).await.unwrap();
        let first = come(&cache, "first", 1).await;
        let second = come(&cache, "second", 0).await;
        for number in 2..PERSONS_MAX {
            let vouched = Vouched {
                issuer: "https://a.example".into(),
                subject: number.to_string(),
                name: String::new(),
                came_at: WallTime(9_000_000),
                seen_at: WallTime(9_000_000),
            };
            let user = User {
                password_hash: String::new(),
                scope: Scope::Everything,
                language: String::new(),
                vouched: Some(vouched),
            };
            let setting = Some(Setting::User(user));
            cache.put(SettingKey::User(format!("oidc:{number:016}")), setting, None).await.unwrap();
        }
        come(&cache, "first", 10).await;
        assert_eq!(cache.users().len(), PERSONS_MAX, "who is known needs no room");
        come(&cache, "new", 11).await;
        assert_eq!(cache.users().len(), PERSONS_MAX);
        assert!(cache.user(&first).is_some() && cache.user(&second).is_none());
    }
}
