//! What a request says: names, order, values.

use std::collections::BTreeMap;

use calls::{EventKind, PbxTime, What};
use delivery::payload::{Clockface, all_parameters, parameters};
use journal::settings::{Extras, Integration, ParameterNames, TimeFormat};

use crate::support::event;

fn pairs(kind: EventKind, settings: &Integration) -> String {
    let pairs = parameters(&event(kind, "a"), settings);
    pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("\n")
}

fn names(kind: EventKind, settings: &Integration) -> Vec<String> {
    parameters(&event(kind, "a"), settings).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn an_incoming_call_says_what_the_source_text_lists_in_its_order() {
    assert_eq!(
        pairs(EventKind::Incoming, &Integration::default()),
        "AccountId=1001\nUniqueCallId=pbx1-a.7\nCalledphone=101\nANumber=+4512345678\n\
         TimeStamp=2026-11-22T09:53:00+01:00\nEmployeeLocalNumber=201\n\
         LinkedUniqueCallId=pbx1-1795337570.6"
    );
}

#[test]
fn an_answered_call_says_what_the_source_text_lists_in_its_order() {
    assert_eq!(
        pairs(EventKind::Answered, &Integration::default()),
        "AccountId=1001\nUniqueCallId=pbx1-a.7\nEmployeeLocalNumber=201\nANumber=+4512345678\n\
         TimeStamp=2026-11-22T09:53:00+01:00\nLinkedUniqueCallId=pbx1-1795337570.6"
    );
}

#[test]
fn an_outgoing_call_says_what_the_source_text_lists_in_its_order() {
    assert_eq!(
        pairs(EventKind::Outgoing, &Integration::default()),
        "AccountId=1001\nUniqueCallId=pbx1-a.7\nEmployeeLocalNumber=201\nANumber=+4512345678\n\
         TimeStamp=2026-11-22T09:53:00+01:00\nPhoneLocalNumber=101\nBNumber=70 10 20 30"
    );
}

#[test]
fn an_ended_call_says_what_the_source_text_lists_in_its_order() {
    assert_eq!(
        pairs(EventKind::Ended, &Integration::default()),
        "AccountId=1001\nUniqueCallId=pbx1-a.7\nDuration=3\nTransfer=True\nCallDirection=Incoming\n\
         TransferedUniqueId=pbx1-1795337570.6\nTransferedNumber=+4512345678\nTransferTo=302"
    );
}

#[test]
fn what_is_not_there_is_sent_empty() {
    let mut event = event(EventKind::Ended, "a");
    if let What::Ended(ended) = &mut event.what {
        ended.answered_at = None;
        ended.transfer = None;
    }
    let pairs = parameters(&event, &Integration::default());
    let of = |name: &str| pairs.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str());
    assert_eq!(of("Duration"), Some("0"));
    assert_eq!(of("Transfer"), Some("False"));
    assert_eq!(of("TransferTo"), Some(""));
}

#[test]
fn as_printed_has_the_source_texts_blanks_where_it_prints_them() {
    let settings = Integration { parameter_names: ParameterNames::AsPrinted, ..Integration::default() };
    assert_eq!(
        names(EventKind::Ended, &settings),
        [
            "AccountId",
            "Unique CallId",
            "Duration",
            "Transfer",
            "CallDirection",
            "Transfered Unique ID",
            "Transfered number",
            "Transfer to"
        ]
    );
    assert_eq!(names(EventKind::Answered, &settings)[1], "UniqueCallId");
}

#[test]
fn any_name_can_be_overridden() {
    let map = BTreeMap::from([("ANumber".to_owned(), "from".to_owned())]);
    let settings = Integration { parameter_names: ParameterNames::Map(map), ..Integration::default() };
    assert_eq!(names(EventKind::Answered, &settings)[3], "from");
}

#[test]
fn extras_come_after_the_contract_and_only_when_chosen() {
    let extras = Extras::Some(vec!["Sequence".to_owned(), "Event".to_owned(), "BNumber".to_owned()]);
    let settings = Integration { extras, ..Integration::default() };
    assert_eq!(names(EventKind::Answered, &settings)[6..], ["Event", "Sequence"]);
    assert_eq!(names(EventKind::Ended, &settings)[8..], ["Event", "Sequence", "BNumber"]);
}

#[test]
fn all_extras_have_their_values() {
    let all = all_parameters(&event(EventKind::Ended, "a"), &Integration::default());
    let text: Vec<String> = all[8..].iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        text.join("\n"),
        "Event=Ended\nEventId=pbx1-a-7-ended\nSequence=3\nCallId=pbx1-a\nEmployeeName=Åse Ørsted\n\
         EmployeeLocalNumber=201\nPhoneLocalNumber=101\nANumber=+4512345678\nBNumber=\n\
         DialedNumber=+4570102030\nQueueName=salg & support\nStartTime=2026-11-22T09:52:53+01:00\n\
         AnswerTime=2026-11-22T09:52:56+01:00\nEndTime=2026-11-22T09:53:00+01:00\nRingDuration=3\n\
         EndReason=transferred\nAssumed=False"
    );
}

#[test]
fn moments_are_written_as_the_account_wants_them() {
    let at = PbxTime::from_micros(1_795_337_580_900_000);
    let written = |format, zone: &str| {
        let settings =
            Integration { time_format: format, time_zone: zone.to_owned(), ..Integration::default() };
        Clockface::of(&settings).write(at)
    };
    assert_eq!(written(TimeFormat::Iso, "Europe/Copenhagen"), "2026-11-22T09:53:00+01:00");
    assert_eq!(written(TimeFormat::Iso, "America/St_Johns"), "2026-11-22T05:23:00-03:30");
    assert_eq!(written(TimeFormat::Iso, "UTC"), "2026-11-22T08:53:00+00:00");
    assert_eq!(written(TimeFormat::Local, "Europe/Copenhagen"), "2026-11-22 09:53:00");
    assert_eq!(written(TimeFormat::UnixSeconds, "UTC"), "1795337580");
    assert_eq!(written(TimeFormat::UnixMilliseconds, "UTC"), "1795337580900");
    let summer = PbxTime::from_secs(1_782_000_000);
    let settings = Integration::default();
    assert!(Clockface::of(&settings).write(summer).ends_with("+02:00"));
}

#[test]
fn an_unknown_zone_is_refused_with_its_name() {
    let error = Clockface::zone("Europe/Kobenhavn").expect_err("unknown");
    assert!(error.to_string().contains("Europe/Kobenhavn"));
}
