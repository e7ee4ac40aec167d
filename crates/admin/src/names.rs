//! What an account, an employee, a phone, a token or a user may be called.

use calls::AccountId;

use crate::{Code, Refusal};

/// Longest id of an account.
const ACCOUNT_ID_CHARS: usize = 64;
/// No mail address is longer.
const MAIL_BYTES: usize = 254;
/// Longest local number, and name of a token.
const LOCAL_NUMBER_CHARS: usize = 32;
/// Longest name for people.
const NAME_CHARS: usize = 200;
/// Longest name of a user.
const USER_CHARS: usize = 64;

/// Checks the id of an account.
pub fn account_id(text: &str) -> Result<AccountId, Refusal> {
    if plain(text, ACCOUNT_ID_CHARS, "-_.") {
        return Ok(AccountId::new(text));
    }
    Err(Refusal::of(Code::AccountId, "account"))
}

/// Checks the local number of an employee or a phone; `field` is what it is called.
pub fn local_number(field: &str, text: &str) -> Result<String, Refusal> {
    if plain(text, LOCAL_NUMBER_CHARS, "-_.*#+") {
        return Ok(text.to_owned());
    }
    Err(Refusal::of(Code::LocalNumber, field))
}

/// Checks a mail address: one, of plain parts, that no line of a protocol is broken by.
pub(crate) fn mail(field: &str, text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    let is_plain = |part: &str, more: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
        !part.is_empty()
            && part.chars().all(fits)
            && !part.starts_with('.')
            && !part.ends_with('.')
            && !part.contains("..")
    };
    let fine = text.len() <= MAIL_BYTES
        && text
            .split_once('@')
            .is_some_and(|(who, host)| is_plain(who, ".!#$%&'*+-/=?^_`{|}~") && is_plain(host, ".-"));
    if fine { Ok(text.to_owned()) } else { Err(Refusal::of(Code::MailAddress, field).with("found", text)) }
}

/// Checks a name for people.
pub fn name(field: &str, text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.chars().count() > NAME_CHARS {
        return Err(Refusal::of(Code::NameLong, field).with("most", NAME_CHARS));
    }
    if text.chars().any(char::is_control) {
        return Err(Refusal::of(Code::NameControl, field));
    }
    Ok(text.to_owned())
}

/// Checks the name of a token.
pub(crate) fn token(text: &str) -> Result<String, Refusal> {
    local_number("name", text).map_err(|_| Refusal::of(Code::TokenName, "name"))
}

/// Checks the name of a user. It has no colon: names with one are of people a provider vouches for.
pub fn user(text: &str) -> Result<String, Refusal> {
    let fits = (1..=USER_CHARS).contains(&text.chars().count())
        && text.chars().all(|c| c.is_alphanumeric() || "._-@+".contains(c));
    if fits { Ok(text.to_owned()) } else { Err(Refusal::of(Code::UserName, "name")) }
}

fn plain(text: &str, longest: usize, also: &str) -> bool {
    (1..=longest).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
        && text != "."
        && text != ".."
}
