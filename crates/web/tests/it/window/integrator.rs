//! What an integrator finds: receivers made from the settings, what would arrive, attempts, and what sending all
//! again would send.

use journal::{Attempt, DeliveryId, EventSeq, Grant, Outcome, Reason, Settle, WallTime};

use super::browser::Browser;
use crate::rig::Rig;

const URLS: &str = r#"{"incoming_url": "https://crm.example/ring", "ended_url": "https://crm.example/end?x=1", "answered_url": "https://crm.example/answer"}"#;

/// A call with three deliveries; the first two failed twice, with 503 and by expiry.
async fn tried() -> Rig {
    let rig = Rig::new().await;
    rig.put(&rig.operator, "/api/v1/accounts/1/integration", URLS).await;
    let integration = rig.cache.account(&calls::AccountId::new("1")).unwrap().integration().unwrap().0;
    rig.keep_call(1, &[integration]).await;
    let attempt = |number: u16, status: u16| Attempt {
        number,
        at: WallTime(1_795_337_580_000_000 + i64::from(number) * 2_500_000),
        took_micros: 41_200,
        address: "192.0.2.10:443".into(),
        request_line: "POST /ring".into(),
        request_headers: [("webhook-id", "x"), ("webhook-timestamp", if number == 1 { "1" } else { "4" })]
            .into_iter()
            .collect(),
        request_body: b"AccountId=1"[..].into(),
        status: Some(status),
        reason: (status != 204).then(|| Reason::status(status)),
        response_body: b"try later".to_vec(),
    };
    let settle = |event: i64, number, status, outcome| Settle {
        grant: Grant::ALONE,
        id: DeliveryId { event: EventSeq(event), integration },
        attempt: Some(attempt(number, status).into()),
        outcome,
    };
    let retry = || Outcome::RetryIn(std::time::Duration::from_secs(1));
    rig.journal.settle(&[settle(1, 1, 503, retry()), settle(2, 1, 500, retry())]).await.unwrap();
    let last = [
        settle(1, 2, 503, Outcome::Failed(None)),
        settle(2, 2, 500, Outcome::Expired),
        settle(3, 1, 204, Outcome::Delivered),
    ];
    rig.journal.settle(&last).await.unwrap();
    rig
}

#[tokio::test]
async fn attempts_are_a_line_of_time_the_newest_first_with_what_differs() {
    let rig = tried().await;
    let olga = Browser::first(&rig).await;
    let page = olga.get("/a/1/deliveries/1-1").await.text;
    let line = page.split_once("class=\"timeline\"").unwrap().1.split_once("</ol>").unwrap().0;
    let (second, first) = (line.find("2. HTTP 503").unwrap(), line.find("1. HTTP 503").unwrap());
    assert!(second < first, "{line}");
    assert!(line.contains("41,2 ms, 2,5 s efter det forrige"), "{line}");
    assert!(page.contains("Som forsøg 1, bortset fra webhook-timestamp."), "{page}");
    assert!(page.contains("href=\"/a/1/deliveries/2-1\" rel=\"prev\""), "the newer one: {page}");
    assert!(!page.contains("rel=\"next\""), "there is no older one");
    let newest = olga.get("/a/1/deliveries/3-1").await.text;
    assert!(newest.contains("href=\"/a/1/deliveries/2-1\" rel=\"next\"") && !newest.contains("rel=\"prev\""));
}

#[tokio::test]
async fn deliveries_are_found_by_their_answer() {
    let rig = tried().await;
    let olga = Browser::first(&rig).await;
    for (answer, rows) in [("503", 1), ("50", 2), ("http 204", 1), ("certifikat", 0)] {
        let text = olga.get(&format!("/a/1/deliveries?answer={}", answer.replace(' ', "+"))).await.text;
        assert_eq!(text.matches("data-row=").count(), rows, "{answer}");
    }
}

#[tokio::test]
async fn how_many_would_be_sent_again_is_told_before() {
    let rig = tried().await;
    let olga = Browser::first(&rig).await;
    let list = olga.get("/a/1/deliveries?event=Incoming").await.text;
    assert!(list.contains("href=\"/a/1/deliveries/again?event=Incoming\""), "{list}");
    let all = olga.get("/a/1/deliveries/again").await.text;
    assert!(all.contains("2 mislykkede eller udløbne afleveringer") && all.contains("Send 2 igen"), "{all}");
    assert!(all.contains("HTTP 503") && all.contains("HTTP 500"));
    let one = olga.get("/a/1/deliveries/again?event=Incoming").await.text;
    assert!(one.contains("1 mislykket eller udløbet aflevering"), "{one}");
    assert!(one.contains("name=\"event\" value=\"Incoming\""), "what is sent is what was counted");
    assert_eq!(olga.post("/a/1/deliveries/again", &[("event", "Incoming")]).await.status, 303);
    assert_eq!(rig.asked().into_iter().collect::<Vec<_>>(), ["again 1"]);
    let none = olga.get("/a/1/deliveries?event=Ended").await.text;
    assert!(!none.contains("deliveries/again"), "nothing failed, nothing is offered: {none}");
}

#[tokio::test]
async fn receivers_are_made_from_the_accounts_own_settings() {
    let rig = tried().await;
    let olga = Browser::first(&rig).await;
    let code = async |language: &str| {
        let text = olga.get(&format!("/a/1/integration/receivers?as={language}")).await.text;
        text.split_once("id=\"code\">").unwrap().1.split_once("</code>").unwrap().0.to_owned()
    };
    let languages = ["python", "node", "php", "csharp"];
    for language in languages {
        let plain = code(language).await;
        assert!(!plain.contains("RINGBUD_SECRET") && plain.contains("EmployeeLocalNumber"), "{plain}");
        assert!(!plain.contains("{%") && !plain.contains("{{"), "{plain}");
    }
    assert_eq!(code("curl").await.matches("curl -X POST").count(), 3, "those that are on");
    olga.post("/a/1/integration/secret", &[]).await;
    let get = r#"{"method": "GET", "parameter_names": {"EmployeeLocalNumber": "who's \"it\""}}"#;
    rig.ask("PATCH", &rig.operator, "/api/v1/accounts/1/integration", get).await;
    for language in languages {
        let signed = code(language).await;
        assert!(signed.contains("RINGBUD_SECRET"), "{signed}");
    }
}

#[tokio::test]
async fn what_would_arrive_is_shown_without_a_receiver_and_nothing_is_sent() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let page = olga.get("/a/1/integration/sink").await.text;
    assert_eq!(page.matches("ikke signeret").count(), 4, "{page}");
    assert_eq!(page.matches("adressen er opdigtet").count(), 4);
    rig.put(&rig.operator, "/api/v1/accounts/1/integration", URLS).await;
    olga.post("/a/1/integration/secret", &[]).await;
    let page = olga.get("/a/1/integration/sink").await.text;
    assert_eq!(page.matches("signaturen passer<").count(), 4, "{page}");
    assert_eq!(page.matches("adressen er opdigtet").count(), 1);
    assert!(page.contains("<code>ANumber</code></th><td>+4570201234</td>"), "decoded: {page}");
    assert!(rig.asked().iter().all(|what| !what.starts_with("test")), "{:?}", rig.asked());
}

#[tokio::test]
async fn the_preview_shows_what_a_receiver_reads_beside_what_is_sent() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    for method in ["GET", "POST"] {
        for format in ["form", "json"] {
            let fields = [
                ("method", method),
                ("body_format", format),
                ("incoming_url", "https://crm.example/ring?own=1"),
                ("focus", "Incoming"),
            ];
            let part = olga.post("/a/1/integration/preview", &fields).await.text;
            let value = "<code>ANumber</code></th><td>+4570201234</td>";
            assert!(part.contains(value), "{method} {format}: {part}");
        }
    }
}

#[tokio::test]
async fn the_parameters_of_all_four_events_are_one_table() {
    let rig = Rig::new().await;
    let page = Browser::first(&rig).await.get("/a/1/integration").await.text;
    let table = page.split_once("class=\"list stacked ticked\"").unwrap().1.split_once("</table>").unwrap().0;
    let ticks = |name: &str| {
        let row = table.split_once(&format!("<code>{name}</code>")).unwrap().1.split_once("</tr>").unwrap().0;
        row.matches('✓').count()
    };
    let counts = ["AccountId", "LinkedUniqueCallId", "Calledphone", "Duration"].map(ticks);
    assert_eq!(counts, [4, 2, 1, 1]);
    assert_eq!(table.matches("<tr>").count() - 1, 15, "as docs/receive.md has it");
}

#[tokio::test]
async fn the_manuals_pages_for_integrators_are_in_the_window() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    assert!(olga.get("/help/receive").await.text.contains("What to answer"));
    assert!(olga.get("/help/events").await.text.contains("<table>"));
    assert_eq!(olga.get("/help/secrets").await.status, 404);
}
