//! The operator's list of accounts.

use std::sync::Arc;

use calls::PbxTime;

use super::browser::Browser;
use crate::rig::{self, Rig};

/// Its day is that of its own time zone.
#[tokio::test]
async fn the_list_of_accounts_says_how_many_calls_each_had_today_and_when_the_last_was() {
    let rig = Rig::new().await;
    let far = r#"{"ended_url": "https://a.example/", "time_zone": "Pacific/Kiritimati"}"#;
    rig.put(&rig.operator, "/api/v1/accounts/2/integration", far).await;
    let there = jiff::tz::TimeZone::get("Pacific/Kiritimati").unwrap();
    let now = jiff::Timestamp::now();
    let midnight = now.to_zoned(there).start_of_day().unwrap().timestamp().as_second();
    let at = |number: i64, account: &str, secs: i64| {
        let mut events = rig::call(number);
        let (begun_at, then) = (PbxTime::from_secs(secs), events[0].begun_at);
        for event in &mut events {
            (event.begun_at, event.at) = (begun_at, begun_at + event.at.since(then));
            let mut phone = (*event.phone).clone();
            phone.account = calls::AccountId::new(account);
            event.phone = Arc::new(phone);
        }
        events
    };
    rig.keep(at(1, "1", now.as_second())).await;
    for (number, secs) in [(2, midnight - 1), (3, midnight), (4, midnight + 1)] {
        rig.keep(at(number, "2", secs)).await;
    }
    let olga = Browser::first(&rig).await;
    let list = olga.get("/operator/accounts").await.text;
    let row = |id: &str| {
        let (_, row) = list.split_once(&format!("/a/{id}/now\"")).expect("a row");
        row.split("</tr>").next().unwrap().to_owned()
    };
    assert!(row("1").contains("data-label=\"Opkald i dag\">1</td>"), "{}", row("1"));
    assert!(row("2").contains("data-label=\"Opkald i dag\">2</td>"), "{}", row("2"));
    let last = jiff::Timestamp::from_second(midnight + 1).unwrap();
    let last = last.to_zoned(jiff::tz::TimeZone::get("Europe/Copenhagen").unwrap());
    let last = last.strftime("<time datetime=\"%Y-%m-%dT%H:%M:%S%:z\">").to_string();
    assert!(row("2").contains(&last), "{last}: {}", row("2"));
    rig.put(&rig.operator, "/api/v1/accounts/5", "{}").await;
    let list = olga.get("/operator/accounts").await.text;
    assert!(list.contains("<span class=\"quiet\">ingen endnu</span>"), "{list}");
}
