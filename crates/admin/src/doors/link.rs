//! One-time links: whoever has one chooses a person's password, once and not for long. So nobody invents a password
//! for somebody else, and who has forgotten theirs gets a new one.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use journal::settings::{Secret, Setting, SettingKey, User};
use journal::{JournalError, Put, WallTime};

use super::{at_door, same};
use crate::admin::Admin;
use crate::change::{Expect, Fields as _};
use crate::noted::Noted;
use crate::tokens::{role_of, scope, token_hash};
use crate::users::operates;
use crate::{Actor, Code, Refusal, Role, clock, names, random_text};

/// How long a link is good.
pub(crate) const LIFE: Duration = Duration::from_secs(3 * 24 * 3600);

/// A link that lets a person choose their password.
pub struct UserLink {
    /// Whose.
    pub name: String,
    /// Its key: told now and never again.
    pub key: String,
    /// Good until then, or until it is used, another is made, or the password is changed otherwise.
    pub until: WallTime,
}

/// Where what is kept of a person's link lies. Names have no colon.
fn place(name: &str) -> SettingKey {
    SettingKey::System(format!("link:{name}"))
}

fn hex(text: &str) -> String {
    token_hash(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is kept of a link: of the key its hash, and that of the password in whose place another may be chosen.
struct KeptLink {
    key: String,
    until: WallTime,
    password: String,
}

impl KeptLink {
    fn read(kept: &Secret) -> Option<Self> {
        let mut parts = kept.expose().split(' ');
        let mut next = || parts.next().map(str::to_owned);
        Some(Self { key: next()?, until: WallTime(next()?.parse().ok()?), password: next()? })
    }

    fn setting(&self) -> Setting {
        Setting::System(Secret::new(format!("{} {} {}", self.key, self.until.0, self.password)))
    }

    fn is_good(&self, user: &User) -> bool {
        clock::now() < self.until && same(&self.password, &hex(&user.password_hash))
    }
}

/// The person a key says it is for; whether it is good is another question.
fn name_in(key: &str) -> Option<String> {
    let name = URL_SAFE_NO_PAD.decode(key.split_once('.')?.0).ok()?;
    String::from_utf8(name).ok()
}

impl UserLink {
    fn fresh(name: &str) -> Result<Self, Refusal> {
        let key = format!("{}.{}", URL_SAFE_NO_PAD.encode(name), random_text()?);
        let life = i64::try_from(LIFE.as_micros()).unwrap_or(i64::MAX);
        Ok(Self { name: name.to_owned(), key, until: WallTime(clock::now().0.saturating_add(life)) })
    }

    /// What keeps it, as long as this is the person's password.
    fn put(&self, password_hash: &str) -> Put {
        let kept = KeptLink { key: hex(&self.key), until: self.until, password: hex(password_hash) };
        Put { key: place(&self.name), value: Some(kept.setting()), expected: None }
    }
}

impl Admin {
    /// Makes a person, or changes what they may do; who has no password yet gets a link to choose one. What is not
    /// given stays as it is.
    ///
    /// # Errors
    /// What is wrong with name, role or account; that the name is another account's person's.
    pub async fn invite_user(
        &self,
        actor: &Actor,
        name: &str,
        role: Option<Role>,
        account: Option<&str>,
        expect: Expect,
    ) -> Result<Option<UserLink>, Refusal> {
        let name = names::user(name)?;
        let fresh = UserLink::fresh(&name)?;
        let wanted = |before: Option<&User>| match (role, account, before) {
            (None, None, Some(before)) => Ok(before.scope.clone()),
            (None, None, None) => Err(Refusal::of(Code::ScopeNeeded, "scope")),
            // The account stays where only the role is another.
            (Some(Role::Account | Role::ReadOnly), None, Some(before)) => {
                scope(role, role_of(&before.scope).1.map(calls::AccountId::as_str))
            }
            (role, account, _) => scope(role, account),
        };
        let make = |before: Option<&User>| {
            if before.is_some_and(|user| Self::sets_users_of(actor, &user.scope).is_err()) {
                return Err(Refusal::of(Code::UserThere, "name").with("name", &name));
            }
            let scope = wanted(before)?;
            Self::sets_users_of(actor, &scope)?;
            let scope = self.known(scope)?;
            self.keeps_an_operator(before, Some(&scope))?;
            let (password_hash, language) =
                before.map(|user| (user.password_hash.clone(), user.language.clone())).unwrap_or_default();
            Ok(User { password_hash, scope, language, vouched: None })
        };
        let with = |user: &User, _| {
            let account = role_of(&user.scope).1.map_or("", calls::AccountId::as_str);
            let noted = |what| Noted { what, account, subject: &name, detail: "" }.by(actor);
            match user.password_hash.is_empty() {
                true => (vec![fresh.put("")], vec![noted("audit.user"), noted("audit.user_link")]),
                false => (Vec::new(), vec![noted("audit.user")]),
            }
        };
        let key = SettingKey::User(name.clone());
        let there = |cache: &journal::SettingsCache| cache.user(&name);
        let written = self.change(&key, expect, there, make, with).await?;
        Ok(written.value.password_hash.is_empty().then_some(fresh))
    }

    /// Makes a link for a person who is there, in the place of one made before. Their password stays good until the
    /// link is used.
    ///
    /// # Errors
    /// That there is no such person, or that they have their password elsewhere.
    pub async fn reset_user(&self, actor: &Actor, name: &str) -> Result<UserLink, Refusal> {
        let (user, _) = self.user_to_change(actor, name)?;
        if user.vouched.is_some() {
            return Err(Refusal::new(Code::PasswordElsewhere));
        }
        let link = UserLink::fresh(name)?;
        let account = role_of(&user.scope).1.map_or("", calls::AccountId::as_str);
        let noted = Noted { what: "audit.user_link", account, subject: name, detail: "" };
        self.cache.put_all(vec![link.put(&user.password_hash)], vec![noted.by(actor)]).await?;
        Ok(link)
    }

    /// Until when a person's link is good, if they have one that is.
    pub fn link_until(&self, name: &str) -> Option<WallTime> {
        let (user, _) = self.cache.user(name)?;
        let (kept, _) = self.kept_link(name)?;
        kept.is_good(&user).then_some(kept.until)
    }

    /// Whose password the holder of this key may choose.
    pub async fn link_holder(&self, key: &str) -> Option<String> {
        let found = self.held_by(key);
        if found.is_none() && self.cache.refresh().await.is_ok() {
            // Made a moment ago by the command line.
            return self.held_by(key).map(|(name, ..)| name);
        }
        found.map(|(name, ..)| name)
    }

    /// The password its holder chose, hashed; the link is used up by it. The person's name.
    ///
    /// # Errors
    /// [`Code::LinkUsed`] for a key that is not good, or not any more.
    pub async fn choose_password(
        &self,
        key: &str,
        password_hash: String,
        from: Option<IpAddr>,
    ) -> Result<String, Refusal> {
        let used = || Refusal::new(Code::LinkUsed);
        let (name, (user, version), link) = self.held_by(key).ok_or_else(used)?;
        let actor = Actor::person(name.clone(), user.scope.clone()).at(from);
        let user = User { password_hash, ..user };
        let puts = vec![
            Put { key: place(&name), value: None, expected: Some(link) },
            Put { key: SettingKey::User(name.clone()), value: Some(user.setting()), expected: Some(version) },
        ];
        match self.cache.put_all(puts, vec![at_door("audit.link", "").by(&actor)]).await {
            Ok(_) => Ok(name),
            Err(JournalError::Conflict { .. }) => {
                self.cache.refresh().await?;
                Err(used())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What takes a person's link away with them.
    pub(crate) fn without_link(&self, name: &str) -> Option<Put> {
        let (_, version) = self.kept_link(name)?;
        Some(Put { key: place(name), value: None, expected: Some(version) })
    }

    fn kept_link(&self, name: &str) -> Option<(KeptLink, u64)> {
        let (kept, version) = self.cache.system(&format!("link:{name}"))?;
        Some((KeptLink::read(&kept)?, version))
    }

    /// The person, with their version, and the version of the link.
    fn held_by(&self, key: &str) -> Option<(String, (User, u64), u64)> {
        let name = name_in(key)?;
        let (user, version) = self.cache.user(&name)?;
        let (kept, link) = self.kept_link(&name)?;
        (kept.is_good(&user) && same(&kept.key, &hex(key))).then_some((name, (user, version), link))
    }

    /// Operators set anybody; an account's administrator those who are for that account alone.
    pub(crate) fn sets_users_of(actor: &Actor, scope: &journal::settings::Scope) -> Result<(), Refusal> {
        match role_of(scope).1 {
            Some(account) if actor.may_change(account) => Ok(()),
            Some(account) if actor.sees(account) => Err(Refusal::new(Code::ReadOnly)),
            Some(_) | None => Self::operates(actor),
        }
    }

    /// A person the actor may change; another account's is as if they were not there.
    pub(crate) fn user_to_change(&self, actor: &Actor, name: &str) -> Result<(User, u64), Refusal> {
        let missing = || Refusal::new(Code::NoUser);
        let (user, version) = self.cache.user(name).ok_or_else(missing)?;
        match Self::sets_users_of(actor, &user.scope) {
            Ok(()) => Ok((user, version)),
            Err(refusal) if refusal.code == Code::OperatorsOnly => Err(missing()),
            Err(refusal) => Err(refusal),
        }
    }

    /// The last who operates with a password of ours stays one.
    pub(crate) fn keeps_an_operator(
        &self,
        before: Option<&User>,
        after: Option<&journal::settings::Scope>,
    ) -> Result<(), Refusal> {
        let stays = after == Some(&journal::settings::Scope::Everything);
        if !stays && before.is_some_and(operates) && self.last_operator() {
            return Err(Refusal::new(Code::LastOperator));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use calls::AccountId;
    use journal::settings::{Account, Scope};

    use super::super::room;
    use super::*;

    async fn with_account() -> Admin {
        let admin = room().await.unwrap();
        let account = Some(Setting::Account(Account::named("Nordlys")));
        admin.cache.put(SettingKey::Account(AccountId::new("1")), account, None).await.unwrap();
        admin
    }

    fn machine() -> Actor {
        Actor::machine("root")
    }

    #[tokio::test]
    async fn a_link_is_good_once_however_many_use_it_at_once() {
        let admin = with_account().await;
        let link = admin
            .invite_user(&machine(), "olga", Some(Role::Operator), None, Expect::Any)
            .await
            .unwrap()
            .unwrap();
        let hashes = ["one", "two", "three"];
        let coming = hashes.map(|hash| admin.choose_password(&link.key, hash.to_owned(), None));
        let came = futures_util::future::join_all(coming).await;
        assert_eq!(came.iter().filter(|one| one.is_ok()).count(), 1, "{came:?}");
        let late = admin.choose_password(&link.key, "late".to_owned(), None).await.unwrap_err();
        assert_eq!((late.code, admin.link_until("olga")), (Code::LinkUsed, None));
    }

    #[tokio::test]
    async fn a_link_ends_with_its_time_with_another_password_and_with_its_person() {
        let admin = with_account().await;
        let machine = machine();
        let invite = || admin.invite_user(&machine, "mette", None, Some("1"), Expect::Any);
        let link = invite().await.unwrap().unwrap();
        for wrong in ["", "x", "x.y", &link.key[1..], &format!("{}x", link.key)] {
            assert_eq!(admin.link_holder(wrong).await, None, "{wrong}");
        }
        let passed = KeptLink { key: hex(&link.key), until: clock::now(), password: hex("") };
        let put = |kept: KeptLink| admin.cache.put(place("mette"), Some(kept.setting()), None);
        put(passed).await.unwrap();
        assert_eq!(admin.link_holder(&link.key).await, None, "too old");

        let link = invite().await.unwrap().unwrap();
        assert_eq!(admin.link_holder(&link.key).await.as_deref(), Some("mette"));
        let (user, _) = admin.cache.user("mette").unwrap();
        let user = User { password_hash: "chosen elsewhere".to_owned(), ..user };
        admin.cache.put(SettingKey::User("mette".into()), Some(Setting::User(user)), None).await.unwrap();
        assert_eq!(admin.link_holder(&link.key).await, None, "the password is another");

        let link = admin.reset_user(&machine, "mette").await.unwrap();
        admin.remove_user(&machine, "mette").await.unwrap();
        assert_eq!(admin.link_holder(&link.key).await, None);
        assert!(admin.cache.system("link:mette").is_none(), "nothing is left of it");
    }

    #[tokio::test]
    async fn an_accounts_administrator_invites_for_that_account_and_takes_over_nobody() {
        let admin = with_account().await;
        admin.invite_user(&machine(), "olga", Some(Role::Operator), None, Expect::Any).await.unwrap();
        let own = |scope| Actor::person("mette", scope);
        let chief = own(Scope::Account(AccountId::new("1")));
        admin
            .invite_user(&chief, "freja", Some(Role::ReadOnly), Some("1"), Expect::Any)
            .await
            .unwrap()
            .unwrap();
        let refused = |done: Result<Option<UserLink>, Refusal>| done.err().map(|refusal| refusal.code);
        for (actor, name, role, account, code) in [
            (&chief, "olga", Role::ReadOnly, Some("1"), Code::UserThere),
            (&chief, "new", Role::Operator, None, Code::OperatorsOnly),
            (&chief, "new", Role::Account, Some("2"), Code::OperatorsOnly),
            (&own(Scope::ReadAccount(AccountId::new("1"))), "new", Role::ReadOnly, Some("1"), Code::ReadOnly),
        ] {
            let done = admin.invite_user(actor, name, Some(role), account, Expect::Any).await;
            assert_eq!(refused(done), Some(code), "{name} {role:?} {account:?}");
        }
        assert!(admin.reset_user(&chief, "freja").await.is_ok());
        assert_eq!(admin.reset_user(&chief, "olga").await.err().map(|one| one.code), Some(Code::NoUser));
    }
}
