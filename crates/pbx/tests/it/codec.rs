//! The codec over made-up bytes: tolerant of what Asterisks do, bounded whatever comes.

use pbx::ami::{Decoder, Item, MAX_HEADERS, MAX_LINE_BYTES, MAX_MESSAGE_BYTES, Stream};
use proptest::prelude::*;

/// Every item as text, and the most bytes that were ever waiting.
fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<String>, usize) {
    let mut decoder = Decoder::new();
    let (mut items, mut waiting) = (Vec::new(), 0);
    for piece in pieces {
        decoder.feed(piece);
        while let Some(item) = decoder.next_item() {
            items.push(match item {
                Item::Malformed(malformed) => malformed.to_string(),
                other => format!("{other:?}"),
            });
        }
        waiting = waiting.max(decoder.incomplete().len());
    }
    (items, waiting)
}

fn items(bytes: &[u8]) -> Vec<String> {
    decode([bytes]).0
}

#[test]
fn a_message_is_its_headers_in_order_repeated_names_included() {
    let mut decoder = Decoder::new();
    decoder.feed(b"Event: Status\r\nVariable: a=1\r\nVariable: b=2:3\r\nAccountCode: \r\nNoSpace:x\r\n\r\n");
    let Some(Item::Message(message)) = decoder.next_item() else { panic!("a message") };
    let headers: Vec<_> = message.headers().collect();
    assert_eq!(
        headers,
        [
            ("Event", "Status"),
            ("Variable", "a=1"),
            ("Variable", "b=2:3"),
            ("AccountCode", ""),
            ("NoSpace", "x")
        ]
    );
    assert_eq!(message.event(), Some("Status"));
    assert_eq!(message.all("Variable").collect::<Vec<_>>(), ["a=1", "b=2:3"]);
    assert_eq!(message.get("AccountCode"), Some(""));
    assert_eq!(message.get("Account"), None);
    assert_eq!(message.get("Channel"), None);
}

#[test]
fn a_greeting_needs_no_blank_line_and_blank_lines_between_messages_mean_nothing() {
    assert_eq!(
        items(b"Asterisk Call Manager/11.0.0\r\n\r\n\r\nEvent: A\n\n\n\nEvent: B\n\n"),
        [
            r#"Greeting("Asterisk Call Manager/11.0.0")"#,
            r#"Message({"Event": "A"})"#,
            r#"Message({"Event": "B"})"#
        ]
    );
}

#[test]
fn the_output_of_a_command_is_kept_with_or_without_names() {
    assert_eq!(
        items(b"Response: Follows\nPrivilege: Command\nno colon here\n--END COMMAND--\n\nResponse: Success\nOutput: one\nOutput: \nOutput: two\n\n"),
        [
            r#"Message({"Response": "Follows", "Privilege": "Command", "": "no colon here", "": "--END COMMAND--"})"#,
            r#"Message({"Response": "Success", "Output": "one", "Output": "", "Output": "two"})"#
        ]
    );
}

#[test]
fn bytes_that_are_not_utf8_are_replaced_and_the_rest_is_kept() {
    assert_eq!(
        items(b"Event: Newchannel\nCallerIDName: S\xf8ren \xff\nExten: 102\n\n"),
        [
            "Message({\"Event\": \"Newchannel\", \"CallerIDName\": \"S\u{fffd}ren \u{fffd}\", \"Exten\": \"102\"})"
        ]
    );
}

#[test]
fn an_incomplete_message_is_not_given_out_and_is_forgotten_with_its_connection() {
    let mut decoder = Decoder::new();
    decoder.feed(b"Event: Hangup\r\nUniqueid: 1.1\r\n");
    assert_eq!(decoder.next_item(), None);
    decoder.reset();
    decoder.feed(b"Event: Newchannel\r\n\r\n");
    let Some(Item::Message(message)) = decoder.next_item() else { panic!("a message") };
    assert_eq!(message.headers().len(), 1);
}

#[test]
fn what_is_too_long_is_skipped_to_the_next_blank_line_and_told() {
    let line = format!("Event: A\nX: {}\nY: 1\n\nEvent: B\n\n", "x".repeat(10 * MAX_LINE_BYTES));
    let many = format!("Event: A\n{}\nEvent: B\n\n", "X: y\n".repeat(MAX_HEADERS));
    let long = format!(
        "Event: A\n{}\nEvent: B\n\n",
        format!("X: {}\n", "y".repeat(1000)).repeat(2 * MAX_MESSAGE_BYTES / 1000)
    );
    for (bytes, words) in [
        (line, "longer than 65536 bytes"),
        (many, "more than 16384 lines"),
        (long, "longer than 1048576 bytes"),
    ] {
        let skipped = bytes.len() - "Event: B\n\n".len();
        for size in [bytes.len(), 1, 1000, 65536] {
            // Byte by byte only where that is quick.
            if size == 1 && bytes.len() > 1_000_000 {
                continue;
            }
            let (items, waiting) = decode(bytes.as_bytes().chunks(size));
            assert_eq!(items.len(), 2, "{words}");
            assert!(items[0].contains(words), "{}", items[0]);
            assert!(items[0].contains(&skipped.to_string()), "{}", items[0]);
            assert_eq!(items[1], r#"Message({"Event": "B"})"#);
            assert!(waiting <= MAX_MESSAGE_BYTES + size, "{waiting} bytes waiting");
        }
    }
}

#[test]
fn ten_megabytes_without_a_line_end_cost_no_memory() {
    let mut decoder = Decoder::new();
    for _ in 0..160 {
        decoder.feed(&[b'x'; 65536]);
        assert_eq!(decoder.next_item(), None);
        assert!(decoder.incomplete().len() <= 2 * 65536);
    }
}

/// Pieces of what an Asterisk might send, and of what it never would.
pub(crate) fn soup() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(vec![
            "Event: ", "Newchannel", "Hangup", "DialBegin", "Newstate", "BridgeEnter", "CoreShowChannel",
            "CoreShowChannelsComplete", "FullyBooted", "Uptime: 1", "Response: Success", "EventList: start",
            "Channel: PJSIP/1001-101-00000001", "Uniqueid: 1795343903.1", "Uniqueid: ", "Linkedid: 1.1",
            "ChannelState: 5", "ChannelState: 6", "DestChannel: Local/1@x-00000001;2", "DestUniqueid: 1.2",
            "BridgeUniqueid: b", "CallerIDNum: +45", "Exten: s", "ActionID: ringbud-1-status", "ListItems: 2",
            "Timestamp: 1795343903.920987", "Timestamp: 99999999999.9", "Duration: 00:00:01",
            "Variable: CDR(answer,u)=1.5", "Asterisk Call Manager/1", ":", "-", "/", ";1", "\u{e6}",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        6 => Just(b"\r\n".to_vec()),
        2 => Just(b"\n".to_vec()),
        3 => Just(b"\r\n\r\n".to_vec()),
        1 => Just(b"\r".to_vec()),
        2 => prop::collection::vec(any::<u8>(), 0..12),
    ];
    prop::collection::vec(piece, 0..120).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_give_the_same_items(
        bytes in soup(),
        mut cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        cuts.sort_by_key(|cut| cut.index(bytes.len() + 1));
        let mut pieces = Vec::new();
        let mut rest = bytes.as_slice();
        for cut in &cuts {
            let at = cut.index(bytes.len() + 1) - (bytes.len() - rest.len());
            let (piece, after) = rest.split_at(at);
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        prop_assert_eq!(decode(pieces).0, decode(bytes.chunks(1)).0);
        prop_assert_eq!(decode(bytes.chunks(1)).0, items(&bytes));
    }

    #[test]
    fn any_bytes_are_translated_without_panic_and_every_input_is_counted(bytes in soup()) {
        let mut stream = Stream::new(None);
        let mut inputs = 0;
        stream.feed(&bytes, None, |_, _| inputs += 1);
        stream.link_lost(|_, _| inputs += 1);
        stream.feed(&bytes, Some(std::time::Duration::from_secs(5)), |_, _| inputs += 1);
        prop_assert_eq!(stream.counts().inputs + 1, inputs);
    }
}
