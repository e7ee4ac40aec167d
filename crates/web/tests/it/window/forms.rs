//! Forms that help: in the page's language, about what stands there now, and never in a browser's bubble.

use std::path::Path;

use super::browser::Browser;
use crate::rig::Rig;

const TEMPLATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");

#[test]
fn no_form_is_refused_by_the_browser_in_its_own_words() {
    let complains = regex::Regex::new(
        r#"<(?:input|select|textarea)[^>]*(?:\srequired|\sminlength=|\spattern=|type="(?:url|email|number|date)")"#,
    )
    .unwrap();
    let mut read = 0;
    for entry in std::fs::read_dir(Path::new(TEMPLATES)).unwrap() {
        let path = entry.unwrap().path();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let found: Vec<_> = complains.find_iter(&text).map(|one| one.as_str().to_owned()).collect();
        assert_eq!(found, Vec::<String>::new(), "{}", path.display());
        read += 1;
    }
    assert!(read > 25, "{read} templates were read");
}

#[tokio::test]
async fn an_address_without_its_scheme_is_offered_with_it() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let preview = async |url: &str| {
        let fields = [("method", "POST"), ("ended_url", url), ("focus", "Ended")];
        olga.post("/a/1/integration/preview", &fields).await.text
    };
    for typed in ["crm.example.dk/pbx", "//crm.example.dk/pbx"] {
        let part = preview(typed).await;
        assert!(part.contains("data-value=\"https://crm.example.dk/pbx\""), "{typed}: {part}");
        assert!(part.contains("Mener du https://crm.example.dk/pbx?"), "{part}");
    }
    for typed in ["nonsense", "ftp://crm.example.dk/", "http://10.1.2.3/x", "https://crm.example.dk/pbx", ""]
    {
        assert!(!preview(typed).await.contains("data-fill"), "{typed}");
    }
    let fields = [("method", "POST"), ("version", "0"), ("ended_url", "crm.example.dk/pbx")];
    let refused = olga.post("/a/1/integration", &fields).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("Mener du https://crm.example.dk/pbx?"), "without scripts, too");
}

#[tokio::test]
async fn how_long_to_try_is_said_in_days_hours_and_minutes() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let fields = [
        ("method", "POST"),
        ("version", "0"),
        ("ended_url", "https://crm.example/"),
        ("time_zone", "America/New_York"),
        ("incoming_secs", "2"),
        ("incoming_unit", "60"),
        ("others_secs", "36"),
        ("others_unit", "3600"),
    ];
    let saved = olga.post("/a/1/integration", &fields).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let kept = rig.get(&rig.operator, "/api/v1/accounts/1/integration").await.json();
    assert_eq!(kept["retry"]["incoming_secs"], 120, "{kept}");
    assert_eq!(kept["retry"]["others_secs"], 129_600, "{kept}");
    let page = olga.get("/a/1/integration").await.text;
    assert!(
        page.contains("value=\"36\"") && page.contains("<option value=\"3600\" selected>timer"),
        "{page}"
    );
    assert!(
        page.contains("value=\"2\"") && page.contains("<option value=\"60\" selected>minutter"),
        "{page}"
    );
    assert!(page.contains("<option selected>America/New_York</option>"), "zones are a list: {page}");
    let wrong = [("method", "POST"), ("version", "1"), ("others_secs", "long"), ("others_unit", "60")];
    let refused = olga.post("/a/1/integration", &wrong).await;
    assert!(refused.status == 400 && refused.text.contains("Skriv et helt tal"), "{}", refused.text);
}

#[tokio::test]
async fn every_extra_parameter_has_its_sentence() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    for language in ["da", "en"] {
        let page = olga.in_language(language).get("/a/1/integration").await.text;
        let ticks = page.split_once("class=\"ticks of-some\"").unwrap().1.split_once("</div>").unwrap().0;
        let sentences = ticks.matches("<span class=\"quiet\">").count();
        assert!(sentences > 12 && !ticks.contains("<span class=\"quiet\"></span>"), "{ticks}");
        assert_eq!(sentences, ticks.matches("type=\"checkbox\"").count());
    }
}

#[tokio::test]
async fn an_account_is_removed_on_its_own_page_by_name() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    assert!(!olga.get("/operator/accounts").await.text.contains("accounts/remove"), "not beside making one");
    let page = olga.get("/a/1/settings").await.text;
    assert!(
        page.contains("Fjern kontoen Account 1") && page.contains("data-sure=\"Fjern Account 1?\""),
        "{page}"
    );
    let rolf = Browser::made(&olga, "rolf", "account").await;
    assert!(!rolf.get("/a/1/settings").await.text.contains("accounts/remove"));
}

#[tokio::test]
async fn dates_are_in_the_pages_language_and_what_is_none_is_told() {
    let rig = Rig::new().await;
    rig.keep_call(1, &[]).await;
    let olga = Browser::first(&rig).await;
    for (language, from, shown, sentence) in [
        ("da", "22.11.2026", "value=\"22.11.2026\"", "Skriv datoer som 28.11.2026."),
        ("en", "22/11/2026", "value=\"22/11/2026\"", "Write dates as 28/11/2026."),
    ] {
        let browser = olga.in_language(language);
        for place in ["calls", "deliveries", "report"] {
            for text in [from, "2026-11-22"] {
                let page = browser.get(&format!("/a/1/{place}?from={text}&until={text}")).await.text;
                assert_eq!(page.matches(shown).count(), 2, "{place} {text}: {page}");
            }
        }
        let found = browser.get(&format!("/a/1/calls?from={from}&until={from}")).await.text;
        assert_eq!(found.matches("data-row=").count(), 1);
        let none = browser.get("/a/1/calls?from=yesterday").await.text;
        assert!(none.contains(sentence) && none.contains("value=\"yesterday\""), "{none}");
    }
}

#[tokio::test]
async fn what_a_number_would_be_sent_as_is_told_before_it_is_saved() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let page = olga.get("/a/1/integration").await.text;
    assert!(page.contains("70 10 20 30 sendes uændret"), "as things are: {page}");
    for (country, number, told) in [
        ("DK", "", "70 10 20 30 sendes som +4570102030"),
        ("DK", "101", "101 sendes uændret"),
        ("DK", "0046 8 123 456 78", "0046 8 123 456 78 sendes som +46812345678"),
        ("SE", "08-123 456 78", "08-123 456 78 sendes som +46812345678"),
        ("", "+45 70 10 20 30", "+45 70 10 20 30 sendes uændret"),
    ] {
        let fields = [("method", "POST"), ("e164_country", country), ("e164_try", number)];
        let part = olga.post("/a/1/integration/preview", &fields).await.text;
        assert!(part.contains(told), "{country} {number}: {part}");
    }
    let fields = [("method", "POST"), ("e164_country", "XX"), ("e164_try", "70102030")];
    let part = olga.post("/a/1/integration/preview", &fields).await.text;
    assert!(part.contains("id=\"e164-sent\" aria-live=\"polite\" hx-swap-oob=\"true\"></p>"), "{part}");
}

#[tokio::test]
async fn for_how_long_calls_are_kept_says_what_an_empty_field_means() {
    let limited = |limit: &str| {
        format!("Lad feltet være tomt for at bruge operatørens grænse ({limit}), som ikke kan overskrides.")
    };
    for (days, megabytes, told) in [
        (Some(90), None, limited("90 dage")),
        (Some(30), Some(2_000), limited("30 dage, højst 2.000 MB i alt")),
        (None, None, "Operatøren har ikke sat nogen grænse: Er felterne tomme, gemmes alt.".to_owned()),
    ] {
        let options = web::Options { keep_days: days, keep_megabytes: megabytes, ..web::Options::default() };
        let rig = Rig::with(options).await;
        let page = Browser::first(&rig).await.get("/a/1/settings").await.text;
        assert!(page.contains(&told), "{page}");
    }
}
