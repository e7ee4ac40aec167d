//! Events: listed, and found by place or id.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use calls::{EventId, LegId};
use tokio_postgres::Client;

use super::super::column::plain;
use super::super::errors::Fault;
use super::rows::{COLUMNS, kept};
use super::walk::{Only, Order, Walk};
use crate::{EventSeq, Filter, Kept};

/// An id's dashes may have been dots; so many of them are tried both ways.
const DASHES_TRIED: usize = 10;

pub(in super::super) async fn list(
    client: &Client,
    filter: &Filter,
    order: Order,
) -> Result<Vec<Arc<Kept>>, Fault> {
    let limit = filter.bounded_limit();
    let (mut walk, mut found) = (Walk::of(filter, Only::All, order), Vec::new());
    while found.len() < limit
        && let Some(page) = walk.next(client).await?
    {
        found.extend(page.into_iter().map(Arc::new));
    }
    found.truncate(limit);
    Ok(found)
}

/// In the order asked for; one that is gone is left out.
pub(in super::super) async fn bodies(client: &Client, of: &[EventSeq]) -> Result<Vec<Arc<Kept>>, Fault> {
    let places: Vec<i64> = of.iter().map(|seq| seq.0).collect();
    let select = format!("SELECT {COLUMNS} FROM event e WHERE e.seq = ANY($1)");
    let mut found = HashMap::new();
    for row in client.query(&select, &[&places]).await? {
        let kept = Arc::new(kept(&row)?);
        found.insert(kept.seq, kept);
    }
    Ok(of.iter().filter_map(|seq| found.get(seq).cloned()).collect())
}

/// All events of some legs, each leg's in their order: what it had before the store was shared is in another part.
pub(in super::super) async fn of_legs(
    client: &Client,
    legs: &[String],
) -> Result<BTreeMap<LegId, Vec<Kept>>, Fault> {
    let select = format!(
        "SELECT {COLUMNS} FROM leg l CROSS JOIN unnest(ARRAY[l.incoming, l.answered, l.outgoing, l.ended]) AS s(seq)
         JOIN event e ON e.seq = s.seq WHERE l.leg = ANY($1) ORDER BY e.seq & 281474976710655"
    );
    let mut found: BTreeMap<LegId, Vec<Kept>> = BTreeMap::new();
    for row in client.query(&select, &[&legs]).await? {
        let kept = kept(&row)?;
        found.entry(kept.event.leg.clone()).or_default().push(kept);
    }
    Ok(found)
}

/// The event of an id. The id is the leg's with its dots replaced, and the kind: every leg it can be of is looked up.
pub(in super::super) async fn find(client: &Client, id: &EventId) -> Result<Option<Arc<Kept>>, Fault> {
    let Some((leg, _)) = id.as_str().rsplit_once('-') else { return Ok(None) };
    let found = of_legs(client, &written_as(leg)).await?;
    Ok(found.into_values().flatten().find(|kept| kept.event.id() == *id).map(Arc::new))
}

/// The ids that are this one once their dots are dashes.
fn written_as(dashed: &str) -> Vec<String> {
    let dashes: Vec<usize> = dashed.match_indices('-').map(|(at, _)| at).take(DASHES_TRIED).collect();
    let choice = |choice: u32| {
        let mut leg = dashed.to_owned();
        let dots = dashes.iter().enumerate().filter(|(bit, _)| choice >> bit & 1 == 1);
        dots.for_each(|(_, at)| leg.replace_range(*at..=*at, "."));
        plain(&leg)
    };
    (0..1_u32 << dashes.len()).map(choice).collect()
}
