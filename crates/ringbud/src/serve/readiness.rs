//! Whether the gateway does its work, and everything that is wrong: each with its code.

use admin::{Readiness, ReadyDetail};
use delivery::sender::Sender;
use journal::WallTime;

use crate::engine::{Engine, Spooling};
use crate::gateway::Blocked;
use crate::link::{LinkState, LinkStatus, Status};
use crate::stand_by::StandBy;

/// What is looked at.
pub(super) struct Seen<'a> {
    pub(super) dead: Option<&'a tasks::Death>,
    pub(super) is_blocked: bool,
    /// Whether the spool stands in for the engine.
    pub(super) spooling: Option<Spooling>,
    /// What to look for then.
    pub(super) look_for: &'static str,
    /// What was found to be damaged.
    pub(super) damage: Option<String>,
    pub(super) links: &'a [Status],
}

/// What is wrong, by code. In this order they are told.
const PART_DIED: &str = "part_died";
const JOURNAL_UNWRITABLE: &str = "journal_unwritable";
const JOURNAL_SPOOLING: &str = "journal_spooling";
const JOURNAL_DAMAGED: &str = "journal_damaged";
const PBX_UNTRIED: &str = "pbx_untried";
const STANDS_BY: &str = "stands_by";
const STARTING: &str = "starting";

/// Before the store is this gateway's.
pub(super) fn before_the_start(stand_by: &StandBy) -> Readiness {
    let (code, what) = match stand_by.in_words() {
        Some(words) => (STANDS_BY, words),
        None => (STARTING, "Ringbud is starting".to_owned()),
    };
    let detail = own(code, what);
    Readiness { ready: false, reasons: vec![in_words(&detail)], details: vec![detail] }
}

/// Something that keeps the gateway itself from its work.
fn own(code: &'static str, what: String) -> ReadyDetail {
    ReadyDetail { code, pbx: None, what, since: None, unready: true, unfollowed: false }
}

/// Calls are kept and told: no other instance would do better.
fn spools(Spooling { events }: Spooling) -> ReadyDetail {
    let what = format!(
        "PostgreSQL cannot be reached, or no standby confirms: what happens is kept in the spool on this machine's disk ({events} events) until it can"
    );
    ReadyDetail { unready: false, ..own(JOURNAL_SPOOLING, what) }
}

/// Whether nothing can be kept at present, as far as anybody has tried.
pub(super) fn is_blocked(sender: &Sender, blocked: &Blocked, engine: &Engine) -> bool {
    sender.status().journal_blocked || blocked.is_blocked() || engine.is_away()
}

pub(super) fn readiness(seen: &Seen<'_>) -> Readiness {
    let mut details: Vec<ReadyDetail> = Vec::new();
    details.extend(seen.dead.map(|death| own(PART_DIED, death.to_string())));
    let unwritable = format!("the journal cannot be written: {}", seen.look_for);
    details.extend(seen.is_blocked.then(|| own(JOURNAL_UNWRITABLE, unwritable)));
    details.extend(seen.spooling.filter(|_| !seen.is_blocked).map(spools));
    details.extend(seen.damage.clone().map(|what| own(JOURNAL_DAMAGED, what)));
    details.extend(seen.links.iter().filter_map(|status| status.with(unfollowed)));
    details.extend(seen.links.iter().flat_map(|status| status.with(troubles)));
    // A PBX that is down does not make the gateway useless, and another instance would reach it no better.
    let told = details.iter().filter(|detail| detail.unready || !detail.unfollowed);
    Readiness {
        ready: !details.iter().any(|detail| detail.unready),
        reasons: told.map(in_words).collect(),
        details,
    }
}

/// Why a PBX is not followed.
fn unfollowed(link: &LinkStatus) -> Option<ReadyDetail> {
    let detail = |code, what, since: WallTime, unready| {
        Some(ReadyDetail {
            code,
            pbx: Some(link.pbx.to_string()),
            what,
            since: Some(since),
            unready,
            unfollowed: true,
        })
    };
    match (&link.state, &link.last_error) {
        (LinkState::Live, _) => None,
        // One that was not even tried yet makes it unready.
        (LinkState::Connecting | LinkState::Synchronising, None) => {
            detail(PBX_UNTRIED, "the link is being made for the first time".to_owned(), link.since, true)
        }
        (LinkState::Down { why, .. } | LinkState::Refused { why, .. }, _) => {
            detail(why.code(), why.to_string(), link.since, false)
        }
        (LinkState::Connecting | LinkState::Synchronising, Some((at, why))) => {
            detail(why.code(), why.to_string(), *at, false)
        }
        (LinkState::Stopped, _) => detail("stopping", "Ringbud is stopping".to_owned(), link.since, false),
    }
}

/// What is wrong with a link that is up: one that hears nothing is no healthy one.
fn troubles(link: &LinkStatus) -> Vec<ReadyDetail> {
    let detail = |trouble: crate::link::Trouble| ReadyDetail {
        code: trouble.code(),
        pbx: Some(link.pbx.to_string()),
        what: trouble.sentence(link.product),
        since: None,
        unready: false,
        unfollowed: false,
    };
    link.troubles().into_iter().map(detail).collect()
}

fn in_words(detail: &ReadyDetail) -> String {
    match (&detail.pbx, detail.code) {
        (Some(pbx), PBX_UNTRIED) => format!("the link to {pbx} is being made for the first time"),
        (Some(pbx), _) => format!("{pbx}: {}", detail.what),
        (None, _) => detail.what.clone(),
    }
}
