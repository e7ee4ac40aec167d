//! Numbers in one form, where an account wants them so: E.164, those without a country's code being its own country's.
//!
//! What is no number of the public network stays as the PBX says it: nothing is ever lost, and no digit is made up.
//! Only what stands before a number is replaced; where the library would change more, the number stays.

use std::borrow::Cow;

use phonenumber::country;
use phonenumber::{Mode, PhoneNumber};

/// Up to so many digits, a number without a country's code is a local or a short one: names of phones have two to six.
const SHORT: usize = 6;
/// Where subscribers' own numbers are as short as that, it is up to so many.
const SHORT_WHERE_NUMBERS_ARE: usize = 5;
const SHORT_NUMBERS: [&str; 5] = ["AD", "FO", "GL", "NC", "PF"];
/// E.164 has so many digits at most, and nobody fewer with the country's code.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// What of an account decides the form of its numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbers(Option<country::Id>);

/// There is no such country.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoCountry;

impl Numbers {
    /// As the PBX says them.
    pub const AS_GIVEN: Self = Self(None);

    /// In E.164, those without a country's code being of this one: two capital letters, as `DK`.
    pub fn of_country(code: &str) -> Result<Self, NoCountry> {
        let id: country::Id = code.parse().map_err(|_| NoCountry)?;
        let is_named = format!("{id:?}") == code;
        if is_named && code.len() == 2 { Ok(Self(Some(id))) } else { Err(NoCountry) }
    }

    /// An integration's. A country that is not known any more leaves numbers as they are.
    pub fn of(code: Option<&str>) -> Self {
        code.and_then(|code| Self::of_country(code).ok()).unwrap_or(Self::AS_GIVEN)
    }

    /// A number in this form.
    pub fn write(self, number: &str) -> Cow<'_, str> {
        match self.0.and_then(|country| e164(number, country)) {
            Some(written) if written != number => written.into(),
            _ => number.into(),
        }
    }
}

fn e164(number: &str, country: country::Id) -> Option<String> {
    let text = number.trim();
    let (plus, rest) = text.strip_prefix('+').map_or((false, text), |rest| (true, rest));
    let is_separator = |c: char| matches!(c, ' ' | '-' | '.' | '(' | ')' | '/');
    // Codes, names, addresses and what somebody dialled on: none of it is a number of the network.
    if !rest.chars().all(|c| c.is_ascii_digit() || is_separator(c)) {
        return None;
    }
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    if plus {
        // It is one already, but for how it is spaced; "(0)" is no part of it, and of what it is nobody can be sure.
        let whole = DIGITS.contains(&digits.len()) && !digits.starts_with('0') && !rest.contains("(0)");
        return whole.then(|| format!("+{digits}"));
    }
    let short =
        if SHORT_NUMBERS.contains(&&*format!("{country:?}")) { SHORT_WHERE_NUMBERS_ARE } else { SHORT };
    if digits.len() <= short {
        return None;
    }
    let parsed = phonenumber::parse(Some(country), &digits).ok()?;
    let written = parsed.format().mode(Mode::E164).to_string();
    let fits = written.len() <= *DIGITS.end() + 1;
    (fits && parsed.is_valid() && keeps_every_digit(&digits, &written, &parsed)).then_some(written)
}

/// Whether all digits of the subscriber's number are the last of those that were given.
fn keeps_every_digit(given: &str, written: &str, parsed: &PhoneNumber) -> bool {
    let code = parsed.code().value().to_string();
    let own = written.strip_prefix('+').and_then(|written| written.strip_prefix(&*code));
    let before = own.and_then(|own| given.strip_suffix(own));
    // A country's code, or the one or two digits that stand before a number within the country.
    before.is_some_and(|before| before.ends_with(&code) || before.len() <= 2)
}
