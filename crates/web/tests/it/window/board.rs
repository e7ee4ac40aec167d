//! The live board: what its viewers are told, and what becomes of those who do not listen.

use std::sync::Arc;
use std::time::Duration;

use admin::LiveLeg;
use axum::body::Body;
use futures_util::StreamExt as _;

use super::browser::Browser;
use crate::rig::{self, Rig};

/// A phone that rings from this number on.
fn ringing(number: i64) -> LiveLeg {
    LiveLeg { begun: Arc::new(rig::call(number).remove(0)), answered_at: None, held_since: None }
}

/// A viewer's end of a stream.
struct Viewer(axum::body::BodyDataStream);

impl Viewer {
    async fn of(browser: &Browser<'_>) -> Self {
        let response = browser.open("/a/1/now/stream").await;
        assert_eq!(response.status(), 200);
        Self(response.into_body().into_data_stream())
    }

    /// The next board, however many pieces it comes in; `None` when the stream is over.
    async fn next(&mut self) -> Option<String> {
        let mut text = String::new();
        while !text.contains("event: board") || !text.ends_with("\n\n") {
            text.push_str(std::str::from_utf8(&self.0.next().await?.unwrap()).unwrap());
        }
        Some(text)
    }

    /// Everything until the stream is over.
    async fn all(&mut self) -> String {
        let mut text = String::new();
        while let Some(piece) = self.0.next().await {
            text.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
        }
        text
    }
}

#[tokio::test(start_paused = true)]
async fn a_viewer_begins_with_the_board_as_it_is_and_is_told_of_changes() {
    let rig = Rig::new().await;
    rig.gateway.live.lock().unwrap().push(ringing(1));
    let olga = Browser::first(&rig).await;
    let mut viewer = Viewer::of(&olga).await;
    assert!(viewer.next().await.unwrap().contains("70 20 10 01"));
    rig.goes_live(vec![ringing(2)]);
    let board = viewer.next().await.unwrap();
    assert!(board.contains("70 20 10 02") && !board.contains("70 20 10 01"), "{board}");
}

#[tokio::test(start_paused = true)]
async fn a_held_call_says_so() {
    let rig = Rig::new().await;
    let begun = ringing(1).begun;
    let (answered_at, held_since) = (Some(begun.at), Some(begun.at + Duration::from_secs(60)));
    rig.goes_live(vec![LiveLeg { begun, answered_at, held_since }]);
    let page = Browser::first(&rig).await.get("/a/1/now").await.text;
    assert!(page.contains("class=\"state held\">på hold</span>"), "{page}");
    assert!(page.contains("<span class=\"state talking\">1 "), "it is a conversation still: {page}");
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_has_missed_nothing_that_still_is() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let mut viewer = Viewer::of(&olga).await;
    viewer.next().await.unwrap();
    drop(viewer);
    rig.goes_live(vec![ringing(1)]);
    rig.goes_live(vec![ringing(2), ringing(3)]);
    let board = Viewer::of(&olga).await.next().await.unwrap();
    assert!(board.contains("70 20 10 02") && board.contains("70 20 10 03"), "{board}");
    assert!(!board.contains("70 20 10 01"), "{board}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_viewer_is_shown_the_newest_board_and_not_all_between() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let mut viewer = Viewer::of(&olga).await;
    viewer.next().await.unwrap();
    for number in 1..=100 {
        rig.goes_live(vec![ringing(number)]);
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let mut boards = Vec::new();
    while !boards.last().is_some_and(|board: &String| board.contains("70 20 11 00")) {
        boards.push(viewer.next().await.unwrap());
    }
    assert!(boards.len() <= 3, "{} boards waited for a viewer that read none", boards.len());
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_takes_nothing_gives_up_its_seat() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let mut late = Viewer::of(&olga).await;
    // One board waits in the stream; the next one has nowhere to go.
    for number in 1..=2 {
        rig.goes_live(vec![ringing(number)]);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    tokio::time::sleep(Duration::from_secs(31)).await;
    let mut left = 0;
    while late.next().await.is_some() {
        left += 1;
    }
    assert!(left <= 2, "a late viewer's stream ends, and its browser asks again");
    let mut viewer = Viewer::of(&olga).await;
    assert!(viewer.next().await.unwrap().contains("70 20 10 02"));
}

#[tokio::test(start_paused = true)]
async fn who_opens_too_many_boards_sees_the_oldest_of_their_own_stop_and_takes_nobody_elses() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let rita = Browser::made(&olga, "rita", "operator").await;
    let mut hers = Viewer::of(&rita).await;
    let mut first = Viewer::of(&olga).await;
    let mut others = Vec::new();
    for _ in 0..1_000 {
        others.push(Viewer::of(&olga).await);
    }
    let last = first.all().await;
    assert!(last.contains("event: elsewhere") && last.contains("åben i for mange vinduer"), "{last}");
    assert!(hers.next().await.is_some());
    rig.goes_live(vec![ringing(1)]);
    assert!(hers.next().await.unwrap().contains("70 20 10 01"));
    assert!(others.pop().unwrap().next().await.is_some());
}

#[tokio::test(start_paused = true)]
async fn what_does_not_show_is_told_to_nobody() {
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let mut viewer = Viewer::of(&olga).await;
    viewer.next().await.unwrap();
    // A call of another account.
    rig.goes_live(Vec::new());
    let quiet = tokio::time::timeout(Duration::from_secs(10), viewer.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
}

impl Browser<'_> {
    /// A reply whose body is not read yet.
    pub(crate) async fn open(&self, path: &str) -> axum::response::Response {
        self.rig.open(self.request("GET", path).body(Body::empty()).unwrap()).await
    }
}

#[tokio::test]
async fn a_board_that_is_left_open_keeps_nobody_logged_in() {
    const MINUTE: i64 = 60 * 1_000_000;
    let rig = Rig::new().await;
    let olga = Browser::first(&rig).await;
    let mette = Browser::made(&olga, "mette", "account").await;
    clock::ahead_by(119 * MINUTE);
    drop(Viewer::of(&olga).await);
    assert_eq!(mette.get("/a/1/now").await.status, 200);
    clock::ahead_by(121 * MINUTE);
    let (left, used) = (olga.get("/a/1/now").await, mette.get("/a/1/now").await);
    clock::ahead_by(0);
    assert_ne!(left.status, 200, "the stream was no use of the session");
    assert_eq!(used.status, 200, "a page that somebody opened was");
}
