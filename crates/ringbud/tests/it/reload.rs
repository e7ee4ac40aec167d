//! The configuration, read anew while calls go on.

use demo::pbx::{Pbx, PbxOptions};
use serde_json::Value;

use crate::bed::{Bed, Gateway, Signal, kinds, own_address, patiently, play_on};

const READ: &str = "the configuration was read anew";

/// A second PBX, whose phones are those of the first.
fn second(address: &str, phones: &str) -> String {
    format!(
        "[[pbx]]\nname = \"pbx2\"\nkind = \"asterisk\"\naddress = \"{address}\"\nusername = \"ringbud\"\n\
         secret = \"ringbud\"\n[[pbx.phones]]\nendpoint = '{phones}'\n"
    )
}

const PHONES: &str = r"PJSIP/(?<account>\d+)-(?<phone>\d+)";

/// Has the configuration read anew; what is said of it.
async fn reload(bed: &Bed, gateway: &mut Gateway, config: &str) -> String {
    bed.write(config);
    gateway.forget();
    gateway.signal(Signal::HUP);
    gateway.says(READ).await["changed"].as_str().unwrap().to_owned()
}

/// Which PBXs it says are followed now.
fn followed(gateway: &Gateway) -> Vec<&str> {
    let says = |line: &&Value| {
        line["message"].as_str().is_some_and(|words| words.starts_with("the PBX is followed"))
    };
    gateway.said.iter().filter(says).map(|line| line["pbx"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn pbxs_are_added_changed_and_removed_and_no_other_link_is_touched() {
    let mut bed = Bed::new().await;
    bed.integrate("POST").await;
    let two = Pbx::start(PbxOptions::default()).await.unwrap();
    let address = two.address().to_string();
    let mut gateway = bed.serve().await;

    // Lines that moved and a remark change nothing.
    let moved = format!("# A remark.\n\n{}", bed.sound());
    assert_eq!(reload(&bed, &mut gateway, &moved).await, "nothing");

    let both = format!("{moved}{}", second(&address, PHONES));
    assert_eq!(reload(&bed, &mut gateway, &both).await, "the PBX pbx2: added");
    gateway.says("the PBX is followed").await;
    assert_eq!(followed(&gateway), ["pbx2"]);
    play_on(&two, &["inbound-answered"], 50.0).await;
    assert_eq!(kinds(&bed.events(3).await), ["Incoming", "Answered", "Ended"]);

    // Another rule: its phones are found by it, and only it is followed anew.
    let none = format!("{moved}{}", second(&address, r"PJSIP/(?<account>\d+)x(?<phone>\d+)"));
    assert_eq!(reload(&bed, &mut gateway, &none).await, "the PBX pbx2: changed");
    gateway.says("the PBX is followed").await;
    assert_eq!(followed(&gateway), ["pbx2"]);
    play_on(&two, &["inbound-answered"], 50.0).await;

    assert_eq!(reload(&bed, &mut gateway, &moved).await, "the PBX pbx2: removed");
    assert_eq!(gateway.api("GET", "/readyz?strict", "", "").await.0, 200, "who is gone is not missed");
    bed.play(&["inbound-answered"], 50.0).await;
    assert_eq!(kinds(&bed.events(3).await), ["Incoming", "Answered", "Ended"], "and nothing of pbx2");
    assert_eq!(followed(&gateway), [] as [&str; 0], "the first link was never touched");
    let (_, figures) = gateway.api("GET", "/metrics", "", "").await;
    assert!(figures.contains("ringbud_link_losses_total{pbx=\"pbx1\"} 0"), "{figures}");
    gateway.stop().await;
}

#[tokio::test]
async fn of_a_configuration_that_is_wrong_nothing_is_taken_up_and_it_is_told_where_and_why() {
    let mut bed = Bed::new().await;
    bed.integrate("POST").await;
    let mut gateway = bed.serve().await;
    let sound = bed.sound();
    for (wrong, says) in [
        (sound.replace("username", "usrname"), "did you mean username?"),
        (sound.replace("secret = \"ringbud\"", "secret_file = \"nowhere\""), "cannot be read"),
        (
            format!("{sound}[operator]\nurl = \"http://127.0.0.1/\"\nsecret = \"short\"\n"),
            "[operator] secret",
        ),
        ("{".to_owned(), "this is not TOML"),
    ] {
        bed.write(&wrong);
        gateway.forget();
        gateway.signal(Signal::HUP);
        let said = gateway.says("the new configuration is not taken up, and nothing has changed").await;
        let said = said["message"].as_str().unwrap();
        assert!(said.contains(says) && said.contains("ringbud.toml"), "{said}");
        bed.play(&["inbound-answered"], 50.0).await;
        assert_eq!(kinds(&bed.events(3).await), ["Incoming", "Answered", "Ended"]);
    }
    bed.write(&sound);
    assert_eq!(reload(&bed, &mut gateway, &sound).await, "nothing");
    gateway.stop().await;
}

#[tokio::test]
async fn where_requests_may_go_who_is_told_and_how_much_the_log_says_is_taken_up() {
    let mut bed = Bed::new().await;
    bed.integrate("POST").await;
    let port = own_address().to_string();
    let sound = bed.sound().replace("127.0.0.1:0", &port);
    let quiet = sound.replace("info,ringbud::gateway=debug", "info");
    let closed = quiet.replace("allow = [\"127.0.0.0/8\"]", "allow = []");
    bed.write(&closed);
    let mut gateway = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    assert_eq!(reload(&bed, &mut gateway, &quiet).await, "[outgoing]");
    // What was refused before is tried again, and goes out.
    assert_eq!(kinds(&bed.events(3).await), ["Incoming", "Answered", "Ended"]);
    assert!(!gateway.said.iter().any(|line| line["message"] == "event"), "{:?}", gateway.said);

    let told = format!("{sound}[operator]\nurl = \"{}\"\n", bed.receiver.url("/operator"));
    assert_eq!(reload(&bed, &mut gateway, &told).await, "[operator], [log] level");
    bed.ask(&["delivery", "pause", demo::cast::ACCOUNTS[0].id, "--event", "ended"]).await;
    let notice = patiently("what the operator is told", bed.receiver.next()).await.unwrap();
    assert_eq!(notice.target.path(), "/operator");
    bed.play(&["inbound-answered"], 50.0).await;
    gateway.says("event").await;
    gateway.stop().await;
}

#[tokio::test]
async fn what_needs_a_restart_is_named_each_time_and_a_word_how_it_is_doing_is_had_by_a_signal() {
    let bed = Bed::new().await;
    let mut gateway = bed.serve().await;
    let other = bed.sound().replace("[http]\n", "[keep]\ndays = 30\n[http]\nmetrics = \"token\"\n");
    for _ in 0..2 {
        assert_eq!(reload(&bed, &mut gateway, &other).await, "nothing");
        let said = gateway.says("these have changed in the configuration and need a restart").await;
        assert_eq!(said["keys"], "[http], [keep]");
    }
    assert_eq!(gateway.api("GET", "/metrics", "", "").await.0, 200);
    gateway.signal(Signal::USR1);
    assert_eq!(gateway.says("how a link is doing").await["state"], "live");
    gateway.stop().await;
}
