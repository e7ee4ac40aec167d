use crate::rig::Rig;

const USERS: &str = "/api/v1/accounts/1/users";

#[tokio::test]
async fn an_accounts_administrator_invites_people_who_choose_their_password_by_a_link() {
    let rig = Rig::new().await;
    let mette = format!("{USERS}/mette");
    let invited = rig.ask("PUT", &rig.admin, &mette, r#"{"scope": "read-only"}"#).await;
    assert_eq!(invited.status, 200, "{}", invited.text);
    let path = invited.json()["link"]["path"].as_str().unwrap().to_owned();
    assert_eq!((&invited.json()["login"], &invited.json()["scope"]), (&"none".into(), &"read-only".into()));
    let listed = rig.get(&rig.reader, USERS).await;
    assert!(listed.text.contains("mette") && !listed.text.contains(&path), "{}", listed.text);

    let key = path.strip_prefix("/welcome?key=").unwrap();
    assert_eq!(rig.room.link_holder(key).await.as_deref(), Some("mette"));
    rig.room.choose_password(key, "hash".to_owned(), None).await.unwrap();
    let changed = rig.ask("PUT", &rig.admin, &mette, r#"{"scope": "account"}"#).await.json();
    assert_eq!((&changed["login"], &changed["link"]), (&"password".into(), &serde_json::Value::Null));
    let again = rig.ask("POST", &rig.admin, &format!("{mette}/link"), "").await;
    assert!(again.json()["path"].as_str().unwrap().starts_with("/welcome?key="), "{}", again.text);
    assert_eq!(rig.ask("DELETE", &rig.admin, &mette, "").await.status, 204);
    assert!(rig.room.person("mette").is_none());
}

#[tokio::test]
async fn nobody_is_taken_from_another_account_or_made_more_than_an_account_has() {
    let rig = Rig::new().await;
    rig.ask("PUT", &rig.operator, "/api/v1/accounts/2/users/freja", r#"{"scope": "account"}"#).await;
    for token in [&rig.admin, &rig.operator] {
        let taken = rig.ask("PUT", token, &format!("{USERS}/freja"), r#"{"scope": "account"}"#).await;
        assert_eq!(taken.error(), ("invalid".to_owned(), "name".to_owned()));
        for (method, path) in [("DELETE", "freja"), ("POST", "freja/link"), ("DELETE", "nobody")] {
            assert_eq!(rig.ask(method, token, &format!("{USERS}/{path}"), "").await.status, 404, "{path}");
        }
        let more = rig.ask("PUT", token, &format!("{USERS}/new"), r#"{"scope": "operator"}"#).await;
        assert_eq!(more.error().1, "account", "{}", more.text);
    }
    assert!(rig.room.person("freja").is_some() && rig.room.person("new").is_none());
}

#[tokio::test]
async fn an_accounts_administrator_makes_tokens_for_that_account_alone() {
    let rig = Rig::new().await;
    let tokens = "/api/v1/accounts/1/tokens";
    let made = rig.ask("POST", &rig.admin, tokens, r#"{"name": "crm", "scope": "read-only"}"#).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let token = made.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(rig.get(&token, "/api/v1/accounts/1").await.status, 200);
    assert_eq!(rig.get(&token, "/api/v1/accounts/2").await.status, 404);
    assert_eq!(rig.get(&token, tokens).await.status, 403, "a reader makes none");
    let more = rig.ask("POST", &rig.admin, tokens, r#"{"name": "more", "scope": "operator"}"#).await;
    assert_eq!(more.error().1, "account", "{}", more.text);
    let listed = rig.get(&rig.admin, tokens).await.text;
    assert!(listed.contains("crm") && !listed.contains("\"operator\""), "{listed}");
    assert_eq!(rig.ask("DELETE", &rig.admin, &format!("{tokens}/operator"), "").await.status, 404);
    assert_eq!(rig.ask("DELETE", &rig.admin, &format!("{tokens}/crm"), "").await.status, 204);
    assert_eq!(rig.get(&token, "/api/v1/accounts/1").await.status, 401);
}
