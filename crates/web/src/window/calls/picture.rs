//! A call's picture: who was part of it from when to when. Places along the time are shares of the width, so that
//! it fits whatever is as wide as a phone; heights are pixels.

use admin::kept::LegRecord;
use calls::{Direction, EndReason, PbxTime, What};

/// From one line to the next.
const LINE: u32 = 62;
/// Where the first line is: above it are the times.
const TOP: u32 = 58;
/// So many times stand above the picture at most.
const TICKS: u64 = 4;
/// From one time above the picture to the next, seconds.
const STEPS: [u64; 14] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600];
/// So far apart are what can be pressed, percent: a fingertip on a phone.
const APART: f64 = 5.0;

/// From the first to the last that is known of a call, and the places of times between.
#[derive(Clone, Copy)]
pub(super) struct Span {
    begin: PbxTime,
    secs: f64,
}

impl Span {
    pub(super) fn of(begin: PbxTime, end: PbxTime) -> Self {
        Self { begin, secs: end.since(begin).as_secs_f64().max(1.0) }
    }

    fn share(self, at: PbxTime) -> f64 {
        (at.since(self.begin).as_secs_f64() / self.secs * 100.0).min(100.0)
    }

    /// Where a time is.
    pub(super) fn x(self, at: PbxTime) -> String {
        percent(self.share(at))
    }
}

fn percent(share: f64) -> String {
    format!("{share:.2}%")
}

/// The height of a line.
pub(super) fn y(index: usize) -> u32 {
    TOP + LINE * u32::try_from(index).unwrap_or(u32::MAX / LINE - 1)
}

/// The height of a picture of so many lines.
pub(super) fn height(lines: usize) -> u32 {
    y(lines) - 26
}

/// A time above the picture.
pub(crate) struct Tick {
    pub(crate) x: String,
    pub(crate) anchor: &'static str,
    pub(crate) at: PbxTime,
}

/// Round times within a span, few enough to be read on a phone.
pub(super) fn ticks(span: Span) -> Vec<Tick> {
    let fits = |step: &u64| span.secs / step_secs(*step) <= step_secs(TICKS);
    let step = STEPS.into_iter().find(fits).unwrap_or(86_400);
    let step_micros = i64::try_from(step).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    let begin = span.begin.as_micros();
    let first = begin.saturating_add(step_micros - 1).div_euclid(step_micros).saturating_mul(step_micros);
    let places = (0..=TICKS).map_while(|nth| {
        let at = PbxTime::from_micros(first.saturating_add(step_micros.saturating_mul(nth.try_into().ok()?)));
        let past = at.since(span.begin).as_secs_f64();
        (past <= span.secs).then_some(at)
    });
    let anchor = |share: f64| match share {
        share if share < 10.0 => "start",
        share if share > 90.0 => "end",
        _ => "middle",
    };
    places.map(|at| Tick { x: span.x(at), anchor: anchor(span.share(at)), at }).collect()
}

fn step_secs(step: u64) -> f64 {
    std::time::Duration::from_secs(step).as_secs_f64()
}

/// A stretch of a leg's line.
pub(crate) struct Stretch {
    pub(crate) x: String,
    pub(crate) width: String,
    pub(crate) state: &'static str,
}

/// A leg's stretches: it rang or dialled, and talked if it was answered.
pub(super) fn stretches(leg: &LegRecord, last: PbxTime, span: Span) -> Vec<Stretch> {
    let from = leg.begun.at;
    let until = leg.ended.as_ref().map_or(last, |event| event.at);
    let answered = leg.answered_at.or_else(|| match &leg.ended.as_ref()?.what {
        What::Ended(end) => end.answered_at,
        What::Incoming | What::Answered | What::Outgoing => None,
    });
    let stretch = |from: PbxTime, until: PbxTime, state| Stretch {
        x: span.x(from),
        width: percent((span.share(until) - span.share(from)).max(0.4)),
        state,
    };
    let before = match leg.direction {
        Direction::Incoming => "ringing",
        Direction::Outgoing => "dialling",
    };
    match answered {
        Some(answered) => vec![stretch(from, answered, before), stretch(answered, until, "talking")],
        None => vec![stretch(from, until, before)],
    }
}

/// Where marks that can be pressed are, so that no two lie on each other; `at` in the order of time.
pub(super) fn apart(span: Span, at: &[PbxTime]) -> Vec<String> {
    let mut shares: Vec<f64> = at.iter().map(|at| span.share(*at)).collect();
    for index in 1..shares.len() {
        shares[index] = shares[index].max(shares[index - 1] + APART);
    }
    let mut most = 100.0;
    for share in shares.iter_mut().rev() {
        *share = share.min(most).max(0.0);
        most = *share - APART;
    }
    shares.into_iter().map(percent).collect()
}

/// A transfer from one leg to another.
pub(crate) struct Arrow {
    pub(crate) x: String,
    pub(crate) from: u32,
    pub(crate) to: u32,
}

/// From a leg whose call was transferred away to the leg that began for the same party; `first` is the first leg's
/// line.
pub(super) fn arrows(legs: &[&LegRecord], first: usize, span: Span) -> Vec<Arrow> {
    let mut arrows = Vec::new();
    for (index, leg) in legs.iter().enumerate() {
        let Some(ended) = &leg.ended else { continue };
        let What::Ended(end) = &ended.what else { continue };
        let Some(transfer) = end.transfer.as_ref().filter(|_| end.reason == EndReason::Transferred) else {
            continue;
        };
        // The last of them: the same phone may have rung before.
        let theirs = legs
            .iter()
            .enumerate()
            .filter(|(other, leg)| *other != index && *leg.begun.phone.number == *transfer.to);
        if let Some((to, _)) = theirs.max_by_key(|(_, leg)| leg.begun.at) {
            arrows.push(Arrow { x: span.x(ended.at), from: y(first + index), to: y(first + to) });
        }
    }
    arrows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> PbxTime {
        PbxTime::from_micros(secs * 1_000_000)
    }

    #[test]
    fn a_picture_has_two_to_five_round_times_however_long_the_call_was() {
        for secs in [1, 3, 9, 61, 187, 1_000, 3_723, 30_000] {
            let ticks = ticks(Span::of(at(100_003), at(100_003 + secs)));
            assert!((1..=5).contains(&ticks.len()), "{secs} s: {} times", ticks.len());
            let steps: Vec<_> = ticks.windows(2).map(|two| two[1].at.since(two[0].at)).collect();
            assert!(steps.windows(2).all(|two| two[0] == two[1]), "{secs} s: {steps:?}");
        }
    }

    #[test]
    fn marks_that_can_be_pressed_lie_apart_and_within_the_picture() {
        let span = Span::of(at(0), at(100));
        assert_eq!(apart(span, &[at(0), at(0), at(50)]), ["0.00%", "5.00%", "50.00%"]);
        assert_eq!(apart(span, &[at(10), at(99), at(100)]), ["10.00%", "95.00%", "100.00%"]);
    }
}
