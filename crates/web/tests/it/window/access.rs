//! People and tokens of an account, looked after by its administrator.

use super::browser::{Browser, PASSWORD, link_key};
use crate::rig::Rig;

#[tokio::test]
async fn an_accounts_administrator_invites_and_makes_tokens_for_it_alone() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let mette = Browser::made(&olga, "mette", "account").await;
    let page = mette.get("/a/1/access").await.text;
    assert!(page.contains("Ser kontoen: hvem det ringer hos"), "what each role may do is said: {page}");
    assert!(!page.contains("value=\"operator\""), "no role beyond the account");

    let invited = mette.post("/a/1/access/users", &[("name", "rolf"), ("scope", "read-only")]).await;
    assert_eq!(invited.status, 200, "{}", invited.text);
    let key = link_key(&invited.text);
    assert!(!mette.get("/a/1/access").await.text.contains(&key), "shown once");
    assert!(mette.get("/a/1/access").await.text.contains("har et link, der gælder til"));
    let mut rolf = Browser::new(&rig);
    let fields = [("key", &*key), ("password", PASSWORD), ("again", PASSWORD)];
    assert_eq!(rolf.send("/welcome", &fields).await.status, 303);
    assert_eq!(rolf.get("/a/1/now").await.status, 200);
    assert_eq!(rolf.get("/a/1/access").await.status, 403);
    assert_eq!(rolf.get("/a/2/now").await.status, 404);

    // A role that is not given here is none that is made.
    mette.post("/a/1/access/users", &[("name", "eve"), ("scope", "operator")]).await;
    assert!(rig.cache.user("eve").is_none_or(|(user, _)| user.scope != journal::settings::Scope::Everything));
    let taken = mette.post("/a/1/access/users", &[("name", "olga"), ("scope", "account")]).await;
    assert_eq!(taken.status, 400, "nobody takes an operator's name");

    let made = mette.post("/a/1/access/tokens", &[("name", "crm"), ("scope", "read-only")]).await;
    let token = made.text.split_once("id=\"made\">").unwrap().1.split('<').next().unwrap().to_owned();
    assert_eq!(rig.get(&token, "/api/v1/accounts/1").await.status, 200);
    assert_eq!(rig.get(&token, "/api/v1/accounts/2").await.status, 404);
    let page = mette.get("/a/1/access").await.text;
    assert!(page.contains("Fjern API-nøglen crm? Programmer"), "removal names what goes: {page}");
    assert!(page.contains("Fjern rolf? Brugeren logges ud"), "{page}");
    assert_eq!(mette.post("/a/1/access/tokens/remove", &[("name", "crm")]).await.status, 303);
    assert_eq!(rig.get(&token, "/api/v1/accounts/1").await.status, 401);
    assert_eq!(mette.post("/a/1/access/users/remove", &[("name", "rolf")]).await.status, 303);
    assert_eq!(rolf.get("/a/1/now").await.status, 303, "out at once");
}

#[tokio::test]
async fn an_operator_chooses_the_account_from_a_list_and_types_no_password() {
    let rig =
        Rig::with(web::Options { at: "https://calls.example.com".into(), ..web::Options::default() }).await;
    let olga = Browser::first(&rig).await;
    let page = olga.get("/operator/users").await.text;
    assert!(page.contains("<option value=\"2\">2 · Account 2</option>"), "{page}");
    assert!(!page.contains("type=\"password\""), "{page}");
    let fields = [("name", "mette"), ("scope", "account"), ("account", "2")];
    let made = olga.post("/operator/users", &fields).await.text;
    assert!(made.contains("https://calls.example.com/welcome?key="), "a link that can be handed on: {made}");
    let refused = olga.post("/operator/users", &[("name", "rolf"), ("scope", "read-only")]).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("value=\"rolf\""), "what was typed is still there");
    let checked = refused.text.split_once("value=\"read-only\"").unwrap().1;
    assert!(checked.starts_with(" checked"), "{checked}");
}
