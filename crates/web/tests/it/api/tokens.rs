use crate::rig::Rig;

#[tokio::test]
async fn a_token_opens_what_its_scope_says_until_it_is_removed() {
    let rig = Rig::new().await;
    let body = r#"{"name": "crm", "scope": "read-only", "account": "2"}"#;
    let made = rig.ask("POST", &rig.operator, "/api/v1/tokens", body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let token = made.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(rig.get(&token, "/api/v1/accounts/2").await.status, 200);
    assert_eq!(rig.get(&token, "/api/v1/accounts/1").await.status, 404);
    rig.ask("DELETE", &rig.operator, "/api/v1/tokens/crm", "").await;
    assert_eq!(rig.get(&token, "/api/v1/accounts/2").await.status, 401);
}

#[tokio::test]
async fn a_token_is_shown_once() {
    let rig = Rig::new().await;
    let made = rig.ask("POST", &rig.operator, "/api/v1/tokens", r#"{"name": "once"}"#).await.json();
    let listed = rig.get(&rig.operator, "/api/v1/tokens").await;
    assert!(listed.text.contains("once") && !listed.text.contains(made["token"].as_str().unwrap()));
}

#[tokio::test]
async fn a_scope_and_its_account_must_fit() {
    let rig = Rig::new().await;
    for body in
        [r#"{"name": "a", "scope": "account"}"#, r#"{"name": "a", "scope": "operator", "account": "1"}"#]
    {
        let reply = rig.ask("POST", &rig.operator, "/api/v1/tokens", body).await;
        assert_eq!(reply.error().1, "account", "{body}");
    }
}

#[tokio::test]
async fn a_name_is_given_once() {
    let rig = Rig::new().await;
    let reply = rig.ask("POST", &rig.operator, "/api/v1/tokens", r#"{"name": "operator"}"#).await;
    assert_eq!(reply.error(), ("invalid".to_owned(), "name".to_owned()));
}
