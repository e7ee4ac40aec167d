//! An answer as its bytes come. Pure: bytes in, an answer out.

use super::super::answer::{ANSWER_HEAD_MAX, Answered, Bounds, Lost};
use super::head::{self, Head};

/// Reads one answer.
#[derive(Debug)]
pub(super) struct Reading {
    bounds: Bounds,
    head: Option<Head>,
    kept: Vec<u8>,
    seen: usize,
}

/// Where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// More has to come.
    More,
    /// It has come to its end; whether another request may follow on the connection.
    Whole { reusable: bool },
    /// The status is known; the rest is too long, or no body.
    Enough,
}

impl Reading {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, head: None, kept: Vec::new(), seen: 0 }
    }

    /// Takes what came; what it does not take belongs to no answer and stays in `came`.
    pub(super) fn take(&mut self, came: &mut Vec<u8>) -> Result<Stand, Lost> {
        while self.head.is_none() {
            match head::read(came).map_err(|why| Lost::Unreadable(why.to_owned()))? {
                Some((len, head)) => {
                    came.drain(..len);
                    // One before the answer's own says nothing of what became of the request.
                    self.head = Some(head).filter(|head| head.body.is_some());
                }
                None if came.len() >= ANSWER_HEAD_MAX => {
                    return Err(Lost::Unreadable("its head is too long".to_owned()));
                }
                None => return Ok(Stand::More),
            }
        }
        Ok(self.take_body(came))
    }

    fn take_body(&mut self, came: &mut Vec<u8>) -> Stand {
        let Some(Head { body: Some(body), keep_alive, .. }) = &mut self.head else { return Stand::More };
        if body.is_ended() {
            return Stand::Whole { reusable: *keep_alive && came.is_empty() };
        }
        let (kept, seen, bounds) = (&mut self.kept, &mut self.seen, self.bounds);
        let taken = body.take(came, &mut |data| {
            let room = bounds.kept.saturating_sub(kept.len()).min(data.len());
            kept.extend_from_slice(&data[..room]);
            *seen = seen.saturating_add(data.len());
        });
        let Ok(taken) = taken else { return Stand::Enough };
        came.drain(..taken.bytes);
        if *seen > bounds.read {
            return Stand::Enough;
        }
        match taken.ended {
            true => Stand::Whole { reusable: *keep_alive && came.is_empty() },
            false => Stand::More,
        }
    }

    /// The connection was closed: whether the answer is whole with that.
    pub(super) fn closed(&self) -> Result<bool, Lost> {
        match &self.head {
            Some(Head { body: Some(body), .. }) => Ok(body.ends_with_the_connection()),
            Some(_) | None => Err(Lost::Closed),
        }
    }

    /// Whether the status is known.
    pub(super) fn has_head(&self) -> bool {
        self.head.is_some()
    }

    /// What is known of the answer; its status at least.
    pub(super) fn answered(&mut self) -> Option<Answered> {
        let head = self.head.take()?;
        Some(Answered {
            status: head.status,
            retry_after: head.retry_after,
            kept_for: head.kept_for,
            body: std::mem::take(&mut self.kept),
        })
    }
}

#[cfg(test)]
#[path = "tests.rs"]
#[expect(clippy::disallowed_methods, reason = "a test's tasks are its own")]
mod tests;
