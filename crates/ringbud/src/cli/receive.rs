//! `receive`: a receiver that prints what it is sent.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use demo::paint::Paint;
use demo::receiver::print::{Printer, Voice, run};
use demo::receiver::{Receiver, ReceiverOptions, Script, Secret};
use jiff::tz::TimeZone;

use super::serve::Signals;
use super::{EXIT_DONE, Failure, runtime};

/// Receive requests and print each, to see what your own web service would get.
///
/// Point an account's web services at it (its network has to be listed under `outgoing.allow`). Ctrl-C ends
/// it.
#[derive(Args, Debug)]
pub struct ReceiveArgs {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
    /// What to answer: a status, or several separated by commas, the last for ever (`503,503,200`).
    #[arg(long, default_value = "200")]
    status: Script,
    /// Wait so many milliseconds before each answer.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    delay_ms: u64,
    /// Check the signatures with this secret (`whsec_…`); more than one while a secret is rotated.
    #[arg(long, value_name = "SECRET", env = "RINGBUD_RECEIVE_SECRET", hide_env_values = true)]
    secret: Vec<String>,
    /// Print headers and body too.
    #[arg(short, long)]
    verbose: bool,
}

impl ReceiveArgs {
    pub(super) fn run(self) -> Result<u8, Failure> {
        runtime()?.block_on(self.receive())
    }

    async fn receive(self) -> Result<u8, Failure> {
        let secrets = self.secret.iter().map(|text| Secret::read(text)).collect::<Result<Vec<_>, _>>()?;
        let mut signals = Signals::listen()?;
        let delay = Duration::from_millis(self.delay_ms);
        let options = ReceiverOptions { listen: self.listen, script: self.status, delay, secrets };
        let receiver = Receiver::start(options)
            .await
            .map_err(|error| Failure::new(format!("{} cannot be listened on: {error}", self.listen)))?;
        eprintln!("receiving on {}", receiver.url("/"));
        let voice = if self.json {
            Voice::Machine
        } else {
            Voice::Person(Box::new(Printer::new(Paint::for_stdout(), TimeZone::system(), self.verbose)))
        };
        match run(receiver, voice, &mut std::io::stdout(), signals.next()).await {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
            Ok(()) | Err(_) => Ok(EXIT_DONE),
        }
    }
}
