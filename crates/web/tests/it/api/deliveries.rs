use calls::AccountId;
use journal::{Attempt, Grant, Outcome, Reason, Settle, WallTime};

use crate::rig::Rig;

async fn with_a_failed_delivery() -> (Rig, String) {
    let rig = Rig::new().await;
    rig.put(&rig.admin, "/api/v1/accounts/1/integration", r#"{"incoming_url": "https://crm.example/"}"#)
        .await;
    let id = rig.cache.account(&AccountId::new("1")).unwrap().integration().unwrap().0;
    rig.keep_call(1, &[id]).await;
    let pending = rig.journal.load_all(Grant::ALONE).await.unwrap();
    let attempt = Attempt {
        number: 1,
        at: WallTime(5_000_000),
        took_micros: 41_500,
        address: "192.0.2.7:443".into(),
        request_line: "POST /ring".into(),
        request_headers: [("authorization", "•••")].into_iter().collect(),
        request_body: b"AccountId=1"[..].into(),
        status: Some(500),
        reason: Some(Reason::text("the server said 500")),
        response_body: b"oops".to_vec(),
    };
    let settle = Settle {
        grant: Grant::ALONE,
        id: pending[0].id,
        attempt: Some(attempt.into()),
        outcome: Outcome::Failed(Some(Reason::text("too many"))),
    };
    rig.journal.settle(&[settle]).await.unwrap();
    let name = format!("{}-{}", pending[0].id.event.0, id.number);
    (rig, name)
}

#[tokio::test]
async fn deliveries_are_listed_by_state_with_their_attempts() {
    let (rig, name) = with_a_failed_delivery().await;
    let failed = rig.get(&rig.reader, "/api/v1/accounts/1/deliveries?state=failed").await.json();
    assert_eq!(failed["deliveries"][0]["id"], name);
    let waiting = rig.get(&rig.reader, "/api/v1/accounts/1/deliveries?state=waiting").await.json();
    assert_eq!(waiting["deliveries"].as_array().unwrap().len(), 2);
    let attempts =
        rig.get(&rig.reader, &format!("/api/v1/accounts/1/deliveries/{name}/attempts")).await.json();
    assert_eq!(attempts["attempts"][0]["status"], 500);
    assert_eq!(attempts["attempts"][0]["took_ms"], 41.5);
    assert_eq!(attempts["attempts"][0]["response_body"], "oops");
}

#[tokio::test]
async fn a_delivery_is_sent_again_or_cancelled_by_hand() {
    let (rig, name) = with_a_failed_delivery().await;
    let at = format!("/api/v1/accounts/1/deliveries/{name}");
    assert_eq!(rig.ask("POST", &rig.admin, &format!("{at}/again"), "").await.status, 202);
    assert_eq!(rig.ask("POST", &rig.admin, &format!("{at}/cancel"), "").await.status, 202);
    assert_eq!(rig.asked().len(), 2);
}

#[tokio::test]
async fn all_that_failed_is_sent_again() {
    let (rig, _) = with_a_failed_delivery().await;
    let reply = rig.ask("POST", &rig.admin, "/api/v1/accounts/1/deliveries/again", "").await;
    assert_eq!(reply.json()["again"], 1);
}

#[tokio::test]
async fn a_delivery_of_another_account_is_not_there() {
    let (rig, name) = with_a_failed_delivery().await;
    let at = format!("/api/v1/accounts/2/deliveries/{name}/attempts");
    assert_eq!(rig.get(&rig.operator, &at).await.status, 404);
}
