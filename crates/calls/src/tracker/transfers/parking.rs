//! Parking, and fetching what was parked.

use crate::tracker::arena::ChannelKey;
use crate::tracker::channel::{Caller, Channel, Parking};
use crate::tracker::leg::Leg;
use crate::tracker::state::{Context, Tracker};
use crate::{EndReason, Seen, Transfer};

impl Tracker {
    pub(in crate::tracker) fn parked(&mut self, cx: &mut Context<'_>, party: Seen<'_>, space: &str) {
        let Some(party) = self.known_or_new(cx, party, None) else { return };
        let Some(parker) = self.partner_of(party).and_then(|other| self.real_party(other)) else { return };
        let real = self.real_party(party).unwrap_or(party);
        let Some(transfer) = self.transfer_of(real, space.into()) else { return };
        if let Some(channel) = self.channels.get_mut(parker)
            && matches!(channel.leg, Leg::Open(_))
        {
            channel.rare_mut().parking = Some(Parking { at: cx.at, party: real, transfer });
            self.parkings.begin(cx.at, parker);
        }
    }

    /// Parkings that no transfer explained: the parking place is where the call was transferred to.
    pub(in crate::tracker) fn tell_parkings(&mut self, cx: &mut Context<'_>) {
        for parker in self.parkings.due(cx.at) {
            if let Some(parking) =
                self.channels.get_mut(parker).and_then(|parker| parker.rare.as_mut()?.parking.take())
            {
                self.parks(cx, parker, parking);
            }
        }
    }

    /// The leg of who parked ends; the call of who was parked, if that is a colleague, was transferred.
    pub(in crate::tracker) fn parks(&mut self, cx: &mut Context<'_>, parker: ChannelKey, parking: Parking) {
        let Parking { at, party, transfer } = parking;
        self.tell_leg(party, &transfer);
        self.note(cx, party);
        self.end(cx, parker, at, EndReason::Transferred, Some(transfer));
    }

    pub(in crate::tracker) fn retrieved(&mut self, cx: &mut Context<'_>, by: Seen<'_>, party: Seen<'_>) {
        let brought = self.mark_of(party);
        self.unmark(cx, party);
        let Some(party) = self.channels.find(party.id).and_then(|party| self.real_party(party)) else {
            return;
        };
        // A call is fetched by who dials for it. An Asterisk says of parking beside everything else, and so maybe before it says
        // that there is somebody who dialled.
        let is_new = self.channels.find(by.id).is_none();
        let Some(by) = self.known_or_new(cx, by, None) else { return };
        if is_new {
            self.places(cx, by, cx.at);
        }
        // By a number that is no feature code the call to it was placed all the same.
        self.tell_placed_now(cx, by);
        if let Some(channel) = self.channels.get_mut(by) {
            channel.caller = Caller::Channel(party);
        }
        self.took_over(cx, by, cx.at, false);
        self.forget_brought(cx, by, brought);
    }

    /// A PBX may tell that a call was fetched after the two have met: then the leg took the transfer to the parking
    /// place for the one that brought the party to it.
    fn forget_brought(&mut self, cx: &mut Context<'_>, by: ChannelKey, brought: Option<Transfer>) {
        let open = self.channels.get_mut(by).and_then(Channel::open_mut);
        if let (Some(open), Some(brought)) = (open, brought)
            && open.transfer.as_ref() == Some(&brought)
        {
            open.transfer = None;
            self.note(cx, by);
        }
    }

    /// Who was parked goes on to somewhere else. An Asterisk under load says so after that has begun: whom it rings by then came by
    /// no transfer either.
    pub(in crate::tracker) fn parking_timed_out(&mut self, cx: &mut Context<'_>, party: Seen<'_>) {
        let brought = self.mark_of(party);
        self.unmark(cx, party);
        let Some(party) = self.channels.find(party.id).and_then(|party| self.real_party(party)) else {
            return;
        };
        if brought.is_none() {
            return;
        }
        for key in self.channels.keys() {
            let open = self.channels.get(key).and_then(Channel::open);
            if open.is_some_and(|open| open.party == Some(party)) {
                self.forget_brought(cx, key, brought.clone());
            }
        }
    }

    fn mark_of(&self, party: Seen<'_>) -> Option<Transfer> {
        let key = self.channels.find(party.id)?;
        let mark = |key| self.channels.get(key)?.mark.as_deref();
        let mark = mark(key).or_else(|| self.real_party(key).and_then(mark))?;
        Some(mark.transfer.clone())
    }
}
