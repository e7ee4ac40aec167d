//! A test call: all four events with values nobody takes for real ones, sent at once, answers shown. They
//! are in no journal and no list; but each takes a place at its destination as a delivery does, so that no web
//! service is asked more at once because somebody presses a button.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use calls::{
    AccountId, CallId, Direction, Employee, EndReason, Ended, Event, EventKind, LegId, PbxName, PbxTime,
    Phone, What,
};
use journal::Reason;
use journal::settings::{Integration, IntegrationId};
use rustc_hash::FxHashMap;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::core::Core;
use super::routes::Way;
use super::work::Read;
use super::{Sender, Shared};
use crate::reason::{GivesReason, Wrong, told_by_reason};
use crate::request::Wire;
use crate::schedule::DestinationKey;

/// The calling party of a test call.
pub const TEST_NUMBER: &str = "+4500000000";
/// Test calls of one integration at once.
pub const TESTS_OF_ONE: u32 = 2;
/// Test calls of all at once.
pub const TESTS_AT_ONCE: u32 = 64;
/// The PBX of a test call; its legs are named after it.
const TEST_PBX: &str = "ringbud-test";

/// So long a request of a test call waits for a place at its destination.
const PLACE_WAIT: Duration = Duration::from_secs(10);

/// One request of a test call, and what came back.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The kind of event.
    pub kind: EventKind,
    /// Method and target, as sent.
    pub request_line: String,
    /// The headers as sent, secrets blanked.
    pub request_headers: Vec<(String, String)>,
    /// The body as sent.
    pub request_body: Vec<u8>,
    /// A command line that makes the same request, secrets blanked.
    pub curl: String,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// What went wrong; nothing on success.
    pub reason: Option<Reason>,
    /// The answer's first 4 KB.
    pub response_body: Vec<u8>,
    /// How long it took.
    pub took: Duration,
}

/// Why there is no test call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialError {
    /// There is no such integration.
    NoSuchIntegration,
    /// No URL is entered.
    NothingToTest,
    /// As many are running as may.
    Running,
}

told_by_reason!(TrialError);

impl GivesReason for TrialError {
    fn reason(&self) -> Reason {
        match self {
            Self::NoSuchIntegration => Reason::new("no_such_integration"),
            Self::NothingToTest => Reason::new("nothing_to_test"),
            Self::Running => Reason::new("tests_running"),
        }
    }
}

impl Sender {
    /// Sends a test call of an employee, one request after the other; the answers come as they come. Kinds
    /// without a URL are left out, paused ones are not.
    ///
    /// # Errors
    /// If there is nothing to test.
    pub fn test_call(
        &self,
        integration: IntegrationId,
        employee: Employee,
    ) -> Result<mpsc::Receiver<Trial>, TrialError> {
        let (account, settings) =
            self.shared.book.integration(integration).ok_or(TrialError::NoSuchIntegration)?;
        let events = events(&account.id, employee, PbxTime::from_micros(self.shared.clock.wall().0));
        let wanted = |event: &Event| settings.url(event.kind()).is_some_and(|url| !url.is_empty());
        let events: Vec<Event> = events.into_iter().filter(wanted).collect();
        if events.is_empty() {
            return Err(TrialError::NothingToTest);
        }
        let running = Slot::take(&self.shared, integration).ok_or(TrialError::Running)?;
        let (told, answers) = mpsc::channel(events.len());
        let shared = self.shared.clone();
        tasks::spawn(tasks::Part::TestCall, async move {
            let _running = running;
            for event in events {
                let trial = shared.try_one(&event, &settings).await;
                if told.send(trial).await.is_err() {
                    return;
                }
            }
        });
        Ok(answers)
    }
}

/// How many test calls are running, by integration.
pub(super) type Running = Mutex<FxHashMap<IntegrationId, u32>>;

/// One of them.
struct Slot {
    shared: Arc<Shared>,
    integration: IntegrationId,
}

impl Slot {
    fn take(shared: &Arc<Shared>, integration: IntegrationId) -> Option<Self> {
        let mut running = shared.tests.lock().unwrap_or_else(PoisonError::into_inner);
        let own = running.get(&integration).copied().unwrap_or(0);
        if own >= TESTS_OF_ONE || running.values().sum::<u32>() >= TESTS_AT_ONCE {
            return None;
        }
        running.insert(integration, own + 1);
        Some(Self { shared: shared.clone(), integration })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut running = self.shared.tests.lock().unwrap_or_else(PoisonError::into_inner);
        match running.get_mut(&self.integration) {
            Some(many) if *many > 1 => *many -= 1,
            _ => drop(running.remove(&self.integration)),
        }
    }
}

/// A place at a destination.
struct AtDestination {
    shared: Arc<Shared>,
    destination: DestinationKey,
}

impl Drop for AtDestination {
    fn drop(&mut self) {
        self.shared.with(|core, work| core.give_place_back(self.destination, work));
        self.shared.landed.notify_waiters();
    }
}

impl Shared {
    /// The way of a test, once there is a place at its destination.
    async fn place(
        self: &Arc<Self>,
        kind: EventKind,
        settings: &Integration,
    ) -> Result<(Way, AtDestination), Wrong> {
        loop {
            let landed = self.landed.notified();
            let mut landed = pin!(landed);
            landed.as_mut().enable();
            {
                let mut core = self.lock();
                let Core { routes, schedule, .. } = &mut *core;
                let (way, destination) = routes.trial(schedule, kind, settings)?;
                if schedule.take_place(destination) {
                    return Ok((way, AtDestination { shared: self.clone(), destination }));
                }
            }
            landed.await;
        }
    }

    async fn try_one(self: &Arc<Self>, event: &Event, settings: &Integration) -> Trial {
        let kind = event.kind();
        let (way, _place) = match timeout(PLACE_WAIT, self.place(kind, settings)).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => return untried(kind, error.reason()),
            Err(_) => return untried(kind, Reason::new("destination_busy")),
        };
        let at = self.clock.wall();
        let mut wire = Wire::default();
        way.compiled.render_into(&mut wire, event, at);
        let rendered = way.compiled.rendered(&wire);
        let curl = way.compiled.curl(&rendered);
        let request_line = rendered.request_line();
        let headers = way.compiled.shown_headers(&rendered);
        let request_headers = headers.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let request_body = rendered.body.to_vec();
        let began = self.clock.now();
        let fared = way.pool.send(&wire).await;
        let read = Read::of(fared.end, at.0.div_euclid(1_000_000));
        Trial {
            kind,
            request_line,
            request_headers,
            request_body,
            curl,
            status: read.status,
            reason: read.reason,
            response_body: read.body,
            took: self.clock.now().since(began),
        }
    }
}

fn untried(kind: EventKind, reason: Reason) -> Trial {
    Trial {
        kind,
        request_line: String::new(),
        request_headers: Vec::new(),
        request_body: Vec::new(),
        curl: String::new(),
        status: None,
        reason: Some(reason),
        response_body: Vec::new(),
        took: Duration::ZERO,
    }
}

/// The four events of a test call, in the order of a day: a call that is taken and ends, and one that is
/// made.
fn events(account: &AccountId, employee: Employee, now: PbxTime) -> Vec<Event> {
    let secs = now.as_micros().div_euclid(1_000_000);
    let pbx = PbxName::new(TEST_PBX);
    let leg = |n: u8| LegId::of(&pbx, &format!("{secs}.{n}"));
    let number = employee.number.clone();
    let phone = Arc::new(Phone { account: account.clone(), number, employee: Some(employee) });
    let incoming = Event {
        leg: leg(1),
        call: CallId::new(format!("{TEST_PBX}-{secs}.0")),
        sequence: 1,
        phone: phone.clone(),
        direction: Direction::Incoming,
        at: now - Duration::from_secs(75),
        begun_at: now - Duration::from_secs(75),
        waiting_since: None,
        counterpart: Some(leg(0)),
        a_number: TEST_NUMBER.into(),
        b_number: "".into(),
        dialed_number: "".into(),
        queue: "".into(),
        assumed: false,
        what: What::Incoming,
    };
    let answered_at = now - Duration::from_secs(70);
    let answered = Event { sequence: 2, at: answered_at, what: What::Answered, ..incoming.clone() };
    let ended =
        Ended { answered_at: Some(answered_at), reason: EndReason::HungUpByCounterpart, transfer: None };
    let ended = Event {
        sequence: 3,
        at: now - Duration::from_secs(10),
        what: What::Ended(ended),
        ..incoming.clone()
    };
    let outgoing = Event {
        leg: leg(2),
        call: CallId::new(format!("{TEST_PBX}-{secs}.2")),
        direction: Direction::Outgoing,
        at: now,
        begun_at: now,
        waiting_since: None,
        counterpart: None,
        a_number: phone.number.clone(),
        b_number: TEST_NUMBER.into(),
        what: What::Outgoing,
        ..incoming.clone()
    };
    vec![incoming, answered, ended, outgoing]
}
