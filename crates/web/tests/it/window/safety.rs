use super::browser::Browser;
use crate::rig::Rig;

#[tokio::test]
async fn a_form_without_the_sessions_token_changes_nothing() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    for token in ["", "wrong"] {
        let reply = olga.post_as_it_is("/a/1/settings", &[("name", "Evil"), ("_csrf", token)]).await;
        assert_eq!(reply.status, 403);
    }
    assert!(!olga.get("/a/1/settings").await.text.contains("Evil"));
}

#[tokio::test]
async fn a_login_from_another_site_is_refused() {
    let rig = Rig::new().await;
    Browser::first(&rig).await;
    let headers = [("sec-fetch-site", "cross-site"), ("content-type", "application/x-www-form-urlencoded")];
    let reply = rig.ask_with("POST", "", "/login", "name=olga&password=x", &headers).await;
    assert_eq!(reply.status, 403);
}

#[tokio::test]
async fn markup_in_names_numbers_and_answers_stays_text() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    olga.post("/a/1/people/employee", &[("number", "101"), ("name", evil)]).await;
    olga.post("/a/1/settings", &[("name", evil)]).await;
    rig.put(
        &rig.operator,
        "/api/v1/accounts/1/integration",
        r#"{"ended_url": "https://crm.example/?a=%22%3E"}"#,
    )
    .await;
    let test = olga.post("/a/1/integration/test", &[("employee", "101")]).await;
    assert!(test.text.contains("&#60;script&#62;"), "the answer is shown, as text");
    let mut pages = vec![test];
    for page in ["now", "calls", "report", "integration", "people", "settings", "deliveries"] {
        pages.push(olga.get(&format!("/a/1/{page}")).await);
    }
    for page in pages {
        assert!(!page.text.contains("<script>alert") && !page.text.contains("<img src=x"), "{}", page.text);
    }
}

#[tokio::test]
async fn no_page_has_script_or_style_of_its_own() {
    let rig = Rig::new().await;
    rig.keep_call(1, &[]).await;
    let olga = Browser::first(&rig).await;
    let attribute = regex::Regex::new(r#"<[^>]*\s(on[a-z]+|style)="#).unwrap();
    for page in [
        "/a/1/now",
        "/a/1/calls",
        "/a/1/calls/pbx1-1.1",
        "/a/1/report",
        "/a/1/integration",
        "/operator/links",
    ] {
        let reply = olga.get(page).await;
        let policy = reply.headers["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(!attribute.is_match(&reply.text), "{page}: {:?}", attribute.find(&reply.text));
        assert!(!reply.text.contains("<script>") && !reply.text.contains("<style"), "{page}");
        assert!(reply.text.len() < 100_000, "{page} is {} bytes", reply.text.len());
    }
}

#[tokio::test]
async fn two_administrators_do_not_overwrite_each_other() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let fields = |url| vec![("method", "POST"), ("version", "0"), ("ended_url", url)];
    assert_eq!(olga.post("/a/1/integration", &fields("https://first.example/")).await.status, 303);
    let second = olga.post("/a/1/integration", &fields("https://second.example/")).await;
    assert_eq!(second.status, 409);
    assert!(second.text.contains("https://second.example/"), "nothing typed is lost");
    assert!(olga.get("/a/1/integration").await.text.contains("https://first.example/"));
}

#[tokio::test]
async fn assets_are_kept_by_their_hash() {
    let rig = Rig::new().await;
    let page = Browser::new(&rig).get("/login").await.text;
    let at = page.find("/assets/").unwrap();
    let asset = page[at..].split('"').next().unwrap();
    let reply = rig.get("", asset).await;
    assert_eq!(reply.status, 200);
    assert!(reply.headers["cache-control"].to_str().unwrap().contains("immutable"));
    assert_eq!(rig.get("", "/assets/0000-window.css").await.status, 404);
}

#[tokio::test]
async fn everything_works_under_a_sub_path() {
    let options = web::Options { path: "/pbx".to_owned(), ..web::Options::default() };
    let rig = Rig::with(options).await;
    let login = rig.get("", "/pbx/login").await;
    assert!(
        login.text.contains("action=\"/pbx/login\"") && login.text.contains("\"/pbx/assets/"),
        "{}",
        login.text
    );
    let turned = rig.get("", "/pbx/a/1/calls").await;
    assert_eq!(turned.headers["location"], "/pbx/login?next=%2Fa%2F1%2Fcalls");
    assert_eq!(rig.get("", "/pbx/healthz").await.status, 200);
}
