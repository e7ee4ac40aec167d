//! One request and its answer on a connection, in HTTP/1.1 or HTTP/2.
//!
//! An HTTP/1.1 connection is driven by the task that waits for its answer: nothing is handed to another
//! task on the way. A connection that nobody uses is not looked at until its next use.

use std::sync::Arc;

use http::HeaderMap;
use http::header::RETRY_AFTER;

use super::answer::{Answered, Bounds, Lost, NoAnswer};
use super::by_hyper::{self, Shared};
use super::dial::Dialled;
use super::http1::Connection;
use crate::request::Wire;

/// An open connection.
pub(super) struct Open {
    /// Where to, as it is kept with every attempt.
    pub(super) address: Arc<str>,
    http: Http,
}

enum Http {
    One(Box<Connection>),
    Two(Shared),
}

impl Open {
    pub(super) async fn over(dialled: Dialled) -> Result<Self, Lost> {
        let Dialled { link, address, speaks_h2 } = dialled;
        let http = match speaks_h2 {
            true => Http::Two(by_hyper::over_h2(link).await?),
            false => Http::One(Box::new(Connection::over(link))),
        };
        Ok(Self { address: address.to_string().into(), http })
    }

    /// Another handle on the same connection, where requests share one.
    pub(super) fn share(&self) -> Option<Self> {
        match &self.http {
            Http::One(_) => None,
            Http::Two(sender) => {
                Some(Self { address: self.address.clone(), http: Http::Two(sender.clone()) })
            }
        }
    }

    /// Whether it is still open, as far as can be seen without waiting.
    pub(super) async fn is_alive(&mut self) -> bool {
        match &mut self.http {
            Http::One(connection) => connection.is_alive().await,
            Http::Two(sender) => !sender.is_closed(),
        }
    }

    /// Whether another request may be sent on it, after an answer.
    pub(super) fn is_reusable(&self) -> bool {
        match &self.http {
            Http::One(connection) => connection.is_reusable(),
            Http::Two(sender) => !sender.is_closed(),
        }
    }

    /// Sends a request and waits for its answer. The flag says whether the answer was read to its end: only
    /// then may the connection be used again.
    pub(super) async fn exchange(
        &mut self,
        request: &Wire,
        bounds: Bounds,
    ) -> Result<(Answered, bool), NoAnswer> {
        match &mut self.http {
            Http::One(connection) => connection.exchange(request.as_bytes(), bounds).await,
            Http::Two(sender) => {
                let unusable = |why: String| NoAnswer::Lost(Lost::Other(why));
                let request = request.to_request().map_err(unusable)?;
                let (head, body, whole) = by_hyper::ask_h2(sender, request, bounds).await?;
                let retry_after = text(&head.headers, RETRY_AFTER.as_str()).map(Into::into);
                let status = head.status.as_u16();
                Ok((Answered { status, retry_after, kept_for: None, body }, whole))
            }
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
