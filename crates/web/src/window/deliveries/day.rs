//! What became of an account's requests over the last day, hour by hour: how many, and how late the latest came.

use std::fmt::Write as _;
use std::time::Duration;

use admin::{Hour, Service};

use super::super::Frame;
use super::super::services::in_short;
use crate::clock;

const HOUR_MICROS: i64 = 3_600 * 1_000_000;
/// So many hours are drawn at least; those before the first request are left out.
const FEWEST: usize = 6;
/// How high a picture is, in its own units; an hour is ten wide.
const HIGH: u32 = 100;

/// The last day as it is drawn and told.
pub(crate) struct Day {
    /// The most requests of an hour, which the tallest column is.
    pub(crate) most: String,
    /// The latest that one came.
    pub(crate) latest: String,
    /// When the first hour began.
    pub(crate) begun: String,
    pub(crate) columns: Vec<Column>,
    /// The curve of the latest of each hour.
    pub(crate) path: String,
    /// The table behind, the newest hour first, of those in which anything was sent.
    pub(crate) rows: Vec<[String; 5]>,
}

/// An hour.
pub(crate) struct Column {
    pub(crate) x: usize,
    /// Where each part begins, its height, and how the style sheet fills it.
    pub(crate) parts: Vec<(u32, u32, &'static str)>,
    pub(crate) title: String,
}

/// The day of all web services of an account; none where nothing was sent.
pub(super) fn of(f: &Frame, services: &[Service]) -> Option<Day> {
    let hours = services.first()?.day.len();
    let mut all = vec![Hour::default(); hours];
    for service in services {
        all.iter_mut().zip(&service.day).for_each(|(sum, hour)| sum.add(hour));
    }
    let many = |hour: &Hour| hour.taken.saturating_add(hour.retried).saturating_add(hour.failed);
    let most = all.iter().map(many).max().filter(|most| *most > 0)?;
    let latest = all.iter().map(|hour| hour.waited).max().unwrap_or_default();
    let first = all.iter().position(|hour| many(hour) > 0).unwrap_or(0);
    all.drain(..first.min(hours.saturating_sub(FEWEST)));
    let hours = all.len();
    let now = clock::now().0.div_euclid(HOUR_MICROS);
    let begun = |at: usize| {
        let back = i64::try_from(hours - 1 - at).unwrap_or(0);
        f.locale.lately((now - back) * HOUR_MICROS, now * HOUR_MICROS)
    };
    let number = |count: u32| f.locale.number(count.into());
    let cells = |at: usize, hour: &Hour| {
        let waited = if hour.taken + hour.retried > 0 { in_short(f, hour.waited) } else { "–".to_owned() };
        [begun(at), number(hour.taken), number(hour.retried), number(hour.failed), waited]
    };
    let column = |(at, hour): (usize, &Hour)| {
        let mut y = HIGH;
        let parts = [(hour.taken, "talking"), (hour.retried, "ringing"), (hour.failed, "missed")];
        let parts = parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, class)| {
            let height = share(count, most).clamp(1, y.max(1)).min(y);
            y -= height;
            (y, height, class)
        });
        Column { x: at * 10, parts: parts.collect(), title: cells(at, hour).join(" / ") }
    };
    Some(Day {
        most: number(most),
        latest: in_short(f, latest),
        begun: begun(0),
        columns: all.iter().enumerate().map(column).collect(),
        path: path(&all, latest),
        rows: all
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, hour)| many(hour) > 0)
            .map(|(at, hour)| cells(at, hour))
            .collect(),
    })
}

fn share(count: u32, most: u32) -> u32 {
    u32::try_from(u64::from(count) * u64::from(HIGH) / u64::from(most)).unwrap_or(HIGH)
}

/// A curve through the hours in which anything was taken; where nothing was, it is broken.
fn path(hours: &[Hour], latest: Duration) -> String {
    let mut path = String::new();
    let mut goes_on = false;
    for (at, hour) in hours.iter().enumerate() {
        let is_drawn = hour.taken + hour.retried > 0 && !latest.is_zero();
        if is_drawn {
            // As wide as its column: an hour alone is seen, too.
            let (x, of) = (at * 10 + 1, hour.waited.as_secs_f64() / latest.as_secs_f64());
            let (y, to) = (f64::from(HIGH) * (1.0 - of), if goes_on { 'L' } else { 'M' });
            let _ = write!(path, "{to}{x} {y:.1}h8");
        }
        goes_on = is_drawn;
    }
    path
}
