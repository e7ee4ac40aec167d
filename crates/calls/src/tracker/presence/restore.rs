//! What the journal gives back when Ringbud starts.

use compact_str::CompactString;

use crate::tracker::arena::ChannelKey;
use crate::tracker::channel::{Channel, Party, Presence};
use crate::tracker::leg::{Leg, Open, State};
use crate::tracker::link::{Link, NOTHING_BEFORE};
use crate::tracker::state::Tracker;
use crate::{OpenLeg, Origin, PbxTime, Restored};

impl Tracker {
    /// Takes up what an earlier run of the program knew. To be called before anything else; counts as a
    /// lost link until a snapshot comes.
    pub fn restore(&mut self, restored: Restored) {
        let lost_at = restored.last_heard.unwrap_or(NOTHING_BEFORE);
        self.now = lost_at;
        self.link = Link::Gap { lost_at };
        let prefix = format!("{}-", self.pbx);
        for leg in restored.legs {
            let Some(id) = leg.leg.as_str().strip_prefix(&prefix).map(CompactString::from) else { continue };
            self.restore_leg(id, leg, &prefix);
        }
        for note in restored.notes {
            if let Some(kept) = note.kept {
                self.restore_note(&note.channel, kept);
            }
        }
    }

    /// A leg that was told, and of whose channel nothing was heard yet.
    pub(in crate::tracker) fn restore_leg(
        &mut self,
        id: CompactString,
        leg: OpenLeg,
        prefix: &str,
    ) -> ChannelKey {
        let mut channel = Channel { presence: Presence::Unconfirmed, ..Channel::new(&id) };
        channel.party = Party::Phone { endpoint: CompactString::default(), phone: leg.phone.clone() };
        channel.group = leg.call.as_str().strip_prefix(prefix).unwrap_or(&id).into();
        channel.origin = Some(match leg.direction {
            crate::Direction::Incoming => Origin::Called,
            crate::Direction::Outgoing => Origin::Placed,
        });
        channel.ringing_at = Some(leg.begun_at);
        channel.up_at = leg.answered_at;
        channel.own_number = leg.a_number.as_ref().into();
        channel.leg = Leg::Open(Box::new(Open::from(leg)));
        let key = self.channels.insert(channel);
        self.order.push_back(key);
        self.open_legs += 1;
        key
    }

    pub(in crate::tracker) fn restore_note(&mut self, id: &str, kept: crate::Kept) {
        let key = self.channels.find(id).unwrap_or_else(|| {
            let channel = Channel { presence: Presence::Unconfirmed, ..Channel::new(id) };
            let key = self.channels.insert(channel);
            self.order.push_back(key);
            key
        });
        if let Some(transfer) = kept.transfer {
            self.mark_with(key, transfer);
        }
        let Some(channel) = self.channels.get_mut(key) else { return };
        channel.noted = true;
        if kept.held_since.is_some() {
            channel.rare_mut().held_since = kept.held_since;
        }
        if let Leg::Open(open) = &mut channel.leg {
            open.transfer = kept.leg_transfer;
            if let (Some(since), State::Dialling) = (kept.answered_at, open.state) {
                open.state = State::Conversing { since };
            }
        }
    }

    /// A restored leg is known by its id alone. Of a channel whose id an application chose that is not the
    /// channel's own: it ends with the second the channel was made in, and the channel is recognised when it is
    /// heard of again.
    pub(in crate::tracker) fn recognise_chosen(&mut self, id: &str) {
        if self.link == Link::Up || self.channels.find(id).is_some() {
            return;
        }
        let restored = self.channels.keys().into_iter().find_map(|key| {
            let channel = self.channels.get(key)?;
            let second = channel.id.strip_prefix(id)?.strip_prefix('-')?.parse::<i64>().ok()?;
            matches!(channel.presence, Presence::Unconfirmed).then_some((key, second))
        });
        if let Some((key, second)) = restored {
            self.channels.rename(key, |channel| {
                channel.id = id.into();
                channel.is_chosen = true;
                channel.made_at = PbxTime::from_secs(second);
            });
        }
    }
}
