//! What happens, in the words of the show.

use std::sync::Arc;
use std::time::Duration;

use admin::kept::Kept;
use calls::{Direction, Event, What};
use demo::player::Begun;
use demo::receiver::Receiver;
use demo::show::{self, News, Request, Scene};
use jiff::Timestamp;
use tokio::sync::{broadcast, mpsc, oneshot};

use super::Tell;
use crate::link::{LinkState, Links};

/// How often the links are looked at.
const LOOK: Duration = Duration::from_millis(200);

pub(super) async fn events(mut kept: broadcast::Receiver<Arc<Kept>>, tell: Tell) {
    loop {
        match kept.recv().await {
            Ok(kept) => {
                if tell.send(News::Event(event(&kept.event))).await.is_err() {
                    return;
                }
            }
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

pub(super) async fn requests(mut receiver: Receiver, mut stop: oneshot::Receiver<()>, tell: Tell) {
    loop {
        tokio::select! {
            biased;
            Some(received) = receiver.next() => {
                if tell.send(News::Request(Request::received(&received))).await.is_err() {
                    return;
                }
            }
            _ = &mut stop => break,
        }
    }
    for received in receiver.stop().await {
        let _ = tell.send(News::Request(Request::received(&received))).await;
    }
}

pub(super) async fn scenes(mut begun: mpsc::Receiver<Begun>, tell: Tell) {
    while let Some(begun) = begun.recv().await {
        let scene = Scene {
            at: now(),
            shape: begun.shape,
            title: begun.title.to_owned(),
            account: begun.account.to_owned(),
        };
        if tell.send(News::Scene(scene)).await.is_err() {
            return;
        }
    }
}

pub(super) async fn links(links: Links, tell: Tell) {
    let links = links.all();
    let mut before = vec![false; links.len()];
    loop {
        for (link, was_up) in links.iter().zip(&mut before) {
            let (pbx, state) = link.with(|status| (status.pbx.to_string(), status.state.clone()));
            let up = state == LinkState::Live;
            if up != *was_up {
                *was_up = up;
                let words = match state {
                    LinkState::Live => "followed".to_owned(),
                    LinkState::Down { why, .. } | LinkState::Refused { why, .. } => why.to_string(),
                    LinkState::Connecting | LinkState::Synchronising | LinkState::Stopped => {
                        state.name().to_owned()
                    }
                };
                if tell.send(News::Link(show::Link { pbx, up, words })).await.is_err() {
                    return;
                }
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn event(event: &Event) -> show::Event {
    let number = event.phone.employee_number();
    let name = event.phone.employee.as_ref().map_or("", |employee| &employee.name);
    let other = match event.direction {
        Direction::Incoming => &event.a_number,
        Direction::Outgoing => &event.b_number,
    };
    show::Event {
        id: event.id().to_string(),
        at: Timestamp::from_microsecond(event.at.as_micros()).unwrap_or_default(),
        account: event.account().to_string(),
        employee: format!("{number} {name}").trim_end().to_owned(),
        other: other.to_string(),
        direction: match event.direction {
            Direction::Incoming => show::Direction::Incoming,
            Direction::Outgoing => show::Direction::Outgoing,
        },
        what: match &event.what {
            What::Incoming => show::What::Incoming,
            What::Answered => show::What::Answered,
            What::Outgoing => show::What::Outgoing,
            What::Ended(ended) => show::What::Ended {
                duration_s: event.duration().as_secs(),
                reason: ended.reason.name().to_owned(),
                transferred_to: ended.transfer.as_ref().map(|transfer| transfer.to.to_string()),
            },
        },
    }
}

fn now() -> Timestamp {
    Timestamp::from_microsecond(crate::clock::wall().0).unwrap_or_default()
}
