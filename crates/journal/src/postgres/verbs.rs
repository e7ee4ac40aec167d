//! The traits' verbs, each handed to whoever does it.

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use calls::{AccountId, EventId, PbxName, PbxTime, Restored};
use tokio_postgres::Client;

use super::moment::Moment;
use super::settle::Row;
use super::{Postgres, audit, failing, inbox, query, settings, upkeep, when};
use crate::settings::{IntegrationId, Versioned};
use crate::{
    About, Answer, Append, Appended, Asked, Attempt, AuditEntry, AuditFilter, AuditPage, Cursor, DeliveryId,
    DeliveryRecord, Epoch, Erase, Erased, EventSeq, Failing, Filter, Fleet, Given, Grant, Kept, LegRecord,
    Open, Part, Pending, Put, Quarter, Recent, Reply, SettingChange, Settle, Settled, Size, Sums, Taken,
    WallTime, Wish, WishId,
};

/// Asks a reader's connection.
macro_rules! ask {
    ($self:ident, |$client:ident| $question:expr) => {
        Box::pin(async move {
            let object = $self.reader().await?;
            let $client: &Client = &object;
            $self.told($question.await)
        })
    };
}

impl crate::Events for Postgres {
    fn append<'a>(&'a self, batch: &'a [Append]) -> Reply<'a, Vec<Vec<Appended>>> {
        Box::pin(async move {
            let moment = |append: &Append| Moment::of(append, self.clock.ago(append.age));
            let moments = batch.iter().map(moment).collect();
            self.gateway()?.events.write(moments, &self.place).await
        })
    }

    fn restore(&self, pbx: PbxName) -> Reply<'_, Restored> {
        ask!(self, |client| query::legs::restore(client, &pbx))
    }

    fn bodies(&self, events: Vec<EventSeq>) -> Reply<'_, Vec<Arc<Kept>>> {
        Box::pin(async move {
            let (spooled, rest) = self.spooled_of(events).await?;
            if rest.is_empty() {
                return Ok(spooled);
            }
            let object = self.reader().await?;
            let mut found = self.told(query::events::bodies(&object, &rest).await)?;
            found.extend(spooled);
            Ok(found)
        })
    }

    fn find(&self, id: EventId) -> Reply<'_, Option<Arc<Kept>>> {
        ask!(self, |client| query::events::find(client, &id))
    }
}

impl crate::Deliveries for Postgres {
    fn load(&self, grant: Grant, after: Option<DeliveryId>) -> Reply<'_, Vec<Pending>> {
        ask!(self, |client| query::deliveries::load(client, grant.part(), after, &self.clock))
    }

    fn settle<'a>(&'a self, batch: &'a [Settle]) -> Reply<'a, Vec<Settled>> {
        let rows = batch.iter().map(|settle| Row::of(settle, &self.clock)).collect();
        Box::pin(async move { self.gateway()?.outcomes.write(rows, &self.place).await })
    }
}

impl crate::Parts for Postgres {
    fn tick<'a>(&'a self, about: &'a About) -> Reply<'a, Fleet> {
        Box::pin(self.ticks(about))
    }

    fn take(&self, pbx: PbxName, seen: Option<Epoch>, careful: Duration) -> Reply<'_, Option<Taken>> {
        Box::pin(self.takes(pbx, seen, careful))
    }

    fn release(&self, grant: Grant, why: Given) -> Reply<'_, ()> {
        Box::pin(self.gives_back(grant, why))
    }

    fn leave(&self) -> Reply<'_, ()> {
        Box::pin(Self::release(self))
    }

    fn now(&self) -> Reply<'_, WallTime> {
        ask!(self, |client| async { when::engine_now(client).await.map(|now| self.clock.store(now)) })
    }

    fn ask(&self, part: Part, wish: Wish) -> Reply<'_, Asked> {
        Box::pin(async move { self.asks(part, &wish).await })
    }

    fn ask_all(&self, but: Vec<Part>, wish: Wish) -> Reply<'_, Vec<Asked>> {
        Box::pin(async move { self.asks_all(&but, &wish).await })
    }

    fn asked(&self, grant: Grant, after: Option<WishId>) -> Reply<'_, Vec<(WishId, Wish)>> {
        Box::pin(async move {
            if !self.is_shared {
                return Ok(Vec::new());
            }
            let object = self.reader().await?;
            self.told(inbox::asked(&object, grant.part(), after).await)
        })
    }

    fn answer(&self, grant: Grant, wish: WishId, answer: Answer) -> Reply<'_, ()> {
        Box::pin(async move { self.answers(grant, wish, &answer).await })
    }

    fn answered(&self, wish: WishId) -> Reply<'_, Option<Answer>> {
        ask!(self, |client| inbox::answered(client, wish))
    }

    fn woken(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.is_woken())
    }
}

impl crate::Settings for Postgres {
    fn settings(&self) -> Reply<'_, Vec<Versioned>> {
        ask!(self, |client| settings::all(client, &self.sealer))
    }

    fn put_all(&self, puts: Vec<Put>, noted: Vec<AuditEntry>) -> Reply<'_, Vec<u64>> {
        let change = settings::Change { puts, noted, at: self.clock.wall() };
        let sealer = self.sealer.clone();
        Box::pin(async move {
            self.once(async |held| settings::put(&mut held.link.client, &sealer, &change).await).await?
        })
    }

    fn settings_revision(&self) -> Reply<'_, u64> {
        ask!(self, |client| settings::revision(client))
    }

    fn settings_since(&self, revision: u64) -> Reply<'_, Vec<SettingChange>> {
        ask!(self, |client| settings::since(client, &self.sealer, revision))
    }

    fn allocate_integration(&self) -> Reply<'_, IntegrationId> {
        Box::pin(self.once(async |held| settings::allocate(&held.link.client).await))
    }
}

impl crate::History for Postgres {
    fn events(&self, filter: Filter) -> Reply<'_, Vec<Arc<Kept>>> {
        ask!(self, |client| query::events::list(client, &filter, self.order()))
    }

    fn legs(&self, filter: Filter) -> Reply<'_, Vec<LegRecord>> {
        ask!(self, |client| query::legs::list(client, &filter, self.order()))
    }

    fn sums(&self, account: AccountId, within: Range<PbxTime>) -> Reply<'_, Sums> {
        ask!(self, |client| query::sums::of(client, &account, &within))
    }

    fn recent(&self, of: Vec<(AccountId, Quarter)>) -> Reply<'_, Vec<Recent>> {
        ask!(self, |client| query::sums::recent(client, &of, self.order()))
    }

    fn deliveries(&self, filter: Filter) -> Reply<'_, Vec<DeliveryRecord>> {
        ask!(self, |client| query::deliveries::list(client, &filter, self.order()))
    }

    fn attempts(&self, id: DeliveryId) -> Reply<'_, Vec<Attempt>> {
        ask!(self, |client| query::deliveries::attempts_of(client, id))
    }

    fn followed(&self, account: AccountId, after: Vec<EventSeq>) -> Reply<'_, Option<Vec<Arc<Kept>>>> {
        Box::pin(async move {
            if !self.is_shared {
                return Ok(None);
            }
            let object = self.reader().await?;
            self.told(query::following::followed(&object, &account, &after).await).map(Some)
        })
    }

    fn reached(&self, account: AccountId) -> Reply<'_, Vec<EventSeq>> {
        ask!(self, |client| query::following::reached(client, &account))
    }

    fn open(&self, accounts: Vec<AccountId>) -> Reply<'_, Vec<Open>> {
        ask!(self, |client| query::following::open(client, &accounts))
    }
}

impl crate::Upkeep for Postgres {
    fn prune(&self, account: Option<AccountId>, before: WallTime) -> Reply<'_, u64> {
        Box::pin(async move {
            let ours = self.held()?;
            self.once(async |held| {
                upkeep::prune(&mut held.link.client, &ours, account.as_ref(), before).await
            })
            .await
        })
    }

    fn erase(&self, account: AccountId, whose: Erase, after: Cursor) -> Reply<'_, Erased> {
        Box::pin(async move {
            let ours = self.held()?;
            self.once(async |held| {
                upkeep::erase(&mut held.link.client, &ours, self.order(), account, &whose, after).await
            })
            .await
        })
    }

    fn kept_within(&self, account: AccountId, bytes: u64) -> Reply<'_, Option<WallTime>> {
        ask!(self, |client| upkeep::kept_within(client, &account, bytes, self.order()))
    }

    fn failing(&self) -> Reply<'_, Vec<Failing>> {
        ask!(self, |client| failing::all(client, self.is_shared))
    }

    fn note_failing(&self, notes: Vec<Failing>) -> Reply<'_, ()> {
        Box::pin(async move {
            let ours = self.held()?;
            self.once(async |held| failing::note(&mut held.link.client, &ours, self.is_shared, &notes).await)
                .await
        })
    }

    fn end_failing(&self, note: Failing) -> Reply<'_, bool> {
        Box::pin(async move {
            if !self.is_shared {
                return Ok(true);
            }
            let (ours, me) = (self.held()?, &self.gateway()?.owned.me.id);
            self.once(async |held| failing::end(&mut held.link.client, &ours, me, &note).await).await
        })
    }

    fn size(&self) -> Reply<'_, Size> {
        ask!(self, |client| query::size(client))
    }

    fn newest_event_at(&self) -> Reply<'_, Option<WallTime>> {
        ask!(self, |client| query::newest_event_at(client, self.order()))
    }

    fn audit(&self, filter: AuditFilter) -> Reply<'_, AuditPage> {
        ask!(self, |client| audit::page(client, &filter))
    }

    fn prune_audit(&self, before: WallTime) -> Reply<'_, u64> {
        Box::pin(async move {
            let ours = self.held()?;
            self.once(async |held| {
                let transaction = upkeep::held(&mut held.link.client, &ours).await?;
                let gone = audit::prune(&transaction, before).await?;
                transaction.commit().await?;
                Ok(gone)
            })
            .await
        })
    }
}
