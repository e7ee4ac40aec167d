//! What a number would be sent as: tried in the form, before anything is saved.

use delivery::payload::Numbers;

use crate::window::Frame;
use crate::window::visitor::Fields;

/// What is tried until somebody types another.
pub(super) const EXAMPLE: &str = "70 10 20 30";
/// No number is longer.
const LONGEST: usize = 64;

/// In words, what the form would make of the number that is tried; nothing while the country is none.
pub(super) fn told(f: &Frame, fields: &Fields) -> String {
    let typed = fields.get("e164_try");
    let number: String = if typed.is_empty() { EXAMPLE } else { typed }.chars().take(LONGEST).collect();
    let country = fields.get("e164_country");
    let numbers = match country {
        "" => Numbers::AS_GIVEN,
        country => match Numbers::of_country(country) {
            Ok(numbers) => numbers,
            Err(_) => return String::new(),
        },
    };
    let written = numbers.write(&number);
    match *written == *number {
        true => f.w.with("e164.stays", "from", &number),
        false => f.w.with("e164.sent", "from", &number).replace("{to}", &written),
    }
}
