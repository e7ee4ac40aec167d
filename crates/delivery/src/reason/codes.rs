//! The codes, with their arguments and their English: the list `docs/delivery.md` shows.

use journal::Reason;
use journal::reason::{STATUS, TEXT};

/// A code.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// Its name. It is never given to anything else, and outlives what gave it.
    pub name: &'static str,
    /// What its arguments are called.
    pub args: &'static [&'static str],
    /// Its sentence in English, with `{argument}` for what is filled in.
    pub english: &'static str,
}

const fn code(name: &'static str, args: &'static [&'static str], english: &'static str) -> Code {
    Code { name, args, english }
}

/// All of them.
#[rustfmt::skip]
pub const CODES: &[Code] = &[
    // Getting through.
    code("name_not_found", &["host", "why"], "{host} cannot be found: {why}"),
    code("name_without_address", &["host"], "{host} cannot be found: it has no address"),
    code("address_refused", &["address", "range"], "{address} is {range} and refused: if it is meant, an operator can list it under [outgoing] allow"),
    code("connection_refused", &["address"], "{address} cannot be connected to: connection refused"),
    code("connection_unanswered", &["address"], "{address} cannot be connected to: no answer"),
    code("address_unreachable", &["address"], "{address} cannot be connected to: there is no way to it"),
    code("connection_failed", &["address", "why"], "{address} cannot be connected to: {why}"),
    code("certificate_expired", &["host", "address"], "no TLS with {host} at {address}: its certificate has expired"),
    code("certificate_not_yet", &["host", "address"], "no TLS with {host} at {address}: its certificate is not valid yet"),
    code("certificate_issuer", &["host", "address"], "no TLS with {host} at {address}: its certificate's issuer is not known"),
    code("certificate_name", &["host", "address"], "no TLS with {host} at {address}: its certificate is for another name"),
    code("tls_failed", &["host", "address", "why"], "no TLS with {host} at {address}: {why}"),
    code("connection_timeout", &["host", "secs"], "no connection to {host} within {secs} s"),
    // The answer.
    code("answer_cut_off", &[], "no answer: the connection was closed before it was complete"),
    code("connection_reset", &[], "no answer: the connection was reset"),
    code("answer_unreadable", &["why"], "no answer: what came is not HTTP: {why}"),
    code("no_answer", &["why"], "no answer: {why}"),
    code("answer_timeout", &[], "no answer in time"),
    code("gone", &[], "410: the web service is gone; the webhook is paused"),
    code("redirect", &["status"], "HTTP {status}: redirects are not followed"),
    code(STATUS, &["status"], "HTTP {status}"),
    code("event_forgotten", &[], "its event is not in the journal any more"),
    code("own_fault", &[], "Ringbud itself failed at it: its log says more"),
    // The settings.
    code("switched_off", &[], "there is no URL for this kind of event: it is switched off"),
    code("url_blank", &[], "the URL has a blank or a control character in it: write a blank as %20"),
    code("url_too_long", &["bytes", "most"], "the URL is {bytes} bytes long, at most {most} are taken"),
    code("url_scheme", &[], "the URL has to begin with https:// or http://"),
    code("url_without_host", &[], "the URL has no host: write it as https://crm.example.com/path"),
    code("url_credentials", &[], "the URL has a user name or password in it: enter them as credentials instead"),
    code("url_port_zero", &[], "port 0 cannot be connected to"),
    code("url_placeholder_in_host", &[], "a placeholder {…} may stand in the path or the query, not in the host"),
    code("url_placeholder_unknown", &["name"], "{name} is no parameter; AccountId, UniqueCallId and ANumber are some"),
    code("url_unreadable", &["why"], "the URL cannot be read: {why}"),
    code("secret_not_base64", &[], "a signing secret is whsec_ and then base64: what follows whsec_ is not base64"),
    code("secret_length", &["bytes"], "a signing secret holds 24 to 64 bytes, this one {bytes}: let ringbud make one"),
    code("header_name", &["name"], "{name} is no header name: letters, digits and dashes"),
    code("header_reserved", &["name"], "the header {name} is set by ringbud itself"),
    code("header_value", &["name", "most"], "the value of the header {name} has a line break or control character in it, or is longer than {most} bytes"),
    code("headers_too_many", &["count", "most"], "{count} fixed headers, at most {most} are sent"),
    code("ca_empty", &[], "there is no certificate in it: paste the CA's certificate as PEM, from -----BEGIN CERTIFICATE-----"),
    code("ca_too_long", &["bytes", "most"], "the CA's PEM is {bytes} bytes long, at most {most} are taken"),
    code("ca_unreadable", &["why"], "a certificate in the CA's PEM cannot be read: {why}"),
    // Pauses.
    code("paused_gone", &[], "the web service answered 410 Gone"),
    code("paused_failing", &["days"], "nothing has succeeded for {days} days"),
    code("paused_by_hand", &[], "paused by hand"),
    // Wishes that are refused.
    code("no_such_delivery", &[], "there is no such delivery, or its event is too old and was forgotten"),
    code("no_such_integration", &[], "there is no such integration"),
    code("webhook_paused", &[], "the webhook is paused: resume it first"),
    code("webhook_switched_off", &[], "the webhook is switched off: enter a URL first"),
    code("already_settled", &[], "the delivery is settled already"),
    code("journal_failed", &["why"], "the journal could not do it: {why}"),
    code("nothing_to_test", &[], "no web service is entered: there is nothing to test"),
    code("tests_running", &[], "test calls are running already: wait for their answers"),
    code("destination_busy", &[], "as many requests are out to it as may be: try again in a moment"),
    // From before there were codes.
    code(TEXT, &["text"], "{text}"),
];

/// What `range` of `address_refused` may be, with its English.
pub const RANGES: &[(&str, &str)] = &[
    ("loopback", "a loopback address"),
    ("unspecified", "the unspecified address"),
    ("link_local", "a link-local address (cloud metadata services live there)"),
    ("metadata", "a cloud metadata address"),
    ("private", "a private address"),
    ("unique_local", "a unique-local address"),
    ("shared_nat", "an address behind a provider's shared NAT"),
    ("multicast", "a multicast address"),
    ("broadcast", "the broadcast address"),
    ("documentation", "an address reserved for documentation"),
    ("reserved", "a reserved address"),
];

/// A reason's sentence in English; of a code that is not known, the code with its arguments.
pub fn english(reason: &Reason) -> String {
    let Some(code) = CODES.iter().find(|code| code.name == reason.code()) else { return reason.to_string() };
    let range = reason.arg("range").and_then(|name| RANGES.iter().find(|(range, _)| *range == name));
    let sentence = match range {
        Some((_, range)) => code.english.replace("{range}", range),
        None => code.english.to_owned(),
    };
    reason.fill(&sentence)
}
