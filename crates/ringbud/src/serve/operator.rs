//! Telling the operator: which links are down for long, and whether the journal takes what it is given.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use calls::PbxName;
use delivery::operator::{Notice, NotifierOptions, OperatorNotifier};
use delivery::sender::Sender;
use delivery::signing::Key;
use serde_json::json;
use tokio::time::Instant;

use super::readiness::is_blocked;
use super::{ServeError, connector_options};
use crate::config::{Config, Operator, Place, Problem};
use crate::engine::Engine;
use crate::gateway::Blocked;
use crate::link::{LinkState, LinkStatus, Links};

/// How often links and journal are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A restart of PostgreSQL is nobody's business.
const SPOOLING_FOR: Duration = Duration::from_secs(10);

/// How the operator of a configuration is told; none where it names no operator.
pub(super) fn notifier(config: &Config) -> Result<Option<NotifierOptions>, ServeError> {
    let Some(Operator { url, secret, .. }) = &config.operator else { return Ok(None) };
    let unusable = |problem| ServeError::Secrets(vec![problem]);
    let secret = secret.as_ref().map(|source| source.read()).transpose().map_err(unusable)?;
    let key = secret.map(|secret| Key::parse(secret.expose())).transpose().map_err(|error| {
        let place = Place { file: config.file.clone(), line: 1, key: "[operator] secret".to_owned() };
        unusable(Problem { place, what: error.to_string() })
    })?;
    Ok(Some(NotifierOptions {
        url: url.clone(),
        key,
        connector: connector_options(config),
        response_timeout: config.outgoing.response_timeout,
    }))
}

/// How long a PBX is out of reach before it is told: it may be changed while it is looked at.
#[derive(Clone, Debug)]
pub(super) struct Patience(Arc<AtomicU64>);

impl Patience {
    pub(super) fn of(config: &Config) -> Self {
        let patience = Self(Arc::default());
        patience.change(config);
        patience
    }

    pub(super) fn change(&self, config: &Config) {
        let secs = config.operator.as_ref().map_or(u64::MAX, |operator| operator.link_down.as_secs());
        self.0.store(secs, Ordering::Relaxed);
    }

    fn now(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

/// What was seen of a link, or of the journal.
#[derive(Clone, Copy, Debug, Default)]
struct Watched {
    bad_since: Option<Instant>,
    told: bool,
}

/// What there is to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Bad,
    GoodAfter(Duration),
}

impl Watched {
    /// Looks; what has been bad for less than `patience` is nobody's business.
    fn look(&mut self, good: bool, now: Instant, patience: Duration) -> Option<Turn> {
        if good {
            let Self { bad_since, told } = std::mem::take(self);
            return bad_since.filter(|_| told).map(|since| Turn::GoodAfter(now - since));
        }
        let since = *self.bad_since.get_or_insert(now);
        let tell = !self.told && now - since >= patience;
        self.told |= tell;
        tell.then_some(Turn::Bad)
    }
}

/// Looks every moment, and tells.
pub(super) async fn watch(
    operator: OperatorNotifier,
    links: Links,
    link_down: Patience,
    sender: Arc<Sender>,
    blocked: Blocked,
    engine: Engine,
) {
    let mut watched: BTreeMap<PbxName, Watched> = BTreeMap::new();
    let mut troubled: BTreeMap<PbxName, Watched> = BTreeMap::new();
    let (mut journal, mut spool) = (Watched::default(), Watched::default());
    loop {
        let now = Instant::now();
        let all = links.all();
        let names: BTreeSet<PbxName> = all.iter().map(|link| link.with(|link| link.pbx.clone())).collect();
        watched.retain(|pbx, _| names.contains(pbx));
        troubled.retain(|pbx, _| names.contains(pbx));
        for link in &all {
            let turn = link.with(|link| {
                let watched = watched.entry(link.pbx.clone()).or_default();
                let turn = watched.look(link.state == LinkState::Live, now, link_down.now())?;
                Some(of_link(link, turn))
            });
            turn.into_iter().for_each(|notice| operator.tell(notice));
        }
        for link in &all {
            let turn = link.with(|link| {
                // Of a link that is down nothing is known: it is neither mended nor troubled anew.
                let is_up = link.state == LinkState::Live;
                let watched = troubled.entry(link.pbx.clone()).or_default();
                let turn = is_up.then(|| watched.look(link.troubles().is_empty(), now, Duration::ZERO))??;
                Some(of_trouble(link, turn))
            });
            turn.into_iter().for_each(|notice| operator.tell(notice));
        }
        let spooling = engine.spooling();
        if let Some(turn) = spool.look(spooling.is_none(), now, SPOOLING_FOR) {
            operator.tell(of_spool(turn));
        }
        let writable = !is_blocked(&sender, &blocked, &engine);
        if let Some(turn) = journal.look(writable, now, Duration::ZERO) {
            operator.tell(of_journal(turn, engine.what_to_look_for()));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn of_link(link: &LinkStatus, turn: Turn) -> Notice {
    let pbx = link.pbx.to_string();
    match turn {
        Turn::Bad => {
            let Some((_, why)) = &link.last_error else {
                let data = json!({ "pbx": pbx, "why": "it is not reached yet" });
                return Notice { kind: "pbx.down", data };
            };
            let args: std::collections::BTreeMap<_, _> = why.arguments().into_iter().collect();
            let reason = json!({ "args": args, "code": why.code() });
            Notice {
                kind: "pbx.down",
                data: json!({ "pbx": pbx, "why": why.to_string(), "why_reason": reason }),
            }
        }
        Turn::GoodAfter(down) => {
            Notice { kind: "pbx.up", data: json!({ "pbx": pbx, "down_secs": down.as_secs() }) }
        }
    }
}

/// A link that is up, and not healthy.
fn of_trouble(link: &LinkStatus, turn: Turn) -> Notice {
    let pbx = link.pbx.to_string();
    match turn {
        Turn::Bad => {
            let troubles = link.troubles();
            let codes: Vec<&str> = troubles.iter().map(|trouble| trouble.code()).collect();
            let why: Vec<String> = troubles.iter().map(|trouble| trouble.sentence(link.product)).collect();
            Notice {
                kind: "pbx.troubled",
                data: json!({ "codes": codes, "pbx": pbx, "why": why.join("; ") }),
            }
        }
        Turn::GoodAfter(bad) => {
            Notice { kind: "pbx.well", data: json!({ "pbx": pbx, "troubled_secs": bad.as_secs() }) }
        }
    }
}

fn of_journal(turn: Turn, look_for: &str) -> Notice {
    match turn {
        Turn::Bad => {
            let why = format!("the journal cannot be written: {look_for}");
            Notice { kind: "journal.unwritable", data: json!({ "why": why }) }
        }
        Turn::GoodAfter(bad) => {
            Notice { kind: "journal.writable", data: json!({ "unwritable_secs": bad.as_secs() }) }
        }
    }
}

/// PostgreSQL is away for more than a moment, and the spool stands in.
fn of_spool(turn: Turn) -> Notice {
    match turn {
        Turn::Bad => {
            let why = "PostgreSQL cannot be reached, or no standby confirms: what happens is kept in the spool on this machine's disk";
            Notice { kind: "journal.spooling", data: json!({ "why": why }) }
        }
        Turn::GoodAfter(bad) => {
            Notice { kind: "journal.merged", data: json!({ "spooling_secs": bad.as_secs() }) }
        }
    }
}

/// The gateway that had the store is gone, and this one has it now.
pub(super) fn taken_over(from: &str) -> Notice {
    Notice { kind: "gateway.lost", data: json!({ "gateway": from }) }
}

/// A PBX is another gateway's now: why.
pub(super) fn moved(pbx: &PbxName, why: &str) -> Notice {
    Notice { kind: "part.moved", data: json!({ "pbx": pbx.as_str(), "why": why }) }
}

/// The store was found damaged.
pub(super) fn damaged(why: &str) -> Notice {
    Notice { kind: "journal.damaged", data: json!({ "why": why }) }
}

#[cfg(test)]
mod tests {
    use calls::{AccountId, EventKind};
    use delivery::sender::{paused, resumed};
    use journal::settings::Pause;
    use journal::{Reason, WallTime};

    use crate::link::{LinkFailure, Status};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn only_what_lasts_is_told_and_once() {
        let (mut watched, began) = (Watched::default(), Instant::now());
        let mut look = |good, secs| watched.look(good, began + secs * SECOND, 60 * SECOND);
        assert_eq!([look(true, 0), look(false, 1), look(false, 60), look(true, 61)], [None; 4]);
        assert_eq!([look(false, 70), look(false, 130), look(false, 131)], [None, Some(Turn::Bad), None]);
        assert_eq!([look(true, 170), look(true, 171)], [Some(Turn::GoodAfter(100 * SECOND)), None]);
    }

    /// What the page shows is what is sent.
    #[test]
    fn the_page_shows_every_body_an_operator_gets() {
        let account = AccountId::new("1001");
        let link =
            Status::new(PbxName::new("pbx1"), pbx::Product::Asterisk, "pbx1:5038".to_owned(), WallTime(0));
        link.change(|link| {
            link.last_error = Some((WallTime(0), LinkFailure::Closed));
            link.state = LinkState::Live;
            link.missing.push(pbx::Missing::CallEvents);
        });
        let pause = Pause {
            since: WallTime(0),
            why: Reason::new("paused_failing").with("days", 5),
            server_said: Some(Reason::status(503)),
            by_person: false,
        };
        let all = EventKind::ALL;
        let notices = [
            paused(&account, &all, "https://crm.example.com/ringbud", &pause),
            resumed(&account, EventKind::Ended, true, 17),
            link.with(|link| of_link(link, Turn::Bad)),
            link.with(|link| of_link(link, Turn::GoodAfter(300 * SECOND))),
            link.with(|link| of_trouble(link, Turn::Bad)),
            link.with(|link| of_trouble(link, Turn::GoodAfter(300 * SECOND))),
            of_journal(Turn::Bad, "is the disk full, or read-only?"),
            of_journal(Turn::GoodAfter(40 * SECOND), ""),
            of_spool(Turn::Bad),
            of_spool(Turn::GoodAfter(40 * SECOND)),
            damaged("wrong # of entries in index given_up_by_account"),
            taken_over("gw1"),
            moved(&PbxName::new("pbx1"), "gateway_lost"),
        ];
        let at = WallTime(1_795_337_580_900_000);
        let bodies: Vec<String> = notices.iter().map(|notice| notice.body(at)).collect();
        let page = include_str!("../../../../docs/operate.md");
        let shown = page.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap_or("");
        assert_eq!(
            shown.lines().collect::<Vec<_>>(),
            bodies,
            "docs/operate.md should show:\n{}",
            bodies.join("\n")
        );
    }
}
