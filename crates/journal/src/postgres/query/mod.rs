//! Questions to the store. A reader's connection is one of a few; each question has its own snapshot.

pub(super) mod deliveries;
pub(super) mod events;
pub(super) mod following;
pub(super) mod legs;
mod rows;
pub(super) mod sums;
pub(super) mod walk;

use tokio_postgres::Client;

use super::errors::Fault;
use crate::{Size, WallTime};
use walk::Order;

pub(super) async fn size(client: &Client) -> Result<Size, Fault> {
    let row = client
        .query_one(
            "SELECT pg_database_size(current_database()), sum(events)::int8, sum(pending)::int8 FROM tally",
            &[],
        )
        .await?;
    let count =
        |at: usize| row.get::<_, Option<i64>>(at).map_or(0, |count| u64::try_from(count).unwrap_or(0));
    Ok(Size { bytes: count(0), used: count(0), events: count(1), pending: count(2), not_rolled_up: 0 })
}

pub(super) async fn newest_event_at(client: &Client, order: Order) -> Result<Option<WallTime>, Fault> {
    let order = order.columns(false);
    let select = format!("SELECT e.received_at FROM event e ORDER BY {order} LIMIT 1");
    let row = client.query_opt(&select, &[]).await?;
    Ok(row.map(|row| WallTime(row.get(0))))
}
