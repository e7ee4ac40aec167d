//! A channel as an AMI message shows it, and what its name tells.

use calls::{Device, Presentation, Seen};

use super::message::{Message, Reader};
use super::numbers::{dialled, is_nothing, number_of};
use super::presentation::presentation;

/// The header names of one channel in a message, in the order Asterisk writes them.
pub(super) struct Names {
    prefix: &'static str,
    channel: &'static str,
    number: &'static str,
    connected: &'static str,
    extension: &'static str,
    unique_id: &'static str,
    linked_id: &'static str,
}

macro_rules! names {
    ($name:ident, $prefix:literal) => {
        pub(super) const $name: Names = Names {
            prefix: $prefix,
            channel: concat!($prefix, "Channel"),
            number: concat!($prefix, "CallerIDNum"),
            connected: concat!($prefix, "ConnectedLineNum"),
            extension: concat!($prefix, "Exten"),
            unique_id: concat!($prefix, "Uniqueid"),
            linked_id: concat!($prefix, "Linkedid"),
        };
    };
}

names!(CHANNEL, "");
names!(DEST, "Dest");
names!(LOCAL_ONE, "LocalOne");
names!(LOCAL_TWO, "LocalTwo");
names!(TRANSFERER, "Transferer");
names!(TRANSFEREE, "Transferee");
names!(ORIG_TRANSFERER, "OrigTransferer");
names!(SECOND_TRANSFERER, "SecondTransferer");
names!(TRANSFER_TARGET, "TransferTarget");
names!(TARGET, "Target");
names!(PARKEE, "Parkee");
names!(RETRIEVER, "Retriever");

/// The channel of these names, if the message has one with an id.
pub(super) fn seen<'a>(message: &Message<'a>, names: &Names) -> Option<Seen<'a>> {
    read(&mut message.reader(), names)
}

/// The same, for a message that shows several channels one after the other.
pub(super) fn read<'a>(reader: &mut Reader<'a>, names: &Names) -> Option<Seen<'a>> {
    let channel = reader.next(names.channel)?;
    // State and its description come between; then names, language, account and context; then the priority.
    let number = reader.skip_to(2, names.number).unwrap_or_default();
    let extension = reader.skip_to(6, names.extension).unwrap_or_default();
    let id = reader.skip_to(1, names.unique_id).filter(|id| !is_nothing(id))?;
    let group = reader.skip_to(0, names.linked_id).unwrap_or_default();
    Some(Seen {
        number: number_of(number),
        dialled: dialled(extension),
        group,
        is_chosen: !is_counted(id),
        ..Seen::of(id, device(channel))
    })
}

/// The same with what is wanted where a channel comes into being, its numbers change or it dials: whom it is
/// shown to be connected with, and whether its number may be shown.
pub(super) fn whole<'a>(reader: &mut Reader<'a>, names: &Names, says_presentation: bool) -> Option<Seen<'a>> {
    let mut ahead = reader.clone();
    let seen = read(reader, names)?;
    ahead.next(names.channel)?;
    let connected = ahead.skip_to(4, names.connected).unwrap_or_default();
    let (own, others) = if says_presentation {
        presentation(reader.message(), names.prefix)
    } else {
        (Presentation::Unsaid, Presentation::Unsaid)
    };
    Some(Seen {
        connected: if others == Presentation::Withheld { "" } else { number_of(connected) },
        presentation: own,
        ..seen
    })
}

/// A new channel, whose context is the one its device calls in through: later it is wherever the dialplan is.
pub(super) fn on_its_line<'a>(who: Seen<'a>, context: &str) -> Seen<'a> {
    match who.device {
        Device::Endpoint(name) if takes_calls_from_outside(context) => {
            Seen { device: Device::Provider(name), ..who }
        }
        Device::Endpoint(_) | Device::Provider(_) | Device::Helper(_) | Device::Machine => who,
    }
}

/// Whether a context is one that a provider's calls come in through, by the words people name such contexts with:
/// `from-trunk-sip-204711`, `from-pstn`, `ext-did`, `from-extern`.
pub(super) fn takes_calls_from_outside(context: &str) -> bool {
    const WORDS: [&str; 22] = [
        "trunk",
        "trunks",
        "pstn",
        "did",
        "outside",
        "external",
        "extern",
        "incoming",
        "incall",
        "inbound",
        "provider",
        "carrier",
        "isdn",
        "gsm",
        "zaptel",
        "dahdi",
        "analog",
        "digital",
        "itsp",
        "telco",
        "public",
        "indgaaende",
    ];
    // Where the dialplan sends a phone's call on its way out.
    const NOT_WITH: [&str; 5] = ["macro", "sub", "internal", "users", "phones"];
    // Every new channel's context is asked, so that of its parts only those are compared that begin as a word does.
    let begins = |part: &[u8]| part.first().is_some_and(|first| b"tpdoeicgza".contains(&(first | 0x20)));
    let parts = || context.as_bytes().split(|byte| !byte.is_ascii_alphanumeric());
    let is_one_of =
        |part: &[u8], words: &[&str]| words.iter().any(|word| part.eq_ignore_ascii_case(word.as_bytes()));
    parts().any(|part| begins(part) && is_one_of(part, &WORDS))
        && !parts().any(|part| is_one_of(part, &NOT_WITH))
}

/// What is at the end of a channel, by its name.
pub(super) fn device(channel: &str) -> Device<'_> {
    let Some((technology, rest)) = channel.split_once('/') else {
        return Device::Machine;
    };
    if channel.ends_with("<ZOMBIE>") {
        return Device::Machine;
    }
    match technology {
        "PJSIP" | "SIP" => Device::Endpoint(endpoint(channel)),
        "Local" => Device::Helper(match channel.rsplit_once(';') {
            Some((both, "1" | "2")) => both,
            Some(_) | None => channel,
        }),
        // Announcers, recorders, message carriers and the stand-ins of masquerades.
        "CBAnn"
        | "CBRec"
        | "Bridge"
        | "Announcer"
        | "Recorder"
        | "Snoop"
        | "Surrogate"
        | "Message"
        | "MulticastRTP"
        | "UnicastRTP"
        | "AudioSocket"
        | "WebSocket"
        | "AsyncGoto"
        | "Parked"
        | "Null"
        | "OutgoingSpoolFailed" => Device::Machine,
        "DAHDI" if rest.starts_with("pseudo") => Device::Machine,
        _ => Device::Endpoint(endpoint(channel)),
    }
}

/// `PJSIP/1001-101-0000001a` is a channel of `PJSIP/1001-101`. Other technologies count in decimal.
fn endpoint(channel: &str) -> &str {
    match channel.rsplit_once('-') {
        Some((name, counter))
            if (counter.len() == 8 && counter.bytes().all(|b| b.is_ascii_hexdigit()))
                || (!channel.starts_with("PJSIP/")
                    && !channel.starts_with("SIP/")
                    && is_counter(channel, counter)) =>
        {
            name
        }
        Some(_) | None => channel,
    }
}

/// What other technologies put behind the name: a decimal counter, an address in memory, or (mobile phones as
/// lines) a number in hexadecimal.
fn is_counter(channel: &str, counter: &str) -> bool {
    let hexadecimal = match counter.strip_prefix("0x") {
        Some(address) => address,
        None if ["Mobile/", "Motif/", "Dongle/", "Quectel/"].iter().any(|one| channel.starts_with(one)) => {
            counter
        }
        None => return !counter.is_empty() && counter.bytes().all(|b| b.is_ascii_digit()),
    };
    !hexadecimal.is_empty() && hexadecimal.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether an id is one that Asterisk made itself: it ends in seconds, a dot and a counter.
pub(super) fn is_counted(id: &str) -> bool {
    // As nearly all are: ten digits of seconds, and the counter.
    if let Some((second, [b'.', counter @ ..])) = id.as_bytes().split_first_chunk::<10>() {
        let all_digits = |text: &[u8]| text.iter().fold(true, |are, byte| are & byte.is_ascii_digit());
        if !counter.is_empty() && all_digits(second) && all_digits(counter) {
            return true;
        }
    }
    let digits = |text: &[u8]| text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let counter = digits(id.as_bytes());
    let Some((b'.', before)) =
        id.as_bytes()[..id.len() - counter].split_last().map(|(dot, rest)| (*dot, rest))
    else {
        return false;
    };
    let second = digits(before);
    counter > 0 && second > 0 && matches!(before[..before.len() - second].last(), None | Some(b'-'))
}

/// The second and the counter in a `Uniqueid` such as `1795343903.17` or `pbx1-1795343903.17`. The counter
/// starts over with every start of Asterisk.
pub(super) fn unique_id_parts(id: &str) -> Option<(i64, u64)> {
    let (_, numbers) = id.rsplit_once('-').unwrap_or(("", id));
    let (second, counter) = numbers.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(second) || !digits(counter) {
        return None;
    }
    Some((second.parse().ok()?, counter.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_the_channel_name_without_its_counter() {
        for (channel, endpoint) in [
            ("PJSIP/1001-101-0000001a", "PJSIP/1001-101"),
            ("PJSIP/trunk-00000000", "PJSIP/trunk"),
            ("SIP/kunde-ø-deadbeef", "SIP/kunde-ø"),
            ("PJSIP/1001-101", "PJSIP/1001-101"),
            ("IAX2/peer-4711", "IAX2/peer"),
            ("DAHDI/1-1", "DAHDI/1"),
            ("SCCP/101-00000001", "SCCP/101"),
            ("USTM/103@red-0x7f8c1c2e", "USTM/103@red"),
            ("Mobile/nokia-3fa2", "Mobile/nokia"),
            ("Skinny/101@desk-1", "Skinny/101@desk"),
            ("DAHDI/i1/4512345678-1", "DAHDI/i1/4512345678"),
        ] {
            assert_eq!(device(channel), Device::Endpoint(endpoint), "{channel}");
        }
    }

    #[test]
    fn both_halves_of_a_local_channel_share_a_name() {
        assert_eq!(device("Local/102@t-00000006;1"), Device::Helper("Local/102@t-00000006"));
        assert_eq!(device("Local/102@t-00000006;2"), Device::Helper("Local/102@t-00000006"));
    }

    #[test]
    fn a_context_that_takes_calls_from_outside_is_told_by_its_words() {
        for outside in [
            "from-trunk",
            "from-trunk-sip-204711",
            "from-pstn",
            "from-pstn-toheader",
            "ext-did",
            "from-extern",
            "from-analog",
            "from-digital",
            "Incoming",
        ] {
            assert!(takes_calls_from_outside(outside), "{outside}");
        }
        for inside in [
            "",
            "from-internal",
            "default",
            "tenant-1001",
            "macro-dialout-trunk",
            "sub-pstn",
            "from-queue",
            "outbound",
        ] {
            assert!(!takes_calls_from_outside(inside), "{inside}");
        }
    }

    #[test]
    fn the_channels_the_pbx_makes_for_itself_are_machines() {
        for channel in [
            "CBAnn/7-00000003;2",
            "AudioSocket/127.0.0.1:9092-0000000a",
            "WebSocket/media/0x7f1c2c0",
            "Message/ast_msg_queue",
            "AsyncGoto/PJSIP/1001-101-00000001",
            "PJSIP/1001-101-00000001<ZOMBIE>",
            "Surrogate/PJSIP/1001-101-00000001",
            "",
        ] {
            assert_eq!(device(channel), Device::Machine, "{channel}");
        }
    }

    #[test]
    fn a_unique_id_may_have_a_system_name_before_it() {
        assert_eq!(unique_id_parts("1795343903.17"), Some((1_795_343_903, 17)));
        assert_eq!(unique_id_parts("pbx-1.example-1795343903.17"), Some((1_795_343_903, 17)));
        for counted in ["1795343903.17", "pbx-1.example-1795343903.17", "-1.2"] {
            assert!(is_counted(counted) && unique_id_parts(counted).is_some(), "{counted}");
        }
        for chosen in ["b7c9", "out-5c11", "7.1.2", "a.1", "1.", ".1", "-1.+2", "", ".", "-", "1-.2", "5"] {
            assert_eq!(unique_id_parts(chosen), None, "{chosen}");
            assert!(!is_counted(chosen), "{chosen}");
        }
    }
}
