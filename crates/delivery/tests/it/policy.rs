//! When an event is tried again, and when not.

use std::time::Duration;

use calls::EventKind;
use delivery::policy::{
    Answer, LONGEST_PAUSE, Moment, Next, OTHERS_PAUSE_MAX, Patience, RETRY_AFTER_MAX, after_failure,
    retry_after, taken_up,
};
use proptest::prelude::*;

const SINCE: Moment = Moment(0);

/// All pauses of an event nobody takes, in seconds, and when it is given up.
fn pauses(kind: EventKind) -> (Vec<f64>, Moment) {
    let mut now = SINCE;
    let mut pauses = Vec::new();
    for attempts in 1.. {
        match after_failure(kind, &Patience::default(), SINCE, now, attempts, None, 20) {
            Next::RetryAt(at) => {
                pauses.push(at.since(now).as_secs_f64());
                now = at;
            }
            Next::TooLate => break,
        }
    }
    (pauses, now)
}

#[test]
fn an_incoming_is_tried_for_a_minute() {
    let (pauses, given_up) = pauses(EventKind::Incoming);
    assert_eq!(pauses, [1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0, 10.0]);
    assert!(given_up <= SINCE.plus(Duration::from_secs(60)));
}

#[test]
fn the_others_are_tried_for_three_days_with_growing_pauses() {
    let (pauses, given_up) = pauses(EventKind::Ended);
    assert_eq!(pauses[..13], [1., 2., 4., 8., 16., 32., 64., 128., 256., 512., 1024., 2048., 3600.]);
    assert!(pauses[12..].iter().all(|pause| *pause == 3600.0));
    let days = given_up.since(SINCE).as_secs_f64() / 86_400.0;
    assert!((2.95..=3.0).contains(&days), "{days}");
}

#[test]
fn a_retry_after_is_honoured_within_bounds() {
    let next =
        |asked| after_failure(EventKind::Ended, &Patience::default(), SINCE, SINCE, 1, Some(asked), 20);
    assert_eq!(next(Duration::from_secs(90)), Next::RetryAt(SINCE.plus(Duration::from_secs(90))));
    assert_eq!(next(Duration::from_millis(1)), Next::RetryAt(SINCE.plus(Duration::from_secs(1))));
    assert_eq!(next(Duration::MAX), Next::RetryAt(SINCE.plus(Duration::from_secs(3_600))));
}

#[test]
fn a_retry_after_is_read_in_both_its_forms() {
    assert_eq!(retry_after("120", 0), Some(Duration::from_secs(120)));
    assert_eq!(retry_after("99999999999999999999999", 0), Some(Duration::MAX));
    assert_eq!(retry_after("Sun, 22 Nov 2026 08:33:00 GMT", 1_795_336_320), Some(Duration::from_secs(60)));
    assert_eq!(retry_after("Sun, 22 Nov 2026 08:33:00 GMT", 1_895_336_320), Some(Duration::ZERO));
    for nonsense in ["", "soon", "-5", "1e9", "\u{fffd}"] {
        assert_eq!(retry_after(nonsense, 0), None, "{nonsense}");
    }
}

#[test]
fn any_2xx_is_success_and_redirects_are_not() {
    for status in [200, 201, 202, 204, 299] {
        assert_eq!(Answer::of(status), Answer::Taken);
    }
    for status in [100, 199, 300, 301, 302, 307, 308, 400, 401, 403, 404, 429, 500, 503] {
        assert_eq!(Answer::of(status), Answer::Refused);
    }
    assert_eq!(Answer::of(410), Answer::Gone);
}

proptest! {
    #[test]
    fn a_pause_is_never_shorter_than_its_jitter_allows_nor_ends_too_late(
        attempts in 1_u16..,
        chance: u64,
        age_secs in 0_u64..4 * 86_400,
    ) {
        for kind in EventKind::ALL {
            let now = SINCE.plus(Duration::from_secs(age_secs));
            if let Next::RetryAt(at) =
                after_failure(kind, &Patience::default(), SINCE, now, attempts, None, chance)
            {
                prop_assert!(at.since(now) >= Duration::from_millis(800));
                prop_assert!(at <= SINCE.plus(Patience::default().with(kind)));
            }
        }
    }
}

#[test]
fn a_clock_that_was_set_back_keeps_nothing_waiting() {
    const HOUR: Duration = Duration::from_secs(3_600);
    let now = Moment(0).plus(24 * HOUR);
    let (minute, ten_seconds) = (Duration::from_secs(60), Duration::from_secs(10));
    let ten_seconds_ago = now.minus(ten_seconds);
    // Tried while the clock was ahead.
    assert_eq!(taken_up(minute, ten_seconds, 5 * HOUR, now), (ten_seconds_ago, now));
    // No pause is that long, but such a pause may be.
    assert!(LONGEST_PAUSE >= OTHERS_PAUSE_MAX.mul_f64(1.2).max(RETRY_AFTER_MAX));
    let due = now.plus(LONGEST_PAUSE);
    assert_eq!(taken_up(72 * HOUR, ten_seconds, ten_seconds + LONGEST_PAUSE, now), (ten_seconds_ago, due));
}

#[test]
fn a_clock_that_was_set_forward_costs_an_event_no_attempt() {
    let (created, now) = (Moment(0), Moment(5 * 3_600_000_000));
    let (since, due) = taken_up(Duration::from_secs(60), now.since(created), Duration::ZERO, now);
    assert_eq!((since, due), (created, created), "it is due; only what fails now has had its time");
}
