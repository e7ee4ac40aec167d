//! Logging in through an OpenID provider, from the button to the session's end.

use std::sync::Arc;
use std::time::Duration;

use ::oidc::stage::{CLIENT_ID, CLIENT_SECRET, Manner, Stage};
use ::oidc::{Fits, Grants, Issuer, Provider, Roles, Rule, Settings, Whose};
use axum::body::Body;
use axum::http::{Request, header};
use calls::AccountId;
use delivery::connect::{ConnectorOptions, FetchOptions, Fetcher};
use delivery::guard::Guard;
use journal::settings::{Scope, Secret};
use serde_json::json;
use web::Options;

use super::browser::{Browser, PASSWORD};
use crate::rig::{Reply, Rig};

/// A house and a provider.
struct Bed {
    stage: Stage,
    rig: Rig,
}

impl Bed {
    async fn new() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let stage = Stage::start("127.0.0.1:0").await.unwrap();
        let provider = provider(&stage.issuer(), &options.path);
        Self { rig: Rig::through(options, Some(Arc::new(provider))).await, stage }
    }

    /// What the provider says of the person from now on.
    fn has_roles(&self, roles: &[&str]) {
        self.stage.play(|script| script.claims = json!({ "roles": roles }));
    }
}

fn provider(issuer: &str, path: &str) -> Provider {
    let guard = Guard::new(vec!["127.0.0.0/8".parse().unwrap()]);
    let connector = ConnectorOptions { guard, ..ConnectorOptions::default() };
    let limit = Duration::from_secs(5);
    let options = FetchOptions { connector, ca_pem: None, limit, body_max: ::oidc::ANSWER_MAX };
    let account =
        |id: &str, read_only| Grants::Account { whose: Whose::Account(AccountId::new(id)), read_only };
    let rule = |value: &str, grants| Rule { fits: Fits::Value(value.into()), grants };
    let settings = Settings {
        issuer: Issuer::parse(issuer).unwrap(),
        client_id: CLIENT_ID.into(),
        client_secret: Some(Secret::new(CLIENT_SECRET)),
        scopes: Vec::new(),
        label: "Nordlys & Co".into(),
        redirect: format!("https://calls.example.com{path}/login/oidc/back").parse().unwrap(),
        after_logout: format!("https://calls.example.com{path}/login").parse().unwrap(),
        roles: Roles {
            claim: "roles".into(),
            rules: vec![
                rule("ringbud-operator", Grants::Operator),
                rule("ringbud-admin", account("1", false)),
                rule("ringbud-reader", account("1", true)),
                rule("ringbud-moon", account("moon", false)),
            ],
        },
    };
    Provider::new(settings, Fetcher::new(options).unwrap())
}

/// A browser with all its cookies.
struct Person<'a> {
    bed: &'a Bed,
    cookies: Vec<(String, String)>,
    language: &'static str,
}

impl<'a> Person<'a> {
    fn new(bed: &'a Bed) -> Self {
        Self { bed, cookies: Vec::new(), language: "en" }
    }

    async fn get(&mut self, path: &str) -> Reply {
        self.send(Request::get(path), Body::empty()).await
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let page = self.get("/a/1/settings").await.text;
        let csrf = page
            .split_once("name=\"_csrf\" value=\"")
            .map_or("", |(_, rest)| rest.split('"').next().unwrap());
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let body = form.extend_pairs(fields).append_pair("_csrf", csrf).finish();
        self.send(Request::post(path), Body::from(body)).await
    }

    async fn send(&mut self, request: axum::http::request::Builder, body: Body) -> Reply {
        let held: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request.header("accept-language", self.language).header("cookie", held.join("; "));
        let reply = self.bed.rig.send(request.body(body).unwrap()).await;
        for line in reply.headers.get_all(header::SET_COOKIE) {
            let (name, value) = line.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.into(), value.into()));
        }
        reply
    }

    /// Presses the button; where the browser is sent.
    async fn leaves(&mut self, next: &str) -> String {
        let reply = self.get(&format!("/login/oidc?next={next}")).await;
        assert_eq!(reply.status, 303, "{}", reply.text);
        reply.headers["location"].to_str().unwrap().to_owned()
    }

    /// The whole way; what comes back at its end.
    async fn logs_in(&mut self) -> Reply {
        let there = self.leaves("").await;
        let (code, state) = self.bed.stage.approve(&there);
        self.get(&format!("/login/oidc/back?code={code}&state={state}")).await
    }

    fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn says(reply: &Reply, words: &str) {
    assert!(reply.text.contains(words), "{words}: {}", reply.text);
    assert!(reply.text.contains("name=\"password\""), "a password still works");
}

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
    assert!(audit.contains("<td>logged in through</td><td></td><td>Nordlys &#38; Co</td>"), "{audit}");
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
}

#[tokio::test]
async fn an_account_that_is_not_there_is_told_in_words() {
    let bed = Bed::new().await;
    bed.has_roles(&["ringbud-moon"]);
    let mut mette = Person { language: "da", ..Person::new(&bed) };
    let refused = mette.logs_in().await;
    assert_eq!(refused.status, 403);
    says(&refused, "siger, at du hører til konto moon, som ikke findes i Ringbud");
    assert!(bed.rig.book.users().is_empty());
}

#[tokio::test]
async fn a_person_is_one_among_the_users_and_is_out_when_removed() {
    let bed = Bed::new().await;
    let olga = Browser::first(&bed.rig).await.in_language("en");
    let mut mette = Person::new(&bed);
    mette.logs_in().await;
    let page = olga.get("/operator/users").await.text;
    assert!(page.contains("Mette Holm") && page.contains("through Nordlys &#38; Co, last "), "{page}");
    let key = bed.rig.book.users().into_keys().find(|key| key.starts_with("oidc:")).unwrap();
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
    assert_eq!(bed.rig.book.users().len(), 3, "olga, eve and mette are three");
    eve.post("/a/1/settings", &[("name", "By Eve"), ("version", "")]).await;
    let audit = olga.get("/operator/audit").await.text;
    assert!(audit.contains("<td>olga [oidc:"), "a borrowed name is told from the name: {audit}");
}

#[tokio::test]
async fn who_comes_through_a_provider_has_no_password_here() {
    let bed = Bed::new().await;
    let mut mette = Person::new(&bed);
    mette.logs_in().await;
    let key = bed.rig.book.users().into_keys().next().unwrap();
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
    assert_eq!(bed.rig.book.user(&key).unwrap().0.password_hash, "");
}

#[tokio::test]
async fn the_last_operator_by_password_stays_and_the_first_link_holds_until_somebody_operates() {
    let bed = Bed::new().await;
    let link = web::first_run_path(&bed.rig.book).await.unwrap();
    Person::new(&bed).logs_in().await;
    assert_eq!(web::first_run_path(&bed.rig.book).await.unwrap(), link, "an account's person runs nothing");
    let olga = Browser::first(&bed.rig).await;
    bed.has_roles(&["ringbud-operator"]);
    Person::new(&bed).logs_in().await;
    assert_eq!(olga.post("/operator/users/remove", &[("name", "olga")]).await.status, 400);
    let person = bed.rig.book.users().into_iter().find(|(_, (user, _))| user.vouched.is_some()).unwrap();
    assert_eq!(person.1.0.scope, Scope::Everything);
    assert_eq!(olga.post("/operator/users/remove", &[("name", &person.0)]).await.status, 303);
}

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
        assert!(tries <= 2_000, "there is an end to it");
    };
    assert_eq!((closed.status.as_u16(), tries), (429, 2_000));
    says(&closed, "Too many tries.");
    assert_eq!(olga.send("/login", &[("name", "olga"), ("password", PASSWORD)]).await.status, 303);
}
