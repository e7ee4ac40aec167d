//! Every route, and what it answers whom: written to `docs/routes.md`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use regex::Regex;

use crate::api::roles::TABLE;
use crate::window::roles::{FORMS, PAGES};

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/routes.md");
/// Where the window's routes are, and what stands before them.
const SOURCES: [(&str, &str); 2] = [
    (include_str!("../../src/window/mod.rs"), ""),
    (include_str!("../../src/window/operator/mod.rs"), "/operator"),
];
/// Doors everybody may knock at, and what is behind them.
const OPEN: [(&str, &str, &str); 21] = [
    ("GET", "/login", "the form; who is logged in is sent on"),
    ("POST", "/login", "a session, for a name and its password"),
    ("GET", "/login/oidc", "the way to the OpenID provider, where `[oidc]` names one; else 404"),
    (
        "GET",
        "/login/oidc/back",
        "a session, for a person the provider vouches for and the browser that was sent there",
    ),
    ("POST", "/logout", "the end of one's own session"),
    ("GET", "/first", "the first operator's form, for the one-time link only"),
    ("POST", "/first", "the first operator, for the one-time link only"),
    ("GET", "/welcome", "the form to choose a password, for a person's one-time link only"),
    ("POST", "/welcome", "that person's password and a session, for their one-time link only"),
    ("GET", "/look", "the demo's board, for the demo's key only; else 404"),
    ("POST", "/preferences", "one's own language and look"),
    ("POST", "/a/{own}/settings/password", "one's own password, for the present one"),
    ("GET", "/help", "the window's manual"),
    ("GET", "/help/{page}", "`receive` and `events`: what an integrator reads"),
    ("GET", "/assets/{name}", "style, scripts and the icon: the same for all"),
    ("GET", "/api/v1/openapi.json", "the description of the API"),
    ("GET", "/api/v1/asyncapi.json", "the events, as AsyncAPI describes them"),
    ("GET", "/api/v1/events.schema.json", "the events' JSON Schema"),
    ("GET", "/healthz", "whether the program runs"),
    ("GET", "/readyz", "whether it does its work"),
    ("GET", "/metrics", "figures, where `[http] metrics` does not keep them to a token"),
];

fn head(text: &mut String, title: &str) {
    text.push_str(&format!(
        "\n## {title}\n\n| | | nobody | read only | account administrator | operator |\n"
    ));
    text.push_str("|---|---|---|---|---|---|\n");
}

/// A row; accounts 1 and 2 are those of the tests.
fn row(text: &mut String, method: &str, path: &str, answers: &[u16; 4]) {
    let path = path
        .replace("/a/1", "/a/{own}")
        .replace("/a/2", "/a/{another}")
        .replace("/a/nowhere", "/a/{unknown}")
        .replace("/accounts/1", "/accounts/{own}")
        .replace("account=1", "account={own}")
        .replace("account=2", "account={another}")
        .replace("/pbx1-1.1", "/{leg}")
        .replace("/deliveries/{own}", "/deliveries/{delivery}")
        .replace("/7", "/{number}")
        .replace("/spare", "/{token}")
        .replace("/tokens/own", "/tokens/{token}")
        .replace("/users/mette", "/users/{name}")
        .replace("/test/nowhere", "/test/{call}");
    let word = |answer: &u16| match answer {
        0 => "yes".to_owned(),
        303 => "log in".to_owned(),
        other => other.to_string(),
    };
    let words = answers.iter().map(word).collect::<Vec<_>>().join(" | ");
    let _ = writeln!(text, "| {method} | `{path}` | {words} |");
}

fn written() -> String {
    let mut text = "# Every route, and whom it answers\n\n\
        Written by the tests that walk all of them as every role (`every_page_and_form_answers_every_role_as_the_table_says`,\n\
        `every_route_answers_every_role_as_the_table_says`); `RINGBUD_WRITE=1 cargo test -p web` writes it anew. *log in*: on\n\
        to the login and back. Another account's things are answered as if they were not there.\n"
        .to_owned();
    head(&mut text, "Pages");
    PAGES.iter().for_each(|(path, answers)| row(&mut text, "GET", path, answers));
    head(&mut text, "Forms");
    FORMS.iter().for_each(|(path, _, answers)| row(&mut text, "POST", path, answers));
    head(&mut text, "API");
    TABLE
        .iter()
        .for_each(|(method, path, _, answers)| row(&mut text, method, &format!("/api/v1{path}"), answers));
    text.push_str("\n## Open to all\n\n| | | what is behind it |\n|---|---|---|\n");
    for (method, path, what) in OPEN {
        let _ = writeln!(text, "| {method} | `{path}` | {what} |");
    }
    text
}

#[test]
fn the_table_of_routes_in_docs_is_that_of_the_tests() {
    let now = written();
    if std::env::var_os("RINGBUD_WRITE").is_some() {
        std::fs::write(KEPT, &now).unwrap();
    }
    let kept = std::fs::read_to_string(KEPT).unwrap_or_default();
    assert!(kept == now, "docs/routes.md is not what the tests walk: run RINGBUD_WRITE=1 cargo test -p web");
}

/// Method and path with its names blanked: what is not the same for every call, leg, delivery.
fn shape(method: &str, path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let named = |before: &str, part: &str| {
        part.starts_with('{') || before == "a" || before == "calls" || before == "assets" || before == "test"
    };
    let mut before = "";
    let mut shape = method.to_owned();
    for part in path.split('/').skip(1) {
        shape.push('/');
        shape.push_str(if named(before, part) { "*" } else { part });
        before = part;
    }
    shape
}

#[test]
fn every_route_of_the_window_is_walked_or_open() {
    let pages = PAGES.iter().map(|(path, _)| shape("GET", path));
    let forms = FORMS.iter().map(|(path, ..)| shape("POST", path));
    let open = OPEN.iter().map(|(method, path, _)| shape(method, path));
    let known: BTreeSet<String> = pages.chain(forms).chain(open).collect();
    let route = Regex::new(r#"\.route\(\s*"([^"]+)",\s*(get|post)\([a-z_:]+\)(\.post)?"#).unwrap();
    let mut seen = 0;
    for (source, prefix) in SOURCES {
        // What follows belongs to an account.
        let of_account = source.find("fn account_pages").unwrap_or(source.len());
        for found in route.captures_iter(source) {
            let prefix = if found.get(0).unwrap().start() > of_account { "/a/*" } else { prefix };
            let path = format!("{prefix}{}", &found[1]);
            let methods = [Some(&found[2]), found.get(3).map(|_| "post")];
            for method in methods.into_iter().flatten() {
                let shape = shape(&method.to_uppercase(), &path);
                assert!(known.contains(&shape), "{shape} is in no table of roles: {known:#?}");
                seen += 1;
            }
        }
        assert_eq!(source.matches(".route(").count(), route.captures_iter(source).count(), "each is read");
    }
    assert!(seen > 45, "{seen} routes were found");
}
