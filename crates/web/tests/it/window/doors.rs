use axum::body::Body;
use std::time::Duration;

use axum::http::Request;

use super::browser::{Browser, PASSWORD};
use crate::rig::Rig;

#[tokio::test]
async fn the_first_link_makes_one_operator_and_no_more() {
    let rig = Rig::new().await;
    let link = web::first_run_path(&rig.room).await.unwrap().unwrap();
    assert_eq!(web::first_run_path(&rig.room).await.unwrap(), Some(link.clone()), "it survives a restart");
    let browser = Browser::first(&rig).await;
    assert_eq!(browser.get("/operator/accounts").await.status, 200);
    assert_eq!(web::first_run_path(&rig.room).await.unwrap(), None);
    let again = Browser::new(&rig).get(&link).await;
    assert!(!again.text.contains("name=\"password\""), "the link is used up");
}

#[tokio::test]
async fn a_wrong_key_makes_nobody() {
    let rig = Rig::new().await;
    web::first_run_path(&rig.room).await.unwrap();
    let fields = [("key", "wrong"), ("name", "eve"), ("password", PASSWORD), ("again", PASSWORD)];
    Browser::new(&rig).send("/first", &fields).await;
    assert!(rig.cache.users().is_empty());
}

#[tokio::test]
async fn the_demos_key_opens_a_board_as_often_as_one_likes_and_no_other_key_does() {
    let rig = Rig::new().await;
    for key in ["", "key=", "key=guessed"] {
        let path = format!("/look?{key}");
        assert_eq!(
            Browser::new(&rig).get(&path).await.status,
            404,
            "a store that is no demo has no such door"
        );
    }
    let link = web::look_path(&rig.room, &calls::AccountId::new("1")).await.unwrap();
    for _ in 0..2 {
        let mut browser = Browser::new(&rig);
        let reply = browser.get(&link).await;
        assert_eq!((reply.status.as_u16(), &reply.headers["location"]), (303, &"/a/1/now".parse().unwrap()));
        let cookie = reply.headers["set-cookie"].to_str().unwrap();
        browser.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        assert_eq!(browser.get("/a/1/now").await.status, 200);
    }
    for key in ["", "key=", "key=guessed"] {
        assert_eq!(Browser::new(&rig).get(&format!("/look?{key}")).await.status, 404);
    }
    let nameless = [("name", "demo"), ("password", "")];
    assert_eq!(Browser::new(&rig).send("/login", &nameless).await.status, 401, "no password opens it");
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_soon_not_even_looked_at() {
    let rig = Rig::new().await;
    Browser::first(&rig).await;
    let mut eve = Browser::new(&rig);
    let mut statuses = Vec::new();
    for _ in 0..9 {
        statuses.push(
            eve.send("/login", &[("name", "olga"), ("password", "wrong password")]).await.status.as_u16(),
        );
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 401, 401, 401, 429]);
    assert_eq!(eve.send("/login", &[("name", "olga"), ("password", PASSWORD)]).await.status, 429);
}

/// Wrong passwords of one peer shut out nobody else, for whatever name they were.
#[tokio::test(start_paused = true)]
async fn how_long_a_name_stays_closed_is_counted_in_time_that_passes_whatever_the_wall_says() {
    const DAY_MICROS: i64 = 86_400_000_000;
    let rig = Rig::new().await;
    let _olga = Browser::first(&rig).await;
    let mut eve = Browser::new(&rig);
    clock::ahead_by(DAY_MICROS);
    for _ in 0..8 {
        assert_eq!(
            eve.send("/login", &[("name", "olga"), ("password", "a guess of hers")]).await.status,
            401
        );
    }
    let right = [("name", "olga"), ("password", PASSWORD)];
    clock::ahead_by(2 * DAY_MICROS);
    assert_eq!(eve.send("/login", &right).await.status, 429, "set ahead it opens nothing");
    clock::ahead_by(0);
    tokio::time::advance(Duration::from_secs(15 * 60 - 5)).await;
    assert_eq!(eve.send("/login", &right).await.status, 429, "not yet");
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(eve.send("/login", &right).await.status, 303, "set right it keeps nothing closed");
}

#[tokio::test]
async fn a_right_password_from_a_peer_that_behaved_gets_in_however_many_wrong_ones_others_try() {
    let rig = Rig::new().await;
    Browser::first(&rig).await;
    let (mut eve, mut olga) = (Browser::at(&rig, "192.0.2.7"), Browser::at(&rig, "198.51.100.1"));
    let mut refused = 0;
    for number in 0..60 {
        let name = if number % 2 == 0 { "olga".to_owned() } else { format!("nobody{number}") };
        let reply = eve.send("/login", &[("name", &*name), ("password", "wrong password")]).await;
        refused += usize::from(reply.status == 429);
    }
    assert!(refused > 0, "eve is refused in the end");
    assert_eq!(olga.send("/login", &[("name", "olga"), ("password", PASSWORD)]).await.status, 303);
}

#[tokio::test]
async fn wrong_present_passwords_in_the_settings_are_counted() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let mette = Browser::made(&olga, "mette", "account").await;
    let mut statuses = Vec::new();
    for _ in 0..9 {
        let fields = [("old", "wrong password"), ("password", "another sentence")];
        statuses.push(mette.post("/a/1/settings/password", &fields).await.status.as_u16());
    }
    assert_eq!(statuses, [400, 400, 400, 400, 400, 400, 400, 400, 429]);
}

#[tokio::test]
async fn of_those_who_use_the_first_link_at_once_one_becomes_the_operator() {
    let rig = Rig::new().await;
    let link = web::first_run_path(&rig.room).await.unwrap().unwrap();
    let key = link.split_once("key=").unwrap().1.to_owned();
    let mut all = Vec::new();
    for number in 0..6 {
        let (rig, key) = (&rig, key.clone());
        all.push(async move {
            let name = format!("olga{number}");
            let fields = [("key", &*key), ("name", &name), ("password", PASSWORD), ("again", PASSWORD)];
            Browser::new(rig).send("/first", &fields).await.status.as_u16()
        });
    }
    let statuses = futures_util::future::join_all(all).await;
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
    assert_eq!(rig.cache.users().len(), 1);
}

/// A request with two hosts means one thing to a proxy and another to us.
#[tokio::test]
async fn two_hosts_are_refused_and_answers_for_machines_are_kept_by_no_cache() {
    let rig = Rig::new().await;
    let two = Request::get("/healthz").header("host", "a").header("host", "b").body(Body::empty()).unwrap();
    assert_eq!(rig.send(two).await.status, 400);
    for path in ["/healthz", "/readyz", "/metrics", "/api/v1/accounts", "/api/v1/openapi.json"] {
        let reply = rig.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(reply.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(reply.headers["cache-control"], "no-store", "{path}");
    }
}

#[tokio::test]
async fn nobody_gets_in_without_a_login_and_comes_back_after_it() {
    let rig = Rig::new().await;
    Browser::first(&rig).await;
    let mut browser = Browser::new(&rig);
    let turned = browser.get("/a/1/calls?number=7").await;
    assert_eq!(turned.headers["location"], "/login?next=%2Fa%2F1%2Fcalls%3Fnumber%3D7");
    let fields = [("name", "olga"), ("password", PASSWORD), ("next", "/a/1/calls?number=7")];
    assert_eq!(browser.send("/login", &fields).await.headers["location"], "/a/1/calls?number=7");
}

#[tokio::test]
async fn a_login_leads_to_no_other_site() {
    let rig = Rig::new().await;
    Browser::first(&rig).await;
    let elsewhere = [
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
    ];
    for next in elsewhere {
        let reply = Browser::new(&rig).send("/preferences", &[("back", next)]).await;
        assert_eq!(reply.headers["location"], "/", "{next}");
        let fields = [("name", "olga"), ("password", PASSWORD), ("next", next)];
        assert_eq!(Browser::new(&rig).send("/login", &fields).await.headers["location"], "/", "{next}");
    }
}

#[tokio::test]
async fn who_is_removed_is_out_at_once() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let mette = Browser::made(&olga, "mette", "account").await;
    assert_eq!(mette.get("/a/1/now").await.status, 200);
    olga.post("/operator/users/remove", &[("name", "mette")]).await;
    assert_eq!(mette.get("/a/1/now").await.status, 303);
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let mette = Browser::made(&olga, "mette", "account").await;
    let link = olga.post("/operator/users/link", &[("name", "mette")]).await;
    assert_eq!(mette.get("/a/1/now").await.status, 200, "not before the link is used");
    let key = super::browser::link_key(&link.text);
    let fields = [("key", &*key), ("password", "another sentence"), ("again", "another sentence")];
    assert_eq!(Browser::new(&rig).send("/welcome", &fields).await.status, 303);
    assert_eq!(mette.get("/a/1/now").await.status, 303);
}

#[tokio::test]
async fn logging_out_ends_the_session() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    olga.post("/logout", &[]).await;
    assert_eq!(olga.get("/operator/accounts").await.status, 303);
}

#[tokio::test]
async fn the_last_operator_stays() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    assert_eq!(olga.post("/operator/users/remove", &[("name", "olga")]).await.status, 409);
    let fields = [("name", "olga"), ("scope", "account"), ("account", "1")];
    assert_eq!(olga.post("/operator/users", &fields).await.status, 409);
    assert_eq!(olga.get("/operator/accounts").await.status, 200);
}

/// Whoever is turned away can read why, and the address they are given is a place in the manual.
#[tokio::test]
async fn a_refusal_leads_to_the_part_of_the_manual_that_tells_why() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let reader = Browser::made(&olga, "rita", "read-only").await;
    for language in ["da", "en"] {
        let olga = olga.in_language(language);
        let nowhere = olga.get("/a/nobody/calls").await;
        let may_not = reader.in_language(language).post("/a/1/settings", &[("name", "x")]).await;
        assert_eq!((nowhere.status.as_u16(), may_not.status.as_u16()), (404, 403));
        for page in [nowhere, may_not] {
            let link = page.text.split_once("href=\"/help#").expect("a link to the manual").1;
            let place = link.split_once('"').unwrap().0;
            let manual = olga.get("/help").await.text;
            assert!(manual.contains(&format!("id=\"{place}\"")), "{place}");
        }
    }
}
