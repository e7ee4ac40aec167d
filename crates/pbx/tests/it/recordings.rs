//! Every recording of a real Asterisk: cut anywhere it gives the same messages, and all of it is understood.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use calls::{Input, Listed, PbxTime};
use pbx::ami::{Decoder, Item, Stream};

pub(crate) struct Recording {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../traces"))
}

/// All recordings of the lab's Asterisk 22, or those the links of the tracker received.
pub(crate) fn recordings(suffix: &str) -> Vec<Recording> {
    recordings_in("", suffix)
}

/// What other Asterisks said: 16 with chan_sip, a FreePBX, and what was seen in the field.
pub(crate) const OTHERS: [(&str, &str); 3] =
    [("asterisk16", ".tracker.ami"), ("freepbx", ".tracker.ami"), ("field", ".ami")];

/// The recordings of one folder.
pub(crate) fn recordings_in(inside: &str, suffix: &str) -> Vec<Recording> {
    let mut recordings: Vec<_> = fs::read_dir(folder().join(inside))
        .expect("the folder of recordings is there")
        .map(|entry| entry.expect("readable").path())
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.strip_suffix(suffix)?.to_owned();
            Some(Recording { name, bytes: fs::read(&path).expect("readable") })
        })
        .collect();
    recordings.sort_by(|one, two| one.name.cmp(&two.name));
    assert!(recordings.len() > 40, "the recordings are there");
    recordings
}

fn read(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What a decoder makes of these pieces, as text.
fn items<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let mut decoder = Decoder::new();
    let mut items = Vec::new();
    for piece in pieces {
        decoder.feed(piece);
        while let Some(item) = decoder.next_item() {
            items.push(match item {
                Item::Message(message) => message.text().to_owned(),
                other => format!("{other:?}"),
            });
        }
    }
    items
}

/// Where each message ends, blank line included.
fn ends(bytes: &[u8]) -> Vec<usize> {
    memchr::memmem::find_iter(bytes, b"\r\n\r\n").map(|at| at + 4).collect()
}

#[test]
fn a_recording_that_comes_byte_by_byte_gives_the_same_messages() {
    for Recording { name, bytes } in recordings(".ami") {
        let whole = items([bytes.as_slice()]);
        if bytes.trim_ascii().is_empty() {
            assert!(whole.is_empty(), "{name}: nothing was said");
            continue;
        }
        // A recording may begin with the greeting, which no blank line need follow.
        let greetings = whole.iter().filter(|item| item.starts_with("Greeting")).count();
        let ends = ends(&bytes).len();
        assert!((ends..=ends + greetings).contains(&whole.len()), "{name}: {} of {ends}", whole.len());
        assert!(whole == items(bytes.chunks(1)), "{name}");
        for size in [2, 3, 7, 480, 1448] {
            assert!(whole == items(bytes.chunks(size)), "{name} in pieces of {size}");
        }
    }
}

/// What is before the message of the cut has been given out and what is after the next one has not come: so
/// two messages are enough to cut.
#[test]
fn a_recording_cut_at_any_byte_gives_the_same_messages() {
    cut_at_every_byte("", ".tracker.ami");
}

#[test]
fn one_of_asterisk_16_too() {
    cut_at_every_byte(OTHERS[0].0, OTHERS[0].1);
}

#[test]
fn one_of_a_freepbx_too() {
    cut_at_every_byte(OTHERS[1].0, OTHERS[1].1);
}

#[test]
fn one_from_the_field_too() {
    cut_at_every_byte(OTHERS[2].0, OTHERS[2].1);
}

fn cut_at_every_byte(inside: &str, suffix: &str) {
    for Recording { name, bytes } in recordings_in(inside, suffix) {
        let ends = ends(&bytes);
        let mut start = 0;
        for pair in ends.windows(2) {
            let two = &bytes[start..pair[1]];
            let whole = items([two]);
            for cut in 0..=pair[0] - start {
                let (one, other) = two.split_at(cut);
                assert!(whole == items([one, other]), "{name} cut at byte {}", start + cut);
            }
            start = pair[0];
        }
    }
}

#[test]
fn everything_in_the_recordings_is_understood() {
    for Recording { name, bytes } in recordings(".ami") {
        let mut stream = Stream::new(None);
        stream.feed(&bytes, None, |_, _| {});
        let counts = stream.counts();
        assert_eq!((counts.not_understood, counts.unusable_lists, stream.malformed()), (0, 0, 0), "{name}");
        assert!(stream.incomplete().is_empty(), "{name}");
    }
}

#[test]
fn line_ends_without_carriage_return_give_the_same_inputs() {
    for Recording { name, bytes } in recordings(".tracker.ami") {
        let bare: Vec<u8> = bytes.iter().copied().filter(|&byte| byte != b'\r').collect();
        assert!(inputs([bytes.as_slice()]) == inputs([bare.as_slice()]), "{name}");
    }
}

#[test]
fn what_the_filter_keeps_away_says_nothing() {
    for Recording { name, bytes } in recordings(".tracker.ami") {
        let everything = inputs([read(&format!("{name}.ami")).as_slice()]);
        let filtered = inputs([bytes.as_slice()]);
        // The unfiltered link of the laboratory asked for more lists, and the filtered one let neither
        // `NewCallerid` (its numbers come again with the channel's next event) nor `HangupRequest` through.
        let is_of_both = |line: &&str| {
            !line.starts_with(' ')
                && [" Snapshot", " Changed ", " HangingUp "].iter().all(|what| !line.contains(what))
        };
        let of_calls =
            |inputs: &str| inputs.lines().filter(is_of_both).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(of_calls(&everything), of_calls(&filtered), "{name}");
    }
}

/// The inputs of one PBX over several links, one line each.
pub(crate) fn inputs<'a>(links: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut stream = Stream::new(None);
    let mut text = String::new();
    let mut write = |at: PbxTime, input: Input<'_>| {
        let _ = write!(text, "{at:?} ");
        match input {
            Input::Snapshot { listed } => {
                let _ = writeln!(text, "Snapshot");
                for Listed { who, origin, state, bridge, since, answered_at, .. } in listed {
                    let _ =
                        writeln!(text, "  {who:?} {origin:?} {state:?} {bridge:?} {since:?} {answered_at:?}");
                }
            }
            other => {
                let _ = writeln!(text, "{other:?}");
            }
        }
    };
    for (number, link) in links.into_iter().enumerate() {
        if number > 0 {
            stream.link_lost(&mut write);
        }
        stream.feed(link, None, &mut write);
    }
    text
}

#[test]
fn inputs_of_an_answered_call() {
    insta::assert_snapshot!(inputs([read("inbound-answered.tracker.ami").as_slice()]));
}

#[test]
fn inputs_of_an_attended_transfer_by_feature_code() {
    insta::assert_snapshot!(inputs([read("attended-transfer-by-feature-code.tracker.ami").as_slice()]));
}

#[test]
fn inputs_of_an_attended_transfer_while_ringing() {
    insta::assert_snapshot!(inputs([read("attended-transfer-while-ringing.tracker.ami").as_slice()]));
}

#[test]
fn inputs_of_a_forward_by_the_phone() {
    insta::assert_snapshot!(inputs([read("forward-302-to-employee.tracker.ami").as_slice()]));
}

#[test]
fn inputs_of_parking_and_retrieving() {
    insta::assert_snapshot!(inputs([read("parking-retrieve.tracker.ami").as_slice()]));
}

#[test]
fn inputs_of_a_pickup() {
    insta::assert_snapshot!(inputs([read("pickup.tracker.ami").as_slice()]));
}

#[test]
fn inputs_of_a_queue() {
    insta::assert_snapshot!(inputs([read("queue-answered-linear.tracker.ami").as_slice()]));
}

#[test]
fn inputs_around_a_lost_link() {
    let (before, after) =
        (read("ami-dropped-during-call.tracker.ami"), read("ami-dropped-during-call.2.tracker.ami"));
    insta::assert_snapshot!(inputs([before.as_slice(), after.as_slice()]));
}

#[test]
fn a_killed_pbx_is_restarted_when_it_comes_back() {
    for name in ["asterisk-killed-during-call", "asterisk-restart-now-during-call"] {
        for kind in ["ami", "tracker.ami"] {
            let (before, after) = (read(&format!("{name}.{kind}")), read(&format!("{name}.2.{kind}")));
            let text = inputs([before.as_slice(), after.as_slice()]);
            let gap: Vec<_> = text.lines().rev().take_while(|line| !line.contains("LinkLost")).collect();
            assert_eq!(gap.iter().filter(|line| line.ends_with("Restarted")).count(), 1, "{name}.{kind}");
            assert!(gap.last().is_some_and(|line| line.ends_with("Restarted")), "{name}.{kind}: {gap:?}");
        }
    }
}
