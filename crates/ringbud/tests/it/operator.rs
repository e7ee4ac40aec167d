//! The operator is told what happens to the gateway itself.

use demo::pbx::{Pbx, PbxOptions};
use serde_json::Value;

use crate::bed::{Bed, patiently};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[tokio::test]
async fn a_pbx_out_of_reach_and_a_webhook_that_is_paused_are_told() {
    let mut bed = Bed::new().await;
    let [address, listen] = {
        let free = [(); 2].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
        free.map(|port| port.local_addr().unwrap())
    };
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

async fn told(bed: &mut Bed) -> Value {
    let request = patiently("what the operator is told", bed.receiver.next()).await.unwrap();
    assert_eq!(request.target.path(), "/operator");
    assert!(request.header("webhook-signature").starts_with("v1,"));
    serde_json::from_slice(&request.body).unwrap()
}
