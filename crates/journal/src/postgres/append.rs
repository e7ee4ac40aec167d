//! Keeping events: one round trip and one commit for a group of moments. The row of a leg judges which events it has.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::errors::Fault;
use super::group::Group;
pub(super) use super::group::SQL;
use super::groups::{Writes, within};
use super::link::Use;
use super::moment::Moment;
use super::owned::{Holding, Owned};
use super::pen::Pen;
use super::spooling::Spooling;
use super::target::Target;
use crate::record::moment::MomentShape;
use crate::spool::Entry;
use crate::{Appended, Grant, Part};

/// Writes groups of moments.
pub(super) struct Appender {
    pen: Pen,
    owned: Arc<Owned>,
    tally: i16,
    patience: Duration,
    spooling: Spooling,
}

impl Appender {
    pub(super) fn new(
        target: Target,
        owned: Arc<Owned>,
        tally: i16,
        patience: Duration,
        spooling: Spooling,
    ) -> Self {
        Self { pen: Pen::new(target, Use::Writing, SQL), owned, tally, patience, spooling }
    }

    /// Those whose parts are this gateway's.
    async fn keep(&mut self, ours: &[&Moment]) -> Result<Vec<Vec<Appended>>, Fault> {
        let mut many: BTreeMap<Part, (Grant, usize)> = BTreeMap::new();
        for moment in ours {
            many.entry(moment.grant.part()).or_insert((moment.grant, 0)).1 += moment.rows.len();
        }
        let mut last = BTreeMap::new();
        for (part, (grant, many)) in many {
            last.insert(part, self.places(grant, i64::try_from(many).unwrap_or(i64::MAX)).await?);
        }
        let firsts = firsts(ours, last);
        let group = Group::of(ours, &firsts);
        let pass = self.spooling.pass().await;
        if pass.is_none() {
            match self.write_group(ours, &group).await {
                Err(fault) if self.spooling.takes(&fault) => {}
                kept => return kept,
            }
        }
        let mut of_grants: BTreeMap<Part, (Grant, Vec<MomentShape<'_>>)> = BTreeMap::new();
        for (moment, first) in ours.iter().zip(&firsts) {
            let (_, shapes) =
                of_grants.entry(moment.grant.part()).or_insert_with(|| (moment.grant, Vec::new()));
            shapes.push(moment.shape(*first));
        }
        let entries = of_grants.into_values().map(|(grant, shapes)| (grant, Entry::Append(shapes)));
        self.spooling.keep(pass, &entries.collect::<Vec<_>>()).await?;
        Ok(group.unjudged())
    }

    async fn write_group(
        &mut self,
        ours: &[&Moment],
        group: &Group<'_>,
    ) -> Result<Vec<Vec<Appended>>, Fault> {
        self.spooling.reach(&mut self.pen, self.patience).await?;
        let held = self.owned.holds(ours.iter().map(|moment| moment.grant)).map_err(Fault::Taken)?;
        let tally = self.tally;
        let kept =
            within(&mut self.pen, self.patience, async |pen| group.keep(pen, &held, tally).await).await;
        if let Err(Fault::Taken(parts)) = &kept {
            self.owned.lose(&held, parts);
        }
        kept
    }

    /// The place before so many of a part; where its epoch has no more, another is taken.
    async fn places(&mut self, grant: Grant, many: i64) -> Result<i64, Fault> {
        let part = grant.part();
        if let Some(before) = self.owned.places(part, many) {
            return Ok(before);
        }
        let lost = || Fault::Taken(vec![part]);
        let (owned, seen) = (self.owned.clone(), self.owned.epoch(grant).ok_or_else(lost)?);
        let taken = within(&mut self.pen, self.patience, async |pen| {
            owned.me.take(&mut pen.link.client, part, seen).await
        });
        match taken.await? {
            Some(epoch) => self.owned.renew(part, epoch),
            None => self.owned.lose(&Holding::of(part, seen), &[part]),
        }
        self.owned.places(part, many).ok_or_else(lost)
    }
}

/// The place of each moment's first event, behind the last ones given.
fn firsts(moments: &[&Moment], mut last: BTreeMap<Part, i64>) -> Vec<i64> {
    let first = |moment: &&Moment| {
        let last = last.entry(moment.grant.part()).or_default();
        let first = *last + 1;
        *last += i64::try_from(moment.rows.len()).unwrap_or(i64::MAX);
        first
    };
    moments.iter().map(first).collect()
}

impl Writes for Appender {
    type Row = Moment;
    type Answer = Vec<Appended>;

    fn weight(moment: &Moment) -> usize {
        moment.weight()
    }

    async fn write(&mut self, moments: &[Moment]) -> Result<Vec<Vec<Appended>>, Fault> {
        loop {
            let is_ours: Vec<bool> =
                moments.iter().map(|moment| self.owned.epoch(moment.grant).is_some()).collect();
            let ours = moments.iter().zip(&is_ours).filter(|(_, ours)| **ours).map(|(moment, _)| moment);
            let ours: Vec<&Moment> = ours.collect();
            let kept = if ours.is_empty() { Ok(Vec::new()) } else { self.keep(&ours).await };
            // Once more without those that others have, or as they are held now.
            let Err(Fault::Taken(_)) = kept else {
                let mut kept = kept?.into_iter();
                let fenced = |moment: &Moment| vec![Appended::Fenced; moment.rows.len()];
                let answer = |(moment, ours): (&Moment, &bool)| {
                    if *ours { kept.next().unwrap_or_default() } else { fenced(moment) }
                };
                return Ok(moments.iter().zip(&is_ours).map(answer).collect());
            };
        }
    }
}
