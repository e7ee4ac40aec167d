//! What is asked of a PBX fits its version, and is believed by what comes.

use pbx::{Ask, Endpoint, Excess, Missing, Notice, Product, Secret, Settings, Sign, State};

use crate::play::{BOOTED, DENIED, GREETING, Play, UNKNOWN, willing};

const OLD: &str = "Response: Success\nID\nAsteriskVersion: 16.28.0~dfsg-0+deb11u4\nCoreCDRenabled: Yes\n\n";

/// An Asterisk 16 with chan_sip: answers `Success` to filters it does not know.
fn older(action: &str) -> String {
    match action {
        "CoreSettings" => OLD.to_owned(),
        "PJSIPShowEndpoints" | "PJSIPShowEndpoint" => UNKNOWN.to_owned(),
        "SIPpeers" => "Response: Success\nID\nEventList: start\n\n\
             Event: PeerEntry\nID\nChanneltype: SIP\nObjectName: 1001-101\nIPaddress: 127.0.0.1\nDynamic: yes\nStatus: OK (12 ms)\n\n\
             Event: PeerEntry\nID\nChanneltype: SIP\nObjectName: anna-desk\nIPaddress: -none-\nDynamic: yes\nStatus: Unmonitored\n\n\
             Event: PeerEntry\nID\nChanneltype: SIP\nObjectName: 204711\nIPaddress: 192.0.2.1\nDynamic: no\nStatus: Unmonitored\n\n\
             Event: PeerlistComplete\nID\nEventList: Complete\nListItems: 3\n\n"
            .to_owned(),
        "SIPshowpeer" => {
            "Response: Success\nID\nChanneltype: SIP\nObjectName: 204711\nContext: from-trunk-sip-204711\nCallerid: \"\" <>\n\n"
                .to_owned()
        }
        "IAXpeerlist" => "Response: Success\nID\nEventList: start\n\n\
             Event: PeerEntry\nID\nChanneltype: IAX\nObjectName: 103\nIPaddress: 192.0.2.9\nDynamic: yes\nStatus: UNREACHABLE\n\n"
            .to_owned(),
        "SCCPShowLines" => "Response: Success\nID\nEventList: start\n\n\
             Event: SCCPLineEntry\nChannelType: SCCP\nActionId: x\nExten: 105\nDevice: SEP001122334455\n\n"
            .to_owned(),
        "DAHDIShowChannels" => "Response: Success\nID\nEventList: start\n\n\
             Event: DAHDIShowChannels\nID\nDAHDIChannel: 1\nSignalling: FXO Kewlstart\nContext: from-internal\n\n\
             Event: DAHDIShowChannels\nID\nDAHDIChannel: 33\nSignalling: FXS Kewlstart\nContext: from-pstn\n\n"
            .to_owned(),
        "SIPshowregistry" => "Response: Success\nID\nEventList: start\n\n\
             Event: RegistryEntry\nID\nHost: sip.example.com\nUsername: 204711\nState: Registered\n\n\
             Event: RegistryEntry\nID\nHost: sip.example.com\nUsername: nobody\nState: Registered\n\n"
            .to_owned(),
        other => willing(other),
    }
}

fn logged_in(version: &str) -> Play {
    let mut play = Play::new();
    play.connect().hears(GREETING);
    play.hears("Response: Success\nActionID: ringbud-1-challenge\nChallenge: 1\n\n");
    play.hears("Response: Success\nActionID: ringbud-2-login\n\n");
    play.sent.clear();
    play.hears(BOOTED);
    assert!(play.sent.contains("Action: CoreSettings"), "{}", play.sent);
    assert!(!play.sent.contains("Action: Filter"), "the version comes first: {}", play.sent);
    play.sent.clear();
    play.hears(&format!("Response: Success\nActionID: ringbud-4-settings\nAsteriskVersion: {version}\n\n"));
    play.hears("Response: Success\nActionID: ringbud-5-start\nCoreStartupDate: 2026-11-22\n\n");
    play
}

#[test]
fn all_filters_are_sent_in_one_go_because_the_first_keeps_everything_else_away() {
    let play = logged_in("22.10.1");
    for event in ["Newchannel", "DialBegin", "Hangup", "AttendedTransfer", "FullyBooted"] {
        assert!(play.sent.contains(&format!("MatchCriteria: name({event})\r\n")), "{event}: {}", play.sent);
    }
    assert!(!play.sent.contains("Action: Status"), "the channels come after: {}", play.sent);
}

#[test]
fn a_version_that_does_not_heed_names_is_given_an_expression() {
    for version in ["16.28.0~dfsg-0+deb11u4", "13.38.3", "certified/18.9-cert13", "GIT-master-1a2b3c4"] {
        let play = logged_in(version);
        assert!(!play.sent.contains("MatchCriteria"), "{version}: {}", play.sent);
        let filters: Vec<&str> = play.sent.lines().filter_map(|line| line.strip_prefix("Filter: ")).collect();
        assert!(!filters.is_empty(), "{version}: {}", play.sent);
        for event in ["Newchannel", "DialBegin", "Hangup", "AttendedTransfer", "FullyBooted"] {
            let named = |filter: &&str| filter.split(['(', '|', ')']).any(|name| name == event);
            assert!(filters.iter().any(named), "{event}: {filters:?}");
        }
        assert!(filters.iter().all(|filter| filter.ends_with("[^A-Za-z]")), "{filters:?}");
    }
}

const UNWANTED: &str =
    "Event: DeviceStateChange\nPrivilege: call,all\nDevice: PJSIP/1001-101\nState: INUSE\n\n";

#[test]
fn filters_are_believed_by_what_comes_and_not_by_their_answer() {
    let mut play = Play::new();
    play.connect().hears(GREETING).answers(willing);
    play.takes_said();
    play.hears(UNWANTED);
    assert!(play.sent.contains("Filter: Event: ("), "the other way is tried: {}", play.sent);
    assert!(play.takes_said().is_empty());
    play.answers(willing).hears(UNWANTED).hears(UNWANTED);
    let noticed = format!("{:?}", Notice::Missing(Missing::Filters));
    assert_eq!(play.takes_said(), [noticed], "told once");
    assert_eq!(play.session.state(), State::Live);
}

#[test]
fn the_answers_of_lists_are_no_events_that_came_through_a_filter() {
    let mut play = Play::new();
    play.connect().hears(GREETING).answers(older);
    play.takes_said();
    play.hears("Event: PeerEntry\nActionID: somebody-else\nPrivilege: system,all\nObjectName: x\n\n");
    play.hears("Event: Hangup\nPrivilege: call,all\nChannel: SIP/101-1\nUniqueid: 1.1\n\n");
    assert!(!play.sent.contains("Filter"), "{}", play.sent);
}

#[test]
fn endpoints_come_from_whatever_lists_the_pbx_knows_and_an_unknown_one_is_no_error() {
    let mut play = Play::new();
    play.connect().hears(GREETING).answers(older);
    let said = play.takes_said();
    for endpoint in
        ["SIP/1001-101 true", "SIP/anna-desk false", "SIP/204711 true", "IAX2/103 false", "SCCP/105 true"]
    {
        assert!(said.contains(&endpoint.to_owned()), "{endpoint}: {said:?}");
    }
    assert!(!said.iter().any(|said| said.contains("Missing")), "{said:?}");
    assert!(play.endpoints.contains(&("DAHDI/1".to_owned(), None)), "{:?}", play.endpoints);
    let signs: Vec<_> =
        play.endpoints.iter().filter_map(|(name, sign)| Some((name.as_str(), (*sign)?))).collect();
    assert_eq!(
        signs,
        [("DAHDI/33", Sign::Context), ("SIP/204711", Sign::Registration), ("SIP/204711", Sign::Context)],
        "a registration with a name that is no endpoint says nothing"
    );
}

#[test]
fn a_phone_that_registers_or_is_lost_is_told_while_the_link_is_up() {
    let mut play = Play::new();
    play.connect().hears(GREETING).answers(willing);
    play.takes_said();
    for (status, told) in [("Unreachable", "false"), ("Reachable", "true"), ("Unregistered", "false")] {
        play.hears(&format!(
            "Event: PeerStatus\nPrivilege: system,all\nChannelType: PJSIP\nPeer: PJSIP/1001-101\nPeerStatus: {status}\n\n"
        ));
        assert_eq!(play.takes_said(), [format!("PJSIP/1001-101 {told}")], "{status}");
    }
    assert!(!play.sent.contains("Filter: Event: ("), "it is wanted: {}", play.sent);
}

#[test]
fn a_list_that_is_denied_is_told_and_one_that_is_unknown_is_not() {
    let mut play = Play::new();
    play.connect().hears(GREETING).answers(|action| match action {
        "SIPpeers" => DENIED.to_owned(),
        other => older(other),
    });
    assert!(play.takes_said().contains(&format!("{:?}", Notice::Missing(Missing::Endpoints))));
}

#[test]
fn a_name_of_digits_that_proves_nothing_is_asked_about_and_the_others_are_not() {
    let mut play = Play::new();
    let list = |name: &str, auths: &str| {
        format!(
            "Event: EndpointList\nID\nObjectName: {name}\nAuths: {auths}\nOutboundAuths: \nDeviceState: Not in use\n\n"
        )
    };
    let detail = "Response: Success\nID\nEventList: start\n\n\
         Event: IdentifyDetail\nID\nObjectName: provider-identify\nEndpoint: 4930900\n\n\
         Event: EndpointDetail\nID\nObjectName: 4930900\nContext: from-pstn\nCallerid: <unknown>\n\n\
         Event: EndpointDetailComplete\nID\nEventList: Complete\n\n";
    play.connect().hears(GREETING).answers(|action| match action {
        "PJSIPShowEndpoints" => format!(
            "Response: Success\nID\nEventList: start\n\n{}{}{}",
            list("201", "201-auth"),
            list("4930900", ""),
            list("provider", "")
        ),
        "PJSIPShowEndpoint" => detail.to_owned(),
        other => willing(other),
    });
    let asked = play.log.matches("Action: PJSIPShowEndpoint\r\n").count();
    assert_eq!(asked, 1, "{}", play.log);
    assert!(play.log.contains("Endpoint: 4930900\r\n"), "{}", play.log);
    let signs: Vec<_> =
        play.endpoints.iter().filter_map(|(name, sign)| Some((name.as_str(), (*sign)?))).collect();
    assert_eq!(signs, [("PJSIP/4930900", Sign::Address), ("PJSIP/4930900", Sign::Context)]);
}

#[test]
fn a_user_that_may_do_far_too_much_is_told_where_that_is_asked() {
    let commands = |action: &str| {
        match action {
        "ListCommands" => "Response: Success\nID\nPing: Keepalive command.  (Priv: <none>)\nOriginate: Originate a call.  (Priv: originate,all)\nCommand: Execute Asterisk CLI Command.  (Priv: command,all)\n\n".to_owned(),
        "PJSIPShowEndpoint" => UNKNOWN.to_owned(),
        other => willing(other),
    }
    };
    let mut play = Play::with(Settings { ask: Ask::All, ..Settings::new("ringbud", Secret::new("s3cret")) });
    play.connect().hears(GREETING).answers(commands);
    let said = play.takes_said();
    for excess in [Excess::Calls, Excess::Commands] {
        assert!(said.contains(&format!("{:?}", Notice::Excess(excess))), "{said:?}");
        assert!(excess.sentence(Product::Asterisk).contains("write = system,reporting"));
    }
    assert!(!said.contains(&format!("{:?}", Notice::Excess(Excess::Settings))), "{said:?}");
}

/// The channels at this moment: id and age in seconds.
fn channels(listed: &[(&str, u64)]) -> String {
    let one = |(id, age): &(&str, u64)| {
        format!(
            "Event: CoreShowChannel\nID\nChannel: PJSIP/1001-101-00000001\nUniqueid: {id}\nLinkedid: {id}\nDuration: 00:{:02}:{:02}\n\n",
            age / 60,
            age % 60
        )
    };
    let all: String = listed.iter().map(one).collect();
    format!(
        "Response: Success\nID\nEventList: start\n\n{all}Event: CoreShowChannelsComplete\nID\nEventList: Complete\nListItems: {}\n\n",
        listed.len()
    )
}

/// A minute passes, in which the PBX is asked for its channels once and has these.
fn minute(play: &mut Play, listed: &[(&str, u64)]) -> Vec<String> {
    for _ in 0..12 {
        play.wait(5).answers(|action| match action {
            "CoreShowChannels" => channels(listed),
            other => willing(other),
        });
    }
    play.takes_said().into_iter().filter(|said| !said.starts_with("snapshot")).collect()
}

fn deaf() -> String {
    format!("{:?}", Notice::Missing(Missing::CallEvents))
}

#[test]
fn a_link_that_lists_a_channel_twice_and_never_heard_of_it_is_deaf() {
    let mut play = Play::new();
    play.connect().hears(GREETING).answers(willing);
    play.takes_said();
    assert!(minute(&mut play, &[("1795343990.1", 30)]).is_empty());
    assert_eq!(minute(&mut play, &[("1795343990.1", 90)]), [deaf()]);
    assert!(minute(&mut play, &[("1795343990.1", 150)]).is_empty(), "told once");
    assert!(!play.session.health().hears_calls);
    play.hears("Event: Newchannel\nPrivilege: call,all\nChannel: PJSIP/1001-101-00000002\nUniqueid: 1795344200.2\nLinkedid: 1795344200.2\nPriority: 1\n\n");
    let said = play.takes_said();
    assert!(said.contains(&format!("{:?}", Notice::Mended(Missing::CallEvents))), "{said:?}");
    assert!(play.session.health().hears_calls);
}

#[test]
fn a_link_from_which_a_channel_vanishes_without_a_hang_up_is_deaf() {
    let mut play = Play::new();
    play.connect().hears(GREETING).answers(willing);
    play.takes_said();
    assert!(minute(&mut play, &[("1795343000.1", 990)]).is_empty());
    assert!(minute(&mut play, &[]).is_empty(), "its hang-up may be late");
    assert_eq!(minute(&mut play, &[]), [deaf()]);
}

#[test]
fn a_caller_served_by_a_queue_that_says_nothing_shows_that_agent_events_are_missing() {
    let list = |application: &str, bridge: &str| {
        channels(&[("1795344200.2", 20)])
            .replace("Duration:", &format!("Application: {application}\nBridgeId: {bridge}\nDuration:"))
    };
    let told = |list: &str, event: &str| {
        let mut play = Play::new();
        play.connect().hears(GREETING).answers(willing);
        minute(&mut play, &[]);
        play.hears("Event: Newchannel\nPrivilege: call,all\nChannel: PJSIP/trunk-00000002\nUniqueid: 1795344200.2\nLinkedid: 1795344200.2\nPriority: 1\n\n");
        play.hears(event);
        for _ in 0..60 {
            play.wait(5).answers(|action| match action {
                "CoreShowChannels" => list.to_owned(),
                other => willing(other),
            });
        }
        let told = play
            .takes_said()
            .iter()
            .filter(|said| **said == format!("{:?}", Notice::Missing(Missing::AgentEvents)))
            .count();
        play.hears("Event: QueueCallerJoin\nPrivilege: agent,all\nChannel: PJSIP/trunk-00000003\nUniqueid: 1795344300.3\nQueue: sales\n\n");
        let mended = play.takes_said().contains(&format!("{:?}", Notice::Mended(Missing::AgentEvents)));
        (told, mended)
    };
    let joined = "Event: QueueCallerJoin\nPrivilege: agent,all\nChannel: PJSIP/trunk-00000002\nUniqueid: 1795344200.2\nQueue: sales\n\n";
    assert_eq!(told(&list("Queue", "b1"), ""), (1, true));
    assert_eq!(told(&list("AgentLogin", "b1"), ""), (1, true));
    assert_eq!(told(&list("Queue", "b1"), joined), (0, false));
    assert_eq!(told(&list("Queue", ""), ""), (0, false), "it may be about to be told");
    assert_eq!(told(&list("Dial", "b1"), ""), (0, false));
}

#[test]
fn every_remark_on_a_login_has_a_code_of_its_own_and_a_sentence_for_every_pbx() {
    for product in Product::ALL {
        let missing = Missing::ALL.map(|one| one.remark(product)).into_iter();
        let remarks: Vec<_> = missing.chain(Excess::ALL.map(|one| one.remark(product))).collect();
        let codes: std::collections::BTreeSet<_> = remarks.iter().map(|remark| remark.code).collect();
        assert_eq!(codes.len(), remarks.len());
        assert!(remarks.iter().all(|remark| remark.english.len() > 20));
        let arguments =
            [("kind", product.kind().name().to_owned()), ("place", product.login_place().to_owned())];
        assert!(remarks.iter().all(|remark| remark.arguments == arguments));
    }
}

#[test]
fn a_link_that_hears_is_not_asked_every_minute_and_a_quiet_one_is() {
    for hears in [false, true] {
        let mut play = Play::new();
        play.connect().hears(GREETING).answers(willing);
        if hears {
            play.hears("Event: Newchannel\nPrivilege: call,all\nChannel: PJSIP/1001-101-00000002\nUniqueid: 1795344200.2\nLinkedid: 1795344200.2\nPriority: 1\n\n");
        }
        minute(&mut play, &[]);
        play.log.clear();
        for _ in 0..6 {
            minute(&mut play, &[]);
        }
        let asked = play.log.matches("Action: CoreShowChannels").count();
        assert_eq!(asked, if hears { 2 } else { 6 }, "hears: {hears}");
    }
}

#[test]
fn what_is_known_of_an_endpoint_but_its_name_is_said_only_where_it_is_said() {
    let named = Endpoint::named("PJSIP/101");
    assert_eq!((named.is_reachable, named.sign, named.context, named.number), (None, None, "", ""));
}
