//! What is kept about a person or a number: told whole, and erased.

use std::collections::BTreeSet;
use std::sync::Arc;

use calls::{AccountId, LegId};
use journal::{
    Attempt, Cursor, DeliveryRecord, DeliveryState, Erase, Erased, Filter, Kept, LegRecord, WallTime,
};

use crate::admin::Admin;
use crate::gateway::GatewayError;
use crate::noted::Noted;
use crate::{Actor, Code, Refusal, names};

/// So many legs are told at once.
pub const TOLD_AT_ONCE: usize = 100;

/// Whose calls are meant: those of an employee, or all in which a number took part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whose(Erase);

/// All that is kept of one leg.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptLeg {
    /// In the list of calls.
    pub leg: LegRecord,
    /// Its events, oldest first.
    pub events: Vec<Arc<Kept>>,
    /// What was sent of it, each with its attempts.
    pub deliveries: Vec<(DeliveryRecord, Vec<Attempt>)>,
}

/// A part of what is kept about somebody, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeptPart {
    /// The legs.
    pub legs: Vec<KeptLeg>,
    /// From where to go on; nothing: that was all.
    pub next: Option<Cursor>,
}

/// What an erasing came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// Events that are gone.
    pub events: u64,
    /// Deliveries that waited and are not sent any more.
    pub cancelled: u64,
    /// Legs that have not ended, and stay until they have.
    pub running: u64,
}

impl Whose {
    /// An employee, by local number, or a number, as it was kept: blanks, brackets, dots and dashes of people are left
    /// out.
    ///
    /// # Errors
    /// When it is neither, or both.
    pub fn read(employee: Option<&str>, number: Option<&str>) -> Result<Self, Refusal> {
        let given =
            |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        match (given(employee), given(number)) {
            (Some(employee), None) => Ok(Self(Erase::Employee(names::local_number("employee", &employee)?))),
            (None, Some(number)) => {
                let plain: String = number.chars().filter(|c| !" \u{a0}().-/".contains(*c)).collect();
                // What has no digit is a name, and kept as it is.
                let is_number = plain.chars().any(|c| c.is_ascii_digit());
                Ok(Self(Erase::Number(if is_number { plain } else { number })))
            }
            _ => Err(Refusal::new(Code::Whose)),
        }
    }

    /// Which kind it is, for the audit log: the number itself is not told there.
    fn kind(&self) -> &'static str {
        match self.0 {
            Erase::Employee(_) => "employee",
            Erase::Number(_) => "number",
        }
    }

    fn filter(&self, account: &AccountId, after: Cursor) -> Filter {
        let account = Some(account.clone());
        let after = Some(after);
        match &self.0 {
            Erase::Employee(employee) => {
                Filter { account, after, employee: Some(employee.clone()), ..Filter::default() }
            }
            Erase::Number(number) => {
                Filter { account, after, number: Some(number.clone()), ..Filter::default() }
            }
        }
    }
}

impl Admin {
    /// A part of all that is kept about somebody in an account, from behind a place on: for those who administer the
    /// account, who may read it elsewhere piece by piece.
    pub async fn kept_about(
        &self,
        actor: &Actor,
        account: &str,
        whose: &Whose,
        after: Option<Cursor>,
    ) -> Result<KeptPart, Refusal> {
        let account = self.changes(actor, account)?.id.clone();
        let mut part = KeptPart::default();
        let mut from = after.unwrap_or(Cursor::START);
        if after.is_none() {
            let noted = Noted {
                what: "audit.exported",
                account: account.as_str(),
                subject: whose.kind(),
                detail: "",
            };
            self.note(actor, noted).await;
        }
        loop {
            let found = self.journal.events(whose.filter(&account, from)).await?;
            let Some(last) = found.last() else { return Ok(part) };
            let end = last.cursor();
            for kept in found.iter().filter(|kept| whose.0.concerns(&kept.event)) {
                let Some(leg) = self.whole_leg(&account, &kept.event.leg).await? else { continue };
                // Each leg once, at its first event that is theirs.
                let first = leg.events.iter().find(|one| whose.0.concerns(&one.event));
                if first.is_some_and(|first| first.seq == kept.seq) {
                    part.legs.push(leg);
                }
                if part.legs.len() >= TOLD_AT_ONCE {
                    part.next = Some(kept.cursor());
                    return Ok(part);
                }
            }
            from = end;
        }
    }

    async fn whole_leg(&self, account: &AccountId, leg: &LegId) -> Result<Option<KeptLeg>, Refusal> {
        let filter =
            || Filter { account: Some(account.clone()), leg: Some(leg.clone()), ..Filter::default() };
        let mut events = self.journal.events(filter()).await?;
        events.sort_by_key(|kept| kept.seq);
        let Some(record) = self.journal.legs(filter()).await?.into_iter().next() else { return Ok(None) };
        let mut deliveries = Vec::new();
        for delivery in self.journal.deliveries(filter()).await? {
            let attempts = self.journal.attempts(delivery.id).await?;
            deliveries.push((delivery, attempts));
        }
        deliveries.sort_by_key(|(delivery, _)| delivery.id);
        Ok(Some(KeptLeg { leg: record, events, deliveries }))
    }

    /// Erases what is kept about somebody in an account: legs that have ended, whole. What waits of them is cancelled
    /// first, so that nothing goes out any more but what is on its way. Sums stay, for they name nobody but employees;
    /// the audit log has what kind of thing was erased, and not whose number. Only operators erase.
    pub async fn erase(&self, actor: &Actor, account: &str, whose: &Whose) -> Result<Gone, Refusal> {
        let account = self.reads(actor, account)?.id.clone();
        Self::operates(actor)?;
        let mut gone = Gone { cancelled: self.cancel_all(&account, whose).await?, ..Gone::default() };
        let mut from = Some(Cursor::START);
        while let Some(place) = from {
            let Erased { events, running, rest } =
                self.journal.erase(account.clone(), whose.0.clone(), place).await?;
            gone.events += events;
            gone.running += running;
            from = rest;
        }
        let detail = gone.events.to_string();
        let noted =
            Noted { what: "audit.erased", account: account.as_str(), subject: whose.kind(), detail: &detail };
        self.note(actor, noted).await;
        Ok(gone)
    }

    /// Cancels what waits of the legs that have ended.
    async fn cancel_all(&self, account: &AccountId, whose: &Whose) -> Result<u64, Refusal> {
        let (mut seen, mut cancelled, mut from) = (BTreeSet::new(), 0, Cursor::START);
        loop {
            let found = self.journal.events(whose.filter(account, from)).await?;
            let Some(last) = found.last() else { return Ok(cancelled) };
            from = last.cursor();
            for kept in found.iter().filter(|kept| whose.0.concerns(&kept.event)) {
                if seen.insert(kept.event.leg.clone()) {
                    cancelled += self.cancel_leg(account, &kept.event.leg).await?;
                }
            }
        }
    }

    async fn cancel_leg(&self, account: &AccountId, leg: &LegId) -> Result<u64, Refusal> {
        let filter =
            || Filter { account: Some(account.clone()), leg: Some(leg.clone()), ..Filter::default() };
        let has_ended = self.journal.legs(filter()).await?.first().is_some_and(|leg| leg.ended.is_some());
        if !has_ended {
            return Ok(0);
        }
        let states =
            vec![DeliveryState::Waiting, DeliveryState::Retrying(WallTime(0)), DeliveryState::Paused];
        let mut cancelled = 0;
        for waiting in self.journal.deliveries(Filter { states, ..filter() }).await? {
            match self.gateway.cancel(waiting.id).await {
                // Where no gateway runs nothing is sent, and what waits goes with its event.
                Ok(_) | Err(GatewayError::NotHere) => cancelled += 1,
                Err(GatewayError::Settled | GatewayError::NoDelivery) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(cancelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_people_write_it_and_one_of_the_two_is_given() {
        let number = |typed: &str| Whose::read(None, Some(typed)).unwrap().0;
        assert_eq!(number(" +45 20 12-34 56 "), Erase::Number("+4520123456".to_owned()));
        assert_eq!(number("anonymous"), Erase::Number("anonymous".to_owned()));
        for (employee, number) in [(None, None), (Some("101"), Some("20123456")), (Some(""), Some(" "))] {
            assert_eq!(Whose::read(employee, number).unwrap_err().code, Code::Whose);
        }
    }
}
