//! Transfers, pickup and parking: who was sent where, by whom.
//!
//! The transferring employee's leg ends when the transfer takes effect. The transferred party carries a
//! mark, and every phone it then rings begins a leg of a transferred call.

use std::sync::Arc;

use crate::tracker::channel::{Caller, ChannelKey, Parking};
use crate::tracker::leg::{Leg, State};
use crate::tracker::routes::Route;
use crate::tracker::{Context, PARKING_GRACE, Tracker};
use crate::{Direction, EndReason, PbxTime, Seen, Transfer};

impl Tracker {
    // Blind

    pub(super) fn blind_transfer(
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
            None => self.others_in_bridge(by).into_iter().find(|other| !self.is_machine(*other)),
        };
        let party = party.and_then(|party| self.real_party(party).or(Some(party)));
        let Some(transfer) = party.and_then(|party| self.transfer_of(party, to.into())) else {
            let id = self.channels.get(by).map(|by| by.id.clone());
            return cx.anomaly(&id.unwrap_or_default(), "a blind transfer of nobody known");
        };
        if let Some(party) = party {
            self.transferred(cx, party, &transfer);
        }
        self.end(cx, by, cx.at, EndReason::Transferred, Some(transfer));
    }

    fn transfer_of(&self, party: ChannelKey, to: Arc<str>) -> Option<Transfer> {
        let party_number = self.channels.get(party)?.public_number().into();
        Some(Transfer { party: self.leg_id(party)?, party_number, to })
    }

    /// A party was transferred: phones it rings from now on, and its own leg if it is an employee's.
    fn transferred(&mut self, cx: &mut Context<'_>, party: ChannelKey, transfer: &Transfer) {
        self.mark_with(party, transfer.clone());
        self.tell_leg(party, transfer);
        self.note(cx, party);
    }

    /// The party of a leg that was answered came there by a transfer: if the party is an employee, its
    /// call was transferred.
    pub(super) fn party_was_transferred(
        &mut self,
        cx: &mut Context<'_>,
        party: ChannelKey,
        transfer: &Transfer,
    ) {
        let is_the_party = self.leg_id(party).is_some_and(|id| id == transfer.party);
        let has_none = self.channels.get(party).is_some_and(
            |channel| matches!(&channel.leg, Leg::Open(open) if open.transfer.as_ref() != Some(transfer)),
        );
        if is_the_party && has_none {
            self.tell_leg(party, transfer);
            self.note(cx, party);
        }
    }

    fn tell_leg(&mut self, key: ChannelKey, transfer: &Transfer) {
        if let Some(channel) = self.channels.get_mut(key)
            && let Leg::Open(open) = &mut channel.leg
        {
            open.transfer = Some(transfer.clone());
        }
    }

    // By the phone that was rung (SIP 302)

    /// The phone being reached sent the call on: a transfer by that phone of whoever calls it.
    pub(super) fn forwarded(
        &mut self,
        cx: &mut Context<'_>,
        from: Option<ChannelKey>,
        by: ChannelKey,
        to: &str,
    ) {
        let Route::Party { key: party, .. } = self.route_to(by) else { return };
        if !self.channels.get(by).is_some_and(|channel| channel.is_phone()) {
            return;
        }
        let Some(transfer) = self.transfer_of(party, to.into()) else { return };
        if let Some(dialler) = from.and_then(|from| self.channels.get_mut(from)) {
            dialler.forwarding = Some(Box::new(transfer.clone()));
        }
        let alone = self.channels.get(party).is_some_and(|party| party.dials.len() <= 1);
        if alone {
            self.tell_leg(party, &transfer);
            self.note(cx, party);
        }
        self.end(cx, by, cx.at, EndReason::Transferred, Some(transfer));
    }

    /// The next attempt of a dialler after a forward is the forwarded one.
    pub(super) fn carry_forwarding(&mut self, from: ChannelKey, to: ChannelKey) {
        if let Some(transfer) = self.channels.get_mut(from).and_then(|from| from.forwarding.take()) {
            self.mark_with(to, *transfer);
        }
    }

    // Attended

    pub(super) fn attended_transfer(
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

    /// Whether a leg has ended: what is said of it now was said before.
    fn is_over(&self, key: ChannelKey) -> bool {
        self.channels.get(key).is_some_and(|channel| matches!(channel.leg, Leg::Over))
    }

    fn began(&self, key: ChannelKey, direction: Direction) -> bool {
        self.channels
            .get(key)
            .is_some_and(|channel| matches!(&channel.leg, Leg::Open(open) if open.direction() == direction))
    }

    /// Who is connected with a channel, if it is one.
    fn talks_to(&self, key: ChannelKey) -> Option<ChannelKey> {
        let mut others = self.others_in_bridge(key).into_iter().filter(|other| !self.is_machine(*other));
        match (others.next(), others.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }

    /// The helper over which a phone consulted by feature code, where the PBX does not say (it does not if
    /// the phone left the consultation's bridge first): it was with the phone, or is with the party now.
    fn consulted(
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
    fn number_transferred_to(
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
    fn hand_over(
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

    /// What one channel was reaching is reached for another now, with its place in a queue.
    fn take_over_dials(&mut self, from: ChannelKey, to: ChannelKey) {
        let Some(channel) = self.channels.get_mut(from) else { return };
        let dials = std::mem::take(&mut channel.dials);
        let queue = channel.queue.clone();
        for dialled in &dials {
            if let Some(channel) = self.channels.get_mut(*dialled) {
                channel.caller = Caller::Channel(to);
            }
        }
        if let Some(channel) = self.channels.get_mut(to) {
            channel.dials = dials;
            channel.queue = queue;
            channel.taken = false;
        }
    }

    /// The phones among these channels and behind the helpers among them, ringing or connected.
    fn phones_at(&self, mut next: Vec<ChannelKey>, except: [ChannelKey; 3]) -> Vec<ChannelKey> {
        let mut seen: Vec<ChannelKey> = except.to_vec();
        let mut phones = Vec::new();
        while let Some(key) = next.pop() {
            if seen.contains(&key) {
                continue;
            }
            seen.push(key);
            let Some(channel) = self.channels.get(key) else { continue };
            if channel.is_phone() {
                phones.push(key);
            } else if let Some(far) = channel.other_half() {
                next.extend(self.others_in_bridge(far));
                next.extend(self.channels.get(far).map(|far| far.dials.clone()).unwrap_or_default());
            }
        }
        phones
    }

    // Pickup

    pub(super) fn picked_up(&mut self, cx: &mut Context<'_>, by: Seen<'_>, from: Seen<'_>) {
        let Some(from) = self.known_or_new(cx, from, None) else { return };
        let Some(by) = self.known_or_new(cx, by, None) else { return };
        let caller = self.channels.get(from).map(|from| from.caller);
        if let (Some(caller), Some(channel)) = (caller, self.channels.get_mut(by)) {
            channel.caller = caller;
        }
        if matches!(self.channels.get(from).map(|from| &from.leg), Some(Leg::Open(open)) if open.state == State::Ringing)
        {
            self.end(cx, from, cx.at, EndReason::PickedUp, None);
        }
        self.took_over(cx, by, cx.at);
    }

    /// A phone took over a call that was meant for another: its leg begins and is answered at once, or is
    /// answered, if it began by dialling a number that is no feature code.
    pub(super) fn took_over(&mut self, cx: &mut Context<'_>, by: ChannelKey, at: PbxTime) {
        let route = self.route_to(by);
        let Some(channel) = self.channels.get_mut(by) else { return };
        match (&channel.leg, route) {
            (Leg::Open(open), _) if open.state == State::Dialling => self.converse(cx, by, at, false),
            (Leg::Silent, Route::Party { key: party, transfer }) => {
                channel.ringing_at = Some(at);
                channel.up_at = Some(at);
                self.begin_incoming(cx, by, Some(party), transfer, false);
                self.converse(cx, party, at, false);
            }
            (Leg::Silent | Leg::Open(_) | Leg::Over, _) => {}
        }
    }

    // Parking

    pub(super) fn parked(&mut self, cx: &mut Context<'_>, party: Seen<'_>, space: &str) {
        let Some(party) = self.known_or_new(cx, party, None) else { return };
        let Some(parker) = self.talks_to(party).and_then(|other| self.real_party(other)) else { return };
        let real = self.real_party(party).unwrap_or(party);
        let Some(transfer) = self.transfer_of(real, space.into()) else { return };
        if let Some(channel) = self.channels.get_mut(parker)
            && matches!(channel.leg, Leg::Open(_))
        {
            channel.parking = Some(Box::new(Parking { at: cx.at, transfer }));
            self.parkings.push((cx.at + PARKING_GRACE, parker));
        }
    }

    /// Parkings that no transfer explained: the parking place is where the call was transferred to.
    pub(super) fn tell_parkings(&mut self, cx: &mut Context<'_>) {
        let (due, waiting): (Vec<(PbxTime, ChannelKey)>, Vec<_>) =
            std::mem::take(&mut self.parkings).into_iter().partition(|(deadline, _)| *deadline <= cx.at);
        self.parkings = waiting;
        for (_, parker) in due {
            if let Some(parking) = self.channels.get_mut(parker).and_then(|parker| parker.parking.take()) {
                self.end(cx, parker, parking.at, EndReason::Transferred, Some(parking.transfer));
            }
        }
    }

    pub(super) fn retrieved(&mut self, cx: &mut Context<'_>, by: Seen<'_>, party: Seen<'_>) {
        self.unmark(cx, party);
        let Some(party) = self.channels.find(party.id).and_then(|party| self.real_party(party)) else {
            return;
        };
        let Some(by) = self.known_or_new(cx, by, None) else { return };
        if let Some(channel) = self.channels.get_mut(by) {
            channel.caller = Caller::Channel(party);
        }
        self.took_over(cx, by, cx.at);
    }

    /// The party is no longer on its way to where it was transferred.
    pub(super) fn unmark(&mut self, cx: &mut Context<'_>, party: Seen<'_>) {
        let Some(key) = self.known_or_new(cx, party, None) else { return };
        for key in [Some(key), self.real_party(key)].into_iter().flatten() {
            if self.channels.get_mut(key).is_some_and(|channel| channel.mark.take().is_some()) {
                self.note(cx, key);
            }
        }
    }
}
