//! What runs: the links to the PBXs, the calls that are up, whether the gateway does its work.

use std::sync::Arc;

use journal::AccountSettings;
use tokio::sync::watch;

use crate::noted::Noted;
use crate::{Actor, Admin, Code, EarlierCalls, Link, LiveLeg, PbxTried, PbxWish, Pulse, Readiness, Refusal};

/// No address or name is longer.
const MOST_TYPED: usize = 255;

impl Admin {
    /// How the links to the PBXs are doing. Where they are, as whom one logs in and what they said is the operator's:
    /// others learn which state each is in, and since when.
    pub fn links(&self, actor: &Actor) -> Vec<Link> {
        let links = self.gateway.links();
        if actor.operates() {
            return links;
        }
        links.into_iter().map(Link::for_others).collect()
    }

    /// Who has the calls of before the PBXs were shared between gateways: the operator's to know.
    pub fn earlier_calls(&self, actor: &Actor) -> Option<EarlierCalls> {
        actor.operates().then(|| self.gateway.earlier_calls()).flatten()
    }

    /// Whether the gateway does its work, for whoever asks.
    pub fn readiness(&self) -> Readiness {
        Readiness { details: Vec::new(), ..self.gateway.readiness() }
    }

    /// The same, and all that is wrong, for operators; for nobody in particular where this machine itself asks, or
    /// where the details only decide and are not shown.
    ///
    /// # Errors
    /// When the one who asks is no operator.
    pub fn readiness_in_detail(&self, actor: Option<&Actor>) -> Result<Readiness, Refusal> {
        actor.map_or(Ok(()), Self::operates)?;
        Ok(self.gateway.readiness())
    }

    /// The legs of an account that are up now, oldest first. Who has the account's settings was let see it.
    pub fn live(&self, account: &AccountSettings) -> Vec<LiveLeg> {
        self.gateway.live(&account.id)
    }

    /// The account as it is now, for a board that is open: who may see it was judged when they opened it.
    pub fn watched(&self, account: &AccountSettings) -> Option<Arc<AccountSettings>> {
        self.cache.account(&account.id)
    }

    /// Changes whenever a leg begins, is answered or ends, or a link changes.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.gateway.changes()
    }

    /// The PBXs that can be tried, a word and a name each.
    pub fn products(&self) -> Vec<(&'static str, &'static str)> {
        self.gateway.products()
    }

    /// Tries a PBX before it stands in the configuration: for operators, so often as test calls are made. Where, and
    /// not with what secret, stands in the audit log.
    pub async fn try_pbx(&self, actor: &Actor, wish: PbxWish) -> Result<PbxTried, Refusal> {
        Self::operates(actor)?;
        if wish.address.len() > MOST_TYPED || wish.username.len() > MOST_TYPED {
            return Err(Refusal::of(Code::CredentialsLine, "address").with("most", MOST_TYPED));
        }
        self.tests.count("", actor.name())?;
        let address = wish.address.clone();
        let tried = self.gateway.try_pbx(wish).await;
        // Also where nobody was let in, or nobody was asked.
        self.note(actor, Noted { what: "audit.pbx_tried", account: "", subject: &address, detail: "" }).await;
        Ok(tried?)
    }

    /// How the program did over the last day, by the quarter of an hour.
    pub fn last_day(&self, actor: &Actor) -> Result<Vec<Pulse>, Refusal> {
        Self::operates(actor)?;
        Ok(self.gateway.day())
    }

    /// The figures in Prometheus' text format; whether they are everybody's is the operator's to say.
    pub fn metrics(&self, actor: Option<&Actor>) -> Result<String, Refusal> {
        actor.map_or(Ok(()), Self::operates)?;
        Ok(self.gateway.metrics())
    }
}
