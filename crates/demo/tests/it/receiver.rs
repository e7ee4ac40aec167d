//! The receiver takes requests as an integrator's server would, and shows what was in them.

use std::net::SocketAddr;
use std::time::Duration;

use demo::paint::Paint;
use demo::receiver::print::{Printer, Voice, run};
use demo::receiver::{BODY_BYTES_MAX, Receiver, ReceiverOptions, Script};
use http::StatusCode;
use jiff::tz::TimeZone;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const FORM: &str = "application/x-www-form-urlencoded";
const INCOMING: &str = "AccountId=1001&UniqueCallId=pbx1-1795343903.1&LinkedUniqueCallId=pbx1-1795343903.0&\
    EmployeeLocalNumber=101&Calledphone=101&ANumber=%2B4512345678&TimeStamp=2026-11-22T09%3A53%3A00%2B01%3A00";
const ENDED: &str = "AccountId=1001&Unique+CallId=pbx1-1795343903.1&Duration=31&CallDirection=Incoming&Transfer=True&\
    TransferedUniqueId=pbx1-1795343903.0&TransferedNumber=%2B4512345678&TransferTo=102";

async fn receiver() -> Receiver {
    Receiver::start(ReceiverOptions::default()).await.expect("a free port")
}

/// Sends a request and gives back the first line of the answer.
async fn send(address: SocketAddr, line: &str, kind: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("the receiver listens");
    let length = body.len();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("the receiver reads");
    // The rest of a body that is refused may not be read any more.
    let _ = stream.write_all(body.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn query_form_and_json_give_the_same_parameters() {
    let mut receiver = receiver().await;
    let address = receiver.address();
    send(address, "GET /hook?ANumber=%2B45+1&AccountId=S%C3%B8", "", "").await;
    send(address, "POST /hook", FORM, "ANumber=%2B45+1&AccountId=S%C3%B8").await;
    send(address, "POST /hook", "application/json", r#"{"ANumber": "+45 1", "AccountId": "Sø"}"#).await;
    for _ in 0..3 {
        let request = receiver.next().await.expect("a request");
        assert_eq!((request.parameter("ANumber"), request.parameter("AccountId")), ("+45 1", "Sø"));
    }
}

#[tokio::test]
async fn the_event_is_read_from_the_parameter_the_path_or_what_else_is_there() {
    let mut receiver = receiver().await;
    let address = receiver.address();
    for (line, body, event) in [
        ("POST /x", "Event=Answered&Duration=3", Some("Answered")),
        ("POST /crm/ended.php", "", Some("Ended")),
        ("POST /x", INCOMING, Some("Incoming")),
        ("POST /x", ENDED, Some("Ended")),
        ("POST /x", "EmployeeLocalNumber=101&PhoneLocalNumber=101&BNumber=1", Some("Outgoing")),
        ("POST /x", "EmployeeLocalNumber=101&ANumber=1", Some("Answered")),
        ("POST /x", "", None),
    ] {
        send(address, line, FORM, body).await;
        assert_eq!(receiver.next().await.expect("a request").event(), event, "{line} {body}");
    }
}

#[tokio::test]
async fn a_script_is_answered_in_order_and_its_last_status_goes_on() {
    let mut receiver = receiver().await;
    let address = receiver.address();
    receiver.behave("503*2,204".parse::<Script>().expect("a script"), Duration::ZERO);
    for status in [503, 503, 204, 204] {
        let answer = send(address, "POST /", FORM, "").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        assert_eq!(receiver.next().await.expect("a request").status.as_u16(), status);
    }
}

#[test]
fn a_script_that_is_none_says_what_one_is() {
    for text in ["", "ok", "99", "700", "200*0", "200,,200", "200*1001", "200*600,200*600"] {
        let error = text.parse::<Script>().expect_err(text);
        assert!(error.to_string().contains("from 200 to 599"), "{error}");
    }
}

#[tokio::test]
async fn a_body_over_the_bound_is_refused_and_not_kept() {
    let mut receiver = receiver().await;
    let answer = send(receiver.address(), "POST /", FORM, &"x".repeat(BODY_BYTES_MAX + 1)).await;
    assert!(answer.contains(" 413 "), "{answer}");
    assert!(receiver.try_next().is_none());
}

#[tokio::test]
async fn a_stop_answers_what_has_been_asked() {
    let mut receiver = receiver().await;
    receiver.behave(StatusCode::ACCEPTED, Duration::from_millis(100));
    let address = receiver.address();
    let asked = tokio::spawn(async move { send(address, "POST /", FORM, INCOMING).await });
    receiver.next().await.expect("it has come");
    assert!(receiver.stop().await.is_empty());
    assert!(asked.await.expect("no panic").contains(" 202 "));
    assert!(TcpStream::connect(address).await.is_err(), "it still listens");
}

#[tokio::test]
async fn one_line_a_request_and_its_parameters_below() {
    let mut receiver = receiver().await;
    let address = receiver.address();
    let mut printer = Printer::new(Paint::Plain, TimeZone::UTC, true);
    let mut text = String::new();
    send(address, "POST /hook/incoming", FORM, INCOMING).await;
    receiver.behave(StatusCode::SERVICE_UNAVAILABLE, Duration::ZERO);
    send(address, "POST /hook/ended", FORM, ENDED).await;
    send(address, "GET /hook?a=%1b%5b2J", "", "").await;
    for _ in 0..3 {
        let printed = printer.print(&receiver.next().await.expect("a request"));
        // The first eight characters are the time of day.
        text.extend(
            printed.lines().map(|line| line.get(8..).unwrap_or_default().trim_end().to_owned() + "\n"),
        );
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn a_program_reads_one_object_a_line() {
    let receiver = receiver().await;
    send(receiver.address(), "POST /a", FORM, "AccountId=1%0a2").await;
    send(receiver.address(), "POST /b", FORM, "").await;
    let mut out = Vec::new();
    run(receiver, Voice::Machine, &mut out, std::future::ready(())).await.expect("a vector takes everything");
    let text = String::from_utf8(out).expect("text");
    let paths: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("json")["path"].clone())
        .collect();
    assert_eq!(paths, ["/a", "/b"]);
}

#[tokio::test]
async fn json_has_all_of_the_request() {
    let mut receiver = receiver().await;
    send(receiver.address(), "POST /hook?x=1", FORM, "AccountId=1001").await;
    let mut json = receiver.next().await.expect("a request").to_json();
    json["at"] = "…".into();
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).expect("json"));
}
