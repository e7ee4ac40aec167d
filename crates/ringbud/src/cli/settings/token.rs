//! `token`: for programs that use the REST API.

use clap::{Args, Subcommand};
use journal::JournalError;
use journal::settings::{Setting, SettingKey};
use serde_json::{Value, json};
use web::wire;

use super::{object, print_list, refused, with_store};
use crate::cli::{ConfigArg, EXIT_DONE, Failure};
use crate::clock;

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
        with_store(&self.config, |_, store| async move {
            match self.what {
                TokenDo::Create { name, account, read_only } => {
                    let scope = read_only.then(|| json!("read-only"));
                    let wanted = object([
                        ("name", Some(json!(name))),
                        ("account", account.map(Value::from)),
                        ("scope", scope),
                    ]);
                    let (name, scope) =
                        wire::token_from_json(&wanted).map_err(|refusal| refused(&refusal))?;
                    let (text, token) =
                        wire::make_token(scope, clock::wall()).map_err(|refusal| refused(&refusal))?;
                    let key = SettingKey::Token(name.clone());
                    match store.cache.put(key, Some(Setting::Token(token)), Some(0)).await {
                        Ok(_) => println!("{text}"),
                        Err(JournalError::Conflict { .. }) => {
                            return Err(Failure::new(format!(
                                "there is a token named {name} already: choose another name, or remove it with ringbud token remove {name}"
                            )));
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
                TokenDo::List { json } => {
                    let rows = store.cache.tokens().into_iter().map(|(name, (token, _))| {
                        let view =
                            serde_json::to_value(wire::token_to_json(&name, &token)).unwrap_or_default();
                        let part = |key: &str| view.get(key).cloned().unwrap_or_else(|| json!(""));
                        vec![json!(name), part("scope"), part("account"), part("created_at")]
                    });
                    print_list(json, &["name", "scope", "account", "created_at"], rows.collect());
                }
                TokenDo::Remove { name } => {
                    if !store.cache.tokens().contains_key(&name) {
                        return Err(Failure::new(format!("there is no token named {name}")));
                    }
                    store.cache.put(SettingKey::Token(name), None, None).await?;
                }
            }
            Ok(EXIT_DONE)
        })
    }
}
