//! Deliveries: as the schedule needs them at a start, and as people see them.

use std::collections::BTreeMap;

use calls::AccountId;
use tokio_postgres::{Client, Row};

use super::super::errors::Fault;
use super::super::when::{ENGINE_NOW, OwnClock};
use super::walk::{Only, Order, Walk};
use crate::record::Unreadable;
use crate::record::attempt;
use crate::record::event::kind_of;
use crate::rules;
use crate::settings::IntegrationId;
use crate::{
    Attempt, DeliveryId, DeliveryRecord, DeliveryState, EventSeq, Filter, Kept, LOADED_AT_ONCE, Part,
    Pending, Reason, WallTime,
};

fn integration(number: i32) -> IntegrationId {
    IntegrationId { number: number.cast_unsigned() }
}

pub(in super::super) async fn load(
    client: &Client,
    part: Part,
    after: Option<DeliveryId>,
    clock: &OwnClock,
) -> Result<Vec<Pending>, Fault> {
    let places = part.places();
    let (seq, number) =
        after.map_or((places.start, 0), |id| (id.event.0, id.integration.number.cast_signed()));
    let rows = client
        .query(
            &format!(
                "SELECT seq, integration, account, kind, lane, created_at, attempts, coalesce(due_at, created_at), held,
                     {ENGINE_NOW}
                 FROM pending WHERE (seq, integration) > ($1, $2) AND seq < $3 ORDER BY seq, integration LIMIT $4"
            ),
            &[&seq, &number, &places.end, &i64::try_from(LOADED_AT_ONCE).unwrap_or(i64::MAX)],
        )
        .await?;
    let now = rows.first().map_or(WallTime(0), |row| clock.store(WallTime(row.get(9))));
    rows.iter().map(|row| pending(row, now)).collect()
}

fn pending(row: &Row, now: WallTime) -> Result<Pending, Fault> {
    let (age, due_at_age) = rules::age(WallTime(row.get(5)), WallTime(row.get(7)), now);
    let kind = u8::try_from(row.get::<_, i16>(3)).ok().and_then(kind_of);
    Ok(Pending {
        id: DeliveryId { event: EventSeq(row.get(0)), integration: integration(row.get(1)) },
        account: AccountId::new(row.get::<_, String>(2)),
        kind: kind.ok_or_else(|| Unreadable { what: "delivery", why: "there is no such kind".to_owned() })?,
        call_hash: row.get::<_, i64>(4).cast_unsigned(),
        age,
        attempts: attempts(row.get(6)),
        due_at_age,
        held: row.get(8),
    })
}

fn attempts(number: i32) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// Where a delivery stands.
struct Stand {
    state: DeliveryState,
    attempts: u16,
    last: String,
    updated_at: WallTime,
}

/// By event, and by integration.
type Stands = BTreeMap<EventSeq, BTreeMap<IntegrationId, Stand>>;

pub(in super::super) async fn list(
    client: &Client,
    filter: &Filter,
    order: Order,
) -> Result<Vec<DeliveryRecord>, Fault> {
    let limit = filter.bounded_limit();
    let only = if filter.accepts_state(&DeliveryState::Delivered) { Only::All } else { Only::Undelivered };
    let (mut walk, mut found) = (Walk::of(filter, only, order), Vec::new());
    while let Some(page) = walk.next(client).await? {
        let mut stands = of_events(client, &page, only == Only::All).await?;
        for kept in page {
            let of_event = stands.remove(&kept.seq).unwrap_or_default().into_iter();
            let wanted = of_event.filter(|(_, stand)| filter.accepts_state(&stand.state));
            found.extend(wanted.map(|(integration, stand)| record(&kept, integration, stand)));
            if found.len() >= limit {
                return Ok(found);
            }
        }
    }
    Ok(found)
}

fn record(kept: &Kept, integration: IntegrationId, stand: Stand) -> DeliveryRecord {
    let id = DeliveryId { event: kept.seq, integration };
    let Stand { state, attempts, last, updated_at } = stand;
    DeliveryRecord { id, event: kept.clone(), state, attempts, last: Reason::from_kept(&last), updated_at }
}

/// The deliveries of some events. What is pending is so whatever it was before; what was given up came last.
async fn of_events(client: &Client, events: &[Kept], delivered_too: bool) -> Result<Stands, Fault> {
    let places: Vec<i64> = events.iter().map(|kept| kept.seq.0).collect();
    let mut stands = Stands::new();
    let mut put = |row: &Row, stand: Stand| {
        stands.entry(EventSeq(row.get(0))).or_default().insert(integration(row.get(1)), stand);
    };
    if delivered_too {
        let select = "SELECT DISTINCT ON (seq, integration) seq, integration, number, last, at FROM attempt
            WHERE seq = ANY($1) AND delivered ORDER BY seq, integration, number DESC";
        for row in client.query(select, &[&places]).await? {
            let stand = Stand {
                state: DeliveryState::Delivered,
                attempts: attempts(row.get(2)),
                last: row.get(3),
                updated_at: WallTime(row.get(4)),
            };
            put(&row, stand);
        }
    }
    let select =
        "SELECT seq, integration, attempts, last, updated_at, state FROM given_up WHERE seq = ANY($1)";
    for row in client.query(select, &[&places]).await? {
        let state = match row.get::<_, i16>(5) {
            1 => DeliveryState::Expired,
            2 => DeliveryState::Failed,
            3 => DeliveryState::Cancelled,
            state => return Err(Fault::Damaged(format!("there is no state {state} of a delivery"))),
        };
        let stand = Stand {
            state,
            attempts: attempts(row.get(2)),
            last: row.get(3),
            updated_at: WallTime(row.get(4)),
        };
        put(&row, stand);
    }
    let select = "SELECT seq, integration, attempts, last, coalesce(updated_at, created_at),
        coalesce(due_at, created_at), held FROM pending WHERE seq = ANY($1)";
    for row in client.query(select, &[&places]).await? {
        let attempts = attempts(row.get(2));
        let stand = Stand {
            state: rules::pending_state(row.get(6), attempts, WallTime(row.get(5))),
            attempts,
            last: row.get(3),
            updated_at: WallTime(row.get(4)),
        };
        put(&row, stand);
    }
    Ok(stands)
}

pub(in super::super) async fn attempts_of(client: &Client, id: DeliveryId) -> Result<Vec<Attempt>, Fault> {
    let select = "SELECT number, detail FROM attempt
        WHERE seq = $1 AND integration = $2 AND detail IS NOT NULL ORDER BY number";
    let rows = client.query(select, &[&id.event.0, &id.integration.number.cast_signed()]).await?;
    let read = |row: &Row| Ok(attempt::read(attempts(row.get(0)), row.get(1))?);
    rows.iter().map(read).collect()
}
