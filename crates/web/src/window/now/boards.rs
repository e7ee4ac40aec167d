//! A board is drawn once for all who look at it, in each language: a task draws it while anybody does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use admin::kept::AccountSettings;
use askama::Template;
use calls::AccountId;
use tokio::sync::watch;

use super::super::Window;
use super::super::messages::Language;
use super::board;

/// A board is drawn at most so often.
const PAUSE: Duration = Duration::from_millis(200);

type Which = (AccountId, Language);
type Boardroom = HashMap<Which, Arc<watch::Sender<Arc<str>>>>;

/// The boards somebody looks at: at most as many as there are viewers.
#[derive(Default)]
pub(crate) struct Boards(Mutex<Boardroom>);

impl Boards {
    /// Takes a place before a board; `None` if it cannot be drawn.
    pub(super) fn join(
        window: &Arc<Window>,
        account: &Arc<AccountSettings>,
        language: Language,
    ) -> Option<watch::Receiver<Arc<str>>> {
        let which = (account.id.clone(), language);
        let mut boards = window.boards.lock();
        if let Some(board) = boards.get(&which) {
            return Some(board.subscribe());
        }
        let mut changes = window.web.admin.subscribe();
        changes.mark_unchanged();
        let (board, viewer) = watch::channel(board(window, language, account).render().ok()?.into());
        let board = Arc::new(board);
        boards.insert(which.clone(), board.clone());
        let drawn = Drawn { window: window.clone(), which, to: board };
        tasks::spawn(tasks::Part::BoardDrawing, draw(drawn, account.clone(), changes));
        Some(viewer)
    }

    fn lock(&self) -> MutexGuard<'_, Boardroom> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a board up, unless somebody has come to look at it.
    fn leave(&self, which: &Which, board: &watch::Sender<Arc<str>>) -> bool {
        let mut boards = self.lock();
        let left = board.is_closed();
        if left {
            boards.remove(which);
        }
        left
    }
}

/// A board that is drawn. However the drawing ends, nobody joins it any more, and whoever looks is told that it is over.
struct Drawn {
    window: Arc<Window>,
    which: Which,
    to: Arc<watch::Sender<Arc<str>>>,
}

impl Drop for Drawn {
    fn drop(&mut self) {
        let mut boards = self.window.boards.lock();
        if boards.get(&self.which).is_some_and(|board| Arc::ptr_eq(board, &self.to)) {
            boards.remove(&self.which);
        }
    }
}

/// Draws it whenever something changed, while anybody looks. Nobody is told of what does not show.
async fn draw(drawn: Drawn, mut account: Arc<AccountSettings>, mut changes: watch::Receiver<u64>) {
    let Drawn { window, which, to } = &drawn;
    loop {
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { break },
            () = to.closed() => if window.boards.leave(which, to) { return },
        }
        // Without the account there is nothing to see any more.
        let Some(now) = window.web.admin.watched(&account) else { break };
        account = now;
        let Ok(text) = board(window, which.1, &account).render() else { break };
        to.send_if_modified(|board| {
            let differs = **board != *text;
            if differs {
                *board = text.as_str().into();
            }
            differs
        });
        tokio::time::sleep(PAUSE).await;
    }
}
