//! `check` of a FreeSWITCH: what it finds out, and how it says so.

use demo::switch::{Switch, SwitchOptions};

use crate::bed::Bed;

/// What `check` says of a FreeSWITCH with this secret, and its exit code.
async fn check(switch: &Switch, secret: &str, more: &[&str]) -> (String, Option<i32>) {
    let bed = Bed::new().await;
    let text = bed.sound();
    let (rest, _) = text.split_once("[[pbx]]").unwrap();
    bed.write(&format!(
        "{rest}[[pbx]]\nname = \"fs\"\nkind = \"freeswitch\"\naddress = \"{}\"\nsecret = \"{secret}\"\n\
         [[pbx.phones]]\nendpoint = '(?<phone>\\d+)@(?<account>\\d+)\\.lab\\.test'\n",
        switch.address()
    ));
    let done = bed.run(&[&["check"], more].concat()).await;
    (String::from_utf8(done.stdout).unwrap(), done.status.code())
}

async fn start(options: SwitchOptions) -> Switch {
    Switch::start(options).await.unwrap()
}

#[tokio::test]
async fn phones_domains_and_gateways_of_a_freeswitch_are_told() {
    let switch = start(SwitchOptions::default()).await;
    let (said, code) = check(&switch, "ClueCon", &[]).await;
    assert_eq!(code, Some(0), "{said}");
    for told in [
        "can be reached over TCP, logged in\n",
        "fs: FreeSWITCH 1.11.1-release\n",
        "fs: what Ringbud asks for is allowed\n",
        "101@1001.lab.test is phone 101 of account 1001, by the rule in line ",
        "fs: domain 1001.lab.test: ",
        "fs: gateway provider is registered\n",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    assert!(!said.contains("warn  fs"), "{said}");
}

#[tokio::test]
async fn what_refuses_the_login_of_a_freeswitch_is_told_in_words() {
    let refuses = SwitchOptions { refuses: true, ..SwitchOptions::default() };
    let old = SwitchOptions { version: "1.8.7".to_owned(), ..SwitchOptions::default() };
    for (options, secret, words) in [
        (SwitchOptions::default(), "wrong", "event_socket.conf.xml"),
        (refuses, "ClueCon", "add the address of this host to the list that apply-inbound-acl names"),
        (old, "ClueCon", "FreeSWITCH 1.8.7 is too old"),
    ] {
        let switch = start(options).await;
        let (said, code) = check(&switch, secret, &[]).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(words), "{words}: {said}");
        assert!(!said.contains("secret = "), "{said}");
    }
}

/// A user of `userauth` has the commands and events that its `esl-allowed-…` name.
#[tokio::test]
async fn each_right_that_a_user_of_the_event_socket_lacks_is_named() {
    for (denied, words) in [
        ("event", "(esl-allowed-events)"),
        ("filter", "does not heed filters"),
        ("api status", "the command status (esl-allowed-api)"),
        ("api show calls", "the commands show, uuid_dump and global_getvar (esl-allowed-api)"),
        ("api show registrations", "who is registered"),
    ] {
        let switch =
            start(SwitchOptions { denied: vec![denied.to_owned()], ..SwitchOptions::default() }).await;
        let (said, code) = check(&switch, "ClueCon", &[]).await;
        assert_eq!(code, Some(0), "{denied}: {said}");
        let warned = said.lines().any(|line| line.starts_with("warn  fs: ") && line.contains(words));
        assert!(warned, "{denied}: {said}");
    }
}

#[tokio::test]
async fn a_phone_that_cannot_be_known_and_a_line_that_is_down_are_told() {
    let switch = start(SwitchOptions { at_home: false, ..SwitchOptions::default() }).await;
    let (said, _) = check(&switch, "ClueCon", &[]).await;
    assert!(said.contains("warn  fs: nobody is registered and no phone is in a call"), "{said}");
    assert!(said.contains("warn  fs: gateway provider is not registered with its provider"), "{said}");
    switch
        .happens(
            "Event-Name: CHANNEL_CREATE\nUnique-ID: a\nCall-Direction: outbound\n\
             Event-Date-Timestamp: 1795346024031000\nChannel-Name: sofia/internal/101%4010.0.0.5:5060",
        )
        .await;
    let (said, _) = check(&switch, "ClueCon", &[]).await;
    assert!(
        said.contains(
            "warn  fs: a channel sofia/internal/101@10.0.0.5:5060 is up and has no Channel-Presence-ID"
        ),
        "{said}"
    );
}

#[tokio::test]
async fn a_call_shows_whether_events_of_a_freeswitch_come() {
    let switch = start(SwitchOptions::default()).await;
    let (said, code) = check(&switch, "ClueCon", &["--wait", "1"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("warn  fs: no event of a call came within 1 s"), "{said}");
    assert!(said.contains("the event socket refused the subscription to call events"), "{said}");
}

/// What a FreeSWITCH does with calls by itself is told as somebody's order: whoever looks is told what can be seen of it,
/// and always that this is not all.
#[tokio::test]
async fn what_a_freeswitch_does_with_calls_by_itself_is_told_as_far_as_it_shows() {
    let switch = start(SwitchOptions::default()).await;
    let (said, _) = check(&switch, "ClueCon", &[]).await;
    assert!(said.contains("ok    fs: no api_on_answer, execute_on_answer or the like is set"), "{said}");
    assert!(said.contains("look for it there"), "{said}");

    let globals = vec![("api_on_answer".to_owned(), "uuid_transfer s3cret-id 700".to_owned())];
    let switch = start(SwitchOptions { globals, ..SwitchOptions::default() }).await;
    switch
        .happens(
            "Event-Name: CHANNEL_CREATE\nUnique-ID: a\nCall-Direction: outbound\n\
             Event-Date-Timestamp: 1795346024031000\nChannel-Name: sofia/internal/101%4010.0.0.5:5060\n\
             Channel-Presence-ID: 101%401001.lab.test\nvariable_execute_on_ring: bridge user/102",
        )
        .await;
    let (said, code) = check(&switch, "ClueCon", &[]).await;
    assert_eq!(code, Some(0), "{said}");
    for told in [
        "warn  fs: api_on_answer has FreeSWITCH do uuid_transfer with every call, by itself",
        "warn  fs: execute_on_ring has FreeSWITCH do bridge with a call that is up, by itself",
        "look for it there, too",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    assert!(!said.contains("s3cret-id") && !said.contains("user/102"), "{said}");
    assert_eq!(said.matches("api_on_answer has").count(), 1, "a channel takes what is set for all: {said}");

    let denied = vec!["api global_getvar api".to_owned(), "api uuid_getvar".to_owned()];
    let switch = start(SwitchOptions { denied, ..SwitchOptions::default() }).await;
    let (said, _) = check(&switch, "ClueCon", &[]).await;
    assert!(said.contains("may not be asked for (esl-allowed-api: global_getvar, uuid_getvar)"), "{said}");
}
