//! A store that several gateways shared and none does any more: looked at as a whole, in the order of its places, while nobody
//! writes it.

use std::path::Path;
use std::time::Duration;

use tokio::time::sleep;

use super::schema::Purpose;
use super::{Options, Postgres, Target, opening, query};
use crate::seal::Sealer;
use crate::turns::GONE_AFTER;
use crate::{About, Beating, Fleet, Grant, JournalError, Parts as _};

/// How often this one beats, and sees whether another does.
const LOOK: Duration = Duration::from_secs(1);

/// All of it is whoever holds this one's.
pub struct Stopped {
    journal: Postgres,
    grants: Vec<Grant>,
    pbxs: Vec<calls::PbxName>,
    /// The gateways that are gone, by their beats.
    gone: Vec<Beating>,
}

impl Stopped {
    /// Whether several gateways share a store.
    ///
    /// # Errors
    /// As [`Postgres::open_beside`].
    pub async fn is_of(target: &Target, sealer: &Sealer, options: &Options) -> Result<bool, JournalError> {
        opening::open(target, sealer, options.allow_unreplicated, Purpose::Beside).await
    }

    /// Takes all of it, as a gateway of a folder of its own. Whoever is gone and did not give back what it had may have some of
    /// it on its disk: its id has to be among those that are known to have nothing, or its name among those given up.
    ///
    /// # Errors
    /// That a gateway runs on it, that one was not stopped in order, that what gateways asked of each other is not done; and as
    /// [`Postgres::open_shared`].
    pub async fn open(
        target: &Target,
        folder: &Path,
        sealer: Sealer,
        options: Options,
        have_nothing: &[String],
        given_up: &[String],
    ) -> Result<Self, JournalError> {
        let journal = Postgres::open_shared(target, folder, sealer, options).await?;
        let journal = Postgres { order: query::walk::Order::Places, ..journal };
        let mut stopped = Self { journal, grants: Vec::new(), pbxs: Vec::new(), gone: Vec::new() };
        let Err(error) = stopped.takes(have_nothing, given_up).await else { return Ok(stopped) };
        if let Err(error) = stopped.release().await {
            tracing::warn!(%error, "the store was not given back; a gateway that starts waits some seconds for it");
        }
        Err(error)
    }

    async fn takes(&mut self, have_nothing: &[String], given_up: &[String]) -> Result<(), JournalError> {
        self.gone = self.others(&self.journal.tick(&About::default()).await?);
        // By looks and not by the clock: where this machine stands still, so may a gateway on it that lives.
        let mut waited = Duration::ZERO;
        while waited < GONE_AFTER && !self.gone.is_empty() {
            sleep(LOOK).await;
            waited += LOOK;
            self.nobody_beats().await?;
        }
        let left = |one: &&Beating| !have_nothing.contains(&one.id.0) && !given_up.contains(&one.name);
        if let Some(one) = self.gone.iter().find(left) {
            return Err(self.unfit(format!(
                "the gateway {name} is gone and was not stopped in order: calls may be in the spool.sqlite of its data_dir that are nowhere else. Start it, and stop it when ringbud_spool_events is 0; or, if that disk is lost, say --without {name}",
                name = one.name
            )));
        }
        let fleet = self.nobody_beats().await?;
        if !fleet.asked.is_empty() {
            return Err(self.unfit(
                "gateways have asked something of each other that is not done, calls among it that one kept while it was cut off. Start a gateway with all PBXs in its configuration, and stop it after a minute".to_owned(),
            ));
        }
        for lease in fleet.leases {
            let taken = self.journal.take(lease.pbx.clone(), Some(lease.epoch), Duration::ZERO).await?;
            let Some(taken) = taken else { return Err(self.is_used("a gateway")) };
            self.grants.push(taken.grant);
            self.pbxs.extend(Some(lease.pbx).filter(|pbx| *pbx != crate::rest()));
        }
        Ok(())
    }

    /// The store.
    pub fn journal(&self) -> &Postgres {
        &self.journal
    }

    /// Under which all of it is this one's.
    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }

    /// The PBXs it has parts of.
    pub fn pbxs(&self) -> &[calls::PbxName] {
        &self.pbxs
    }

    /// Does something as long as no gateway comes.
    ///
    /// # Errors
    /// That one came, or the engine does not say.
    pub async fn while_nobody_comes<T>(&self, work: impl Future<Output = T>) -> Result<T, JournalError> {
        let watch = async {
            loop {
                sleep(LOOK).await;
                if let Err(error) = self.nobody_beats().await {
                    return error;
                }
            }
        };
        let done = tokio::select! {
            done = work => done,
            error = watch => return Err(error),
        };
        // One that came since the last look may have changed a setting.
        self.nobody_beats().await.map(|_| done)
    }

    /// Gives all of it back.
    ///
    /// # Errors
    /// That the engine did not take it.
    pub async fn release(self) -> Result<(), JournalError> {
        self.journal.release().await
    }

    async fn nobody_beats(&self) -> Result<Fleet, JournalError> {
        let fleet = self.journal.tick(&About::default()).await?;
        let others = self.others(&fleet);
        let was =
            |one: &Beating| self.gone.iter().any(|before| before.id == one.id && before.beat == one.beat);
        match others.iter().find(|one| !was(one)) {
            Some(one) => Err(self.is_used(&format!("the gateway {}", one.name))),
            None => Ok(fleet),
        }
    }

    fn others(&self, fleet: &Fleet) -> Vec<Beating> {
        fleet.gateways.iter().filter(|one| one.id != fleet.me).cloned().collect()
    }

    fn is_used(&self, by: &str) -> JournalError {
        self.unfit(format!("{by} runs on it: stop all gateways before it is copied"))
    }

    fn unfit(&self, why: String) -> JournalError {
        JournalError::Unfit { place: self.journal.place().to_owned(), why }
    }
}
