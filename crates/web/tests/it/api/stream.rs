//! The stream of an account's events.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::Request;
use axum::response::Response;
use calls::{AccountId, Event, LegId};
use futures_util::StreamExt as _;
use journal::WallTime;

use crate::rig::{Rig, call};

const STREAM: &str = "/api/v1/accounts/1/events/stream";

/// A message: its name, its position and its data.
#[derive(Clone, Debug, Default, PartialEq)]
struct Message {
    event: String,
    id: String,
    data: String,
}

impl Message {
    /// The id of the event it has.
    fn told(&self) -> String {
        let data: serde_json::Value = serde_json::from_str(&self.data).unwrap();
        assert_eq!(data["event"], self.event);
        data["id"].as_str().unwrap().to_owned()
    }
}

/// Who reads.
struct Reader {
    body: BodyDataStream,
    text: String,
    /// Lines that are no message: comments.
    beats: usize,
}

impl Reader {
    fn of(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        Self { body: response.into_body().into_data_stream(), text: String::new(), beats: 0 }
    }

    /// Opens a stream, and takes the first message, which has a position and nothing else.
    async fn open(rig: &Rig, path: &str, last: &str) -> (Self, String) {
        let mut reader = Self::of(ask(rig, path, last).await);
        let first = reader.next().await.unwrap();
        assert_eq!((&*first.event, &*first.data), ("", ""), "a browser dispatches nothing");
        (reader, first.id)
    }

    /// The next message; none at the end.
    async fn next(&mut self) -> Option<Message> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| {
                    let lines = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    lines.collect::<Vec<_>>().join("\n")
                };
                if block.starts_with(':') {
                    self.beats += 1;
                    continue;
                }
                return Some(Message { event: field("event"), id: field("id"), data: field("data") });
            }
            let more = self.body.next().await?.unwrap();
            self.text += std::str::from_utf8(&more).unwrap();
        }
    }

    async fn many(&mut self, many: usize) -> Vec<Message> {
        let mut all = Vec::new();
        for _ in 0..many {
            all.push(self.next().await.unwrap());
        }
        all
    }
}

async fn ask(rig: &Rig, path: &str, last: &str) -> Response {
    let request = Request::get(path).header("authorization", format!("Bearer {}", rig.reader));
    let request = if last.is_empty() { request } else { request.header("last-event-id", last) };
    rig.open(request.body(Body::empty()).unwrap()).await
}

/// Keeps a call as the gateway does, which tells of it.
async fn keep(rig: &Rig, events: Vec<Event>) -> Vec<String> {
    let ids = events.iter().map(|event| event.id().to_string()).collect();
    rig.keep(events).await;
    rig.goes_live(Vec::new());
    ids
}

fn told(messages: &[Message]) -> Vec<String> {
    messages.iter().map(Message::told).collect()
}

#[tokio::test(start_paused = true)]
async fn events_come_as_they_are_kept_and_what_came_meanwhile_comes_after() {
    let rig = Rig::new().await;
    keep(&rig, call(1)).await;
    let (mut reader, _) = Reader::open(&rig, STREAM, "").await;
    let second = keep(&rig, call(2)).await;
    let messages = reader.many(3).await;
    assert_eq!(told(&messages), second, "from now on");
    assert_eq!(messages.iter().map(|one| &*one.event).collect::<Vec<_>>(), ["Incoming", "Answered", "Ended"]);
    assert!(messages[0].data.contains(r#""ANumber":"+4570201002""#), "{}", messages[0].data);
    drop(reader);
    let third = keep(&rig, call(3)).await;
    // Lost between the second and the third message of a call.
    let (mut reader, at) = Reader::open(&rig, STREAM, &messages[1].id).await;
    assert_eq!(at, messages[1].id);
    let expected: Vec<_> = second[2..].iter().chain(&third).cloned().collect();
    assert_eq!(told(&reader.many(4).await), expected);
}

#[tokio::test(start_paused = true)]
async fn who_loses_the_connection_before_the_first_event_loses_no_event() {
    let rig = Rig::new().await;
    let (reader, at) = Reader::open(&rig, STREAM, "").await;
    drop(reader);
    let first = keep(&rig, call(1)).await;
    let (mut reader, _) = Reader::open(&rig, STREAM, &at).await;
    assert_eq!(told(&reader.many(3).await), first, "in an account that had none");
    let (reader, at) = Reader::open(&rig, STREAM, "").await;
    drop(reader);
    let second = keep(&rig, call(2)).await;
    let (mut reader, _) = Reader::open(&rig, STREAM, &at).await;
    assert_eq!(told(&reader.many(3).await), second);
}

#[tokio::test(start_paused = true)]
async fn one_may_begin_with_the_oldest_and_an_event_kept_late_comes_late() {
    let rig = Rig::new().await;
    let newer = keep(&rig, call(9)).await;
    let late = keep(&rig, call(1)).await;
    let other = call(5).into_iter().map(|event| {
        let phone = calls::Phone { account: AccountId::new("2"), ..(*event.phone).clone() };
        Event { phone: phone.into(), leg: LegId::new("pbx1-other.1"), ..event }
    });
    keep(&rig, other.collect()).await;
    let (mut reader, _) = Reader::open(&rig, &format!("{STREAM}?after=start"), "").await;
    let messages = reader.many(6).await;
    assert_eq!(told(&messages), [newer, late].concat(), "its own account's, in the order they were kept");
    // A client that connects anew by itself has the query it began with: the header goes before it.
    let (mut reader, _) = Reader::open(&rig, &format!("{STREAM}?after=start"), &messages[5].id).await;
    let next = keep(&rig, call(2)).await;
    assert_eq!(told(&reader.many(3).await), next);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_gets_all_of_it() {
    let rig = Rig::new().await;
    let (mut reader, _) = Reader::open(&rig, STREAM, "").await;
    let mut expected = Vec::new();
    for number in 0..150 {
        expected.extend(keep(&rig, call(number)).await);
    }
    assert_eq!(told(&reader.many(450).await), expected);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_says_so() {
    let rig = Rig::new().await;
    let (mut reader, _) = Reader::open(&rig, STREAM, "").await;
    let waits = tokio::time::timeout(Duration::from_secs(100), reader.next()).await;
    assert!(waits.is_err());
    assert_eq!(reader.beats, 6);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_kept_any_more_is_a_gap_and_said() {
    let rig = Rig::new().await;
    keep(&rig, call(1)).await;
    let (mut reader, _) = Reader::open(&rig, &format!("{STREAM}?after=start"), "").await;
    let first = reader.many(3).await;
    drop(reader);
    keep(&rig, call(2)).await;
    let third = keep(&rig, call(1_000)).await;
    let before = WallTime((1_795_337_580 + 50_000) * 1_000_000);
    assert_eq!(rig.journal.prune(None, before).await.unwrap(), 6);
    let (mut reader, _) = Reader::open(&rig, STREAM, &first[2].id).await;
    let gap = reader.next().await.unwrap();
    assert!(gap.event == "gap" && gap.data.contains("not all kept any more"), "{gap:?}");
    let rest = reader.many(3).await;
    assert_eq!(told(&rest), third);
    drop(reader);
    // Of a journal that was restored, or another account's.
    for strange in ["1-00000000", "9000-12345678"] {
        let (mut reader, _) = Reader::open(&rig, STREAM, strange).await;
        assert_eq!(reader.next().await.unwrap().event, "gap", "{strange}");
    }
    for wrong in ["", "x", "1", "1-", "-1", "start-1"] {
        let reply = rig.get(&rig.reader, &format!("{STREAM}?after={wrong}")).await;
        assert_eq!(reply.status, 400, "{wrong}");
        assert_eq!(reply.error().1, "after");
    }
    let reply = rig.ask_with("GET", &rig.reader, STREAM, "", &[("last-event-id", "x")]).await;
    assert_eq!((reply.status.as_u16(), &*reply.error().1), (400, "Last-Event-ID"));
}

#[tokio::test(start_paused = true)]
async fn an_account_has_so_many_streams_and_no_more() {
    let rig = Rig::new().await;
    let mut open = Vec::new();
    for _ in 0..admin::STREAMS_OF_ACCOUNT {
        open.push(Reader::open(&rig, STREAM, "").await);
    }
    let reply = rig.get(&rig.reader, STREAM).await;
    assert_eq!((reply.status.as_u16(), &*reply.error().0), (429, "too_many"), "{}", reply.text);
    assert!(reply.headers.contains_key("retry-after"));
    open.pop();
    drop(Reader::open(&rig, STREAM, "").await);
    let other = rig.get(&rig.reader, "/api/v1/accounts/2/events/stream").await;
    assert_eq!(other.status, 404, "another's");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_removed_ends_its_streams() {
    let rig = Rig::new().await;
    let (mut reader, _) = Reader::open(&rig, STREAM, "").await;
    let removed = rig.ask("DELETE", &rig.operator, "/api/v1/tokens/reader", "").await;
    assert!(removed.status.is_success(), "{}", removed.text);
    assert_eq!(reader.next().await, None);
    assert_eq!(rig.get(&rig.reader, STREAM).await.status, 401);
}
