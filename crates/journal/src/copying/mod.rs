//! A store's content brought into another store, whichever two they are: everything is told to the new one by the same
//! verbs by which the old one was told. So this knows no tables, and what comes of it is what the suite holds.
//!
//! Places and versions of settings are counted anew: no receiver ever saw one. Ids of events are the same.

mod counted;
mod events;
mod steps;
mod then;
mod told;
mod weaving;

use calls::PbxName;

use crate::settings::Versioned;
use crate::{AuditEntry, AuditFilter, Grant, Journal, JournalError, Put, WallTime};

pub use counted::{Counted, count};
use events::Copying;
pub use then::Then;
pub use told::{CopyError, Progress};

/// So many entries of the audit log are written at once.
const NOTED_AT_ONCE: usize = 500;

/// Copies everything from a store that nobody writes into one that is empty, and counts both sides. `to` was opened
/// with the clock of `then`; what is kept of the PBXs named here is copied also where none of their events is kept. Of a store
/// that has parts all are shown that they are whoever copies' own, and it lists by places.
///
/// # Errors
/// [`CopyError`]; then what is in the new store is of no use.
pub async fn copy(
    from: &dyn Journal,
    to: &dyn Journal,
    then: &Then,
    grants: &[Grant],
    pbxs: &[PbxName],
    tell: &mut (dyn FnMut(Progress) + Send),
) -> Result<Counted, CopyError> {
    if count(to).await? != Counted::default() {
        return Err(CopyError::NotEmpty);
    }
    settings(from, to, then).await?;
    let mut copying = Copying::of(from, to, then, grants).await?;
    for pbx in pbxs {
        copying.heard(pbx).await?;
    }
    copying.events(tell).await?;
    copying.notes().await?;
    to.note_failing(from.failing().await?).await?;
    audit(from, to).await?;
    let (old, new) = (count(from).await?, count(to).await?);
    if old == new { Ok(new) } else { Err(CopyError::Differs { from: old, to: new }) }
}

/// In the order in which they were made; those of one moment together.
async fn settings(from: &dyn Journal, to: &dyn Journal, then: &Then) -> Result<(), JournalError> {
    let mut all = from.settings().await?;
    all.sort_by_key(|setting| setting.version);
    for of_one_moment in all.chunk_by(|one, next| one.changed_at == next.changed_at) {
        then.set(of_one_moment.first().map_or(WallTime::default(), |setting| setting.changed_at));
        let put = |Versioned { key, value, .. }: &Versioned| Put {
            key: key.clone(),
            value: Some(value.clone()),
            expected: None,
        };
        to.put_all(of_one_moment.iter().map(put).collect(), Vec::new()).await?;
    }
    // No number is given again.
    let next = from.allocate_integration().await?;
    while to.allocate_integration().await?.number < next.number {}
    Ok(())
}

/// Oldest first.
async fn audit(from: &dyn Journal, to: &dyn Journal) -> Result<(), JournalError> {
    let (mut all, mut filter): (Vec<AuditEntry>, _) = (Vec::new(), AuditFilter::default());
    loop {
        let page = from.audit(filter.clone()).await?;
        all.extend(page.entries);
        filter.after = page.next;
        if filter.after.is_none() {
            break;
        }
    }
    all.reverse();
    for some in all.chunks(NOTED_AT_ONCE) {
        to.note_done(some.to_vec()).await?;
    }
    Ok(())
}
