//! `delivery`: looks at deliveries and takes a hand in them, through the API of the gateway that runs.
//!
//! Deliveries are the running gateway's: it alone knows what is due. So these commands ask it, with a token
//! they make for themselves and remove again.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::ask::{self, Api};
use super::say::say;
use super::{ConfigArg, EXIT_DONE, EXIT_FAILED, Failure};

/// List deliveries, send them again, cancel, pause, resume, send a test call.
///
/// Needs the gateway of the same configuration to run.
#[derive(Args, Debug)]
pub struct DeliveryArgs {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    what: DeliveryDo,
}

#[derive(Debug, Subcommand)]
enum DeliveryDo {
    /// List the newest deliveries of an account.
    List {
        /// The account's id.
        account: String,
        /// Only those in this state: waiting, retrying, paused, delivered, expired, failed, cancelled.
        #[arg(long)]
        state: Vec<String>,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show each attempt of a delivery, with request and answer, as JSON.
    Show {
        /// The account's id.
        account: String,
        /// The delivery, as `list` names it.
        delivery: String,
    },
    /// Send a delivery again now, or all that failed.
    Again {
        /// The account's id.
        account: String,
        /// The delivery, as `list` names it.
        #[arg(required_unless_present = "failed")]
        delivery: Option<String>,
        /// All that failed or expired.
        #[arg(long, conflicts_with = "delivery")]
        failed: bool,
        /// Only of events since this moment (2026-11-22T09:53:00+01:00).
        #[arg(long, value_name = "TIME", requires = "failed")]
        since: Option<String>,
    },
    /// Give a waiting delivery up.
    Cancel {
        /// The account's id.
        account: String,
        /// The delivery, as `list` names it.
        delivery: String,
    },
    /// Pause an account's web services: events are kept and not sent.
    Pause {
        /// The account's id.
        account: String,
        /// Only the web service of this event.
        #[arg(long)]
        event: Option<EventArg>,
    },
    /// Resume an account's web services.
    Resume {
        /// The account's id.
        account: String,
        /// Only the web service of this event.
        #[arg(long)]
        event: Option<EventArg>,
        /// Do not send what was kept meanwhile.
        #[arg(long)]
        drop_kept: bool,
    },
    /// Send a test call: each of the four events, with test values. Exit code 1 if one is not accepted.
    Test {
        /// The account's id.
        account: String,
        /// The local number of the employee it is for.
        employee: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum EventArg {
    Incoming,
    Answered,
    Outgoing,
    Ended,
}

impl EventArg {
    const fn name(self) -> &'static str {
        match self {
            Self::Incoming => "Incoming",
            Self::Answered => "Answered",
            Self::Outgoing => "Outgoing",
            Self::Ended => "Ended",
        }
    }
}

impl DeliveryArgs {
    pub(super) fn run(self) -> Result<u8, Failure> {
        super::settings::at_desk(&self.config, |desk| async move {
            let api = Api::enter(&desk).await?;
            let done = self.what.act(&api).await;
            api.leave(&desk).await?;
            done
        })
    }
}

impl DeliveryDo {
    async fn act(self, api: &Api) -> Result<u8, Failure> {
        match self {
            Self::List { account, state, limit, json } => {
                let states: String =
                    state.iter().map(|state| format!("&state={}", ask::encoded(state))).collect();
                let page = api.get(&account, &format!("deliveries?limit={limit}{states}")).await?;
                print_deliveries(&page, json)?;
            }
            Self::Show { account, delivery } => {
                let attempts = format!("deliveries/{}/attempts", ask::encoded(&delivery));
                say!("{:#}", api.get(&account, &attempts).await?)?;
            }
            Self::Again { account, delivery: Some(delivery), .. } => {
                api.post(&account, &format!("deliveries/{}/again", ask::encoded(&delivery)), &json!({}))
                    .await?;
            }
            Self::Again { account, delivery: None, since, .. } => {
                let since = since.map(|since| format!("?from={}", ask::encoded(&since))).unwrap_or_default();
                let sent = api.post(&account, &format!("deliveries/again{since}"), &json!({})).await?;
                say!("{} sent again", sent["again"])?;
                for why in sent["reasons"].as_array().into_iter().flatten() {
                    say!("{} not: {}", why["count"], why["message"].as_str().unwrap_or_default())?;
                }
            }
            Self::Cancel { account, delivery } => {
                api.post(&account, &format!("deliveries/{}/cancel", ask::encoded(&delivery)), &json!({}))
                    .await?;
            }
            Self::Pause { account, event } => {
                api.post(&account, "integration/pause", &of_event(event)).await?;
            }
            Self::Resume { account, event, drop_kept } => {
                let mut wish = of_event(event);
                wish["send_kept"] = json!(!drop_kept);
                api.post(&account, "integration/resume", &wish).await?;
            }
            Self::Test { account, employee } => {
                let report = api.post(&account, "integration/test", &json!({ "employee": employee })).await?;
                return print_test(&report);
            }
        }
        Ok(EXIT_DONE)
    }
}

fn of_event(event: Option<EventArg>) -> Value {
    event.map_or_else(|| json!({}), |event| json!({ "event": event.name() }))
}

fn print_deliveries(page: &Value, as_json: bool) -> Result<(), Failure> {
    const COLUMNS: [&str; 8] =
        ["id", "event", "employee", "state", "attempts", "updated_at", "last", "waits_for"];
    let deliveries = page["deliveries"].as_array().cloned().unwrap_or_default();
    let cell = |one: &Value, column: &str| match (column, as_json) {
        ("waits_for", false) => json!(waits_for(one["waits_for"].as_str().unwrap_or_default())),
        _ => one[column].clone(),
    };
    let rows = deliveries.iter().map(|one| COLUMNS.iter().map(|column| cell(one, column)).collect());
    super::settings::print_list(as_json, &COLUMNS, rows.collect())
}

/// What a delivery waits for besides its own next attempt, in words.
fn waits_for(code: &str) -> &str {
    match code {
        "web_service_fails" => "its web service fails, and is tried now and then",
        "earlier_delivery" => "an earlier one of the same call",
        "rate" => "the account's rate of requests",
        "web_service_paused" => "somebody to resume its web service",
        "web_service_off" => "nothing: its web service is off, so it is cancelled",
        other => other,
    }
}

fn print_test(report: &Value) -> Result<u8, Failure> {
    let answers = report["answers"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    for answer in &answers {
        let words =
            if text(&answer["error"]).is_empty() { text(&answer["status"]) } else { text(&answer["error"]) };
        say!("{:<9} {}  {words}", text(&answer["event"]), text(&answer["request_line"]))?;
    }
    let accepted = answers
        .iter()
        .all(|answer| answer["accepted"] == json!(true) || text(&answer["request_line"]).is_empty());
    Ok(if accepted { EXIT_DONE } else { EXIT_FAILED })
}
