//! The running gateway as the API and the window see it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use admin::{
    AgainAll, Answer, Code, EarlierCalls, Gateway, GatewayError, Granted, Link, LinkState as ShownState,
    LiveLeg, PbxTried, PbxWish, Pulse, Readiness, Remark, Stranger, TestAnswer, TestCall, Waiting,
    WebhookStatus,
};
use calls::{AccountId, EventKind, PbxTime};
use delivery::sender::{Cancelled, ControlError, Sender, Trial, TrialError, Wanted};
use journal::settings::IntegrationId;
use journal::{DeliveryId, Filter, SettingsCache};
use metrics_exporter_prometheus::PrometheusHandle;
use pbx::setup::Product;
use tokio::sync::mpsc;

use super::damage::Damage;
use super::pulse::Pulses;
use super::readiness;
use super::who_has::WhoHas;
use crate::board::Board;
use crate::elsewhere::Elsewhere;
use crate::engine::Engine;
use crate::gateway::Blocked;
use crate::link::{LinkState, LinkStatus, Links, StrangerSeen};

pub(super) struct Facade {
    pub(super) links: Links,
    pub(super) board: Arc<Board>,
    /// Where several gateways share the store.
    pub(super) elsewhere: Option<Arc<Elsewhere>>,
    pub(super) who: Option<Arc<WhoHas>>,
    pub(super) sender: Arc<Sender>,
    pub(super) cache: Arc<SettingsCache>,
    pub(super) blocked: Blocked,
    pub(super) damage: Damage,
    pub(super) engine: Engine,
    pub(super) metrics: PrometheusHandle,
    pub(super) pulses: Pulses,
}

impl Gateway for Facade {
    fn links(&self) -> Vec<Link> {
        let own = self.links.all().iter().map(|status| status.with(link)).collect();
        match &self.who {
            Some(who) => who.links(own),
            None => own,
        }
    }

    fn earlier_calls(&self) -> Option<EarlierCalls> {
        self.who.as_ref()?.earlier_calls()
    }

    fn readiness(&self) -> Readiness {
        readiness::readiness(&readiness::Seen {
            dead: tasks::dead(),
            is_blocked: readiness::is_blocked(&self.sender, &self.blocked, &self.engine),
            spooling: self.engine.spooling(),
            look_for: self.engine.what_to_look_for(),
            damage: self.damage.reason(),
            links: &self.links.all(),
        })
    }

    fn live(&self, account: &AccountId) -> Vec<LiveLeg> {
        let mut live = self.board.live(account);
        if let Some(elsewhere) = &self.elsewhere {
            let own = self.links.all().iter().map(|link| link.with(|link| link.pbx.clone())).collect();
            live.extend(elsewhere.live(account, &own));
            live.sort_by_key(|leg| leg.begun.begun_at);
        }
        live
    }

    fn free_since(&self, account: &AccountId) -> HashMap<String, PbxTime> {
        self.board.free_since(account)
    }

    fn away(&self, account: &AccountId) -> BTreeSet<String> {
        let of = |link: &crate::link::Status| link.with(|link| link.phones_of(account));
        let all: Vec<_> = self.links.all().iter().flat_map(of).collect();
        let is_here = |number: &str| all.iter().any(|(other, is)| *is && **other == *number);
        all.iter().filter(|(number, _)| !is_here(number)).map(|(number, _)| number.to_string()).collect()
    }

    fn waiting(&self, account: Option<&AccountId>) -> Vec<Waiting> {
        self.board.waiting(account)
    }

    fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.board.changes()
    }

    fn webhooks(&self, integration: IntegrationId) -> Vec<WebhookStatus> {
        self.sender.webhooks(integration)
    }

    fn again(&self, id: DeliveryId) -> Answer<'_, Granted> {
        Box::pin(async move {
            Ok(match self.sender.again(id).await.map_err(refused)? {
                Wanted::Again | Wanted::Hurried => Granted::Done,
                Wanted::Asked => Granted::Asked,
            })
        })
    }

    fn again_all(&self, filter: Filter, most: usize) -> Answer<'_, AgainAll> {
        Box::pin(async move {
            let all = self.sender.again_all(filter, most).await;
            if let Some(error) = &all.broke_off {
                tracing::error!(%error, "sending all again broke off");
            }
            let broke_off = usize::from(all.broke_off.is_some());
            let left = [
                (Code::WebhookPaused, all.paused),
                (Code::WebhookOff, all.switched_off),
                (Code::NoIntegration, all.gone),
                (Code::DeliverySettled, all.settled),
                (Code::NoDelivery, all.forgotten),
                (Code::AskedElsewhere, all.asked),
                (Code::TooMuchAsked, all.full),
                (Code::Unavailable, broke_off),
            ];
            let left = left.into_iter().filter(|(_, count)| *count > 0).collect();
            Ok(AgainAll { sent: all.sent, left })
        })
    }

    fn cancel(&self, id: DeliveryId) -> Answer<'_, Granted> {
        Box::pin(async move {
            Ok(match self.sender.cancel(id).await.map_err(refused)? {
                Cancelled::Done => Granted::Done,
                Cancelled::Asked => Granted::Asked,
            })
        })
    }

    fn pause(&self, integration: IntegrationId, kinds: Vec<EventKind>) -> Answer<'_, ()> {
        Box::pin(async move { self.sender.pause(integration, &kinds).await.map_err(refused) })
    }

    fn resume(&self, integration: IntegrationId, kind: EventKind, send_kept: bool) -> Answer<'_, Granted> {
        Box::pin(async move {
            let resumed = self.sender.resume(integration, kind, send_kept).await.map_err(refused)?;
            Ok(if resumed.asked > 0 { Granted::Asked } else { Granted::Done })
        })
    }

    fn test_call(&self, call: TestCall) -> Answer<'_, mpsc::Receiver<TestAnswer>> {
        Box::pin(async move {
            let account = self.cache.account(&call.account).ok_or(GatewayError::NoIntegration)?;
            let (integration, _, _) = account.integration().ok_or(GatewayError::NoIntegration)?;
            let (employee, _) = account.employees.get(&call.employee).ok_or(GatewayError::NoIntegration)?;
            let employee = calls::Employee {
                number: call.employee.as_str().into(),
                name: employee.name.as_str().into(),
            };
            let mut answers = self.sender.test_call(integration, employee).map_err(|error| match error {
                TrialError::NoSuchIntegration => GatewayError::NoIntegration,
                TrialError::NothingToTest => GatewayError::NothingToTest,
                TrialError::Running => GatewayError::TestsRunning,
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

    fn products(&self) -> Vec<(&'static str, &'static str)> {
        Product::ALL.iter().map(|product| (product.word(), product.name())).collect()
    }

    fn try_pbx(&self, wish: PbxWish) -> Answer<'_, PbxTried> {
        Box::pin(super::trying::try_pbx(wish, &self.links))
    }

    fn day(&self) -> Vec<Pulse> {
        self.pulses.day()
    }

    fn metrics(&self) -> String {
        self.metrics.render()
    }
}

fn link(status: &LinkStatus) -> Link {
    let stranger = |(endpoint, seen): (&String, &StrangerSeen)| Stranger {
        endpoint: endpoint.clone(),
        is_provider: seen.is_provider,
        since: seen.since,
    };
    Link {
        name: status.pbx.to_string(),
        address: status.address.clone(),
        state: match &status.state {
            LinkState::Connecting | LinkState::Synchronising => ShownState::Connecting,
            LinkState::Live => ShownState::Up,
            LinkState::Down { why, .. } | LinkState::Refused { why, .. } => {
                ShownState::Down(Some(remark(why.remark())))
            }
            LinkState::Stopped => {
                let english = "Ringbud is stopping".to_owned();
                ShownState::Down(Some(Remark { code: "stopping", args: Vec::new(), english }))
            }
        },
        since: Some(status.since),
        lag: status.lag,
        last_error: status.last_error.as_ref().map(|(_, why)| remark(why.remark())),
        remarks: status.remarks().into_iter().map(remark).collect(),
        strangers: status.strangers.iter().map(stranger).collect(),
        version: status.about.version.clone(),
        beside: None,
        channels: status.channels as u64,
        legs: status.legs as u64,
    }
}

fn remark(pbx::Remark { code, arguments, english }: pbx::Remark) -> Remark {
    Remark { code, args: arguments, english }
}

fn refused(error: ControlError) -> GatewayError {
    match error {
        ControlError::NoSuchDelivery => GatewayError::NoDelivery,
        ControlError::NoSuchIntegration => GatewayError::NoIntegration,
        ControlError::Paused => GatewayError::Paused,
        ControlError::SwitchedOff => GatewayError::SwitchedOff,
        ControlError::Settled => GatewayError::Settled,
        ControlError::TooMuchAsked => GatewayError::TooMuchAsked,
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

#[cfg(test)]
mod tests {
    use admin::Language;
    use pbx::{Failure, Kind, Missing};

    use super::*;
    use crate::link::{ConnectError, LinkFailure, Trouble};

    /// What is said of a link where somebody has to look at the PBX's settings.
    fn sends_there(product: Product) -> Vec<pbx::Remark> {
        let (said, why) = (String::new, String::new);
        let refused = LinkFailure::from(Failure::LoginRefused {
            product,
            username: "ringbud".to_owned(),
            said: said(),
        });
        let unreachable = ConnectError::Unreachable { product, address: "pbx1:5038".to_owned(), why: why() };
        let mut remarks = vec![refused.remark(), LinkFailure::from(unreachable).remark()];
        match product.kind() {
            Kind::Asterisk => remarks.extend(Missing::ALL.map(|missing| missing.remark(product))),
            // An Asterisk says in its refusal of the login that the address is not allowed.
            Kind::FreeSwitch => {
                remarks.push(LinkFailure::from(Failure::AddressRefused { product }).remark());
                remarks.push(Missing::CallEvents.remark(product));
            }
        }
        remarks
    }

    #[test]
    fn every_sentence_that_sends_to_the_settings_of_a_pbx_names_its_own_place() {
        for product in Product::ALL {
            let place = product.login_place();
            let danish = match product {
                Product::MikoPbx | Product::Grandstream | Product::Yeastar => "dens side med AMI-brugere",
                Product::FusionPbx => "event_socket.conf.xml og /etc/fusionpbx/config.conf",
                _ => place,
            };
            for told in sends_there(product).into_iter().map(remark) {
                for (language, place) in [(Language::English, place), (Language::Danish, danish)] {
                    let told = told.told(language);
                    assert!(told.contains(&format!(" {place}")), "{product:?}: {told}");
                    assert!(!told.contains('{'), "{told}");
                }
            }
        }
    }

    #[test]
    fn everything_that_is_said_of_a_link_is_said_in_danish_too() {
        for kind in [Kind::Asterisk, Kind::FreeSwitch] {
            let missing = Missing::ALL.map(Missing::code);
            let clock = Trouble::ClockFar { secs: 90 }.code();
            for code in LinkFailure::codes().chain(missing).chain([clock, "stopping"]) {
                let args = vec![("kind", kind.name().to_owned())];
                let told = Remark { code, args, english: "in English".to_owned() }.told(Language::Danish);
                assert_ne!(told, "in English", "{code} of {kind:?}");
            }
        }
    }
}
