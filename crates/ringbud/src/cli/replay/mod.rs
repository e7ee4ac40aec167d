//! `replay`: recordings through the very same code as a live link.

mod explain;

use std::io::{self, BufRead, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use admin::kept::settings::{Integration, ParameterNames};
use admin::{Actor, Admin};
use calls::{Event, Input, Output, PbxName, PbxTime};
use clap::Args;
use delivery::guard::Guard;
use pbx::{Age, Evidence, Kind, Recording};

use self::explain::Explainer;
use super::trace::{self, Trace};
use super::{ConfigArg, EXIT_DONE, Failure, runtime};
use crate::config::Purpose;
use crate::directory::{KnownSettings, Learner, Phones, Rules, Unwritten};
use crate::gateway::Follower;
use crate::store::Store;
use crate::whoami;

/// Read recordings of a PBX and print the events they give.
///
/// Takes what `record` wrote, and whatever else was kept of an Asterisk's manager interface or a FreeSWITCH's
/// event socket, compressed with gzip or not; which of the two shows in the recording itself.
///
/// Runs the recordings through the same code as the live link and prints one JSON object a line: `Event`,
/// then every parameter with the value as it would be sent, extras included. Several files are one PBX with
/// the link lost in between. Nothing is sent and nothing is written; where the data folder of the
/// configuration has a store, its settings count.
#[derive(Args, Debug)]
pub struct ReplayArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// The PBX the recordings are of; by default the first of the configuration.
    #[arg(long, value_name = "NAME")]
    pbx: Option<String>,
    /// Add `Explain` to each event: the lines of the recordings that led to it.
    #[arg(long)]
    explain: bool,
    /// The recordings, in order.
    #[arg(required = true, value_name = "TRACE")]
    traces: Vec<PathBuf>,
}

impl ReplayArgs {
    pub(crate) fn run(self) -> Result<u8, Failure> {
        let config = self.config.load(Purpose::Replay)?;
        let mut traces = self.traces.iter().map(|path| open(path)).collect::<Result<Vec<_>, _>>()?;
        let shown = match traces.first_mut() {
            Some(first) => trace::kind_of(first).map_err(|error| unreadable(&self.traces[0], &error))?,
            None => None,
        };
        let pbx = match (&self.pbx, shown) {
            // What the recording shows to be of is the PBX of this kind, where none was named.
            (None, Some(kind)) => config.pbxs.iter().find(|pbx| pbx.kind == kind),
            (_, _) => super::pbx_of(&config, self.pbx.as_deref())?,
        };
        let store = runtime()?.block_on(Store::open_if_there(&config))?;
        let known: Arc<dyn KnownSettings> =
            store.as_ref().map_or_else(|| Arc::new(Unwritten) as Arc<_>, Store::known_settings);
        let (name, kind, rules) = pbx.map_or_else(
            || {
                let kind = shown.unwrap_or(Kind::Asterisk);
                (PbxName::new("pbx"), kind, Rules::none(kind))
            },
            |pbx| (pbx.name.clone(), shown.unwrap_or(pbx.kind), Rules::of(pbx)),
        );
        let phones = Phones::new(rules, known, Learner::none());
        let mut replay = Replay {
            recording: Recording::new(kind),
            follower: Follower::new(name.clone(), phones),
            explainer: self.explain.then(|| Explainer::new(name)),
            printer: Printer::new(
                store.map(|store| store.admin(Guard::default())),
                BufWriter::new(io::stdout().lock()),
            ),
        };
        match replay.all(&self.traces, traces) {
            Err(Failed::Stdout(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(EXIT_DONE),
            Err(Failed::Stdout(error)) => {
                Err(Failure::new(format!("standard output cannot be written: {error}")))
            }
            Err(Failed::Trace(path, error)) => Err(unreadable(&path, &error)),
            Err(Failed::TooOld(why)) => Err(Failure::new(why.to_string())),
            Ok(()) => Ok(EXIT_DONE),
        }
    }
}

fn open(path: &Path) -> Result<Trace, Failure> {
    trace::open(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("{} cannot be read: {error}", path.display()))
}

enum Failed {
    Trace(PathBuf, io::Error),
    Stdout(io::Error),
    /// It is of a PBX of which nothing may be told.
    TooOld(pbx::Failure),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Stdout(error)
    }
}

struct Replay<W: Write> {
    recording: Recording,
    follower: Follower,
    explainer: Option<Explainer>,
    printer: Printer<W>,
}

impl<W: Write> Replay<W> {
    fn all(&mut self, paths: &[PathBuf], files: Vec<Trace>) -> Result<(), Failed> {
        for (index, (path, file)) in paths.iter().zip(files).enumerate() {
            if index > 0 {
                self.recording.link_lost(|at, input| drop(self.follower.handle(at, input)));
                self.print()?;
            }
            self.one(path, file)?;
        }
        // What was only waiting for time to pass would have happened.
        while let Some(deadline) = self.follower.next_deadline() {
            self.follower.handle_timeout(deadline);
            self.print()?;
            if self.follower.next_deadline() == Some(deadline) {
                break;
            }
        }
        self.printer.finish().map_err(Failed::from)
    }

    fn one(&mut self, path: &Path, mut from: impl BufRead) -> Result<(), Failed> {
        let trace = |error| Failed::Trace(path.into(), error);
        if let Some(explainer) = &mut self.explainer {
            explainer.begin_file(path);
        }
        let mut line = Vec::new();
        let mut is_over = false;
        while !is_over {
            let bytes = if self.explainer.is_some() {
                line.clear();
                // Line by line, so that each message knows its own; a line without end is still bounded.
                from.by_ref().take(MAX_LINE_READ).read_until(b'\n', &mut line).map_err(trace)?;
                &line
            } else {
                from.fill_buf().map_err(trace)?
            };
            let count = bytes.len();
            is_over = count == 0;
            let (recording, follower, explainer) =
                (&mut self.recording, &mut self.follower, &mut self.explainer);
            if let Some(explainer) = explainer {
                explainer.line();
            }
            let seen = |at: PbxTime, input: Input<'_>, because: Option<&dyn Evidence>| {
                if let (Some(explainer), Some(message)) = (explainer.as_mut(), because) {
                    explainer.saw(message);
                }
                drop(follower.handle(at, input));
            };
            if is_over {
                recording.ended(seen);
            } else {
                recording.feed(bytes, seen);
            }
            if self.explainer.is_none() {
                from.consume(count);
            }
            self.print()?;
        }
        Ok(())
    }

    fn print(&mut self) -> Result<(), Failed> {
        match self.recording.age() {
            Age::Unknown => {}
            Age::Followed => self.printer.go_on()?,
            Age::TooOld(why) => return Err(Failed::TooOld(why)),
        }
        for output in self.follower.take_outputs() {
            match output {
                Output::Event(event) => {
                    let because = self.explainer.as_mut().map(|explainer| explainer.explain(&event));
                    self.printer.event(&event, because.as_deref())?;
                }
                Output::Note(_) => {}
                Output::Anomaly(anomaly) => {
                    let at = anomaly.at;
                    self.printer
                        .complain(format!("at {at:?}, channel {}: {}", anomaly.channel, anomaly.what));
                }
            }
        }
        Ok(())
    }
}

/// So much is held back at most, and so many complaints.
const MAX_HELD_BYTES: usize = 1 << 20;
const MAX_HELD_COMPLAINTS: usize = 64;
/// A longer line is read in pieces.
const MAX_LINE_READ: u64 = 1 << 20;

/// Prints; holds back what comes before it is known that the recording is of a PBX that can be followed.
struct Printer<W: Write> {
    /// Where the accounts' integrations are, and who asks; nothing where there is no store.
    admin: Option<Admin>,
    actor: Actor,
    out: W,
    is_held: bool,
    held: Vec<u8>,
    complaints: Vec<String>,
}

impl<W: Write> Printer<W> {
    fn new(admin: Option<Admin>, out: W) -> Self {
        let actor = Actor::machine(&whoami::name());
        Self { admin, actor, out, is_held: true, held: Vec::new(), complaints: Vec::new() }
    }

    /// Nothing is held back any more.
    fn go_on(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.is_held) {
            self.out.write_all(&std::mem::take(&mut self.held))?;
            for complaint in std::mem::take(&mut self.complaints) {
                self.complain(complaint);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.go_on()?;
        self.out.flush()
    }

    fn complain(&mut self, what: String) {
        if self.is_held && self.complaints.len() < MAX_HELD_COMPLAINTS {
            self.complaints.push(what);
        } else {
            eprintln!("ringbud: {what}");
        }
    }

    fn event(&mut self, event: &Event, because: Option<&[String]>) -> io::Result<()> {
        let ask = |admin: &Admin| admin.account(&self.actor, event.account().as_str()).ok();
        let account = self.admin.as_ref().and_then(ask);
        let chosen = account.as_ref().and_then(|account| account.integration()).map(|(_, chosen, _)| chosen);
        let integration = Integration {
            parameter_names: ParameterNames::Default,
            ..chosen.map_or_else(Integration::default, |chosen| Integration::clone(chosen))
        };
        let out: &mut dyn Write = if self.is_held { &mut self.held } else { &mut self.out };
        write!(out, "{{\"Event\":\"{}\"", event.kind().name())?;
        for (name, value) in delivery::payload::all_parameters(event, &integration) {
            if name != "Event" {
                write!(out, ",{}:{}", serde_json::json!(name), serde_json::json!(value))?;
            }
        }
        if let Some(because) = because {
            write!(out, ",\"Explain\":{}", serde_json::json!(because))?;
        }
        writeln!(out, "}}")?;
        if self.held.len() > MAX_HELD_BYTES { self.go_on() } else { Ok(()) }
    }
}
