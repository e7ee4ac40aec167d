//! Legs: as people see them, and as the call logic needs them back.

use std::collections::HashMap;
use std::sync::Arc;

use calls::{Note, OpenLeg, PbxName, PbxTime, Restored};
use tokio_postgres::Client;

use super::super::column::plain;
use super::super::errors::Fault;
use super::events::of_legs;
use super::walk::{Only, Order, Walk};
use crate::record::note;
use crate::rules::{self, channel_of};
use crate::{Filter, Kept, LegRecord};

pub(in super::super) async fn list(
    client: &Client,
    filter: &Filter,
    order: Order,
) -> Result<Vec<LegRecord>, Fault> {
    let limit = filter.bounded_limit();
    let (mut walk, mut found) = (Walk::of(filter, Only::Beginnings, order), Vec::new());
    while found.len() < limit
        && let Some(page) = walk.next(client).await?
    {
        let of_page = records(client, &page).await?;
        found.extend(of_page.into_iter().filter(|leg| filter.accepts_outcome(leg)));
    }
    found.truncate(limit);
    Ok(found)
}

/// The legs that began with these events, in their order.
async fn records(client: &Client, begun: &[Kept]) -> Result<Vec<LegRecord>, Fault> {
    let legs: Vec<String> = begun.iter().map(|kept| plain(kept.event.leg.as_str())).collect();
    let (events, noted) = (of_legs(client, &legs).await?, answers_noted(client, begun).await?);
    let record = |begun: &Kept| {
        let events: Vec<&Kept> = events.get(&begun.event.leg)?.iter().collect();
        let channel = plain(channel_of(&begun.pbx, &begun.event.leg));
        let noted = noted.get(&(plain(begun.pbx.as_str()), channel)).copied().flatten();
        rules::leg_record(&events, noted).filter(|record| record.seq == begun.seq)
    };
    Ok(begun.iter().filter_map(record).collect())
}

/// When the channels of these events were answered, by their notes.
async fn answers_noted(
    client: &Client,
    begun: &[Kept],
) -> Result<HashMap<(String, String), Option<PbxTime>>, Fault> {
    let channel = |kept: &Kept| (plain(kept.pbx.as_str()), plain(channel_of(&kept.pbx, &kept.event.leg)));
    let (pbxs, channels): (Vec<_>, Vec<_>) = begun.iter().map(channel).unzip();
    let select = "SELECT n.pbx, n.channel, n.kept FROM unnest($1::text[], $2::text[]) AS x(pbx, channel)
        JOIN note n ON n.pbx = x.pbx AND n.channel = x.channel";
    let mut found = HashMap::new();
    for row in client.query(select, &[&pbxs, &channels]).await? {
        found.insert((row.get(0), row.get(1)), note::read(row.get(2))?.answered_at);
    }
    Ok(found)
}

pub(in super::super) async fn restore(client: &Client, pbx: &PbxName) -> Result<Restored, Fault> {
    let named = plain(pbx.as_str());
    let heard = client.query_opt("SELECT at FROM heard WHERE pbx = $1", &[&named]).await?;
    Ok(Restored {
        legs: open_legs(client, pbx, &named).await?,
        notes: notes(client, &named).await?,
        last_heard: heard.map(|row| PbxTime::from_micros(row.get(0))),
    })
}

async fn open_legs(client: &Client, pbx: &PbxName, named: &str) -> Result<Vec<OpenLeg>, Fault> {
    let select = "SELECT leg FROM leg WHERE pbx = $1 AND ended IS NULL";
    let legs: Vec<String> = client.query(select, &[&named]).await?.iter().map(|row| row.get(0)).collect();
    let mut open = Vec::new();
    for events in of_legs(client, &legs).await?.into_values() {
        let plain: Vec<_> = events.iter().filter(|kept| kept.pbx == *pbx).collect();
        let of_leg: Vec<_> = plain.iter().map(|kept| &kept.event).collect();
        if let (Some(first), Some(leg)) = (plain.first(), rules::open_leg(&of_leg)) {
            open.push((first.seq, leg));
        }
    }
    open.sort_by_key(|(seq, _)| *seq);
    Ok(open.into_iter().map(|(_, leg)| leg).collect())
}

async fn notes(client: &Client, named: &str) -> Result<Vec<Note>, Fault> {
    let select = "SELECT channel, kept FROM note WHERE pbx = $1 ORDER BY channel";
    let rows = client.query(select, &[&named]).await?;
    let note = |row: &tokio_postgres::Row| {
        Ok(Note { channel: Arc::from(row.get::<_, String>(0)), kept: Some(note::read(row.get(1))?) })
    };
    rows.iter().map(note).collect()
}
