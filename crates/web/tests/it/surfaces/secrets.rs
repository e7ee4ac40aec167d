//! What is the operator's stays the operator's.

use admin::{Link, LinkState};
use journal::WallTime;

use crate::rig::Rig;
use crate::window::browser::Browser;

#[tokio::test]
async fn an_accounts_people_are_told_that_the_pbx_is_not_reachable_and_nothing_of_the_machine() {
    let rig = Rig::new().await;
    let down = |name: &str| Link {
        name: name.into(),
        address: "192.0.2.99:5038".into(),
        state: LinkState::Down { why: "AMI user ringbud: 192.0.2.99 said Authentication failed".into() },
        since: Some(WallTime(1_795_337_580_000_000)),
        lag: None,
        last_error: "192.0.2.99 said Authentication failed".into(),
        missing_rights: Vec::new(),
        version: String::new(),
        channels: 0,
        legs: 0,
    };
    *rig.gateway.links.lock().unwrap() = vec![down("pbx-secret")];
    rig.keep_call(1, &[]).await;
    let olga = Browser::first(&rig).await;
    let people =
        [Browser::made(&olga, "rolf", "read-only").await, Browser::made(&olga, "mette", "account").await];
    for person in &people {
        for page in
            ["now", "calls", "calls/pbx1-1.1", "report", "integration", "deliveries", "people", "settings"]
        {
            let text = person.get(&format!("/a/1/{page}")).await.text;
            assert!(text.contains("Telefoncentralen kan ikke nås siden"), "{page}: {text}");
            for secret in ["pbx-secret", "192.0.2.99", "AMI", "Authentication"] {
                assert!(!text.contains(secret), "{page} tells {secret}");
            }
        }
    }
    let operators = olga.get("/a/1/now").await.text;
    assert!(operators.contains("pbx-secret") && operators.contains("Authentication failed"), "{operators}");
}
