//! Every route as every role.

use crate::rig::Rig;

/// What a role gets at a route with a body that is right: `ok`, or the status it is refused with.
pub(crate) const TABLE: &[(&str, &str, &str, [u16; 4])] = &[
    // method, path, body, [nobody, reader of 1, administrator of 1, operator]; 0 is success
    ("GET", "/accounts", "", [401, 0, 0, 0]),
    ("GET", "/accounts/1", "", [401, 0, 0, 0]),
    ("PUT", "/accounts/1", r#"{"name":"x"}"#, [401, 403, 0, 0]),
    ("GET", "/accounts/1/employees", "", [401, 0, 0, 0]),
    ("PUT", "/accounts/1/employees/7", "{}", [401, 403, 0, 0]),
    ("GET", "/accounts/1/employees/7", "", [401, 0, 0, 0]),
    ("GET", "/accounts/1/phones", "", [401, 0, 0, 0]),
    ("PUT", "/accounts/1/phones/7", "{}", [401, 403, 0, 0]),
    ("GET", "/accounts/1/phones/7", "", [401, 0, 0, 0]),
    ("GET", "/accounts/1/integration", "", [401, 0, 0, 0]),
    ("PUT", "/accounts/1/integration", "{}", [401, 403, 0, 0]),
    ("POST", "/accounts/1/integration/pause", "{}", [401, 403, 0, 0]),
    ("POST", "/accounts/1/integration/resume", "{}", [401, 403, 0, 0]),
    ("POST", "/accounts/1/integration/test", r#"{"employee":"7"}"#, [401, 403, 0, 0]),
    ("GET", "/accounts/1/calls", "", [401, 0, 0, 0]),
    ("GET", "/accounts/1/events", "", [401, 0, 0, 0]),
    ("GET", "/accounts/1/events/stream", "", [401, 0, 0, 0]),
    ("GET", "/accounts/1/deliveries", "", [401, 0, 0, 0]),
    ("POST", "/accounts/1/deliveries/again", "", [401, 403, 0, 0]),
    ("GET", "/accounts/1/deliveries/{own}/attempts", "", [401, 0, 0, 0]),
    ("POST", "/accounts/1/deliveries/{own}/again", "", [401, 403, 0, 0]),
    ("POST", "/accounts/1/deliveries/{own}/cancel", "", [401, 403, 0, 0]),
    ("POST", "/accounts/1/export", r#"{"employee":"7"}"#, [401, 403, 0, 0]),
    ("POST", "/accounts/1/erase", r#"{"employee":"999"}"#, [401, 403, 403, 0]),
    ("GET", "/links", "", [401, 0, 0, 0]),
    ("GET", "/accounts/1/audit", "", [401, 403, 0, 0]),
    ("GET", "/audit", "", [401, 403, 403, 0]),
    ("GET", "/accounts/1/users", "", [401, 0, 0, 0]),
    ("PUT", "/accounts/1/users/mette", r#"{"scope":"read-only"}"#, [401, 403, 0, 0]),
    ("POST", "/accounts/1/users/mette/link", "", [401, 403, 0, 0]),
    ("DELETE", "/accounts/1/users/mette", "", [401, 403, 0, 0]),
    ("GET", "/accounts/1/tokens", "", [401, 403, 0, 0]),
    ("POST", "/accounts/1/tokens", r#"{"name":"NEW"}"#, [401, 403, 0, 0]),
    ("DELETE", "/accounts/1/tokens/own", "", [401, 403, 0, 0]),
    ("GET", "/tokens", "", [401, 403, 403, 0]),
    ("POST", "/tokens", r#"{"name":"NEW"}"#, [401, 403, 403, 0]),
    ("DELETE", "/tokens/spare", "", [401, 403, 403, 0]),
    ("DELETE", "/accounts/1/phones/7", "", [401, 403, 0, 0]),
    ("DELETE", "/accounts/1/employees/7", "", [401, 403, 0, 0]),
    ("DELETE", "/accounts/1", "", [401, 403, 403, 0]),
];

#[tokio::test]
async fn every_route_answers_every_role_as_the_table_says() {
    for (method, path, body, expected) in TABLE {
        for (role, expected) in expected.iter().enumerate() {
            let rig = furnished().await;
            let token =
                [String::new(), rig.reader.clone(), rig.admin.clone(), rig.operator.clone()][role].clone();
            let own = own_delivery(&rig).await;
            let reply =
                rig.ask(method, &token, &format!("/api/v1{}", path.replace("{own}", &own)), body).await;
            let got = if reply.status.is_success() { 0 } else { reply.status.as_u16() };
            assert_eq!(got, *expected, "{method} {path} as role {role}: {} {}", reply.status, reply.text);
        }
    }
}

#[tokio::test]
async fn another_account_is_as_if_it_were_not_there() {
    let rig = furnished().await;
    for (method, path, body, _) in TABLE.iter().filter(|(_, path, ..)| path.starts_with("/accounts/1")) {
        let there = path.replace("/accounts/1", "/accounts/2");
        let nowhere = path.replace("/accounts/1", "/accounts/nowhere");
        for token in [&rig.reader, &rig.admin] {
            let foreign = rig.ask(method, token, &format!("/api/v1{there}"), body).await;
            let missing = rig.ask(method, token, &format!("/api/v1{nowhere}"), body).await;
            assert_eq!(foreign.status, 404, "{method} {there}");
            assert_eq!(foreign.text, missing.text, "{method} {there}: no hint");
        }
    }
}

#[tokio::test]
async fn every_route_of_the_description_is_in_the_table() {
    let description = serde_json::to_value(web::api::openapi()).unwrap();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys().filter(|key| key.as_str() != "parameters") {
            let known = TABLE.iter().any(|(there, at, ..)| {
                there.eq_ignore_ascii_case(method) && shape(&format!("/api/v1{at}")) == shape(path)
            });
            assert!(known, "{method} {path} is not in the table of roles");
        }
    }
}

/// A path with its names blanked.
fn shape(path: &str) -> Vec<String> {
    let mut before = String::new();
    let mut parts = Vec::new();
    for part in path.split('/') {
        let names_follow = matches!(
            before.as_str(),
            "accounts" | "employees" | "phones" | "users" | "tokens" | "deliveries"
        );
        parts.push(if names_follow && part != "again" { "*".to_owned() } else { part.to_owned() });
        before = part.to_owned();
    }
    parts
}

async fn furnished() -> Rig {
    let rig = Rig::new().await;
    let operator = rig.operator.clone();
    for (path, body) in [
        ("accounts/1/employees/7", "{}"),
        ("accounts/1/phones/7", "{}"),
        ("accounts/1/users/mette", r#"{"scope": "read-only"}"#),
        ("accounts/1/integration", r#"{"incoming_url": "https://crm.example/"}"#),
    ] {
        rig.put(&operator, &format!("/api/v1/{path}"), body).await;
    }
    rig.ask("POST", &operator, "/api/v1/tokens", r#"{"name": "spare"}"#).await;
    rig.ask("POST", &operator, "/api/v1/accounts/1/tokens", r#"{"name": "own"}"#).await;
    let id = rig.cache.account(&calls::AccountId::new("1")).unwrap().integration().unwrap().0;
    rig.keep_call(1, &[id]).await;
    rig
}

async fn own_delivery(rig: &Rig) -> String {
    let list = rig.get(&rig.operator, "/api/v1/accounts/1/deliveries").await.json();
    list["deliveries"][0]["id"].as_str().unwrap().to_owned()
}
