//! JSON as FreeSWITCH writes it: events, which become lines like any other, and lists.

use serde_json::{Map, Value};

use super::value;

/// An event as JSON, as the lines of the same event in plain. `None` if it is no JSON object.
pub(super) fn to_plain(body: &[u8], plain: &mut Vec<u8>) -> Option<()> {
    plain.clear();
    for (name, value) in object(body)? {
        if name.contains(['\n', ':']) || name.starts_with('_') {
            continue;
        }
        let text = match value {
            Value::String(text) => text,
            // FreeSWITCH's own way to write a list where there are only strings.
            Value::Array(entries) => {
                let entries: Vec<&str> = entries.iter().filter_map(Value::as_str).collect();
                ["ARRAY::", &entries.join("|:")].concat()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
        };
        plain.extend_from_slice(name.as_bytes());
        plain.extend_from_slice(b": ");
        value::encode(&text, plain);
        plain.push(b'\n');
    }
    Some(())
}

/// A JSON object; bytes that are no UTF-8 are replaced.
pub(super) fn object(body: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_str(&String::from_utf8_lossy(body)) {
        Ok(Value::Object(object)) => Some(object),
        Ok(_) | Err(_) => None,
    }
}
