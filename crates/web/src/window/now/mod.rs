//! `/a/{account}/now`: the live board.

mod boards;
mod missed;
mod seats;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use admin::kept::AccountSettings;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::sse::{Event as Sse, KeepAlive};
use axum::response::{IntoResponse, Response, Sse as Stream};
use calls::Direction;
use futures_util::stream;
use tokio::sync::{mpsc, oneshot, watch};

use super::frame::page;
use super::messages::{Language, Messages};
use super::{Fail, Frame, Locale, Visitor, Window};
use admin::LiveLeg;
pub(super) use boards::Boards;
pub(super) use seats::Seats;

/// A viewer whose connection is quiet is told something so often; also how soon a lost login shows.
const QUIET: Duration = Duration::from_secs(15);
/// A stream ends after so long; the browser asks again, and is asked who it is.
const SITTING: Duration = Duration::from_secs(10 * 60);
/// A viewer that has not taken the last board after so long gives up its seat; the browser asks again, and
/// begins with the board as it is then.
const LATE: Duration = Duration::from_secs(30);

/// What one leg of an employee is about.
pub(crate) struct Doing {
    /// `ringing`, `talking`, `held`, `dialling`.
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
    /// Since when the employee is free, where that is known: milliseconds since the epoch, and in words.
    pub(crate) free: Option<(i64, String)>,
    /// None of their phones can be reached, by the PBX's own word.
    pub(crate) away: bool,
}

/// A caller who waits in a queue.
pub(crate) struct InQueue {
    pub(crate) queue: String,
    pub(crate) number: String,
    pub(crate) since_ms: i64,
    pub(crate) since: String,
}

#[derive(Template)]
#[template(path = "now.html")]
struct NowPage {
    f: Frame,
    board: Board,
    today: missed::Today,
}

/// The part of the page that changes.
#[derive(Template)]
#[template(path = "now_board.html")]
struct Board {
    w: super::Messages,
    calls: String,
    people: String,
    cards: Vec<Card>,
    /// Who waits in a queue, the longest first.
    queued: Vec<InQueue>,
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
    let board = board(&window, f.w.0, &account);
    let today = missed::today(&window, &visitor, &account, &f).await?;
    page(&NowPage { f, board, today })
}

/// The board as it is, and again whenever it has changed. One that a viewer was too slow for is left out, for
/// the next one says all of it: so a stream has nothing to resume, and needs no place to resume from.
pub(super) async fn stream(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    visitor: Visitor,
) -> Result<Response, Fail> {
    let account = visitor.reads(&window, &account)?;
    let messages = Messages(visitor.taste.language);
    let Some(seat) = window.seats.take(&visitor) else {
        return Err(Fail::broken(messages.get("fail.crowded")));
    };
    let boards = Boards::join(&window, &account, messages.0).ok_or(Fail::Nowhere)?;
    let (to, drawn) = mpsc::channel::<Arc<str>>(1);
    let (gave_way, elsewhere) = oneshot::channel();
    tasks::spawn(tasks::Part::BoardViewer, async move {
        // Over by time, by the viewer's leaving, by being late, or because the same person has opened too many
        // others: in any case the seat is free again.
        tokio::select! {
            _ = tokio::time::timeout(SITTING, show_changes(boards, to)) => {}
            () = seat.gives_way() => drop(gave_way.send(messages.get("now.elsewhere"))),
        }
    });
    let events = stream::unfold(
        (drawn, Some(elsewhere)),
        async |(mut drawn, elsewhere): (
            mpsc::Receiver<Arc<str>>,
            Option<oneshot::Receiver<&'static str>>,
        )| {
            if let Some(board) = drawn.recv().await {
                return Some((
                    Ok::<_, Infallible>(Sse::default().event("board").data(&*board)),
                    (drawn, elsewhere),
                ));
            }
            // The last: the browser does not ask again by itself.
            let says = elsewhere?.await.ok()?;
            Some((Ok(Sse::default().event("elsewhere").data(given_way(says))), (drawn, None)))
        },
    );
    Ok(Stream::new(events).keep_alive(KeepAlive::new().interval(QUIET)).into_response())
}

/// What a viewer is shown whose place is another's.
fn given_way(says: &str) -> String {
    format!("<p class=\"notice\" role=\"status\">{says}</p>")
}

async fn show_changes(mut boards: watch::Receiver<Arc<str>>, to: mpsc::Sender<Arc<str>>) {
    boards.mark_changed();
    loop {
        tokio::select! {
            changed = boards.changed() => if changed.is_err() { return },
            () = to.closed() => return,
        }
        let board = boards.borrow_and_update().clone();
        if to.send_timeout(board, LATE).await.is_err() {
            return;
        }
    }
}

/// How a board is written.
struct Style {
    locale: Locale,
    w: Messages,
    calls: String,
    people: String,
}

impl Style {
    fn of(window: &Window, language: Language, account: &AccountSettings) -> Self {
        let to = |place: &str| format!("{}/a/{}/{place}", window.web.options.path, account.id);
        Self {
            locale: Locale { language, zone: crate::zone::of(account) },
            w: Messages(language),
            calls: to("calls"),
            people: to("people"),
        }
    }
}

fn board(window: &Window, language: Language, account: &AccountSettings) -> Board {
    let style = Style::of(window, language, account);
    let freed = window.web.admin.free_since(account);
    let away = window.web.admin.away(account);
    let mut cards: BTreeMap<String, Card> = BTreeMap::new();
    for (number, (employee, _)) in account.employees.iter() {
        let free = freed.get(number).map(|at| {
            let micros = at.as_micros();
            (micros / 1_000, style.locale.clock(micros))
        });
        let (name, away) = (employee.name.clone(), away.contains(number));
        let card = Card { number: number.clone(), name, doing: Vec::new(), free, away };
        cards.insert(number.clone(), card);
    }
    let (mut ringing, mut talking, mut dialling) = (0, 0, 0);
    for leg in window.web.admin.live(account) {
        let doing = doing(&style, &leg);
        match doing.state {
            "ringing" => ringing += 1,
            "talking" | "held" => talking += 1,
            _ => dialling += 1,
        }
        let phone = &leg.begun.phone;
        let number = phone.employee_number().to_owned();
        let name = phone.employee.as_ref().map(|one| one.name.to_string()).unwrap_or_default();
        cards
            .entry(number.clone())
            .or_insert(Card { number, name, doing: Vec::new(), free: None, away: false })
            .doing
            .push(doing);
    }
    let queued = window.web.admin.waiting_in(account).iter().map(|one| in_queue(&style, one)).collect();
    let mut cards: Vec<Card> = cards.into_values().collect();
    cards.sort_by_key(rank);
    let Style { w, calls, people, .. } = style;
    Board { w, calls, people, cards, queued, ringing, talking, dialling }
}

/// What rings comes first, then whoever is busy, last whose phone is away; within that by number.
fn rank(card: &Card) -> u8 {
    match card.doing.first().map(|one| one.state) {
        _ if card.doing.iter().any(|one| one.state == "ringing") => 0,
        Some(_) => 1,
        None if card.away => 3,
        None => 2,
    }
}

fn in_queue(f: &Style, one: &admin::Waiting) -> InQueue {
    let since = one.since.as_micros();
    InQueue {
        queue: one.queue.clone(),
        number: shown_number(f, &one.number),
        since_ms: since / 1_000,
        since: f.locale.clock(since),
    }
}

fn shown_number(f: &Style, number: &str) -> String {
    if number.is_empty() { f.w.get("calls.withheld").to_owned() } else { f.locale.phone(number) }
}

fn doing(f: &Style, leg: &LiveLeg) -> Doing {
    let begun = &leg.begun;
    let (state, number) = match (begun.direction, leg.answered_at) {
        (Direction::Incoming, None) => ("ringing", &begun.a_number),
        (Direction::Outgoing, None) => ("dialling", &begun.b_number),
        (Direction::Incoming, Some(_)) => ("talking", &begun.a_number),
        (Direction::Outgoing, Some(_)) => ("talking", &begun.b_number),
    };
    let held = leg.held_since.filter(|_| leg.answered_at.is_some());
    let state = if held.is_some() { "held" } else { state };
    let since = held.or(leg.answered_at).unwrap_or(begun.begun_at).as_micros();
    Doing {
        state,
        number: shown_number(f, number),
        queue: begun.queue.to_string(),
        leg: begun.leg.to_string(),
        since_ms: since / 1_000,
        since: f.locale.clock(since),
    }
}
