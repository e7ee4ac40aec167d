//! Who they are here, and for how long.

use journal::settings::Scope;
use serde_json::json;

use super::super::browser::{Browser, PASSWORD};
use super::{Bed, Person, says};

#[tokio::test]
async fn a_role_is_the_one_of_the_latest_login_and_none_ends_all_sessions() {
    let bed = Bed::new().await;
    let (mut here, mut there) = (Person::new(&bed), Person::new(&bed));
    bed.has_roles(&["ringbud-operator"]);
    here.logs_in().await;
    assert_eq!(here.get("/operator/accounts").await.status, 200);
    bed.has_roles(&["ringbud-reader"]);
    there.logs_in().await;
    for person in [&mut here, &mut there] {
        assert_eq!(person.get("/operator/accounts").await.status, 404);
        assert_eq!(person.get("/a/1/now").await.status, 200);
        assert_eq!(person.post("/a/1/settings", &[("name", "x")]).await.status, 403);
    }
    bed.has_roles(&["something-else"]);
    let refused = there.logs_in().await;
    assert_eq!(refused.status, 403);
    says(&refused, "Nordlys &#38; Co knows you as Mette Holm, but nobody has given you a role in Ringbud.");
    for person in [&mut here, &mut there] {
        assert_eq!(person.get("/a/1/now").await.status, 303, "their sessions are over");
    }
    bed.has_roles(&["ringbud-reader"]);
    Person::new(&bed).logs_in().await;
    assert_eq!(here.get("/a/1/now").await.status, 303, "and do not come back to life");
    let audit = Browser::first(&bed.rig).await.in_language("en").get("/operator/audit").await.text;
    assert_eq!(audit.matches("has no role at the provider any more").count(), 1, "{audit}");
}

#[tokio::test]
async fn an_account_that_is_not_there_is_told_in_words() {
    let bed = Bed::new().await;
    bed.has_roles(&["ringbud-moon"]);
    let mut mette = Person { language: "da", ..Person::new(&bed) };
    let refused = mette.logs_in().await;
    assert_eq!(refused.status, 403);
    says(&refused, "hører du til konto moon, som ikke findes i Ringbud");
    assert!(bed.rig.cache.users().is_empty());
}

#[tokio::test]
async fn a_person_is_one_among_the_users_and_is_out_when_removed() {
    let bed = Bed::new().await;
    let olga = Browser::first(&bed.rig).await.in_language("en");
    let mut mette = Person::new(&bed);
    mette.logs_in().await;
    let page = olga.get("/operator/users").await.text;
    assert!(page.contains("Mette Holm") && page.contains("through Nordlys &#38; Co, last "), "{page}");
    let key = bed.rig.cache.users().into_keys().find(|key| key.starts_with("oidc:")).unwrap();
    assert_eq!(olga.post("/operator/users/remove", &[("name", &key)]).await.status, 303);
    assert_eq!(mette.get("/a/1/now").await.status, 303);
    assert_eq!(mette.logs_in().await.headers["location"], "/", "the provider still gives them a role");
    assert_eq!(mette.get("/a/1/now").await.status, 200);
}

#[tokio::test]
async fn neither_name_nor_mail_makes_anybody_somebody_else() {
    let bed = Bed::new().await;
    let olga = Browser::first(&bed.rig).await;
    bed.stage.play(|script| {
        script.claims = json!({ "sub": "eve", "name": "olga", "email": "mette@example.com", "preferred_username": "olga" });
    });
    let mut eve = Person::new(&bed);
    eve.logs_in().await;
    assert_eq!(eve.get("/operator/accounts").await.status, 404);
    assert_eq!(olga.get("/operator/accounts").await.status, 200);
    bed.stage.play(|script| script.claims = json!({}));
    Person::new(&bed).logs_in().await;
    assert_eq!(bed.rig.cache.users().len(), 3, "olga, eve and mette are three");
    eve.post("/a/1/settings", &[("name", "By Eve"), ("version", "")]).await;
    let audit = olga.get("/operator/audit").await.text;
    assert!(audit.contains(">olga [oidc:"), "a borrowed name is told from the name: {audit}");
}

#[tokio::test]
async fn who_comes_through_a_provider_has_no_password_here() {
    let bed = Bed::new().await;
    let mut mette = Person::new(&bed);
    mette.logs_in().await;
    let key = bed.rig.cache.users().into_keys().next().unwrap();
    for password in ["", PASSWORD] {
        let fields = [("name", &*key), ("password", password)];
        assert_eq!(Browser::new(&bed.rig).send("/login", &fields).await.status, 401);
    }
    let page = mette.get("/a/1/settings").await.text;
    assert!(page.contains("your password is there, not here") && !page.contains("name=\"old\""), "{page}");
    let fields = [("old", ""), ("password", PASSWORD)];
    let refused = mette.post("/a/1/settings/password", &fields).await;
    assert_eq!(refused.status, 400);
    assert!(!refused.text.contains("The present password is wrong"), "there is none");
    assert_eq!(bed.rig.cache.user(&key).unwrap().0.password_hash, "");
}

#[tokio::test]
async fn the_last_operator_by_password_stays_and_the_first_link_holds_until_somebody_operates() {
    let bed = Bed::new().await;
    let link = web::first_run_path(&bed.rig.room).await.unwrap();
    Person::new(&bed).logs_in().await;
    assert_eq!(web::first_run_path(&bed.rig.room).await.unwrap(), link, "an account's person runs nothing");
    let olga = Browser::first(&bed.rig).await;
    bed.has_roles(&["ringbud-operator"]);
    Person::new(&bed).logs_in().await;
    assert_eq!(olga.post("/operator/users/remove", &[("name", "olga")]).await.status, 409);
    let person = bed.rig.cache.users().into_iter().find(|(_, (user, _))| user.vouched.is_some()).unwrap();
    assert_eq!(person.1.0.scope, Scope::Everything);
    assert_eq!(olga.post("/operator/users/remove", &[("name", &person.0)]).await.status, 303);
}
