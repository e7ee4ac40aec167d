//! The inboxes of parts: a row a wish, until a minute after it was answered.

use tokio_postgres::{Client, Transaction};

use super::errors::Fault;
use super::lease::CHANNEL;
use crate::record::wish::{self, FACTS};
use crate::{Answer, Asked, FACTS_OF_A_PART, Part, WISHES_OF_A_PART, Wish, WishId};

/// So many are brought at a time: one may be of a thousand events.
const AT_ONCE: i64 = 16;

/// What waits already, or room for it; of two who ask for the same at once one finds neither, and looks again.
const ASK: &str = "
    WITH there AS (
        SELECT id FROM inbox
        WHERE part = $1 AND verb = $2 AND sha256(payload) = sha256($3) AND answer IS NULL
    ), waits AS (
        SELECT count(*) AS many FROM inbox WHERE part = $1 AND answer IS NULL AND (verb >= $6) = ($2 >= $6)
    ), put AS (
        INSERT INTO inbox (part, verb, payload) SELECT $1::int, $2::smallint, $3::bytea FROM waits
        WHERE many < $4 AND NOT EXISTS (SELECT FROM there)
        ON CONFLICT DO NOTHING RETURNING id
    )
    SELECT id, many < $4, pg_notify($5, '') FROM waits LEFT JOIN (TABLE there UNION ALL TABLE put) AS x ON true";

/// How often that can happen before something else is wrong.
const LOOKS: usize = 5;

/// Asks whoever has a part.
pub(super) async fn ask(client: &Client, part: Part, wish: &Wish) -> Result<Asked, Fault> {
    let (verb, payload) = wish::write(wish);
    let most = if wish.is_a_persons() { WISHES_OF_A_PART } else { FACTS_OF_A_PART };
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    for _ in 0..LOOKS {
        let row =
            client.query_one(ASK, &[&i32::from(part.0), &verb, &payload, &most, &CHANNEL, &FACTS]).await?;
        match (row.get::<_, Option<i64>>(0), row.get(1)) {
            (Some(id), _) => return Ok(Asked::Waits(WishId(id))),
            (None, false) => return Ok(Asked::Full),
            (None, true) => {}
        }
    }
    Err(Fault::Undone("others ask for the same all the time".to_owned()))
}

/// The parts that there are.
pub(super) async fn parts(client: &Client, but: &[Part]) -> Result<Vec<Part>, Fault> {
    let but: Vec<i32> = but.iter().map(|part| part.0.into()).collect();
    let rows = client.query("SELECT part FROM lease WHERE part <> ALL($1) ORDER BY part", &[&but]).await?;
    Ok(rows.iter().filter_map(|row| row.get::<_, i32>(0).try_into().ok().map(Part)).collect())
}

/// What waits for a part's owner; a newer program's wish waits for one that knows it.
pub(super) async fn asked(
    client: &Client,
    part: Part,
    after: Option<WishId>,
) -> Result<Vec<(WishId, Wish)>, Fault> {
    let mut after = after.map_or(0, |WishId(id)| id);
    loop {
        let rows = client
            .query(
                "SELECT id, verb, payload FROM inbox WHERE part = $1 AND answer IS NULL AND id > $2
                 ORDER BY id LIMIT $3",
                &[&i32::from(part.0), &after, &AT_ONCE],
            )
            .await?;
        let Some(last) = rows.last() else { return Ok(Vec::new()) };
        after = last.get(0);
        let known = rows
            .iter()
            .filter_map(|row| Some((WishId(row.get(0)), wish::read(row.get(1), row.get::<_, &[u8]>(2))?)));
        let known: Vec<_> = known.collect();
        if !known.is_empty() {
            return Ok(known);
        }
    }
}

/// Says what became of one, in a transaction that holds the part; what was answered long ago goes.
pub(super) async fn answer(
    transaction: &Transaction<'_>,
    part: Part,
    WishId(id): WishId,
    answer: &Answer,
) -> Result<(), Fault> {
    let text = wish::write_answer(answer);
    transaction
        .execute(
            "UPDATE inbox SET answer = $3, answered_at = now() WHERE id = $1 AND part = $2 AND answer IS NULL",
            &[&id, &i32::from(part.0), &text],
        )
        .await?;
    transaction.execute("DELETE FROM inbox WHERE answered_at < now() - interval '1 minute'", &[]).await?;
    Ok(())
}

/// What became of one.
pub(super) async fn answered(client: &Client, WishId(id): WishId) -> Result<Option<Answer>, Fault> {
    let row = client.query_opt("SELECT answer FROM inbox WHERE id = $1", &[&id]).await?;
    Ok(row.and_then(|row| row.get::<_, Option<&str>>(0).map(wish::read_answer)))
}
