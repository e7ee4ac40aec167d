//! How channels come: by themselves, on behalf of others, and on behalf of some that are heard of later.

use std::collections::VecDeque;

use calls::{Input, Origin, PbxTime, Seen};

use super::channel::{Channel, Key};
use super::event::Event;
use super::field::Field;
use super::translate::{Orphan, Out, Translator};
use super::words;

/// At most so many channels wait for the one on whose behalf they are dialled to be heard of.
const MAX_ORPHANS: usize = 1_024;

impl Translator {
    pub(super) fn created(&mut self, at: PbxTime, event: &Event<'_>, id: &str, out: Out<'_>) {
        if id.is_empty() {
            self.counts.not_understood += 1;
            return;
        }
        if self.channels.find(id).is_some() {
            return;
        }
        let end = words::end_of(event);
        let placed = event.word(Field::CallDirection) == "inbound";
        let mut channel = Channel::new(id, end, placed, at);
        let destination = event.get(Field::Destination);
        channel.dialled = destination.as_ref().into();
        if placed {
            channel.dialled = words::dialled_number(event.word(Field::Dialplan), &destination).into();
            channel.withheld = event.word(Field::HideNumber) == "true";
            channel.number = words::number(&event.get(Field::CallerNumber)).into();
        } else {
            channel.number = words::called_number(&channel.end, &destination).into();
        }
        let is_loopback = channel.is_loopback();
        let key = self.channels.insert(channel);
        match words::origin(event) {
            Some(origin) => {
                let gone_on = event.get(Field::OtherDestination);
                match self.channels.find(origin) {
                    Some(origin) => self.dialled_by(key, origin, &gone_on, at, out),
                    None => {
                        if self.orphans.len() >= MAX_ORPHANS {
                            self.orphans.pop_front();
                        }
                        let gone_on = gone_on.as_ref().into();
                        self.orphans.push_back(Orphan { key, awaited: origin.into(), gone_on });
                        self.tell(key, out);
                    }
                }
            }
            None if !placed => {
                self.tell(key, out);
                out(at, Input::DialBegan { from: None, to: self.seen(key) });
            }
            None if is_loopback => self.tell(key, out),
            // Told when it reaches for something: a number the dialplan does not know is no call.
            None => {}
        }
        self.adopt(key, id, at, out);
    }

    /// A channel is dialled on behalf of another, which is after this number by now.
    fn dialled_by(&mut self, key: Key, origin: Key, gone_on: &str, at: PbxTime, out: Out<'_>) {
        self.tell(origin, out);
        self.tell(key, out);
        self.lifted_by_order(origin, at, out);
        self.channels.dialled_by(key, origin);
        self.hint_of_dialling(origin, key, at, out);
        let (from, to) = (self.seen(origin), self.seen(key));
        // Where the dialplan has gone on from what was dialled, that is the number; a line may be given another.
        let heard = self.channels.get(origin).map_or("", |origin| &origin.gone_on);
        let numbers =
            [gone_on, heard].into_iter().find(|number| !number.is_empty() && *number != from.dialled);
        let from = Seen { dialled: numbers.unwrap_or(to.dialled), ..from };
        out(at, Input::DialBegan { from: Some(from), to });
    }

    /// A phone that a program rang and that dials now, itself or through a loopback, was lifted for its own call.
    fn lifted_by_order(&mut self, origin: Key, at: PbxTime, out: Out<'_>) {
        let Some(key) = self.real_end(origin).filter(|key| self.channels.real_origin(*key).is_none()) else {
            return;
        };
        let Some(channel) = self.channels.get_mut(key).filter(|one| !one.placed && !one.up) else { return };
        channel.up = true;
        // That it was lifted may be heard only after it dials.
        let lifted_at = *channel.lifted_at.get_or_insert(at);
        out(lifted_at, Input::Up { who: channel.seen() });
        self.join(key, at, out);
    }

    /// Something is said of a channel.
    pub(super) fn spoke(&mut self, key: Key, at: PbxTime, event: &Event<'_>, out: Out<'_>) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        channel.sure = true;
        // Later than this its numbers are those of others.
        if channel.placed && !channel.dials && channel.met_nobody() && !channel.is_loopback() {
            let number = event.get(Field::Destination);
            if !number.is_empty() && *number != *channel.dialled && *number != *channel.gone_on {
                channel.gone_on = number.as_ref().into();
            }
        }
        self.read_words(key, at, event, out);
    }

    /// Channels that were heard of before the one on whose behalf they are dialled.
    fn adopt(&mut self, origin: Key, id: &str, at: PbxTime, out: Out<'_>) {
        if self.orphans.is_empty() {
            return;
        }
        let (mine, others): (VecDeque<Orphan>, _) =
            std::mem::take(&mut self.orphans).into_iter().partition(|orphan| *orphan.awaited == *id);
        self.orphans = others;
        for Orphan { key, gone_on, .. } in mine {
            self.dialled_by(key, origin, &gone_on, at, out);
        }
    }

    /// The call logic hears of a channel, once.
    pub(super) fn tell(&mut self, key: Key, out: Out<'_>) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        if !std::mem::replace(&mut channel.told, true) {
            let origin = if channel.placed { Origin::Placed } else { Origin::Called };
            out(channel.created_at, Input::Appeared { who: channel.seen(), origin });
        }
    }

    /// A channel in the words of the call logic. Of one that is forgotten nothing is known.
    pub(super) fn seen(&self, key: Key) -> Seen<'_> {
        const NOBODY: Seen<'static> = Seen::of("", calls::Device::Machine);
        self.channels.get(key).map_or(NOBODY, Channel::seen)
    }
}
