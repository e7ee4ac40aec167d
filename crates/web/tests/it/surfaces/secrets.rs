//! What is the operator's stays the operator's.

use admin::{Beside, EarlierCalls, Link, LinkState, Remark, Stranger};
use journal::WallTime;

use crate::rig::Rig;
use crate::window::browser::Browser;

/// A link of which everything is the operator's, and everything is wrong.
fn down() -> Link {
    let refused = Remark {
        code: "login_refused",
        args: vec![
            ("kind", "Asterisk".into()),
            ("username", "ringbud-ami".into()),
            ("said", "192.0.2.99 said Authentication failed".into()),
        ],
        english: "the PBX refused the login of \"ringbud-ami\": 192.0.2.99 said Authentication failed".into(),
    };
    let clock = Remark {
        code: "clock_far",
        args: vec![("kind", "Asterisk".into()), ("seconds", "4711".into())],
        english: "the PBX's clock differs from ours by 4711 s".into(),
    };
    let stranger = Stranger { endpoint: "PJSIP/hidden-phone".into(), is_provider: false, since: WallTime(0) };
    Link {
        address: "192.0.2.99:5038".into(),
        since: Some(WallTime(1_795_337_580_000_000)),
        last_error: Some(refused.clone()),
        remarks: vec![clock],
        strangers: vec![stranger],
        version: "Asterisk 99".into(),
        beside: Some(vec![listens("gw-hidden", Some("closed"))]),
        ..Link::named("pbx-secret", LinkState::Down(Some(refused)))
    }
}

fn listens(gateway: &str, lacks: Option<&str>) -> Beside {
    let since = Some(WallTime(1_795_337_580_000_000));
    Beside { gateway: gateway.into(), lacks: lacks.map(str::to_owned), since }
}

/// What of it may stand nowhere else.
const SECRETS: [&str; 8] = [
    "pbx-secret",
    "192.0.2.99",
    "ringbud-ami",
    "Authentication",
    "4711 s",
    "hidden-phone",
    "Asterisk 99",
    "gw-hidden",
];

#[tokio::test]
async fn an_accounts_people_are_told_that_the_pbx_is_not_reachable_and_nothing_of_the_machine() {
    let rig = Rig::new().await;
    *rig.gateway.links.lock().unwrap() = vec![down()];
    rig.keep_call(1, &[]).await;
    let olga = Browser::first(&rig).await;
    let people =
        [Browser::made(&olga, "rolf", "read-only").await, Browser::made(&olga, "mette", "account").await];
    for person in &people {
        for page in
            ["now", "calls", "calls/pbx1-1.1", "report", "integration", "deliveries", "people", "settings"]
        {
            let text = person.get(&format!("/a/1/{page}")).await.text;
            assert!(SECRETS.iter().all(|secret| !text.contains(secret)), "{page}: {text}");
            assert!(text.contains("Der har ikke været forbindelse til centralen siden"), "{page}: {text}");
        }
    }
    let operators = olga.get("/a/1/now").await.text;
    assert!(operators.contains("pbx-secret") && operators.contains("Authentication failed"), "{operators}");
}

#[tokio::test]
async fn what_is_wrong_with_a_link_is_data_to_programs_and_a_sentence_in_the_operators_language() {
    let rig = Rig::new().await;
    *rig.gateway.links.lock().unwrap() = vec![down()];
    let since = Some(WallTime(1_795_337_580_000_000));
    let earlier = EarlierCalls { gateway: Some("gw-hidden".into()), since };
    *rig.gateway.earlier_calls.lock().unwrap() = Some(earlier);
    let olga = Browser::first(&rig).await;
    let danish = olga.get("/operator/links").await.text;
    for words in [
        "centralen afviste at logge ringbud-ami ind med ordene",
        "centralens ur afviger 4711 s fra vores",
        "Endepunkter med opkald, som ingen telefonregel dækker: 1",
        "PJSIP/hidden-phone, siden",
    ] {
        assert!(danish.contains(words), "{words}: {danish}");
    }
    let english = olga.in_language("en").get("/operator/links").await.text;
    for words in ["refused the login of", "clock differs from ours by 4711 s", "that no phone rule covers: 1"]
    {
        assert!(english.contains(words), "{words}: {english}");
    }
    let told = rig.get(&rig.operator, "/api/v1/links").await.json();
    let link = &told["links"][0];
    assert_eq!((&link["state"], &link["pbx"]), (&"down".into(), &"pbx-secret".into()));
    assert_eq!(link["why"]["code"], "login_refused");
    assert_eq!(link["why"]["args"]["username"], "ringbud-ami");
    assert_eq!(link["remarks"][0]["args"]["seconds"], "4711");
    assert_eq!(link["strangers"][0]["endpoint"], "PJSIP/hidden-phone");
    for token in [&rig.admin, &rig.reader] {
        let told = rig.get(token, "/api/v1/links").await;
        let state = serde_json::json!({ "links": [{ "state": "down", "since": "2026-11-22T08:53:00Z" }] });
        assert_eq!(told.json(), state, "others are told the state and since when");
        assert!(SECRETS.iter().all(|secret| !told.text.contains(secret)), "{}", told.text);
    }
}

#[tokio::test]
async fn what_only_another_gateway_knows_of_its_pbx_is_not_shown_as_nothing() {
    let rig = Rig::new().await;
    let at = Remark {
        code: "at_gateway",
        args: vec![("gateway", "gw2".into())],
        english: "the gateway gw2 has it".into(),
    };
    *rig.gateway.links.lock().unwrap() = vec![Link::named("pbx2", LinkState::Elsewhere(at))];
    let link = rig.get(&rig.operator, "/api/v1/links").await.json()["links"][0].clone();
    assert_eq!(link["state"], "elsewhere");
    assert!(link.get("channels").is_none() && link.get("legs").is_none(), "{link}");
    let olga = Browser::first(&rig).await;
    let page = olga.in_language("en").get("/operator/links").await.text;
    assert!(page.contains("the gateway gw2 has it"), "{page}");
    assert!(!page.contains("Calls now") && !page.contains("Version"), "{page}");
}

#[tokio::test]
async fn who_listens_beside_and_who_has_the_earlier_calls_is_told_in_words_and_as_data() {
    let rig = Rig::new().await;
    let with = |name: &str, beside| Link { beside, ..Link::named(name, LinkState::Up) };
    *rig.gateway.links.lock().unwrap() = vec![
        with("pbx1", Some(vec![listens("gw2", None), listens("gw3", Some("connecting"))])),
        with("pbx2", Some(vec![listens("gw4", Some("login_refused"))])),
        with("pbx3", Some(Vec::new())),
        with("pbx4", None),
    ];
    let olga = Browser::first(&rig).await;
    let danish = olga.get("/operator/links").await.text;
    assert!(!danish.contains("Tidligere opkald"), "{danish}");
    let since = Some(WallTime(1_795_337_580_000_000));
    let earlier = EarlierCalls { gateway: Some("gw5".into()), since };
    *rig.gateway.earlier_calls.lock().unwrap() = Some(earlier);
    let english = olga.in_language("en");
    let (danish, english) =
        (olga.get("/operator/links").await.text, english.get("/operator/links").await.text);
    for (page, words) in [
        (
            &danish,
            [
                "; kan overtage centralen nu uden at gå glip af noget</dd>",
                "<dd>gw3; ville endnu gå glip af noget</dd>",
                "<dt>Lytter med</dt><dd>gw4; hører ikke centralen</dd>",
                "<dt>Lytter med</dt><dd>ingen</dd>",
                "<p>gw5 har dem, siden ",
            ],
        ),
        (
            &english,
            [
                "; could have the PBX now and miss nothing</dd>",
                "<dd>gw3; would still miss something</dd>",
                "<dt>Second reader</dt><dd>gw4; does not hear the PBX</dd>",
                "<dt>Second reader</dt><dd>none</dd>",
                "<p>gw5 has them, since ",
            ],
        ),
    ] {
        for words in words {
            assert!(page.contains(words), "{words}: {page}");
        }
    }
    assert_eq!(
        english.matches("<dt>Second reader</dt>").count(),
        3,
        "where gateways share nothing it is not said"
    );
    let told = rig.get(&rig.operator, "/api/v1/links").await.json();
    let since = "2026-11-22T08:53:00Z";
    assert_eq!(
        told["links"][0]["beside"],
        serde_json::json!([
            { "gateway": "gw2", "misses_nothing": true, "since": since },
            { "gateway": "gw3", "misses_nothing": false, "lacks": "connecting", "since": since },
        ])
    );
    assert!(told["links"][3].get("beside").is_none(), "{told}");
    assert_eq!(told["earlier_calls"], serde_json::json!({ "gateway": "gw5", "since": since }));
}
