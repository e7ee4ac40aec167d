//! A look at a PBX before a call comes: whether it lets us in, what may be done over the link, whether it hears, and
//! whose phone each endpoint is, in sentences. Nothing is kept.
//!
//! For whoever asks: `check`, `init` and the window. The visit itself is [`crate::link`]'s.

mod freeswitch;
mod link;
mod said;
mod survey;

use std::time::Duration;

pub use said::Said;
pub use survey::{Found, Survey};

use crate::config::Pbx;
use crate::directory::Rules;
use crate::link::{LinkFailure, Visit, visit};

/// What was seen of a PBX.
#[derive(Debug)]
pub struct Look {
    /// All of it in sentences, each with the PBX's name.
    pub said: Vec<Said>,
    /// What was seen; `None` if there was no way in.
    pub visit: Option<Visit>,
}

/// Looks at a PBX; stays `wait` longer to hear the events of a call, having `told` so.
pub async fn look(pbx: &Pbx, secret: &str, wait: Option<Duration>, told: impl FnOnce(&Said)) -> Look {
    let name = pbx.name.as_str();
    let waiting = |wait: Duration| {
        let seconds = wait.as_secs();
        told(&Said::Fine(format!(
            "{name}: ring any phone now: waiting {seconds} s for the events of a call"
        )));
    };
    let (said, visit) = match visit(pbx, secret, wait, waiting).await {
        Err(LinkFailure::NotConnected(error)) => (vec![Said::Fault(error.to_string())], None),
        Err(error) => {
            let reached = Said::Fine(format!("{} can be reached", pbx.address));
            (vec![reached, Said::Fault(error.to_string())], None)
        }
        Ok(seen) => {
            let mut said = link::told(pbx, &seen, wait).await;
            said.extend(Survey::of(&Rules::of(pbx), &seen.endpoints).told());
            if pbx.kind == pbx::Kind::FreeSwitch {
                said.extend(freeswitch::told(&seen));
            }
            (said, Some(seen))
        }
    };
    Look { said: said.into_iter().map(|said| said.of(name)).collect(), visit }
}
