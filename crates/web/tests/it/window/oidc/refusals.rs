//! Who does not get in, and what they are told.

use ::oidc::stage::Manner;

use super::super::browser::{Browser, PASSWORD};
use super::{Bed, Person, says};

#[tokio::test]
async fn a_state_that_is_made_up_used_or_anothers_gets_nobody_in() {
    let bed = Bed::new().await;
    let (mut mette, mut eve) = (Person::new(&bed), Person::new(&bed));
    let there = mette.leaves("").await;
    let (code, state) = bed.stage.approve(&there);
    let back = format!("/login/oidc/back?code={code}&state={state}");
    eve.leaves("").await;
    for path in ["/login/oidc/back", "/login/oidc/back?code=a&state=b", &*back] {
        let reply = eve.get(path).await;
        assert_eq!(reply.status, 400, "{path}");
        says(&reply, "or was begun in another browser");
    }
    assert_eq!(mette.logs_in().await.status, 303);
    let used = mette.get(&back).await;
    assert_eq!(used.status, 400);
    assert_eq!(eve.cookie("ringbud_session"), None);
}

#[tokio::test]
async fn a_provider_that_is_down_strange_or_says_no_is_told_in_words_and_a_password_still_works() {
    let bed = Bed::new().await;
    let mut olga = Browser::first(&bed.rig).await;
    bed.stage.play(|script| script.discovery = Manner::Status(503));
    let mut mette = Person::new(&bed);
    let down = mette.get("/login/oidc?next=%2Fa%2F1%2Fcalls").await;
    assert_eq!(down.status, 503);
    says(&down, "Nordlys &#38; Co cannot be reached right now.");
    says(&down, "name=\"next\" value=\"/a/1/calls\"");
    assert!(!down.text.contains("503") && !down.text.contains("realms"), "the reason is in the log");
    let fields = [("name", "olga"), ("password", PASSWORD)];
    assert_eq!(olga.send("/login", &fields).await.status, 303);
    let bed = Bed::new().await;
    for (manner, status, words) in [
        (Manner::Status(500), 403, "did not let you in"),
        (Manner::Garbage, 502, "cannot be trusted"),
        (Manner::Endless, 503, "cannot be reached"),
    ] {
        bed.stage.play(|script| script.token = manner.clone());
        let reply = Person::new(&bed).logs_in().await;
        assert_eq!(reply.status.as_u16(), status, "{manner:?}");
        says(&reply, words);
    }
    let mut mette = Person::new(&bed);
    let there = mette.leaves("").await;
    let (_, state) = bed.stage.approve(&there);
    let evil = "%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    let no =
        mette.get(&format!("/login/oidc/back?error={evil}&error_description={evil}&state={state}")).await;
    assert_eq!(no.status, 403);
    assert!(!no.text.contains("alert(1)"), "what a link says is not shown");
}

#[tokio::test]
async fn a_login_through_a_provider_leads_to_no_other_site() {
    let bed = Bed::new().await;
    for next in
        ["%2F%2Fevil.example", "https:%2F%2Fevil.example", "%2F%5Cevil.example", "%2F%09%2Fevil.example"]
    {
        let mut mette = Person::new(&bed);
        let there = mette.leaves(next).await;
        let (code, state) = bed.stage.approve(&there);
        let reply = mette.get(&format!("/login/oidc/back?code={code}&state={state}")).await;
        assert_eq!(reply.headers["location"], "/", "{next}");
    }
}

#[tokio::test]
async fn logins_that_come_to_nothing_are_bounded_and_do_not_shut_out_passwords() {
    let bed = Bed::new().await;
    let mut olga = Browser::first(&bed.rig).await;
    let mut eve = Person::new(&bed);
    let mut tries = 0;
    let closed = loop {
        let reply = eve.get("/login/oidc").await;
        if reply.status != 303 {
            break reply;
        }
        let (_, state) = bed.stage.approve(reply.headers["location"].to_str().unwrap());
        assert_eq!(eve.get(&format!("/login/oidc/back?error=no&state={state}")).await.status, 403);
        tries += 1;
        assert!(tries <= 200, "there is an end to it");
    };
    assert_eq!((closed.status.as_u16(), tries), (429, 200));
    says(&closed, "Too many attempts.");
    assert_eq!(olga.send("/login", &[("name", "olga"), ("password", PASSWORD)]).await.status, 303);
}
