//! Reports, and calls found by how they came out.

use std::time::Duration;

use calls::{Event, PbxTime, What};

use super::browser::Browser;
use crate::rig::{self, Rig};

/// A call that began at a moment of UTC; nobody answered it unless it says so.
fn at(number: i64, moment: &str, answered: bool) -> Vec<Event> {
    let begun_at = PbxTime::from_micros(moment.parse::<jiff::Timestamp>().unwrap().as_microsecond());
    let shift = |event: Event| {
        let later = event.at.since(event.begun_at);
        Event { begun_at, at: begun_at + later, ..event }
    };
    let mut events: Vec<Event> = rig::call(number).into_iter().map(shift).collect();
    let What::Ended(end) = &mut events[2].what else { unreachable!("a call ends") };
    if answered {
        end.answered_at = Some(begun_at + Duration::from_secs(5));
    } else {
        end.answered_at = None;
        events.remove(1);
    }
    events
}

/// Rows of the list of calls.
async fn found(olga: &Browser<'_>, query: &str) -> usize {
    olga.get(&format!("/a/1/calls?{query}")).await.text.matches("class=\"whole\"").count()
}

#[tokio::test]
async fn calls_are_found_by_how_they_came_out() {
    let rig = Rig::new().await;
    for number in 1..=80 {
        rig.keep(at(number, "2026-11-22T09:00:00Z", number != 7)).await;
    }
    rig.keep(at(90, "2026-11-22T10:00:00Z", true).into_iter().take(1).collect()).await;
    let olga = Browser::first(&rig).await;
    let mut found_now = Vec::new();
    for outcome in ["answered", "missed", "busy", "elsewhere", "outgoing_unanswered", "running", "nonsense"] {
        found_now.push(found(&olga, &format!("outcome={outcome}")).await);
    }
    assert_eq!(found_now, [50, 1, 0, 0, 0, 1, 50]);
    let missed = olga.get("/a/1/calls?outcome=missed&employee=101&number=201007").await.text;
    assert!(missed.contains("calls/pbx1-7.1"), "{missed}");
    let first = olga.get("/a/1/calls?outcome=answered").await.text;
    let older = first.find("/a/1/calls?outcome=answered&#38;before=").expect("there is a next page");
    let older = first[older..].split('"').next().unwrap().replace("&#38;", "&");
    assert_eq!(olga.get(&older).await.text.matches("class=\"whole\"").count(), 29);
    let api = rig.get(&rig.reader, "/api/v1/accounts/1/calls?outcome=missed").await.json();
    assert_eq!(api["calls"].as_array().unwrap().len(), 1);
    let refused = rig.get(&rig.reader, "/api/v1/accounts/1/calls?outcome=lost").await;
    assert_eq!((refused.status.as_u16(), refused.error().1.as_str()), (400, "outcome"));
}

/// Answered, missed, made of the only line of the export.
async fn counts(olga: &Browser<'_>, from: &str, until: &str) -> String {
    let csv = olga.get(&format!("/a/1/report.csv?from={from}&until={until}")).await.text;
    csv.lines().nth(1).map_or_else(String::new, |line| line.split(';').skip(2).take(3).collect())
}

#[tokio::test]
async fn a_day_of_a_report_is_a_day_of_the_accounts_zone() {
    // The last moment before 21 November there, its first, its last, and the first after it.
    for (zone, moments) in [
        (
            "Asia/Kathmandu",
            [
                "2026-11-20T18:14:59.999999Z",
                "2026-11-20T18:15:00Z",
                "2026-11-21T18:14:59Z",
                "2026-11-21T18:15:00Z",
            ],
        ),
        (
            "Europe/Copenhagen",
            [
                "2026-11-20T22:59:59.999999Z",
                "2026-11-20T23:00:00Z",
                "2026-11-21T22:59:59Z",
                "2026-11-21T23:00:00Z",
            ],
        ),
        (
            "America/St_Johns",
            [
                "2026-11-21T03:29:59.999999Z",
                "2026-11-21T03:30:00Z",
                "2026-11-22T03:29:59Z",
                "2026-11-22T03:30:00Z",
            ],
        ),
    ] {
        let rig = Rig::new().await;
        let integration = format!(r#"{{"time_zone": "{zone}"}}"#);
        rig.put(&rig.operator, "/api/v1/accounts/1/integration", &integration).await;
        for (number, moment) in (1..).zip(moments) {
            rig.keep(at(number, moment, number != 3)).await;
        }
        let olga = Browser::first(&rig).await;
        assert_eq!(counts(&olga, "2026-11-21", "2026-11-21").await, "110", "{zone}");
        assert_eq!(counts(&olga, "2026-11-20", "2026-11-22").await, "310", "{zone}");
    }
}

#[tokio::test]
async fn the_hour_that_comes_twice_in_autumn_is_in_the_report_once_each() {
    let rig = Rig::new().await;
    // Copenhagen turns its clocks back at 01:00 UTC on 25 October 2026: both are half past two.
    rig.keep(at(1, "2026-10-25T00:30:00Z", true)).await;
    rig.keep(at(2, "2026-10-25T01:30:00Z", true)).await;
    // The day has 25 hours.
    rig.keep(at(3, "2026-10-25T22:59:59Z", true)).await;
    rig.keep(at(4, "2026-10-25T23:00:00Z", true)).await;
    let olga = Browser::first(&rig).await;
    assert_eq!(counts(&olga, "2026-10-25", "2026-10-25").await, "300");
    let page = olga.get("/a/1/report?from=2026-10-25&until=2026-10-25").await.text;
    assert!(page.contains("02: 2</title>"), "{page}");
}

#[tokio::test]
async fn the_days_of_a_report_are_those_of_the_account_and_add_up() {
    let rig = Rig::new().await;
    let moments = [
        ("2026-11-20T23:30:00Z", true),
        ("2026-11-21T11:00:00Z", false),
        ("2026-11-21T22:59:00Z", true),
        ("2026-11-21T23:00:00Z", true),
        ("2026-11-22T12:00:00Z", true),
        ("2026-11-22T23:30:00Z", true),
    ];
    for (number, (moment, answered)) in (1..).zip(moments) {
        rig.keep(at(number, moment, answered)).await;
    }
    let olga = Browser::first(&rig).await;
    let page = olga.get("/a/1/report?from=2026-11-21&until=2026-11-22").await.text;
    let day = |name: &str| {
        let row =
            page.split_once(&format!("<tr><td>{name}</td>")).unwrap_or_else(|| panic!("{name}: {page}")).1;
        let cells = row.split_once("</tr>").unwrap().0.split("<td class=\"num\">").skip(1);
        cells.map(|cell| cell.split('<').next().unwrap().to_owned()).take(3).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(day("21.11."), "2 1 66,7 %", "from midnight to midnight in Copenhagen");
    assert_eq!(day("22.11."), "2 0 100,0 %");
    assert!(page.contains("80,0 %"), "of all: {page}");
    let next = olga.get("/a/1/report?from=2026-11-22&until=2026-11-22").await.text;
    assert!(next.contains("21.11.–21.11.") && next.contains("+0,0 %"), "against the day before: {next}");
    assert!(next.contains("+33,3 procentpoint"), "{next}");
    let year = olga.get("/a/1/report?from=2026-01-01&until=2026-12-31").await.text;
    assert!(year.matches("<g><title>").count() <= 31, "a long period has no more columns");
}

/// A call of a queue that began to wait so many seconds before the phone rang, and was taken 5 s later.
fn waited(number: i64, moment: &str, queue: &str, secs: u64) -> Vec<Event> {
    let mut events = at(number, moment, true);
    for event in &mut events {
        event.waiting_since = Some(event.begun_at - Duration::from_secs(secs));
        event.queue = queue.into();
    }
    events
}

#[tokio::test]
async fn a_report_says_how_long_callers_waited_by_day_and_by_queue_and_against_the_period_before() {
    let rig = Rig::new().await;
    rig.keep(waited(1, "2026-11-21T10:00:00Z", "salg", 10)).await;
    for (number, secs) in (2..).zip([1, 5, 25, 175]) {
        rig.keep(waited(number, "2026-11-22T10:00:00Z", if secs == 5 { "support" } else { "salg" }, secs))
            .await;
    }
    let olga = Browser::first(&rig).await;
    let page = olga.get("/a/1/report?from=2026-11-22&until=2026-11-22").await.text;
    let told = |name: &str| {
        let rest =
            page.split_once(&format!("<dt>{name}</dt><dd>")).unwrap_or_else(|| panic!("{name}: {page}")).1;
        rest.split_once("</dd>").unwrap().0.replace(" <small class=\"quiet\">", " ").replace("</small>", "")
    };
    assert_eq!(told("Besvaret inden 20 sek."), "50,0 % −50,0 procentpoint");
    assert_eq!(told("Ventetid, median"), "0:10 −5 sek.");
    assert_eq!(told("Længste ventetid"), "3:00 +165 sek.");
    let csv = async |by: &str| {
        let path = format!("/a/1/report.csv?from=2026-11-21&until=2026-11-22&by={by}");
        let reply = olga.get(&path).await;
        reply.text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        csv("day").await,
        ["2026-11-21;1;0;0;60;1;100,0;15;15;15", "2026-11-22;4;0;0;240;2;50,0;10;180;180"]
    );
    assert_eq!(csv("queue").await, ["salg;4;2;50,0;15;180;180", "support;1;1;100,0;10;10;10"]);
}

#[tokio::test]
async fn what_pages_ask_by_themselves_is_rendered_once_and_names_nobody() {
    let rig = Rig::new().await;
    rig.keep(at(1, "2026-11-22T10:00:00Z", true)).await;
    let olga = Browser::first(&rig).await;
    let live = async || {
        let request = olga.request("GET", "/a/1/calls").header("x-ringbud-live", "1");
        let response = rig.open(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(response.status(), 200);
        let bytes = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    let first = live().await;
    assert!(first.starts_with("<main") && first.contains("pbx1-1.1"), "{first}");
    assert!(!first.contains("olga") && !first.contains("<header class=\"bar\""), "{first}");
    rig.keep(at(2, "2026-11-22T10:01:00Z", true)).await;
    assert_eq!(live().await, first, "within a moment");
    assert!(olga.get("/a/1/calls").await.text.contains("pbx1-2.1"), "who asks is told what is true now");
}
