//! The show in the terminal: who rings whom, and under each event the request that told it.
//!
//! It owns how it looks. It is told what happened ([`News`]) by whoever wires the demo, and knows no
//! gateway. Rendering is pure: time is an argument, text comes out.

mod news;
mod stage;

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::Instant;

pub use news::{Direction, Event, Link, News, Outcome, Request, Scene, What};
pub use stage::{Own, Stage};

use crate::paint::{Paint, Tone, harmless};

/// How long an event waits for its request, so that the two stand together.
const HOLD: Duration = Duration::from_millis(300);

/// Events that wait at a time; beyond that the oldest is shown without its request.
const HELD_MAX: usize = 256;

/// Columns used where nothing says how many there are, and the most that are; longer lines are cut.
const WIDTH: usize = 118;
const WIDTH_MAX: usize = 240;

/// Columns that a request's line needs for all but the request.
const WIDTH_AROUND: usize = 32;

/// Turns news into text.
#[derive(Debug)]
pub struct Show {
    paint: Paint,
    zone: TimeZone,
    width: usize,
    held: VecDeque<Held>,
    count: Count,
}

/// An event and what is known of its requests, as text.
#[derive(Debug)]
struct Held {
    until: Duration,
    event: String,
    text: String,
    settled: bool,
}

/// What has been shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Calls of the play.
    pub calls: u64,
    /// Events.
    pub events: u64,
    /// Requests that were accepted (2xx).
    pub accepted: u64,
    /// Requests that were not.
    pub failed: u64,
}

impl Count {
    fn take(&mut self, news: &News) {
        match news {
            News::Scene(_) => self.calls += 1,
            News::Event(_) => self.events += 1,
            News::Request(Request { outcome: Outcome::Status(200..=299), .. }) => self.accepted += 1,
            News::Request(_) => self.failed += 1,
            News::Link(_) => {}
        }
    }

    /// The last line.
    pub fn farewell(&self) -> String {
        let many = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let (calls, events) = (many(self.calls, "call"), many(self.events, "event"));
        let accepted = many(self.accepted, "request");
        let failed = if self.failed == 0 { String::new() } else { format!(", {} not", self.failed) };
        format!("{calls} played, {events}, {accepted} accepted{failed}.\n")
    }
}

impl Show {
    /// A show that has not begun. Times are shown in `zone`.
    pub const fn new(paint: Paint, zone: TimeZone) -> Self {
        let count = Count { calls: 0, events: 0, accepted: 0, failed: 0 };
        Self { paint, zone, width: WIDTH, held: VecDeque::new(), count }
    }

    /// As wide as the terminal, if standard output is one.
    #[must_use]
    pub fn as_wide_as_the_terminal(mut self) -> Self {
        if let Some((width, _)) = terminal_size::terminal_size() {
            self.width = usize::from(width.0).clamp(WIDTH_AROUND + 40, WIDTH_MAX);
        }
        self
    }

    /// What has been shown so far.
    pub const fn count(&self) -> Count {
        self.count
    }

    /// Takes news at `now` (since the show began); gives what is to be printed.
    pub fn tell(&mut self, now: Duration, news: &News) -> String {
        self.count.take(news);
        let mut out = String::new();
        match news {
            News::Event(event) => {
                let mut text = String::new();
                self.event(event, &mut text);
                self.held.push_back(Held {
                    until: now + HOLD,
                    event: event.id.clone(),
                    text,
                    settled: false,
                });
            }
            News::Request(request) => {
                let mut text = String::new();
                self.request(request, &mut text);
                match self.held.iter_mut().find(|held| held.event == request.event) {
                    Some(held) => {
                        held.text.push_str(&text);
                        held.settled = true;
                    }
                    None => {
                        let about = format!("          {}", harmless(&request.event));
                        let _ = writeln!(out, "{}\n{text}", self.paint.tone(Tone::Quiet, about));
                        out.pop();
                    }
                }
            }
            News::Scene(scene) => self.scene(scene, &mut out),
            News::Link(link) => {
                let tone = if link.up { Tone::Good } else { Tone::Bad };
                let _ = writeln!(
                    out,
                    "          {}",
                    self.paint.tone(tone, format!("{}: {}", link.pbx, harmless(&link.words)))
                );
            }
        }
        out.push_str(&self.overdue(now));
        out
    }

    /// When [`Self::overdue`] has something to say.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.held.front().map(|held| held.until)
    }

    /// The events that have waited long enough. They stay in their order: one whose request is there waits
    /// for those before it.
    pub fn overdue(&mut self, now: Duration) -> String {
        let mut out = String::new();
        while self
            .held
            .front()
            .is_some_and(|held| held.settled || held.until <= now || self.held.len() > HELD_MAX)
        {
            if let Some(held) = self.held.pop_front() {
                out.push_str(&held.text);
            }
        }
        out
    }

    fn time(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string()
    }

    fn scene(&self, scene: &Scene, out: &mut String) {
        let time = self.paint.tone(Tone::Quiet, self.time(scene.at));
        let title = self.paint.tone(Tone::Strong, format!("▸ {}", harmless(&scene.title)));
        let account = self.paint.tone(Tone::Quiet, format!("({})", harmless(&scene.account)));
        let _ = writeln!(out, "{time}  {title} {account}");
    }

    fn event(&self, event: &Event, out: &mut String) {
        let (word, tone) = match &event.what {
            What::Incoming => ("rings", Tone::Ringing),
            What::Answered => ("answered", Tone::Talking),
            What::Outgoing => ("dials", Tone::Dialling),
            What::Ended { .. } => ("ended", Tone::Over),
        };
        let time = self.paint.tone(Tone::Quiet, self.time(event.at));
        let arrow = match event.direction {
            Direction::Incoming => "←",
            Direction::Outgoing => "→",
        };
        let other = if event.other.is_empty() { "withheld" } else { &event.other };
        let word = self.paint.tone(tone, format!("{word:<9}"));
        let (account, employee, other) =
            (harmless(&event.account), harmless(&event.employee), harmless(other));
        let ending = ending(event);
        let other = if ending.is_empty() { other.into_owned() } else { format!("{other:<13} {ending}") };
        let _ = writeln!(out, "{time}  {account:<5} {word} {employee:<23} {arrow} {other}");
    }

    fn request(&self, request: &Request, out: &mut String) {
        let (back, tone) = match &request.outcome {
            Outcome::Status(status @ 200..=299) => (status.to_string(), Tone::Good),
            Outcome::Status(status) => (status.to_string(), Tone::Bad),
            Outcome::Failed(why) => (harmless(why).into_owned(), Tone::Bad),
        };
        let again =
            if request.attempt > 1 { format!(" (attempt {})", request.attempt) } else { String::new() };
        let took = |took: Duration| format!(" in {:.1} ms", took.as_secs_f64() * 1000.0);
        let took = request.took.map(took).unwrap_or_default();
        let sent = format!("{} {} {}", request.method, short(&request.url), request.body);
        let sent = cut(harmless(sent.trim_end()).into_owned(), self.width.saturating_sub(WIDTH_AROUND));
        let sent = self.paint.tone(Tone::Quiet, sent);
        let _ = writeln!(out, "                {sent} → {}{took}{again}", self.paint.tone(tone, back));
    }
}

fn ending(event: &Event) -> String {
    let What::Ended { duration_s, reason, transferred_to } = &event.what else { return String::new() };
    let talk = if *duration_s == 0 {
        String::new()
    } else {
        format!("{}:{:02}, ", duration_s / 60, duration_s % 60)
    };
    let reason = reason.replace('_', " ").replace("hungup", "hung up");
    let own_number = event.employee.split(' ').next();
    match transferred_to {
        Some(to) if own_number == Some(to) => format!("{talk}{}, came by transfer", harmless(&reason)),
        Some(to) if reason == "transferred" => format!("{talk}transferred to {}", harmless(to)),
        Some(to) => format!("{talk}{}, was transferred to {}", harmless(&reason), harmless(to)),
        None => format!("{talk}{}", harmless(&reason)),
    }
}

/// A URL without scheme and host: in the demo they are all the same.
fn short(url: &str) -> &str {
    match url.split_once("://") {
        None => url,
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
    }
}

fn cut(text: String, width: usize) -> String {
    match text.char_indices().nth(width) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// How the show speaks.
#[derive(Clone, Debug)]
pub enum Voice {
    /// To a person.
    Person(Paint, TimeZone),
    /// To a program: one JSON object a line.
    Machine,
}

/// Shows what it is told, until the sender is gone. Gives what was shown. An error is the terminal's: the
/// reader of a pipe has gone, and the demo should end.
pub async fn run(
    stage: &Stage,
    voice: Voice,
    mut news: mpsc::Receiver<News>,
    out: &mut (impl Write + Send),
) -> io::Result<Count> {
    match voice {
        Voice::Machine => speak(stage, &mut news, out).await,
        Voice::Person(paint, zone) => {
            let mut show = Show::new(paint, zone).as_wide_as_the_terminal();
            let began = Instant::now();
            out.write_all(stage.header(paint).as_bytes())?;
            out.flush()?;
            loop {
                let deadline = show.next_deadline().map(|until| began + until);
                let text = tokio::select! {
                    told = news.recv() => match told {
                        Some(told) => show.tell(began.elapsed(), &told),
                        None => break,
                    },
                    () = tokio::time::sleep_until(deadline.unwrap_or(began)), if deadline.is_some() => {
                        show.overdue(began.elapsed())
                    }
                };
                out.write_all(text.as_bytes())?;
                out.flush()?;
            }
            let rest = show.overdue(Duration::MAX);
            write!(out, "{rest}\n{}", show.count().farewell())?;
            out.flush()?;
            Ok(show.count())
        }
    }
}

async fn speak(
    stage: &Stage,
    news: &mut mpsc::Receiver<News>,
    out: &mut (impl Write + Send),
) -> io::Result<Count> {
    let mut count = Count::default();
    writeln!(out, "{}", stage.to_json())?;
    out.flush()?;
    while let Some(told) = news.recv().await {
        count.take(&told);
        writeln!(out, "{}", told.to_json())?;
        out.flush()?;
    }
    let Count { calls, events, accepted, failed } = count;
    let end =
        json!({ "type": "end", "calls": calls, "events": events, "accepted": accepted, "failed": failed });
    writeln!(out, "{end}")?;
    out.flush()?;
    Ok(count)
}
