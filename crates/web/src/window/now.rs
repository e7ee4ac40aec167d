//! `/a/{account}/now`: the live board.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::sse::{Event as Sse, KeepAlive};
use axum::response::{IntoResponse, Response, Sse as Stream};
use calls::Direction;
use futures_util::{StreamExt as _, stream};
use journal::AccountSettings;

use super::frame::page;
use super::{Fail, Frame, Visitor, Window};
use crate::LiveLeg;

/// The board is drawn at most so often for one viewer.
const PAUSE: Duration = Duration::from_millis(200);
/// A viewer whose connection is quiet is told something so often; also how soon a lost login shows.
const QUIET: Duration = Duration::from_secs(15);

/// A stream ends after so long; the browser asks again, and is asked who it is.
const SITTING: Duration = Duration::from_secs(10 * 60);

/// What one leg of an employee is about.
pub(crate) struct Doing {
    /// `ringing`, `talking`, `dialling`.
    pub(crate) state: &'static str,
    pub(crate) number: String,
    pub(crate) queue: String,
    pub(crate) leg: String,
    /// Milliseconds since the epoch.
    pub(crate) since_ms: i64,
    pub(crate) since: String,
}

/// One employee's card.
pub(crate) struct Card {
    pub(crate) number: String,
    pub(crate) name: String,
    pub(crate) doing: Vec<Doing>,
}

#[derive(Template)]
#[template(path = "now.html")]
struct NowPage {
    f: Frame,
    board: Board,
}

/// The part of the page that changes.
#[derive(Template)]
#[template(path = "now_board.html")]
struct Board {
    w: super::Words,
    calls: String,
    people: String,
    cards: Vec<Card>,
    ringing: usize,
    talking: usize,
    dialling: usize,
}

pub(super) async fn show(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    visitor: Visitor,
) -> Result<Response, Fail> {
    let account = visitor.reads(&window, &account)?;
    let f = Frame::account(&window, &visitor, &account, "now");
    let board = board(&window, &f, &account);
    page(&NowPage { f, board })
}

/// The board again and again, whenever something changed.
pub(super) async fn stream(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    visitor: Visitor,
) -> Result<Response, Fail> {
    let account = visitor.reads(&window, &account)?;
    let f = Frame::account(&window, &visitor, &account, "now");
    let Ok(seat) = window.seats.clone().try_acquire_owned() else {
        return Err(Fail::broken(f.w.get("fail.crowded")));
    };
    let mut changes = window.web.gateway.changes();
    changes.mark_changed();
    let state = (window, f, account.id.clone(), changes);
    let boards = stream::unfold(state, async |(window, f, id, mut changes)| {
        changes.changed().await.ok()?;
        let account = window.web.book.account(&id)?;
        let drawn = board(&window, &f, &account).render().ok()?;
        tokio::time::sleep(PAUSE).await;
        Some((Ok::<_, Infallible>(Sse::default().event("board").data(drawn)), (window, f, id, changes)))
    });
    let boards = boards.take_until(Box::pin(async move {
        tokio::time::sleep(SITTING).await;
        drop(seat);
    }));
    Ok(Stream::new(boards).keep_alive(KeepAlive::new().interval(QUIET)).into_response())
}

fn board(window: &Window, f: &Frame, account: &AccountSettings) -> Board {
    let mut cards: BTreeMap<String, Card> = BTreeMap::new();
    for (number, (employee, _)) in account.employees.iter() {
        let card = Card { number: number.clone(), name: employee.name.clone(), doing: Vec::new() };
        cards.insert(number.clone(), card);
    }
    let (mut ringing, mut talking, mut dialling) = (0, 0, 0);
    for leg in window.web.gateway.live(&account.id) {
        let doing = doing(f, &leg);
        match doing.state {
            "ringing" => ringing += 1,
            "talking" => talking += 1,
            _ => dialling += 1,
        }
        let phone = &leg.begun.phone;
        let number = phone.employee_number().to_owned();
        let name = phone.employee.as_ref().map(|one| one.name.to_string()).unwrap_or_default();
        cards.entry(number.clone()).or_insert(Card { number, name, doing: Vec::new() }).doing.push(doing);
    }
    Board {
        w: f.w,
        calls: f.to("calls"),
        people: f.to("people"),
        cards: cards.into_values().collect(),
        ringing,
        talking,
        dialling,
    }
}

fn doing(f: &Frame, leg: &LiveLeg) -> Doing {
    let begun = &leg.begun;
    let (state, number) = match (begun.direction, leg.answered_at) {
        (Direction::Incoming, None) => ("ringing", &begun.a_number),
        (Direction::Outgoing, None) => ("dialling", &begun.b_number),
        (Direction::Incoming, Some(_)) => ("talking", &begun.a_number),
        (Direction::Outgoing, Some(_)) => ("talking", &begun.b_number),
    };
    let since = leg.answered_at.unwrap_or(begun.begun_at).as_micros();
    Doing {
        state,
        number: if number.is_empty() { f.w.get("calls.withheld").to_owned() } else { f.locale.phone(number) },
        queue: begun.queue.to_string(),
        leg: begun.leg.to_string(),
        since_ms: since / 1_000,
        since: f.locale.clock(since),
    }
}
