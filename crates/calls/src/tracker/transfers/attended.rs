//! Attended transfers.

use std::sync::Arc;

use crate::tracker::arena::ChannelKey;
use crate::tracker::channel::Caller;
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
        let consulted = self.consulted(first, second, party.and_then(|party| self.channels.find(party.id)));
        let party = party.and_then(|party| self.known_or_new(cx, party, None));
        let party = party.or_else(|| match consulted {
            Some(helper) => self.partner_but(first, helper),
            None => self.partner_of(first),
        });
        let target = target.and_then(|target| self.known_or_new(cx, target, None));
        let target = target.or(consulted);
        let target = target.or_else(|| if first == second { None } else { self.partner_of(second) });
        let (first, second, party, target) = match target {
            Some(target) if self.comes_first(second, first) => (second, first, Some(target), party),
            Some(_) | None => (first, second, party, target),
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

    /// Of the two calls of a phone that are joined, whether the party of this one is transferred to that of the
    /// other: it is the one that began as `Incoming`, if exactly one did, else the one that was there first,
    /// whichever the phone names first.
    fn comes_first(&self, one: ChannelKey, other: ChannelKey) -> bool {
        let is_incoming = |key| self.began(key, Direction::Incoming);
        match (is_incoming(one), is_incoming(other)) {
            (true, false) => self.began(other, Direction::Outgoing),
            (false, true) => false,
            (true, true) | (false, false) => {
                let begun = |key| self.open(key).map(|open| open.begun_at);
                match (begun(one), begun(other)) {
                    (Some(one), Some(other)) => one < other,
                    (_, _) => false,
                }
            }
        }
    }

    /// Who is connected with a channel, or was until just now, or whom its leg is about: what is said of a
    /// transfer may come when all have left.
    pub(in crate::tracker) fn partner_of(&self, key: ChannelKey) -> Option<ChannelKey> {
        let last_with = self.channels.get(key).and_then(|channel| channel.last_with);
        let alone = || last_with.filter(|with| self.channels.get(*with).is_some());
        self.talks_to(key).or_else(alone).or_else(|| self.party_of_leg(key))
    }

    /// The same, where a helper brought somebody to be consulted, who is not the party.
    fn partner_but(&self, key: ChannelKey, helper: ChannelKey) -> Option<ChannelKey> {
        let beside = self.others_in_bridge(helper).into_iter().find(|other| *other != key);
        let partner = self.partner_of(key).filter(|partner| *partner != helper);
        beside.or(partner).or_else(|| self.party_of_leg(key))
    }

    fn party_of_leg(&self, key: ChannelKey) -> Option<ChannelKey> {
        let channel = self.channels.get(key)?;
        let party = channel.open()?.party.filter(|party| self.channels.get(*party).is_some());
        let reached = |dialled: &&ChannelKey| {
            self.channels.get(**dialled).is_some_and(|dialled| dialled.reached_at.is_some())
        };
        party.or_else(|| channel.dials.iter().find(reached).copied())
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
        let last_with = self.channels.get(first).and_then(|channel| channel.last_with);
        let mut near =
            self.others_in_bridge(first).into_iter().chain(was_with).chain(with_party).chain(last_with);
        near.find(|key| {
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
            && let Some(open) = self.open(second)
            && !open.b_number.is_empty()
        {
            return open.b_number.clone();
        }
        let target = target.or_else(|| self.partner_of(second).filter(|_| first != second));
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
        let target = target.or_else(|| self.partner_of(second).filter(|_| first != second));
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
