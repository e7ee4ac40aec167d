//! Whether whoever asks is known: a person who is logged in, or a program with a token that is good.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use axum::http::request::Parts;

/// What the server that took a connection hands along with each request, to learn from it whether a session or a
/// token was found good. Strangers may take less of the server than others.
#[derive(Clone, Debug, Default)]
pub struct Known(Arc<AtomicBool>);

impl Known {
    /// Whether it was.
    pub fn is_known(&self) -> bool {
        self.0.load(Relaxed)
    }

    /// It was.
    pub(crate) fn note(parts: &Parts) {
        if let Some(known) = parts.extensions.get::<Self>() {
            known.0.store(true, Relaxed);
        }
    }
}

/// Whether a request says that it is of somebody known; what it says is not looked into.
pub fn claims_to_be_known(headers: &axum::http::HeaderMap) -> bool {
    headers.contains_key(axum::http::header::AUTHORIZATION) || crate::window::has_session(headers)
}
