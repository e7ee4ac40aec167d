//! FreeSWITCH's words for things, one value at a time.

use calls::{Cause, PbxTime};

use super::channel::End;
use super::event::Event;
use super::field::Field;

/// What is at the end of the channel of an event.
pub(super) fn end_of(event: &Event<'_>) -> End {
    let other = event.word(Field::OtherLoopback);
    let name = event.get(Field::ChannelName);
    if !other.is_empty() && name.starts_with("loopback/") {
        return loopback(event.word(Field::UniqueId), other);
    }
    endpoint(&event.get(Field::PresenceId), &event.get(Field::Gateway), &name)
}

pub(super) fn loopback(id: &str, other: &str) -> End {
    End::Loopback { name: id.min(other).into(), other: other.into() }
}

/// A phone is known by its presence id alone: a channel's name is the same for two tenants' 101. What goes
/// through a gateway is a line, whatever presence it took over from whoever called.
pub(super) fn endpoint(presence: &str, gateway: &str, name: &str) -> End {
    if !gateway.is_empty() {
        return End::Endpoint(["gateway/", gateway].concat().into());
    }
    if !presence.is_empty() {
        return End::Endpoint(presence.into());
    }
    // `sofia/external/+491758888888`: the number is none of its name.
    let profile = name.match_indices('/').nth(1).map_or(name, |(end, _)| &name[..end]);
    End::Endpoint(profile.into())
}

/// Whether the channel may be a phone's.
pub(super) fn may_be_phone(end: &End) -> bool {
    matches!(end, End::Endpoint(endpoint) if endpoint.contains('@'))
}

/// A number as the PBX presents it; empty when withheld.
pub(super) fn number(text: &str) -> &str {
    const WITHHELD: [&str; 8] = [
        "anonymous",
        "unknown",
        "restricted",
        "private",
        "unavailable",
        "withheld",
        "<unknown>",
        "0000000000",
    ];
    if WITHHELD.iter().any(|word| text.eq_ignore_ascii_case(word)) { "" } else { text }
}

/// The number of a channel that was dialled: the phone's, whatever contact it registered; else as dialled.
pub(super) fn called_number<'a>(end: &'a End, destination: &'a str) -> &'a str {
    match end {
        End::Endpoint(endpoint) if may_be_phone(end) => endpoint.split('@').next().unwrap_or_default(),
        End::Endpoint(_) | End::Loopback { .. } => number(destination),
    }
}

/// Whether a fifo's consumer keeps the line open to be given callers, by what its dialplan runs: `NAME out wait`,
/// which is so where nothing else is said, or `NAME out nowait` to fetch one that waits.
pub(super) fn waits(application_data: &str) -> bool {
    !application_data.split(' ').any(|word| word.eq_ignore_ascii_case("nowait"))
}

/// The number a channel that called dialled. That of the inline dialplan is an order of FreeSWITCH's own: a lamp
/// key (INVITE with Replaces) dials nothing.
pub(super) fn dialled_number<'a>(dialplan: &str, destination: &'a str) -> &'a str {
    if dialplan == "inline" { "" } else { destination }
}

/// Where it stands on whose behalf a channel is dialled. Queues and enterprise originates say it in variables of
/// their own.
pub(super) const ORIGINS: [Field; 5] =
    [Field::Originator, Field::OriginatingLeg, Field::EnterpriseLeg, Field::QueueMember, Field::FifoCaller];

/// The id of the channel on whose behalf the channel of a CHANNEL_CREATE is dialled.
pub(super) fn origin<'a>(event: &Event<'a>) -> Option<&'a str> {
    let named = ORIGINS.into_iter().map(|field| event.word(field)).find(|id| !id.is_empty());
    let other = || (event.word(Field::OtherType) == "originator").then(|| event.word(Field::OtherUniqueId));
    named.or_else(other).filter(|id| !id.is_empty() && *id != event.word(Field::UniqueId))
}

/// The moment of an event.
pub(super) fn stamp(event: &Event<'_>) -> Option<PbxTime> {
    event.micros(Field::Timestamp).map(PbxTime::from_micros)
}

/// The pair of a bridge, where the event names both.
pub(super) fn pair<'a>(event: &Event<'a>) -> Option<(&'a str, &'a str)> {
    let (a, b) = (event.word(Field::BridgeA), event.word(Field::BridgeB));
    (!a.is_empty() && !b.is_empty()).then_some((a, b))
}

/// One entry of `transfer_history`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    /// Sent to a number of the dialplan.
    Blind(&'a str),
    /// Bridged with a channel from outside its own dialplan.
    Bridged(&'a str),
    /// Anything else.
    Other,
}

/// The entries of a `transfer_history`: `time:id:bl_xfer:NUMBER/context/dialplan`, several separated, each with the
/// second in which it was made.
pub(super) fn history(text: &str) -> impl Iterator<Item = (Option<PbxTime>, Entry<'_>)> {
    let list = text.strip_prefix("ARRAY::").unwrap_or(text);
    list.split("|:").filter(|entry| !entry.is_empty()).map(|text| (made_at(text), entry(text)))
}

fn made_at(entry: &str) -> Option<PbxTime> {
    let secs = entry.split(':').next()?.parse().ok();
    secs.filter(|secs| *secs > 0 && *secs < 1 << 40).map(PbxTime::from_secs)
}

fn entry(text: &str) -> Entry<'_> {
    let mut parts = text.splitn(4, ':').skip(2);
    match (parts.next(), parts.next()) {
        // An order, not a number: FreeSWITCH's own waiting loop, what a program has a channel do.
        (Some("bl_xfer"), Some(to)) if to.starts_with("m:") || to.ends_with("/inline") => Entry::Other,
        (Some("bl_xfer"), Some(to)) => Entry::Blind(to.split('/').next().unwrap_or(to)),
        (Some("uuid_br"), Some(id)) => Entry::Bridged(id),
        _ => Entry::Other,
    }
}

/// Why a channel is gone. Names are those of FreeSWITCH's table of causes.
pub(super) fn cause(name: &str) -> Cause {
    match name {
        "USER_BUSY" => Cause::Busy,
        "NO_ANSWER"
        | "ALLOTTED_TIMEOUT"
        | "NO_USER_RESPONSE"
        | "PROGRESS_TIMEOUT"
        | "RECOVERY_ON_TIMER_EXPIRE" => Cause::NoAnswer,
        "CALL_REJECTED" | "USER_CHALLENGE" => Cause::Rejected,
        "LOSE_RACE" => Cause::AnsweredElsewhere,
        "PICKED_OFF" => Cause::PickedUp,
        ""
        | "NONE"
        | "NORMAL_CLEARING"
        | "NORMAL_UNSPECIFIED"
        | "ORIGINATOR_CANCEL"
        | "MANAGER_REQUEST"
        | "BLIND_TRANSFER"
        | "ATTENDED_TRANSFER"
        | "SYSTEM_SHUTDOWN"
        | "REDIRECTION_TO_NEW_DESTINATION"
        | "MEDIA_TIMEOUT" => Cause::Normal,
        _ => Cause::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_one_entry_or_a_list_and_the_waiting_loop_is_no_number() {
        let of = |text| history(text).map(|(_, entry)| entry).collect::<Vec<_>>();
        assert_eq!(of("1:a:bl_xfer:102/tenant-1001/XML"), [Entry::Blind("102")]);
        assert_eq!(
            of("ARRAY::1:a:att_xfer:1@x/2@y|:2:b:uuid_br:c|:3:d:bl_xfer:m:\":x\"park/c/inline"),
            [Entry::Other, Entry::Bridged("c"), Entry::Other]
        );
        assert_eq!(of(""), []);
        assert_eq!(of("ARRAY::"), []);
        assert_eq!(of("nonsense"), [Entry::Other]);
        let times = history("ARRAY::1795346421:a:uuid_br:b|:x:b:uuid_br:c").map(|(at, _)| at);
        assert_eq!(times.collect::<Vec<_>>(), [Some(PbxTime::from_secs(1_795_346_421)), None]);
    }

    #[test]
    fn a_line_is_no_phone_whatever_presence_it_took_over() {
        for (presence, gateway, name, expected, phone) in [
            ("101@1001.lab.test", "", "sofia/internal/101@1001.lab.test", "101@1001.lab.test", true),
            ("", "", "sofia/external/+491758888888", "sofia/external", false),
            ("101@1001.lab.test", "provider", "sofia/external/+49", "gateway/provider", false),
            ("", "", "error", "error", false),
            ("", "", "", "", false),
        ] {
            let end = endpoint(presence, gateway, name);
            assert_eq!(end, End::Endpoint(expected.into()));
            assert_eq!(may_be_phone(&end), phone, "{expected}");
        }
    }
}
