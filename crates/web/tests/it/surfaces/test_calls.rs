//! Test calls are limited, for an account and for who makes them.

use std::time::Duration;

use admin::Code;

use super::at_machine;
use crate::rig::Rig;
use crate::window::browser::Browser;

async fn rig() -> Rig {
    let rig = Rig::new().await;
    for account in ["1", "2"] {
        let at = format!("/api/v1/accounts/{account}");
        rig.put(&rig.operator, &format!("{at}/employees/101"), "{}").await;
        rig.put(&rig.operator, &format!("{at}/integration"), r#"{"ended_url": "https://a.example/"}"#).await;
    }
    rig
}

async fn test_call(rig: &Rig, token: &str, account: &str) -> crate::rig::Reply {
    let at = format!("/api/v1/accounts/{account}/integration/test");
    rig.ask("POST", token, &at, r#"{"employee": "101"}"#).await
}

#[tokio::test(start_paused = true)]
async fn an_accounts_test_calls_are_a_burst_and_then_a_few_a_minute_on_every_surface() {
    let rig = rig().await;
    let olga = Browser::first(&rig).await;
    for _ in 0..5 {
        assert_eq!(test_call(&rig, &rig.admin, "1").await.status, 200);
    }
    let told = test_call(&rig, &rig.admin, "1").await;
    assert_eq!((told.status.as_u16(), told.error().0.as_str()), (429, "too_many"));
    let after: u64 = told.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=15).contains(&after), "{after}");

    // The account is full for whoever asks, by whichever door.
    let page = olga.post("/a/1/integration/test", &[("employee", "101")]).await;
    assert_eq!(page.status, 429);
    assert!(page.text.contains("For mange testopkald"), "{}", page.text);
    let told = rig.room.test_call(&at_machine(), "1", "101").await.map(|_| ()).unwrap_err();
    assert_eq!((told.code, told.retry_after.is_some()), (Code::TooManyTests, true));
    assert_eq!(test_call(&rig, &rig.operator, "2").await.status, 200, "another account is not");

    tokio::time::advance(Duration::from_secs(after)).await;
    assert_eq!(test_call(&rig, &rig.admin, "1").await.status, 200);
    assert_eq!(test_call(&rig, &rig.admin, "1").await.status, 429);
}

#[tokio::test(start_paused = true)]
async fn a_persons_test_calls_are_limited_over_all_accounts() {
    let rig = rig().await;
    for number in 3..=20 {
        let at = format!("/api/v1/accounts/{number}");
        rig.put(&rig.operator, &at, "{}").await;
        rig.put(&rig.operator, &format!("{at}/employees/101"), "{}").await;
        rig.put(&rig.operator, &format!("{at}/integration"), r#"{"ended_url": "https://a.example/"}"#).await;
    }
    let mut answered = Vec::new();
    for number in 1..=20 {
        answered.push(test_call(&rig, &rig.operator, &number.to_string()).await.status.as_u16());
    }
    assert_eq!(answered.iter().filter(|status| **status == 200).count(), 10, "{answered:?}");
    assert!(answered[10..].iter().all(|status| *status == 429));
    assert_eq!(test_call(&rig, &rig.admin, "1").await.status, 200, "somebody else's are not");
}

#[tokio::test]
async fn what_is_refused_for_another_reason_does_not_count() {
    let rig = rig().await;
    for _ in 0..20 {
        let at = "/api/v1/accounts/1/integration/test";
        assert_eq!(rig.ask("POST", &rig.admin, at, r#"{"employee": "999"}"#).await.status, 400);
    }
    assert_eq!(test_call(&rig, &rig.admin, "1").await.status, 200);
}
