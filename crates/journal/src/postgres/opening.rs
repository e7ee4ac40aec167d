//! The first connection: looks at the engine, makes or checks the store.

use std::time::Duration;

use tokio::time::timeout;

use super::errors::Fault;
use super::link::{Link, Use};
use super::schema::{self, Purpose};
use super::target::Target;
use crate::JournalError;
use crate::seal::Sealer;

/// How long it may take to reach it; then making the store, and waiting for who makes it.
const REACHED: Duration = Duration::from_secs(10);

/// Whether several gateways share it. Whoever opened it makes connections of his own.
pub(super) async fn open(
    target: &Target,
    sealer: &Sealer,
    allow_unreplicated: bool,
    purpose: Purpose,
) -> Result<bool, JournalError> {
    let place = target.place();
    let reached = timeout(REACHED, Link::make(target, Use::Upkeep)).await;
    let reached = reached.unwrap_or_else(|_| {
        Err(Fault::Undone(format!("it cannot be reached within {} seconds", REACHED.as_secs())))
    });
    let mut link = reached.map_err(|fault| fault.at(place))?;
    schema::check_engine(&link.client, place, allow_unreplicated).await?;
    schema::migrate(&mut link.client, place, sealer, purpose).await
}
