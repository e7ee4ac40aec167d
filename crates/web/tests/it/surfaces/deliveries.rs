//! Sending again, and what is refused as things are.

use std::collections::BTreeMap;

use admin::Code;
use calls::{AccountId, EventKind};
use journal::{Filter, Grant, Outcome, Settle};

use super::at_machine;
use crate::rig::Rig;
use crate::window::browser::Browser;

/// Calls whose deliveries all failed.
async fn failed(calls: i64) -> Rig {
    let rig = Rig::new().await;
    let urls = r#"{"incoming_url": "https://a.example/", "answered_url": "https://a.example/", "ended_url": "https://a.example/"}"#;
    rig.put(&rig.admin, "/api/v1/accounts/1/integration", urls).await;
    let id = rig.cache.account(&AccountId::new("1")).unwrap().integration().unwrap().0;
    for number in 1..=calls {
        rig.keep_call(number, &[id]).await;
    }
    let pending = rig.journal.load_all(Grant::ALONE).await.unwrap();
    for one in pending {
        let settle = Settle { grant: Grant::ALONE, id: one.id, attempt: None, outcome: Outcome::Expired };
        rig.journal.settle(&[settle]).await.unwrap();
    }
    rig
}

#[tokio::test]
async fn sending_all_again_goes_through_all_and_one_that_is_refused_stops_nobody() {
    let rig = failed(3).await;
    rig.gateway.paused.lock().unwrap().insert(EventKind::Incoming);
    let olga = Browser::first(&rig).await;
    let again = "/api/v1/accounts/1/deliveries/again";

    let told = rig.ask("POST", &rig.admin, again, "").await;
    assert_eq!(told.status, 202);
    let told = told.json();
    assert_eq!((&told["again"], &told["not"]), (&6.into(), &3.into()), "{told}");
    assert_eq!(
        (&told["reasons"][0]["code"], &told["reasons"][0]["count"]),
        (&"webhook_paused".into(), &3.into())
    );

    let sent = olga.post("/a/1/deliveries/again", &[]).await;
    let page = olga.get(sent.headers["location"].to_str().unwrap()).await.text;
    assert!(page.contains("6 sendes igen."), "{page}");
    assert!(page.contains("3 sendes ikke igen: Webservicen er sat på pause"), "{page}");

    let all = rig.room.send_all_again(&at_machine(), "1", Filter::default(), None).await.unwrap();
    assert_eq!((all.sent, all.left), (6, BTreeMap::from([(Code::WebhookPaused, 3)])));
    let asked = rig.gateway.asked.lock().unwrap().len();
    assert_eq!(asked, 18, "each of three times the six went");
}

#[tokio::test]
async fn what_is_paused_is_a_conflict_everywhere() {
    let rig = failed(1).await;
    rig.gateway.paused.lock().unwrap().insert(EventKind::Incoming);
    let olga = Browser::first(&rig).await;
    let list = rig.get(&rig.admin, "/api/v1/accounts/1/deliveries").await.json();
    let id = list["deliveries"][0]["id"].as_str().unwrap();
    let told = rig.ask("POST", &rig.admin, &format!("/api/v1/accounts/1/deliveries/{id}/again"), "").await;
    assert_eq!((told.status.as_u16(), told.error().0.as_str()), (409, "refused"));
    assert_eq!(told.json()["error"]["reason"]["code"], "webhook_paused");
    let page = olga.post(&format!("/a/1/deliveries/{id}/again"), &[]).await;
    assert_eq!(page.status, 409);
    assert!(page.text.contains("sat på pause: genoptag den først"), "{}", page.text);
    let english = olga.in_language("en").post(&format!("/a/1/deliveries/{id}/again"), &[]).await;
    assert!(english.text.contains("the web service is paused: resume it first"), "{}", english.text);
    let told = rig.room.send_again(&at_machine(), "1", id).await.unwrap_err();
    assert_eq!(told.code, Code::WebhookPaused);
}
