//! How much a page is on the wire, with all it is made of.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use journal::settings::{Employee, Holder, Phone, Setting, SettingKey};

use super::browser::Browser;
use crate::rig::{self, Rig};

/// What a page may be, styles and scripts included.
const MAX_BYTES: usize = 60_000;
/// One with secrets on it is not compressed: a header's value must not show in its length.
const MAX_BYTES_OF_SECRETS: usize = 100_000;
/// A large account: everybody has a phone, and calls.
const EMPLOYEES: i64 = 300;
const PAGES: [&str; 18] = [
    "/login",
    "/a/1/now",
    "/a/1/calls",
    "/a/1/calls/pbx1-7.1",
    "/a/1/report?from=2026-11-01&until=2026-11-30",
    "/a/1/integration",
    "/a/1/deliveries",
    "/a/1/people",
    "/a/1/people?from=300",
    "/a/1/settings",
    "/a/1/audit",
    "/operator/accounts",
    "/operator/links",
    "/operator/health",
    "/operator/users",
    "/operator/privacy",
    "/a/1/access",
    "/operator/audit",
];

async fn large() -> Rig {
    let rig = Rig::new().await;
    let url = r#"{"incoming_url": "https://crm.example/ring", "ended_url": "https://crm.example/ring"}"#;
    rig.put(&rig.operator, "/api/v1/accounts/1/integration", url).await;
    let id = rig.cache.account(&calls::AccountId::new("1")).unwrap().integration().unwrap().0;
    for employee in 0..EMPLOYEES {
        let number = 100 + employee;
        let (account, local) = (calls::AccountId::new("1"), number.to_string());
        let name = format!("Anne-Mette Østergård {number}");
        let phone = Phone { holder: Holder::SameNumber, name: String::new() };
        for (key, setting) in [
            (SettingKey::Employee(account.clone(), local.clone()), Setting::Employee(Employee { name })),
            (SettingKey::Phone(account, local), Setting::Phone(phone)),
        ] {
            rig.cache.put(key, Some(setting), None).await.unwrap();
        }
        let mut events = rig::call(employee);
        for event in &mut events {
            let mut phone = (*event.phone).clone();
            let number = number.to_string();
            phone.employee = Some(calls::Employee { number: number.as_str().into(), name: "Anne".into() });
            event.phone = phone.into();
        }
        rig.keep_for(events, &[id]).await;
    }
    rig
}

/// Bytes of an asset as a browser gets it.
async fn asset(rig: &Rig, path: &str) -> usize {
    let request = Request::get(path).header("accept-encoding", "gzip, deflate, br");
    let response = rig.open(request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.headers()["content-encoding"], "gzip", "{path}");
    response.into_body().collect().await.unwrap().to_bytes().len()
}

/// Bytes of a page as a browser gets it, and whether they are compressed.
async fn packed(browser: &Browser<'_>, path: &str) -> (usize, bool) {
    let request = browser.request("GET", path).header("accept-encoding", "gzip, deflate, br");
    let response = browser.rig.open(request.body(Body::empty()).unwrap()).await;
    let is_packed = response.headers().contains_key("content-encoding");
    (response.into_body().collect().await.unwrap().to_bytes().len(), is_packed)
}

fn assets(page: &str) -> BTreeSet<&str> {
    page.match_indices("/assets/").filter_map(|(at, _)| page[at..].split('"').next()).collect()
}

#[tokio::test]
async fn a_page_is_under_sixty_kilobytes_with_all_it_is_made_of() {
    let rig = large().await;
    let olga = Browser::first(&rig).await;
    let mut large = Vec::new();
    for path in PAGES {
        let reply = olga.get(path).await;
        assert_eq!(reply.status, 200, "{path}");
        let (html, is_packed) = packed(&olga, path).await;
        let mut bytes = html;
        for path in assets(&reply.text) {
            bytes += asset(&rig, path).await;
        }
        let most = if is_packed { MAX_BYTES } else { MAX_BYTES_OF_SECRETS };
        assert_eq!(is_packed, path != "/login", "{path}");
        if bytes >= most {
            large.push(format!("{path}: {bytes} bytes"));
        }
        println!("{path}: {bytes} bytes, {html} of them HTML ({} unpacked)", reply.text.len());
    }
    assert_eq!(large, Vec::<String>::new());
}

/// Also on a page that says nothing else of its query, for the sake of the secrets on it.
#[tokio::test]
async fn what_was_done_is_said_on_every_page_in_our_words_alone() {
    let rig = large().await;
    let olga = Browser::first(&rig).await;
    for path in PAGES.iter().filter(|path| **path != "/login") {
        let and = if path.contains('?') { '&' } else { '?' };
        let told = olga.get(&format!("{path}{and}done=saved")).await.text;
        assert!(told.contains(r#"<p class="notice done" role="status">"#), "{path} says nothing");
        let told = olga.get(&format!("{path}{and}done=made-up-by-a-visitor")).await.text;
        assert!(!told.contains(r#"<p class="notice done" role="status">"#), "{path}");
    }
}

#[tokio::test]
async fn who_reads_no_gzip_gets_assets_as_they_are() {
    let rig = Rig::new().await;
    let page = Browser::new(&rig).get("/login").await.text;
    let path = assets(&page).into_iter().next().unwrap();
    for accepts in ["", "br", "gzip;q=0"] {
        let request = Request::get(path).header("accept-encoding", accepts);
        let response = rig.open(request.body(Body::empty()).unwrap()).await;
        assert!(!response.headers().contains_key("content-encoding"), "{accepts}");
        assert_eq!(response.headers()["vary"], "accept-encoding");
    }
}

#[tokio::test]
async fn a_packed_page_is_the_page_and_its_length_tells_nothing() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let mut lengths = BTreeSet::new();
    for _ in 0..20 {
        let request = olga.request("GET", "/a/1/settings?q=x").header("accept-encoding", "gzip");
        let response = rig.open(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.headers()["vary"], "accept-encoding");
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        lengths.insert(bytes.len());
        let mut text = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut text).unwrap();
        assert!(text.contains("<title>Indstillinger") && text.trim_end().ends_with("</html>"), "{text}");
    }
    assert!(lengths.len() > 5, "{lengths:?}");
    let csrf = async || {
        let page = olga.get("/a/1/settings").await.text;
        page.split_once("name=\"_csrf\" value=\"").unwrap().1.split('"').next().unwrap().to_owned()
    };
    assert_ne!(csrf().await, csrf().await, "a form's secret looks different on every page");
}

#[tokio::test]
async fn the_pages_of_many_employees_and_phones_join() {
    let rig = large().await;
    let olga = Browser::first(&rig).await;
    let (mut path, mut seen) = ("/a/1/people".to_owned(), BTreeSet::new());
    for _ in 0..20 {
        let text = olga.get(&path).await.text;
        let ids = |mark: &str| -> Vec<String> {
            let found = text.match_indices(mark).map(|(at, _)| text[at + mark.len()..].split('"').next());
            found.flatten().map(str::to_owned).collect()
        };
        let (people, phones) = (ids("id=\"en-"), ids("id=\"ph-"));
        assert!(people.len() <= 30 && phones.len() <= 40);
        seen.extend(people.into_iter().map(|number| ("employee", number)));
        seen.extend(phones.into_iter().map(|number| ("phone", number)));
        let Some((_, rest)) = text.split_once("class=\"button\" href=\"/a/1/people?from=") else { break };
        path = format!("/a/1/people?from={}", rest.split('"').next().unwrap());
    }
    assert_eq!(seen.len(), 600);
}
