//! A FreeSWITCH as one of the PBXs: beside an Asterisk, and when it refuses, vanishes and talks nonsense.

use demo::switch::{ActPlan, Switch, SwitchOptions, play};
use tokio::sync::mpsc;

use crate::bed::{Bed, Gateway, kind, kinds, patiently};

fn with(bed: &Bed, switch: &Switch, secret: &str) -> String {
    format!(
        "{}[[pbx]]\nname = \"fs\"\nkind = \"freeswitch\"\naddress = \"{}\"\nsecret = \"{secret}\"\n\
         [[pbx.phones]]\nendpoint = '(?<phone>\\d+)@(?<account>\\d+)\\.lab\\.test'\n",
        bed.sound(),
        switch.address()
    )
}

/// A FreeSWITCH beside an Asterisk, followed by the program in this environment, with web services for both accounts.
pub(crate) async fn followed(environment: &[(&str, &str)]) -> (Bed, Switch, Gateway) {
    let bed = Bed::new().await;
    let switch = Switch::start(SwitchOptions::default()).await.unwrap();
    bed.write(&with(&bed, &switch, "ClueCon"));
    bed.integrate("POST").await;
    let mut gateway = Gateway::start_with(&bed.config(), environment).await;
    follows(&mut gateway, "pbx1").await;
    follows(&mut gateway, "fs").await;
    (bed, switch, gateway)
}

/// Waits until it follows this PBX.
async fn follows(gateway: &mut Gateway, pbx: &str) {
    let is = |line: &serde_json::Value| line["message"] == "the PBX is followed" && line["pbx"] == pbx;
    patiently("the link", async {
        while !gateway.said.iter().any(is) {
            gateway.hears().await;
        }
    })
    .await;
}

/// A call of the first company. The same seed gives the same ids, as if it were the same call.
pub(crate) async fn act(switch: &Switch, name: &str, seed: u64) {
    let plan = ActPlan { seed, speed: 20.0, once: true, only: vec![name.to_owned()] };
    let (begun, _begins) = mpsc::channel(8);
    patiently("the play", play(switch, plan, begun)).await;
}

#[tokio::test]
async fn a_mixed_house_tells_the_calls_of_both_pbxs_for_one_account() {
    let (mut bed, switch, gateway) = followed(&[]).await;
    bed.play(&["inbound-answered"], 50.0).await;
    let asterisk = bed.requests(3).await;
    assert_eq!(kinds(&asterisk), ["Incoming", "Answered", "Ended"]);
    act(&switch, "blind-transfer-to-employee", 1).await;
    let freeswitch = bed.requests(6).await;
    let mut told = kinds(&freeswitch);
    told.sort_unstable();
    assert_eq!(told, ["Answered", "Answered", "Ended", "Ended", "Incoming", "Incoming"]);
    let begins = freeswitch.iter().filter(|request| kind(request) == "Incoming");
    let rang: Vec<_> = begins.map(|request| request.parameter("Calledphone")).collect();
    let ends = freeswitch.iter().filter(|request| kind(request) == "Ended");
    ends.for_each(|end| assert!(rang.contains(&end.parameter("TransferTo")), "{end:?}"));
    for request in freeswitch {
        assert!(request.parameter("UniqueCallId").starts_with("fs-"), "{request:?}");
    }
    gateway.stop().await;
}

/// Out by a trunk of the one, in by a trunk of the other: what joins the two is no PBX's to know.
#[tokio::test]
async fn a_call_from_one_pbx_to_the_other_by_a_trunk_is_a_call_at_each() {
    let (mut bed, switch, gateway) = followed(&[]).await;
    tokio::join!(bed.play(&["outbound-answered"], 20.0), act(&switch, "inbound-answered", 1));
    let (from, to): (Vec<_>, Vec<_>) = bed
        .requests(5)
        .await
        .into_iter()
        .partition(|request| request.parameter("UniqueCallId").starts_with("pbx1-"));
    assert_eq!(
        (kinds(&from), kinds(&to)),
        (vec!["Outgoing", "Ended"], vec!["Incoming", "Answered", "Ended"])
    );
    for request in from.iter().chain(&to) {
        let own = if request.parameter("UniqueCallId").starts_with("pbx1-") { "pbx1-" } else { "fs-" };
        for id in ["UniqueCallId", "LinkedUniqueCallId"].map(|name| request.parameter(name)) {
            assert!(id.is_empty() || id.starts_with(own), "{request:?}");
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_freeswitch_that_lets_nobody_in_is_told_in_words() {
    let refuses = SwitchOptions { refuses: true, ..SwitchOptions::default() };
    let old = SwitchOptions { version: "1.6.20".to_owned(), ..SwitchOptions::default() };
    for (options, secret, message, words) in [
        (SwitchOptions::default(), "wrong", "the PBX refuses the login", "refused the login"),
        (refuses, "ClueCon", "the PBX cannot be followed", "apply-inbound-acl"),
        (old, "ClueCon", "the PBX cannot be followed", "too old"),
    ] {
        let bed = Bed::new().await;
        let switch = Switch::start(options).await.unwrap();
        bed.write(&with(&bed, &switch, secret));
        let mut gateway = Gateway::start(&bed.config()).await;
        let said = gateway.says(message).await;
        assert_eq!(said["level"], "ERROR");
        assert!(said.to_string().contains(words), "{words}: {said}");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn nonsense_half_messages_a_cut_and_a_restart_cost_no_call() {
    let (mut bed, switch, mut gateway) = followed(&[]).await;
    let flood = b"Content-Length: 20\nContent-Type: text/event-plain\n\nEvent-Name: NOTHING\n".repeat(20_000);
    let nonsense: [&[u8]; 5] = [
        b"Content-Length: -1\nContent-Type: text/event-plain\n\n",
        b"Content-Length: 5\nContent-Type: text/event-plain\n\n\xff\xfe\n\n\n",
        b"\n\n\n: \n\nContent-Type: nobody/knows\n\n",
        b"Content-Length: 2\nContent-Type: text/event-json\n\n{]",
        &flood,
    ];
    for bytes in nonsense {
        patiently("it to be heard", switch.say(bytes.to_vec())).await;
    }
    act(&switch, "inbound-answered", 1).await;
    assert_eq!(kinds(&bed.requests(3).await), ["Incoming", "Answered", "Ended"]);
    for (misfortune, seed) in [(Switch::cut as fn(&Switch), 2), (Switch::restart, 3)] {
        gateway.forget();
        patiently("half a message", switch.say(&b"Content-Length: 900\nContent-Type: text/event-pl"[..]))
            .await;
        misfortune(&switch);
        gateway.says("no link to the PBX").await;
        patiently("the link", switch.clients(1)).await;
        act(&switch, "inbound-answered", seed).await;
        assert_eq!(kinds(&bed.requests(3).await), ["Incoming", "Answered", "Ended"]);
    }
    gateway.stop().await;
}
