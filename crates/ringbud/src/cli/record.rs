//! `record`: what a link receives, into a file one can send to support.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use pbx::{Anonymiser, Kind};
use tokio::time::Instant;

use super::say::is_read_enough;
use super::serve::Signals;
use super::{ConfigArg, EXIT_DONE, Failure, runtime, trace};
use crate::clock;
use crate::config::Purpose;
use crate::link::{Visit, converse};

/// A recording without an end is none: it ends after this at the latest.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// Record what a PBX says, for `replay` and for support.
///
/// Logs in as the gateway does, beside it, and writes what comes in until Ctrl-C or the end of --seconds.
/// With --anonymise numbers of five digits and more and names are replaced, the same one always by the same,
/// and what nobody needs is left out; extensions stay, because the rules for phones need them. An anonymised
/// recording gives the same events.
#[derive(Args, Debug)]
pub struct RecordArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// The PBX; by default the first of the configuration.
    #[arg(long, value_name = "NAME")]
    pbx: Option<String>,
    /// Where to; by default standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace numbers, names and addresses.
    #[arg(long)]
    anonymise: bool,
    /// Take a recording instead of a PBX: to anonymise one that is there already.
    #[arg(long, value_name = "TRACE", requires = "anonymise", conflicts_with = "seconds")]
    from: Option<PathBuf>,
    /// End after so many seconds.
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
}

impl RecordArgs {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let kind = self.kind()?;
        let no_chance = |error| Failure::new(format!("the system gives no random bytes: {error}"));
        let anonymiser = match self.anonymise {
            true => Some(Anonymiser::new(kind, clock::key().map_err(no_chance)?)),
            false => None,
        };
        let mut sink = Sink { out: self.open()?, anonymiser };
        let done = match &self.from {
            Some(file) => copy(file, &mut sink).or_else(|error| match is_read_enough(&error) {
                true => Ok(()),
                false => Err(Failure::new(format!("{}: {error}", file.display()))),
            }),
            None => self.live(&mut sink),
        };
        done.map(|()| EXIT_DONE)
    }

    /// What a recording that is there already is of: as it shows itself, else as the configuration says.
    fn kind(&self) -> Result<Kind, Failure> {
        if let Some(from) = &self.from {
            let shown = trace::open(from).and_then(|mut trace| trace::kind_of(&mut trace));
            let shown = shown.map_err(|error| Failure::new(format!("{}: {error}", from.display())))?;
            if let Some(kind) = shown {
                return Ok(kind);
            }
            if !self.config.file.exists() {
                return Ok(Kind::Asterisk);
            }
        }
        let config = self.config.load(Purpose::Replay)?;
        Ok(super::pbx_of(&config, self.pbx.as_deref())?.map_or(Kind::Asterisk, |pbx| pbx.kind))
    }

    fn open(&self) -> Result<Box<dyn Write>, Failure> {
        Ok(match &self.output {
            None => Box::new(io::stdout()),
            Some(file) => {
                let made = File::create(file);
                let made = made.map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
                Box::new(BufWriter::new(made))
            }
        })
    }

    fn live(&self, sink: &mut Sink) -> Result<(), Failure> {
        let config = self.config.load(Purpose::Work)?;
        let pbx = super::pbx_of(&config, self.pbx.as_deref())?
            .ok_or_else(|| Failure::new(format!("{} has no [[pbx]]", config.file.display())))?;
        let secret = pbx.secret.read()?;
        runtime()?.block_on(async {
            let mut signals = Signals::listen()?;
            let until = Instant::now() + self.seconds.map_or(LONGEST, Duration::from_secs);
            let mut failed = None;
            let mut visit = Visit::default();
            let recording = converse(pbx, secret.expose(), &mut visit, |_, bytes| match sink.write(bytes) {
                Ok(()) => until,
                Err(error) => {
                    failed = Some(error);
                    Instant::now()
                }
            });
            let ended = tokio::select! {
                ended = recording => ended,
                () = signals.next() => Ok(()),
            };
            match failed {
                Some(error) if is_read_enough(&error) => Ok(()),
                Some(error) => Err(Failure::new(format!("the recording cannot be written: {error}"))),
                None => Ok(ended?),
            }
        })
    }
}

fn copy(file: &Path, sink: &mut Sink) -> io::Result<()> {
    let mut from = trace::open(file)?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            count => sink.write(&buffer[..count])?,
        }
    }
}

struct Sink {
    out: Box<dyn Write>,
    anonymiser: Option<Anonymiser>,
}

impl Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.anonymiser {
            None => self.out.write_all(bytes)?,
            Some(anonymiser) => {
                let mut whole_lines = Vec::with_capacity(bytes.len());
                anonymiser.feed(bytes, &mut whole_lines);
                self.out.write_all(&whole_lines)?;
            }
        }
        self.out.flush()
    }
}
