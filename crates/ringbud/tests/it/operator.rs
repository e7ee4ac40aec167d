//! The operator is told what happens to the gateway itself.

use std::time::Duration;

use demo::pbx::{Pbx, PbxOptions, Rights, User};
use serde_json::Value;

use crate::bed::{Bed, Gateway, own_address, patiently, play_on};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[tokio::test]
async fn a_pbx_out_of_reach_and_a_webhook_that_is_paused_are_told() {
    let mut bed = Bed::new().await;
    let [address, listen] = [(); 2].map(|()| own_address());
    let url = bed.receiver.url("/operator");
    bed.write(&format!(
        "{}[[pbx]]\nname = \"pbx2\"\naddress = \"{address}\"\nusername = \"ringbud\"\nsecret = \"ringbud\"\n\
         [operator]\nurl = \"{url}\"\nsecret = \"{SECRET}\"\nlink_down_secs = 1\n",
        bed.sound().replace("127.0.0.1:0", &listen.to_string())
    ));
    bed.integrate("POST").await;
    let gateway = bed.serve().await;
    let down = told(&mut bed).await;
    assert_eq!((&down["type"], &down["data"]["pbx"]), (&"pbx.down".into(), &"pbx2".into()));
    let _pbx = Pbx::start(PbxOptions { listen: address, ..PbxOptions::default() }).await.unwrap();
    let up = told(&mut bed).await;
    assert_eq!((&up["type"], &up["data"]["pbx"]), (&"pbx.up".into(), &"pbx2".into()));

    let account = demo::cast::ACCOUNTS[0].id;
    bed.ask(&["delivery", "pause", account, "--event", "ended"]).await;
    let paused = told(&mut bed).await;
    assert_eq!((&paused["type"], &paused["data"]["account"]), (&"webhook.paused".into(), &account.into()));
    assert_eq!(paused["data"]["by_person"], true);
    gateway.stop().await;
}

/// All times of calls are by the PBX's clock.
#[tokio::test]
async fn a_pbx_whose_clock_is_far_from_ours_is_told_everywhere_until_it_is_mended() {
    let mut bed = Bed::new().await;
    let far = PbxOptions { clock_ahead: Duration::from_secs(3_600), ..PbxOptions::default() };
    bed.pbx = Pbx::start(far).await.unwrap();
    let url = bed.receiver.url("/operator");
    bed.write(&format!("{}[operator]\nurl = \"{url}\"\nsecret = \"{SECRET}\"\n", bed.sound()));
    let mut gateway = bed.serve().await;
    let troubled = told(&mut bed).await;
    assert_eq!((&troubled["type"], &troubled["data"]["pbx"]), (&"pbx.troubled".into(), &"pbx1".into()));
    assert_eq!(troubled["data"]["codes"], serde_json::json!(["clock_far"]));
    let said = gateway.says("the PBX's clock differs from ours by").await;
    assert_eq!((&said["level"], &said["code"]), (&"WARN".into(), &"clock_far".into()));
    let (status, ready) = gateway.api("GET", "/readyz", "", "").await;
    assert_eq!(status, 200, "it does its work all the same: {ready}");
    assert!(ready.contains("pbx1: the PBX's clock differs from ours by 3"), "{ready}");

    let listen = bed.pbx.address();
    bed.pbx.cut();
    drop(std::mem::replace(&mut bed.pbx, Pbx::start(PbxOptions::default()).await.unwrap()));
    // The one that was dropped lets go of its address a moment later.
    let _mended = patiently("the address to be free", async {
        loop {
            match Pbx::start(PbxOptions { listen, ..PbxOptions::default() }).await {
                Ok(pbx) => return pbx,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    })
    .await;
    let well = told(&mut bed).await;
    assert_eq!((&well["type"], &well["data"]["pbx"]), (&"pbx.well".into(), &"pbx1".into()));
    let (_, ready) = gateway.api("GET", "/readyz", "", "").await;
    assert!(!ready.contains("clock"), "{ready}");
    gateway.stop().await;
}

/// The commonest mistake: an AMI user without `call` in `read` is welcomed, and told nothing.
#[tokio::test]
async fn a_link_on_which_calls_are_not_heard_is_told_everywhere_and_never_called_healthy() {
    let mut bed = Bed::new().await;
    let deaf = User { read: Rights::of("system"), ..User::new("ringbud", "ringbud") };
    bed.pbx = Pbx::start(PbxOptions { users: vec![deaf], ..PbxOptions::default() }).await.unwrap();
    let url = bed.receiver.url("/operator");
    bed.write(&format!("{}[operator]\nurl = \"{url}\"\nsecret = \"{SECRET}\"\n", bed.sound()));
    let mut gateway = Gateway::hurried(&bed.config()).await;
    gateway.says("the PBX is followed").await;
    let Bed { pbx, receiver, .. } = &mut bed;
    let calls = async {
        loop {
            play_on(pbx, &["inbound-answered"], 1.0).await;
        }
    };
    let troubled = tokio::select! {
        request = patiently("what the operator is told", receiver.next()) => request.unwrap(),
        () = calls => unreachable!("there is always another call"),
    };
    let troubled: Value = serde_json::from_slice(&troubled.body).unwrap();
    assert_eq!((&troubled["type"], &troubled["data"]["pbx"]), (&"pbx.troubled".into(), &"pbx1".into()));
    assert_eq!(troubled["data"]["codes"], serde_json::json!(["missing_call_events"]));
    let said = gateway.says("the AMI user does not receive call events").await;
    assert_eq!((&said["level"], &said["code"]), (&"WARN".into(), &"missing_call_events".into()));
    let (status, ready) = gateway.api("GET", "/readyz", "", "").await;
    assert_eq!(status, 200, "another instance would hear no more: {ready}");
    assert!(ready.contains("pbx1: the AMI user does not receive call events"), "{ready}");
    gateway.stop().await;
}

async fn told(bed: &mut Bed) -> Value {
    let request = patiently("what the operator is told", bed.receiver.next()).await.unwrap();
    assert_eq!(request.target.path(), "/operator");
    assert!(request.header("webhook-signature").starts_with("v1,"));
    serde_json::from_slice(&request.body).unwrap()
}
