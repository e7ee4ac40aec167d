//! What a page asks by itself is rendered once for all who look at the same: who may see the same, in the same
//! language, within a moment. Only what changes is answered, the page's content: nobody's name is in it, and no
//! form's secret, which the page has already.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use tokio::sync::Mutex as Place;

use super::Window;
use super::visitor::{BY_ITSELF, Visitor};
use crate::clock;

/// So long one rendering is good for others.
const FRESH: Duration = Duration::from_secs(2);
/// So many are remembered; with one more the old ones go.
const MOST: usize = 256;
/// No page is larger.
const MAX_PAGE_BYTES: usize = 16 * 1024 * 1024;

/// One who renders; the others wait for it.
type Rendered = Arc<Place<Option<(Duration, Arc<str>)>>>;

/// What was rendered just now, by what was asked, by whom it may be seen, and in which language.
#[derive(Default)]
pub(crate) struct Live(Mutex<HashMap<String, Rendered>>);

impl Live {
    fn place(&self, which: &str) -> Rendered {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(which) {
            // Whoever renders or waits still has its place.
            let is_old = |one: &Rendered| match one.try_lock() {
                Ok(kept) => kept.as_ref().is_none_or(|(at, _)| clock::passed().saturating_sub(*at) > FRESH),
                Err(_) => false,
            };
            all.retain(|_, one| !is_old(one));
            if all.len() >= MOST {
                all.clear();
            }
        }
        all.entry(which.to_owned()).or_default().clone()
    }
}

/// Answers what a page asks by itself; everything else goes on.
pub(super) async fn share(State(window): State<Arc<Window>>, request: Request, next: Next) -> Response {
    let is_live = request.method() == Method::GET && request.headers().contains_key(BY_ITSELF);
    if !is_live {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    // Who is not logged in any more is told so by the page itself.
    let Ok(visitor) = Visitor::from_request_parts(&mut parts, &window).await else {
        return next.run(Request::from_parts(parts, body)).await;
    };
    let asked = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let which = format!("{:?} {} {asked}", visitor.scope, visitor.taste.language.code());
    let place = window.live.place(&which);
    let mut kept = place.lock().await;
    if let Some((at, content)) = &*kept
        && clock::passed().saturating_sub(*at) <= FRESH
    {
        return Html(content.to_string()).into_response();
    }
    let response = next.run(Request::from_parts(parts, body)).await;
    if response.status() != StatusCode::OK {
        return response;
    }
    let (head, body) = response.into_parts();
    let Ok(page) = to_bytes(body, MAX_PAGE_BYTES).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let Some(content) = std::str::from_utf8(&page).ok().and_then(content_of) else {
        return Response::from_parts(head, page.into());
    };
    let content: Arc<str> = content.into();
    *kept = Some((clock::passed(), content.clone()));
    Html(content.to_string()).into_response()
}

/// A page's content without the secrets of its forms; `None` of what is no page of ours.
fn content_of(page: &str) -> Option<String> {
    const SECRET: &str = "name=\"_csrf\" value=\"";
    let begin = page.find("<main")?;
    let end = page.rfind("</main>")? + "</main>".len();
    let mut left = page.get(begin..end)?;
    let mut content = String::with_capacity(left.len());
    while let Some((before, after)) = left.split_once(SECRET) {
        content.push_str(before);
        content.push_str(SECRET);
        left = &after[after.find('"')?..];
    }
    content.push_str(left);
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_has_nobodys_name_and_no_secret() {
        let page = "<header>anna</header><main id=\"main\"><input type=\"hidden\" name=\"_csrf\" value=\"s1\"> \
            <p>x</p><input name=\"_csrf\" value=\"s2\"></main><script>";
        let content = content_of(page).unwrap();
        assert_eq!(
            content,
            "<main id=\"main\"><input type=\"hidden\" name=\"_csrf\" value=\"\"> <p>x</p><input name=\"_csrf\" value=\"\"></main>"
        );
        assert_eq!(content_of("{}"), None);
    }

    #[test]
    fn few_are_remembered() {
        let live = Live::default();
        for number in 0..3 * MOST {
            drop(live.place(&number.to_string()));
        }
        assert!(live.0.lock().unwrap().len() <= MOST);
    }
}
