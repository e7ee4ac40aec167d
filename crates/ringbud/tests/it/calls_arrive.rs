//! From a PBX's bytes to a web service's requests.

use http::Method;

use crate::bed::{Bed, kind, kinds};

#[tokio::test]
async fn an_answered_call_is_three_requests_in_order_with_one_id() {
    let mut bed = Bed::new().await;
    bed.integrate("POST").await;
    let gateway = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    let requests = bed.requests(3).await;
    let leg = requests[0].parameter("UniqueCallId").to_owned();
    assert_eq!(kinds(&requests), ["Incoming", "Answered", "Ended"]);
    assert!(requests.iter().all(|request| request.parameter("UniqueCallId") == leg));
    assert!(leg.starts_with("pbx1-"), "{leg}");
    for request in &requests {
        assert_eq!(request.method, Method::POST);
        assert_eq!(request.header("content-type"), "application/x-www-form-urlencoded");
        assert_eq!(request.target.query(), None);
    }
    let names: Vec<&str> = requests[0].parameters.iter().map(|(name, _)| &**name).collect();
    let order = [
        "AccountId",
        "UniqueCallId",
        "Calledphone",
        "ANumber",
        "TimeStamp",
        "EmployeeLocalNumber",
        "LinkedUniqueCallId",
    ];
    assert_eq!(names, order);
    assert_eq!(requests[1].parameter("LinkedUniqueCallId"), requests[0].parameter("LinkedUniqueCallId"));
    gateway.stop().await;
}

#[tokio::test]
async fn with_get_the_parameters_are_in_the_query() {
    let mut bed = Bed::new().await;
    bed.integrate("GET").await;
    let gateway = bed.serve().await;
    bed.play(&["outbound-answered"], 50.0).await;
    let requests = bed.requests(2).await;
    assert_eq!(kinds(&requests), ["Outgoing", "Ended"]);
    assert!(requests.iter().all(|request| request.method == Method::GET && request.body.is_empty()));
    assert_eq!(requests[1].parameter("CallDirection"), "Outgoing");
    gateway.stop().await;
}

#[tokio::test]
async fn phones_and_employees_come_into_being_when_first_seen() {
    let bed = Bed::new().await;
    let mut gateway = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    gateway.says("a phone was seen for the first time").await;
    let accounts = bed.ask(&["account", "list", "--json"]).await;
    let accounts: serde_json::Value = serde_json::from_str(&accounts).unwrap();
    let account = accounts[0]["account"].as_str().unwrap();
    let phones = bed.ask(&["phone", "list", account, "--json"]).await;
    let employees = bed.ask(&["employee", "list", account, "--json"]).await;
    let phones: serde_json::Value = serde_json::from_str(&phones).unwrap();
    let employees: serde_json::Value = serde_json::from_str(&employees).unwrap();
    assert_eq!(phones[0]["number"], employees[0]["number"]);
    assert_eq!(phones[0]["employee"], phones[0]["number"]);
    gateway.stop().await;
}

#[tokio::test]
async fn a_phone_given_to_a_colleague_rings_for_the_colleague() {
    let mut bed = Bed::new().await;
    bed.integrate("POST").await;
    for account in demo::cast::ACCOUNTS {
        bed.ask(&["employee", "set", account.id, "900", "--name", "Locum"]).await;
        for employee in account.employees {
            bed.ask(&["phone", "set", account.id, employee.number, "--employee", "900"]).await;
        }
    }
    let gateway = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    let request = bed.request().await;
    assert_eq!(request.parameter("EmployeeLocalNumber"), "900");
    assert_ne!(request.parameter("Calledphone"), "900");
    gateway.stop().await;
}

#[tokio::test]
async fn one_event_is_followed_from_the_pbx_to_the_attempt() {
    let mut bed = Bed::new().await;
    bed.write(&bed.sound().replace("ringbud::gateway=debug", "ringbud::gateway=debug,delivery=debug"));
    bed.integrate("POST").await;
    let gateway = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    let requests = bed.requests(3).await;
    let said = gateway.stop().await;
    for request in &requests {
        let of_it = |line: &&serde_json::Value| line["event_id"] == request.header("webhook-id");
        let lines: Vec<_> = said.iter().filter(of_it).collect();
        let words: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
        assert_eq!(words, ["the PBX said", "event", "attempt"], "{lines:?}");
        assert!(lines[0]["pbx_message"].as_u64().unwrap() > 0);
        assert_eq!((&lines[1]["kind"], &lines[2]["status"]), (&kind(request).into(), &200.into()));
    }
}
