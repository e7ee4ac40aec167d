//! A channel as an AMI message shows it, and what its name tells.

use calls::{Device, Seen};

use super::message::{Message, Reader};

/// The header names of one channel in a message, in the order Asterisk writes them.
pub(super) struct Names {
    channel: &'static str,
    number: &'static str,
    extension: &'static str,
    unique_id: &'static str,
    linked_id: &'static str,
}

macro_rules! names {
    ($name:ident, $prefix:literal) => {
        pub(super) const $name: Names = Names {
            channel: concat!($prefix, "Channel"),
            number: concat!($prefix, "CallerIDNum"),
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
    Some(Seen { id, device: device(channel), number: number_of(number), dialled: dialled(extension), group })
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
    const WORDS: [&str; 18] = [
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
        "public",
        "indgaaende",
    ];
    // Where the dialplan sends a phone's call on its way out.
    const NOT_WITH: [&str; 5] = ["macro", "sub", "internal", "users", "phones"];
    let has = |words: &[&str]| {
        context
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|part| words.iter().any(|word| part.eq_ignore_ascii_case(word)))
    };
    has(&WORDS) && !has(&NOT_WITH)
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
                    && !counter.is_empty()
                    && counter.bytes().all(|b| b.is_ascii_digit())) =>
        {
            name
        }
        Some(_) | None => channel,
    }
}

/// A number as the PBX presents it; empty when withheld.
pub(super) fn number_of(text: &str) -> &str {
    const WITHHELD: [&str; 6] = ["anonymous", "unknown", "restricted", "private", "unavailable", "withheld"];
    match text.as_bytes().first() {
        Some(b'0'..=b'9' | b'+') => text,
        Some(b'<') if is_nothing(text) => "",
        _ if WITHHELD.iter().any(|word| text.eq_ignore_ascii_case(word)) => "",
        Some(_) | None => text,
    }
}

/// An extension that somebody dialled. Single letters are Asterisk's own (`s` start, `h` hang-up, `i`, `t` …).
pub(super) fn dialled(extension: &str) -> &str {
    match extension.as_bytes() {
        [letter] if letter.is_ascii_alphabetic() => "",
        [b'<', ..] if is_nothing(extension) => "",
        _ => extension,
    }
}

/// Where a phone forwards a call to: `102`, `Local/102@internal`, `PJSIP/sip:102@10.0.0.1` are all `102`.
pub(super) fn forward(text: &str) -> &str {
    let text = text.strip_suffix("/n").unwrap_or(text);
    let text = text.rsplit_once('/').map_or(text, |(_, last)| last);
    let text = text.strip_prefix("sip:").or_else(|| text.strip_prefix("tel:")).unwrap_or(text);
    let text = text.split_once(['@', ';']).map_or(text, |(user, _)| user);
    number_of(text)
}

fn is_nothing(text: &str) -> bool {
    matches!(text, "" | "<unknown>" | "<none>" | "<null>" | "(null)")
}

/// The second and the counter in a `Uniqueid` such as `1795343903.17` or `pbx1-1795343903.17`. The counter
/// starts over with every start of Asterisk.
pub(super) fn unique_id_parts(id: &str) -> Option<(i64, u64)> {
    let (_, numbers) = id.rsplit_once('-').unwrap_or(("", id));
    let (second, counter) = numbers.split_once('.')?;
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
    fn a_withheld_number_is_empty() {
        for withheld in ["", "<unknown>", "anonymous", "Anonymous", "Restricted", "unavailable"] {
            assert_eq!(number_of(withheld), "", "{withheld}");
        }
        assert_eq!(number_of("+4570123456"), "+4570123456");
        assert_eq!(number_of("anna.ash"), "anna.ash");
    }

    #[test]
    fn extensions_of_the_dialplan_itself_were_not_dialled() {
        for own in ["", "s", "h", "i", "t", "<unknown>"] {
            assert_eq!(dialled(own), "", "{own}");
        }
        for number in ["1", "*8", "102", "+4570123456", "reception"] {
            assert_eq!(dialled(number), number);
        }
    }

    #[test]
    fn a_forward_is_told_by_its_number_alone() {
        for text in
            ["102", "Local/102@internal", "102@tenant-1001", "PJSIP/sip:102@10.0.0.1;x=y", "Local/102@a/n"]
        {
            assert_eq!(forward(text), "102", "{text}");
        }
    }

    #[test]
    fn a_unique_id_may_have_a_system_name_before_it() {
        assert_eq!(unique_id_parts("1795343903.17"), Some((1_795_343_903, 17)));
        assert_eq!(unique_id_parts("pbx-1.example-1795343903.17"), Some((1_795_343_903, 17)));
        assert_eq!(unique_id_parts("b7c9"), None);
    }
}
