//! The pictures of a report that are no curves: a bar a person, and the hours of the week.

use super::exact;
use super::figures::{Figures, Line};
use crate::window::Frame;

/// So many people are in the picture.
const MAX_BARS: usize = 40;

/// A bar of the picture.
pub(crate) struct Bar {
    pub(crate) label: String,
    /// Answered, missed, made: x and width of each.
    pub(crate) parts: [(String, String); 3],
    pub(crate) total: String,
}

/// A field of the heat map.
pub(crate) struct Heat {
    pub(crate) x: usize,
    pub(crate) y: usize,
    /// 0 to 5.
    pub(crate) level: u64,
    pub(crate) title: String,
}

pub(super) fn bars(f: &Frame, figures: &Figures) -> Vec<Bar> {
    let longest = figures.lines.values().map(Line::calls).max().unwrap_or(1).max(1);
    let width = |count: u64| exact(count) / exact(longest) * 100.0;
    let bar = |(number, line): (&String, &Line)| {
        let widths = [line.tally.taken, line.tally.missed, line.tally.made].map(width);
        let at = [0.0, widths[0], widths[0] + widths[1]];
        let part = |of: usize| (format!("{:.1}", at[of]), format!("{:.1}", widths[of]));
        Bar {
            label: if line.name.is_empty() { number.clone() } else { line.name.clone() },
            parts: [part(0), part(1), part(2)],
            total: f.locale.number(line.calls()),
        }
    };
    figures.busiest(MAX_BARS).into_iter().map(bar).collect()
}

pub(super) fn heat(f: &Frame, figures: &Figures, days: &[&'static str; 7]) -> Vec<Heat> {
    let most = figures.heat.iter().flatten().copied().max().unwrap_or(0).max(1);
    let mut fields = Vec::with_capacity(7 * 24);
    for (day, hours) in figures.heat.iter().enumerate() {
        for (hour, count) in hours.iter().enumerate() {
            fields.push(Heat {
                x: 60 + hour * 26,
                y: 24 + day * 26,
                level: if *count == 0 { 0 } else { 1 + (count - 1) * 5 / most },
                title: format!("{} {hour:02}: {}", days[day], f.locale.number(*count)),
            });
        }
    }
    fields
}
