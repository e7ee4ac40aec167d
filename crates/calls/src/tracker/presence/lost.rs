//! The link is lost, the PBX was restarted, the grace after a snapshot is over.

use crate::tracker::arena::ChannelKey;
use crate::tracker::channel::Presence;
use crate::tracker::link::{Link, NOTHING_BEFORE};
use crate::tracker::state::{Context, Tracker};
use crate::{EndReason, PbxTime};

impl Tracker {
    /// Since when it is not known who of those from before still lives: from a lost link until stream and
    /// snapshot are put together. For a run that takes up after this one the PBX was not heard since then:
    /// what vanished in the gap ends when it was last known to live, however often the program dies before it
    /// can tell.
    pub fn unsure_since(&self) -> Option<PbxTime> {
        self.link.unsure_since()
    }

    pub(in crate::tracker) fn link_lost(&mut self, at: PbxTime) {
        self.link = Link::Gap { lost_at: self.link.unsure_since().unwrap_or(at) };
        for key in self.channels.keys() {
            let Some(channel) = self.channels.get_mut(key) else { continue };
            match channel.presence {
                Presence::Confirmed | Presence::Missing => channel.presence = Presence::Unconfirmed,
                Presence::Listed(_) => self.drop_unseen(key),
                Presence::Unconfirmed => {}
            }
        }
    }

    /// A channel that was only ever listed, and whether it is still there is not known any more. Nothing was told
    /// of it; if it is there the next list has it again.
    pub(in crate::tracker) fn drop_unseen(&mut self, key: ChannelKey) {
        self.leave(key);
        for waits in [&mut self.placed, &mut self.losing, &mut self.unlinked, &mut self.by_program] {
            waits.end(key);
        }
        if self.channels.remove(key).is_some_and(|channel| channel.is_helper()) {
            self.halves.retain(|_, half| *half != key);
        }
    }

    /// Nothing from before the gap is up any more. Where no gap was told (a recording in one piece), all
    /// that is known is from before, and `before` is when the PBX was heard last.
    pub(in crate::tracker) fn restarted(&mut self, cx: &mut Context<'_>, before: PbxTime) {
        let (lost_at, gap_told) = match self.link {
            Link::Gap { lost_at } | Link::Settling { lost_at: Some(lost_at), .. } => (lost_at, true),
            Link::Up | Link::Settling { lost_at: None, .. } => (before, false),
        };
        for key in self.channels.keys() {
            let presence = self.channels.get(key).map(|channel| &channel.presence);
            if !gap_told || matches!(presence, Some(Presence::Unconfirmed)) {
                self.vanish(cx, key, lost_at, EndReason::PbxRestarted);
            }
        }
        if gap_told
            && let Link::Gap { lost_at } | Link::Settling { lost_at: Some(lost_at), .. } = &mut self.link
        {
            *lost_at = NOTHING_BEFORE;
        }
    }

    /// The grace is over: what is listed and was not told begins late, what was known and neither listed
    /// nor told is gone.
    pub(in crate::tracker) fn settle_gap(&mut self, cx: &mut Context<'_>) {
        let Link::Settling { lost_at, due } = self.link else { return };
        if due > cx.at {
            return;
        }
        self.link = Link::Up;
        let at = std::mem::replace(&mut cx.at, due);
        self.begin_late(cx);
        self.settle_agents(cx, lost_at);
        if let Some(lost_at) = lost_at {
            for key in self.channels.keys() {
                if matches!(
                    self.channels.get(key).map(|channel| &channel.presence),
                    Some(Presence::Unconfirmed)
                ) {
                    self.vanish(cx, key, lost_at, EndReason::LinkLost);
                }
            }
        }
        cx.at = at;
    }
}
