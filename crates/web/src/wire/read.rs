//! Reading JSON so that a mistake is told with its place.

use admin::{Code, Refusal};
use serde::de::DeserializeOwned;

/// Reads a JSON object; unknown fields are refused by name, broken JSON by line and column.
pub fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Refusal> {
    // What is read is always an object; serde would take a list of its fields as well.
    if matches!(json.trim_ascii_start().first(), Some(b'[')) {
        return Err(Refusal::new(Code::NotJson).with("why", "expected a JSON object, found a list"));
    }
    let mut reader = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| told(&error))?;
    reader.end().map_err(|error| broken(&error))?;
    Ok(value)
}

fn told(error: &serde_path_to_error::Error<serde_json::Error>) -> Refusal {
    let inner = error.inner();
    if inner.is_syntax() || inner.is_eof() {
        return broken(inner);
    }
    let text = inner.to_string();
    let what = text.rfind(" at line ").map_or(text.as_str(), |end| &text[..end]);
    let path = match error.path().to_string().as_str() {
        "." => String::new(),
        path => path.to_owned(),
    };
    match what.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')) {
        Some((name, rest)) => {
            let field = if path.is_empty() || path == name || path.ends_with(&format!(".{name}")) {
                if path.is_empty() { name.to_owned() } else { path }
            } else {
                format!("{path}.{name}")
            };
            Refusal::of(Code::UnknownField, field).with("name", name).with("expected", rest)
        }
        None if path.is_empty() => Refusal::new(Code::NotJson).with("why", what),
        None => Refusal::of(Code::Shape, path).with("why", what),
    }
}

fn broken(error: &serde_json::Error) -> Refusal {
    let text = error.to_string();
    let what = text.rfind(" at line ").map_or(text.as_str(), |end| &text[..end]);
    let why = format!("this is not JSON: {what}, line {}, column {}", error.line(), error.column());
    Refusal::new(Code::NotJson).with("why", why)
}
