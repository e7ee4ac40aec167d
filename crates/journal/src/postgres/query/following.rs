//! What is read of parts whoever has them: an account's events in each part's own order, and its open legs.

use std::collections::HashMap;
use std::sync::Arc;

use calls::AccountId;
use tokio_postgres::Client;

use super::super::column::plain;
use super::super::errors::Fault;
use super::events::of_legs;
use super::rows::{COLUMNS, kept};
use crate::journal::woven;
use crate::record::note;
use crate::rules::{self, channel_of};
use crate::{EventSeq, FOLLOWED_AT_ONCE, Kept, Open};

/// So many open legs of an account are read.
const OPEN: i64 = 20_000;

/// What follows these places, each part's from the index of the account's places.
pub(in super::super) async fn followed(
    client: &Client,
    account: &AccountId,
    after: &[EventSeq],
) -> Result<Vec<Arc<Kept>>, Fault> {
    let (parts, places): (Vec<i32>, Vec<i64>) =
        after.iter().map(|seq| (i32::from(seq.part().0), seq.0)).unzip();
    let select = format!(
        "SELECT {COLUMNS} FROM (
             SELECT l.part, coalesce(p.place, (l.part::bigint << 48) - 1) AS place
             FROM lease l LEFT JOIN unnest($2::int[], $3::bigint[]) AS p(part, place) ON p.part = l.part
         ) AS x CROSS JOIN LATERAL (
             SELECT * FROM event
             WHERE account = $1 AND seq > x.place AND seq < ((x.part + 1)::bigint << 48)
             ORDER BY seq LIMIT {FOLLOWED_AT_ONCE}
         ) AS e"
    );
    let rows = client.query(&select, &[&plain(account.as_str()), &parts, &places]).await?;
    let found: Result<Vec<_>, Fault> = rows.iter().map(|row| kept(row).map(Arc::new)).collect();
    Ok(woven(found?))
}

pub(in super::super) async fn reached(client: &Client, account: &AccountId) -> Result<Vec<EventSeq>, Fault> {
    let select = "SELECT e.seq FROM lease l CROSS JOIN LATERAL (
            SELECT seq FROM event
            WHERE account = $1 AND seq >= (l.part::bigint << 48) AND seq < ((l.part + 1)::bigint << 48)
            ORDER BY seq DESC LIMIT 1
        ) AS e";
    let rows = client.query(select, &[&plain(account.as_str())]).await?;
    Ok(rows.iter().map(|row| EventSeq(row.get(0))).collect())
}

pub(in super::super) async fn open(client: &Client, accounts: &[AccountId]) -> Result<Vec<Open>, Fault> {
    let accounts: Vec<String> = accounts.iter().map(|account| plain(account.as_str())).collect();
    let select = "SELECT leg FROM leg WHERE account = ANY($1) AND ended IS NULL LIMIT $2";
    let rows = client.query(select, &[&accounts, &OPEN]).await?;
    let legs: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let mut open = Vec::with_capacity(legs.len());
    for events in of_legs(client, &legs).await?.into_values() {
        let of_leg: Vec<_> = events.iter().map(|kept| &kept.event).collect();
        if let (Some(first), Some(leg)) = (events.first(), rules::open_leg(&of_leg)) {
            open.push(Open { pbx: first.pbx.clone(), leg, note: None });
        }
    }
    let channel = |one: &Open| (plain(one.pbx.as_str()), plain(channel_of(&one.pbx, &one.leg.leg)));
    let (pbxs, channels): (Vec<_>, Vec<_>) = open.iter().map(channel).unzip();
    let select = "SELECT n.pbx, n.channel, n.kept FROM unnest($1::text[], $2::text[]) AS x(pbx, channel)
        JOIN note n ON n.pbx = x.pbx AND n.channel = x.channel";
    let mut notes = HashMap::new();
    for row in client.query(select, &[&pbxs, &channels]).await? {
        notes.insert((row.get::<_, String>(0), row.get::<_, String>(1)), note::read(row.get(2))?);
    }
    for one in &mut open {
        one.note = notes.remove(&channel(one));
    }
    Ok(open)
}
