//! A short visit to a PBX, for `check` and `record`: the same session as the gateway's, nothing kept.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pbx::{
    About, Ask, Excess, Failure, Hook, Missing, Notice, Now, Output, Secret, Session, Settings, State,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::transport::connect;
use super::{KnownEndpoint, LinkFailure, secs_ahead};
use crate::clock;
use crate::config::{Pbx, Ready, Takes};

/// After the login it is waited this long for something new before the visit is over.
const QUIET: Duration = Duration::from_millis(700);
/// No visit takes longer.
const LONGEST: Duration = Duration::from_secs(30);
/// How often the channels are looked at while a call is waited for.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// What was seen on a visit.
#[derive(Debug, Default)]
pub struct Visit {
    /// What the PBX says of itself.
    pub about: About,
    /// Rights the user lacks.
    pub missing: Vec<Missing>,
    /// What the login may do beyond what is needed.
    pub excess: Vec<Excess>,
    /// Endpoints.
    pub endpoints: BTreeMap<String, KnownEndpoint>,
    /// How far the PBX's clock is ahead of ours, in microseconds.
    pub clock_ahead_micros: Option<i64>,
    /// Whether any event of a call came.
    pub hears_calls: bool,
    /// What the PBX does with calls by itself, as far as it shows.
    pub hooks: BTreeSet<Hook>,
    /// Whether that may not be asked for.
    pub hooks_not_told: bool,
}

impl Visit {
    /// A PBX's clock that differs by more is worth a word to somebody who looks.
    pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(2);

    /// How many seconds the PBX's clock is ahead of ours, if more than that.
    pub fn clock_secs_ahead(&self, tolerance: Duration) -> Option<i64> {
        secs_ahead(self.clock_ahead_micros, tolerance)
    }
}

/// What a session with this PBX has to know.
pub(crate) fn settings(pbx: &Pbx, secret: Secret) -> Settings {
    let plain_login = pbx.plain_login || pbx.tls;
    // Those rules go by what the PBX says of each endpoint.
    let by_own_number = pbx.phones.iter().any(|rule| matches!(rule.takes, Takes::Ready(Ready::Wazo)));
    let ask = if by_own_number { Ask::All } else { Ask::Doubtful };
    let usual = Settings::new(&*pbx.username, secret);
    Settings {
        product: Some(pbx.product),
        plain_login,
        ask,
        listen_every: tasks::hurried(usual.listen_every),
        ..usual
    }
}

/// A word of warning where the secret goes over a network as it is, because this kind of PBX knows no other way.
pub(crate) fn secret_in_clear(pbx: &Pbx) -> Option<String> {
    let host = pbx.address.rsplit_once(':').map_or(&*pbx.address, |(host, _)| host);
    let host = host.trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    (pbx.kind.always_shows_secret() && !pbx.tls && !is_here).then(|| {
        format!(
            "{} of {} knows no other login than the secret in clear, and {host} is another host: let the way there be a private network or a tunnel",
            pbx.kind.protocol(), pbx.kind.name()
        )
    })
}

/// Logs in, looks around, and leaves; stays `wait` longer to hear the events of a call, having `told` so.
///
/// # Errors
/// When that is not possible.
pub async fn visit(
    pbx: &Pbx,
    secret: &str,
    wait: Option<Duration>,
    told: impl FnOnce(Duration),
) -> Result<Visit, LinkFailure> {
    let mut visit = Visit::default();
    let settings = Settings { ask: Ask::All, listen_every: LOOK_EVERY, ..settings(pbx, Secret::new(secret)) };
    let mut look_around =
        LookAround { until: Instant::now() + LONGEST, quiet_at: None, wait, told: Some(told) };
    talk(pbx, settings, &mut visit, |state, _, visit| look_around.until(state, visit)).await?;
    Ok(visit)
}

/// When a visit is over.
struct LookAround<F> {
    until: Instant,
    quiet_at: Option<Instant>,
    wait: Option<Duration>,
    told: Option<F>,
}

impl<F: FnOnce(Duration)> LookAround<F> {
    fn until(&mut self, state: State, visit: &Visit) -> Instant {
        if state != State::Live {
            return self.until;
        }
        let now = Instant::now();
        let Some(wait) = self.wait else {
            let quiet_at = now + QUIET;
            self.quiet_at = Some(quiet_at);
            return quiet_at.min(self.until);
        };
        if let Some(told) = self.told.take() {
            told(wait);
            self.until = now + wait;
        }
        let is_settled = visit.hears_calls || visit.missing.contains(&Missing::CallEvents);
        if is_settled && self.quiet_at.is_none() {
            self.quiet_at = Some(now + QUIET);
        }
        self.quiet_at.unwrap_or(self.until).min(self.until)
    }
}

/// Logs in and hands over everything that comes in, until `until` (asked after each piece) has come.
///
/// # Errors
/// When the link cannot be made or is lost.
pub async fn converse(
    pbx: &Pbx,
    secret: &str,
    visit: &mut Visit,
    mut look: impl FnMut(State, &[u8]) -> Instant,
) -> Result<(), LinkFailure> {
    let settings = settings(pbx, Secret::new(secret));
    talk(pbx, settings, visit, |state, bytes, _| look(state, bytes)).await
}

async fn talk(
    pbx: &Pbx,
    settings: Settings,
    visit: &mut Visit,
    mut look: impl FnMut(State, &[u8], &Visit) -> Instant,
) -> Result<(), LinkFailure> {
    let lost = |error: std::io::Error| LinkFailure::broken(&error);
    let (mut reading, mut writing) = connect(pbx).await?;
    let mut session = Session::new(pbx.kind, settings, None);
    let mut heard = Heard::default();
    session.connected(now(), |output| heard.take(output, visit));
    let mut buffer = vec![0; 64 << 10];
    loop {
        if !heard.to_send.is_empty() {
            writing.write_all(&heard.to_send).await.map_err(lost)?;
            writing.flush().await.map_err(lost)?;
            heard.to_send.clear();
        }
        if let Some(failure) = heard.failure.take() {
            return Err(failure.into());
        }
        let health = session.health();
        (visit.clock_ahead_micros, visit.hears_calls) = (health.clock_ahead_micros, health.hears_calls);
        let until = look(session.state(), &buffer[..heard.read], visit);
        heard.read = 0;
        visit.about.clone_from(session.about());
        let due = session.next_deadline().map_or(until, clock::instant);
        tokio::select! {
            read = reading.read(&mut buffer) => {
                heard.read = read.map_err(lost)?;
                if heard.read == 0 {
                    return Err(LinkFailure::Closed);
                }
                session.received(&buffer[..heard.read], now(), |output| heard.take(output, visit));
            }
            () = tokio::time::sleep_until(until) => return Ok(()),
            () = tokio::time::sleep_until(due) => session.timed_out(now(), |output| heard.take(output, visit)),
        }
    }
}

#[derive(Default)]
struct Heard {
    to_send: Vec<u8>,
    failure: Option<Failure>,
    /// How much of the buffer is new.
    read: usize,
}

impl Heard {
    fn take(&mut self, output: Output<'_>, visit: &mut Visit) {
        match output {
            Output::Send(bytes) => self.to_send.extend_from_slice(bytes),
            Output::Failed(failure) => self.failure = Some(failure),
            Output::Notice(Notice::Missing(missing)) => visit.missing.push(missing),
            Output::Notice(Notice::Excess(excess)) => visit.excess.push(excess),
            Output::Notice(Notice::Mended(mended)) => visit.missing.retain(|missing| *missing != mended),
            Output::Notice(Notice::Hook(hook)) => {
                visit.hooks.insert(hook);
            }
            Output::Notice(Notice::HooksNotTold) => visit.hooks_not_told = true,
            Output::Endpoint(endpoint) => {
                visit.endpoints.entry(endpoint.name.to_owned()).or_default().learn(&endpoint);
            }
            Output::Notice(Notice::Skipped(_) | Notice::UnusableList)
            | Output::Heard { .. }
            | Output::State(_) => {}
        }
    }
}

fn now() -> Now {
    Now { monotonic: clock::monotonic(Instant::now()), wall_micros: clock::wall().0 }
}
