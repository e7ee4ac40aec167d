//! Whose phones and which lines there are, as lists and events show them.

use crate::esl::listed;
use crate::link::{Endpoint, Output, Sign};

/// Whether an id can be written into a command: it came from outside, and FreeSWITCH's own are.
pub(super) fn is_plain(id: &str) -> bool {
    id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

pub(super) fn registered(user: &str, host: &str, is_reachable: bool, out: &mut impl FnMut(Output<'_>)) {
    if !user.is_empty() && !host.is_empty() {
        let name = format!("{user}@{host}");
        out(Output::Endpoint(Endpoint { is_reachable: Some(is_reachable), ..Endpoint::named(&name) }));
    }
}

/// Whose phones the channels of a list are, and those of which nobody can tell.
pub(super) fn seen_in_calls(list: &[u8], out: &mut impl FnMut(Output<'_>)) {
    for row in listed::rows(list) {
        let [presence, name] = ["presence_id", "name"].map(|column| listed::text(&row, column));
        let is_user = name.starts_with("sofia/") && name.contains('@');
        if !presence.is_empty() {
            out(Output::Endpoint(Endpoint::named(presence)));
        } else if is_user {
            out(Output::Endpoint(Endpoint::named(name)));
        }
    }
}

/// The gateways in what `sofia status` prints: `external::provider  gateway  sip:…  REGED`.
pub(super) fn read_gateways(said: &str, out: &mut impl FnMut(Output<'_>)) {
    for line in said.lines() {
        let mut columns = line.split('\t').map(str::trim).filter(|column| !column.is_empty());
        let (Some(name), Some("gateway")) = (columns.next(), columns.next()) else { continue };
        let is_reachable = match columns.nth(1).unwrap_or_default() {
            state if state.starts_with("REGED") => Some(true),
            state if state.starts_with("NOREG") => None,
            _ => Some(false),
        };
        let name = ["gateway/", name.rsplit("::").next().unwrap_or(name)].concat();
        out(Output::Endpoint(Endpoint { is_reachable, sign: Some(Sign::Gateway), ..Endpoint::named(&name) }));
    }
}
