//! The format of the store on the engine, and whether this engine can have it.

use tokio_postgres::{Client, Transaction};

use super::errors::Fault;
use crate::JournalError;
use crate::seal::Sealer;
use crate::settings::Secret;

/// The newest format this program knows: that of a store which several gateways share.
pub(super) const FORMAT: u32 = SHARED;
/// That of a store which one gateway has at a time.
const ALONE: u32 = 1;
const SHARED: u32 = 2;
const FORMAT_1: &str = include_str!("format_1.sql");
const FORMAT_2: &str = include_str!("format_2.sql");
/// What was added to a store without changing what older programs do with it.
const ADDED: &str = include_str!("hold.sql");
/// The same, to one that is shared, one after the other.
const LINKS: &str = include_str!("links.sql");
const STREAKS: &str = include_str!("streaks.sql");
const LISTENING: &str = include_str!("listening.sql");
const IS_SHARED: &str =
    "several gateways share it, each with PBXs of its own, and no gateway can have it for itself any more";
/// The oldest engine.
const OLDEST: i32 = 15;
/// Who makes or widens the store keeps others waiting by this.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7, -1)";
const HALF_FILLED: &str =
    "a store was being copied into it, and that was not finished. `ringbud journal copy` begins it anew";
const NOT_EMPTY: &str = "there is a store in it already, and it is not overwritten. Name another database, or remove what is in this one (DROP SCHEMA ringbud CASCADE)";
const SEAL_PLACE: &str = "seal";
const SEALED_WORDS: &str = "ringbud";

/// Refuses an engine that would not keep what it was given.
pub(super) async fn check_engine(
    client: &Client,
    place: &str,
    allow_unreplicated: bool,
) -> Result<(), JournalError> {
    let unfit = |why: String| JournalError::Unfit { place: place.to_owned(), why };
    let row = client
        .query_one(
            "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),
             current_setting('synchronous_standby_names'), current_setting('synchronous_commit')",
            &[],
        )
        .await
        .map_err(|error| Fault::from(error).of_reading(place))?;
    let (version, encoding): (i32, String) = (row.get(0), row.get(1));
    let (standbys, commit): (String, String) = (row.get(2), row.get(3));
    if version / 10_000 < OLDEST {
        return Err(unfit(format!("it is PostgreSQL {}; expected {OLDEST} or newer", version / 10_000)));
    }
    if encoding != "UTF8" {
        return Err(unfit(format!("its encoding is {encoding}; make it with the encoding UTF8")));
    }
    if allow_unreplicated {
        return Ok(());
    }
    if standbys.trim().is_empty() {
        return Err(unfit(
            "synchronous_standby_names is empty, so what was kept would be lost with this server. Name standbys, as in ANY 1 (s1, s2), or say allow_unreplicated = true in [journal] if the service replicates below PostgreSQL or one server is enough"
                .to_owned(),
        ));
    }
    if !["on", "remote_apply"].contains(&commit.as_str()) {
        return Err(unfit(format!(
            "synchronous_commit is {commit}, so a commit would not wait for a standby's disk. Set it to on for this database, or say allow_unreplicated = true in [journal]"
        )));
    }
    Ok(())
}

/// What a store is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To have all of it, as its one gateway.
    Work,
    /// To be one of the gateways that share it.
    Share,
    /// To look at it, or to set something, beside its gateways.
    Beside,
    /// To have another store's content brought into it.
    Fill,
}

/// Makes the store where there is none; refuses one that is newer or has another key, and one that was filled by half.
/// Whether several gateways share it.
pub(super) async fn migrate(
    client: &mut Client,
    place: &str,
    sealer: &Sealer,
    purpose: Purpose,
) -> Result<bool, JournalError> {
    let at = |fault: Fault| fault.at(place);
    let unfit = |why: &str| JournalError::Unfit { place: place.to_owned(), why: why.to_owned() };
    let failed = |error: tokio_postgres::Error| Fault::from(error).at(place);
    let transaction = client.transaction().await.map_err(failed)?;
    transaction.batch_execute(LOCK).await.map_err(failed)?;
    let found = format_of(&transaction).await.map_err(at)?;
    match found {
        Some(found) if found > FORMAT => {
            return Err(JournalError::Newer { place: place.to_owned(), found, known: FORMAT });
        }
        Some(_) if is_half_filled(&transaction).await.map_err(at)? => {
            if purpose != Purpose::Fill {
                return Err(unfit(HALF_FILLED));
            }
            transaction.batch_execute("DROP SCHEMA ringbud CASCADE").await.map_err(failed)?;
            make(&transaction, sealer).await.map_err(at)?;
        }
        Some(SHARED) if matches!(purpose, Purpose::Work | Purpose::Fill) => return Err(unfit(IS_SHARED)),
        Some(_) => check_key(&transaction, sealer).await.map_err(at)?,
        None => make(&transaction, sealer).await.map_err(at)?,
    }
    if purpose == Purpose::Fill {
        if !is_empty(&transaction).await.map_err(at)? {
            return Err(unfit(NOT_EMPTY));
        }
        let mark = "INSERT INTO ringbud.meta (name) VALUES ('filling') ON CONFLICT DO NOTHING";
        transaction.execute(mark, &[]).await.map_err(failed)?;
    }
    add(&transaction).await.map_err(at)?;
    if found == Some(SHARED) {
        add_to_shared(&transaction).await.map_err(at)?;
    }
    transaction.commit().await.map_err(failed)?;
    Ok(found == Some(SHARED))
}

async fn add(transaction: &Transaction<'_>) -> Result<(), Fault> {
    let select = "SELECT to_regprocedure('ringbud.hold(int[], int[])') IS NULL";
    if transaction.query_one(select, &[]).await?.get(0) {
        transaction.batch_execute("SET LOCAL search_path = ringbud").await?;
        transaction.batch_execute(ADDED).await?;
    }
    Ok(())
}

async fn add_to_shared(transaction: &Transaction<'_>) -> Result<(), Fault> {
    let select = "SELECT EXISTS (SELECT FROM pg_attribute
        WHERE attrelid = ('ringbud.' || $1::text)::regclass AND attname = $2::text AND NOT attisdropped)";
    let all = [
        ("gateway", "linked", LINKS),
        ("failing", "streak", STREAKS),
        ("gateway", "linked_since", LISTENING),
    ];
    for (table, column, added) in all {
        if !transaction.query_one(select, &[&table, &column]).await?.get::<_, bool>(0) {
            transaction.batch_execute("SET LOCAL search_path = ringbud").await?;
            transaction.batch_execute(added).await?;
        }
    }
    Ok(())
}

/// Makes a store of one gateway one that several share, under that gateway's epoch.
pub(super) async fn share(transaction: &Transaction<'_>) -> Result<(), Fault> {
    transaction.batch_execute("SET LOCAL search_path = ringbud, pg_temp").await?;
    transaction.batch_execute(FORMAT_2).await?;
    add_to_shared(transaction).await
}

/// Everything another store has is in it now.
pub(super) async fn is_filled(client: &Client) -> Result<(), Fault> {
    client.execute("DELETE FROM ringbud.meta WHERE name = 'filling'", &[]).await?;
    Ok(())
}

async fn is_half_filled(transaction: &Transaction<'_>) -> Result<bool, Fault> {
    let select = "SELECT EXISTS (SELECT FROM ringbud.meta WHERE name = 'filling')";
    Ok(transaction.query_one(select, &[]).await?.get(0))
}

async fn is_empty(transaction: &Transaction<'_>) -> Result<bool, Fault> {
    let select = "SELECT NOT EXISTS (SELECT FROM ringbud.event) AND NOT EXISTS (SELECT FROM ringbud.setting)
        AND NOT EXISTS (SELECT FROM ringbud.audit)";
    Ok(transaction.query_one(select, &[]).await?.get(0))
}

/// `None`: there is no store.
async fn format_of(transaction: &Transaction<'_>) -> Result<Option<u32>, Fault> {
    let row = transaction.query_one("SELECT to_regclass('ringbud.meta') IS NOT NULL", &[]).await?;
    if !row.get::<_, bool>(0) {
        return Ok(None);
    }
    let row = transaction.query_opt("SELECT value FROM ringbud.meta WHERE name = 'format'", &[]).await?;
    let Some(row) = row else { return Err(Fault::Damaged("its format is missing".to_owned())) };
    Ok(Some(u32::try_from(row.get::<_, i64>(0)).unwrap_or(u32::MAX)))
}

async fn make(transaction: &Transaction<'_>, sealer: &Sealer) -> Result<(), Fault> {
    transaction.batch_execute("CREATE SCHEMA IF NOT EXISTS ringbud; SET LOCAL search_path = ringbud").await?;
    transaction.batch_execute(FORMAT_1).await?;
    let sealed = sealer.seal(SEAL_PLACE, &Secret::new(SEALED_WORDS));
    transaction
        .execute("INSERT INTO meta VALUES ('format', $1, ''), ('seal', 0, $2)", &[&i64::from(ALONE), &sealed])
        .await?;
    Ok(())
}

/// What a store is known by: no two have the same, and it stays.
pub(super) async fn seal(client: &Client) -> Result<String, Fault> {
    let row = client.query_opt("SELECT words FROM ringbud.meta WHERE name = 'seal'", &[]).await?;
    row.map(|row| row.get(0)).ok_or_else(|| Fault::Damaged("its seal is missing".to_owned()))
}

async fn check_key(transaction: &Transaction<'_>, sealer: &Sealer) -> Result<(), Fault> {
    let row = transaction.query_opt("SELECT words FROM ringbud.meta WHERE name = 'seal'", &[]).await?;
    let Some(row) = row else { return Err(Fault::Damaged("its seal is missing".to_owned())) };
    sealer.open(SEAL_PLACE, row.get(0)).map(drop).map_err(|_| Fault::WrongKey)
}
