//! The event socket's codec over made-up bytes: what FreeSWITCH does, and bounds whatever comes.

use pbx::esl::{Decoder, Event, Field, Item, Kind, MAX_EVENT_BYTES, MAX_HEADER_BYTES, Message, Room};
use proptest::prelude::*;

/// Every item as text, and the most bytes that were ever waiting.
fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<String>, usize) {
    let mut decoder = Decoder::new();
    let (mut items, mut waiting) = (Vec::new(), 0);
    for piece in pieces {
        let mut found = decoder.feed(piece);
        while let Some(item) = found.next_item() {
            items.push(match item {
                Item::Malformed(malformed) => malformed.to_string(),
                Item::Message(message) => format!("{message:?}"),
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
fn a_message_is_headers_a_blank_line_and_as_many_bytes_as_they_say() {
    assert_eq!(
        items(
            b"Content-Type: auth/request\n\nContent-Type: command/reply\nReply-Text: +OK accepted\n\n\
              Content-Length: 7\nContent-Type: text/event-plain\n\nA: b\n\n\nContent-Length: 3\r\nContent-Type: api/response\r\n\r\n+OKContent-Length: 0\nContent-Type: log/data\n\n\
              Content-Type: text/disconnect-notice\nContent-Length: 3\n\nBye"
        ),
        [
            r#"AuthRequest "" """#,
            r#"Reply "+OK accepted" """#,
            r#"Plain "" "A: b\n\n\n""#,
            r#"Answer "" "+OK""#,
            r#"Other "" """#,
            r#"Disconnect "" "Bye""#,
        ]
    );
}

#[test]
fn a_length_that_is_no_number_costs_what_follows_up_to_the_next_message() {
    for length in ["x", "-1", "1e3", "99999999999999999999", ""] {
        let bytes = format!(
            "Content-Length: {length}\nContent-Type: text/event-plain\n\nA: b\n\n\
             Content-Type: auth/request\n\n"
        );
        let [bad, rest, good] = &items(bytes.as_bytes())[..] else { panic!("three items: {length}") };
        assert!(bad.contains("Content-Length"), "{bad}");
        assert!(rest.contains("no Content-Type"), "{rest}");
        assert!(good.starts_with("AuthRequest"), "{good}");
    }
}

#[test]
fn a_length_that_is_too_long_is_skipped_and_nothing_of_it_is_kept() {
    let body = MAX_EVENT_BYTES + 1;
    let mut bytes = format!("Content-Length: {body}\nContent-Type: text/event-plain\n\n").into_bytes();
    bytes.resize(bytes.len() + body, b'x');
    bytes.extend_from_slice(b"Content-Type: auth/request\n\n");
    for size in [bytes.len(), 4096, 7] {
        let (items, waiting) = decode(bytes.chunks(size));
        assert_eq!(items.len(), 2);
        assert!(items[0].contains("1048577 bytes"), "{}", items[0]);
        assert!(items[1].starts_with("AuthRequest"));
        assert!(size > 4096 || waiting <= 8192, "{waiting} bytes waited");
    }
}

#[test]
fn headers_without_an_end_are_bounded() {
    let mut bytes = vec![b'x'; 3 * MAX_HEADER_BYTES];
    bytes.extend_from_slice(b"\nmore\n\nContent-Type: auth/request\n\n");
    for size in [bytes.len(), 1000, 1] {
        let (items, waiting) = decode(bytes.chunks(size));
        assert_eq!(items.len(), 2, "{items:?}");
        assert!(items[0].contains("longer than"), "{}", items[0]);
        assert!(size > 1000 || waiting <= MAX_HEADER_BYTES + size, "{waiting} bytes waited");
    }
}

#[test]
fn a_lost_link_forgets_half_a_message() {
    let mut decoder = Decoder::new();
    assert!(
        decoder.feed(b"Content-Length: 100\nContent-Type: text/event-plain\n\nA: b").next_item().is_none()
    );
    decoder.reset();
    let mut items = decoder.feed(b"Content-Type: auth/request\n\n");
    assert!(matches!(items.next_item(), Some(Item::Message(message)) if message.kind == Kind::AuthRequest));
}

#[test]
fn an_event_is_its_known_headers_decoded_the_first_of_a_name_and_none_of_its_body() {
    let event = Event::read(
        b"Event-Name: CHANNEL_CREATE\nUnique-ID: a-b\nUnique-ID: c\nCaller-Caller-ID-Number: %2B49%201\n\
          Channel-Name: sofia/J\xf8rgen\nvariable_transfer_to: blind%3Ax\nNo colon\n\nHangup-Cause: NO\n",
    );
    assert_eq!(event.get(Field::EventName), "CHANNEL_CREATE");
    assert_eq!(event.word(Field::UniqueId), "a-b");
    assert_eq!(event.get(Field::CallerNumber), "+49 1");
    assert_eq!(event.get(Field::ChannelName), "sofia/J\u{fffd}rgen");
    assert_eq!(event.get(Field::TransferTo), "blind:x");
    assert_eq!(event.get(Field::HangupCause), "");
}

#[test]
fn an_event_as_json_says_the_same_as_in_plain() {
    let json = br#"{"Event-Name":"CHANNEL_UNBRIDGE","Unique-ID":"a-b","Caller-Caller-ID-Number":"+49 100%",
        "variable_transfer_history":["1:x:bl_xfer:1/a/XML","2:y:uuid_br:z"],"Answer-State":"a\nHangup-Cause: X",
        "_body":"x","Event-Sequence":7}"#;
    let mut room = Room::default();
    let event = Event::of(&Message { kind: Kind::Json, reply: b"", body: json }, &mut room).unwrap();
    assert_eq!(event.get(Field::CallerNumber), "+49 100%");
    assert_eq!(event.get(Field::TransferHistory), "ARRAY::1:x:bl_xfer:1/a/XML|:2:y:uuid_br:z");
    assert_eq!(event.get(Field::AnswerState), "a\nHangup-Cause: X");
    assert_eq!(event.get(Field::HangupCause), "");
    for body in [&b"[1]"[..], b"", b"{", b"{\"a\":}"] {
        assert!(Event::of(&Message { kind: Kind::Json, reply: b"", body }, &mut Room::default()).is_none());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_does_not_matter_in_which_pieces_bytes_come(
        parts in prop::collection::vec(prop_oneof![
            Just(b"Content-Length: 5\n".to_vec()),
            Just(b"Content-Length: 20000\n".to_vec()),
            Just(b"Content-Length: 2000000\n".to_vec()),
            Just(b"Content-Length: -\n".to_vec()),
            Just(b"Content-Type: text/event-plain\n".to_vec()),
            Just(b"Content-Type: command/reply\nReply-Text: +OK\n".to_vec()),
            Just(b"\n".to_vec()),
            Just(b"\r\n".to_vec()),
            Just(vec![b'x'; 9000]),
            prop::collection::vec(any::<u8>(), 0..40),
        ], 0..24),
        cut in 1_usize..5000,
    ) {
        let bytes = parts.concat();
        let whole = items(&bytes);
        prop_assert_eq!(&whole, &decode(bytes.chunks(cut)).0);
        prop_assert_eq!(&whole, &decode(bytes.chunks(1)).0);
    }
}
