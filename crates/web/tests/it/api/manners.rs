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
