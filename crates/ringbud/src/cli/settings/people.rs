//! `account`, `employee`, `phone`.

use calls::AccountId;
use clap::{Args, Subcommand};
use journal::settings::{Holder, Setting, SettingKey};
use serde_json::{Value, json};
use web::wire;

use super::{account, object, print_list, put, refused, with_store};
use crate::cli::{ConfigArg, EXIT_DONE, Failure};

/// List, set and remove accounts.
#[derive(Args, Debug)]
pub struct AccountArgs {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    what: AccountDo,
}

#[derive(Debug, Subcommand)]
enum AccountDo {
    /// List the accounts.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make an account, or change its name or how much of what happened is kept. What is not given stays as it
    /// is.
    Set {
        /// The account's id: the parameter AccountId.
        account: String,
        /// Its name, for people.
        #[arg(long)]
        name: Option<String>,
        /// Forget calls that ended more than so many days ago; 0: as the configuration's [keep] days.
        #[arg(long, value_name = "DAYS")]
        keep_days: Option<u32>,
        /// Forget the oldest calls beyond so many megabytes of events and attempts; 0: no bound of its own.
        #[arg(long, value_name = "MEGABYTES")]
        keep_megabytes: Option<u32>,
    },
    /// Remove an account with its employees, phones and integration. What happened stays in the history.
    Remove {
        /// The account's id.
        account: String,
    },
}

impl AccountArgs {
    pub(crate) fn run(self) -> Result<u8, Failure> {
        with_store(&self.config, |_, store| async move {
            match self.what {
                AccountDo::List { json } => {
                    let accounts = store.cache.accounts(None, usize::MAX);
                    let row = |one: &std::sync::Arc<journal::AccountSettings>| {
                        let (employees, phones) = (one.employees.len(), one.phones.len());
                        let none = if json { Value::Null } else { Value::from("") };
                        let kept = |wish: Option<u32>| wish.map_or(none.clone(), Value::from);
                        vec![
                            json!(one.id.as_str()),
                            json!(one.account.name),
                            json!(employees),
                            json!(phones),
                            kept(one.account.keep.days),
                            kept(one.account.keep.megabytes),
                        ]
                    };
                    print_list(
                        json,
                        &["account", "name", "employees", "phones", "keep_days", "keep_megabytes"],
                        accounts.iter().map(row).collect(),
                    );
                }
                AccountDo::Set { account, name, keep_days, keep_megabytes } => {
                    let id = wire::account_id(&account).map_err(|refusal| refused(&refusal))?;
                    let (before, version) = store
                        .cache
                        .account(&id)
                        .map(|found| (found.account.clone(), found.version))
                        .unwrap_or_default();
                    // 0 takes a wish back: null in the API's JSON.
                    let wish = |given: Option<u32>, before: Option<u32>| {
                        given.map_or(before, |given| (given > 0).then_some(given))
                    };
                    let keep = json!({
                        "days": wish(keep_days, before.keep.days),
                        "megabytes": wish(keep_megabytes, before.keep.megabytes),
                    });
                    let name = json!(name.unwrap_or(before.name));
                    let value =
                        wire::account_from_json(&object([("name", Some(name)), ("keep", Some(keep))]))
                            .map_err(|refusal| refused(&refusal))?;
                    // What was not given is as it was read: if it is not any more, that is said and nothing changed.
                    let (key, value) = (SettingKey::Account(id), Setting::Account(value));
                    store.cache.put(key, Some(value), Some(version)).await?;
                }
                AccountDo::Remove { account } => {
                    if !store.cache.remove_account(&AccountId::new(&*account)).await? {
                        return Err(Failure::new(format!("there is no account {account}")));
                    }
                }
            }
            Ok(EXIT_DONE)
        })
    }
}

/// List, set and remove the employees of an account.
#[derive(Args, Debug)]
pub struct EmployeeArgs {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    what: EmployeeDo,
}

#[derive(Debug, Subcommand)]
enum EmployeeDo {
    /// List the employees of an account.
    List {
        /// The account's id.
        account: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make an employee, or change the name.
    Set {
        /// The account's id.
        account: String,
        /// The employee's local number.
        number: String,
        /// The name.
        #[arg(long, default_value = "")]
        name: String,
    },
    /// Remove an employee.
    Remove {
        /// The account's id.
        account: String,
        /// The employee's local number.
        number: String,
    },
}

impl EmployeeArgs {
    pub(crate) fn run(self) -> Result<u8, Failure> {
        with_store(&self.config, |_, store| async move {
            match self.what {
                EmployeeDo::List { account: id, json } => {
                    let account = account(&store, &id)?;
                    let row = |(number, (employee, _)): (&String, &(journal::settings::Employee, u64))| {
                        vec![json!(number), json!(employee.name)]
                    };
                    print_list(json, &["number", "name"], account.employees.iter().map(row).collect());
                }
                EmployeeDo::Set { account: id, number, name } => {
                    let account = account(&store, &id)?;
                    let number =
                        wire::local_number("number", &number).map_err(|refusal| refused(&refusal))?;
                    let value = wire::employee_from_json(&object([("name", Some(json!(name)))]))
                        .map_err(|refusal| refused(&refusal))?;
                    let key = SettingKey::Employee(account.id.clone(), number);
                    put(&store, key, Setting::Employee(value)).await?;
                }
                EmployeeDo::Remove { account: id, number } => {
                    let account = account(&store, &id)?;
                    if !account.employees.contains_key(&*number) {
                        return Err(Failure::new(format!("account {id} has no employee {number}")));
                    }
                    store.cache.put(SettingKey::Employee(account.id.clone(), number), None, None).await?;
                }
            }
            Ok(EXIT_DONE)
        })
    }
}

/// List, set and remove the phones of an account, and say who has them.
#[derive(Args, Debug)]
pub struct PhoneArgs {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    what: PhoneDo,
}

#[derive(Debug, Subcommand)]
enum PhoneDo {
    /// List the phones of an account.
    List {
        /// The account's id.
        account: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make a phone, or change who has it. Without --employee or --nobody it is the employee with the same
    /// local number. Calls that run keep the employee they began with.
    Set {
        /// The account's id.
        account: String,
        /// The phone's local number.
        number: String,
        /// A name for people.
        #[arg(long, default_value = "")]
        name: String,
        /// The local number of the employee who has it.
        #[arg(long, value_name = "NUMBER")]
        employee: Option<String>,
        /// Nobody has it.
        #[arg(long, conflicts_with = "employee")]
        nobody: bool,
    },
    /// Remove a phone.
    Remove {
        /// The account's id.
        account: String,
        /// The phone's local number.
        number: String,
    },
}

impl PhoneArgs {
    pub(crate) fn run(self) -> Result<u8, Failure> {
        with_store(&self.config, |_, store| async move {
            match self.what {
                PhoneDo::List { account: id, json } => {
                    let account = account(&store, &id)?;
                    let row = |(number, (phone, _)): (&String, &(journal::settings::Phone, u64))| {
                        let holder = match &phone.holder {
                            Holder::SameNumber => json!(number),
                            Holder::Employee(employee) => json!(employee),
                            Holder::Nobody => Value::from(if json { "" } else { "nobody" }),
                        };
                        vec![json!(number), json!(phone.name), holder]
                    };
                    print_list(
                        json,
                        &["number", "name", "employee"],
                        account.phones.iter().map(row).collect(),
                    );
                }
                PhoneDo::Set { account: id, number, name, employee, nobody } => {
                    let account = account(&store, &id)?;
                    let number =
                        wire::local_number("number", &number).map_err(|refusal| refused(&refusal))?;
                    let employee = if nobody { Some(Value::Null) } else { employee.map(Value::from) };
                    let value =
                        wire::phone_from_json(&object([("name", Some(json!(name))), ("employee", employee)]))
                            .map_err(|refusal| refused(&refusal))?;
                    let key = SettingKey::Phone(account.id.clone(), number);
                    put(&store, key, Setting::Phone(value)).await?;
                }
                PhoneDo::Remove { account: id, number } => {
                    let account = account(&store, &id)?;
                    if !account.phones.contains_key(&*number) {
                        return Err(Failure::new(format!("account {id} has no phone {number}")));
                    }
                    store.cache.put(SettingKey::Phone(account.id.clone(), number), None, None).await?;
                }
            }
            Ok(EXIT_DONE)
        })
    }
}
