//! Blind transfers.

use crate::tracker::arena::ChannelKey;
use crate::tracker::leg::State;
use crate::tracker::state::{Context, Tracker};
use crate::{EndReason, Seen, Transfer};

impl Tracker {
    pub(in crate::tracker) fn blind_transfer(
        &mut self,
        cx: &mut Context<'_>,
        by: Seen<'_>,
        party: Option<Seen<'_>>,
        to: &str,
    ) {
        let Some(by) = self.known_or_new(cx, by, None) else { return };
        if self.is_over(by) {
            return;
        }
        let party = match party {
            Some(party) => self.known_or_new(cx, party, None),
            None => self.partner_of(by),
        };
        let party = party.and_then(|party| self.real_party(party).or(Some(party)));
        let Some(transfer) = party.and_then(|party| self.transfer_of(party, to.into())) else {
            let id = self.channels.get(by).map(|by| by.id.clone());
            return cx.anomaly(&id.unwrap_or_default(), "a blind transfer of nobody known");
        };
        if let Some(party) = party {
            self.transferred(cx, party, &transfer);
            self.tell_those_it_rings(cx, by, party, &transfer);
        }
        self.end(cx, by, cx.at, EndReason::Transferred, Some(transfer));
    }

    /// A PBX may say of a transfer only after the party rings whom it was sent to.
    fn tell_those_it_rings(
        &mut self,
        cx: &mut Context<'_>,
        by: ChannelKey,
        party: ChannelKey,
        transfer: &Transfer,
    ) {
        let dials = self.channels.get(party).map(|party| party.dials.to_vec()).unwrap_or_default();
        for key in self.phones_at(dials, [by, by, party]) {
            if self.open(key).is_some_and(|open| open.state == State::Ringing) {
                self.tell_leg(key, transfer);
                self.note(cx, key);
            }
        }
    }
}
