//! What messages mean: the cases no recording holds.

use std::time::Duration;

use calls::{Cause, DialOutcome, Input, ListedState, Meeting, Origin, PbxTime, Presentation, Seen};
use pbx::ami::Stream;

/// The inputs of what one PBX says over several links; a recording unless `arrival` is given.
fn say(links: &[&str], arrival: Option<Duration>) -> (Vec<String>, Stream) {
    let mut stream = Stream::new(None);
    let mut said = Vec::new();
    for (number, link) in links.iter().enumerate() {
        let mut out = |at: PbxTime, input: Input<'_>| said.push(format!("{at:?} {}", shown(input)));
        if number > 0 {
            stream.link_lost(&mut out);
        }
        stream.feed(link.as_bytes(), arrival, &mut out);
    }
    (said, stream)
}

fn shown(input: Input<'_>) -> String {
    match input {
        Input::Snapshot { listed } => {
            let ids: Vec<_> = listed.iter().map(|listed| listed.who.id).collect();
            format!("Snapshot {ids:?}")
        }
        Input::Appeared { who, .. } => format!("Appeared {}", who.id),
        Input::Gone { who, cause } => format!("Gone {} {cause:?}", who.id),
        other => format!("{other:?}"),
    }
}

fn booted(uptime: u32) -> String {
    format!("Event: FullyBooted\nUptime: {uptime}\n\n")
}

fn appears(id: &str, timestamp: &str) -> String {
    format!(
        "Event: Newchannel\n{timestamp}Channel: PJSIP/trunk-00000000\nChannelState: 4\nUniqueid: {id}\nLinkedid: {id}\n\n"
    )
}

fn listed(action: &str, id: &str) -> String {
    format!(
        "Event: CoreShowChannel\nActionID: {action}\nChannel: PJSIP/1001-101-00000001\nChannelState: 6\n\
         Uniqueid: {id}\nLinkedid: {id}\nApplication: AppDial\nDuration: 00:00:10\nBridgeId: b1\n\n"
    )
}

fn list(action: &str, items: usize) -> String {
    format!(
        "Event: CoreShowChannelsComplete\nActionID: {action}\nEventList: Complete\nListItems: {items}\n\n"
    )
}

/// The one input of a message, handed to a check.
fn only(message: &str, check: impl Fn(Input<'_>)) {
    let mut count = 0;
    Stream::new(None).feed(message.as_bytes(), None, |_, input| {
        count += 1;
        check(input);
    });
    assert_eq!(count, 1, "{message}");
}

#[test]
fn without_timestamps_a_recording_goes_by_the_seconds_in_new_channels_ids() {
    let text = appears("100.1", "")
        + &appears("104.2", "")
        + "Event: Hangup\nChannel: PJSIP/a-00000001\nUniqueid: 100.1\nCause: 16\n\n";
    let (said, _) = say(&[&text], None);
    assert_eq!(
        said,
        ["100.000000 Appeared 100.1", "104.000000 Appeared 104.2", "104.000000 Gone 100.1 Normal"]
    );
}

#[test]
fn without_timestamps_a_live_link_counts_on_from_the_last_pong() {
    let mut stream = Stream::new(None);
    let mut at = Vec::new();
    let pong = b"Response: Success\nPing: Pong\nTimestamp: 100.500000\n\n";
    stream.feed(pong, Some(Duration::from_secs(7)), |_, _| {});
    stream.feed(appears("101.1", "").as_bytes(), Some(Duration::from_millis(8250)), |time, _| at.push(time));
    assert_eq!(at, [PbxTime::from_micros(101_750_000)]);
}

#[test]
fn a_list_is_a_snapshot_with_what_it_says_of_each_channel() {
    let text = listed("7", "100.1") + &list("7", 1);
    only(&text, |input| {
        let Input::Snapshot { listed } = input else { panic!("{input:?}") };
        let one = listed[0];
        assert_eq!((one.who.id, one.bridge, one.state), ("100.1", "b1", ListedState::Up));
        assert_eq!((one.origin, one.since), (Some(Origin::Called), Some(PbxTime::from_secs(100))));
    });
    let (said, _) = say(&[&text], None);
    assert_eq!(said, [r#"110.000000 Snapshot ["100.1"]"#], "made at 100, ten seconds old");
}

#[test]
fn a_list_that_is_not_complete_is_no_snapshot() {
    let (said, stream) = say(&[&(listed("7", "100.1") + &list("7", 2))], None);
    assert!(said.is_empty(), "{said:?}");
    assert_eq!(stream.counts().unusable_lists, 1);
    let (said, _) = say(&[&listed("7", "100.1"), &list("7", 1)], None);
    assert_eq!(said, ["110.000000 LinkLost"], "the link was lost in the middle of it");
}

#[test]
fn only_our_own_status_list_is_a_snapshot_and_it_knows_exact_times() {
    let status = |action: &str| {
        format!(
            "Event: Status\nActionID: {action}\nChannel: PJSIP/1001-101-00000001\nChannelState: 6\nUniqueid: 100.1\n\
             Seconds: 10\nBridgeID: b1\nVariable: CDR(start,u)=100.250000\nVariable: CDR(answer,u)=103.500000\n\n\
             Event: StatusComplete\nActionID: {action}\nListItems: 1\nItems: 1\n\n"
        )
    };
    assert!(say(&[&status("of-somebody")], None).0.is_empty());
    only(&status("ringbud-9-status"), |input| {
        let Input::Snapshot { listed } = input else { panic!("{input:?}") };
        assert_eq!(listed[0].since, Some(PbxTime::from_micros(100_250_000)));
        assert_eq!(listed[0].answered_at, Some(PbxTime::from_micros(103_500_000)));
        assert_eq!(listed[0].bridge, "b1");
    });
}

#[test]
fn a_shrunken_uptime_after_a_gap_is_a_restart_and_a_grown_one_is_none() {
    let stamp = |second: u32| format!("Timestamp: {second}.000000\n");
    let first = booted(50) + &appears("100.1", &stamp(100)) + &appears("130.2", &stamp(130));
    for (uptime, is_restart) in
        [(0, true), (49, true), (60, true), (77, true), (79, false), (80, false), (500, false)]
    {
        let (said, _) = say(&[&first, &booted(uptime)], None);
        assert_eq!(
            said.iter().any(|said| said.ends_with("Restarted")),
            is_restart,
            "up for {uptime} s: {said:?}"
        );
    }
}

#[test]
fn a_pbx_up_for_less_than_it_was_watched_was_restarted_even_if_its_first_login_was_not_recorded() {
    let watched = appears("100.1", "Timestamp: 100.000000\n") + &appears("130.2", "Timestamp: 130.000000\n");
    for (uptime, is_restart) in [(5, true), (40, false)] {
        let (said, _) = say(&[&watched, &booted(uptime)], None);
        assert_eq!(said.iter().any(|said| said.ends_with("Restarted")), is_restart, "up for {uptime} s");
    }
}

#[test]
fn the_last_message_of_a_recording_needs_no_blank_line_but_whole_lines() {
    let text = appears("100.1", "");
    for (recorded, expected) in [(text.trim_end().to_owned() + "\n", 1), (text.trim_end().to_owned(), 0)] {
        let (mut stream, mut inputs) = (Stream::new(None), 0);
        stream.feed(recorded.as_bytes(), None, |_, _| inputs += 1);
        assert_eq!(inputs, 0);
        stream.recording_ended(|_, _| inputs += 1);
        assert_eq!(inputs, expected, "{recorded:?}");
    }
}

#[test]
fn channels_counted_from_the_start_again_are_a_restart() {
    let (said, _) = say(&[&(booted(0) + &appears("100.7", "")), &(booted(30) + &appears("160.0", ""))], None);
    assert_eq!(
        said,
        [
            "100.000000 Appeared 100.7",
            "100.000000 LinkLost",
            "100.000000 Restarted",
            "160.000000 Appeared 160.0"
        ]
    );
}

#[test]
fn another_start_in_core_status_is_a_restart_told_once() {
    let started =
        |time: &str| format!("Response: Success\nCoreStartupDate: 2026-11-22\nCoreStartupTime: {time}\n\n");
    let first = appears("100.1", "") + &started("10:00:00");
    let (said, _) = say(&[&first, &started("10:00:00"), &started("11:00:00"), &started("11:00:00")], None);
    assert_eq!(said.iter().filter(|said| said.ends_with("Restarted")).count(), 1, "{said:?}");
}

#[test]
fn a_pbx_that_said_it_shuts_down_is_restarted_when_it_is_back() {
    let (said, _) = say(&[&(booted(50) + "Event: Shutdown\nShutdown: Cleanly\n\n"), &booted(900)], None);
    assert!(said.iter().any(|said| said.ends_with("Restarted")), "{said:?}");
}

#[test]
fn a_transfer_that_failed_says_nothing() {
    for event in ["BlindTransfer", "AttendedTransfer"] {
        let (said, stream) =
            say(&[&format!("Event: {event}\nResult: Fail\nTransfererUniqueid: 1.1\n\n")], None);
        assert!(said.is_empty());
        assert_eq!(stream.counts().not_understood, 0);
    }
}

#[test]
fn a_dial_without_a_caller_is_one_the_pbx_was_asked_for() {
    let text =
        "Event: DialEnd\nDestChannel: PJSIP/101-00000001\nDestUniqueid: 1.1\nDialStatus: CHANUNAVAIL\n\n";
    only(text, |input| {
        let Input::DialEnded { from, to, outcome, forward } = input else { panic!("{input:?}") };
        assert_eq!((from, to.id, outcome, forward), (None, "1.1", DialOutcome::Failed, ""));
    });
}

#[test]
fn a_forward_is_told_with_the_number_alone() {
    let text = "Event: DialEnd\nDestChannel: PJSIP/101-00000001\nDestUniqueid: 1.1\nDialStatus: CANCEL\n\
                Forward: Local/102@tenant-1001\n\n";
    only(text, |input| {
        assert!(
            matches!(input, Input::DialEnded { outcome: DialOutcome::Cancelled, forward: "102", .. }),
            "{input:?}"
        );
    });
}

#[test]
fn hang_up_causes_are_grouped() {
    for (code, cause) in [
        ("16", Cause::Normal),
        ("0", Cause::Unsaid),
        ("127", Cause::Normal),
        ("17", Cause::Busy),
        ("19", Cause::NoAnswer),
        ("21", Cause::Rejected),
        ("26", Cause::AnsweredElsewhere),
        ("1", Cause::Unreachable),
    ] {
        let text = format!("Event: Hangup\nChannel: PJSIP/a-00000001\nUniqueid: 1.1\nCause: {code}\n\n");
        only(&text, |input| {
            assert!(matches!(input, Input::Gone { cause: told, .. } if told == cause), "{input:?}")
        });
    }
}

#[test]
fn events_that_lack_their_channel_and_unknown_ones_are_counted_and_passed_over() {
    let text = "Event: Hangup\nCause: 16\n\nEvent: SomethingNew\nX: y\n\nEvent: VarSet\nVariable: a\n\n";
    let (said, stream) = say(&[text], None);
    assert!(said.is_empty());
    assert_eq!((stream.counts().messages, stream.counts().not_understood), (3, 2));
}

#[test]
fn holding_and_taking_back_are_said_of_the_phone_that_does_it() {
    let message = |event: &str| {
        format!(
            "Event: {event}\nChannel: PJSIP/1001-101-00000001\nChannelState: 6\nUniqueid: 1795000000.1\n\
             Linkedid: 1795000000.0\nMusicClass: default\n\n"
        )
    };
    only(&message("Hold"), |input| assert!(matches!(input, Input::Held { who } if who.id == "1795000000.1")));
    only(&message("Unhold"), |input| {
        assert!(matches!(input, Input::Unheld { who } if who.id == "1795000000.1"))
    });
}

/// A channel's event with this state and extension.
fn of_channel(event: &str, state: &str, exten: &str, more: &str) -> String {
    format!(
        "Event: {event}\nChannel: SCCP/101-00000001\nChannelState: {state}\nCallerIDNum: 101\n\
         ConnectedLineNum: <unknown>\nExten: {exten}\nUniqueid: 1.1\nLinkedid: 1.1\n{more}\n"
    )
}

#[test]
fn a_channel_that_goes_to_ring_calls_with_the_number_it_has_then() {
    only(&of_channel("Newstate", "4", "+4530", ""), |input| {
        assert!(matches!(input, Input::Placing { who } if who.dialled == "+4530"), "{input:?}");
    });
    only(&of_channel("Newstate", "2", "101", ""), |input| {
        assert!(matches!(input, Input::Placing { who } if who.dialled.is_empty()), "{input:?}");
    });
}

#[test]
fn a_number_that_must_not_be_shown_says_so() {
    for (pres, expected) in [
        ("35 (Presentation Prohibited, Network Number)", Presentation::Withheld),
        ("67 (Number Unavailable)", Presentation::Withheld),
        ("0 (Presentation Allowed, Not Screened)", Presentation::Allowed),
    ] {
        only(&of_channel("NewCallerid", "4", "102", &format!("CID-CallingPres: {pres}\n")), |input| {
            assert!(matches!(input, Input::Changed { who } if who.presentation == expected), "{input:?}");
        });
    }
    for says in [
        "CallerIDNumPres: 35 (Presentation Prohibited, Network Number)",
        "ChanVariable: CALLERID(num-pres)=prohib_not_screened",
    ] {
        only(&of_channel("NewConnectedLine", "4", "102", &format!("{says}\n")), |input| {
            let is_so = |who: Seen<'_>| who.presentation == Presentation::Withheld;
            assert!(matches!(input, Input::Changed { who } if is_so(who)), "{says}: {input:?}");
        });
    }
    let words = "CallerIDName: Elvis Presley\nDestCallerIDNumPres: 35\nPresentation: 35\n";
    only(&of_channel("NewCallerid", "4", "102", words), |input| {
        let says_nothing = |who: Seen<'_>| who.presentation == Presentation::Unsaid;
        assert!(matches!(input, Input::Changed { who } if says_nothing(who)), "{input:?}");
    });
}

#[test]
fn what_an_order_was_for_an_agents_login_and_a_room_without_bridges_are_told() {
    only(&of_channel("OriginateResponse", "", "+4530", "Response: Success\n"), |input| {
        assert!(matches!(input, Input::Ordered { dialled: "+4530", .. }), "{input:?}");
    });
    only(&of_channel("AgentLogin", "6", "*22", "Agent: 3001\n"), |input| {
        assert!(matches!(input, Input::Agent { is_on: true, .. }), "{input:?}");
    });
    only(&of_channel("MeetmeJoin", "6", "800", "Meetme: 800\n"), |input| {
        assert!(matches!(input, Input::Joined { bridge: "800", meeting: Meeting::Room, .. }), "{input:?}");
    });
}
