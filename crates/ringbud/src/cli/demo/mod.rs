//! `demo`: a demo PBX, the gateway connected to it by its ordinary link, a receiver, and the show.

mod news;
mod scene;

use std::time::Duration;

use clap::Args;
use demo::paint::Paint;
use demo::pbx::{Pbx, PbxOptions};
use demo::player::{Begun, PlayOptions, play};
use demo::receiver::{Receiver, ReceiverOptions};
use demo::show::{self, News, Voice};
use demo::switch::{self, ActPlan, Switch, SwitchOptions};
use jiff::tz::TimeZone;
use pbx::Kind;
use tasks::Part;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::serve::Signals;
use super::{EXIT_DONE, EXIT_FAILED, Failure, runtime};
use crate::config::{Log, LogFormat};
use crate::stand_by::StandBy;
use crate::{serve, telemetry};

/// So much news waits to be shown.
const MAX_NEWS: usize = 4_096;
/// How long the end of a play waits for the last requests.
const LAST_REQUESTS: Duration = Duration::from_secs(30);
/// How often it looks whether they are there.
const LOOK: Duration = Duration::from_millis(100);
/// So many looks in a row have to find nothing: what is being written is neither a leg any more nor a delivery yet.
const LOOKS: u32 = 5;

/// Show what Ringbud does, with nothing else installed.
///
/// Starts a demo PBX that plays recorded calls with fresh ids, numbers, names and times; the gateway,
/// connected to it by its ordinary link; a receiver for the web services; and the API. Everything is on this
/// machine only and gone when it ends. Ctrl-C ends it.
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// How many times faster than life.
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// Play each recording once, then end.
    #[arg(long)]
    once: bool,
    /// Print one JSON object a line, for programs.
    #[arg(long)]
    json: bool,
    /// Where the API and the window listen; by default port 8080 of this machine, or a free one.
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// The same number gives the same calls in the same order.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Which PBX plays: an Asterisk, a FreeSWITCH, or both at once for the same accounts.
    #[arg(long, value_enum, default_value_t = Which::Asterisk)]
    pbx: Which,
    /// Only these recordings, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<String>,
}

/// Which PBX plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    Asterisk,
    Freeswitch,
    Both,
}

/// The PBXs that play.
pub(super) struct Players {
    asterisk: Option<Pbx>,
    freeswitch: Option<Switch>,
}

impl Players {
    async fn start(which: Which) -> std::io::Result<Self> {
        Ok(Self {
            asterisk: match which {
                Which::Asterisk | Which::Both => Some(Pbx::start(PbxOptions::default()).await?),
                Which::Freeswitch => None,
            },
            freeswitch: match which {
                Which::Freeswitch | Which::Both => Some(Switch::start(SwitchOptions::default()).await?),
                Which::Asterisk => None,
            },
        })
    }

    /// Waits until the gateway listens everywhere.
    async fn clients(&self) {
        if let Some(pbx) = &self.asterisk {
            pbx.clients(1).await;
        }
        if let Some(switch) = &self.freeswitch {
            switch.clients(1).await;
        }
    }

    /// What they are.
    fn kinds(&self) -> Vec<Kind> {
        let asterisk = self.asterisk.as_ref().map(|_| Kind::Asterisk);
        asterisk.into_iter().chain(self.freeswitch.as_ref().map(|_| Kind::FreeSwitch)).collect()
    }

    async fn play(&self, options: PlayOptions, plan: ActPlan, begun: mpsc::Sender<Begun>) {
        let asterisk = async {
            if let Some(pbx) = &self.asterisk {
                play(pbx, options, begun.clone()).await;
            }
        };
        let freeswitch = async {
            if let Some(switch) = &self.freeswitch {
                switch::play(switch, plan, begun.clone()).await;
            }
        };
        tokio::join!(asterisk, freeswitch);
    }

    fn channels(&self) -> usize {
        self.asterisk.as_ref().map_or(0, Pbx::channels) + self.freeswitch.as_ref().map_or(0, Switch::channels)
    }
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(speed) if (0.1..=1_000.0).contains(&speed) => Ok(speed),
        _ => Err("a number from 0.1 to 1000".to_owned()),
    }
}

impl DemoArgs {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let level = if self.json { "warn" } else { "error" };
        telemetry::start_log(&Log { format: LogFormat::Human, level: level.to_owned() });
        tasks::note_panics();
        tasks::open_to_faults();
        runtime()?.block_on(self.show())
    }

    async fn show(self) -> Result<u8, Failure> {
        let mut signals = Signals::listen()?;
        let names: Vec<&str> = self.only.iter().map(String::as_str).collect();
        let mut play_options =
            PlayOptions { seed: self.seed, speed: self.speed, once: self.once, ..PlayOptions::default() };
        if !names.is_empty() && self.pbx != Which::Freeswitch {
            play_options = play_options.only(&names)?;
        }
        if self.pbx != Which::Asterisk {
            switch::known(&names)?;
        }
        let plan = ActPlan { seed: self.seed, speed: self.speed, once: self.once, only: self.only.clone() };
        let folder = tempfile::Builder::new().prefix("ringbud-demo-").tempdir()?;
        let pbx = Players::start(self.pbx).await?;
        let receiver = Receiver::start(ReceiverOptions::default()).await?;
        let config = scene::config(&self.listen, folder.path(), &pbx)?;
        let running = serve::start(&config, &StandBy::default()).await?;
        let stage = scene::set(&running, &pbx, &receiver).await?;
        let (tell, told) = mpsc::channel(MAX_NEWS);
        let events = tasks::spawn(Part::Show, news::events(running.events(), tell.clone()));
        let links = tasks::spawn(Part::Show, news::links(running.links.clone(), tell.clone()));
        let (stop_receiver, receiver_stops) = tokio::sync::oneshot::channel();
        let mut requests = tasks::spawn(Part::Show, news::requests(receiver, receiver_stops, tell.clone()));
        let voice =
            if self.json { Voice::Machine } else { Voice::Person(Paint::for_stdout(), TimeZone::system()) };
        let mut showing =
            tasks::spawn(
                Part::Show,
                async move { show::run(&stage, voice, told, &mut std::io::stdout()).await },
            );

        let (begun, begins) = mpsc::channel(MAX_NEWS);
        let scenes = tasks::spawn(Part::Show, news::scenes(begins, tell));
        pbx.clients().await;
        // The show ends early when nobody reads it any more (`ringbud demo | head`).
        let mut shown = None;
        // Nor is there anything to wait for when who takes the requests has died.
        let mut takes_requests = true;
        let played = async {
            pbx.play(play_options, plan, begun).await;
            settle(&running, &pbx).await;
        };
        tokio::select! {
            () = played => {}
            () = signals.next() => {}
            _ = &mut requests => takes_requests = false,
            result = &mut showing => shown = Some(result),
        }
        running.stop().await;
        let _ = stop_receiver.send(());
        if takes_requests {
            let _ = requests.await;
        }
        events.abort();
        links.abort();
        scenes.abort();
        let _ = (events.await, links.await, scenes.await);
        let shown = match shown {
            Some(shown) => shown,
            None => showing.await,
        };
        match shown {
            Ok(Ok(count)) if self.once && count.failed > 0 => Ok(EXIT_FAILED),
            Ok(Err(error)) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
            Ok(_) | Err(_) => Ok(EXIT_DONE),
        }
    }
}

/// Waits until the last call is told.
async fn settle(running: &serve::Running, pbx: &Players) {
    let give_up = Instant::now() + LAST_REQUESTS;
    let mut silent = 0;
    while silent < LOOKS && Instant::now() < give_up {
        let legs: usize = running.links.all().iter().map(|link| link.with(|status| status.channels)).sum();
        let is_silent = pbx.channels() == 0 && legs == 0 && running.deliveries_waiting() == 0;
        silent = if is_silent { silent + 1 } else { 0 };
        tokio::time::sleep(LOOK).await;
    }
}

/// What the show is told.
type Tell = mpsc::Sender<News>;
