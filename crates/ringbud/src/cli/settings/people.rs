//! `account`, `employee`, `phone`.

use admin::kept::AccountSettings;
use admin::kept::settings::{Employee, Holder, Phone};
use admin::{AccountWish, EmployeeWish, Expect, PhoneWish};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{at_desk, print_list, refused};
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
        /// Tell this web service when one of the account's fails for an hour, is paused or resumed; "" for none.
        #[arg(long, value_name = "URL")]
        alert_url: Option<String>,
        /// Tell this mail address the same; "" for none.
        #[arg(long, value_name = "ADDRESS")]
        alert_mail: Option<String>,
        /// In which language: da or en.
        #[arg(long, value_name = "LANGUAGE")]
        alert_language: Option<String>,
    },
    /// Remove an account with its employees, phones and integration. What happened stays in the history.
    Remove {
        /// The account's id.
        account: String,
    },
}

impl AccountArgs {
    pub(crate) fn run(self) -> Result<u8, Failure> {
        at_desk(&self.config, |desk| async move {
            match self.what {
                AccountDo::List { json } => {
                    let accounts = desk.admin.accounts(&desk.actor, None, usize::MAX);
                    let row = |one: &std::sync::Arc<AccountSettings>| {
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
                            json!(one.account.alert.url.clone().unwrap_or_default()),
                            json!(one.account.alert.mail.clone().unwrap_or_default()),
                        ]
                    };
                    print_list(
                        json,
                        &[
                            "account",
                            "name",
                            "employees",
                            "phones",
                            "keep_days",
                            "keep_megabytes",
                            "alert_url",
                            "alert_mail",
                        ],
                        accounts.iter().map(row).collect(),
                    )?;
                }
                AccountDo::Set {
                    account,
                    name,
                    keep_days,
                    keep_megabytes,
                    alert_url,
                    alert_mail,
                    alert_language,
                } => {
                    // 0 takes a wish back.
                    let wish = |given: Option<u32>| given.map(|given| (given > 0).then_some(given));
                    let wish = AccountWish {
                        name,
                        keep_days: wish(keep_days),
                        keep_megabytes: wish(keep_megabytes),
                        alert_url,
                        alert_mail,
                        alert_language,
                    };
                    let set = desk.admin.set_account(&desk.actor, &account, wish, Expect::Any).await;
                    set.map_err(|refusal| refused(&refusal, &account))?;
                }
                AccountDo::Remove { account } => {
                    let gone = desk.admin.remove_account(&desk.actor, &account).await;
                    gone.map_err(|refusal| refused(&refusal, &account))?;
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
        /// The name; without it a name that is there stays.
        #[arg(long)]
        name: Option<String>,
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
        at_desk(&self.config, |desk| async move {
            match self.what {
                EmployeeDo::List { account: id, json } => {
                    let account = desk.account(&id)?;
                    let row = |(number, (employee, _)): (&String, &(Employee, u64))| {
                        vec![json!(number), json!(employee.name)]
                    };
                    print_list(json, &["number", "name"], account.employees.iter().map(row).collect())?;
                }
                EmployeeDo::Set { account, number, name } => {
                    let wish = EmployeeWish { name };
                    let set =
                        desk.admin.set_employee(&desk.actor, &account, &number, wish, Expect::Any).await;
                    set.map_err(|refusal| refused(&refusal, &account))?;
                }
                EmployeeDo::Remove { account, number } => {
                    let gone = desk.admin.remove_employee(&desk.actor, &account, &number, Expect::Any).await;
                    gone.map_err(|refusal| refused(&refusal, &account))?;
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
    /// Make a phone, or change its name or who has it. What is not given stays as it is; a new phone is the
    /// employee's with the same local number. An employee it is given to comes into being. Calls that run keep
    /// the employee they began with.
    Set {
        /// The account's id.
        account: String,
        /// The phone's local number.
        number: String,
        /// A name for people.
        #[arg(long)]
        name: Option<String>,
        /// The local number of the employee who has it.
        #[arg(long, value_name = "NUMBER")]
        employee: Option<String>,
        /// Nobody has it.
        #[arg(long, conflicts_with_all = ["employee", "same_number"])]
        nobody: bool,
        /// It is the employee's with the same local number, as it is where nothing is set.
        #[arg(long, conflicts_with = "employee")]
        same_number: bool,
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
        at_desk(&self.config, |desk| async move {
            match self.what {
                PhoneDo::List { account: id, json } => {
                    let account = desk.account(&id)?;
                    let row = |(number, (phone, _)): (&String, &(Phone, u64))| {
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
                    )?;
                }
                PhoneDo::Set { account, number, name, employee, nobody, same_number } => {
                    let holder = match (nobody, same_number) {
                        (true, _) => Some(Holder::Nobody),
                        (false, true) => Some(Holder::SameNumber),
                        (false, false) => employee.map(Holder::Employee),
                    };
                    let wish = PhoneWish { name, holder };
                    let set = desk.admin.set_phone(&desk.actor, &account, &number, wish, Expect::Any).await;
                    set.map_err(|refusal| refused(&refusal, &account))?;
                }
                PhoneDo::Remove { account, number } => {
                    let gone = desk.admin.remove_phone(&desk.actor, &account, &number, Expect::Any).await;
                    gone.map_err(|refusal| refused(&refusal, &account))?;
                }
            }
            Ok(EXIT_DONE)
        })
    }
}
