//! The login session: who is let in, what is asked, and what a silence means.

use std::time::Duration;

use pbx::ami::Session;
use pbx::{Failure, Kind, Missing, Notice, Product, Secret, Settings, State};
use proptest::prelude::*;

use crate::play::{BOOTED, DENIED, GREETING, Play, willing};

#[test]
fn a_login_proves_the_secret_installs_filters_lists_the_channels_and_is_live() {
    let mut play = Play::new();
    play.connect().hears(GREETING);
    assert_eq!(play.sent, "Action: Challenge\r\nActionID: ringbud-1-challenge\r\nAuthType: MD5\r\n\r\n");
    play.answers(willing);
    assert_eq!(
        play.takes_said(),
        [
            "connecting",
            "logging_in",
            "synchronising",
            "snapshot of 0",
            "live",
            "PJSIP/1001-101 true",
            "PJSIP/1001-102 false"
        ]
    );
    let about = play.session.about();
    assert_eq!((about.version.as_str(), about.system_name.as_str()), ("22.10.1", "pbx-1"));
    assert_eq!(about.started, "2026-11-22 10:46:48");
}

#[test]
fn the_secret_is_shown_as_a_digest_of_the_challenge() {
    let mut play = Play::new();
    play.connect()
        .hears(GREETING)
        .hears("Response: Success\nActionID: ringbud-1-challenge\nChallenge: 168\n\n");
    // echo -n 168s3cret | md5sum
    assert!(
        play.sent.contains("AuthType: MD5\r\nUsername: ringbud\r\nKey: 92393fdc4e83466a4d5a85e879adab26\r\n"),
        "{}",
        play.sent
    );
    assert!(!play.sent.contains("s3cret"));
}

fn plainly() -> Play {
    Play::with(Settings { plain_login: true, ..Settings::new("ringbud", Secret::new("s3cret")) })
}

/// Every way in which whatever answers can have no challenge: it refuses, it sends none, it sends nothing.
const NO_CHALLENGE: [&str; 3] = [
    "Response: Error\nMessage: Invalid/unknown command\n\n",
    "Response: Success\nActionID: ringbud-1-challenge\nChallenge: \n\n",
    "",
];

#[test]
fn what_knows_no_challenge_gets_the_secret_only_where_that_is_allowed() {
    for answer in NO_CHALLENGE {
        let mut play = plainly();
        play.connect().hears(GREETING);
        play.sent.clear();
        play.hears(answer).wait(4);
        assert!(
            play.sent.ends_with("Username: ringbud\r\nSecret: s3cret\r\n\r\n"),
            "{answer}: {}",
            play.sent
        );
        assert!(!format!("{:?}", play.session).contains("s3cret"));
        // An answer without an id can only be meant for the one question there is.
        play.sent.clear();
        play.hears(&format!("Response: Success\nMessage: Authentication accepted\n\n{BOOTED}"))
            .answers(willing);
        assert_eq!(play.session.state(), State::Live, "{answer}");

        let mut play = Play::new();
        play.connect().hears(GREETING).hears(answer).wait(60);
        assert!(!play.sent.contains("s3cret"), "{answer}: {}", play.sent);
        assert!(!play.sent.contains("Action: Login"), "{answer}: {}", play.sent);
        let failure = play.failure.take().expect("refused");
        assert_eq!((failure.code(), failure.is_transient()), ("secret_not_shown", false), "{answer}");
        assert!(failure.to_string().contains("plain_login = true"), "{failure}");
    }
}

#[test]
fn an_asterisk_older_than_twelve_is_refused_by_whatever_shows_its_age() {
    let refused = |play: &mut Play, how: &str| {
        let failure = play.failure.take().unwrap_or_else(|| panic!("{how}: not refused"));
        assert_eq!((failure.code(), failure.is_transient()), ("too_old", false), "{how}");
        assert!(failure.to_string().contains("Asterisk 12 and later"), "{failure}");
        // Nothing that comes after it is told any more.
        play.takes_said();
        play.hears(
            "Event: Newchannel\nChannel: SIP/101-00000001\nChannelState: 4\nExten: 102\nPriority: 1\n\
             Uniqueid: 1700000000.1\nLinkedid: 1700000000.1\n\n",
        );
        assert!(play.takes_said().is_empty(), "{how}");
    };
    let mut play = Play::new();
    play.connect().hears("Asterisk Call Manager/1.3\n");
    assert!(!play.sent.contains("Action"), "nobody logs in there: {}", play.sent);
    refused(&mut play, "by its greeting");

    let mut play = Play::new();
    play.connect().hears("Asterisk Call Manager Proxy/1.22\n").answers(|action| match action {
        "CoreSettings" => "Response: Success\nID\nAsteriskVersion: 1.8.32.3\n\n".to_owned(),
        other => willing(other),
    });
    refused(&mut play, "by its version");

    for event in [
        "Event: Dial\nSubEvent: Begin\nChannel: SIP/trunk-1\nDestination: SIP/101-2\nUniqueID: 1.1\n\n",
        "Event: Bridge\nBridgestate: Link\nChannel1: SIP/trunk-1\nChannel2: SIP/101-2\n\n",
        "Event: Unlink\nChannel1: SIP/trunk-1\nChannel2: SIP/101-2\n\n",
    ] {
        let mut play = Play::new();
        play.connect().hears("Asterisk Call Manager Proxy/1.22\n");
        play.answers(|action| match action {
            "CoreSettings" => DENIED.to_owned(),
            other => willing(other),
        });
        play.hears(event);
        refused(&mut play, event);
    }
}

#[test]
fn questions_that_are_not_answered_do_not_keep_a_living_link_from_being_followed() {
    let mut play = Play::new();
    play.connect().hears(GREETING);
    for _ in 0..12 {
        play.answers(|action| match action {
            "Challenge" | "Login" | "Ping" => willing(action),
            _ => String::new(),
        });
        play.wait(3);
    }
    assert_eq!(play.failure, None);
    assert_eq!(play.session.state(), State::Live);
    assert!(play.takes_said().contains(&format!("{:?}", Notice::Missing(Missing::Snapshot))));
}

#[test]
fn whatever_is_no_manager_interface_is_told_by_its_words() {
    for (said, shown) in [
        ("SSH-2.0-OpenSSH_9.2p1 Debian\n", "SSH-2.0-OpenSSH_9.2p1 Debian"),
        ("HTTP/1.1 400 Bad Request\nConnection: close\n\n", "HTTP/1.1 400 Bad Request"),
        ("\u{15}\u{3}\u{3}", "\u{15}\u{3}\u{3}"),
    ] {
        let mut play = Play::new();
        play.connect().hears(said);
        assert_eq!(
            play.failure,
            Some(Failure::NotThisPbx { product: Product::Asterisk, said: shown.to_owned() })
        );
        assert!(play.sent.is_empty(), "nothing is sent there: {}", play.sent);
    }
}

#[test]
fn a_greeting_may_come_in_pieces() {
    let mut play = Play::new();
    play.connect();
    for byte in GREETING.chars() {
        play.hears(&byte.to_string());
    }
    assert_eq!(play.failure, None);
    assert_eq!(play.session.state(), State::LoggingIn);
}

#[test]
fn a_peer_that_never_greets_is_given_up() {
    let mut play = Play::new();
    play.connect().wait(10);
    assert_eq!(
        play.failure,
        Some(Failure::NoGreeting { kind: Kind::Asterisk, within: Duration::from_secs(10) })
    );
}

#[test]
fn a_refused_login_is_told_in_the_words_of_the_pbx_and_is_no_network_error() {
    let mut play = Play::new();
    play.connect().hears(GREETING).answers(|action| match action {
        "Login" => "Response: Error\nID\nMessage: Authentication failed\n\n".to_owned(),
        other => willing(other),
    });
    let failure = play.failure.take().expect("refused");
    assert!(!failure.is_transient());
    assert!(failure.to_string().contains("\"Authentication failed\""), "{failure}");
    play.disconnect();
    assert_eq!(play.takes_said(), ["connecting", "logging_in", "offline"], "no gap: nothing was followed");
}

#[test]
fn without_the_right_to_filter_it_works_and_is_noticed_once() {
    let mut play = Play::new();
    play.connect().hears(GREETING).answers(|action| match action {
        "Filter" => DENIED.to_owned(),
        other => willing(other),
    });
    let said = play.takes_said();
    let noticed = format!("{:?}", Notice::Missing(Missing::Filters));
    assert_eq!(said.iter().filter(|said| **said == noticed).count(), 1, "{said:?}");
    assert_eq!(play.session.state(), State::Live);
}

#[test]
fn without_status_the_channels_are_listed_and_without_both_it_goes_on() {
    let mut play = Play::new();
    play.connect().hears(GREETING).answers(|action| match action {
        "Status" => DENIED.to_owned(),
        other => willing(other),
    });
    assert!(play.takes_said().contains(&"snapshot of 0".to_owned()));
    let mut play = Play::new();
    play.connect().hears(GREETING).answers(|action| match action {
        "Status" | "CoreShowChannels" | "PJSIPShowEndpoints" => DENIED.to_owned(),
        other => willing(other),
    });
    let said = play.takes_said();
    assert!(said.contains(&format!("{:?}", Notice::Missing(Missing::Snapshot))), "{said:?}");
    assert!(said.contains(&format!("{:?}", Notice::Missing(Missing::Endpoints))), "{said:?}");
    assert_eq!(play.session.state(), State::Live);
}

#[test]
fn a_user_without_system_events_is_noticed_and_served() {
    let mut play = Play::new();
    let without_boot = |action: &str| willing(action).replace(BOOTED, "");
    play.connect().hears(GREETING).answers(without_boot).wait(3).answers(without_boot);
    assert!(play.takes_said().contains(&format!("{:?}", Notice::Missing(Missing::SystemEvents))));
    assert_eq!(play.session.state(), State::Live);
}

#[test]
fn a_live_link_pings_and_a_frozen_peer_is_noticed() {
    let mut play = Play::new();
    play.connect().hears(GREETING).answers(willing);
    for _ in 0..3 {
        play.wait(5);
        assert!(play.sent.contains("Action: Ping\r\n"), "{}", play.sent);
        play.answers(willing);
    }
    play.wait(60);
    assert_eq!(play.failure, Some(Failure::Frozen { silent: Duration::from_secs(15) }));
    play.disconnect();
    let said = play.takes_said();
    assert_eq!(said[said.len() - 2..], ["offline", "LinkLost"]);
}

#[test]
fn the_channels_are_compared_now_and_then() {
    let mut play = Play::new();
    play.connect().hears(GREETING).answers(willing);
    play.hears("Event: Hangup\nPrivilege: call,all\nChannel: PJSIP/x-00000001\nUniqueid: 1.1\n\n");
    play.takes_said();
    for _ in 0..40 {
        play.wait(5).answers(willing);
    }
    assert_eq!(play.takes_said(), ["snapshot of 0"]);
}

#[test]
fn after_something_too_long_the_channels_are_compared_at_once() {
    let mut play = Play::new();
    play.connect().hears(GREETING).answers(willing);
    play.takes_said();
    play.hears(&format!("Event: Hangup\nX: {}\n\n", "x".repeat(10_000_000)));
    for _ in 0..2 {
        play.wait(5).answers(willing);
    }
    let said = play.takes_said();
    assert!(said[0].contains("Skipped"), "{said:?}");
    assert_eq!(said[1..], ["snapshot of 0"]);
}

#[test]
fn a_pbx_restarted_during_the_gap_is_told_before_anything_else() {
    let mut play = Play::new();
    play.connect().hears(GREETING).answers(willing).disconnect();
    play.takes_said();
    play.connect().hears(GREETING).answers(|action| willing(action).replace("Uptime: 90", "Uptime: 2"));
    let said = play.takes_said();
    let place = |what: &str| said.iter().position(|said| said == what);
    assert!(place("Restarted").expect("restarted") < place("snapshot of 0").expect("listed"), "{said:?}");
}

#[test]
fn a_pbx_that_was_up_all_the_time_is_not_taken_for_restarted() {
    let mut play = Play::new();
    play.connect().hears(GREETING).answers(willing).disconnect();
    play.wait(30);
    play.connect().hears(GREETING).answers(|action| {
        willing(action).replace("Uptime: 90", "Uptime: 120").replace("1795343900.5", "1795343930.5")
    });
    assert!(!play.takes_said().contains(&"Restarted".to_owned()));
}

#[test]
fn a_restart_while_ringbud_itself_was_down_is_noticed_by_the_pbx_clock() {
    let heard = calls::PbxTime::from_secs(1_795_343_800);
    for (uptime, is_restart) in [("90", true), ("101", false), ("4000", false)] {
        let mut play = Play::new();
        play.session = Session::new(Settings::new("ringbud", Secret::new("s3cret")), Some(heard));
        play.connect()
            .hears(GREETING)
            .answers(|action| willing(action).replace("Uptime: 90", &format!("Uptime: {uptime}")));
        assert_eq!(play.takes_said().contains(&"Restarted".to_owned()), is_restart, "up for {uptime} s");
    }
}

#[test]
fn the_age_of_what_is_read_is_measured_against_the_pbx_clock() {
    let mut play = Play::new();
    play.connect().hears(GREETING).answers(willing);
    assert_eq!(play.session.health().clock_ahead_micros, Some(500_000));
    play.wait(4);
    play.hears("Event: Newstate\nPrivilege: call,all\nTimestamp: 1795343903.000000\n\n");
    assert_eq!(play.session.health().lag, Some(Duration::from_millis(1500)));
}

/// Something that happens to a session.
#[derive(Clone, Debug)]
enum Happening {
    Connected,
    Disconnected,
    Answered,
    Said(Vec<u8>),
    Waited(u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        2 => Just(Happening::Connected),
        1 => Just(Happening::Disconnected),
        4 => Just(Happening::Answered),
        3 => crate::codec::soup().prop_map(Happening::Said),
        3 => (0..400_u64).prop_map(Happening::Waited),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_happens_a_deadline_is_met_once_and_every_gap_is_told_once(
        happenings in prop::collection::vec(happening(), 0..30),
    ) {
        let mut play = Play::new();
        for happening in happenings {
            match happening {
                Happening::Connected => { play.connect().hears(GREETING); }
                Happening::Disconnected => { play.disconnect(); }
                Happening::Answered => { play.answers(willing); }
                Happening::Said(bytes) => {
                    play.receives(&bytes);
                }
                Happening::Waited(seconds) => {
                    // `wait` meets every deadline on the way; one that does not move on would never end.
                    play.wait(seconds);
                    let after = play.now.monotonic;
                    prop_assert!(play.session.next_deadline().is_none_or(|deadline| deadline > after));
                }
            }
        }
        play.disconnect();
        let said = play.takes_said();
        prop_assert_eq!(play.session.next_deadline(), None);
        let gaps = said.iter().filter(|said| *said == "LinkLost").count();
        let logins = said.iter().filter(|said| *said == "synchronising").count();
        prop_assert!(gaps <= logins, "{:?}", said);
    }
}
