//! Holds what was told against what was played and what is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use journal::{Cursor, Filter, Grant};
use serde_json::Value;

use super::played::Leg;
use super::stage::Stage;
use super::told::{Counts, Request};

/// Faults shown.
const SHOWN: usize = 25;
/// While list and stream are put together a message may be dated after the one that overtook it.
const OVERTAKEN_MS: i64 = 2_000;

/// What came out.
pub(super) struct Verdict {
    pub(super) faults: Vec<String>,
    pub(super) counts: Numbers,
}

/// For those who read the log of a run.
pub(super) struct Numbers {
    receiver: Counts,
    lives: u32,
    calls: usize,
    seen_whole: usize,
    must_be_told: usize,
    acknowledged: usize,
    events: usize,
    assumed: usize,
    repeats: usize,
    kept: usize,
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { requests, taken, refused, cut } = self.receiver;
        let Self {
            receiver: _,
            lives,
            calls,
            seen_whole,
            must_be_told,
            acknowledged,
            events,
            assumed,
            repeats,
            kept,
        } = self;
        writeln!(f, "{lives} lives; {calls} calls on two PBXs, {seen_whole} of them seen whole by one life")?;
        writeln!(
            f,
            "{events} events told, {assumed} of them assumed; {must_be_told} had to be, {acknowledged} acknowledged; {kept} in the journal"
        )?;
        write!(
            f,
            "{requests} requests: {taken} taken, {refused} refused, {cut} cut off; {repeats} taken again after a kill"
        )
    }
}

impl Verdict {
    pub(super) async fn of(stage: &Stage) -> Self {
        let requests = stage.told.requests();
        let legs = stage.played.legs();
        let mut faults: Vec<String> =
            stage.played.owed(&stage.told).into_iter().map(|event| format!("lost: {event}")).collect();
        let mut asked: BTreeMap<&str, Vec<&Request>> = BTreeMap::new();
        for request in &requests {
            asked.entry(&request.id).or_default().push(request);
        }
        let mut court = Court { asked, faults: Vec::new(), assumed: 0, repeats: 0 };
        court.repeats();
        court.legs();
        let mut seen_whole = 0;
        for (id, leg) in &legs {
            let whole = stage.played.was_seen_whole(leg);
            seen_whole += usize::from(whole);
            court.truth(id, leg, whole);
        }
        court.known_legs(&legs);
        let kept = court.kept(stage).await;
        faults.append(&mut court.faults);
        let (must_be_told, acknowledged) = stage.played.counts();
        let counts = Numbers {
            receiver: stage.told.counts(),
            lives: requests.iter().map(|request| request.life).max().unwrap_or(0),
            calls: legs.len(),
            seen_whole,
            must_be_told,
            acknowledged,
            events: court.asked.len(),
            assumed: court.assumed,
            repeats: court.repeats,
            kept,
        };
        Self { faults, counts }
    }

    pub(super) fn first_faults(&self) -> String {
        self.faults.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("\n")
    }
}

struct Court<'a> {
    /// The requests of each event, in the order they arrived.
    asked: BTreeMap<&'a str, Vec<&'a Request>>,
    faults: Vec<String>,
    assumed: usize,
    repeats: usize,
}

impl Court<'_> {
    fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    /// A repeat says the same, and what was taken is repeated only when the gateway was killed before it
    /// could write that down.
    fn repeats(&mut self) {
        let mut faults = Vec::new();
        for (id, requests) in &self.asked {
            let first = requests[0];
            if requests.iter().any(|again| again.body != first.body || again.line != first.line) {
                faults.push(format!("said otherwise the second time: {id}: {requests:?}"));
            }
            let lives: Vec<u32> = requests
                .iter()
                .filter(|request| request.taken.is_some())
                .map(|request| request.life)
                .collect();
            self.repeats += lives.len().saturating_sub(1);
            if lives.iter().collect::<BTreeSet<_>>().len() < lives.len() {
                faults.push(format!(
                    "told again to one that had taken it, with no kill between: {id}: {requests:?}"
                ));
            }
        }
        self.faults.append(&mut faults);
    }

    /// When an event was taken for the first time.
    fn taken(&self, id: &str) -> Option<usize> {
        self.asked.get(id)?.iter().filter_map(|request| request.taken).min()
    }

    /// Each leg begins once, is answered at most once and ends once, and each event is told only when the one
    /// before it was taken by the same web service.
    fn legs(&mut self) {
        let mut legs: BTreeMap<String, BTreeMap<u64, Value>> = BTreeMap::new();
        let mut faults = Vec::new();
        for (id, requests) in &self.asked {
            let Ok(said) = serde_json::from_str::<Value>(&requests[0].body) else {
                faults.push(format!("no JSON: {requests:?}"));
                continue;
            };
            self.assumed += usize::from(word(&said, "Assumed") == "True");
            if word(&said, "EventId") != *id {
                faults.push(format!("{id} has the body of {}", word(&said, "EventId")));
            }
            let place = word(&said, "Sequence").parse().unwrap_or(0);
            if legs.entry(word(&said, "UniqueCallId").to_owned()).or_default().insert(place, said).is_some() {
                faults.push(format!("two events at place {place} of a leg, one of them {id}"));
            }
        }
        for (leg, events) in &legs {
            let kinds: Vec<&str> = events.values().map(|said| word(said, "Event")).collect();
            let places: Vec<u64> = events.keys().copied().collect();
            if places != (1..=events.len() as u64).collect::<Vec<_>>() {
                faults.push(format!("{leg} has holes: {places:?} {kinds:?}"));
            }
            match &*kinds {
                ["Incoming", "Answered", "Ended"] | ["Incoming" | "Outgoing", "Ended"] => {}
                other => faults.push(format!("{leg} is {other:?}")),
            }
            let ids: Vec<&str> = events.values().map(|said| word(said, "EventId")).collect();
            faults.extend(ids.windows(2).filter_map(|pair| self.overtaking(pair[0], pair[1])));
        }
        self.faults.append(&mut faults);
    }

    /// What is wrong with the order of two events of a call, the second after the first.
    fn overtaking(&self, before: &str, after: &str) -> Option<String> {
        let (first, second) = (self.asked.get(before)?, self.asked.get(after)?);
        let service = |request: &Request| request.line.clone();
        if service(first[0]) != service(second[0]) {
            return None;
        }
        let in_order = self.taken(before).is_some_and(|taken| taken < second[0].arrived);
        (!in_order).then(|| format!("{after} was told before {before} was taken: {first:?} {second:?}"))
    }

    /// What was told of a leg is what the PBX did, and nothing that it had not done yet.
    fn truth(&mut self, id: &str, leg: &Leg, whole: bool) {
        let moments = [("incoming", Some(leg.rang)), ("answered", leg.answered), ("ended", leg.ended)];
        for (kind, happened) in moments {
            let event = format!("{id}-{kind}");
            let Some(request) = self.asked.get(&*event).map(|requests| requests[0]) else { continue };
            let Some(happened) = happened else {
                self.fault(format!("never happened: {event}"));
                continue;
            };
            let said: Value = serde_json::from_str(&request.body).unwrap_or_default();
            let true_ms = happened.at_us / 1_000;
            let told = word(&said, if kind == "ended" { "EndTime" } else { "TimeStamp" });
            let told_ms: i64 = told.parse().unwrap_or(-1);
            let assumed = word(&said, "Assumed") == "True";
            let nearly = true_ms..=true_ms + OVERTAKEN_MS;
            let is_true = match (assumed, word(&said, "EndReason")) {
                (false, _) if whole => told_ms == true_ms,
                // Where nobody saw it end, it ended when it was last known to live.
                (true, "link_lost") => told_ms <= true_ms,
                (false, _) => nearly.contains(&told_ms),
                (true, _) => told_ms >= true_ms,
            };
            let whose = ["AccountId", "EmployeeLocalNumber", "ANumber"].map(|name| word(&said, name));
            // Who calls may be unknown where the beginning was missed.
            let caller = if assumed && whose[2].is_empty() { "" } else { &*leg.caller };
            let is_whose = whose == [&*leg.account, &*leg.phone, caller];
            if !is_true || !is_whose {
                self.fault(format!("not what happened at {true_ms}: {said}, but {leg:?}"));
            }
            if assumed && whole {
                self.fault(format!("a guess about a leg that was seen whole: {said}, but {leg:?}"));
            }
            if request.arrived_us < happened.at_us {
                self.fault(format!("told before it happened: {said}, but {leg:?}"));
            }
            if let (true, "ended", Some(answered)) = (whole, kind, leg.answered) {
                let seconds = (happened.at_us - answered.at_us) / 1_000_000;
                if word(&said, "Duration") != seconds.to_string() {
                    self.fault(format!("talked for {seconds} s: {said}"));
                }
            }
        }
    }

    /// Nothing is told of a leg that never was.
    fn known_legs(&mut self, legs: &BTreeMap<String, Leg>) {
        let of_loads = |id: &&str| id.starts_with("pbx1-") || id.starts_with("pbx2-");
        let unknown = |id: &&str| id.rsplit_once('-').is_none_or(|(leg, _)| !legs.contains_key(leg));
        let unknown: Vec<String> = self
            .asked
            .keys()
            .filter(|id| of_loads(id) && unknown(id))
            .map(|id| format!("nobody rang: {id}"))
            .collect();
        self.faults.extend(unknown);
    }

    /// The journal is whole, nothing waits in it, and all of it was told, in its order.
    async fn kept(&mut self, stage: &Stage) -> usize {
        if let Err(error) = stage.check().await {
            self.fault(error.to_string());
        }
        let journal = stage.journal().await;
        if stage.is_shared() {
            stage.waits().into_iter().for_each(|waits| self.fault(format!("left behind: {waits}")));
        } else {
            for pending in journal.load_all(Grant::ALONE).await.unwrap() {
                self.fault(format!("left behind: {pending:?}"));
            }
        }
        let (mut after, mut count) = (Cursor::START, 0);
        let mut last: BTreeMap<String, String> = BTreeMap::new();
        loop {
            let page = Filter { after: Some(after), ..Filter::default() };
            let events = journal.events(page).await.unwrap();
            let Some(newest) = events.last() else { return count };
            after = newest.cursor();
            for kept in events {
                if kept.pbx.as_str() == "pbx0" {
                    continue;
                }
                count += 1;
                let id = kept.event.id();
                if self.taken(id.as_str()).is_none() {
                    self.fault(format!("kept and not told: {id}"));
                }
                let before = last.insert(kept.event.call.as_str().to_owned(), id.as_str().to_owned());
                self.faults.extend(before.and_then(|before| self.overtaking(&before, id.as_str())));
            }
        }
    }
}

fn word<'a>(said: &'a Value, name: &str) -> &'a str {
    said[name].as_str().unwrap_or_default()
}
