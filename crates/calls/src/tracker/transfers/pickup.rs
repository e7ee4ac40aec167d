//! Calls that a colleague took.

use crate::tracker::arena::ChannelKey;
use crate::tracker::graph::Route;
use crate::tracker::leg::{Leg, State};
use crate::tracker::state::{Context, Tracker};
use crate::{EndReason, PbxTime, Seen};

impl Tracker {
    pub(in crate::tracker) fn picked_up(&mut self, cx: &mut Context<'_>, by: Seen<'_>, from: Seen<'_>) {
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
    pub(in crate::tracker) fn took_over(&mut self, cx: &mut Context<'_>, by: ChannelKey, at: PbxTime) {
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
}
