//! What is kept about a person: told whole, and erased.

use calls::AccountId;
use journal::AuditFilter;

use crate::rig::{Rig, call};

/// An account with two calls, one of them from this number, that wait for the web service.
async fn rig() -> (Rig, String) {
    let rig = Rig::new().await;
    rig.put(&rig.operator, "/api/v1/accounts/1/integration", r#"{"ended_url": "https://crm.example/"}"#)
        .await;
    let id = rig.cache.account(&AccountId::new("1")).unwrap().integration().unwrap().0;
    rig.keep_call(1, &[id]).await;
    let mut other = call(2);
    for event in &mut other {
        event.a_number = "+4599999999".into();
    }
    rig.keep_for(other, &[id]).await;
    let number = call(1)[0].a_number.to_string();
    (rig, number)
}

#[tokio::test]
async fn all_that_is_kept_about_a_number_is_told() {
    let (rig, number) = rig().await;
    let path = "/api/v1/accounts/1/export";
    let told = rig.ask("POST", &rig.admin, path, &format!(r#"{{"number": "{number}"}}"#)).await.json();
    let legs = told["legs"].as_array().unwrap();
    assert_eq!(legs.len(), 1, "each leg once, and only theirs: {told}");
    let leg = &legs[0];
    assert_eq!(leg["call"]["a_number"], number.as_str());
    let events: Vec<_> = leg["events"].as_array().unwrap().iter().map(|one| one["event"].clone()).collect();
    assert_eq!(events, ["Incoming", "Answered", "Ended"]);
    assert!(!leg["deliveries"].as_array().unwrap().is_empty(), "{leg}");
    assert!(told["next"].is_null());
    let both = rig.ask("POST", &rig.admin, path, r#"{"employee": "101"}"#).await.json();
    assert_eq!(both["legs"].as_array().unwrap().len(), 2);
    for body in ["{}", r#"{"employee": "101", "number": "7"}"#] {
        assert_eq!(rig.ask("POST", &rig.admin, path, body).await.error().0, "invalid", "{body}");
    }
}

#[tokio::test]
async fn what_is_erased_is_told_nowhere_and_waits_no_more_and_the_log_does_not_say_whose_it_was() {
    let (rig, number) = rig().await;
    let path = "/api/v1/accounts/1/erase";
    let body = format!(r#"{{"number": "{number}"}}"#);
    let waiting =
        rig.get(&rig.operator, &format!("/api/v1/accounts/1/deliveries?number={}", &number[1..])).await;
    let waiting = waiting.json()["deliveries"].as_array().unwrap().len();
    let gone = rig.ask("POST", &rig.operator, path, &body).await.json();
    assert_eq!((&gone["events"], &gone["running"]), (&3.into(), &0.into()), "{gone}");
    assert_eq!(gone["cancelled"], waiting);
    assert_eq!(rig.asked().iter().filter(|asked| asked.starts_with("cancel ")).count(), waiting);
    let left = rig.get(&rig.operator, "/api/v1/accounts/1/calls").await.json();
    assert_eq!(left["calls"].as_array().unwrap().len(), 1);
    assert!(!left.to_string().contains(&number));
    let told = rig.ask("POST", &rig.admin, "/api/v1/accounts/1/export", &body).await.json();
    assert_eq!(told["legs"].as_array().unwrap().len(), 0);
    let log = rig.journal.audit(AuditFilter { limit: 10, ..AuditFilter::default() }).await.unwrap();
    let entry = log.entries.iter().find(|entry| entry.what == "audit.erased").unwrap();
    assert_eq!((&*entry.subject, &*entry.detail), ("number", "3"));
    for entry in &log.entries {
        let told = format!("{} {}", entry.subject, entry.detail);
        assert!(!told.contains(&number) && !told.contains(&number[3..]), "{told}");
    }
}
