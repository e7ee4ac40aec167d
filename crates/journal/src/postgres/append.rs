//! Keeping events: one round trip and one commit for a group of moments. The row of a leg judges which events it has.

use std::sync::Arc;
use std::time::Duration;

use super::errors::Fault;
use super::group::{Group, SQL};
use super::groups::{Writes, within};
use super::lease::Lease;
use super::link::Use;
use super::moment::Moment;
use super::pen::Pen;
use super::target::Target;
use crate::Appended;

/// Writes groups of moments.
pub(super) struct Appender {
    pen: Pen,
    lease: Arc<Lease>,
    patience: Duration,
    /// How many places of the epoch are given.
    given: i64,
}

impl Appender {
    pub(super) fn new(target: Target, lease: Arc<Lease>, patience: Duration) -> Self {
        Self { pen: Pen::new(target, Use::Writing, SQL), lease, patience, given: 0 }
    }
}

impl Writes for Appender {
    type Row = Moment;
    type Answer = Vec<Appended>;

    fn weight(moment: &Moment) -> usize {
        moment.weight()
    }

    async fn write(&mut self, moments: &[Moment]) -> Result<Vec<Vec<Appended>>, Fault> {
        let many: usize = moments.iter().map(|moment| moment.rows.len()).sum();
        let many = i64::try_from(many).unwrap_or(i64::MAX);
        if self.given.saturating_add(many) >= Lease::places() {
            let lease = self.lease.clone();
            within(&mut self.pen, self.patience, async |held| lease.renew(&mut held.link.client).await)
                .await?;
            self.given = 0;
        }
        let first = self.lease.first_place() + self.given + 1;
        self.given += many;
        let group = Group::of(moments, first);
        let epoch = self.lease.epoch();
        within(&mut self.pen, self.patience, async |held| group.keep(held, epoch).await).await
    }
}
