//! What the operator is told of webhooks.

use calls::{AccountId, EventKind};
use journal::settings::Pause;
use serde_json::json;

use crate::operator::Notice;

fn names(kinds: &[EventKind]) -> Vec<&'static str> {
    kinds.iter().map(|kind| kind.name()).collect()
}

/// A webhook was paused. Of its URL without the query, where people put secrets.
pub fn paused(account: &AccountId, kinds: &[EventKind], url: &str, pause: &Pause) -> Notice {
    let data = json!({
        "account": account.as_str(),
        "events": names(kinds),
        "url": url.split('?').next(),
        "why": pause.why,
        "server_said": pause.server_said,
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
