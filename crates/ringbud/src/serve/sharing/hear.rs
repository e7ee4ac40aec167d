//! Sees which of its own PBXs this gateway hears, and asks the others about those it does not.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use calls::PbxName;
use journal::turns::ASKS_AFTER;
use tokio::time::Instant;

use super::{Sharing, Told, lock};
use crate::link::LinkStatus;

/// A PBX that was not heard for so long goes to a gateway that hears it.
const SILENT_AFTER: Duration = Duration::from_secs(3);
/// How often it is seen whether each is heard; and while one is not, and another may.
const LOOKS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_millis(100));

/// Sees which of its own PBXs this gateway hears, for ever, and asks the others about those it does not. Whose link broke
/// and nobody hears makes it anew.
pub(super) async fn hear(of: &Sharing, told: &Told, began: Instant) {
    if !of.has_seconds {
        return;
    }
    let mut asked: BTreeMap<PbxName, Duration> = BTreeMap::new();
    let mut pause = LOOKS.0;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = of.parts.broke.notified() => {}
        }
        pause = LOOKS.0;
        let now = began.elapsed();
        let links = of.links.all();
        let unheard: BTreeMap<PbxName, Duration> = {
            let mut unheard = lock(&told.unheard);
            let is_not = links.iter().filter_map(|link| link.with(LinkStatus::unheard));
            let since = is_not.map(|pbx| (unheard.get(&pbx).copied().unwrap_or(now), pbx));
            *unheard = since.map(|(since, pbx)| (pbx, since)).collect();
            unheard.clone()
        };
        asked.retain(|pbx, _| unheard.contains_key(pbx));
        for (pbx, since) in unheard {
            if !lock(&told.turns).0.may_be_heard(now, &pbx, since) {
                let of_it = links.iter().filter(|link| link.with(|status| status.pbx == pbx));
                of_it.for_each(|link| link.anew().may_be_made());
            } else {
                pause = LOOKS.1;
                if now >= since + ASKS_AFTER {
                    if asked.insert(pbx, since) != Some(since) {
                        told.asks.store(true, Ordering::Release);
                    }
                    told.look.notify_one();
                }
            }
        }
    }
}

impl LinkStatus {
    /// Its PBX, where that is not heard over it.
    fn unheard(&self) -> Option<PbxName> {
        self.lacks(SILENT_AFTER).map(|_| self.pbx.clone())
    }
}
