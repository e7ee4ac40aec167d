//! How the web services are doing is seen at once, on every page.

use std::sync::Arc;
use std::time::Duration;

use admin::{Hour, WebhookStatus};
use calls::EventKind;
use delivery::sender::{HOURS, LastAnswer};
use journal::{Reason, WallTime};

use super::browser::Browser;
use crate::rig::Rig;

const OWN: [&str; 7] = [
    "/a/1/now",
    "/a/1/calls",
    "/a/1/report",
    "/a/1/integration",
    "/a/1/deliveries",
    "/a/1/people",
    "/a/1/settings",
];

/// Both URLs answer 503, and the gateway has tried them so often.
async fn failing(troubled: bool) -> Rig {
    let rig = Rig::new().await;
    let url = r#"{"incoming_url": "https://crm.example/ring", "ended_url": "https://crm.example/ring"}"#;
    rig.put(&rig.operator, "/api/v1/accounts/1/integration", url).await;
    let id = rig.cache.account(&calls::AccountId::new("1")).unwrap().integration().unwrap().0;
    rig.keep_call(1, &[id]).await;
    let mut day = [Hour::default(); HOURS];
    day[HOURS - 2] = Hour {
        taken: 9,
        retried: 1,
        failed: 0,
        took: Duration::from_millis(410),
        waited: Duration::from_secs(95),
    };
    day[HOURS - 1] = Hour { failed: 10, ..Hour::default() };
    let status = WebhookStatus {
        kinds: vec![EventKind::Incoming, EventKind::Ended],
        pending: 12,
        in_flight: 0,
        troubled,
        failing_since: Some(WallTime(1_795_337_580_000_000)),
        next_try: None,
        paced: false,
        last: Some(LastAnswer {
            at: WallTime(1_795_337_580_000_000),
            status: Some(503),
            reason: Some(Arc::new(Reason::status(503))),
            took: Duration::from_millis(7),
        }),
        days: vec![day, day],
    };
    *rig.gateway.webhooks.lock().unwrap() = vec![status];
    rig
}

#[tokio::test]
async fn from_the_fifth_failure_on_every_page_of_the_account_says_so() {
    let rig = failing(true).await;
    let olga = Browser::first(&rig).await;
    let rolf = Browser::made(&olga, "rolf", "read-only").await;
    for (language, said) in [
        (
            "da",
            "Webservicen for „Afsluttet kald“, „Indgående opkald“ fejler. Siden 22.11. kl. 09.53: HTTP 503. 12 afleveringer venter. Prøves igen om et øjeblik.",
        ),
        (
            "en",
            "The web service for “Ended call”, “Incoming call” fails. Since 22 Nov 09:53: HTTP 503. 12 deliveries wait. Next attempt in a moment.",
        ),
    ] {
        for browser in [&olga, &rolf] {
            for page in OWN {
                let text = browser.in_language(language).get(page).await.text;
                assert!(text.contains(said), "{page} in {language}: {text}");
                assert_eq!(text.matches("notice failed").count(), 1, "{page}: one line for one URL");
            }
        }
    }
    let accounts = olga.get("/operator/accounts").await.text;
    assert!(accounts.contains("<span class=\"state failed\">2 fejler</span>"), "{accounts}");
    rig.gateway.webhooks.lock().unwrap().clear();
    assert!(!olga.get("/a/1/now").await.text.contains("fejler"));
}

#[tokio::test]
async fn before_the_fifth_it_is_shown_among_deliveries_alone() {
    let rig = failing(false).await;
    let olga = Browser::first(&rig).await;
    assert!(!olga.get("/a/1/now").await.text.contains("HTTP 503"));
    let text = olga.get("/a/1/deliveries").await.text;
    assert!(text.contains("<span class=\"state ringing\">ustabil</span>"), "{text}");
}

#[tokio::test]
async fn each_of_the_four_has_its_state_its_day_and_its_share() {
    let rig = failing(true).await;
    let text = Browser::first(&rig).await.get("/a/1/deliveries").await.text;
    assert_eq!(text.matches("<span class=\"state failed\">fejler</span>").count(), 2);
    assert_eq!(text.matches("<span class=\"state off\">slået fra</span>").count(), 2);
    let day =
        "Det seneste døgn: 9 afleveret i første forsøg, 1 senere, 10 mislykkede forsøg; 50,0 % lykkedes.";
    assert_eq!(text.matches(day).count(), 2, "{text}");
    for class in ["talking", "ringing", "missed"] {
        let bar =
            format!("width=\"3\" height=\"{}\" class=\"{class}\"", if class == "ringing" { 2 } else { 21 });
        assert!(text.contains(&bar) || class == "missed", "{bar}: {text}");
    }
    assert!(text.contains("y=\"0\" width=\"3\" height=\"24\" class=\"missed\""), "{text}");
}

#[tokio::test]
async fn the_picture_of_the_last_day_begins_with_its_first_request() {
    let rig = failing(true).await;
    let text = Browser::first(&rig).await.get("/a/1/deliveries").await.text;
    assert!(text.contains("<svg viewBox=\"0 0 60 100\""), "six hours, for there are two: {text}");
    assert!(
        text.contains("<rect x=\"41\"") && text.contains("<rect x=\"51\""),
        "the last two of them: {text}"
    );
}

#[tokio::test]
async fn nothing_says_that_it_waits_without_what_it_waits_for() {
    let rig = failing(true).await;
    let olga = Browser::first(&rig).await;
    let text = olga.get("/a/1/deliveries").await.text;
    assert_eq!(text.matches("venter, fordi webservicen fejler: HTTP 503").count(), 2 * 2, "{text}");
    let delivery = text.split_once("data-row=\"").unwrap().1.split('"').next().unwrap();
    let one = olga.get(&format!("/a/1/deliveries/{delivery}")).await.text;
    assert!(one.contains("venter, fordi webservicen fejler: HTTP 503"), "{one}");
}

#[tokio::test]
async fn what_waits_for_the_accounts_rate_says_so() {
    let rig = failing(false).await;
    for hook in rig.gateway.webhooks.lock().unwrap().iter_mut() {
        (hook.failing_since, hook.paced) = (None, true);
    }
    let olga = Browser::first(&rig).await;
    for (language, row, all) in [
        (
            "da",
            "venter, fordi kontoen ikke tager imod flere kald i sekundet",
            "12 afleveringer venter, fordi kontoen",
        ),
        (
            "en",
            "waits because the account takes no more requests a second",
            "12 deliveries wait because the account",
        ),
    ] {
        let browser = olga.in_language(language);
        let list = browser.get("/a/1/deliveries").await.text;
        assert!(list.contains(row), "{list}");
        let page = browser.get("/a/1/integration").await.text;
        assert!(list.contains(all) || page.contains(all), "{page}");
    }
}

#[tokio::test]
async fn the_last_day_of_an_account_is_drawn_by_the_hour_with_how_late_the_latest_came_and_a_table_behind() {
    let rig = failing(true).await;
    let olga = Browser::first(&rig).await;
    let page = olga.get("/a/1/deliveries").await.text;
    let day = &page[page.find("id=\"day\"").unwrap()..page.find("<form class=\"filter\"").unwrap()];
    // Two kinds of events have the same hours: 9 taken at once, 1 later, the latest 95 s late; then 10 failed.
    for told in [
        "1:35",
        "<td class=\"num\">18</td><td class=\"num\">2</td><td class=\"num\">0</td>",
        "<td class=\"num\">–</td>",
    ] {
        assert!(day.contains(told), "{told}: {day}");
    }
    assert_eq!(day.matches("<tr>").count(), 3, "a head and two hours: {day}");
    assert_eq!(day.matches("<rect ").count(), 3, "taken, later, failed: {day}");
    rig.gateway.webhooks.lock().unwrap().clear();
    assert!(!olga.get("/a/1/deliveries").await.text.contains("class=\"sparks\""), "nothing was sent");
}
