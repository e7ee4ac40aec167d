//! `integration`: the method, the four web services, and how the requests are made.

use std::path::PathBuf;

use admin::Expect;
use admin::kept::settings::{Integration, IntegrationId};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};
use web::wire;

use super::{at_desk, refused};
use crate::cli::say::say;
use crate::cli::{ConfigArg, EXIT_DONE, Failure};

/// Show, set and remove the employee integration of an account.
#[derive(Args, Debug)]
pub struct IntegrationArgs {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    what: IntegrationDo,
}

#[derive(Debug, Subcommand)]
enum IntegrationDo {
    /// List the accounts that have an integration, with method and web services.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show the integration of an account, as the API does.
    Show {
        /// The account's id.
        account: String,
    },
    /// Change the integration of an account; what is not given stays as it is.
    Set(Box<SetArgs>),
    /// Switch all web services of an account off.
    Remove {
        /// The account's id.
        account: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum MethodArg {
    /// Parameters in the body.
    #[value(name = "POST", alias = "post")]
    Post,
    /// Parameters in the query.
    #[value(name = "GET", alias = "get")]
    Get,
}

#[derive(Args, Debug)]
struct SetArgs {
    /// The account's id.
    account: String,
    /// The HTTP method.
    #[arg(long, value_enum)]
    method: Option<MethodArg>,
    /// Called when an employee's phone rings; empty switches it off.
    #[arg(long, value_name = "URL")]
    incoming_url: Option<String>,
    /// Called when an employee answers; empty switches it off.
    #[arg(long, value_name = "URL")]
    answered_url: Option<String>,
    /// Called when an employee places a call; empty switches it off.
    #[arg(long, value_name = "URL")]
    outgoing_url: Option<String>,
    /// Called when a call ended; empty switches it off.
    #[arg(long, value_name = "URL")]
    ended_url: Option<String>,
    /// How a POST body is written.
    #[arg(long, value_parser = ["form", "json"])]
    body_format: Option<String>,
    /// How many seconds an Incoming is tried for, 1 to 3600; 60 where nothing is set.
    #[arg(long, value_name = "SECONDS")]
    retry_incoming_secs: Option<u32>,
    /// How many seconds the other events are tried for, 60 to 2592000; three days where nothing is set.
    #[arg(long, value_name = "SECONDS")]
    retry_others_secs: Option<u32>,
    /// Send outside numbers in E.164, those without a country's code being of this country: two letters, like DK; empty: as
    /// the PBX says them.
    #[arg(long, value_name = "COUNTRY")]
    e164_country: Option<String>,
    /// How many requests a second go to the account's web services at most, all four together: 1 to 1000; 0 for no bound.
    #[arg(long, value_name = "REQUESTS")]
    rate: Option<u32>,
    /// Anything else: a file with the API's JSON for an integration, whose fields are taken over.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl IntegrationArgs {
    pub(crate) fn run(self) -> Result<u8, Failure> {
        at_desk(&self.config, |desk| async move {
            match self.what {
                IntegrationDo::List { json: as_json } => {
                    let accounts = desk.admin.accounts(&desk.actor, None, usize::MAX);
                    let rows = accounts.iter().filter_map(|account| {
                        let view = view(account.integration()?);
                        let part = |key: &str| view.get(key).cloned().unwrap_or_default();
                        let urls = ["incoming_url", "answered_url", "outgoing_url", "ended_url"].map(part);
                        Some([json!(account.id.as_str()), part("method")].into_iter().chain(urls).collect())
                    });
                    let columns =
                        ["account", "method", "incoming_url", "answered_url", "outgoing_url", "ended_url"];
                    super::print_list(as_json, &columns, rows.collect())?;
                }
                IntegrationDo::Show { account: id } => {
                    let account = desk.account(&id)?;
                    let Some(integration) = account.integration() else {
                        return Err(Failure::new(format!(
                            "account {id} has no integration yet: see ringbud integration set --help"
                        )));
                    };
                    say!("{:#}", Value::Object(view(integration)))?;
                }
                IntegrationDo::Set(args) => {
                    let id = args.account.clone();
                    let account = desk.account(&id)?;
                    let before = account.integration();
                    let none = Integration::default();
                    let wanted = args.wanted(before.map_or(&none, |(_, integration, _)| integration))?;
                    let wish = wire::integration_from_json(Value::Object(wanted).to_string().as_bytes())?;
                    // What was not given is as it was read: if it is not any more, that is said and nothing changed.
                    let expect = Expect::version(Some(before.map_or(0, |(_, _, version)| version)));
                    let set = desk.admin.set_integration(&desk.actor, &id, wish, expect, "").await;
                    set.map_err(|refusal| refused(&refusal, &id))?;
                }
                IntegrationDo::Remove { account } => {
                    let gone = desk.admin.remove_integration(&desk.actor, &account).await;
                    gone.map_err(|refusal| refused(&refusal, &account))?;
                }
            }
            Ok(EXIT_DONE)
        })
    }
}

impl SetArgs {
    /// The integration as it was, with what was given put over it.
    fn wanted(&self, before: &Integration) -> Result<Map<String, Value>, Failure> {
        let mut wanted = as_object(wire::integration_to_json(before, 0, true));
        if let Some(file) = &self.json {
            let unusable = |why: String| Failure::new(format!("{}: {why}", file.display()));
            let text = std::fs::read(file).map_err(|error| unusable(error.to_string()))?;
            match serde_json::from_slice(&text) {
                Ok(Value::Object(given)) => wanted.extend(given),
                Ok(_) => return Err(unusable("expected a JSON object".to_owned())),
                Err(error) => return Err(unusable(error.to_string())),
            }
        }
        let method = self.method.map(|method| match method {
            MethodArg::Post => "POST",
            MethodArg::Get => "GET",
        });
        let given = [
            ("method", method),
            ("incoming_url", self.incoming_url.as_deref()),
            ("answered_url", self.answered_url.as_deref()),
            ("outgoing_url", self.outgoing_url.as_deref()),
            ("ended_url", self.ended_url.as_deref()),
            ("body_format", self.body_format.as_deref()),
            ("e164_country", self.e164_country.as_deref()),
        ];
        wanted.extend(given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))));
        let retry = [("incoming_secs", self.retry_incoming_secs), ("others_secs", self.retry_others_secs)];
        for (name, secs) in retry {
            if let Some(secs) = secs {
                wanted.entry("retry").or_insert_with(|| json!({}))[name] = json!(secs);
            }
        }
        if let Some(rate) = self.rate {
            wanted.insert("rate".to_owned(), if rate == 0 { Value::Null } else { json!(rate) });
        }
        Ok(wanted)
    }
}

fn view((_, integration, version): (IntegrationId, &std::sync::Arc<Integration>, u64)) -> Map<String, Value> {
    as_object(wire::integration_to_json(integration, version, false))
}

fn as_object(view: wire::IntegrationView) -> Map<String, Value> {
    match serde_json::to_value(view) {
        Ok(Value::Object(object)) => object,
        Ok(_) | Err(_) => Map::new(),
    }
}
