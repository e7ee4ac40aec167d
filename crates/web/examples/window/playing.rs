//! A gateway that plays along: everything works, but nothing is sent.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use admin::{
    AgainAll, Answer, Beside, EarlierCalls, Gateway, GatewayError, Granted, Hour, Link, LinkState, LiveLeg,
    PbxTried, PbxWish, Pulse, Readiness, Remark, TestAnswer, TestCall, Waiting, WebhookStatus,
};
use calls::{AccountId, EventKind, PbxTime};
use delivery::reason::{GivesReason as _, WhyPaused};
use delivery::sender::LastAnswer;
use journal::settings::{IntegrationId, Pause};
use journal::{DeliveryId, Filter, Reason, SettingsCache, WallTime};
use tokio::sync::{mpsc, watch};

use crate::hard;
use crate::sample::now;

pub(crate) struct Playing {
    pub(crate) cache: Arc<SettingsCache>,
    pub(crate) live: Mutex<Vec<LiveLeg>>,
    pub(crate) changes: watch::Sender<u64>,
}

impl Playing {
    async fn pause(
        &self,
        id: IntegrationId,
        kinds: Vec<EventKind>,
        pause: Option<Pause>,
    ) -> Result<(), GatewayError> {
        let (account, one) = self.cache.integration(id).ok_or(GatewayError::NoIntegration)?;
        let mut one = (*one).clone();
        for kind in kinds {
            match pause.clone() {
                Some(pause) => drop(one.paused.insert(kind, pause)),
                None => drop(one.paused.remove(&kind)),
            }
        }
        let put = self.cache.put_integration(&account.id, one, None).await;
        put.map(drop).map_err(|error| GatewayError::Unavailable(error.to_string()))
    }
}

/// Gateways that listen beside, with what they lack.
fn listen(all: &[(&str, Option<&str>)]) -> Option<Vec<Beside>> {
    let one = |(gateway, lacks): &(&str, Option<&str>)| Beside {
        gateway: (*gateway).into(),
        lacks: lacks.map(str::to_owned),
        since: Some(now()),
    };
    Some(all.iter().map(one).collect())
}

/// A PBX of another gateway, which alone knows more of it.
fn elsewhere(name: &str) -> Link {
    let address = "10.20.0.5:5038".into();
    Link { address, since: Some(now()), ..Link::named(name, LinkState::Elsewhere(taken())) }
}

fn taken() -> Remark {
    Remark {
        code: "at_gateway_taken",
        args: vec![("gateway", "gateway-aarhus-2".into()), ("from", "gateway-odense-1".into())],
        english: "the gateway gateway-aarhus-2 has it: it took it from gateway-odense-1, which was gone"
            .into(),
    }
}

fn next_is_deaf() -> Remark {
    Remark {
        code: "next_does_not_hear",
        args: vec![("gateway", "gateway-aarhus-1".into()), ("why", "login_refused".into())],
        english: "the gateway gateway-aarhus-1, which would have the PBX next, does not hear it (login_refused): its log says why".into(),
    }
}

impl Gateway for Playing {
    fn links(&self) -> Vec<Link> {
        let link = |name: &str, state, legs| Link {
            name: name.into(),
            address: "10.20.0.5:5038".into(),
            state,
            since: Some(now()),
            lag: Some(Duration::from_micros(3_200)),
            last_error: None,
            remarks: Vec::new(),
            strangers: Vec::new(),
            version: "Asterisk 22.1.0".into(),
            beside: None,
            channels: legs * 2,
            legs,
        };
        vec![
            link("pbx1", LinkState::Up, 3),
            link("pbx2", LinkState::Connecting, 0),
            Link {
                beside: listen(&[("gateway-aarhus-2", None), ("gateway-odense-1", Some("connecting"))]),
                ..link("pbx3", LinkState::Up, 12)
            },
            Link {
                beside: listen(&[("gateway-aarhus-1", Some("login_refused"))]),
                remarks: vec![next_is_deaf()],
                ..elsewhere("pbx4")
            },
            Link { beside: listen(&[]), ..elsewhere("pbx5") },
        ]
    }

    fn earlier_calls(&self) -> Option<EarlierCalls> {
        Some(EarlierCalls { gateway: Some("gateway-aarhus-2".into()), since: Some(now()) })
    }

    fn readiness(&self) -> Readiness {
        Readiness { ready: true, ..Readiness::default() }
    }

    fn live(&self, account: &AccountId) -> Vec<LiveLeg> {
        if account.as_str() == hard::ACCOUNT {
            return hard::live(PbxTime::from_micros(now().0));
        }
        let live = self.live.lock().expect("nobody panics");
        live.iter().filter(|leg| leg.begun.account() == account).cloned().collect()
    }

    fn free_since(&self, _: &AccountId) -> HashMap<String, PbxTime> {
        let at = |secs: i64| PbxTime::from_micros(now().0 - secs * 1_000_000);
        HashMap::from([("101".into(), at(754)), ("104".into(), at(63)), ("105".into(), at(8_000))])
    }

    fn away(&self, _: &AccountId) -> BTreeSet<String> {
        BTreeSet::from(["104".to_owned()])
    }

    fn waiting(&self, account: Option<&AccountId>) -> Vec<Waiting> {
        let one = |queue: &str, number: &str, secs: i64| Waiting {
            pbx: "pbx1".into(),
            queue: queue.into(),
            number: number.into(),
            since: PbxTime::from_micros(now().0 / 60_000_000 * 60_000_000 - secs * 1_000_000),
        };
        match account.map(AccountId::as_str) {
            Some("1") => vec![one("salg", "+4570201299", 134), one("support", "", 21)],
            Some(hard::ACCOUNT) => hard::waiting(PbxTime::from_micros(now().0)),
            None => vec![one("reception", "+4533121212", 12)],
            Some(_) => Vec::new(),
        }
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn webhooks(&self, id: IntegrationId) -> Vec<WebhookStatus> {
        let Some((_, integration)) = self.cache.integration(id) else { return Vec::new() };
        let of = |kind: EventKind| integration.url(kind).is_some().then(|| webhook(kind));
        EventKind::ALL.into_iter().filter_map(of).collect()
    }

    fn again(&self, _: DeliveryId) -> Answer<'_, Granted> {
        Box::pin(async { Ok(Granted::Done) })
    }

    fn again_all(&self, _: Filter, _: usize) -> Answer<'_, AgainAll> {
        Box::pin(async { Ok(AgainAll { sent: 3, ..AgainAll::default() }) })
    }

    fn cancel(&self, _: DeliveryId) -> Answer<'_, Granted> {
        Box::pin(async { Ok(Granted::Done) })
    }

    fn pause(&self, id: IntegrationId, kinds: Vec<EventKind>) -> Answer<'_, ()> {
        let pause =
            Pause { since: now(), why: WhyPaused::ByHand.reason(), server_said: None, by_person: true };
        Box::pin(self.pause(id, kinds, Some(pause)))
    }

    fn resume(&self, id: IntegrationId, kind: EventKind, _: bool) -> Answer<'_, Granted> {
        Box::pin(async move { self.pause(id, vec![kind], None).await.map(|()| Granted::Done) })
    }

    fn test_call(&self, call: TestCall) -> Answer<'_, mpsc::Receiver<TestAnswer>> {
        let (told, answers) = mpsc::channel(4);
        let account = self.cache.account(&call.account);
        let kept = account.and_then(|one| one.integration().map(|(_, kept, _)| kept.clone()));
        let kept = kept.unwrap_or_default();
        tokio::spawn(async move {
            let life = [EventKind::Incoming, EventKind::Answered, EventKind::Ended, EventKind::Outgoing];
            for kind in life.into_iter().filter(|kind| kept.url(*kind).is_some()) {
                tokio::time::sleep(Duration::from_millis(400)).await;
                let refused = kind == EventKind::Ended;
                let answer = TestAnswer {
                    kind,
                    request_line: "POST /ring HTTP/1.1".into(),
                    request_body: format!("AccountId={}", call.account),
                    status: Some(if refused { 500 } else { 204 }),
                    reason: refused.then(|| Reason::status(500)),
                    took: Duration::from_micros(41_300),
                    response_body: if refused { "<b>no such customer</b>".into() } else { String::new() },
                };
                if told.send(answer).await.is_err() {
                    return;
                }
            }
        });
        Box::pin(async { Ok(answers) })
    }

    fn products(&self) -> Vec<(&'static str, &'static str)> {
        vec![("asterisk", "Asterisk"), ("freepbx", "FreePBX"), ("freeswitch", "FreeSWITCH")]
    }

    fn try_pbx(&self, wish: PbxWish) -> Answer<'_, PbxTried> {
        let is_in = !wish.secret.expose().is_empty();
        let said = [
            (is_in, "pbx3: 127.0.0.1:5038 can be reached over TCP, logged in as ringbud"),
            (true, "pbx3: PJSIP/201 is phone 201 of account 1, by the ready rules \"freepbx\""),
            (
                false,
                "pbx3: its clock differs from ours by 12 s; times of calls are by its clock: use NTP on both",
            ),
        ];
        let entry = [
            "/etc/asterisk/manager_custom.conf (not manager.conf, which Apply Config writes anew)",
            "[ringbud]\nsecret = …\ndeny = 0.0.0.0/0.0.0.0\npermit = 127.0.0.1/255.255.255.255\nread = system,call,agent\nwrite = system,reporting\n",
            "asterisk -rx \"manager reload\"",
            "",
        ];
        let block = "[[pbx]]\nname = \"pbx3\"\nkind = \"asterisk\"\naddress = \"127.0.0.1:5038\"\nusername = \"ringbud\"\nsecret_file = \"/etc/ringbud/pbx3.secret\"\n";
        let tried = PbxTried {
            is_in,
            said: said.map(|(fine, text)| (fine, text.to_owned())).to_vec(),
            entry: entry.map(ToOwned::to_owned),
            block: block.to_owned(),
            secret_file: "/etc/ringbud/pbx3.secret".to_owned(),
        };
        Box::pin(async { Ok(tried) })
    }

    fn day(&self) -> Vec<Pulse> {
        let of = |back: i64| {
            let day = u64::try_from((96 - back) * (96 - back) % 61 + 40 - (back - 40).abs() / 2).unwrap_or(0);
            Pulse {
                begun_at: WallTime((now().0 / 900_000_000 - back) * 900_000_000),
                legs: day,
                delivered: day * 3,
                failed: if (20..28).contains(&back) { day / 4 } else { 0 },
                oldest: Duration::from_millis(day * 9 + if (20..28).contains(&back) { 380_000 } else { 0 }),
                lag: Duration::from_millis(3),
                free_bytes: Some(41_000_000_000 + u64::try_from(back).unwrap_or(0) * 9_000_000),
                links_down: usize::from((50..52).contains(&back)),
            }
        };
        (0..=80).rev().map(of).collect()
    }

    fn metrics(&self) -> String {
        "ringbud_up 1\n".into()
    }
}

/// One that works, one that is slow now and then, and one that fails.
fn webhook(kind: EventKind) -> WebhookStatus {
    let fails = kind == EventKind::Ended;
    let hour = |at: usize| {
        let calls = u32::try_from(at * 13 % 17 + at % 5).unwrap_or(0) * u32::from((7..20).contains(&at));
        let failed = if fails && at > 14 { calls / 3 + 2 } else { u32::from(at == 11) * 3 };
        let taken = if fails && at > 14 { 0 } else { calls };
        let millis = if kind == EventKind::Answered { 2_400 } else { 41 };
        Hour {
            taken,
            retried: failed.min(taken) / 2,
            failed,
            took: Duration::from_millis(millis) * taken,
            waited: Duration::from_millis(millis * 3) + Duration::from_secs(4) * failed,
        }
    };
    let wrong = fails.then(|| Arc::new(Reason::status(503)));
    WebhookStatus {
        kinds: vec![kind],
        pending: if fails { 12 } else { 0 },
        in_flight: 0,
        troubled: fails,
        failing_since: fails.then(|| WallTime(now().0 - 1_260_000_000)),
        paced: kind == EventKind::Incoming,
        next_try: fails.then(|| WallTime(now().0 + 17_000_000)),
        last: Some(LastAnswer {
            at: now(),
            status: Some(503),
            reason: wrong,
            took: Duration::from_millis(41),
        }),
        days: vec![std::array::from_fn(hour)],
    }
}
