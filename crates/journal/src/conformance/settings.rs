//! Settings: nothing lost, nothing overwritten unseen.

use std::collections::BTreeMap;

use calls::{AccountId, EventKind};

use crate::settings::{
    Account, AlertChoice, BodyFormat, Credentials, Employee, Extras, Holder, Integration, IntegrationId,
    KeepChoice, Method, ParameterNames, Pause, Phone, RetryChoice, Scope, Secret, Setting, SettingKey,
    SigningSecret, TimeFormat, Token, User, Vouched,
};
use crate::{Journal, JournalError, Reason, WallTime};

/// One of every kind, with as much in it as there can be.
pub fn all_kinds() -> Vec<(SettingKey, Setting)> {
    let account = AccountId::new("1/2 å");
    let name = || "Åse \"x\" \u{1f4de}".to_owned();
    let integration = IntegrationId { number: 7 };
    let phone = |holder| Setting::Phone(Phone { holder, name: name() });
    let sha256 = std::array::from_fn(|at| u8::try_from(at).unwrap_or(0) * 8);
    vec![
        (
            SettingKey::Account(account.clone()),
            Setting::Account(Account {
                name: name(),
                keep: KeepChoice { days: Some(30), megabytes: Some(500) },
                alert: AlertChoice {
                    url: Some("https://ops.example/alerts".to_owned()),
                    mail: Some("drift@example.com".to_owned()),
                    language: "en".to_owned(),
                },
            }),
        ),
        (
            SettingKey::Employee(account.clone(), "101".to_owned()),
            Setting::Employee(Employee { name: name() }),
        ),
        (SettingKey::Phone(account.clone(), "201".to_owned()), phone(Holder::SameNumber)),
        (SettingKey::Phone(account.clone(), "202".to_owned()), phone(Holder::Employee("101".to_owned()))),
        (SettingKey::Phone(account.clone(), "203".to_owned()), phone(Holder::Nobody)),
        (
            SettingKey::Integration(account.clone(), integration),
            Setting::Integration(Box::new(everything_set())),
        ),
        (
            SettingKey::Integration(account.clone(), IntegrationId { number: 8 }),
            Setting::Integration(Box::default()),
        ),
        (
            SettingKey::Token("ci".to_owned()),
            Setting::Token(Token { sha256, scope: Scope::Everything, created_at: WallTime(5) }),
        ),
        (
            SettingKey::User("åse".to_owned()),
            Setting::User(User {
                password_hash: "$argon2id$…".to_owned(),
                scope: Scope::ReadAccount(account.clone()),
                language: "da".to_owned(),
                vouched: None,
            }),
        ),
        (
            SettingKey::User("bo".to_owned()),
            Setting::User(User {
                password_hash: String::new(),
                scope: Scope::Account(account),
                language: String::new(),
                vouched: Some(Vouched {
                    issuer: "https://login.example.com/realms/company".to_owned(),
                    subject: "f81d4fae".to_owned(),
                    name: "Bo Ågård".to_owned(),
                    came_at: WallTime(6),
                    seen_at: WallTime(7),
                }),
            }),
        ),
        (SettingKey::System("first-run".to_owned()), Setting::System(Secret::new("once upon a time"))),
    ]
}

fn everything_set() -> Integration {
    let pause = Pause {
        since: WallTime(3),
        why: Reason::new("paused_gone"),
        server_said: Some(Reason::text("<b>gone</b>")),
        by_person: true,
    };
    Integration {
        method: Method::Get,
        incoming_url: Some("https://crm.example/in?x={ANumber}".to_owned()),
        answered_url: Some("https://crm.example/answered".to_owned()),
        outgoing_url: None,
        ended_url: Some(String::new()),
        body_format: BodyFormat::Json,
        parameter_names: ParameterNames::Map(BTreeMap::from([("ANumber".to_owned(), "from".to_owned())])),
        time_format: TimeFormat::UnixMilliseconds,
        time_zone: "Atlantic/Faroe".to_owned(),
        feature_codes: r"^[*#]\d".to_owned(),
        e164_country: Some("FO".to_owned()),
        extras: Extras::Some(vec!["CallId".to_owned()]),
        headers: vec![("X-Tenant".to_owned(), "7".to_owned())],
        credentials: Some(Credentials::Basic {
            username: "ring".to_owned(),
            password: Secret::new("open sesame"),
        }),
        secrets: vec![
            SigningSecret { secret: Secret::new("whsec_new"), until: None },
            SigningSecret { secret: Secret::new("whsec_old"), until: Some(WallTime(9)) },
        ],
        ca_pem: "-----BEGIN CERTIFICATE-----".to_owned(),
        retry: RetryChoice { incoming_secs: Some(30), others_secs: None },
        rate: std::num::NonZeroU32::new(5),
        paused: BTreeMap::from([(EventKind::Ended, pause)]),
    }
}

fn account(name: &str) -> Option<Setting> {
    Some(Setting::Account(Account::named(name.to_owned())))
}

fn key() -> SettingKey {
    SettingKey::Account(AccountId::new("1"))
}

/// Each kind, each field, secrets too.
pub async fn a_setting_comes_back_as_it_was(journal: &dyn Journal) {
    for (key, value) in all_kinds() {
        journal.put(key, Some(value), Some(0)).await.expect("put");
    }
    let kept = journal.settings().await.expect("settings");
    let mut kept: Vec<_> = kept.into_iter().map(|kept| (kept.key, kept.value)).collect();
    kept.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut expected = all_kinds();
    expected.sort_by(|(one, _), (other, _)| one.cmp(other));
    assert_eq!(kept, expected);
}

/// Who has an older version is told the newer one.
pub async fn a_lost_update_is_refused(journal: &dyn Journal) {
    let first = journal.put(key(), account("one"), Some(0)).await.expect("put");
    let second = journal.put(key(), account("two"), Some(first)).await.expect("put");
    assert!(second > first);
    let lost = journal.put(key(), account("three"), Some(first)).await;
    assert!(
        matches!(lost, Err(JournalError::Conflict { expected, found }) if (expected, found) == (first, second))
    );
    let overwritten = journal.put(key(), account("four"), None).await.expect("put");
    assert!(overwritten > second);
    assert_eq!(Some(journal.settings().await.expect("settings")[0].value.clone()), account("four"));
}

/// Two cannot both make it.
pub async fn a_new_setting_must_not_be_there(journal: &dyn Journal) {
    let version = journal.put(key(), account("one"), Some(0)).await.expect("put");
    let second = journal.put(key(), account("two"), Some(0)).await;
    assert!(matches!(second, Err(JournalError::Conflict { expected: 0, found }) if found == version));
    let other = journal.put(SettingKey::Account(AccountId::new("2")), account("x"), Some(5)).await;
    assert!(matches!(other, Err(JournalError::Conflict { expected: 5, found: 0 })));
}

/// And can be made anew.
pub async fn a_removed_setting_is_gone_and_others_learn_of_it(journal: &dyn Journal) {
    assert_eq!(journal.put(key(), None, None).await.expect("put"), 0, "there was nothing to remove");
    let version = journal.put(key(), account("one"), Some(0)).await.expect("put");
    let removed = journal.put(key(), None, Some(version)).await.expect("put");
    assert_eq!(journal.settings().await.expect("settings"), []);
    let changes = journal.settings_since(version).await.expect("changes");
    assert_eq!(changes.len(), 1);
    assert_eq!((&changes[0].key, &changes[0].value, changes[0].version), (&key(), &None, removed));
    journal.put(key(), account("two"), Some(0)).await.expect("put");
    assert_eq!(journal.settings().await.expect("settings").len(), 1);
}

/// A refused change is none.
pub async fn the_revision_grows_with_every_change(journal: &dyn Journal) {
    let start = journal.settings_revision().await.expect("revision");
    let version = journal.put(key(), account("one"), None).await.expect("put");
    assert_eq!(journal.settings_revision().await.expect("revision"), version);
    assert!(version > start);
    journal.put(key(), account("two"), Some(0)).await.expect_err("a conflict");
    assert_eq!(journal.settings_revision().await.expect("revision"), version);
    let removed = journal.put(key(), None, None).await.expect("put");
    assert_eq!(journal.settings_revision().await.expect("revision"), removed);
    assert_eq!(journal.settings_since(removed).await.expect("changes"), []);
}

/// Also when nothing was made of one.
pub async fn integration_numbers_are_never_given_twice(journal: &dyn Journal) {
    let mut numbers = Vec::new();
    for _ in 0..5 {
        numbers.push(journal.allocate_integration().await.expect("a number").number);
    }
    assert!(numbers.is_sorted_by(|one, other| one < other) && numbers[0] > 0, "{numbers:?}");
}
