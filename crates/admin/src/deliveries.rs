//! Deliveries: what became of them, and taking a hand in them.

use calls::{AccountId, LegId};
use journal::settings::IntegrationId;
use journal::{Attempt, DeliveryId, DeliveryRecord, DeliveryState, EventSeq, Filter};

use crate::admin::Admin;
use crate::noted::Noted;
use crate::{Actor, AgainAll, Code, Granted, Refusal};

/// A delivery's name: the place of its event and the integration's number.
pub fn delivery_name(id: DeliveryId) -> String {
    format!("{}-{}", id.event.0, id.integration.number)
}

/// Reads a delivery's name.
fn delivery_id(name: &str) -> Option<DeliveryId> {
    let (event, number) = name.split_once('-')?;
    let integration = IntegrationId { number: number.parse().ok()? };
    Some(DeliveryId { event: EventSeq(event.parse().ok()?), integration })
}

impl Admin {
    /// Deliveries of an account with where they stand, newest first.
    pub async fn deliveries(
        &self,
        actor: &Actor,
        account: &str,
        filter: Filter,
    ) -> Result<Vec<DeliveryRecord>, Refusal> {
        let account = self.reads(actor, account)?;
        Ok(self.journal.deliveries(Filter { account: Some(account.id.clone()), ..filter }).await?)
    }

    /// A delivery with where it stands.
    pub async fn delivery(
        &self,
        actor: &Actor,
        account: &str,
        delivery: &str,
    ) -> Result<DeliveryRecord, Refusal> {
        let account = self.reads(actor, account)?;
        let (id, leg) = self.owned(&account.id, delivery).await?;
        let filter = Filter { account: Some(account.id.clone()), leg: Some(leg), ..Filter::default() };
        let found = self.journal.deliveries(filter).await?;
        found.into_iter().find(|one| one.id == id).ok_or_else(|| Refusal::new(Code::NoDelivery))
    }

    /// The attempts of a delivery, oldest first.
    pub async fn attempts(
        &self,
        actor: &Actor,
        account: &str,
        delivery: &str,
    ) -> Result<Vec<Attempt>, Refusal> {
        let account = self.reads(actor, account)?;
        Ok(self.journal.attempts(self.owned(&account.id, delivery).await?.0).await?)
    }

    /// Sends a delivery again, now.
    pub async fn send_again(&self, actor: &Actor, account: &str, delivery: &str) -> Result<Granted, Refusal> {
        let account = self.changes(actor, account)?;
        let granted = self.gateway.again(self.owned(&account.id, delivery).await?.0).await?;
        self.note(
            actor,
            Noted { what: "audit.again", account: account.id.as_str(), subject: delivery, detail: "" },
        )
        .await;
        Ok(granted)
    }

    /// Gives a waiting delivery up.
    pub async fn cancel_delivery(
        &self,
        actor: &Actor,
        account: &str,
        delivery: &str,
    ) -> Result<Granted, Refusal> {
        let account = self.changes(actor, account)?;
        let granted = self.gateway.cancel(self.owned(&account.id, delivery).await?.0).await?;
        self.note(
            actor,
            Noted { what: "audit.cancel", account: account.id.as_str(), subject: delivery, detail: "" },
        )
        .await;
        Ok(granted)
    }

    /// Sends what a filter finds again, oldest first: all of it, or the first `most`. What is refused stops nothing
    /// else. Where no state is asked for, what failed or expired.
    pub async fn send_all_again(
        &self,
        actor: &Actor,
        account: &str,
        filter: Filter,
        most: Option<usize>,
    ) -> Result<AgainAll, Refusal> {
        let account = self.changes(actor, account)?;
        let mut filter = Filter { account: Some(account.id.clone()), ..filter };
        if filter.states.is_empty() {
            filter.states = vec![DeliveryState::Failed, DeliveryState::Expired];
        }
        let all = self.gateway.again_all(filter, most.unwrap_or(usize::MAX)).await?;
        let mut detail = all.sent.to_string();
        if all.left_in_all() > 0 {
            detail.push_str(&format!(" / {}", all.sent + all.left_in_all()));
        }
        let noted =
            Noted { what: "audit.again_all", account: account.id.as_str(), subject: "", detail: &detail };
        self.note(actor, noted).await;
        Ok(all)
    }

    /// The delivery of this name with its leg, if it is the account's.
    async fn owned(&self, account: &AccountId, name: &str) -> Result<(DeliveryId, LegId), Refusal> {
        let missing = || Refusal::new(Code::NoDelivery);
        let id = delivery_id(name).ok_or_else(missing)?;
        let kept = self.journal.bodies(vec![id.event]).await?;
        let own = kept.first().filter(|kept| kept.event.account() == account);
        own.map(|kept| (id, kept.event.leg.clone())).ok_or_else(missing)
    }
}
