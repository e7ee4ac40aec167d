//! Today's missed calls, with who called back: beside the board, from what is kept.

use std::sync::Arc;

use admin::Missed;
use admin::kept::AccountSettings;
use calls::PbxTime;

use super::super::calls::other_number;
use super::super::{Fail, Frame, Visitor, Window};
use crate::clock;

/// So many are shown; the list of calls has them all.
const SHOWN: usize = 12;

/// A call nobody took.
pub(crate) struct Row {
    pub(crate) leg: String,
    pub(crate) number: String,
    /// Empty where it was withheld: then nobody can call back.
    pub(crate) tel: String,
    pub(crate) at: String,
    pub(crate) iso: String,
    /// Who it rang for: an employee, or how many.
    pub(crate) rang: String,
    pub(crate) queue: String,
    /// Who talked to the number afterwards, and when.
    pub(crate) back: Option<(String, String, String)>,
}

/// Today's, the newest first.
pub(crate) struct Today {
    pub(crate) rows: Vec<Row>,
    pub(crate) count: usize,
    /// Of those nobody has talked to since.
    pub(crate) open: usize,
}

pub(super) async fn today(
    window: &Arc<Window>,
    visitor: &Visitor,
    account: &AccountSettings,
    f: &Frame,
) -> Result<Today, Fail> {
    let now = clock::now().0;
    let since = super::super::calls::day(f, &f.locale.date(now), 0).unwrap_or(PbxTime::from_micros(now));
    let all = window.web.admin.missed_since(&visitor.actor(), account.id.as_str(), since).await?;
    let open = all.iter().filter(|one| one.back.is_none()).count();
    let count = all.len();
    Ok(Today { rows: all.iter().take(SHOWN).map(|one| row(f, one, now)).collect(), count, open })
}

fn row(f: &Frame, one: &Missed, now: i64) -> Row {
    let begun = &one.leg.begun;
    let at = begun.at.as_micros();
    let rang = match one.phones {
        1 => called(begun),
        phones => f.w.with("missed.phones", "count", phones),
    };
    let back = one.back.as_ref().map(|back| {
        let at = back.begun.at.as_micros();
        (back.begun.leg.to_string(), called(&back.begun), f.locale.lately(at, now))
    });
    let plain = |c: &char| c.is_ascii_digit() || *c == '+';
    Row {
        leg: begun.leg.to_string(),
        number: other_number(f, begun),
        tel: begun.a_number.chars().filter(plain).collect(),
        at: f.locale.lately(at, now),
        iso: f.locale.iso(at),
        rang,
        queue: begun.queue.to_string(),
        back,
    }
}

/// The employee's name, or their number.
fn called(event: &calls::Event) -> String {
    let employee = event.phone.employee.as_ref().map(|one| one.name.to_string());
    employee.filter(|name| !name.is_empty()).unwrap_or_else(|| event.phone.employee_number().to_owned())
}
