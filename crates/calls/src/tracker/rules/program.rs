//! Whom a program reaches for whom (ARI), where the PBX says no dialler: a channel that was made for another bears the
//! other's group. So do phones that an announcement opens, so a phone is only told when who it rings for has not
//! entered a room within a moment; and a line is nobody's call who has dialled a feature code.

use crate::Meeting;
use crate::tracker::arena::ChannelKey;
use crate::tracker::channel::{Caller, Party};
use crate::tracker::state::{Context, Tracker};

impl Tracker {
    /// Whose call a line to outside belongs to that a program has reached.
    pub(in crate::tracker) fn line_reached_for(&self, key: ChannelKey) -> Option<ChannelKey> {
        let channel = self.channels.get(key)?;
        if let (Party::Trunk, Caller::Channel(caller)) = (&channel.party, channel.caller) {
            return Some(caller);
        }
        let party = if matches!(channel.party, Party::Trunk) { self.made_for(key) } else { None }?;
        let there = self.channels.get(party)?;
        let may_announce = there.is_phone() && there.placed() && there.is_silent();
        (!may_announce).then_some(party)
    }

    /// For whom a phone rings that a program has reached and nobody has lifted.
    pub(in crate::tracker) fn rung_for(&self, key: ChannelKey) -> Option<ChannelKey> {
        let channel = self.channels.get(key)?;
        // Older ones do not even say that it is dialled.
        let is_by_nobody = matches!(channel.caller, Caller::Nobody | Caller::Unknown) && !channel.placed();
        let rings = channel.is_phone() && channel.is_silent() && channel.up_at.is_none();
        let party = if rings && is_by_nobody { self.made_for(key) } else { None }?;
        let is_in_room = self.bridge_of(party).is_some_and(|bridge| bridge.meeting == Meeting::Room);
        (!is_in_room).then_some(party)
    }

    /// Whoever was there before a channel was made and has its group.
    fn made_for(&self, key: ChannelKey) -> Option<ChannelKey> {
        let leader = self.channels.find(&self.channels.get(key)?.group).filter(|leader| *leader != key)?;
        let channel = self.channels.get(leader)?;
        let is_there = channel.placed() || channel.up_at.is_some();
        (is_there && self.is_real(leader) && channel.agent.is_none()).then_some(leader)
    }

    /// Phones that rang long enough, each with the leg of who it rings for, if that is a phone rung for this.
    pub(in crate::tracker) fn tell_rung_by_program(&mut self, cx: &mut Context<'_>) {
        for key in self.by_program.due(cx.at) {
            let Some(party) = self.rung_for(key) else { continue };
            let caller = self.reaches(cx, party, key, "");
            if let Some(channel) = self.channels.get_mut(key) {
                channel.by_order = false;
                channel.caller = caller;
            }
            self.begin_incoming(cx, key, Some(party), None, false);
        }
    }
}
