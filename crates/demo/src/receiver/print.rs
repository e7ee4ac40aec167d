//! How a received request looks in the terminal: one line, and its parameters if one wants them.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::pin::pin;

use jiff::tz::TimeZone;

use super::{Received, Receiver, Signature};
use crate::paint::{Paint, Tone, harmless};

/// Calls remembered, so that the line of an `Ended` can say whose call it was.
const CALLS_MAX: usize = 4096;

/// Writes requests as text.
#[derive(Debug)]
pub struct Printer {
    paint: Paint,
    zone: TimeZone,
    verbose: bool,
    who: HashMap<String, String>,
    order: VecDeque<String>,
}

impl Printer {
    /// One that knows no call yet. Times are shown in `zone`; `verbose` adds parameters and headers.
    pub fn new(paint: Paint, zone: TimeZone, verbose: bool) -> Self {
        Self { paint, zone, verbose, who: HashMap::new(), order: VecDeque::new() }
    }

    /// The request in one line, and if verbose what is in it, each in an indented line of its own. Ends
    /// with a newline.
    pub fn print(&mut self, request: &Received) -> String {
        let time = request.at.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string();
        let (event, tone) = word(request);
        let who = self.remembered(request);
        let mut out = String::new();
        let _ = write!(out, "{}  ", self.paint.tone(Tone::Quiet, time));
        let account = harmless(request.parameter("AccountId")).into_owned();
        let _ = write!(out, "{account:<6} {}  {who:<40} ", self.paint.tone(tone, format!("{event:<8}")));
        let target = format!("{} {}", request.method, harmless(request.target.path()));
        let _ = write!(out, "{}  ", self.paint.tone(Tone::Quiet, target));
        let good = if request.status.is_success() { Tone::Good } else { Tone::Bad };
        let _ = write!(out, "{}", self.paint.tone(good, request.status.as_u16()));
        match request.signature {
            Signature::Unchecked => {}
            Signature::Good => drop(write!(out, "  {}", self.paint.tone(Tone::Good, "signature good"))),
            other @ (Signature::Missing | Signature::Stale | Signature::Wrong) => {
                let text = format!("signature {}", other.word());
                let _ = write!(out, "  {}", self.paint.tone(Tone::Bad, text));
            }
        }
        out.push('\n');
        if self.verbose {
            self.details(request, &mut out);
        }
        out
    }

    fn details(&self, request: &Received, out: &mut String) {
        for (name, value) in &request.parameters {
            let name = self.paint.tone(Tone::Quiet, format!("{:<22}", harmless(name)));
            let _ = writeln!(out, "          {name} {}", harmless(value));
        }
        for name in ["webhook-id", "webhook-timestamp"] {
            let value = request.header(name);
            if !value.is_empty() {
                let name = self.paint.tone(Tone::Quiet, format!("{name:<22}"));
                let _ = writeln!(out, "          {name} {}", harmless(value));
            }
        }
    }

    /// Who rings whom. An `Ended` carries no numbers, so what its call said before is remembered.
    fn remembered(&mut self, request: &Received) -> String {
        let call = request.parameter("UniqueCallId");
        if request.event() == Some("Ended") {
            let before = self.who.remove(call).unwrap_or_else(|| harmless(call).into_owned());
            return format!("{before}, {}", ending(request));
        }
        let who = harmless(&parties(request)).into_owned();
        if !call.is_empty() && self.who.insert(call.to_owned(), who.clone()).is_none() {
            self.order.push_back(call.to_owned());
            if self.order.len() > CALLS_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.who.remove(&oldest);
            }
        }
        who
    }
}

/// How the receiver speaks.
#[derive(Debug)]
pub enum Voice {
    /// To a person.
    Person(Box<Printer>),
    /// To a program: one JSON object a line.
    Machine,
}

/// Prints each request as it comes, until `stop`; then answers and prints what has been asked already. An
/// error is the terminal's: the reader of a pipe has gone.
pub async fn run(
    mut receiver: Receiver,
    mut voice: Voice,
    out: &mut (impl Write + Send),
    stop: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            Some(request) = receiver.next() => write_one(&request, &mut voice, out)?,
        }
    }
    receiver.stop().await.iter().try_for_each(|request| write_one(request, &mut voice, out))
}

fn write_one(request: &Received, voice: &mut Voice, out: &mut impl Write) -> io::Result<()> {
    match voice {
        Voice::Person(printer) => out.write_all(printer.print(request).as_bytes())?,
        Voice::Machine => writeln!(out, "{}", request.to_json())?,
    }
    out.flush()
}

fn word(request: &Received) -> (&'static str, Tone) {
    match request.event() {
        Some("Incoming") => ("rings", Tone::Ringing),
        Some("Answered") => ("answered", Tone::Talking),
        Some("Outgoing") => ("dials", Tone::Dialling),
        Some("Ended") => ("ended", Tone::Over),
        Some(_) | None => ("request", Tone::Strong),
    }
}

fn parties(request: &Received) -> String {
    let or =
        |text: &str, otherwise: &str| if text.is_empty() { otherwise.to_owned() } else { text.to_owned() };
    let employee = match request.parameter("EmployeeName") {
        "" => request.parameter("EmployeeLocalNumber").to_owned(),
        name => format!("{} {name}", request.parameter("EmployeeLocalNumber")),
    };
    match request.event() {
        Some("Outgoing") => format!("{employee} → {}", or(request.parameter("BNumber"), "?")),
        Some(_) if !employee.is_empty() => {
            format!("{} → {employee}", or(request.parameter("ANumber"), "withheld"))
        }
        Some(_) | None => String::new(),
    }
}

fn ending(request: &Received) -> String {
    let duration = match request.parameter("Duration") {
        "" => String::new(),
        seconds => format!("{seconds} s"),
    };
    let to = request.parameter("TransferTo");
    if request.parameter("Transfer") == "True" {
        format!("{duration}, transferred to {}", harmless(to))
    } else {
        harmless(&duration).into_owned()
    }
}
