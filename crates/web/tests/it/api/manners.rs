use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;

use crate::rig::Rig;

#[tokio::test]
async fn every_refusal_has_the_envelope() {
    let rig = Rig::new().await;
    let operator = rig.operator.clone();
    let big = format!(r#"{{"name": "{}"}}"#, "x".repeat(300 * 1024));
    for (method, token, path, body, status, code) in [
        ("GET", "", "/api/v1/accounts", "", 401, "unauthorized"),
        ("GET", "rb_wrong", "/api/v1/accounts", "", 401, "unauthorized"),
        ("GET", &*operator, "/api/v1/nothing", "", 404, "not_found"),
        ("GET", &*operator, "/api/v1/accounts/9/calls", "", 404, "not_found"),
        ("PATCH", &*operator, "/api/v1/accounts/1", "", 405, "method_not_allowed"),
        ("PUT", &*operator, "/api/v1/accounts/1", &*big, 413, "too_large"),
        ("PUT", &*operator, "/api/v1/accounts/1", "{\n\"name\": }", 400, "not_json"),
        ("PUT", &*operator, "/api/v1/accounts/1", "", 400, "not_json"),
        ("PUT", &*operator, "/api/v1/accounts/1", "[]", 400, "not_json"),
        ("GET", &*operator, "/api/v1/accounts/1/calls?limit=0", "", 400, "invalid"),
        ("GET", &*operator, "/api/v1/accounts/1/calls?page=2", "", 400, "invalid"),
        ("GET", &*operator, "/api/v1/accounts/1/calls?from=yesterday", "", 400, "invalid"),
    ] {
        let reply = rig.ask(method, token, path, body).await;
        assert_eq!(reply.status.as_u16(), status, "{method} {path}: {}", reply.text);
        assert_eq!(reply.error().0, code, "{method} {path}");
        // As RFC 9457 has it, whatever the refusal.
        assert_eq!(reply.headers["content-type"], "application/problem+json", "{method} {path}");
        let problem = reply.json();
        let reason = problem["error"]["reason"]["code"].as_str().unwrap();
        assert_eq!(problem["type"], format!("urn:ringbud:problem:{reason}"));
        assert_eq!(problem["status"], status);
        assert_eq!(problem["detail"], problem["error"]["message"]);
        assert!(!problem["title"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn broken_json_is_told_by_line_and_column() {
    let rig = Rig::new().await;
    let reply = rig.put(&rig.operator, "/api/v1/accounts/1", "{\n  \"name\": oops\n}").await;
    assert!(reply.text.contains("line 2, column 11"), "{}", reply.text);
}

#[tokio::test]
async fn a_lost_update_is_refused() {
    let rig = Rig::new().await;
    let at = "/api/v1/accounts/1";
    let tag = rig.get(&rig.operator, at).await.headers["etag"].to_str().unwrap().to_owned();
    let mine = rig.ask_with("PUT", &rig.operator, at, r#"{"name": "A"}"#, &[("if-match", &tag)]).await;
    assert_eq!(mine.status, 200);
    let theirs = rig.ask_with("PUT", &rig.operator, at, r#"{"name": "B"}"#, &[("if-match", &tag)]).await;
    assert_eq!((theirs.status.as_u16(), theirs.error().0.as_str()), (412, "changed_meanwhile"));
    assert_eq!(rig.get(&rig.operator, at).await.json()["name"], "A");
}

#[tokio::test]
async fn only_new_means_only_new() {
    let rig = Rig::new().await;
    let only_new = [("if-none-match", "*")];
    let there = rig.ask_with("PUT", &rig.operator, "/api/v1/accounts/1", "{}", &only_new).await;
    assert_eq!(there.status, 412);
    let new = rig.ask_with("PUT", &rig.operator, "/api/v1/accounts/new", "{}", &only_new).await;
    assert_eq!(new.status, 201);
}

#[tokio::test]
async fn machines_ask_without_a_token() {
    let rig = Rig::new().await;
    assert_eq!(rig.get("", "/healthz").await.status, 200);
    assert_eq!(rig.get("", "/readyz").await.json()["ready"], true);
    assert!(rig.get("", "/metrics").await.text.contains("ringbud_up 1"));
}

#[tokio::test]
async fn metrics_are_closed_where_the_operator_wants_it() {
    let options = web::Options { metrics_need_token: true, ..web::Options::default() };
    let rig = Rig::with(options).await;
    assert_eq!(rig.get("", "/metrics").await.status, 401);
    assert_eq!(rig.get(&rig.admin, "/metrics").await.status, 403);
    assert_eq!(rig.get(&rig.operator, "/metrics").await.status, 200);
}

/// A gateway that works, and one of whose PBXs is down.
fn a_pbx_is_down(rig: &Rig) {
    let detail = admin::ReadyDetail {
        code: "unreachable",
        pbx: Some("pbx1".to_owned()),
        what: "10.1.2.3:5038 cannot be reached".to_owned(),
        since: Some(admin::kept::WallTime(1_795_343_903_000_000)),
        unready: false,
        unfollowed: true,
    };
    let readiness = admin::Readiness { ready: true, reasons: Vec::new(), details: vec![detail] };
    *rig.gateway.readiness.lock().unwrap() = readiness;
}

#[tokio::test]
async fn a_pbx_that_is_down_counts_where_the_question_is_strict() {
    let rig = Rig::new().await;
    assert_eq!(rig.get("", "/readyz?strict").await.status, 200);
    a_pbx_is_down(&rig);
    assert_eq!(rig.get("", "/readyz").await.status, 200);
    let strict = rig.get("", "/readyz?strict").await;
    assert_eq!((strict.status.as_u16(), &strict.json()["ready"]), (503, &false.into()));
    assert!(!strict.text.contains("10.1.2.3"), "{}", strict.text);
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_codes_to_operators_and_to_this_machine_alone() {
    let rig = Rig::new().await;
    a_pbx_is_down(&rig);
    assert_eq!(rig.get("", "/readyz?verbose").await.status, 401);
    assert_eq!(rig.get(&rig.admin, "/readyz?verbose").await.status, 403);
    let told = rig.get(&rig.operator, "/readyz?verbose").await;
    assert_eq!(told.status, 200);
    let detail = &told.json()["details"][0];
    assert_eq!(
        detail,
        &serde_json::json!({
            "code": "unreachable", "pbx": "pbx1", "what": "10.1.2.3:5038 cannot be reached",
            "since": "2026-11-22T10:38:23Z", "unready": false, "unfollowed": true,
        })
    );
    let from = |address: &str, proxied: bool| {
        let address: std::net::IpAddr = address.parse().unwrap();
        let ask = Request::get("/readyz?strict&verbose");
        let ask = ask.extension(ConnectInfo(std::net::SocketAddr::new(address, 4711)));
        let ask = if proxied { ask.header("x-forwarded-for", "198.51.100.1") } else { ask };
        rig.send(ask.body(Body::empty()).unwrap())
    };
    assert_eq!(from("127.0.0.1", false).await.json()["details"][0]["code"], "unreachable");
    assert_eq!(from("::1", false).await.status, 503);
    assert_eq!(from("127.0.0.1", true).await.status, 401, "a proxy on this machine asks for somebody else");
    assert_eq!(from("192.0.2.7", false).await.status, 401);
}
