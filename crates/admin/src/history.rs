//! What happened, for those who may see the account it happened to.

use std::ops::Range;
use std::sync::Arc;

use calls::PbxTime;
use journal::{AccountSettings, Filter, Kept, LegRecord, Quarter, Recent, Size, Sums};

use crate::admin::Admin;
use crate::stream::{EventStream, Position};
use crate::{Actor, Refusal};

impl Admin {
    /// The legs of an account, newest first.
    pub async fn legs(
        &self,
        actor: &Actor,
        account: &str,
        filter: Filter,
    ) -> Result<Vec<LegRecord>, Refusal> {
        let account = self.reads(actor, account)?;
        Ok(self.journal.legs(Filter { account: Some(account.id.clone()), ..filter }).await?)
    }

    /// The events of an account.
    pub async fn events(
        &self,
        actor: &Actor,
        account: &str,
        filter: Filter,
    ) -> Result<Vec<Arc<Kept>>, Refusal> {
        let account = self.reads(actor, account)?;
        Ok(self.journal.events(Filter { account: Some(account.id.clone()), ..filter }).await?)
    }

    /// The events of an account as they become readable, after a position; without one, from now on.
    pub async fn follow(
        &self,
        actor: &Actor,
        account: &str,
        after: Option<Position>,
    ) -> Result<EventStream, Refusal> {
        let account = self.reads(actor, account)?;
        let (journal, changes) = (self.journal.clone(), self.gateway.changes());
        EventStream::begin(&self.streams, journal, changes, &account.id, after).await
    }

    /// What an account's people did in a time, summed up.
    pub async fn sums(&self, actor: &Actor, account: &str, within: Range<PbxTime>) -> Result<Sums, Refusal> {
        let account = self.reads(actor, account)?;
        Ok(self.journal.sums(account.id.clone(), within).await?)
    }

    /// Of each of these accounts, in their order, what its calls come to that began since a moment, to the quarter of an
    /// hour. Who has accounts' settings was let see them.
    pub async fn recent(
        &self,
        accounts: &[Arc<AccountSettings>],
        since: impl Fn(&AccountSettings) -> PbxTime,
    ) -> Result<Vec<Recent>, Refusal> {
        let of = accounts.iter().map(|one| (one.id.clone(), Quarter::of(since(one))));
        Ok(self.journal.recent(of.collect()).await?)
    }

    /// How much is kept.
    pub async fn size(&self, actor: &Actor) -> Result<Size, Refusal> {
        Self::operates(actor)?;
        Ok(self.journal.size().await?)
    }
}
