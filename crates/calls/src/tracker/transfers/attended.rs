//! Attended transfers.

use std::sync::Arc;

use crate::tracker::arena::ChannelKey;
use crate::tracker::channel::Caller;
use crate::tracker::leg::Leg;
use crate::tracker::state::{Context, Tracker};
use crate::{Direction, EndReason, Seen, Transfer};

impl Tracker {
    pub(in crate::tracker) fn attended_transfer(
        &mut self,
        cx: &mut Context<'_>,
        first: Seen<'_>,
        second: Seen<'_>,
        party: Option<Seen<'_>>,
        target: Option<Seen<'_>>,
    ) {
        let (Some(first), Some(second)) =
            (self.known_or_new(cx, first, None), self.known_or_new(cx, second, None))
        else {
            return;
        };
        if self.is_over(first) && self.is_over(second) {
            return;
        }
        let party =
            party.and_then(|party| self.known_or_new(cx, party, None)).or_else(|| self.talks_to(first));
        let target = target.and_then(|target| self.known_or_new(cx, target, None));
        let target = target.or_else(|| self.consulted(first, second, party));
        let (first, second, party, target) = match target {
            // The party transferred is the original incoming call, whichever of the two calls the phone
            // named first.
            Some(target)
                if self.began(first, Direction::Outgoing) && self.began(second, Direction::Incoming) =>
            {
                (second, first, Some(target), party)
            }
            _ => (first, second, party, target),
        };
        let party = party.and_then(|party| self.real_party(party).or(Some(party)));
        let to = self.number_transferred_to(first, second, target);
        let Some((party, transfer)) = party.and_then(|party| Some((party, self.transfer_of(party, to)?)))
        else {
            let id = self.channels.get(first).map(|first| first.id.clone());
            return cx.anomaly(&id.unwrap_or_default(), "an attended transfer of nobody known");
        };
        self.hand_over(cx, [first, second], party, target, &transfer);
        self.transferred(cx, party, &transfer);
        self.end(cx, first, cx.at, EndReason::Transferred, Some(transfer.clone()));
        self.end(cx, second, cx.at, EndReason::Transferred, Some(transfer));
    }

    pub(in crate::tracker) fn began(&self, key: ChannelKey, direction: Direction) -> bool {
        self.channels
            .get(key)
            .is_some_and(|channel| matches!(&channel.leg, Leg::Open(open) if open.direction() == direction))
    }

    /// The helper over which a phone consulted by feature code, where the PBX does not say (it does not if
    /// the phone left the consultation's bridge first): it was with the phone, or is with the party now.
    pub(in crate::tracker) fn consulted(
        &self,
        first: ChannelKey,
        second: ChannelKey,
        party: Option<ChannelKey>,
    ) -> Option<ChannelKey> {
        if first != second {
            return None;
        }
        let was_with = self.channels.get(first).and_then(|channel| self.bridges.get(channel.last_bridge?));
        let was_with = was_with.map(|bridge| bridge.members.to_vec()).unwrap_or_default();
        let with_party = party.map(|party| self.others_in_bridge(party)).unwrap_or_default();
        let near = self.others_in_bridge(first).into_iter().chain(was_with).chain(with_party);
        near.into_iter().find(|key| {
            let channel = self.channels.get(*key);
            channel.is_some_and(|channel| channel.is_helper() && channel.caller == Caller::Unknown)
        })
    }

    /// What was dialled for the consultation, else the number of the party transferred to.
    pub(in crate::tracker) fn number_transferred_to(
        &self,
        first: ChannelKey,
        second: ChannelKey,
        target: Option<ChannelKey>,
    ) -> Arc<str> {
        if first != second
            && let Some(channel) = self.channels.get(second)
            && let Leg::Open(open) = &channel.leg
            && !open.b_number.is_empty()
        {
            return open.b_number.clone();
        }
        let target = target.or_else(|| self.talks_to(second).filter(|_| first != second));
        let Some(channel) = target.and_then(|target| self.channels.get(target)) else {
            return "".into();
        };
        if channel.is_helper() {
            let other = channel.other_half().and_then(|other| self.channels.get(other));
            return other.map_or(channel.dialled.as_str(), |other| &other.dialled).into();
        }
        channel.public_number().into()
    }

    /// The phones at the far end of a consultation become legs of the transferred party.
    pub(in crate::tracker) fn hand_over(
        &mut self,
        cx: &mut Context<'_>,
        transferrers: [ChannelKey; 2],
        party: ChannelKey,
        target: Option<ChannelKey>,
        transfer: &Transfer,
    ) {
        let [first, second] = transferrers;
        let target = target.or_else(|| self.talks_to(second).filter(|_| first != second));
        let mut far = Vec::new();
        if let Some(target) = target {
            if self.channels.get(target).is_some_and(|channel| channel.is_helper()) {
                self.mark_with(target, transfer.clone());
                if let Some(channel) = self.channels.get_mut(target) {
                    channel.caller = Caller::Channel(party);
                }
            }
            far.push(target);
        }
        if first != second {
            self.take_over_dials(second, party);
            far.extend(self.channels.get(party).map(|party| party.dials.clone()).unwrap_or_default());
        }
        for key in self.phones_at(far, [first, second, party]) {
            self.tell_leg(key, transfer);
            self.note(cx, key);
        }
    }
}
