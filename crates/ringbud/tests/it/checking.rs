//! `check`: what it finds out, and how it says so.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use demo::pbx::{Pbx, PbxOptions, Rights, User};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::bed::{Bed, own_address, patiently};

/// What `check` says of a bed, and its exit code.
async fn check(bed: &Bed, more: &[&str]) -> (String, Option<i32>) {
    let done = bed.run(&[&["check"], more].concat()).await;
    (String::from_utf8(done.stdout).unwrap(), done.status.code())
}

async fn with_user(bed: &mut Bed, user: User) {
    let options = PbxOptions { users: vec![user], ..PbxOptions::default() };
    bed.pbx = Pbx::start(options).await.unwrap();
    bed.write(&bed.sound());
}

#[tokio::test]
async fn each_endpoint_is_told_with_the_rule_that_took_it() {
    let bed = Bed::new().await;
    let (said, code) = check(&bed, &[]).await;
    assert_eq!(code, Some(0), "{said}");
    let line = bed.sound().lines().position(|line| line == "[[pbx.phones]]").unwrap() + 1;
    assert!(said.contains(&format!("is phone 101 of account 1001, by the rule in line {line}\n")), "{said}");
    assert!(said.contains("no rule takes these, so they are trunks: PJSIP/trunk\n"), "{said}");
    assert!(said.contains("what Ringbud asks for is allowed"), "{said}");
    assert!(!said.contains("the rights suffice"), "nothing says so before a call: {said}");
    assert!(!said.contains("warn  pbx1"), "{said}");
}

#[tokio::test]
async fn an_older_asterisk_has_its_phones_listed_and_its_filters_heeded() {
    let mut bed = Bed::new().await;
    let options = PbxOptions { version: "16.28.0~dfsg-0+deb11u4".to_owned(), ..PbxOptions::default() };
    bed.pbx = Pbx::start(options).await.unwrap();
    bed.write(&bed.sound().replace("PJSIP/", "SIP/"));
    let (said, code) = check(&bed, &[]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Asterisk 16.28.0~dfsg-0+deb11u4"), "{said}");
    assert!(said.contains("SIP/1001-101 is phone 101 of account 1001"), "{said}");
    assert!(!said.contains("warn  pbx1"), "{said}");
}

#[tokio::test]
async fn one_that_is_too_old_is_refused_in_words() {
    let mut bed = Bed::new().await;
    for options in [
        PbxOptions { greeting: "Asterisk Call Manager/1.3\r\n".to_owned(), ..PbxOptions::default() },
        PbxOptions { version: "11.25.3".to_owned(), ..PbxOptions::default() },
    ] {
        bed.pbx = Pbx::start(options).await.unwrap();
        bed.write(&bed.sound());
        let (said, code) = check(&bed, &[]).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("is too old: Ringbud follows Asterisk 12 and later"), "{said}");
    }
}

#[tokio::test]
async fn while_it_waits_a_call_shows_whether_its_events_come() {
    let bed = Bed::new().await;
    let config = bed.config();
    let mut child = Command::new(env!("CARGO_BIN_EXE_ringbud"))
        .args(["check", "--wait", "25", "--config", config.to_str().unwrap()])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = Vec::new();
    patiently("the invitation to ring", async {
        while let Some(line) = lines.next_line().await.unwrap() {
            said.push(line);
            if said.last().unwrap().contains("ring any phone now") {
                return;
            }
        }
    })
    .await;
    bed.play(&["inbound-answered"], 10.0).await;
    patiently("the end", async {
        while let Some(line) = lines.next_line().await.unwrap() {
            said.push(line);
        }
    })
    .await;
    assert!(said.iter().any(|line| line == "ok    pbx1: events of calls come"), "{said:#?}");
}

/// The commonest mistake: `read` without `call`. No answer of the PBX shows it.
#[tokio::test]
async fn a_user_that_hears_no_calls_is_found_out_by_what_does_not_come() {
    let mut bed = Bed::new().await;
    with_user(&mut bed, User { read: Rights::of("system,agent"), ..User::new("ringbud", "ringbud") }).await;
    bed.pbx
        .happens(|_| {
            "Event: Newchannel\r\nPrivilege: call,all\r\nChannel: PJSIP/1001-101-00000001\r\nChannelState: 4\r\nChannelStateDesc: Ring\r\nExten: 102\r\nPriority: 1\r\nUniqueid: 1795343903.1\r\nLinkedid: 1795343903.1\r\n\r\n".to_owned()
        })
        .await;
    let (said, _) = check(&bed, &["--wait", "1"]).await;
    assert!(said.contains("warn  pbx1: no event of a call came within 1 s. If a phone rang, then: the AMI user does not receive call events"), "{said}");
}

#[tokio::test]
async fn a_user_that_may_place_calls_and_run_commands_is_told() {
    let mut bed = Bed::new().await;
    with_user(&mut bed, User { write: Rights::ALL, ..User::new("ringbud", "ringbud") }).await;
    let (said, code) = check(&bed, &[]).await;
    assert_eq!(code, Some(0), "{said}");
    for may in ["may place calls (Originate)", "may run commands (Command)", "(UpdateConfig)"] {
        assert!(said.contains(may), "{may}: {said}");
    }
}

#[tokio::test]
async fn what_is_open_to_others_is_told() {
    let bed = Bed::new().await;
    let secret = bed.folder.path().join("pbx1.secret");
    std::fs::write(&secret, "ringbud\n").unwrap();
    for path in [bed.folder.path(), &secret] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let text = bed.sound().replace("secret = \"ringbud\"", "secret_file = \"pbx1.secret\"");
    bed.write(&text.replace("listen = \"127.0.0.1:0\"", "listen = \"0.0.0.0:0\""));
    let (said, _) = check(&bed, &[]).await;
    assert!(said.contains("can be reached from other machines without TLS"), "{said}");
    assert!(said.contains("pbx1.secret can be read by every user of this machine"), "{said}");
}

#[tokio::test]
async fn tls_on_a_plain_port_and_a_plain_link_to_a_tls_port_name_the_other_port() {
    let bed = Bed::new().await;
    bed.write(&bed.sound().replace("secret = \"ringbud\"", "secret = \"ringbud\"\ntls = true"));
    let (said, code) = check(&bed, &[]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("TLS has one of its own, usually 5039"), "{said}");
}

#[tokio::test]
async fn a_mail_server_that_cannot_be_used_is_told() {
    let bed = Bed::new().await;
    let closed = own_address();
    let from = "from = \"Ringbud <ringbud@example.com>\"";
    for (mail, words) in [
        (format!("server = \"{closed}\"\n{from}"), "fail  the mail server 127.0.0.1:"),
        (
            format!("server = \"{closed}\"\n{from}\nsecurity = \"none\"\nusername = \"u\"\npassword = \"p\""),
            "never told in clear",
        ),
        (format!("server = \"{closed}\"\nfrom = \"nobody\""), "nobody is no mail address"),
    ] {
        bed.write(&format!("{}\n[mail]\n{mail}\n", bed.sound()));
        let (said, code) = check(&bed, &[]).await;
        assert_eq!(code, Some(1), "{mail}: {said}");
        assert!(said.contains(words), "{words}: {said}");
    }
    for (mail, words) in [
        ("server = \"smtp.example.com\"", "who writes, such as"),
        ("server = \"smtp.example.com:x\"\nfrom = \"a@b.example\"", "a host, perhaps with a port"),
        (
            "server = \"smtp.example.com\"\nfrom = \"a@b.example\"\nsecurity = \"ssl\"",
            "\"starttls\", \"tls\" or \"none\"",
        ),
        (
            "server = \"smtp.example.com\"\nfrom = \"a@b.example\"\nusername = \"u\"",
            "the password of that user",
        ),
    ] {
        bed.write(&format!("{}\n[mail]\n{mail}\n", bed.sound()));
        let done = bed.run(&["check"]).await;
        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(3), "{mail}: {said}");
        assert!(said.contains(words), "{words}: {said}");
    }
}
