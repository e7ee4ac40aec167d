//! Phones of the store that came into being by what was the rule before there are rules: any name of digits.

use calls::AccountId;
use journal::SettingsCache;

use super::{Rules, USUAL_ACCOUNT, local_number};
use crate::config::Pbx;

/// So many are named in one sentence.
const MAX_NAMED: usize = 20;

/// The phones of the usual account that no PBX without rules makes any more, in a sentence; `None` if there are none.
/// They stay as they are: whoever has them keeps them, and nothing more is told of them.
pub fn not_taken_any_more(pbxs: &[Pbx], cache: &SettingsCache) -> Option<String> {
    if !pbxs.iter().any(|pbx| Rules::of(pbx).is_empty()) {
        return None;
    }
    let account = cache.account(&AccountId::new(USUAL_ACCOUNT))?;
    let is_of_digits = |number: &str| number.bytes().all(|byte| byte.is_ascii_digit());
    let phones: Vec<&str> = account
        .phones
        .iter()
        .map(|(number, _)| number.as_ref())
        .filter(|number| is_of_digits(number) && local_number(number).is_none())
        .collect();
    if phones.is_empty() {
        return None;
    }
    let named = phones.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
    let more = phones.len().saturating_sub(MAX_NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    Some(format!(
        "the store has phones of account {USUAL_ACCOUNT} that are none any more without rules, for a local number has two to six digits: {named}{more}. If they are trunks, remove them; if they are phones, give them a rule in [[pbx.phones]]"
    ))
}
