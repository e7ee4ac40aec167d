//! The demo PBX behaves as Asterisk does, and misbehaves when told to.

use demo::pbx::{Pbx, PbxOptions, Rights, User};

use crate::client::{Client, LOGIN};

const RING: &str = "Event: Newchannel\r\nPrivilege: call,all\r\nChannel: PJSIP/1001-101-00000001\r\n\r\n";

async fn pbx() -> Pbx {
    Pbx::start(PbxOptions::default()).await.expect("a free port")
}

async fn pbx_with(read: &str, write: &str) -> Pbx {
    let user = User { read: Rights::of(read), write: Rights::of(write), ..User::new("ringbud", "ringbud") };
    Pbx::start(PbxOptions { users: vec![user], ..PbxOptions::default() }).await.expect("a free port")
}

#[tokio::test]
async fn a_wrong_secret_is_refused_and_the_connection_closed() {
    let pbx = pbx().await;
    let mut client = Client::connect(pbx.address()).await;
    let answer = client.ask("Action: Login\r\nUsername: ringbud\r\nSecret: wrong\r\nActionID: 7").await;
    assert_eq!(answer, "Response: Error\r\nActionID: 7\r\nMessage: Authentication failed\r\n\r\n");
    assert_eq!(client.message().await, None);
}

#[tokio::test]
async fn a_challenge_is_answered_with_the_md5_of_challenge_and_secret() {
    use md5::{Digest as _, Md5};
    let pbx = pbx().await;
    let mut client = Client::connect(pbx.address()).await;
    let answer = client.ask("Action: Challenge\r\nAuthType: MD5").await;
    let challenge = answer.lines().find_map(|line| line.strip_prefix("Challenge: ")).expect("a challenge");
    let digest = Md5::digest(format!("{challenge}ringbud"));
    let key: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let answer =
        client.ask(&format!("Action: Login\r\nAuthType: MD5\r\nUsername: ringbud\r\nKey: {key}")).await;
    assert!(answer.contains("Authentication accepted"), "{answer}");
}

#[tokio::test]
async fn nothing_is_done_before_a_login() {
    let pbx = pbx().await;
    let mut client = Client::connect(pbx.address()).await;
    assert!(client.ask("Action: CoreStatus").await.contains("Permission denied"));
}

#[tokio::test]
async fn lists_come_with_their_ends() {
    let pbx = pbx().await;
    let mut client = Client::log_in(pbx.address()).await;
    let endpoints = client.list("Action: PJSIPShowEndpoints\r\nActionID: e").await;
    assert!(endpoints.concat().contains("ObjectName: 1001-101\r\n"));
    assert!(endpoints.last().expect("an end").contains("ListItems: 9"));
    assert_eq!(client.list("Action: CoreShowChannels").await.len(), 2);
    assert!(client.ask("Action: CoreSettings").await.contains("AsteriskVersion: 22."));
    assert!(client.ask("Action: CoreStatus").await.contains("CoreStartupDate: 20"));
    assert!(client.ask("Action: Ping").await.contains("Ping: Pong"));
    assert!(client.ask("Action: Sing").await.contains("Invalid/unknown command"));
}

#[tokio::test]
async fn what_a_user_may_not_do_is_denied() {
    let pbx = pbx_with("call", "").await;
    let mut client = Client::connect(pbx.address()).await;
    client.ask(LOGIN).await;
    for action in ["CoreShowChannels", "CoreStatus", "PJSIPShowEndpoints", "Filter", "Status"] {
        let answer = client.ask(&format!("Action: {action}")).await;
        assert!(answer.contains("Permission denied"), "{action}: {answer}");
    }
    assert!(
        client.ask("Action: Ping").await.contains("Pong"),
        "FullyBooted was not sent: it needs read=system"
    );
}

#[tokio::test]
async fn a_client_in_a_boot_is_told_when_it_is_over() {
    let options = PbxOptions { booting: true, ..PbxOptions::default() };
    let pbx = Pbx::start(options).await.expect("a free port");
    let mut client = Client::connect(pbx.address()).await;
    client.ask(LOGIN).await;
    assert!(client.ask("Action: Ping").await.contains("Pong"));
    pbx.boot().await;
    assert!(client.message().await.expect("an event").contains("Event: FullyBooted"));
}

#[tokio::test]
async fn what_a_test_says_is_heard_byte_for_byte() {
    let pbx = pbx().await;
    let mut client = Client::log_in(pbx.address()).await;
    pbx.say(RING).await;
    assert_eq!(client.message().await.as_deref(), Some(RING));
    pbx.say(vec![0xff, 0xfe, b'\r']).await;
    while client.unread().len() < 3 {
        client.some().await;
    }
    assert_eq!(client.unread(), [0xff, 0xfe, b'\r']);
}

#[tokio::test]
async fn what_happens_while_nobody_listens_is_in_the_list_for_who_comes_later() {
    let pbx = pbx().await;
    let (mut load, mut out) = (demo::load::Load::new(demo::load::LoadOptions::default()), Vec::new());
    load.live(3, 1_795_343_903_000_000, &mut out);
    load.turn_over(1_795_343_904_000_000, &mut out);
    pbx.happens(|_| String::from_utf8(out).expect("text")).await;
    let mut client = Client::log_in(pbx.address()).await;
    let list = client.list("Action: CoreShowChannels").await;
    let channels = list.iter().filter(|message| message.starts_with("Event: CoreShowChannel\r\n")).count();
    assert_eq!((channels, pbx.channels()), (6, 6), "{list:?}");
}

#[tokio::test]
async fn a_line_of_ten_megabytes_arrives_whole() {
    let pbx = pbx().await;
    let mut client = Client::log_in(pbx.address()).await;
    let length = 10 * 1024 * 1024;
    pbx.say(vec![b'x'; length]).await;
    let mut heard = 0;
    while heard < length {
        let some = client.some().await;
        assert!(some > 0, "closed after {heard} bytes");
        heard += some;
    }
    assert_eq!(heard, length);
}

#[tokio::test]
async fn a_cut_ends_every_connection_and_takes_new_ones() {
    let pbx = pbx().await;
    let mut client = Client::log_in(pbx.address()).await;
    pbx.cut();
    assert_eq!(client.message().await, None);
    pbx.clients(0).await;
    let mut again = Client::log_in(pbx.address()).await;
    assert!(again.ask("Action: Ping").await.contains("Pong"));
}

#[tokio::test]
async fn a_frozen_pbx_answers_when_it_thaws() {
    let pbx = pbx().await;
    let mut client = Client::log_in(pbx.address()).await;
    pbx.freeze();
    client.send("Action: Ping").await;
    pbx.thaw();
    assert!(client.message().await.expect("an answer").contains("Pong"));
}

#[tokio::test]
async fn a_frozen_pbx_says_nothing_and_can_be_cut() {
    let pbx = pbx().await;
    let mut client = Client::log_in(pbx.address()).await;
    pbx.freeze();
    pbx.say(RING).await;
    // Every task of this thread has its turn: a PBX that is not frozen would have written.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    pbx.cut();
    assert_eq!(client.message().await, None);
    assert_eq!(client.unread(), b"");
}
