use serde_json::json;

use crate::rig::Rig;

#[tokio::test]
async fn an_account_is_created_changed_shown_and_removed() {
    let rig = Rig::new().await;
    let operator = &rig.operator;
    let made = rig.put(operator, "/api/v1/accounts/77", r#"{"name": "Nordlys"}"#).await;
    assert_eq!(made.status, 201);
    let changed = rig.put(operator, "/api/v1/accounts/77", r#"{"name": "Nordlys ApS"}"#).await;
    assert_eq!(changed.status, 200);
    let shown = rig.get(operator, "/api/v1/accounts/77").await;
    assert_eq!(shown.json()["name"], "Nordlys ApS");
    assert_eq!(rig.ask("DELETE", operator, "/api/v1/accounts/77", "").await.status, 204);
    assert_eq!(rig.get(operator, "/api/v1/accounts/77").await.status, 404);
}

#[tokio::test]
async fn how_much_is_kept_is_an_accounts_own_choice() {
    let rig = Rig::new().await;
    let at = "/api/v1/accounts/1";
    let wanted = r#"{"name": "Nordlys", "keep": {"days": 30, "megabytes": 500}}"#;
    assert_eq!(rig.put(&rig.admin, at, wanted).await.status, 200);
    let shown = rig.get(&rig.reader, at).await.json();
    assert_eq!(shown["keep"], json!({"days": 30, "megabytes": 500}));
    for (keep, field, why) in [
        (r#"{"days": 0}"#, "keep.days", "between 1 and 36500 days"),
        (r#"{"megabytes": 1000001}"#, "keep.megabytes", "between 1 and 1000000 megabytes"),
        (r#"{"days": -1}"#, "keep.days", "-1"),
        (r#"{"days": "a month"}"#, "keep.days", "a month"),
        (r#"{"weeks": 4}"#, "keep.weeks", "weeks"),
    ] {
        let refused = rig.put(&rig.admin, at, &format!(r#"{{"keep": {keep}}}"#)).await;
        let (at_field, message) = (refused.error().1, refused.json()["error"]["message"].to_string());
        assert_eq!((refused.status.as_u16(), at_field.as_str()), (400, field), "{keep}: {message}");
        assert!(message.contains(why), "{keep}: {message}");
    }
    assert_eq!(rig.put(&rig.reader, at, wanted).await.status, 403);
    assert_eq!(rig.put(&rig.admin, "/api/v1/accounts/2", wanted).await.status, 404);
    assert_eq!(rig.get(&rig.reader, at).await.json()["keep"]["days"], 30, "a refusal changes nothing");
    assert_eq!(rig.put(&rig.admin, at, r#"{"name": "Nordlys"}"#).await.status, 200);
    assert_eq!(rig.get(&rig.reader, at).await.json()["keep"], json!({"days": null, "megabytes": null}));
}

#[tokio::test]
async fn accounts_are_listed_page_by_page() {
    let rig = Rig::new().await;
    let first = rig.get(&rig.operator, "/api/v1/accounts?limit=1").await.json();
    assert_eq!(first["accounts"][0]["account"], "1");
    let second = rig.get(&rig.operator, "/api/v1/accounts?limit=1&after=1").await.json();
    assert_eq!(second["accounts"][0]["account"], "2");
    assert_eq!(second.get("next"), None);
}

#[tokio::test]
async fn a_list_of_accounts_says_how_many_calls_each_had_today_and_when_the_last_was() {
    let rig = Rig::new().await;
    let now = jiff::Timestamp::now().as_second();
    let begins = |mut events: Vec<calls::Event>, secs: i64| {
        let (begun_at, then) = (calls::PbxTime::from_secs(secs), events[0].begun_at);
        for event in &mut events {
            (event.begun_at, event.at) = (begun_at, begun_at + event.at.since(then));
        }
        events
    };
    rig.keep(begins(crate::rig::call(1), now - 3 * 86_400)).await;
    rig.keep(begins(crate::rig::call(2), now)).await;
    rig.keep(begins(crate::rig::call(3), now)[..1].to_vec()).await;
    let listed = rig.get(&rig.operator, "/api/v1/accounts").await.json();
    let last = jiff::Timestamp::from_second(now).unwrap().to_string();
    assert_eq!(listed["accounts"][0]["recent"], json!({"calls_today": 1, "last_call_at": last}));
    assert_eq!(listed["accounts"][1]["recent"], json!({"calls_today": 0, "last_call_at": null}));
    let own = rig.get(&rig.reader, "/api/v1/accounts").await.json();
    assert_eq!(own["accounts"].as_array().unwrap().len(), 1, "nobody else's");
    let sent_back = listed["accounts"][0].to_string();
    assert_eq!(rig.put(&rig.operator, "/api/v1/accounts/1", &sent_back).await.status, 200);
}

#[tokio::test]
async fn an_account_id_that_cannot_be_is_refused_by_field() {
    let rig = Rig::new().await;
    let reply = rig.put(&rig.operator, "/api/v1/accounts/a%20b", "{}").await;
    assert_eq!((reply.status.as_u16(), reply.error().1.as_str()), (400, "account"));
}

#[tokio::test]
async fn a_phone_tells_nobody_from_the_same_number() {
    let rig = Rig::new().await;
    let at = "/api/v1/accounts/1/phones/201";
    let same = rig.put(&rig.admin, at, "{}").await.json();
    assert_eq!(same.get("employee"), None);
    let nobody = rig.put(&rig.admin, at, r#"{"employee": null}"#).await.json();
    assert_eq!(nobody.get("employee"), Some(&json!(null)));
    let somebody = rig.put(&rig.admin, at, r#"{"employee": "101"}"#).await.json();
    assert_eq!(somebody["employee"], "101");
}

#[tokio::test]
async fn an_employee_who_is_given_a_phone_comes_into_being() {
    let rig = Rig::new().await;
    rig.put(&rig.admin, "/api/v1/accounts/1/phones/201", r#"{"employee": "150"}"#).await;
    assert_eq!(rig.get(&rig.admin, "/api/v1/accounts/1/employees/150").await.status, 200);
}

#[tokio::test]
async fn an_employee_is_set_listed_and_removed() {
    let rig = Rig::new().await;
    let at = "/api/v1/accounts/1/employees/101";
    assert_eq!(rig.put(&rig.admin, at, r#"{"name": "Mette Holm"}"#).await.status, 201);
    let list = rig.get(&rig.reader, "/api/v1/accounts/1/employees").await.json();
    assert_eq!(list["employees"][0]["name"], "Mette Holm");
    assert_eq!(rig.ask("DELETE", &rig.admin, at, "").await.status, 204);
    assert_eq!(rig.ask("DELETE", &rig.admin, at, "").await.status, 404);
}

#[tokio::test]
async fn what_was_shown_can_be_put_back() {
    let rig = Rig::new().await;
    for (path, body) in [
        ("/api/v1/accounts/1", r#"{"name": "One"}"#),
        ("/api/v1/accounts/1/employees/101", r#"{"name": "Mette"}"#),
        ("/api/v1/accounts/1/phones/101", r#"{"employee": null}"#),
        (
            "/api/v1/accounts/1/integration",
            r#"{"incoming_url": "https://crm.example/ring", "extras": ["EventId"]}"#,
        ),
    ] {
        rig.put(&rig.operator, path, body).await;
        let shown = rig.get(&rig.operator, path).await.text;
        let again = rig.put(&rig.operator, path, &shown).await;
        assert_eq!(again.status, 200, "{path}: {}", again.text);
    }
}
