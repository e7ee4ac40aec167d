//! What `/readyz` says of a PBX that is down.

use serde_json::Value;

use crate::bed::{Bed, own_address};

#[tokio::test]
async fn a_pbx_that_is_down_is_told_and_counts_only_where_the_question_is_strict() {
    let bed = Bed::new().await;
    let free = own_address();
    bed.write(&bed.sound().replace(&bed.pbx.address().to_string(), &free.to_string()));
    let mut gateway = crate::bed::Gateway::start(&bed.config()).await;
    gateway.says("no link to the PBX").await;
    assert_eq!(gateway.api("GET", "/readyz", "", "").await.0, 200);
    assert_eq!(gateway.api("GET", "/readyz?strict", "", "").await.0, 503);
    let (status, body) = gateway.page("/readyz?verbose&strict", "").await;
    let body: Value = serde_json::from_str(body.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(status, 503);
    let detail = &body["details"][0];
    assert_eq!((&detail["code"], &detail["pbx"]), (&"unreachable".into(), &"pbx1".into()), "{body}");
    assert_eq!((&detail["unready"], &detail["unfollowed"]), (&false.into(), &true.into()));
    gateway.stop().await;
}
