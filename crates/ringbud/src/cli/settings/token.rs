//! `token`: for programs that use the REST API.

use admin::{Code, Role, TokenWish};
use clap::{Args, Subcommand};
use serde_json::json;
use web::wire;

use super::{at_desk, print_list};
use crate::cli::say::say;
use crate::cli::{ConfigArg, EXIT_DONE, Failure};

/// Create, list and remove API tokens.
#[derive(Args, Debug)]
pub struct TokenArgs {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    what: TokenDo,
}

#[derive(Debug, Subcommand)]
enum TokenDo {
    /// Create a token and print it, alone on its line. It is shown this once; only its hash is kept.
    Create {
        /// What to call it.
        #[arg(long)]
        name: String,
        /// Only for this account; without it the token may do everything.
        #[arg(long)]
        account: Option<String>,
        /// Reading only.
        #[arg(long, requires = "account")]
        read_only: bool,
    },
    /// List the tokens, without their text.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Remove a token: whoever has it is no longer let in.
    Remove {
        /// Its name.
        name: String,
    },
}

impl TokenArgs {
    pub(crate) fn run(self) -> Result<u8, Failure> {
        at_desk(&self.config, |desk| async move {
            match self.what {
                TokenDo::Create { name, account, read_only } => {
                    let role = read_only.then_some(Role::ReadOnly);
                    let wish = TokenWish { name, role, account };
                    match desk.admin.make_token(&desk.actor, &wish).await {
                        Ok(made) => say!("{}", made.text)?,
                        Err(refusal) if refusal.code == Code::TokenThere => {
                            let name = &wish.name;
                            return Err(Failure::new(format!(
                                "there is a token named {name} already: choose another name, or remove it with ringbud token remove {name}"
                            )));
                        }
                        Err(refusal) => return Err(refusal.into()),
                    }
                }
                TokenDo::List { json } => {
                    let rows = desk.admin.tokens(&desk.actor)?.into_iter().map(|(name, token)| {
                        let view =
                            serde_json::to_value(wire::token_to_json(&name, &token)).unwrap_or_default();
                        let part = |key: &str| view.get(key).cloned().unwrap_or_else(|| json!(""));
                        vec![json!(name), part("scope"), part("account"), part("created_at")]
                    });
                    print_list(json, &["name", "scope", "account", "created_at"], rows.collect())?;
                }
                TokenDo::Remove { name } => desk.admin.remove_token(&desk.actor, &name).await?,
            }
            Ok(EXIT_DONE)
        })
    }
}
