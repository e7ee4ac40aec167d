//! `user`: people who log in to the window. Nobody invents a password for somebody else: who has none gets a link.

use admin::kept::settings::User;
use admin::{Expect, Role, UserLink, role_of};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use web::wire::moment;

use super::{Desk, at_desk, print_list, refused};
use crate::cli::say::say;
use crate::cli::{ConfigArg, EXIT_DONE, Failure};

/// List, invite, change and remove people who log in to the window, and give them a way back in.
///
/// Nobody types a password here: whoever is invited, or has forgotten theirs, opens a one-time link and chooses
/// one. The link is good for three days, once; a newer one takes its place.
#[derive(Args, Debug)]
pub struct UserArgs {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    what: UserDo,
}

/// What a person may do.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleArg {
    /// Everything, on all accounts.
    Operator,
    /// One account, with changes.
    Account,
    /// One account, reading only.
    ReadOnly,
}

#[derive(Debug, Subcommand)]
enum UserDo {
    /// List the people and how they log in.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Invite a person, or change what they may do; what is not given stays. Who has no password yet gets a
    /// one-time link, printed alone on its line: hand it on by a way that only they read.
    Set {
        /// The name they log in with.
        name: String,
        /// What they may do; with --account alone: account.
        #[arg(long, value_enum)]
        role: Option<RoleArg>,
        /// The account they are for; not for operators.
        #[arg(long)]
        account: Option<String>,
    },
    /// Remove a person: they are logged out and no longer let in.
    Remove {
        /// Their name.
        name: String,
    },
    /// Print a one-time link for a person who has forgotten their password. The old one stays good until the
    /// link is used.
    Reset {
        /// Their name.
        name: String,
    },
}

impl From<RoleArg> for Role {
    fn from(arg: RoleArg) -> Self {
        match arg {
            RoleArg::Operator => Self::Operator,
            RoleArg::Account => Self::Account,
            RoleArg::ReadOnly => Self::ReadOnly,
        }
    }
}

impl UserArgs {
    pub(crate) fn run(self) -> Result<u8, Failure> {
        at_desk(&self.config, |desk| async move {
            match self.what {
                UserDo::List { json } => {
                    let users = desk.admin.users(&desk.actor)?;
                    let rows = users.iter().map(|(name, user)| row(&desk, name, user)).collect();
                    print_list(json, &["name", "scope", "account", "login"], rows)?;
                }
                UserDo::Set { name, role, account } => {
                    let (role, account) = (role.map(Role::from), account.as_deref());
                    let invited =
                        desk.admin.invite_user(&desk.actor, &name, role, account, Expect::Any).await;
                    let invited =
                        invited.map_err(|refusal| refused(&refusal, account.unwrap_or_default()))?;
                    if let Some(link) = invited {
                        tell(&desk, &link)?;
                    }
                }
                UserDo::Remove { name } => desk.admin.remove_user(&desk.actor, &name).await?,
                UserDo::Reset { name } => tell(&desk, &desk.admin.reset_user(&desk.actor, &name).await?)?,
            }
            Ok(EXIT_DONE)
        })
    }
}

/// The link to standard output, what it is to standard error: so a script has the link alone.
fn tell(desk: &Desk, link: &UserLink) -> Result<(), Failure> {
    eprintln!("{} chooses a password with this link, once, before {}:", link.name, moment(link.until));
    say!("{}{}", desk.config.http.for_people(), web::welcome_path(link))
}

fn row(desk: &Desk, name: &str, user: &User) -> Vec<Value> {
    let (role, account) = role_of(&user.scope);
    let role = match role {
        Role::Operator => "operator",
        Role::Account => "account",
        Role::ReadOnly => "read-only",
    };
    let login = match (&user.vouched, desk.admin.link_until(name)) {
        (Some(vouched), _) => format!("{} at {}", vouched.name, vouched.issuer),
        (None, Some(until)) => format!("link until {}", moment(until)),
        (None, None) if user.password_hash.is_empty() => "none".to_owned(),
        (None, None) => "password".to_owned(),
    };
    let account = account.map_or("", |account| account.as_str());
    vec![json!(name), json!(role), json!(account), json!(login)]
}
