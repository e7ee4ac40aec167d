//! Reading JSON so that a mistake is told with its place.

use std::ops::RangeInclusive;

use delivery::reason::english;
use journal::Reason;
use serde::de::DeserializeOwned;

/// Why a value was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", if field.is_empty() { message.clone() } else { format!("{field}: {message}") })]
pub struct Refusal {
    /// The field, as a path (`headers.X-Key`); empty if it is the whole body.
    pub field: String,
    /// What is wrong and what was expected, for a person.
    pub message: String,
    /// The same for programs and other languages, where it has a code.
    pub reason: Option<Reason>,
}

impl Refusal {
    /// A refusal of a field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into(), reason: None }
    }

    /// A refusal of a field, for a reason.
    pub fn because(field: impl Into<String>, reason: Reason) -> Self {
        Self { field: field.into(), message: english(&reason), reason: Some(reason) }
    }
}

/// Reads a JSON object; unknown fields are refused by name, broken JSON by line and column.
pub fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Refusal> {
    // What is read is always an object; serde would take a list of its fields as well.
    if matches!(json.trim_ascii_start().first(), Some(b'[')) {
        return Err(Refusal::new("", "expected a JSON object, found a list"));
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
            Refusal::new(field, format!("there is no field `{name}` here{}", rest))
        }
        None => Refusal::new(path, what),
    }
}

fn broken(error: &serde_json::Error) -> Refusal {
    let text = error.to_string();
    let what = text.rfind(" at line ").map_or(text.as_str(), |end| &text[..end]);
    Refusal::new("", format!("this is not JSON: {what}, line {}, column {}", error.line(), error.column()))
}

/// Checks that a count, where one is given, is within its bounds.
pub(super) fn within(
    field: &str,
    count: Option<u32>,
    bounds: RangeInclusive<u32>,
    unit: &str,
) -> Result<Option<u32>, Refusal> {
    match count {
        Some(count) if !bounds.contains(&count) => {
            Err(Refusal::new(field, format!("between {} and {} {unit}", bounds.start(), bounds.end())))
        }
        Some(_) | None => Ok(count),
    }
}
