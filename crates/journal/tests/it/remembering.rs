//! The cache of settings.

use std::sync::Arc;

use calls::AccountId;
use journal::memory::Memory;
use journal::settings::{
    Account, Employee, Holder, Integration, Phone, Scope, Secret, Setting, SettingKey, Token,
};
use journal::{Journal, JournalError, SettingsCache, WallTime};

fn id(number: usize) -> AccountId {
    AccountId::new(number.to_string())
}

fn account(name: &str) -> Option<Setting> {
    Some(Setting::Account(Account::named(name.to_owned())))
}

async fn cache() -> SettingsCache {
    SettingsCache::load(Arc::new(Memory::new())).await.expect("a cache")
}

#[tokio::test]
async fn what_is_put_is_seen_at_once_with_its_version() {
    let cache = cache().await;
    assert_eq!(cache.account(&id(1)), None);
    let version = cache.put(SettingKey::Account(id(1)), account("one"), Some(0)).await.expect("put");
    let key = SettingKey::Employee(id(1), "101".to_owned());
    let employee = Employee { name: "Åse".to_owned() };
    let later = cache.put(key, Some(Setting::Employee(employee.clone())), Some(0)).await.expect("put");
    let phone = Phone { holder: Holder::Nobody, name: String::new() };
    cache
        .put(SettingKey::Phone(id(1), "201".to_owned()), Some(Setting::Phone(phone.clone())), None)
        .await
        .expect("put");
    let seen = cache.account(&id(1)).expect("the account");
    assert_eq!((seen.account.name.as_str(), seen.version), ("one", version));
    assert_eq!(seen.employees.get("101"), Some(&(employee, later)));
    assert_eq!(seen.phones.get("201").map(|(phone, _)| phone), Some(&phone));
    assert!(seen.integrations.is_empty(), "an account that is created gets nothing else");
}

#[tokio::test]
async fn a_change_leaves_what_others_hold_as_it_was() {
    let cache = cache().await;
    cache.put(SettingKey::Account(id(1)), account("one"), None).await.expect("put");
    cache.put(SettingKey::Account(id(2)), account("other"), None).await.expect("put");
    let (held, other) = (cache.account(&id(1)).expect("one"), cache.account(&id(2)).expect("two"));
    cache.put(SettingKey::Account(id(1)), account("changed"), None).await.expect("put");
    assert_eq!(held.account.name, "one");
    assert_eq!(cache.account(&id(1)).expect("one").account.name, "changed");
    assert!(Arc::ptr_eq(&other, &cache.account(&id(2)).expect("two")), "one change does not copy all");
}

#[tokio::test]
async fn an_integration_gets_its_number_with_its_first_put_and_keeps_it() {
    let cache = cache().await;
    for number in 1..4 {
        cache.put(SettingKey::Account(id(number)), account(""), None).await.expect("put");
    }
    let (first, version) = cache.put_integration(&id(1), Integration::default(), Some(0)).await.expect("put");
    let (second, _) = cache.put_integration(&id(2), Integration::default(), None).await.expect("put");
    assert_ne!(first, second);
    let changed = Integration { ended_url: Some("https://x.example".to_owned()), ..Integration::default() };
    let (same, newer) = cache.put_integration(&id(1), changed.clone(), Some(version)).await.expect("put");
    assert!(same == first && newer > version);
    let (owner, found) = cache.integration(first).expect("found");
    assert_eq!((&owner.id, &*found), (&id(1), &changed));
    let lost = cache.put_integration(&id(1), Integration::default(), Some(version)).await;
    assert!(matches!(lost, Err(JournalError::Conflict { .. })));
    let lost = cache.put_integration(&id(3), Integration::default(), Some(7)).await;
    assert!(matches!(lost, Err(JournalError::Conflict { expected: 7, found: 0 })));
}

#[tokio::test]
async fn removing_an_account_removes_all_of_it() {
    let cache = cache().await;
    cache.put(SettingKey::Account(id(1)), account("one"), None).await.expect("put");
    let employee = Setting::Employee(Employee { name: String::new() });
    cache.put(SettingKey::Employee(id(1), "101".to_owned()), Some(employee), None).await.expect("put");
    let (integration, _) = cache.put_integration(&id(1), Integration::default(), None).await.expect("put");
    assert!(cache.remove_account(&id(1)).await.expect("removed"));
    assert_eq!(cache.account(&id(1)), None);
    assert_eq!(cache.integration(integration), None);
    assert_eq!(cache.journal().settings().await.expect("settings"), []);
    assert!(!cache.remove_account(&id(1)).await.expect("removed"));
}

#[tokio::test]
async fn accounts_are_paged_by_id() {
    let cache = cache().await;
    for number in [3, 1, 2, 4] {
        cache.put(SettingKey::Account(id(number)), account(""), None).await.expect("put");
    }
    let ids = |accounts: Vec<Arc<journal::AccountSettings>>| -> Vec<_> {
        accounts.iter().map(|account| account.id.clone()).collect()
    };
    assert_eq!(ids(cache.accounts(None, 3)), [id(1), id(2), id(3)]);
    assert_eq!(ids(cache.accounts(Some(&id(3)), 3)), [id(4)]);
    assert_eq!(cache.account_count(), 4);
}

#[tokio::test]
async fn a_token_is_found_by_its_hash_until_it_is_removed() {
    let cache = cache().await;
    let token = Token { sha256: [9; 32], scope: Scope::Everything, created_at: WallTime(1) };
    let key = SettingKey::Token("ci".to_owned());
    cache.put(key.clone(), Some(Setting::Token(token.clone())), Some(0)).await.expect("put");
    assert_eq!(cache.token_by_hash(&[9; 32]), Some(("ci".to_owned(), token.clone())));
    let renewed = Token { sha256: [8; 32], ..token };
    cache.put(key.clone(), Some(Setting::Token(renewed)), None).await.expect("put");
    assert_eq!(cache.token_by_hash(&[9; 32]), None);
    cache.put(key, None, None).await.expect("put");
    assert_eq!(cache.token_by_hash(&[8; 32]), None);
}

#[tokio::test]
async fn a_watcher_is_told_of_changes_by_others() {
    let journal: Arc<dyn Journal> = Arc::new(Memory::new());
    let cache = SettingsCache::load(journal.clone()).await.expect("a cache");
    let mut watcher = cache.watch();
    assert!(!watcher.has_changed().expect("open"));
    let secret = Some(Setting::System(Secret::new("x")));
    let version = journal.put(SettingKey::System("a".to_owned()), secret, None).await.expect("put");
    assert_eq!(cache.system("a"), None, "not before a refresh");
    assert!(cache.refresh().await.expect("refreshed"));
    assert_eq!(*watcher.borrow_and_update(), version);
    assert_eq!(cache.system("a"), Some((Secret::new("x"), version)));
    assert!(!cache.refresh().await.expect("refreshed"), "nothing is new");
    assert!(!watcher.has_changed().expect("open"));
}
