//! Settings at rest: JSON, so that a person can read them and a field can be added; secrets in it are sealed.

use calls::AccountId;
use serde::{Deserialize, Serialize};

use super::Unreadable;
use super::integration::IntegrationShape;
use crate::WallTime;
use crate::seal::{NotOurs, Sealer};
use crate::settings::{
    Account, AlertChoice, Employee, Holder, IntegrationId, KeepChoice, Phone, Scope, Secret, Setting,
    SettingKey, Token, User, Vouched,
};

/// A key as its columns have it: what it is, whose, which.
pub(crate) type KeyColumns = (u8, String, String);

pub(crate) fn key_columns(key: &SettingKey) -> KeyColumns {
    let of = |account: &AccountId| account.as_str().to_owned();
    match key {
        SettingKey::Account(account) => (0, of(account), String::new()),
        SettingKey::Employee(account, number) => (1, of(account), number.clone()),
        SettingKey::Phone(account, number) => (2, of(account), number.clone()),
        SettingKey::Integration(account, id) => (3, of(account), id.number.to_string()),
        SettingKey::Token(name) => (4, name.clone(), String::new()),
        SettingKey::User(name) => (5, name.clone(), String::new()),
        SettingKey::System(name) => (6, name.clone(), String::new()),
    }
}

pub(crate) fn key_of((kind, owner, part): KeyColumns) -> Result<SettingKey, Unreadable> {
    let account = |owner: String| AccountId::new(owner);
    Ok(match kind {
        0 => SettingKey::Account(account(owner)),
        1 => SettingKey::Employee(account(owner), part),
        2 => SettingKey::Phone(account(owner), part),
        3 => {
            let number = part.parse().map_err(|_| unreadable(format!("no integration number {part:?}")))?;
            SettingKey::Integration(account(owner), IntegrationId { number })
        }
        4 => SettingKey::Token(owner),
        5 => SettingKey::User(owner),
        6 => SettingKey::System(owner),
        kind => return Err(unreadable(format!("no kind {kind}"))),
    })
}

/// Why a value cannot be had back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error(transparent)]
    NotOurs(#[from] NotOurs),
}

pub(crate) fn write(sealer: &Sealer, key: &SettingKey, setting: &Setting) -> String {
    let seal = |secret: &Secret| sealer.seal(&place(key), secret);
    let json = match setting {
        Setting::Account(account) => serde_json::to_string(&AccountShape::of(account)),
        Setting::Employee(Employee { name }) => serde_json::to_string(&NameShape { name: name.clone() }),
        Setting::Phone(phone) => serde_json::to_string(&PhoneShape::of(phone)),
        Setting::Integration(integration) => serde_json::to_string(&IntegrationShape::of(integration, &seal)),
        Setting::Token(token) => serde_json::to_string(&TokenShape {
            sha256: hex(&token.sha256),
            scope: ScopeShape::of(&token.scope),
            created_at: token.created_at.0,
        }),
        Setting::User(user) => serde_json::to_string(&UserShape {
            password_hash: user.password_hash.clone(),
            scope: ScopeShape::of(&user.scope),
            language: user.language.clone(),
            vouched: user.vouched.as_ref().map(VouchedShape::of),
        }),
        Setting::System(secret) => serde_json::to_string(&seal(secret)),
    };
    json.expect("a setting has nothing that JSON cannot say")
}

pub(crate) fn read(sealer: &Sealer, key: &SettingKey, json: &str) -> Result<Setting, ReadError> {
    let open = |sealed: &String| sealer.open(&place(key), sealed);
    Ok(match key {
        SettingKey::Account(_) => Setting::Account(parse::<AccountShape>(json)?.account()),
        SettingKey::Employee(..) => Setting::Employee(Employee { name: parse::<NameShape>(json)?.name }),
        SettingKey::Phone(..) => Setting::Phone(parse::<PhoneShape>(json)?.phone()),
        SettingKey::Integration(..) => {
            Setting::Integration(Box::new(parse::<IntegrationShape>(json)?.integration(&open)?))
        }
        SettingKey::Token(_) => {
            let TokenShape { sha256, scope, created_at } = parse(json)?;
            let sha256 = unhex(&sha256).ok_or_else(|| unreadable("its hash is none".to_owned()))?;
            Setting::Token(Token { sha256, scope: scope.scope(), created_at: WallTime(created_at) })
        }
        SettingKey::User(_) => {
            let UserShape { password_hash, scope, language, vouched } = parse(json)?;
            let vouched = vouched.map(VouchedShape::vouched);
            Setting::User(User { password_hash, scope: scope.scope(), language, vouched })
        }
        SettingKey::System(_) => Setting::System(open(&parse::<String>(json)?)?),
    })
}

fn parse<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, Unreadable> {
    serde_json::from_str(json).map_err(|error| unreadable(error.to_string()))
}

fn unreadable(why: String) -> Unreadable {
    Unreadable { what: "setting", why }
}

/// What a secret is sealed to.
fn place(key: &SettingKey) -> String {
    let (kind, owner, part) = key_columns(key);
    format!("{kind}/{}/{owner}/{part}", owner.len())
}

fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let bytes: Option<Vec<u8>> =
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect();
    bytes?.try_into().ok()
}

#[derive(Serialize, Deserialize)]
struct NameShape {
    name: String,
}

#[derive(Serialize, Deserialize)]
struct AccountShape {
    name: String,
    /// Both absent in what an older program wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keep_days: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keep_megabytes: Option<u32>,
    /// All three absent in what an older program wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alert_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alert_mail: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    alert_language: String,
}

impl AccountShape {
    fn of(Account { name, keep: KeepChoice { days, megabytes }, alert }: &Account) -> Self {
        let AlertChoice { url, mail, language } = alert.clone();
        Self {
            name: name.clone(),
            keep_days: *days,
            keep_megabytes: *megabytes,
            alert_url: url,
            alert_mail: mail,
            alert_language: language,
        }
    }

    fn account(self) -> Account {
        let Self {
            name,
            keep_days: days,
            keep_megabytes: megabytes,
            alert_url: url,
            alert_mail: mail,
            alert_language: language,
        } = self;
        Account { name, keep: KeepChoice { days, megabytes }, alert: AlertChoice { url, mail, language } }
    }
}

#[derive(Serialize, Deserialize)]
struct PhoneShape {
    name: String,
    holder: HolderShape,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum HolderShape {
    SameNumber,
    Employee(String),
    Nobody,
}

impl PhoneShape {
    fn of(phone: &Phone) -> Self {
        let holder = match &phone.holder {
            Holder::SameNumber => HolderShape::SameNumber,
            Holder::Employee(number) => HolderShape::Employee(number.clone()),
            Holder::Nobody => HolderShape::Nobody,
        };
        Self { name: phone.name.clone(), holder }
    }

    fn phone(self) -> Phone {
        let holder = match self.holder {
            HolderShape::SameNumber => Holder::SameNumber,
            HolderShape::Employee(number) => Holder::Employee(number),
            HolderShape::Nobody => Holder::Nobody,
        };
        Phone { holder, name: self.name }
    }
}

#[derive(Serialize, Deserialize)]
struct TokenShape {
    sha256: String,
    scope: ScopeShape,
    created_at: i64,
}

#[derive(Serialize, Deserialize)]
struct UserShape {
    password_hash: String,
    scope: ScopeShape,
    language: String,
    /// Absent in what an older program wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vouched: Option<VouchedShape>,
}

#[derive(Serialize, Deserialize)]
struct VouchedShape {
    issuer: String,
    subject: String,
    name: String,
    came_at: i64,
    seen_at: i64,
}

impl VouchedShape {
    fn of(Vouched { issuer, subject, name, came_at, seen_at }: &Vouched) -> Self {
        let (issuer, subject, name) = (issuer.clone(), subject.clone(), name.clone());
        Self { issuer, subject, name, came_at: came_at.0, seen_at: seen_at.0 }
    }

    fn vouched(self) -> Vouched {
        let Self { issuer, subject, name, came_at, seen_at } = self;
        Vouched { issuer, subject, name, came_at: WallTime(came_at), seen_at: WallTime(seen_at) }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ScopeShape {
    Everything,
    Account(String),
    ReadAccount(String),
}

impl ScopeShape {
    fn of(scope: &Scope) -> Self {
        match scope {
            Scope::Everything => Self::Everything,
            Scope::Account(account) => Self::Account(account.as_str().to_owned()),
            Scope::ReadAccount(account) => Self::ReadAccount(account.as_str().to_owned()),
        }
    }

    fn scope(self) -> Scope {
        match self {
            Self::Everything => Scope::Everything,
            Self::Account(account) => Scope::Account(AccountId::new(account)),
            Self::ReadAccount(account) => Scope::ReadAccount(AccountId::new(account)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_an_older_program_kept_has_no_wishes_of_its_own() {
        let key = SettingKey::Account(AccountId::new("1"));
        let json = r#"{"name":"Nordlys ApS"}"#;
        let sealer = Sealer::new([0; 32]);
        let read = read(&sealer, &key, json).expect("readable");
        assert_eq!(read, Setting::Account(Account::named("Nordlys ApS")));
        assert_eq!(write(&sealer, &key, &read), json, "and it can be read by that program again");
    }

    #[test]
    fn a_user_that_an_older_program_kept_has_a_password_here() {
        let key = SettingKey::User("mette".to_owned());
        let json = r#"{"password_hash":"$argon2id$…","scope":"everything","language":"da"}"#;
        let sealer = Sealer::new([0; 32]);
        let read = read(&sealer, &key, json).expect("readable");
        let Setting::User(user) = &read else { panic!("{read:?}") };
        assert_eq!((user.vouched.as_ref(), &user.scope), (None, &Scope::Everything));
        assert_eq!(write(&sealer, &key, &read), json, "and it can be read by that program again");
    }
}
