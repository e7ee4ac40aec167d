//! A refusal in the reader's language.

use super::messages::Language;
use super::{Messages, reason};
use crate::GatewayError;
use crate::wire::Refusal;

/// The sentence for a field, with the exact words behind it where those are in English.
pub(crate) fn told(w: Messages, refusal: &Refusal) -> String {
    if let Some(why) = &refusal.reason {
        return reason::told(w, why);
    }
    match (w.0, expected(&refusal.field)) {
        (Language::English, _) | (Language::Danish, None) => refusal.message.clone(),
        (Language::Danish, Some(key)) => {
            format!("{} ({})", w.get(key), refusal.message)
        }
    }
}

/// Why the gateway did not do it.
pub(crate) fn of_gateway(w: Messages, error: &GatewayError) -> String {
    match error {
        GatewayError::Refused(why) => reason::told(w, why),
        GatewayError::Gone | GatewayError::Unavailable(_) => error.to_string(),
    }
}

/// The key of what a field expects.
fn expected(field: &str) -> Option<&'static str> {
    Some(match field.split('.').next()? {
        "incoming_url" | "answered_url" | "outgoing_url" | "ended_url" => "expect.url",
        "time_zone" => "expect.time_zone",
        "feature_codes" => "expect.feature_codes",
        "parameter_names" => "expect.names",
        "extras" => "expect.extras",
        "headers" => "expect.headers",
        "credentials" => "expect.credentials",
        "ca_pem" => "expect.ca",
        "retry" => "expect.retry",
        "keep" => "expect.keep",
        "number" | "employee" | "phone" => "expect.number",
        "name" | "phone_name" => "expect.name",
        "account" => "expect.account",
        "import" => "expect.import",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dane_reads_danish_first() {
        let refusal = Refusal::new("retry.incoming_secs", "between 1 and 3600 seconds");
        assert!(told(Messages(Language::Danish), &refusal).ends_with("(between 1 and 3600 seconds)"));
        assert_eq!(told(Messages(Language::English), &refusal), "between 1 and 3600 seconds");
    }
}
