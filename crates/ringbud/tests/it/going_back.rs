//! What `ringbud gateways` says of who listens beside, and gateways that shared a store going back to a file.

use journal::conformance::engine::is_here;
use serde_json::Value;

use crate::bed::{Bed, Gateway, Signal, kinds};
use crate::sharing::{Ground, has};

const READERS: &str = "allow_unreplicated = true\nshare_pbxs = true";

async fn copied_back(bed: &Bed) -> (bool, String) {
    let back = bed.folder.path().join("back").display().to_string();
    let done = bed.run(&["journal", "copy", "--to", &back]).await;
    (done.status.success(), String::from_utf8_lossy(&done.stderr).into_owned())
}

/// What is said of one PBX.
async fn row(bed: &Bed, pbx: &str) -> Value {
    let said = bed.ask(&["gateways", "--json"]).await;
    let rows: Vec<Value> = serde_json::from_str(&said).unwrap();
    rows.into_iter().find(|row| row["pbx"] == pbx).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_that_shared_a_store_go_back_to_a_file_with_all_it_has() {
    if !is_here() {
        return;
    }
    let Some(mut ground) = Ground::shared(READERS).await else { return };
    let (mut first, second) = ground.both().await;
    let token = ground.bed.ask(&["token", "create", "--name", "tests"]).await;
    let mut requests = Vec::new();
    ground.calls(&mut requests).await;

    // Each PBX is listened to by the other; `ringbud gateways` says who would miss nothing, and since when.
    first.says("this gateway could have the PBX now and miss nothing").await;
    let mut seen = row(&ground.bed, "pbx2").await;
    while seen["next_misses"] != "nothing" {
        seen = row(&ground.bed, "pbx2").await;
    }
    assert_eq!((&seen["name"], &seen["next"]), (&"second".into(), &"data".into()), "{seen}");
    assert!(
        seen["next_since"].as_str().is_some_and(|since| since.starts_with("20") && since.ends_with("UTC")),
        "{seen}"
    );
    let earlier = row(&ground.bed, "(earlier calls)").await;
    assert!(earlier["name"] == "data" && earlier["next"] == "", "{earlier}");

    let (done, words) = copied_back(&ground.bed).await;
    assert!(!done && words.contains("runs on it: stop all gateways before it is copied"), "{words}");
    first.stop().await;
    let (done, words) = copied_back(&ground.bed).await;
    assert!(!done && words.contains("the gateway second runs on it"), "{words}");
    second.kill().await;
    let (done, words) = copied_back(&ground.bed).await;
    assert!(!done && words.contains("the gateway second is gone and was not stopped in order"), "{words}");
    let mut second = Gateway::start(&ground.config("second")).await;
    has(&mut second, "pbx2").await;
    second.signal(Signal::TERM);
    assert_eq!(second.ends().await, Some(0), "{:?}", second.said);
    let (done, words) = copied_back(&ground.bed).await;
    assert!(done && words.contains("in both stores there are 6 events"), "{words}");

    // One gateway goes on with it, as if it had never been elsewhere.
    ground
        .bed
        .write(&format!("secret_key_file = \"key\"\n{}", ground.bed.sound().replace("\"data\"", "\"back\"")));
    let gateway = ground.bed.serve().await;
    ground.bed.play(&["inbound-answered"], 50.0).await;
    assert_eq!(kinds(&ground.bed.events(3).await), ["Incoming", "Answered", "Ended"]);
    let path = format!("/api/v1/accounts/{}/calls", requests[0].parameter("AccountId"));
    let (status, calls) = gateway.api("GET", &path, token.trim(), "").await;
    assert_eq!((status, calls.matches("hungup_by_counterpart").count()), (200, 3), "{calls}");
    gateway.stop().await;
}
