use super::browser::{Browser, PASSWORD};
use crate::rig::Rig;

#[tokio::test]
async fn the_fields_stand_in_the_source_texts_order() {
    let rig = Rig::new().await;
    let text = Browser::first(&rig).await.get("/a/1/integration").await.text;
    let at = [
        "HTTP-metode",
        "ved besvaret kald",
        "ved afsluttet kald",
        "ved udgående opkald",
        "ved indgående opkald",
    ]
    .map(|label| text.find(label).unwrap_or_else(|| panic!("{label} is missing")));
    assert!(at.is_sorted(), "{at:?}");
}

#[tokio::test]
async fn the_preview_shows_the_request_and_what_is_wrong() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let fields = [
        ("method", "GET"),
        ("answered_url", "https://crm.example/a?x=1"),
        ("ended_url", "http://10.0.0.1/"),
        ("focus", "Answered"),
    ];
    let part = olga.post("/a/1/integration/preview", &fields).await.text;
    assert!(part.contains("GET /a?x=1&#38;AccountId=1&#38;UniqueCallId="), "{part}");
    assert!(part.contains("curl -X GET"), "{part}");
    assert!(part.contains("10.0.0.1 er en privat adresse"), "{part}");
}

#[tokio::test]
async fn a_wrong_field_is_told_where_it_stands_and_nothing_is_saved() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let fields =
        [("method", "POST"), ("version", "0"), ("ended_url", "nonsense"), ("time_zone", "Mars/Phobos")];
    let reply = olga.post("/a/1/integration", &fields).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("skal begynde med https://"), "in Danish: {}", reply.text);
    assert!(reply.text.contains("value=\"nonsense\"") && reply.text.contains("Mars/Phobos"));
    assert!(!olga.get("/a/1/integration").await.text.contains("nonsense"));
}

#[tokio::test]
async fn both_languages_show_every_page_without_a_hole() {
    let rig = Rig::new().await;
    rig.keep_call(1, &[]).await;
    let olga = Browser::first(&rig).await;
    for page in [
        "/a/1/now",
        "/a/1/calls",
        "/a/1/calls/pbx1-1.1",
        "/a/1/report",
        "/a/1/integration",
        "/a/1/deliveries",
        "/a/1/people",
        "/a/1/settings",
        "/a/1/access",
        "/a/1/audit",
        "/operator/accounts",
        "/operator/links",
        "/operator/health",
        "/operator/users",
        "/operator/tokens",
        "/operator/privacy",
        "/operator/audit",
    ] {
        let reply = olga.get(page).await;
        assert!(!reply.text.contains('⟨'), "{page} has a text that is missing");
        assert!(reply.text.contains("lang=\"da\""), "{page}");
    }
    let english = Browser::speaking(&rig, "en-GB,en;q=0.9").get("/login").await.text;
    assert!(english.contains("lang=\"en\"") && english.contains("Log in"));
}

#[tokio::test]
async fn a_test_call_shows_what_was_answered() {
    let rig = Rig::new().await;
    rig.put(&rig.operator, "/api/v1/accounts/1/employees/101", r#"{"name": "Mette"}"#).await;
    rig.put(&rig.operator, "/api/v1/accounts/1/integration", r#"{"ended_url": "https://a.example/"}"#).await;
    let olga = Browser::first(&rig).await;
    let reply = olga.post("/a/1/integration/test", &[("employee", "101")]).await;
    assert_eq!(reply.text.matches("204 modtaget").count(), 4, "{}", reply.text);
}

#[tokio::test]
async fn the_answers_of_a_test_call_come_row_by_row_and_once() {
    let rig = Rig::new().await;
    rig.put(&rig.operator, "/api/v1/accounts/1/employees/101", "{}").await;
    let urls = r#"{"incoming_url": "https://a.example/", "answered_url": "https://a.example/", "ended_url": "https://a.example/"}"#;
    rig.put(&rig.operator, "/api/v1/accounts/1/integration", urls).await;
    let olga = Browser::first(&rig).await;
    let rows = olga.post_part("/a/1/integration/test", &[("employee", "101")]).await.text;
    assert_eq!((rows.matches("afventer").count(), rows.matches("slået fra").count()), (3, 1), "{rows}");
    let stream = rows.split_once("sse-connect=\"").unwrap().1.split('"').next().unwrap();
    let told = olga.get(stream).await.text;
    let at = |what: &str| told.find(what).unwrap_or_else(|| panic!("{what} in {told}"));
    let order =
        ["event: Incoming", "event: Answered", "event: Ended", "event: Outgoing", "event: end"].map(at);
    assert!(order.is_sorted(), "{told}");
    assert!(told.contains("&#60;script&#62;"), "an answer is text: {told}");
    assert_eq!(olga.get(stream).await.status, 404, "told once");
}

#[tokio::test]
async fn calls_are_listed_found_and_told() {
    let rig = Rig::new().await;
    for number in 1..=60 {
        rig.keep_call(number, &[]).await;
    }
    let olga = Browser::first(&rig).await;
    let first = olga.get("/a/1/calls").await.text;
    assert_eq!(first.matches("class=\"whole\"").count(), 50);
    let at = first.find("/a/1/calls?before=").expect("there is a next page");
    let older = olga.get(first[at..].split('"').next().unwrap()).await.text;
    assert_eq!(older.matches("class=\"whole\"").count(), 10);
    let found = olga.get("/a/1/calls?number=201%20007").await.text;
    assert_eq!(found.matches("class=\"whole\"").count(), 1);
    let story = olga.get("/a/1/calls/pbx1-7.1").await.text;
    assert!(story.contains("<svg class=\"story\"") && story.contains("modparten lagde på, 1:00"), "{story}");
    let searched = olga.get("/search?account=1&q=pbx1-7.1").await;
    assert_eq!(searched.headers["location"], "/a/1/calls/pbx1-7.1");
}

#[tokio::test]
async fn a_report_counts_and_is_exported_for_excel() {
    let rig = Rig::new().await;
    for number in 1..=3 {
        rig.keep_call(number, &[]).await;
    }
    let olga = Browser::first(&rig).await;
    let csv = olga.get("/a/1/report.csv?from=2026-11-22&until=2026-11-22").await;
    assert!(csv.text.starts_with('\u{feff}'), "Excel is told that it is UTF-8");
    assert!(csv.text.contains("101;Mette Holm;3;0;0;180;60;5,0;0"), "{}", csv.text);
    let none = olga.get("/a/1/report.csv?from=2026-11-23&until=2026-11-24").await;
    assert_eq!(none.text.lines().count(), 1);
    let xlsx = olga.get("/a/1/report.xlsx?from=2026-11-22&until=2026-11-22").await;
    assert!(xlsx.text.starts_with("PK"));
}

#[tokio::test]
async fn changes_are_in_the_audit_log() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    olga.post("/a/1/people/employee", &[("number", "150"), ("name", "Jens")]).await;
    let log = olga.get("/operator/audit").await.text;
    assert!(log.contains("medarbejder gemt") && log.contains(">150</td>"), "{log}");
}

#[tokio::test]
async fn changes_by_the_api_are_in_the_audit_log_with_the_name_of_the_token() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let noted = async |what: &str| {
        let log = olga.get("/operator/audit").await.text;
        log.split("<tr>").any(|row| row.contains(">API ") && row.contains(what))
    };
    rig.put(&rig.admin, "/api/v1/accounts/1/employees/150", r#"{"name": "Jens"}"#).await;
    assert!(noted("medarbejder gemt").await);
    rig.put(&rig.admin, "/api/v1/accounts/1/phones/150", "{}").await;
    assert!(noted("telefon gemt").await);
    rig.put(&rig.admin, "/api/v1/accounts/1/integration", r#"{"ended_url": "https://a.example/"}"#).await;
    assert!(noted("medarbejderintegration").await);
    rig.put(&rig.operator, "/api/v1/accounts/5", "{}").await;
    assert!(noted("konto oprettet").await);
    let entries = async || {
        let log = olga.get("/operator/audit").await.text;
        log.split_once("<tbody>").map(|(_, rows)| rows.split_once("</tbody>").unwrap().0.to_owned())
    };
    let before = entries().await;
    rig.get(&rig.operator, "/api/v1/accounts/1").await;
    assert_eq!(entries().await, before, "who reads is not noted");
}

#[tokio::test]
async fn every_page_links_to_its_part_of_the_manual_in_both_languages() {
    let rig = Rig::with(web::Options { path: "/ringbud".into(), ..web::Options::default() }).await;
    rig.put(&rig.operator, "/ringbud/api/v1/accounts/1", "{}").await;
    let mut olga = Browser::new(&rig);
    let link = web::first_run_path(&rig.room).await.unwrap().unwrap();
    let key = link.split_once("key=").unwrap().1.to_owned();
    let fields = [("key", &*key), ("name", "olga"), ("password", PASSWORD), ("again", PASSWORD)];
    assert_eq!(olga.send("/ringbud/first", &fields).await.status, 303);
    let mut walked = 0;
    for language in ["da", "en"] {
        let olga = olga.in_language(language);
        let manual = olga.get("/ringbud/help").await.text;
        let sources = manual.split("<img src=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
        let pictures: Vec<_> = sources.filter(|source| source.ends_with(".png")).collect();
        assert_eq!(pictures.len(), 4, "{pictures:?}");
        for picture in pictures {
            let reply = olga.get(picture).await;
            assert_eq!(
                (reply.status.as_u16(), reply.headers["content-type"].as_bytes()),
                (200, &b"image/png"[..])
            );
        }
        for link in manual.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            let leads = ["/ringbud/", "#", "https://"].iter().any(|start| link.starts_with(start));
            assert!(leads, "{link} leads nowhere");
        }
        let stranger = Browser::speaking(&rig, language).get("/ringbud/login").await.text;
        let mut pages = vec![("login", stranger)];
        let own = |path: &str| path.starts_with("/a/1/") || path.starts_with("/operator/");
        let walk = super::roles::PAGES.iter().map(|(path, _)| *path).filter(|path| own(path));
        // The live board never ends.
        for path in walk.filter(|path| !path.ends_with("/stream")) {
            let reply = olga.get(&format!("/ringbud{path}")).await;
            if reply.status == 200 && reply.text.contains("<html") {
                pages.push((path, reply.text));
            }
        }
        for (path, text) in pages {
            let anchor =
                text.split_once("href=\"/ringbud/help#").unwrap_or_else(|| panic!("{path} has no link")).1;
            let anchor = anchor.split('"').next().unwrap();
            assert!(
                !anchor.is_empty() && manual.contains(&format!("<h2 id=\"{anchor}\"")),
                "{path} in {language}: {anchor}"
            );
            walked += 1;
        }
    }
    assert!(walked > 26, "{walked} pages were walked");
}

#[tokio::test]
async fn how_much_is_kept_is_chosen_among_the_settings() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let page = olga.get("/a/1/settings").await.text;
    let version =
        page.split_once("name=\"version\" value=\"").expect("a version").1.split_once('"').unwrap().0;
    let save = async |days, megabytes| {
        let fields =
            [("name", "Nordlys"), ("version", version), ("keep_days", days), ("keep_megabytes", megabytes)];
        olga.post("/a/1/settings", &fields).await
    };
    for (days, megabytes, said) in [
        ("0", "", "Mellem 1 og 36500 dage"),
        ("a month", "", "Skriv et helt tal eller ingenting, ikke &#34;a month&#34;"),
        ("", "-5", "Skriv et helt tal eller ingenting"),
        ("", "99999999999", "Skriv et helt tal eller ingenting"),
    ] {
        let refused = save(days, megabytes).await;
        assert_eq!(refused.status, 400);
        assert!(refused.text.contains(said), "{days}/{megabytes}: {}", refused.text);
        assert!(refused.text.contains(&format!("name=\"keep_days\" inputmode=\"numeric\" value=\"{days}\"")));
        assert!(refused.text.contains("name=\"name\" value=\"Nordlys\""), "what was typed is still there");
    }
    assert_eq!(save("30", "500").await.status, 303);
    let page = olga.get("/a/1/settings").await.text;
    assert!(page.contains("inputmode=\"numeric\" value=\"30\"") && page.contains("value=\"500\""));
    assert!(page.contains("Nordlys · 30 d · 500 MB"), "the audit log says it");
    let renamed = olga.post("/a/1/settings", &[("name", "Nordlys ApS")]).await;
    assert_eq!(renamed.status, 303);
    let page = olga.get("/a/1/settings").await.text;
    assert!(
        page.contains("value=\"Nordlys ApS\"") && page.contains("value=\"30\""),
        "a name alone changes only that"
    );
}

#[tokio::test]
async fn an_empty_place_says_what_to_do_in_this_installation() {
    use admin::{Link, LinkState, Stranger};
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let rolf = Browser::made(&olga, "rolf", "read-only").await;
    let up = Link { version: "FreeSWITCH 1.10.12".to_owned(), ..Link::named("hq", LinkState::Up) };
    let one = Stranger { endpoint: "PJSIP/x".to_owned(), is_provider: false, since: journal::WallTime(1) };
    let strange = Link { strangers: vec![one], ..up.clone() };
    let down = Link::named("hq", LinkState::Down(None));
    for (links, operator, reader) in [
        (Vec::new(), "Ingen central er sat op i denne installation.", "Det gør operatøren."),
        (vec![up], "Forbundet: hq (FreeSWITCH 1.10.12). Ring fra en telefon", "Centralen er forbundet: Ring"),
        (vec![strange], "1 endepunkter har haft opkald", "Centralen er forbundet: Ring"),
    ] {
        *rig.gateway.links.lock().unwrap() = links;
        for place in ["/a/1/calls", "/a/1/now"] {
            let page = olga.get(place).await.text;
            assert!(page.contains(operator) && page.contains("href=\"/operator/links\""), "{place}: {page}");
            let page = rolf.get(place).await.text;
            assert!(page.contains(reader), "{place}: {page}");
        }
    }
    // That it is down stands above every page.
    *rig.gateway.links.lock().unwrap() = vec![down];
    assert!(!olga.get("/a/1/calls").await.text.contains("class=\"step\""));
    // Without a web service there is nothing to deliver to.
    assert!(
        olga.get("/a/1/deliveries").await.text.contains("<p class=\"step\"><a href=\"/a/1/integration\">")
    );
}
