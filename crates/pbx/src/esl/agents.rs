//! Phones that keep their line open to be given callers: a fifo's consumers who wait, a queue's agents on standby.

use calls::{Input, PbxTime};

use super::channel::{Channel, Key};
use super::meeting::name_of_bridge;
use super::translate::{Out, Translator};
use super::words;

impl Translator {
    /// A phone that dialled in, or was rung by a program, is given callers from now on. Who was rung for one of them
    /// is no such phone.
    pub(super) fn keeps_line_open(&mut self, key: Key, at: PbxTime, out: Out<'_>) {
        let may_be = |channel: &Channel| {
            words::may_be_phone(&channel.end)
                && !channel.agent
                && !channel.dials
                && channel.lives()
                && channel.met_nobody()
        };
        let is_new = self.channels.get(key).is_some_and(may_be);
        let is_free = |channel: &Channel| channel.placed || self.channels.by_order(key);
        if !is_new || !self.channels.get(key).is_some_and(is_free) {
            return;
        }
        self.tell(key, out);
        let Some(channel) = self.channels.get_mut(key) else { return };
        channel.agent = true;
        out(at, Input::Agent { who: channel.seen(), is_on: true });
    }

    /// The caller of such a phone is gone from it; the phone waits for the next.
    pub(super) fn agent_is_left(&mut self, key: Key, other: Option<Key>, out: Out<'_>) {
        let Some(agent) = self.channels.get(key).filter(|channel| channel.agent && channel.lives()) else {
            return;
        };
        let Some(caller) = other.filter(|_| agent.with == other).and_then(|other| self.channels.get(other))
        else {
            return;
        };
        let bridge = name_of_bridge(&agent.id, &caller.id);
        out(self.now, Input::Left { who: agent.seen(), bridge: &bridge });
    }
}
