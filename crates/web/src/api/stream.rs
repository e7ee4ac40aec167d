//! `/accounts/{account}/events/stream`: events as they become readable, for who cannot be reached from outside.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use admin::kept::AccountSettings;
use admin::kept::settings::Integration;
use admin::{Code, EventStream, Next, Position, Refusal};
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL};
use axum::response::sse::{Event as Sse, Sse as Stream};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::auth::{Caller, bearer};
use super::calls::{EventView, event_view};
use super::extract::Path;
use super::listing::{query, unknown};
use super::{ApiError, ErrorEnvelope};
use crate::Web;

/// Where nothing comes a line is sent so often; also how soon a token that was removed ends its streams.
const QUIET: Duration = Duration::from_secs(15);
/// A client that loses the connection asks again after so long.
const AGAIN: Duration = Duration::from_secs(2);

/// One who follows.
struct Follower {
    web: Arc<Web>,
    token: String,
    events: EventStream,
    account: Arc<AccountSettings>,
    /// When it was last asked whether the token is still good.
    asked: tokio::time::Instant,
    begun: bool,
}

/// Events as they become readable, without an end: `text/event-stream`, an event a message.
///
/// A message is named `Incoming`, `Answered`, `Outgoing` or `Ended`, has the JSON of an event as its data, and as its
/// `id` an opaque position. Asked with that in `Last-Event-ID` (which a browser's `EventSource` does by itself), the
/// stream goes on after it. The order is that in which the account's events became readable: one that was kept late
/// comes late. A message `gap` says that what followed the position is not all kept any more; what is kept follows.
/// Every 15 seconds at the latest a comment is sent.
#[utoipa::path(get, path = "/accounts/{account}/events/stream", tag = "calls", operation_id = "follow_events",
    params(("account" = String, Path),
        ("Last-Event-ID" = Option<String>, Header, description = "The position of the last message that was taken"),
        ("after" = Option<String>, Query, description = "The same, for who sets no headers; `start`: from the oldest event kept. Without either: from now on")),
    responses((status = 200, description = "Events, without an end", body = EventView, content_type = "text/event-stream"),
        (status = 400, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope), (status = 429, body = ErrorEnvelope)))]
pub(super) async fn follow(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(account): Path<String>,
    RawQuery(text): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let after = position(&headers, text.as_deref())?;
    let events = web.admin.follow(&caller.0, &account, after).await?;
    let token = bearer(headers.get(AUTHORIZATION)).unwrap_or_default().to_owned();
    let asked = tokio::time::Instant::now();
    let account = web.admin.account(&caller.0, &account)?;
    let follower = Follower { web, token, events, account, asked, begun: false };
    let said = stream::unfold(follower, async |mut follower: Follower| {
        let said = follower.says().await?;
        Some((Ok::<_, Infallible>(said), follower))
    });
    Ok(([(CACHE_CONTROL, "no-store"), (NO_BUFFER, "no")], Stream::new(said)).into_response())
}

/// Proxies that gather answers pass this one on as it comes.
const NO_BUFFER: axum::http::HeaderName = axum::http::HeaderName::from_static("x-accel-buffering");

/// The header goes before the query: a client that connects anew by itself has the query it began with.
fn position(headers: &HeaderMap, text: Option<&str>) -> Result<Option<Position>, ApiError> {
    let mut asked = None;
    for (name, value) in query(text) {
        match name.as_ref() {
            "after" => asked = Some(("after", value.into_owned())),
            _ => return Err(unknown(&name)),
        }
    }
    if let Some(value) = headers.get("last-event-id").filter(|value| !value.is_empty()) {
        asked = Some(("Last-Event-ID", value.to_str().unwrap_or_default().to_owned()));
    }
    let read = |(name, text): (&str, String)| {
        text.parse::<Position>().map_err(|_| Refusal::of(Code::Position, name))
    };
    Ok(asked.map(read).transpose()?)
}

impl Follower {
    /// The next message; none ends the stream, and whoever asks again is told why.
    async fn says(&mut self) -> Option<Sse> {
        if !self.begun {
            self.begun = true;
            // A position without data, so that who loses the connection before the first event loses no event.
            return Some(self.marked(Sse::default().retry(AGAIN)));
        }
        if self.asked.elapsed() >= QUIET {
            let actor = self.web.admin.bearer(&self.token).await.ok()?;
            self.account = self.web.admin.account(&actor, self.account.id.as_str()).ok()?;
            self.asked = tokio::time::Instant::now();
        }
        match self.events.next(QUIET).await.ok()? {
            Next::Quiet => Some(Sse::default().comment("")),
            Next::Gap => {
                let why = "what followed this position is not all kept any more; what is kept follows";
                Some(self.marked(Sse::default().event("gap").data(why)))
            }
            Next::Event(kept) => {
                let none = Integration::default();
                let integration = self.account.integration();
                let view = event_view(&kept, integration.map_or(&none, |(_, integration, _)| integration));
                let message = Sse::default().event(kept.event.kind().name());
                Some(self.marked(message.json_data(&view).ok()?))
            }
        }
    }

    fn marked(&self, message: Sse) -> Sse {
        message.id(self.events.position().to_string())
    }
}
