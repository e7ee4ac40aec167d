//! What a transfer leaves behind: marks on the party that was transferred, and what its leg will tell.

use std::sync::Arc;

use crate::tracker::arena::ChannelKey;
use crate::tracker::channel::{Channel, Mark};
use crate::tracker::leg::Leg;
use crate::tracker::state::{Context, Tracker};
use crate::{Seen, Transfer};

impl Tracker {
    pub(in crate::tracker) fn transfer_of(&self, party: ChannelKey, to: Arc<str>) -> Option<Transfer> {
        let party_number = self.channels.get(party)?.public_number().into();
        Some(Transfer { party: self.leg_id(party)?, party_number, to })
    }

    /// A party was transferred: phones it rings from now on, and its own leg if it is an employee's.
    pub(in crate::tracker) fn transferred(
        &mut self,
        cx: &mut Context<'_>,
        party: ChannelKey,
        transfer: &Transfer,
    ) {
        self.mark_with(party, transfer.clone());
        self.tell_leg(party, transfer);
        self.note(cx, party);
    }

    /// The party of a leg that was answered came there by a transfer: if the party is an employee, its
    /// call was transferred.
    pub(in crate::tracker) fn party_was_transferred(
        &mut self,
        cx: &mut Context<'_>,
        party: ChannelKey,
        transfer: &Transfer,
    ) {
        let is_the_party = self.leg_id(party).is_some_and(|id| id == transfer.party);
        let has_none = self.channels.get(party).is_some_and(|channel| {
            channel.open().is_some_and(|open| open.transfer.as_ref() != Some(transfer))
        });
        if is_the_party && has_none {
            self.tell_leg(party, transfer);
            self.note(cx, party);
        }
    }

    pub(in crate::tracker) fn tell_leg(&mut self, key: ChannelKey, transfer: &Transfer) {
        if let Some(open) = self.channels.get_mut(key).and_then(Channel::open_mut) {
            open.transfer = Some(transfer.clone());
        }
    }

    /// Whether a leg has ended: what is said of it now was said before.
    pub(in crate::tracker) fn is_over(&self, key: ChannelKey) -> bool {
        self.channels.get(key).is_some_and(|channel| matches!(channel.leg, Leg::Over))
    }

    pub(in crate::tracker) fn next_age(&mut self) -> u64 {
        self.marks += 1;
        self.marks
    }

    pub(in crate::tracker) fn mark_with(&mut self, key: ChannelKey, transfer: Transfer) {
        let age = self.next_age();
        if let Some(channel) = self.channels.get_mut(key) {
            channel.mark = Some(Box::new(Mark { age, transfer }));
        }
    }

    /// The party is no longer on its way to where it was transferred.
    pub(in crate::tracker) fn unmark(&mut self, cx: &mut Context<'_>, party: Seen<'_>) {
        let Some(key) = self.known_or_new(cx, party, None) else { return };
        for key in [Some(key), self.real_party(key)].into_iter().flatten() {
            if self.channels.get_mut(key).is_some_and(|channel| channel.mark.take().is_some()) {
                self.note(cx, key);
            }
        }
    }
}
