//! What an account, an employee or a phone may be called.

use calls::AccountId;

use super::Refusal;

/// Longest id of an account.
const ACCOUNT_ID_CHARS: usize = 64;
/// Longest local number.
const LOCAL_NUMBER_CHARS: usize = 32;
/// Longest name for people.
const NAME_CHARS: usize = 200;

/// Checks the id of an account.
pub fn account_id(text: &str) -> Result<AccountId, Refusal> {
    if plain(text, ACCOUNT_ID_CHARS, "-_.") {
        return Ok(AccountId::new(text));
    }
    Err(Refusal::new(
        "account",
        format!("an account's id is 1 to {ACCOUNT_ID_CHARS} letters, digits, dashes, dots or underscores"),
    ))
}

/// Checks the local number of an employee or a phone; `field` is what it is called.
pub fn local_number(field: &str, text: &str) -> Result<String, Refusal> {
    if plain(text, LOCAL_NUMBER_CHARS, "-_.*#+") {
        return Ok(text.to_owned());
    }
    Err(Refusal::new(
        field,
        format!("a local number is 1 to {LOCAL_NUMBER_CHARS} digits or letters (also + * # - _ .)"),
    ))
}

/// Checks a name for people.
pub(crate) fn name(field: &str, text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.chars().count() > NAME_CHARS {
        return Err(Refusal::new(field, format!("a name has at most {NAME_CHARS} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(Refusal::new(field, "a name has no line breaks or control characters"));
    }
    Ok(text.to_owned())
}

fn plain(text: &str, longest: usize, also: &str) -> bool {
    (1..=longest).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
        && text != "."
        && text != ".."
}
