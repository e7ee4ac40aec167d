//! How long callers waited, as a report tells it.

use admin::kept::Waits;

use super::exact;
use crate::window::Frame;

/// Who is answered within so many seconds was answered soon.
pub(super) const SOON_SECS: u32 = 20;

/// The heads of the four columns, in the order of [`cells`].
pub(super) const HEADS: [&str; 4] = ["report.soon", "report.median", "report.most", "report.longest"];

/// Answered soon, the median, what nine of ten did not exceed, the longest.
pub(super) fn cells(f: &Frame, waits: &Waits) -> [String; 4] {
    let long = |secs: Option<u64>| secs.map_or_else(|| "–".to_owned(), |secs| f.locale.duration(secs));
    let soon = soon(waits).map_or_else(|| "–".to_owned(), |share| format!("{} %", f.locale.tenths(share)));
    [soon, long(waits.not_longer(50)), long(waits.not_longer(90)), long(waits.longest())]
}

/// The share of those answered who were answered soon, in percent.
pub(super) fn soon(waits: &Waits) -> Option<f64> {
    let all = waits.answered();
    (all > 0).then(|| exact(waits.within(SOON_SECS)) * 100.0 / exact(all))
}

/// Against the period before, of the same four; empty where there is nothing to compare.
pub(super) fn against(f: &Frame, now: &Waits, then: &Waits) -> [String; 4] {
    let secs = |now: Option<u64>, then: Option<u64>| match (now, then) {
        (Some(now), Some(then)) => {
            let sign = if now < then { '−' } else { '+' };
            f.w.with("report.seconds", "secs", format!("{sign}{}", f.locale.number(now.abs_diff(then))))
        }
        _ => String::new(),
    };
    let share = match (soon(now), soon(then)) {
        (Some(now), Some(then)) => f.w.with("report.points", "points", signed(f, now - then)),
        _ => String::new(),
    };
    [
        share,
        secs(now.not_longer(50), then.not_longer(50)),
        secs(now.not_longer(90), then.not_longer(90)),
        secs(now.longest(), then.longest()),
    ]
}

/// A change, with its sign.
pub(super) fn signed(f: &Frame, number: f64) -> String {
    let text = f.locale.tenths(number.abs());
    if number < 0.0 { format!("−{text}") } else { format!("+{text}") }
}

/// A curve over the columns of a picture, in its own units.
pub(crate) struct Curve {
    pub(crate) class: &'static str,
    pub(crate) path: String,
}

/// The median and what nine of ten did not exceed, over the columns; and the longest that is drawn, in seconds.
pub(super) fn curves<'a>(columns: impl Iterator<Item = &'a Waits> + Clone, high: u64) -> ([Curve; 2], u64) {
    let most = columns.clone().filter_map(|waits| waits.not_longer(90)).max().unwrap_or(0).max(1);
    let path = |percent: u64| {
        let mut path = String::new();
        let mut goes_on = false;
        for (at, waits) in columns.clone().enumerate() {
            let Some(secs) = waits.not_longer(percent) else {
                goes_on = false;
                continue;
            };
            let (x, y) = (at * 10 + 5, high - (secs * high / most).min(high));
            // A day between two without a call is a dot.
            path.push_str(&if goes_on { format!("L{x} {y}") } else { format!("M{x} {y}h0") });
            goes_on = true;
        }
        path
    };
    ([Curve { class: "median", path: path(50) }, Curve { class: "most", path: path(90) }], most)
}
