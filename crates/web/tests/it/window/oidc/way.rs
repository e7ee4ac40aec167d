//! There and back, and out again.

use axum::body::Body;
use axum::http::{Request, header};
use web::Options;

use super::super::browser::{Browser, PASSWORD};
use super::{Bed, Person};
use crate::rig::Rig;

#[tokio::test]
async fn without_a_provider_there_is_no_button_and_no_way() {
    let rig = Rig::new().await;
    let browser = Browser::new(&rig);
    assert!(!browser.get("/login").await.text.contains("/login/oidc"));
    for path in ["/login/oidc", "/login/oidc/back?code=a&state=b"] {
        assert_eq!(browser.get(path).await.status, 404);
    }
}

#[tokio::test]
async fn the_button_leads_there_and_back_to_where_one_wanted_to_go() {
    let bed = Bed::new().await;
    let mut mette = Person::new(&bed);
    let page = mette.get("/login?next=%2Fa%2F1%2Fcalls%3Fnumber%3D7").await.text;
    let href = "href=\"/login/oidc?next=%2Fa%2F1%2Fcalls%3Fnumber%3D7\"";
    assert!(page.contains(href) && page.contains("Log in with Nordlys &#38; Co"), "{page}");
    let there = mette.leaves("%2Fa%2F1%2Fcalls%3Fnumber%3D7").await;
    let (code, state) = bed.stage.approve(&there);
    let back =
        mette.get(&format!("/login/oidc/back?code={code}&state={state}&iss={}", bed.stage.issuer())).await;
    assert_eq!(
        (back.status.as_u16(), &back.headers["location"]),
        (303, &"/a/1/calls?number=7".parse().unwrap())
    );
    let page = mette.get("/a/1/calls?number=7").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("Mette Holm"), "they are called by their name");
    let olga = Browser::first(&bed.rig).await;
    let audit = olga.in_language("en").get("/operator/audit").await.text;
    assert!(audit.contains(">logged in through</td>") && audit.contains(">Nordlys &#38; Co</td>"), "{audit}");
}

#[tokio::test]
async fn a_session_from_a_provider_is_one_like_any_other() {
    let bed = Bed::with(Options { secure: true, ..Options::default() }).await;
    let mut mette = Person::new(&bed);
    let begun = mette.get("/login/oidc").await;
    let cookie = begun.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
    for part in ["; HttpOnly", "; SameSite=Lax", "; Secure", "; Path=/login/oidc;", "; Max-Age=600;"] {
        assert!(format!("{cookie};").contains(part), "{part}: {cookie}");
    }
    let (code, state) = bed.stage.approve(begun.headers["location"].to_str().unwrap());
    let back = mette.get(&format!("/login/oidc/back?code={code}&state={state}")).await;
    let cookie = back.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
    for part in ["ringbud_session=", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    let reply = mette.send(Request::post("/a/1/settings"), Body::from("name=Evil")).await;
    assert_eq!(reply.status, 403, "a form needs the session's token");
    assert_eq!(mette.post("/a/1/settings", &[("name", "Nordlys"), ("version", "")]).await.status, 303);
    let first = mette.cookie("ringbud_session").unwrap().to_owned();
    mette.logs_in().await;
    assert_ne!(mette.cookie("ringbud_session"), Some(&*first), "each login has a session of its own");
}

#[tokio::test]
async fn two_tabs_may_log_in_at_once() {
    let bed = Bed::new().await;
    let mut mette = Person::new(&bed);
    let tabs = [mette.leaves("%2Fa%2F1%2Fcalls").await, mette.leaves("%2Fa%2F1%2Freport").await];
    for (tab, place) in tabs.iter().zip(["/a/1/calls", "/a/1/report"]) {
        let (code, state) = bed.stage.approve(tab);
        let reply = mette.get(&format!("/login/oidc/back?code={code}&state={state}")).await;
        assert_eq!(reply.headers["location"], place);
    }
}

#[tokio::test]
async fn it_works_under_a_sub_path() {
    let bed = Bed::with(Options { path: "/ringbud".into(), ..Options::default() }).await;
    bed.has_roles(&["ringbud-operator"]);
    let mut mette = Person::new(&bed);
    assert!(mette.get("/ringbud/login").await.text.contains("href=\"/ringbud/login/oidc?next=\""));
    let begun = mette.get("/ringbud/login/oidc?next=%2Fa%2F1%2Fcalls").await;
    let cookie = begun.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("; Path=/ringbud/login/oidc;"), "{cookie}");
    let there = begun.headers["location"].to_str().unwrap();
    assert!(there.contains("redirect_uri=https%3A%2F%2Fcalls.example.com%2Fringbud%2Flogin%2Foidc%2Fback"));
    let (code, state) = bed.stage.approve(there);
    let back = mette.get(&format!("/ringbud/login/oidc/back?code={code}&state={state}")).await;
    assert_eq!(back.headers["location"], "/ringbud/a/1/calls");
}

#[tokio::test]
async fn who_logs_out_is_told_that_the_provider_has_not_heard_of_it() {
    let bed = Bed::new().await;
    let mut mette = Person::new(&bed);
    mette.logs_in().await;
    let left = mette.post("/logout", &[]).await;
    assert_eq!(left.headers["location"], "/login?left", "no form leads to another site");
    let page = mette.get("/login?left").await.text;
    let there = format!("href=\"{}/logout?", bed.stage.issuer());
    assert!(page.contains(&there) && page.contains("Log out of Nordlys &#38; Co too"), "{page}");
    let mut olga = Browser::first(&bed.rig).await;
    assert_eq!(olga.post("/logout", &[]).await.headers["location"], "/login");
    olga.send("/login", &[("name", "olga"), ("password", PASSWORD)]).await;
}
