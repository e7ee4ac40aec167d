//! PBXs that refuse, vanish, and talk nonsense.

use std::sync::Arc;

use demo::pbx::{Pbx, PbxOptions};
use tokio::sync::Notify;

use crate::bed::{Bed, Gateway, kind, kinds, own_address, patiently, play_ringing};

#[tokio::test]
async fn a_refused_login_is_told_in_words_and_tried_on() {
    let bed = Bed::new().await;
    bed.write(&bed.sound().replace("secret = \"ringbud\"", "secret = \"wrong\""));
    let mut gateway = Gateway::start(&bed.config()).await;
    let said = gateway.says("the PBX refuses the login").await;
    assert_eq!(said["level"], "ERROR");
    assert!(!said.to_string().contains("wrong"), "the secret is in the log: {said}");
    let check = bed.run(&["check"]).await;
    assert_eq!(check.status.code(), Some(1));
    assert!(String::from_utf8(check.stdout).unwrap().contains("check username and secret"));
    gateway.stop().await;
}

#[tokio::test]
async fn a_pbx_that_comes_later_is_followed_when_it_comes() {
    let bed = Bed::new().await;
    let address = own_address();
    bed.write(&bed.sound().replace(&bed.pbx.address().to_string(), &address.to_string()));
    let mut gateway = Gateway::start(&bed.config()).await;
    let said = gateway.says("no link to the PBX").await;
    assert_eq!(said["level"], "WARN");
    let _pbx = Pbx::start(PbxOptions { listen: address, ..PbxOptions::default() }).await.unwrap();
    gateway.says("the PBX is followed").await;
    gateway.stop().await;
}

#[tokio::test]
async fn one_pbx_that_is_down_does_not_touch_the_other() {
    let mut bed = Bed::new().await;
    bed.write(&format!(
        "{}[[pbx]]\nname = \"pbx2\"\naddress = \"127.0.0.1:1\"\nusername = \"x\"\nsecret = \"x\"\n",
        bed.sound()
    ));
    bed.integrate("POST").await;
    let gateway = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    assert_eq!(bed.requests(3).await.len(), 3);
    gateway.stop().await;
}

#[tokio::test]
async fn nonsense_from_the_pbx_costs_no_call() {
    let mut bed = Bed::new().await;
    bed.integrate("POST").await;
    let gateway = bed.serve().await;
    let long_line = [vec![b'x'; 10 << 20], b"\r\n\r\n".to_vec()].concat();
    let nonsense: [&[u8]; 4] = [
        b"Event: Newchannel\r\nUniqueid: \xff\xfe\r\n\r\n",
        b"Event: NobodyKnows\r\n\r\nEvent: Hangup\r\nUniqueid: 1.1\r\nChannel: PJSIP/1001-101-00000001\r\n\r\n",
        b": \r\n:::\r\n\0\0\r\n\r\n",
        &long_line,
    ];
    for bytes in nonsense {
        patiently("the PBX to be heard", bed.pbx.say(bytes.to_vec())).await;
    }
    bed.play(&["inbound-answered"], 50.0).await;
    assert_eq!(kinds(&bed.requests(3).await), ["Incoming", "Answered", "Ended"]);
    gateway.stop().await;
}

#[tokio::test]
async fn a_link_that_breaks_is_made_anew_and_the_call_ends_once() {
    let mut bed = Bed::new().await;
    bed.integrate("POST").await;
    let mut gateway = bed.serve().await;
    let Bed { pbx, receiver, .. } = &mut bed;
    let go_on = Arc::new(Notify::new());
    let play = play_ringing(pbx, "inbound-answered", 20.0, &go_on);
    let cut = async {
        let rings = patiently("the ring", receiver.next()).await.unwrap();
        pbx.cut();
        gateway.says("no link to the PBX").await;
        gateway.forget();
        gateway.says("the PBX is followed").await;
        go_on.notify_one();
        rings
    };
    let (rings, ()) = tokio::join!(cut, play);
    let mut told = vec![kind(&rings)];
    while told.last() != Some(&"Ended") {
        let request = bed.request().await;
        assert_eq!(request.parameter("UniqueCallId"), rings.parameter("UniqueCallId"));
        told.push(kind(&request));
    }
    assert_eq!(told, ["Incoming", "Answered", "Ended"]);
    gateway.stop().await;
}

#[tokio::test]
async fn check_says_what_it_found_and_whose_the_phones_are() {
    let bed = Bed::new().await;
    let done = bed.run(&["check"]).await;
    let said = String::from_utf8(done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(0), "{said}");
    assert!(said.contains("logged in as ringbud"), "{said}");
    assert!(said.contains("is phone 101 of account 1001"), "{said}");
    assert!(!bed.data().exists(), "check made a data folder");
}

/// Processor time a process has used, in clock ticks.
fn ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[tokio::test]
async fn a_pbx_that_says_nothing_is_waited_for_without_spinning() {
    let bed = Bed::new().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    bed.write(&bed.sound().replace(&bed.pbx.address().to_string(), &address));
    let gateway = Gateway::start(&bed.config()).await;
    let (_connection, _) = patiently("the link", silent.accept()).await.unwrap();
    let before = ticks(gateway.process());
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let used = ticks(gateway.process()) - before;
    // The interval is what is looked at: a task that spins uses 300 ticks in it.
    assert!(used < 100, "{used} ticks");
    gateway.stop().await;
}
