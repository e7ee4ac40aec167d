//! `/operator/health`: whether the gateway does its work, and how it did over the last day.

use std::sync::Arc;
use std::time::Duration;

use admin::Pulse;
use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::super::frame::page;
use super::super::{Fail, Frame, Visitor, Window};
use crate::clock;

const QUARTER_MICROS: i64 = 900 * 1_000_000;
/// The quarters of a day, and the one that runs.
const QUARTERS: i64 = 97;
const ALL: usize = QUARTERS.unsigned_abs() as usize;
/// So many quarters are drawn at least, however short ago the program began.
const FEWEST: usize = 8;
/// How high a picture is, in its own units.
const HIGH: f64 = 40.0;
/// Quarters of a row of the table.
const ROW_QUARTERS: usize = 4;

#[derive(Template)]
#[template(path = "operator_health.html")]
struct HealthPage {
    f: Frame,
    ready: bool,
    reasons: Vec<String>,
    bytes: String,
    events: String,
    pending: String,
    accounts: String,
    version: &'static str,
    lines: Vec<Line>,
    /// Where the pictures begin, how wide they are, and when that was.
    from: usize,
    wide: usize,
    begun: String,
    /// Since when it is counted, where that is not a whole day.
    since: String,
    heads: [&'static str; 6],
    rows: Vec<[String; 7]>,
}

/// A figure over the last day.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    /// As it was last.
    pub(crate) now: String,
    /// The most of the day: the height of the picture.
    pub(crate) most: String,
    pub(crate) path: String,
    pub(crate) class: &'static str,
}

/// The figures in their order: what each is called, and how it is drawn.
const FIGURES: [(&str, &str); 6] = [
    ("health.calls", "median"),
    ("health.delivered", "median"),
    ("health.failed", "bad"),
    ("health.oldest", "most"),
    ("health.free", "median"),
    ("health.down", "bad"),
];

pub(super) async fn health(State(window): State<Arc<Window>>, visitor: Visitor) -> Result<Response, Fail> {
    visitor.operator()?;
    let f = Frame::operator(&window, &visitor, "health");
    let (actor, admin) = (visitor.actor(), &window.web.admin);
    let readiness = admin.readiness();
    let size = admin.size(&actor).await?;
    let day = admin.last_day(&actor)?;
    let now = clock::now().0.div_euclid(QUARTER_MICROS) - QUARTERS + 1;
    let place = |one: &Pulse| usize::try_from(one.begun_at.0.div_euclid(QUARTER_MICROS) - now).ok();
    let placed: Vec<(usize, &Pulse)> = day.iter().filter_map(|one| Some((place(one)?, one))).collect();
    let is_whole = placed.first().is_none_or(|(at, _)| *at == 0);
    let since = placed.first().filter(|_| !is_whole).map(|(_, first)| f.locale.wall(first.begun_at));
    let from = placed.first().map_or(0, |(at, _)| begins(*at));
    let begun = match from {
        0 => f.w.get("health.ago").to_owned(),
        from => {
            let quarter = now + i64::try_from(from).unwrap_or(0);
            f.locale.lately(quarter * QUARTER_MICROS, clock::now().0)
        }
    };
    page(&HealthPage {
        ready: readiness.ready,
        reasons: readiness.reasons,
        bytes: megabytes(&f, size.bytes),
        events: f.locale.number(size.events),
        pending: f.locale.number(size.pending),
        accounts: f.locale.number(u64::try_from(admin.account_count(&actor)?).unwrap_or(0)),
        version: env!("CARGO_PKG_VERSION"),
        lines: lines(&f, &placed),
        from,
        wide: ALL - from,
        begun,
        since: since.map(|at| f.w.with("health.since", "at", at)).unwrap_or_default(),
        heads: FIGURES.map(|(key, _)| f.w.get(key)),
        rows: rows(&f, &placed),
        f,
    })
}

/// Where the pictures begin, by the first quarter that is known.
fn begins(first: usize) -> usize {
    first.min(ALL - FEWEST)
}

fn megabytes(f: &Frame, bytes: u64) -> String {
    let kilobytes = bytes / 1_024;
    let megabytes = exact(kilobytes) / 1_024.0;
    if megabytes < 10_240.0 {
        format!("{} MB", f.locale.tenths(megabytes))
    } else {
        format!("{} GB", f.locale.tenths(megabytes / 1_024.0))
    }
}

#[expect(clippy::cast_precision_loss, reason = "kilobytes and counts are far below 2^53")]
fn exact(count: u64) -> f64 {
    count as f64
}

/// The figures of a quarter, as numbers; none where it is not known.
fn numbers(one: &Pulse) -> [Option<f64>; 6] {
    let down = u64::try_from(one.links_down).unwrap_or(u64::MAX);
    [
        Some(exact(one.legs)),
        Some(exact(one.delivered)),
        Some(exact(one.failed)),
        Some(one.oldest.max(one.lag).as_secs_f64()),
        one.free_bytes.map(|bytes| exact(bytes / 1_024)),
        Some(exact(down)),
    ]
}

/// A figure as it is written.
fn written(f: &Frame, figure: usize, number: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts, never below nothing"
    )]
    let whole = number as u64;
    match figure {
        3 => long(f, Duration::try_from_secs_f64(number).unwrap_or_default()),
        4 => megabytes(f, whole.saturating_mul(1_024)),
        _ => f.locale.number(whole),
    }
}

fn long(f: &Frame, time: Duration) -> String {
    match time.as_secs() {
        0..10 => format!("{} s", f.locale.tenths(time.as_secs_f64())),
        secs => f.locale.duration(secs),
    }
}

fn lines(f: &Frame, placed: &[(usize, &Pulse)]) -> Vec<Line> {
    let line = |(figure, (key, class)): (usize, (&'static str, &'static str))| {
        let points: Vec<(usize, f64)> =
            placed.iter().filter_map(|(at, one)| Some((*at, numbers(one)[figure]?))).collect();
        let most = points.iter().map(|(_, number)| *number).fold(0.0, f64::max);
        let mut path = String::new();
        let mut last = None;
        for (at, number) in &points {
            let y = if most > 0.0 { HIGH - number / most * HIGH } else { HIGH };
            let goes_on = last.is_some_and(|last| last + 1 == *at);
            path.push_str(&if goes_on { format!("L{at} {y:.1}") } else { format!("M{at} {y:.1}h0") });
            last = Some(*at);
        }
        let now = points.last().map_or_else(|| "–".to_owned(), |(_, number)| written(f, figure, *number));
        Line { name: f.w.get(key), now, most: written(f, figure, most), path, class }
    };
    FIGURES.into_iter().enumerate().map(line).collect()
}

/// The table behind: by the hour, the newest first.
fn rows(f: &Frame, placed: &[(usize, &Pulse)]) -> Vec<[String; 7]> {
    let mut rows: Vec<(usize, Pulse)> = Vec::new();
    for (at, one) in placed.iter().rev() {
        let back = (ALL - 1 - at) / ROW_QUARTERS;
        match rows.last_mut().filter(|(of, _)| *of == back) {
            Some((_, sum)) => {
                sum.begun_at = one.begun_at;
                sum.legs += one.legs;
                sum.delivered += one.delivered;
                sum.failed += one.failed;
                sum.oldest = sum.oldest.max(one.oldest);
                sum.lag = sum.lag.max(one.lag);
                sum.links_down = sum.links_down.max(one.links_down);
            }
            None => rows.push((back, **one)),
        }
    }
    let row = |(_, sum): &(usize, Pulse)| {
        let numbers = numbers(sum);
        let cell = |figure: usize| {
            numbers[figure].map_or_else(|| "–".to_owned(), |number| written(f, figure, number))
        };
        let begun = f.locale.clock(sum.begun_at.0);
        [begun, cell(0), cell(1), cell(2), cell(3), cell(4), cell(5)]
    };
    rows.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_begin_where_counting_did_and_are_never_of_a_moment() {
        assert_eq!([0, 16, 89, 96].map(begins), [0, 16, 89, 89]);
    }
}
