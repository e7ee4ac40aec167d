//! A FreeSWITCH that ends in each of its ways, and one that says more than can be worked off: what is up goes on,
//! what is gone ends once, and the link comes back.

use std::fmt::Write as _;

use demo::switch::Switch;

use crate::bed::{kind, kinds, patiently};
use crate::freeswitch::{act, followed};

/// An event of a channel, said now.
async fn says(switch: &Switch, name: &str, id: &str, more: &[(&str, &str)]) {
    let now = clock::wall_micros();
    let mut lines =
        format!("Event-Name: {name}\nEvent-Date-Timestamp: {now}\nUnique-ID: {id}\nAnswer-State: answered\n");
    for (header, value) in more {
        let _ = writeln!(lines, "{header}: {value}");
    }
    switch.happens(&lines).await;
}

/// A caller talks with this phone of the first company. The channels have the name of the call.
async fn talks(switch: &Switch, call: &str, phone: &str) {
    let [caller, channel] = [format!("t{call}"), format!("f{call}")];
    let from = ("Caller-Caller-ID-Number", "+4512345678");
    let placed = [("Call-Direction", "inbound"), ("Channel-Name", "sofia/external/+4512345678"), from];
    says(switch, "CHANNEL_CREATE", &caller, &placed).await;
    let presence = format!("{phone}@1001.lab.test");
    let called = [
        ("Call-Direction", "outbound"),
        ("Channel-Name", &format!("sofia/internal/{phone}")),
        ("Channel-Presence-ID", &presence),
        ("variable_originator", &caller),
        ("variable_originating_leg_uuid", &caller),
    ];
    says(switch, "CHANNEL_CREATE", &channel, &called).await;
    let presence = [("Channel-Presence-ID", presence.as_str())];
    says(switch, "CHANNEL_PROGRESS", &channel, &presence).await;
    says(switch, "CHANNEL_ANSWER", &channel, &presence).await;
    says(switch, "CHANNEL_ANSWER", &caller, &[]).await;
    let pair = [("Bridge-A-Unique-ID", caller.as_str()), ("Bridge-B-Unique-ID", channel.as_str())];
    says(switch, "CHANNEL_BRIDGE", &caller, &pair).await;
}

async fn hangs_up(switch: &Switch, call: &str, cause: &str) {
    let [caller, channel] = [format!("t{call}"), format!("f{call}")];
    for id in [&caller, &channel] {
        says(switch, "CHANNEL_HANGUP", id, &[("Hangup-Cause", cause)]).await;
    }
    let pair = [("Bridge-A-Unique-ID", caller.as_str()), ("Bridge-B-Unique-ID", channel.as_str())];
    says(switch, "CHANNEL_UNBRIDGE", &caller, &pair).await;
}

/// The ids of legs that ended, in their order.
fn ended(requests: &[demo::receiver::Received]) -> Vec<&str> {
    assert!(requests.iter().all(|request| kind(request) == "Ended"), "{requests:?}");
    let mut ended: Vec<&str> = requests.iter().map(|request| request.parameter("UniqueCallId")).collect();
    ended.sort_unstable();
    ended
}

/// Megabytes of what says nothing of any call, and takes its time to be read.
fn flood(bytes: usize) -> Vec<u8> {
    let now = clock::wall_micros();
    let mut lines = format!("Event-Name: CHANNEL_HOLD\nEvent-Date-Timestamp: {now}\nUnique-ID: nobody\n");
    for number in 0..200 {
        let _ = writeln!(lines, "variable_something_{number}: nothing%20in%20particular");
    }
    lines.push('\n');
    let event = format!("Content-Length: {}\nContent-Type: text/event-plain\n\n{lines}", lines.len());
    event.as_bytes().repeat(bytes / event.len())
}

#[tokio::test]
async fn who_falls_behind_leaves_the_freeswitch_before_it_suffers_and_assumes_what_was_missed() {
    // With a 256th of the room for what waits.
    let (mut bed, switch, mut gateway) = followed(&[("RINGBUD_FAULTS", "narrow")]).await;
    talks(&switch, "1", "101").await;
    talks(&switch, "2", "102").await;
    assert_eq!(kinds(&bed.requests(4).await).iter().filter(|kind| **kind == "Answered").count(), 2);
    gateway.forget();
    switch.say(flood(64 << 20)).await;
    // What comes behind the flood is not heard any more.
    hangs_up(&switch, "2", "NORMAL_CLEARING").await;
    let said = gateway.says("no link to the PBX").await;
    assert!(said.to_string().contains("more of what the PBX said waits than is kept"), "{said}");
    assert_eq!(ended(&bed.requests(1).await), ["fs-f2"]);
    patiently("the link", switch.clients(1)).await;
    hangs_up(&switch, "1", "NORMAL_CLEARING").await;
    assert_eq!(ended(&bed.requests(1).await), ["fs-f1"]);
    act(&switch, "inbound-answered", 1).await;
    assert_eq!(kinds(&bed.requests(3).await), ["Incoming", "Answered", "Ended"]);
    gateway.stop().await;
}

#[tokio::test]
async fn however_a_freeswitch_ends_every_leg_ends_once_and_the_next_call_is_told() {
    let (mut bed, switch, mut gateway) = followed(&[]).await;
    // By SIGTERM, killed, by `hupall`, by the restart of a profile: the word for why each channel ended, if it says
    // so, and whether it starts again.
    let ways =
        [("SYSTEM_SHUTDOWN", true), ("", true), ("MANAGER_REQUEST", false), ("NORMAL_CLEARING", false)];
    for (seed, (cause, restarts)) in ways.into_iter().enumerate() {
        gateway.forget();
        let calls = ["101", "102"].map(|phone| (format!("{seed}-{phone}"), phone));
        for (call, phone) in &calls {
            talks(&switch, call, phone).await;
        }
        bed.requests(4).await;
        for (call, _) in calls.iter().filter(|_| !cause.is_empty()) {
            hangs_up(&switch, call, cause).await;
        }
        if restarts {
            switch.restart();
            gateway.says("no link to the PBX").await;
        }
        let expected = calls.map(|(call, _)| format!("fs-f{call}"));
        assert_eq!(ended(&bed.requests(2).await), expected, "{cause}");
        patiently("the link", switch.clients(1)).await;
        act(&switch, "inbound-answered", seed as u64 + 1).await;
        assert_eq!(kinds(&bed.requests(3).await), ["Incoming", "Answered", "Ended"], "{cause}");
    }
    gateway.stop().await;
}

/// As it does for `linger`: the connection stays open, and nothing comes over it any more.
#[tokio::test]
async fn a_freeswitch_that_says_goodbye_and_closes_nothing_is_logged_in_to_anew() {
    let (mut bed, switch, mut gateway) = followed(&[]).await;
    talks(&switch, "1", "101").await;
    talks(&switch, "2", "102").await;
    bed.requests(4).await;
    for disposition in ["linger", "disconnect"] {
        gateway.forget();
        let notice = format!(
            "Content-Type: text/disconnect-notice\nContent-Disposition: {disposition}\nContent-Length: 0\n\n"
        );
        switch.say(notice).await;
        let said = gateway.says("no link to the PBX").await;
        assert_eq!(said["code"], "dismissed", "{said}");
        if disposition == "linger" {
            // Nobody hears it.
            hangs_up(&switch, "2", "NORMAL_CLEARING").await;
            assert_eq!(ended(&bed.requests(1).await), ["fs-f2"]);
        }
        patiently("the link", switch.clients(1)).await;
    }
    hangs_up(&switch, "1", "NORMAL_CLEARING").await;
    assert_eq!(ended(&bed.requests(1).await), ["fs-f1"]);
    gateway.stop().await;
}
