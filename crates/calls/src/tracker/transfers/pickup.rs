//! Calls that a colleague took.

use crate::tracker::arena::ChannelKey;
use crate::tracker::channel::Channel;
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
        let rang = self.rings(from);
        self.lost_to_colleague(cx, from);
        self.took_over(cx, by, cx.at, false);
        // For whom it rang was missed in a gap.
        let is_silent = self.channels.get(by).is_some_and(|channel| channel.is_silent());
        if rang && is_silent && matches!(self.route_to(by), Route::Unknown) {
            if let Some(channel) = self.channels.get_mut(by) {
                channel.ringing_at = Some(cx.at);
                channel.up_at = Some(cx.at);
            }
            self.begin_incoming(cx, by, None, None, true);
            self.answer(cx, by, cx.at);
        }
    }

    /// A phone took over a call that was meant for another: its leg begins and is answered at once, or is
    /// answered, if it began by dialling a number. `unsaid`: the PBX does not say from whom.
    pub(in crate::tracker) fn took_over(
        &mut self,
        cx: &mut Context<'_>,
        by: ChannelKey,
        at: PbxTime,
        unsaid: bool,
    ) {
        let route = self.route_to(by);
        if let (true, Route::Party { key: party, .. }) = (unsaid, &route)
            && let Some(from) = self.who_lost(*party, by)
        {
            self.lost_to_colleague(cx, from);
        }
        let Some(channel) = self.channels.get_mut(by) else { return };
        match (&channel.leg, route) {
            (Leg::Open(open), _) if open.state == State::Dialling => self.converse(cx, by, at, false),
            (Leg::Silent, Route::Party { key: party, transfer }) => {
                channel.ringing_at = Some(at);
                channel.up_at = Some(at);
                self.begin_incoming(cx, by, Some(party), transfer, false);
                self.answer(cx, by, at);
                self.converse(cx, party, at, false);
            }
            (Leg::Silent | Leg::Open(_) | Leg::Over, _) => {}
        }
    }

    fn lost_to_colleague(&mut self, cx: &mut Context<'_>, from: ChannelKey) {
        if self.rings(from) {
            let lost = self.channels.get_mut(from).and_then(Channel::take_lost);
            self.losing.end(from);
            self.end(cx, from, lost.map_or(cx.at, |lost| lost.at), EndReason::PickedUp, None);
        }
    }

    /// Whose call was taken, where only that it was is said: the phone whose attempt ended just before, else the
    /// only one that rings for the party.
    fn who_lost(&self, party: ChannelKey, by: ChannelKey) -> Option<ChannelKey> {
        let dials = self.channels.get(party)?.dials.to_vec();
        let phones = self.phones_at(dials, [party, by, by]);
        let ringing: Vec<ChannelKey> = phones.into_iter().filter(|key| self.rings(*key)).collect();
        let lost_at = |key: &ChannelKey| {
            self.channels.get(*key).and_then(|channel| channel.rare().lost).map(|lost| lost.at)
        };
        let last_lost = ringing.iter().copied().filter(|key| lost_at(key).is_some()).max_by_key(lost_at);
        match ringing[..] {
            [only] => Some(only),
            _ => last_lost,
        }
    }
}
