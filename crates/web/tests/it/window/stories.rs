//! A call's story where many phones rang.

use std::sync::Arc;

use calls::{EndReason, Ended, LegId, What};
use journal::{DeliveryId, Filter, Grant, Outcome, Reason, Settle};

use super::browser::Browser;
use crate::rig::{self, Rig};

const RANG: i64 = 40;

/// One call on forty phones; the fourth takes it. What the last phone's deliveries came to is that they failed.
async fn rang_on_forty() -> Rig {
    let rig = Rig::new().await;
    let url = r#"{"incoming_url": "https://crm.example/ring"}"#;
    rig.put(&rig.operator, "/api/v1/accounts/1/integration", url).await;
    let id = rig.cache.account(&calls::AccountId::new("1")).unwrap().integration().unwrap().0;
    for at in 0..RANG {
        let mut events = rig::call(7);
        if at != 3 {
            events.remove(1);
        }
        for event in &mut events {
            event.leg = LegId::new(format!("pbx1-7.{:02}", at + 1));
            let mut phone = (*event.phone).clone();
            (phone.number, phone.employee) = (format!("{}", 301 + at).as_str().into(), None);
            event.phone = Arc::new(phone);
            if let What::Ended(_) = event.what
                && at != 3
            {
                let reason = EndReason::AnsweredElsewhere;
                event.what = What::Ended(Ended { answered_at: None, reason, transfer: None });
            }
        }
        rig.keep_for(events, &[id]).await;
    }
    let all = rig.journal.deliveries(Filter::default()).await.unwrap();
    let settle = |one: &journal::DeliveryRecord| Settle {
        grant: Grant::ALONE,
        id: DeliveryId { event: one.id.event, integration: id },
        attempt: None,
        outcome: match one.event.event.leg.as_str() {
            "pbx1-7.40" => Outcome::Failed(Some(Reason::status(500))),
            _ => Outcome::Delivered,
        },
    };
    rig.journal.settle(&all.iter().map(settle).collect::<Vec<_>>()).await.unwrap();
    rig
}

#[tokio::test]
async fn phones_that_only_rang_are_folded_and_the_table_has_them_all() {
    let rig = rang_on_forty().await;
    let story = Browser::first(&rig).await.get("/a/1/calls/pbx1-7.01").await.text;
    let (shown, folded) = story.split_once("<details class=\"fold\" id=\"others\">").expect("a disclosure");
    let (folded, table) = folded.split_once("</details>").unwrap();
    assert_eq!(shown.matches("class=\"leg\"").count(), 6, "who took it, and five more");
    assert_eq!(folded.matches("class=\"leg\"").count(), 34);
    assert!(folded.starts_with("<summary>Det ringede også på 34 andre telefoner</summary>"), "{folded}");
    assert!(shown.contains(">340 ") && !folded.contains(">340 "), "its deliveries failed");
    assert!(shown.contains("<li class=\"quiet\">Det ringede også på 34 andre telefoner</li>"), "above, too");
    let rows = table.matches("<td class=\"title\">").count();
    assert_eq!(rows, usize::try_from(2 * RANG + 1).unwrap(), "every event");
    assert_eq!(table.matches("<tr class=\"other\">").count(), 68);
}

#[tokio::test]
async fn a_story_of_few_phones_folds_nothing() {
    let rig = Rig::new().await;
    rig.keep_call(1, &[]).await;
    let story = Browser::first(&rig).await.get("/a/1/calls/pbx1-1.1").await.text;
    assert!(!story.contains("id=\"others\"") && !story.contains("class=\"other\""), "{story}");
}
