//! How the four web services are doing, in words, colour and a bar of their last day: the same on every page.

use std::fmt::Write as _;
use std::time::Duration;

use admin::kept::{DeliveryState, Reason, WallTime};
use admin::{Hour, Service, ServiceState, WaitsFor};
use calls::EventKind;

use super::frame::Alert;
use super::reason::{told, told_if};
use super::{Frame, Locale};
use crate::clock;

/// Height of the bar, in its own units; an hour is four wide.
const HIGH: u32 = 24;

/// A web service as it is shown.
pub(crate) struct Shown {
    pub(crate) kind: &'static str,
    pub(crate) url: String,
    /// The colour and shape of its state, as the style sheet names them.
    pub(crate) tone: &'static str,
    /// Its state in a word.
    pub(crate) word: &'static str,
    /// The rest of it.
    pub(crate) more: String,
    /// What the server said before it was paused.
    pub(crate) said: String,
    pub(crate) paused: bool,
    pub(crate) day: Option<Day>,
}

/// What became of the requests of the last day.
pub(crate) struct Day {
    pub(crate) bars: Vec<Bar>,
    /// The same in words.
    pub(crate) told: String,
}

/// One hour's part of the picture.
pub(crate) struct Bar {
    pub(crate) x: usize,
    pub(crate) y: u32,
    pub(crate) height: u32,
    /// `talking`, `ringing`, `missed`: how the style sheet fills it.
    pub(crate) class: &'static str,
}

/// How each of the four is shown.
pub(crate) fn shown(f: &Frame, services: &[Service]) -> Vec<Shown> {
    services.iter().map(|one| shown_one(f, one)).collect()
}

fn shown_one(f: &Frame, service: &Service) -> Shown {
    let (tone, word, more) = in_words(f, service);
    Shown {
        kind: service.kind.name(),
        url: service.url.clone(),
        tone,
        word,
        more,
        said: match &service.state {
            ServiceState::Paused(pause) => told_if(f.w, pause.server_said.as_ref()),
            _ => String::new(),
        },
        paused: matches!(service.state, ServiceState::Paused(_)),
        day: day(f, service),
    }
}

fn in_words(f: &Frame, service: &Service) -> (&'static str, &'static str, String) {
    let took = |took: &Duration| in_short(f, *took);
    match &service.state {
        ServiceState::Off => ("off", f.w.get("service.off"), String::new()),
        ServiceState::Unused => ("off", f.w.get("service.unused"), String::new()),
        ServiceState::Works { took: of } if service.paced => {
            let more = match service.waiting {
                0 => took(of),
                1 => format!("{}. {}", took(of), f.w.get("service.paced_one")),
                count => {
                    let count = f.locale.number(count.into());
                    format!("{}. {}", took(of), f.w.with("service.paced", "count", count))
                }
            };
            ("talking", f.w.get("service.works"), more)
        }
        ServiceState::Works { took: of } => ("talking", f.w.get("service.works"), took(of)),
        ServiceState::Slow { took: of } => {
            ("ringing", f.w.get("service.slow"), f.w.with("service.slow_text", "took", took(of)))
        }
        ServiceState::Paused(pause) => {
            let since = since(&f.locale, pause.since);
            let why = told(f.w, &pause.why);
            ("waiting", f.w.get("state.paused"), format!("{} {why}.", f.w.with("service.since", "at", since)))
        }
        ServiceState::Unsteady { since, why, next_try } => {
            ("ringing", f.w.get("service.unsteady"), troubles(f, *since, why.as_deref(), *next_try, service))
        }
        ServiceState::Failing { since, why, next_try } => {
            ("failed", f.w.get("service.failing"), troubles(f, *since, why.as_deref(), *next_try, service))
        }
    }
}

/// A short time: `41 ms`, `2,3 s`, `3:07`.
pub(crate) fn in_short(f: &Frame, time: Duration) -> String {
    let millis = time.as_secs_f64() * 1_000.0;
    match time.as_secs() {
        0 => format!("{millis:.0} ms"),
        1..60 => format!("{} s", f.locale.tenths(millis / 1_000.0)),
        secs => f.locale.duration(secs),
    }
}

/// Since when, with what answer, how many wait, when it is tried next.
fn troubles(
    f: &Frame,
    at: WallTime,
    why: Option<&Reason>,
    next_try: Option<WallTime>,
    service: &Service,
) -> String {
    let mut text = f.w.with("service.since", "at", since(&f.locale, at));
    if let Some(why) = why {
        let _ = write!(text, " {}.", told(f.w, why).trim_end_matches('.'));
    }
    if service.waiting > 0 {
        let _ = write!(text, " {}", waiting(f, service.waiting));
    }
    let _ = write!(text, " {}", next(f, next_try));
    text
}

fn waiting(f: &Frame, count: u32) -> String {
    match count {
        1 => f.w.get("service.waits_one").to_owned(),
        count => f.w.with("service.waits", "count", f.locale.number(count.into())),
    }
}

fn next(f: &Frame, at: Option<WallTime>) -> String {
    match at.filter(|at| *at > clock::now()) {
        Some(at) => f.w.with("service.next", "at", f.locale.clock(at.0)),
        None => f.w.get("service.next_now").to_owned(),
    }
}

fn since(locale: &Locale, at: WallTime) -> String {
    locale.lately(at.0, clock::now().0)
}

/// What stands on every page of the account: one line a URL that is left alone or paused.
pub(crate) fn alerts(f: &Frame, services: &[Service]) -> Vec<Alert> {
    let mut alerts: Vec<Alert> = Vec::new();
    let name = |kind: EventKind| f.w.get(&format!("event.{}", kind.name()));
    let mut told_of: Vec<&str> = Vec::new();
    for service in services {
        match &service.state {
            ServiceState::Failing { since, why, next_try } if !told_of.contains(&&*service.url) => {
                let same = |one: &&Service| {
                    one.url == service.url && matches!(one.state, ServiceState::Failing { .. })
                };
                let kinds: Vec<_> = services.iter().filter(same).map(|one| name(one.kind)).collect();
                told_of.push(&service.url);
                let text =
                    f.w.with("alert.failing", "event", kinds.join(f.w.get("alert.between")))
                        .replace("{more}", &troubles(f, *since, why.as_deref(), *next_try, service));
                alerts.push(Alert { tone: "failed", text, place: f.to("deliveries") });
            }
            ServiceState::Paused(pause) => {
                let text =
                    f.w.with("alert.paused", "event", name(service.kind))
                        .replace("{since}", &f.locale.wall(pause.since))
                        .replace("{why}", told(f.w, &pause.why).trim_end_matches('.'));
                alerts.push(Alert { tone: "waiting", text, place: f.to("deliveries") });
            }
            _ => {}
        }
    }
    alerts
}

/// What a delivery that is not through yet waits for, beyond its own next attempt.
pub(crate) fn waits_for(f: &Frame, services: &[Service], kind: EventKind, state: &DeliveryState) -> String {
    match WaitsFor::of(services, kind, state) {
        Some(WaitsFor::Failing(why)) => {
            let why = why.as_ref().map(|why| told(f.w, why)).unwrap_or_default();
            f.w.with("service.row_waits", "why", why.trim_end_matches('.'))
        }
        Some(WaitsFor::Off) => f.w.get("service.row_off").to_owned(),
        Some(WaitsFor::Earlier) => f.w.get("service.row_behind").to_owned(),
        Some(WaitsFor::Rate) => f.w.get("service.row_paced").to_owned(),
        Some(WaitsFor::Pause) => f.w.get("service.row_paused").to_owned(),
        None => String::new(),
    }
}

fn day(f: &Frame, service: &Service) -> Option<Day> {
    let all = service.whole_day();
    let many = |hour: &Hour| hour.taken + hour.retried + hour.failed;
    let total = many(&all);
    if total == 0 {
        return None;
    }
    let most = service.day.iter().map(many).max().unwrap_or(0).max(1);
    let mut bars = Vec::new();
    for (at, hour) in service.day.iter().enumerate() {
        let mut y = HIGH;
        let parts = [(hour.taken, "talking"), (hour.retried, "ringing"), (hour.failed, "missed")];
        for (count, class) in parts.into_iter().filter(|(count, _)| *count > 0) {
            // What happened at all shows, however little of the whole it is.
            let height = (count.saturating_mul(HIGH) / most).clamp(2, y.max(2)).min(y);
            y -= height;
            bars.push(Bar { x: at * 4, y, height, class });
        }
    }
    let number = |count: u32| f.locale.number(count.into());
    let share = f.locale.tenths(f64::from(total - all.failed) * 100.0 / f64::from(total));
    let told =
        f.w.with("service.day", "taken", number(all.taken))
            .replace("{retried}", &number(all.retried))
            .replace("{failed}", &number(all.failed))
            .replace("{share}", &share);
    Some(Day { bars, told })
}

/// How many of an account's web services are on, fail and are paused.
pub(crate) fn counts(services: &[Service]) -> (usize, usize, usize) {
    let count = |is: fn(&ServiceState) -> bool| services.iter().filter(|one| is(&one.state)).count();
    (
        count(|state| !matches!(state, ServiceState::Off)),
        count(|state| matches!(state, ServiceState::Failing { .. })),
        count(|state| matches!(state, ServiceState::Paused(_))),
    )
}
