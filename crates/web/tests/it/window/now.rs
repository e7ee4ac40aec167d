//! What a receptionist sees besides who talks: who waits in a queue, who is free since when, who was missed today.

use std::sync::Arc;

use admin::{LiveLeg, Waiting};
use calls::{AccountId, EndReason, Ended, Event, PbxTime, What};

use super::browser::Browser;
use crate::rig::{self, Rig};

fn now() -> PbxTime {
    #[expect(clippy::disallowed_methods, reason = "today is a day of the clock the window shows")]
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    PbxTime::from_micros(i64::try_from(since.as_micros()).unwrap())
}

#[tokio::test]
async fn who_waits_in_a_queue_of_the_account_is_on_its_board_the_longest_first() {
    let rig = Rig::new().await;
    let one = |queue: &str, number: &str, secs| Waiting {
        pbx: "pbx1".into(),
        queue: queue.into(),
        number: number.into(),
        since: PbxTime::from_secs(secs),
    };
    let own = Some(AccountId::new("1"));
    *rig.gateway.waiting.lock().unwrap() = vec![
        (own.clone(), one("salg", "+4570201234", 1_795_337_580)),
        (own, one("support", "", 1_795_337_600)),
        (None, one("nobodys", "+4511111111", 1_795_337_500)),
    ];
    let olga = Browser::first(&rig).await;
    let page = olga.get("/a/1/now").await.text;
    let (first, second) = (page.find("+45 70 20 12 34").unwrap(), page.find("Skjult nummer").unwrap());
    assert!(first < second && page.contains("2 venter i kø"), "{page}");
    assert!(page.contains("data-since=\"1795337580000\""), "how long: {page}");
    assert!(!page.contains("nobodys"), "a queue that is no one account's is the operator's");
    assert!(olga.get("/operator/links").await.text.contains("nobodys"));
}

#[tokio::test]
async fn what_rings_comes_first_and_who_is_free_says_since_when() {
    let rig = Rig::new().await;
    for (number, name) in [("100", "Anna"), ("101", "Mette Holm"), ("102", "Jens")] {
        let body = format!(r#"{{"name": "{name}"}}"#);
        rig.put(&rig.operator, &format!("/api/v1/accounts/1/employees/{number}"), &body).await;
    }
    let begun = Arc::new(rig::call(1).remove(0));
    rig.goes_live(vec![LiveLeg { begun, answered_at: None, held_since: None }]);
    rig.gateway.free_since.lock().unwrap().insert("102".into(), PbxTime::from_secs(1_795_337_580));
    let page = Browser::first(&rig).await.get("/a/1/now").await.text;
    let at = ["Mette Holm</strong>", "Anna</strong>", "Jens</strong>"].map(|name| page.find(name).unwrap());
    assert!(at.is_sorted(), "{page}");
    assert!(page.contains("ledig <time data-since=\"1795337580000\" title=\"siden 09.53.00\">"), "{page}");
}

#[tokio::test]
async fn todays_missed_calls_say_who_called_back() {
    let rig = Rig::new().await;
    let moved = |number: i64, secs: u64, missed: bool| -> Vec<Event> {
        let begun_at = now() + std::time::Duration::from_secs(secs);
        let mut events = rig::call(number);
        for event in &mut events {
            event.at = begun_at
                + std::time::Duration::from_micros(
                    u64::try_from(event.at.since(event.begun_at).as_micros()).unwrap(),
                );
            event.begun_at = begun_at;
            event.a_number = "+4570201234".into();
            if missed && let What::Ended(ended) = &mut event.what {
                *ended = Ended { answered_at: None, reason: EndReason::NoAnswer, transfer: None };
            } else if let What::Ended(ended) = &mut event.what {
                ended.answered_at = Some(begun_at);
            }
        }
        if missed {
            events.remove(1);
        }
        events
    };
    rig.keep(moved(1, 1, true)).await;
    let olga = Browser::first(&rig).await;
    let open = olga.get("/a/1/now").await.text;
    assert!(open.contains("Ikke besvaret i dag <span class=\"count\">1</span>"), "{open}");
    assert!(open.contains("href=\"tel:+4570201234\"") && open.contains("ingen endnu"), "{open}");
    rig.keep(moved(2, 2, false)).await;
    let back = olga.get("/a/1/now").await.text;
    assert!(back.contains("Mette Holm kl.") && !back.contains("ingen endnu"), "{back}");
}
