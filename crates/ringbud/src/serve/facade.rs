//! The running gateway as the API and the window see it.

use std::sync::Arc;

use calls::{AccountId, EventKind};
use delivery::guard::Guard;
use delivery::reason::GivesReason as _;
use delivery::sender::{ControlError, Sender, Trial, TrialError};
use journal::settings::IntegrationId;
use journal::{DeliveryId, Reason, SettingsCache};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::mpsc;
use web::{
    Answer, Gateway, GatewayError, Link, LinkState as ShownState, LiveLeg, Readiness, TestAnswer, TestCall,
};

use super::damage::Damage;
use crate::board::Board;
use crate::gateway::Blocked;
use crate::link::{LinkState, LinkStatus, Status};

pub(super) struct Facade {
    pub(super) links: Vec<Status>,
    pub(super) board: Arc<Board>,
    pub(super) sender: Arc<Sender>,
    pub(super) cache: Arc<SettingsCache>,
    pub(super) guard: Guard,
    pub(super) blocked: Blocked,
    pub(super) damage: Damage,
    pub(super) metrics: PrometheusHandle,
}

impl Gateway for Facade {
    fn links(&self) -> Vec<Link> {
        self.links.iter().map(|status| status.with(link)).collect()
    }

    fn readiness(&self) -> Readiness {
        let mut reasons: Vec<String> = tasks::dead().map(ToString::to_string).into_iter().collect();
        if self.sender.status().journal_blocked || self.blocked.is_blocked() {
            reasons.push("the journal cannot be written: is the disk full, or read-only?".to_owned());
        }
        reasons.extend(self.damage.reason());
        // A PBX that is down does not make the gateway useless; one that was not even tried yet does.
        let untried = self.links.iter().filter_map(|status| {
            status.with(|link| {
                let first_try = matches!(link.state, LinkState::Connecting | LinkState::Synchronising);
                (first_try && link.last_error.is_none()).then(|| link.pbx.to_string())
            })
        });
        reasons.extend(untried.map(|pbx| format!("the link to {pbx} is being made for the first time")));
        Readiness { ready: reasons.is_empty(), reasons }
    }

    fn live(&self, account: &AccountId) -> Vec<LiveLeg> {
        self.board.live(account)
    }

    fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.board.changes()
    }

    fn check_url(&self, url: &str) -> Result<(), Reason> {
        crate::cli::check_url(&self.guard, url)
    }

    fn again(&self, id: DeliveryId) -> Answer<'_, ()> {
        Box::pin(async move { self.sender.again(id).await.map(drop).map_err(refused) })
    }

    fn cancel(&self, id: DeliveryId) -> Answer<'_, ()> {
        Box::pin(async move { self.sender.cancel(id).await.map_err(refused) })
    }

    fn pause(&self, integration: IntegrationId, kind: EventKind) -> Answer<'_, ()> {
        Box::pin(async move { self.sender.pause(integration, kind).await.map_err(refused) })
    }

    fn resume(&self, integration: IntegrationId, kind: EventKind, send_kept: bool) -> Answer<'_, ()> {
        Box::pin(
            async move { self.sender.resume(integration, kind, send_kept).await.map(drop).map_err(refused) },
        )
    }

    fn test_call(&self, call: TestCall) -> Answer<'_, mpsc::Receiver<TestAnswer>> {
        Box::pin(async move {
            let account = self.cache.account(&call.account).ok_or(GatewayError::Gone)?;
            let (integration, _, _) = account.integration().ok_or(GatewayError::Gone)?;
            let (employee, _) = account.employees.get(&call.employee).ok_or(GatewayError::Gone)?;
            let employee = calls::Employee {
                number: call.employee.as_str().into(),
                name: employee.name.as_str().into(),
            };
            let mut answers = self.sender.test_call(integration, employee).map_err(|error| match error {
                TrialError::NoSuchIntegration => GatewayError::Gone,
                TrialError::NothingToTest => GatewayError::Refused(error.reason()),
            })?;
            let (told, all) = mpsc::channel(calls::EventKind::ALL.len());
            tasks::spawn(tasks::Part::TestCall, async move {
                while let Some(trial) = answers.recv().await {
                    if told.send(answer(trial)).await.is_err() {
                        return;
                    }
                }
            });
            Ok(all)
        })
    }

    fn metrics(&self) -> String {
        self.metrics.render()
    }
}

fn link(status: &LinkStatus) -> Link {
    Link {
        name: status.pbx.to_string(),
        address: status.address.clone(),
        state: match &status.state {
            LinkState::Connecting | LinkState::Synchronising => ShownState::Connecting,
            LinkState::Live => ShownState::Up,
            LinkState::Down { why, .. } | LinkState::Refused { why, .. } => {
                ShownState::Down { why: why.to_string() }
            }
            LinkState::Stopped => ShownState::Down { why: "Ringbud is stopping".to_owned() },
        },
        since: Some(status.since),
        lag: status.lag,
        last_error: status.last_error.as_ref().map(|(_, why)| why.to_string()).unwrap_or_default(),
        missing_rights: status
            .missing
            .iter()
            .map(|missing| missing.sentence(status.kind).to_owned())
            .collect(),
        version: status.about.version.clone(),
        channels: status.channels as u64,
        legs: status.legs as u64,
    }
}

fn refused(error: ControlError) -> GatewayError {
    match error {
        ControlError::NoSuchDelivery | ControlError::NoSuchIntegration => GatewayError::Gone,
        ControlError::Paused | ControlError::SwitchedOff | ControlError::Settled => {
            GatewayError::Refused(error.reason())
        }
        ControlError::Journal(error) => GatewayError::Unavailable(error.to_string()),
    }
}

fn answer(trial: Trial) -> TestAnswer {
    TestAnswer {
        kind: trial.kind,
        request_line: trial.request_line,
        request_body: String::from_utf8_lossy(&trial.request_body).into_owned(),
        status: trial.status,
        reason: trial.reason,
        took: trial.took,
        response_body: String::from_utf8_lossy(&trial.response_body).into_owned(),
    }
}
