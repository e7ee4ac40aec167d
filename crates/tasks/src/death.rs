//! What is known of a death, and who is told.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::panic::PanicHookInfo;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::part::{Fate, Part};

/// A part that died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// Which.
    pub part: Part,
    /// What it said.
    pub why: String,
    /// File and line.
    pub place: String,
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} died at {}: {}", self.part.says(), self.place, self.why)
    }
}

/// The first death that ends the process.
static DEAD: OnceLock<Death> = OnceLock::new();
/// Who ends it.
static UNDERTAKER: OnceLock<fn(&Death)> = OnceLock::new();

/// Panics that nobody has reported yet.
static UNREPORTED: AtomicUsize = AtomicUsize::new(0);
/// They are waited for no longer.
const REPORTED_WITHIN: Duration = Duration::from_secs(1);
/// How often is looked.
const LOOK: Duration = Duration::from_millis(5);

thread_local! {
    /// Where this thread panicked last; it is asked for on the same thread, as soon as the panic was caught.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

impl Death {
    fn of(part: Part, why: &(dyn Any + Send)) -> Self {
        let place = PLACE.with_borrow_mut(std::mem::take);
        let place = if place.is_empty() { "an unknown place".to_owned() } else { place };
        Self { part, why: said(why).to_owned(), place }
    }

    fn unasked(part: Part) -> Self {
        Self { part, why: "it ended and nobody had asked it to".to_owned(), place: "its end".to_owned() }
    }

    fn too_often(part: Part) -> Self {
        let why = "it died too often to begin anew; see the deaths before in this log".to_owned();
        Self { part, why, place: "its beginning".to_owned() }
    }
}

fn said(why: &(dyn Any + Send)) -> &str {
    let text = why.downcast_ref::<&'static str>().copied();
    text.or_else(|| why.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words")
}

/// From now on where a panic happened is noted, and it is told in the program's log rather than beside it.
pub fn note_panics() {
    std::panic::set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        let place = panic.location().map_or_else(String::new, ToString::to_string);
        tracing::error!(
            place,
            why = said(panic.payload()),
            "a part of Ringbud panicked: a fault of Ringbud's"
        );
        PLACE.set(place);
        UNREPORTED.fetch_add(1, Ordering::AcqRel);
    }));
}

/// Who ends the process once a part is dead that others cannot do without. Heard once; the first one counts.
pub fn on_death(undertaker: fn(&Death)) {
    let _ = UNDERTAKER.set(undertaker);
}

/// The part that is dead although others cannot do without it. Where the process is not ended because of it
/// (tests), nobody may say that all is well.
pub fn dead() -> Option<&'static Death> {
    DEAD.get()
}

/// One by a panic, which was just caught on this thread.
pub(crate) fn report_panic(part: Part, why: &(dyn Any + Send)) {
    report(part, &Death::of(part, why));
    // Without the hook none was counted.
    let _ = UNREPORTED.fetch_update(Ordering::AcqRel, Ordering::Acquire, |many| many.checked_sub(1));
}

/// One that ended and was not asked to. What it lived by may have died just now and still be taken down: that is reported
/// first, for the first death is the one that is told.
pub(crate) async fn report_unasked(part: Part) {
    let until = Instant::now() + REPORTED_WITHIN;
    while UNREPORTED.load(Ordering::Acquire) > 0 && Instant::now() < until {
        sleep(LOOK).await;
    }
    report(part, &Death::unasked(part));
}

fn report(part: Part, death: &Death) {
    metrics::counter!("ringbud_task_deaths_total", "part" => part.label()).increment(1);
    match part.fate() {
        Fate::EndsTheProcess => end(death),
        Fate::BeginsAnew => tracing::error!(part = part.label(), "{death}; it begins anew"),
        Fate::FailsAlone => tracing::error!(part = part.label(), "{death}; nothing else is touched by it"),
    }
}

/// One that began anew too often.
pub(crate) fn report_last(part: Part) {
    end(&Death::too_often(part));
}

pub(crate) fn anew(part: Part) {
    tracing::warn!(part = part.label(), "{} has begun anew", part.says());
}

fn end(death: &Death) {
    tracing::error!(part = death.part.label(), "{death}; the process ends, to be started again");
    let first = DEAD.get_or_init(|| death.clone());
    if let Some(undertaker) = UNDERTAKER.get() {
        undertaker(first);
    }
}
