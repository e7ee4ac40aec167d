//! What FreeSWITCH's applications say: rooms, parking, queues of two kinds.

use calls::{Input, Meeting, PbxTime, Seen};

use super::channel::Key;
use super::event::Event;
use super::field::Field;
use super::translate::{Out, Translator};
use super::words;

impl Translator {
    pub(super) fn custom(&mut self, at: PbxTime, event: &Event<'_>, id: &str, out: Out<'_>) {
        let subclass = event.get(Field::Subclass);
        if let Some(key) = self.channels.find(id) {
            self.spoke(key, at, event, out);
        }
        match &*subclass {
            "conference::maintenance" => self.conference(at, event, id, out),
            "valet_parking::info" => {
                if event.word(Field::Action) == "hold"
                    && let Some(key) = self.channels.find(id)
                {
                    self.journey_over(key, at, out);
                    if let Some(channel) = self.channels.get_mut(key) {
                        channel.parked = true;
                    }
                }
            }
            "callcenter::info" => {
                let Some(key) = self.channels.find(event.word(Field::CcMember)) else { return };
                match event.word(Field::CcAction) {
                    "member-queue-start" => self.queued(key, at, &event.get(Field::CcQueue), out),
                    "member-queue-end" => out(at, Input::QueueLeft { who: self.seen(key) }),
                    "agent-offering" if event.word(Field::CcAgentType) == "uuid-standby" => {
                        if let Some(caller) = self.channels.get_mut(key) {
                            caller.for_agent = true;
                        }
                    }
                    "bridge-agent-start" => {
                        if let Some(key) = self.channels.find(id) {
                            self.keeps_line_open(key, at, out);
                        }
                    }
                    _ => {}
                }
            }
            "fifo::info" => {
                let Some(key) = self.channels.find(id) else { return };
                match event.word(Field::FifoAction) {
                    "push" => self.queued(key, at, &event.get(Field::FifoName), out),
                    "consumer_start" if words::waits(&event.get(Field::ApplicationData)) => {
                        self.keeps_line_open(key, at, out);
                    }
                    "abort" | "bridge-caller-stop" => out(at, Input::QueueLeft { who: self.seen(key) }),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// A queue's name has the domain behind it, which is the account and no part of the name.
    fn queued(&mut self, key: Key, at: PbxTime, queue: &str, out: Out<'_>) {
        self.tell(key, out);
        let queue = queue.split('@').next().unwrap_or_default();
        out(at, Input::QueueEntered { who: self.seen(key), queue });
    }

    fn conference(&mut self, at: PbxTime, event: &Event<'_>, id: &str, out: Out<'_>) {
        let Some(key) = self.channels.find(id) else { return };
        let room = event.get(Field::ConferenceId);
        match event.word(Field::Action) {
            "add-member" => {
                self.parked(key, out);
                let Some(channel) = self.channels.get_mut(key) else { return };
                if !channel.lives() {
                    return;
                }
                // A phone that was rung by order and brought into a room by an announcement goes nowhere by
                // itself; one that was sent to the room's number does.
                let by_order = !channel.placed && channel.origin.is_none() && !channel.dials;
                let number = event.get(Field::Destination);
                if by_order && *number == *channel.dialled {
                    return;
                }
                let dialled: Box<str> = number.as_ref().into();
                self.tell(key, out);
                let seen = self.seen(key);
                let who = if by_order { Seen { dialled: &dialled, ..seen } } else { seen };
                out(at, Input::Joined { who, bridge: &room, meeting: Meeting::Room, in_place_of: "" });
            }
            "del-member" => {
                if let Some(channel) = self.channels.get_mut(key) {
                    out(at, Input::Left { who: channel.seen(), bridge: &room });
                }
            }
            _ => {}
        }
    }
}
