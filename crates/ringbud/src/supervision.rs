//! Telling whoever supervises the program (systemd, by `Type=notify`) that it is ready, reads its configuration anew,
//! stops, and still gets on.
//!
//! Where nobody wants to know (no `NOTIFY_SOCKET` in the environment) nothing is told.

use std::time::Duration;

use sd_notify::NotifyState;
use tasks::Part;
use tokio::task::JoinHandle;

use crate::link::{LinkState, Links};
use crate::stand_by::StandBy;

/// How often it is told how the program is doing, where no watchdog wants to know it more often.
const EVERY: Duration = Duration::from_secs(5);

/// It is ready, and so it is again after its configuration was read anew.
pub(crate) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The configuration is read anew.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// It stops, in order.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping: what is out is finished")]);
}

/// Says for as long as the program runs how it is doing, and that it gets on: from a task of the runtime that does all
/// the work, and no longer once a part is dead that others cannot do without.
pub(crate) fn start(links: Links) -> JoinHandle<()> {
    tasks::spawn_anew(Part::Supervision, move || watch(links.clone()))
}

/// The same while it stands by, from when it does; being ready is all that can be asked of it then.
pub(crate) fn start_standing_by(stand_by: StandBy) -> JoinHandle<()> {
    tasks::spawn_anew(Part::Supervision, move || {
        let stand_by = stand_by.clone();
        async move {
            stand_by.begins().await;
            ready();
            let words = || stand_by.in_words().unwrap_or_else(|| "takes over".to_owned());
            keep_telling(words).await;
        }
    })
}

async fn watch(links: Links) {
    keep_telling(|| status(&links)).await;
}

async fn keep_telling(status: impl Fn() -> String) {
    // Twice within the time after which it is taken for hung.
    let every = sd_notify::watchdog_enabled().map_or(EVERY, |within| EVERY.min(within / 2));
    loop {
        if tasks::dead().is_none() {
            tell(&[NotifyState::Watchdog, NotifyState::Status(&status())]);
        }
        tokio::time::sleep(every).await;
    }
}

fn status(links: &Links) -> String {
    let all = links.all();
    let up = all.iter().filter(|link| link.with(|link| link.state == LinkState::Live)).count();
    format!("{up} of {} PBXs followed", all.len())
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "whoever supervises this program cannot be told how it is doing");
    }
}
