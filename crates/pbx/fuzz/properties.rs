//! What must hold for any bytes. Shared by the fuzz targets and by the runner for the stable toolchain
//! (`examples/fuzz.rs`).

use std::time::Duration;

use calls::Input;
use pbx::ami::{Anonymiser, Decoder, Item, MAX_MESSAGE_BYTES, Stream};
use pbx::esl;

/// Whole, in halves and byte by byte the same items come out, and no more waits than one message.
pub(crate) fn codec(bytes: &[u8]) {
    let whole = items(bytes, bytes.len().max(1));
    assert_eq!(whole, items(bytes, bytes.len() / 2 + 1), "in two pieces");
    assert_eq!(whole, items(bytes, 1), "byte by byte");
}

fn items(bytes: &[u8], size: usize) -> Vec<String> {
    let mut decoder = Decoder::new();
    let mut items = Vec::new();
    for piece in bytes.chunks(size) {
        decoder.feed(piece);
        while let Some(item) = decoder.next_item() {
            items.push(match item {
                Item::Message(message) => {
                    for (name, value) in message.headers().filter(|(name, _)| !name.is_empty()) {
                        assert!(
                            message.all(name).any(|found| found == value),
                            "a header is found by its name"
                        );
                    }
                    format!("{message:?}")
                }
                other => format!("{other:?}"),
            });
        }
        assert!(decoder.incomplete().len() <= MAX_MESSAGE_BYTES + size, "memory is bounded");
    }
    items
}

/// The same of the event socket's codec; every event can be read.
pub(crate) fn esl_codec(bytes: &[u8]) {
    let whole = esl_items(bytes, bytes.len().max(1));
    assert_eq!(whole, esl_items(bytes, bytes.len() / 2 + 1), "in two pieces");
    assert_eq!(whole, esl_items(bytes, 1), "byte by byte");
}

fn esl_items(bytes: &[u8], size: usize) -> Vec<String> {
    let mut decoder = esl::Decoder::new();
    let mut items = Vec::new();
    for piece in bytes.chunks(size) {
        decoder.feed(piece);
        while let Some(item) = decoder.next_item() {
            items.push(match item {
                esl::Item::Message(message) => format!("{message:?} {:?}", esl::Event::read(message.body)),
                esl::Item::Malformed(malformed) => malformed.to_string(),
            });
        }
        assert!(decoder.incomplete().len() <= esl::MAX_ANSWER_BYTES + size, "memory is bounded");
    }
    items
}

/// Every input is counted; a lost link ends with one; the anonymised bytes give as many.
pub(crate) fn stream(bytes: &[u8]) {
    let told = inputs(bytes);
    let mut anonymised = Vec::new();
    Anonymiser::new([7; 16]).feed(bytes, &mut anonymised);
    assert_eq!(told, inputs(&anonymised), "anonymised");
}

/// The kinds of the inputs of two links, the second one live.
fn inputs(bytes: &[u8]) -> Vec<&'static str> {
    let mut stream = Stream::new(None);
    let mut told = Vec::new();
    stream.feed(bytes, None, |_, input| told.push(kind(input)));
    stream.link_lost(|_, input| told.push(kind(input)));
    stream.feed(bytes, Some(Duration::from_secs(1)), |_, input| told.push(kind(input)));
    assert_eq!(stream.counts().inputs + 1, told.len() as u64, "inputs are counted");
    told
}

fn kind(input: Input<'_>) -> &'static str {
    match input {
        Input::Appeared { .. } => "Appeared",
        Input::Placing { .. } => "Placing",
        Input::Ordered { .. } => "Ordered",
        Input::Agent { .. } => "Agent",
        Input::Changed { .. } => "Changed",
        Input::Ringing { .. } => "Ringing",
        Input::Up { .. } => "Up",
        Input::DialBegan { .. } => "DialBegan",
        Input::DialEnded { .. } => "DialEnded",
        Input::Joined { .. } => "Joined",
        Input::Left { .. } => "Left",
        Input::Paired { .. } => "Paired",
        Input::Held { .. } => "Hold",
        Input::Unheld { .. } => "Unhold",
        Input::BlindTransfer { .. } => "BlindTransfer",
        Input::AttendedTransfer { .. } => "AttendedTransfer",
        Input::PickedUp { .. } => "PickedUp",
        Input::Parked { .. } => "Parked",
        Input::Retrieved { .. } => "Retrieved",
        Input::ParkingTimedOut { .. } => "ParkingTimedOut",
        Input::Arrived { .. } => "Arrived",
        Input::QueueEntered { .. } => "QueueEntered",
        Input::QueueLeft { .. } => "QueueLeft",
        Input::HangingUp { .. } => "HangingUp",
        Input::Gone { .. } => "Gone",
        Input::LinkLost => "LinkLost",
        Input::Restarted => "Restarted",
        Input::Snapshot { .. } => "Snapshot",
    }
}
