//! What must hold for any bytes. Shared by the fuzz targets and by the runner for the stable toolchain
//! (`examples/fuzz.rs`).

use std::time::Duration;

use calls::Input;
use pbx::ami::{Anonymiser, Decoder, Item, MAX_MESSAGE_BYTES, Stream};
use pbx::{Now, Output, Secret, Settings, esl};

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
        let mut found = decoder.feed(piece);
        while let Some(item) = found.next_item() {
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

/// The same of a FreeSWITCH's: every input is counted, and whole, in pieces and byte by byte the same come out.
pub(crate) fn esl_stream(bytes: &[u8]) {
    let told = esl_inputs(bytes, bytes.len().max(1));
    assert_eq!(told, esl_inputs(bytes, 7), "in pieces");
    let mut anonymised = Vec::new();
    esl::Anonymiser::new([7; 16]).feed(bytes, &mut anonymised);
    let mut stream = esl::Stream::new(None, esl::Limits::default());
    stream.feed(&anonymised, |_, _| {});
    assert_eq!(stream.malformed(), 0, "what is anonymised is whole");
}

/// The kinds of the inputs of two links; the lists of the second are newer.
fn esl_inputs(bytes: &[u8], size: usize) -> Vec<&'static str> {
    let mut stream = esl::Stream::new(None, esl::Limits::default());
    let mut told = Vec::new();
    for link in 0..2 {
        for piece in bytes.chunks(size) {
            stream.feed(piece, |_, input| told.push(kind(input)));
        }
        if link == 0 {
            stream.link_lost(|_, input| told.push(kind(input)));
        }
    }
    stream.recording_ended(|_, input| told.push(kind(input)));
    assert!(stream.counts().inputs <= told.len() as u64, "inputs are counted");
    assert!(stream.counts().messages >= stream.counts().not_understood, "messages are counted");
    told
}

/// The session with a FreeSWITCH that says anything, before the login and after it: it ends or goes on, in
/// whatever pieces the bytes come, and asks within bounds.
pub(crate) fn esl_session(bytes: &[u8]) {
    for is_logged_in in [false, true] {
        let whole = esl_outputs(bytes, bytes.len().max(1), is_logged_in);
        assert_eq!(whole, esl_outputs(bytes, 7, is_logged_in), "in pieces, logged in: {is_logged_in}");
    }
}

/// What comes out of a session that hears these bytes and then nothing for a while.
fn esl_outputs(bytes: &[u8], size: usize, is_logged_in: bool) -> Vec<String> {
    /// Questions that may be asked at once: those about channels in doubt are the most.
    const MAX_SENT_BYTES: usize = 256 * 1024;
    let mut session = esl::Session::new(Settings::new("", Secret::new("secret")), None);
    let mut now = Now { monotonic: Duration::from_secs(100), wall_micros: 1_700_000_000_000_000 };
    let mut told = Vec::new();
    let mut sent = 0;
    let mut take = |output: Output<'_>| {
        told.push(match output {
            Output::Send(bytes) => {
                sent += bytes.len();
                String::from_utf8_lossy(bytes).into_owned()
            }
            Output::Heard { input, .. } => kind(*input).to_owned(),
            // What is shown of it goes by how much had come.
            Output::Failed(failure) => failure.code().to_owned(),
            other => format!("{other:?}"),
        });
    };
    session.connected(now, &mut take);
    if is_logged_in {
        let greeting = b"Content-Type: auth/request\n\n";
        session.received(greeting, now, &mut take);
        for _ in 0..40 {
            session.received(b"Content-Type: command/reply\nReply-Text: +OK\n\n", now, &mut take);
        }
    }
    for piece in bytes.chunks(size) {
        session.received(piece, now, &mut take);
    }
    for _ in 0..20 {
        let Some(due) = session.next_deadline() else { break };
        now.monotonic = due.max(now.monotonic);
        session.timed_out(now, &mut take);
    }
    session.disconnected(&mut take);
    assert!(sent < MAX_SENT_BYTES + bytes.len(), "{sent} bytes were sent");
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
