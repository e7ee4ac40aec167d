//! What the operator is told of webhooks.

use calls::{AccountId, EventKind};
use journal::Reason;
use journal::settings::Pause;
use serde_json::{Map, Value, json};

use crate::operator::Notice;
use crate::reason::english;

fn names(kinds: &[EventKind]) -> Vec<&'static str> {
    kinds.iter().map(|kind| kind.name()).collect()
}

/// A reason for programs: its code and what it is about.
fn told(reason: &Reason) -> Value {
    let args: Map<String, Value> =
        reason.args().map(|(name, value)| (name.to_owned(), value.into())).collect();
    json!({ "code": reason.code(), "args": args })
}

/// A webhook was paused. Of its URL without the query, where people put secrets.
pub fn paused(account: &AccountId, kinds: &[EventKind], url: &str, pause: &Pause) -> Notice {
    let data = json!({
        "account": account.as_str(),
        "events": names(kinds),
        "url": url.split('?').next(),
        "why": english(&pause.why),
        "why_reason": told(&pause.why),
        "server_said": pause.server_said.as_ref().map(english).unwrap_or_default(),
        "server_said_reason": pause.server_said.as_ref().map(told),
        "by_person": pause.by_person,
    });
    Notice { kind: "webhook.paused", data }
}

/// A webhook was resumed; what was kept is sent, or not.
pub fn resumed(account: &AccountId, kind: EventKind, with_kept: bool, kept: usize) -> Notice {
    let data = json!({
        "account": account.as_str(),
        "events": names(&[kind]),
        "kept": kept,
        "kept_are_sent": with_kept,
    });
    Notice { kind: "webhook.resumed", data }
}
