//! A second reader has the PBX now: what was kept of it is what holds.

use std::collections::BTreeSet;

use compact_str::CompactString;

use crate::told::ON_ITS_WAY;
use crate::tracker::arena::ChannelKey;
use crate::tracker::channel::{Party, Presence};
use crate::tracker::leg::{Leg, Open, State};
use crate::tracker::state::Tracker;
use crate::{Direction, LegId, Note, OpenLeg, PbxTime, Restored};

impl Tracker {
    /// Takes over from who kept these, after having followed the PBX beside it. Its legs are called what was told of
    /// them; those that were told and are not known here are taken up, and end with the lists of channels that follow if
    /// they are over; of those that were not told nothing is told any more.
    pub fn adopt(&mut self, restored: Restored) {
        let prefix = format!("{}-", self.pbx);
        let heard = restored.last_heard.unwrap_or_default();
        let told: BTreeSet<LegId> = restored.legs.iter().map(|leg| leg.leg.clone()).collect();
        for leg in restored.legs {
            let Some(id) = leg.leg.as_str().strip_prefix(&prefix).map(CompactString::from) else { continue };
            match self.channel_of_leg(&id) {
                Some(key) => self.is_told(key, leg),
                None => {
                    let key = self.restore_leg(id, leg, &prefix);
                    if let Some(channel) = self.channels.get_mut(key) {
                        channel.presence = Presence::Confirmed;
                    }
                }
            }
        }
        self.forget_untold(&told, heard);
        for note in restored.notes {
            self.is_noted(note);
        }
    }

    /// What was kept of a channel that is known here: a transfer that was not heard, when an outgoing call was answered.
    fn is_noted(&mut self, note: Note) {
        let Some(channel) = self.channels.find(&note.channel).and_then(|key| self.channels.get_mut(key))
        else {
            return;
        };
        let Some(kept) = note.kept else { return };
        if let (Some(since), Leg::Open(open)) = (kept.answered_at, &mut channel.leg)
            && open.direction() == Direction::Outgoing
        {
            open.state = State::Conversing { since };
            open.assumed = false;
        }
        if !channel.noted {
            self.restore_note(&note.channel, kept);
        }
    }

    /// By the id of its leg; one whose id an application chose has its second in it.
    fn channel_of_leg(&self, id: &str) -> Option<ChannelKey> {
        self.channels.find(id).or_else(|| {
            let is =
                |key: &ChannelKey| self.channels.get(*key).is_some_and(|channel| channel.unique_id() == id);
            self.channels.keys().into_iter().find(is)
        })
    }

    /// What was told of a leg whose channel is known.
    fn is_told(&mut self, key: ChannelKey, told: OpenLeg) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        let told = Open::from(told);
        match &mut channel.leg {
            Leg::Open(open) => open.is_called_as(told),
            Leg::Silent | Leg::Over => {
                if !matches!(channel.party, Party::Phone { .. }) {
                    channel.party = Party::Phone { endpoint: Default::default(), phone: told.phone.clone() };
                }
                channel.ringing_at.get_or_insert(told.begun_at);
                channel.up_at = channel.up_at.or(told.answered_at());
                channel.leg = Leg::Open(Box::new(told));
                self.open_legs += 1;
            }
        }
    }

    fn forget_untold(&mut self, told: &BTreeSet<LegId>, heard: PbxTime) {
        for key in self.channels.keys() {
            let Some(channel) = self.channels.get_mut(key) else { continue };
            let Leg::Open(open) = &channel.leg else { continue };
            if open.begun_at + ON_ITS_WAY <= heard && !told.contains(&open.id) {
                channel.leg = Leg::Over;
                self.open_legs -= 1;
            }
        }
    }
}
