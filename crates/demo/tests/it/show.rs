//! The show says what happened, and nothing that a caller wants it to do.

use std::time::Duration;

use demo::paint::Paint;
use demo::receiver::{Receiver, ReceiverOptions};
use demo::show::{Direction, Event, Link, News, Outcome, Own, Request, Scene, Show, Stage, Voice, What, run};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_343_900 + second).expect("a time")
}

fn event(id: &str, second: i64, employee: &str, what: What) -> News {
    let direction = if id.ends_with("103") { Direction::Outgoing } else { Direction::Incoming };
    let (id, account, employee, other) = (id.into(), "1001".into(), employee.into(), "+4512345678".into());
    News::Event(Event { id, at: at(second), account, employee, other, direction, what })
}

fn request(event: &str, path: &str, outcome: Outcome) -> News {
    News::Request(Request {
        event: event.into(),
        method: "POST".into(),
        url: format!("http://127.0.0.1:9000{path}"),
        body: "AccountId=1001&UniqueCallId=demo-1795343903.1&EmployeeLocalNumber=101&ANumber=%2B4512345678"
            .into(),
        attempt: 1,
        took: Some(Duration::from_micros(1240)),
        outcome,
    })
}

fn ended(duration_s: u64, reason: &str, transferred_to: Option<&str>) -> What {
    What::Ended { duration_s, reason: reason.into(), transferred_to: transferred_to.map(str::to_owned) }
}

fn story() -> Vec<News> {
    let (shape, title) =
        ("blind-transfer-to-employee".into(), "The employee sends the customer on to a colleague".into());
    vec![
        News::Link(Link { pbx: "demo".into(), up: true, words: "connected to Asterisk 22.10.1".into() }),
        News::Scene(Scene { at: at(0), shape, title, account: "Nordlys Tandklinik".into() }),
        event("i101", 0, "101 Mette Sørensen", What::Incoming),
        request("i101", "/incoming", Outcome::Status(200)),
        event("a101", 4, "101 Mette Sørensen", What::Answered),
        request("a101", "/answered", Outcome::Status(503)),
        event("e101", 27, "101 Mette Sørensen", ended(23, "transferred", Some("102"))),
        event("i102", 27, "102 Jonas Bæk", What::Incoming),
        request("i102", "/incoming?a=1", Outcome::Failed("nobody listens at 127.0.0.1:9000".into())),
        request("e101", "/ended", Outcome::Status(200)),
        event("e102", 28, "102 Jonas Bæk", ended(0, "cancelled", Some("102"))),
        event("o103", 29, "103 Freja Dahl", What::Outgoing),
        event("e103", 33, "103 Freja Dahl", ended(0, "hungup_by_counterpart", None)),
    ]
}

fn stage() -> Stage {
    Stage {
        program: "ringbud".into(),
        http: "http://127.0.0.1:8080".into(),
        login: None,
        token: Some("rb_example".into()),
        receiver: "http://127.0.0.1:9000".into(),
        pbx: "127.0.0.1:5038".into(),
        accounts: vec![
            ("1001".into(), "Nordlys Tandklinik".into()),
            ("2002".into(), "Havnens Cykler".into()),
        ],
        own: vec![Own {
            name: "Asterisk".into(),
            files: [
                ("manager.conf".into(), "[ringbud]\nsecret = choose-a-long-one\n".into()),
                ("ringbud.toml".into(), "[[pbx]]\nname = \"pbx1\"\n".into()),
            ],
        }],
    }
}

async fn shown(voice: Voice, story: Vec<News>) -> String {
    let (tell, news) = mpsc::channel(64);
    for told in story {
        tell.send(told).await.expect("the show listens");
    }
    drop(tell);
    let mut out = Vec::new();
    run(&stage(), voice, news, &mut out).await.expect("a vector takes everything");
    String::from_utf8(out).expect("text")
}

#[tokio::test]
async fn a_person_sees_each_event_with_its_request_below() {
    insta::assert_snapshot!(shown(Voice::Person(Paint::Plain, TimeZone::UTC), story()).await);
}

#[tokio::test]
async fn a_program_reads_one_object_a_line() {
    let text = shown(Voice::Machine, story()).await;
    for line in text.lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("an object");
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn a_request_can_be_told_as_the_receiver_saw_it() {
    let mut receiver = Receiver::start(ReceiverOptions::default()).await.expect("a free port");
    let mut stream = tokio::net::TcpStream::connect(receiver.address()).await.expect("it listens");
    let request = "GET /incoming?ANumber=1 HTTP/1.1\r\nHost: x\r\nwebhook-id: demo-1-incoming\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let told = Request::received(&receiver.next().await.expect("a request"));
    assert_eq!((told.event.as_str(), told.url.as_str()), ("demo-1-incoming", "/incoming?ANumber=1"));
    assert_eq!(told.outcome, Outcome::Status(200));
    let mut show = Show::new(Paint::Plain, TimeZone::UTC);
    show.tell(Duration::ZERO, &event("demo-1-incoming", 0, "101", What::Incoming));
    let text = show.tell(Duration::ZERO, &News::Request(told));
    assert!(text.ends_with("GET /incoming?ANumber=1 → 200\n"), "{text}");
}

#[test]
fn an_event_waits_for_its_request_and_not_for_ever() {
    let mut show = Show::new(Paint::Plain, TimeZone::UTC);
    assert_eq!(show.tell(Duration::ZERO, &event("i", 0, "101", What::Incoming)), "");
    let deadline = show.next_deadline().expect("it waits");
    assert_eq!(show.overdue(deadline - Duration::from_millis(1)), "");
    assert!(show.overdue(deadline).contains("rings"));
    assert_eq!(show.next_deadline(), None);
}

#[test]
fn colour_says_nothing_that_the_words_do_not() {
    let tell = |paint| {
        let mut show = Show::new(paint, TimeZone::UTC);
        let mut text: String = story().iter().map(|news| show.tell(Duration::ZERO, news)).collect();
        text.push_str(&show.overdue(Duration::MAX));
        text
    };
    let coloured = tell(Paint::Colour);
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, escape)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = escape.split_once('m').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    assert!(coloured.contains('\u{1b}'));
    assert_eq!(plain, tell(Paint::Plain));
}

#[test]
fn what_a_caller_sends_cannot_command_the_terminal() {
    let mut show = Show::new(Paint::Plain, TimeZone::UTC);
    let nasty = event("i", 0, "101 \u{1b}]0;owned\u{7}", What::Incoming);
    show.tell(Duration::ZERO, &nasty);
    let text = show.overdue(Duration::MAX);
    assert!(!text.trim_end().contains(char::is_control), "{text:?}");
}
