//! Who is logged in on a connection, and what of all that the PBX says they hear.

use super::User;
use super::filter::Filters;
use super::message::Headers;
use super::rights::Rights;
use crate::audience::Said;

/// Who is logged in and what they asked for.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) challenge: String,
    pub(super) user: Option<User>,
    pub(super) mask: Rights,
    pub(super) filters: Filters,
}

impl Login {
    pub(super) fn new(number: u64) -> Self {
        let challenge = format!("{:09}", 100_000_000 + number * 7919 % 900_000_000);
        Self { challenge, user: None, mask: Rights::ALL, filters: Filters::default() }
    }

    pub(super) fn hears(&self, said: &Said) -> bool {
        let Some(user) = &self.user else { return false };
        let Some(event) = &said.event else { return true };
        let class = Rights::of(Headers(event).get("Privilege").split(',').next().unwrap_or_default());
        user.read.both(self.mask).touch(class) && self.filters.pass(event)
    }
}
