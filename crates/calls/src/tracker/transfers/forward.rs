//! Forwarding by the phone that was rung (SIP 302).

use crate::EndReason;
use crate::tracker::arena::ChannelKey;
use crate::tracker::graph::Route;
use crate::tracker::state::{Context, Tracker};

impl Tracker {
    /// The phone being reached sent the call on: a transfer by that phone of whoever calls it.
    pub(in crate::tracker) fn forwarded(
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
            dialler.rare_mut().forwarding = Some(transfer.clone());
        }
        let alone = self.channels.get(party).is_some_and(|party| party.dials.len() <= 1);
        if alone {
            self.tell_leg(party, &transfer);
            self.note(cx, party);
        }
        self.end(cx, by, cx.at, EndReason::Transferred, Some(transfer));
    }

    /// The next attempt of a dialler after a forward is the forwarded one.
    pub(in crate::tracker) fn carry_forwarding(&mut self, from: ChannelKey, to: ChannelKey) {
        if let Some(transfer) =
            self.channels.get_mut(from).and_then(|from| from.rare.as_mut()?.forwarding.take())
        {
            // A helper carries the transfer to whoever it reaches; where the phone forwarded to is reached at
            // once, the party does.
            let carrier = if self.channels.get(to).is_some_and(|to| to.is_helper()) { to } else { from };
            self.mark_with(carrier, transfer);
        }
    }
}
