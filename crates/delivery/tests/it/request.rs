//! One HTTP request, byte for byte.

use calls::{Event, EventKind};
use delivery::request::{Compiled, NoRequest, Rendered, check_header};
use delivery::signing::{self, Key};
use journal::WallTime;
use journal::settings::{BodyFormat, Credentials, Integration, Method, Secret, SigningSecret};

use crate::support::event;
use crate::support::gateway::everything_to;

const AT: WallTime = WallTime(1_795_337_581_500_000);

fn rendered(settings: &Integration, event: &Event) -> Rendered {
    Compiled::new(event.kind(), settings).expect("a request").render(event, AT)
}

fn target(url: &str, method: Method) -> String {
    let settings = Integration { method, ..everything_to(url) };
    let rendered = rendered(&settings, &event(EventKind::Outgoing, "a"));
    String::from_utf8(rendered.target.to_vec()).expect("text")
}

#[test]
fn a_form_is_encoded_by_the_url_standard() {
    let settings = everything_to("https://crm.example.com/hook");
    let request = rendered(&settings, &event(EventKind::Outgoing, "a"));
    assert_eq!(
        request.body,
        "AccountId=1001&UniqueCallId=pbx1-a.7&EmployeeLocalNumber=201&ANumber=%2B4512345678&\
         TimeStamp=2026-11-22T09%3A53%3A00%2B01%3A00&PhoneLocalNumber=101&BNumber=70+10+20+30"
    );
    assert_eq!(request.target, "/hook");
    assert_eq!(request.headers["host"], "crm.example.com");
}

#[test]
fn a_get_joins_its_parameters_to_the_query_it_has() {
    let long = "AccountId=1001&UniqueCallId=pbx1-a.7&EmployeeLocalNumber=201&ANumber=%2B4512345678&\
                TimeStamp=2026-11-22T09%3A53%3A00%2B01%3A00&PhoneLocalNumber=101&BNumber=70+10+20+30";
    assert_eq!(target("http://h/x", Method::Get), format!("/x?{long}"));
    assert_eq!(target("http://h", Method::Get), format!("/?{long}"));
    assert_eq!(target("http://h/x?", Method::Get), format!("/x?{long}"));
    assert_eq!(target("http://h/x?a=1&b=%20#part", Method::Get), format!("/x?a=1&b=%20&{long}"));
    assert_eq!(target("http://h/x?a=1&", Method::Get), format!("/x?a=1&{long}"));
}

#[test]
fn placeholders_are_replaced_in_path_and_query() {
    assert_eq!(
        target("http://h/{AccountId}/{BNumber}?to={ANumber}&x={Nothing}", Method::Post),
        "/1001/70%2010%2020%2030?to=%2B4512345678&x={Nothing}"
    );
    assert_eq!(target("http://h/%7BAccountId%7D?d={Duration}", Method::Post), "/1001?d=0");
}

#[test]
fn a_value_cannot_break_out_of_its_place() {
    let mut event = event(EventKind::Incoming, "a");
    event.a_number = "1&Transfer=True#/../\"\r\n{BNumber}".into();
    let json = Integration { body_format: BodyFormat::Json, ..everything_to("http://h/{ANumber}") };
    let request = rendered(&json, &event);
    assert_eq!(request.target, "/1%26Transfer%3DTrue%23%2F..%2F%22%0D%0A%7BBNumber%7D");
    let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
    assert_eq!(body["ANumber"], "1&Transfer=True#/../\"\r\n{BNumber}");
    let form = rendered(&everything_to("http://h/"), &event);
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(&form.body).into_owned().collect();
    assert_eq!(pairs.len(), 7);
    assert_eq!(pairs[3].1, &*event.a_number);
}

#[test]
fn json_is_one_object_of_strings_in_order() {
    let settings = Integration { body_format: BodyFormat::Json, ..everything_to("http://h/") };
    let request = rendered(&settings, &event(EventKind::Ended, "a"));
    assert_eq!(
        request.body,
        r#"{"AccountId":"1001","UniqueCallId":"pbx1-a.7","Duration":"3","Transfer":"True","CallDirection":"Incoming","TransferedUniqueId":"pbx1-1795337570.6","TransferedNumber":"+4512345678","TransferTo":"302"}"#
    );
    assert_eq!(request.headers["content-type"], "application/json");
}

#[test]
fn secrets_are_sent_and_never_shown() {
    let credentials = Credentials::Basic { username: "me".to_owned(), password: Secret::new("hunter2") };
    let settings = Integration {
        credentials: Some(credentials),
        headers: vec![
            ("X-Api-Key".to_owned(), "abc123".to_owned()),
            ("X-Tenant".to_owned(), "north".to_owned()),
        ],
        ..everything_to("http://h/")
    };
    let event = event(EventKind::Ended, "a");
    let compiled = Compiled::new(EventKind::Ended, &settings).expect("a request");
    let request = compiled.render(&event, AT);
    assert_eq!(request.headers["authorization"], "Basic bWU6aHVudGVyMg==");
    assert_eq!(request.headers["x-api-key"], "abc123");
    let shown = format!(
        "{:?} {} {compiled:?} {request:?}",
        compiled.shown_headers(&request),
        compiled.curl(&request)
    );
    assert!(!shown.contains("bWU6") && !shown.contains("abc123") && !shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("north") && shown.contains("Basic •••"), "{shown}");
}

#[test]
fn headers_that_are_not_the_accounts_are_refused() {
    assert!(check_header("X-Tenant", "north").is_ok());
    for name in ["Host", "content-length", "Webhook-Id", "connection"] {
        assert!(check_header(name, "x").expect_err("reserved").to_string().contains("ringbud itself"));
    }
    assert!(check_header("X Y", "x").is_err());
    assert!(check_header("X-Y", "a\r\nHost: evil").is_err());
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn signed(method: Method, older_until: WallTime) -> (Rendered, Vec<Key>) {
    let secret = |text: &str, until| SigningSecret { secret: Secret::new(text), until };
    let settings = Integration {
        method,
        secrets: vec![secret(SECRET, None), secret(OTHER, Some(older_until))],
        ..everything_to("http://h/x?a=1")
    };
    let keys = [SECRET, OTHER].map(|text| Key::parse(text).expect("a key")).to_vec();
    (rendered(&settings, &event(EventKind::Ended, "a")), keys)
}

fn header<'a>(request: &'a Rendered, name: &str) -> &'a str {
    request.headers[name].to_str().expect("text")
}

#[test]
fn a_post_is_signed_over_its_body_by_every_secret_in_use() {
    let (request, keys) = signed(Method::Post, WallTime(AT.0 + 1));
    let (id, at, signature) = (
        header(&request, "webhook-id"),
        header(&request, "webhook-timestamp"),
        header(&request, "webhook-signature"),
    );
    assert_eq!(id, "pbx1-a-7-ended");
    assert_eq!(at, "1795337581");
    assert_eq!(signature.split(' ').count(), 2);
    for key in keys {
        signing::verify(&[key], id, at, signature, &request.body, 1_795_337_600).expect("verified");
    }
}

#[test]
fn a_get_is_signed_over_its_request_target() {
    let (request, keys) = signed(Method::Get, WallTime(AT.0 + 1));
    let (id, at) = (header(&request, "webhook-id"), header(&request, "webhook-timestamp"));
    let signature = header(&request, "webhook-signature");
    signing::verify(&keys, id, at, signature, &request.target, 1_795_337_600).expect("verified");
}

#[test]
fn a_rotated_secret_is_not_used_after_its_time() {
    let (request, keys) = signed(Method::Post, AT);
    let signature = header(&request, "webhook-signature");
    assert_eq!(signature.split(' ').count(), 1);
    let verified =
        signing::verify(&keys[1..], "pbx1-a-7-ended", "1795337581", signature, &request.body, 1_795_337_581);
    assert!(verified.is_err());
}

#[test]
fn an_empty_url_makes_no_request() {
    let settings = Integration { ended_url: None, ..everything_to("http://h/") };
    assert_eq!(Compiled::new(EventKind::Ended, &settings).expect_err("off"), NoRequest::SwitchedOff);
}
