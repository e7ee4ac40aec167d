use crate::rig::Rig;

const AT: &str = "/api/v1/accounts/1/integration";

#[tokio::test]
async fn an_integration_is_set_and_shown() {
    let rig = Rig::new().await;
    let body = r#"{"method": "GET", "incoming_url": "https://crm.example/ring?n={ANumber}", "ended_url": "",
        "parameter_names": {"ANumber": "caller"}, "time_format": "unix_ms", "time_zone": "UTC",
        "extras": ["EventId", "EndReason"], "headers": {"X-Tenant": "7"}, "feature_codes": "^[*#]",
        "retry": {"incoming_secs": 10}, "rate": 5, "e164_country": "dk"}"#;
    let set = rig.put(&rig.admin, AT, body).await;
    assert_eq!(set.status, 201, "{}", set.text);
    let shown = rig.get(&rig.admin, AT).await.json();
    assert_eq!(shown["method"], "GET");
    assert_eq!(shown["incoming_url"], "https://crm.example/ring?n={ANumber}");
    assert_eq!(shown["ended_url"], "");
    assert_eq!(shown["parameter_names"]["ANumber"], "caller");
    assert_eq!(shown["time_format"], "unix_ms");
    assert_eq!(shown["extras"][1], "EndReason");
    assert_eq!(shown["headers"]["X-Tenant"], "7");
    assert_eq!(shown["retry"]["incoming_secs"], 10);
    assert_eq!(shown["rate"], 5);
    assert_eq!(shown["e164_country"], "DK");
}

#[tokio::test]
async fn a_value_that_cannot_be_is_refused_by_its_field() {
    let rig = Rig::new().await;
    for (body, field) in [
        (r#"{"method": "PATCH"}"#, "method"),
        (r#"{"incoming_url": "ftp://crm.example/"}"#, "incoming_url"),
        (r#"{"incoming_url": 7}"#, "incoming_url"),
        (r#"{"answered_url": "https://"}"#, "answered_url"),
        (r#"{"answered_url": "https://u:p@crm.example/"}"#, "answered_url"),
        (r#"{"outgoing_url": "https://crm.example/a b"}"#, "outgoing_url"),
        (r#"{"ended_url": "http://10.0.0.1/"}"#, "ended_url"),
        (r#"{"ended_url": "https://crm.example/{Wrong}"}"#, "ended_url"),
        (r#"{"body_format": "xml"}"#, "body_format"),
        (r#"{"parameter_names": "mine"}"#, "parameter_names"),
        (r#"{"parameter_names": {"Wrong": "x"}}"#, "parameter_names.Wrong"),
        (r#"{"parameter_names": {"ANumber": "x", "BNumber": "x"}}"#, "parameter_names.BNumber"),
        (r#"{"time_format": "rfc"}"#, "time_format"),
        (r#"{"time_zone": "Europe/Kobenhavn"}"#, "time_zone"),
        (r#"{"feature_codes": "("}"#, "feature_codes"),
        (r#"{"extras": ["Wrong"]}"#, "extras"),
        (r#"{"extras": "all"}"#, "extras"),
        (r#"{"headers": {"Host": "x"}}"#, "headers.Host"),
        (r#"{"headers": {"X-A": "a\nb"}}"#, "headers.X-A"),
        (r#"{"credentials": {"username": "a:b", "password": "p"}}"#, "credentials.username"),
        (r#"{"credentials": {"type": "digest"}}"#, "credentials.type"),
        (r#"{"secret": "whsec_c2hvcnQ="}"#, "secret"),
        (r#"{"ca_pem": "hello"}"#, "ca_pem"),
        (r#"{"retry": {"incoming_secs": 0}}"#, "retry.incoming_secs"),
        (r#"{"e164_country": "Denmark"}"#, "e164_country"),
        (r#"{"rate": 0}"#, "rate"),
        (r#"{"rate": 1001}"#, "rate"),
        (r#"{"retry": {"soon": 1}}"#, "retry.soon"),
        (r#"{"incomming_url": "https://crm.example/"}"#, "incomming_url"),
    ] {
        let reply = rig.put(&rig.admin, AT, body).await;
        assert_eq!(reply.status, 400, "{body}");
        assert_eq!(reply.error(), ("invalid".to_owned(), field.to_owned()), "{body}: {}", reply.text);
    }
}

#[tokio::test]
async fn secrets_are_written_and_never_read() {
    let rig = Rig::new().await;
    let secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    let body =
        format!(r#"{{"secret": "{secret}", "credentials": {{"username": "u", "password": "hemmeligt"}}}}"#);
    let set = rig.put(&rig.admin, AT, &body).await;
    let shown = rig.get(&rig.admin, AT).await;
    for reply in [&set, &shown] {
        assert!(!reply.text.contains("hemmeligt") && !reply.text.contains("MDEy"), "{}", reply.text);
    }
    assert_eq!(shown.json()["secret_set"], true);
    assert_eq!(shown.json()["credentials"]["username"], "u");
}

#[tokio::test]
async fn a_secret_that_is_left_out_stays_and_null_removes_it() {
    let rig = Rig::new().await;
    let secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    rig.put(&rig.admin, AT, &format!(r#"{{"secret": "{secret}", "credentials": {{"token": "t"}}}}"#)).await;
    let kept = rig.put(&rig.admin, AT, r#"{"method": "GET"}"#).await.json();
    assert_eq!((&kept["secret_set"], &kept["credentials"]["set"]), (&true.into(), &true.into()));
    let gone = rig.put(&rig.admin, AT, r#"{"secret": null, "credentials": null}"#).await.json();
    assert_eq!((&gone["secret_set"], &gone["credentials"]), (&false.into(), &serde_json::Value::Null));
}

#[tokio::test]
async fn an_old_secret_stays_good_for_the_overlap() {
    let rig = Rig::new().await;
    for secret in
        ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY="]
    {
        let set = rig.put(&rig.admin, AT, &format!(r#"{{"secret": "whsec_{secret}"}}"#)).await;
        assert!(set.status.is_success(), "{}", set.text);
    }
    assert!(rig.get(&rig.admin, AT).await.json()["old_secret_until"].is_string());
}

#[tokio::test]
async fn a_reader_does_not_see_header_values() {
    let rig = Rig::new().await;
    rig.put(&rig.admin, AT, r#"{"headers": {"X-Api-Key": "hemmeligt"}}"#).await;
    assert!(!rig.get(&rig.reader, AT).await.text.contains("hemmeligt"));
    assert!(rig.get(&rig.admin, AT).await.text.contains("hemmeligt"));
}

#[tokio::test]
async fn pause_resume_and_test_reach_the_gateway() {
    let rig = Rig::new().await;
    rig.put(&rig.admin, AT, r#"{"incoming_url": "https://crm.example/"}"#).await;
    rig.put(&rig.admin, "/api/v1/accounts/1/employees/101", "{}").await;
    let paused = rig.ask("POST", &rig.admin, &format!("{AT}/pause"), r#"{"event": "Ended"}"#).await;
    assert_eq!(paused.status, 204);
    assert_eq!(rig.ask("POST", &rig.admin, &format!("{AT}/pause"), "").await.status, 204);
    let test = rig.ask("POST", &rig.admin, &format!("{AT}/test"), r#"{"employee": "101"}"#).await;
    assert_eq!(test.json()["answers"].as_array().unwrap().len(), 4);
    assert_eq!(test.json()["answers"][0]["accepted"], true);
    let wrong = rig.ask("POST", &rig.admin, &format!("{AT}/test"), r#"{"employee": "999"}"#).await;
    assert_eq!(wrong.error().1, "employee");
    let asked = rig.asked();
    assert!(asked.contains("pause Ended") && asked.contains("test 1 101"), "{asked:?}");
    assert!(asked.contains("pause Incoming Answered Outgoing Ended"), "all four at once: {asked:?}");
}
