//! Who meets whom in a bridge, where nobody dialled: calls a program joins, calls that are taken over while they
//! are up, and agents who are given their callers on an open line.

use crate::tracker::arena::ChannelKey;
use crate::tracker::channel::{Caller, Channel, Party};
use crate::tracker::graph::Route;
use crate::tracker::leg::State;
use crate::tracker::link::Link;
use crate::tracker::rules::answer::just;
use crate::tracker::state::{Context, Tracker};
use crate::{EndReason, Meeting};

impl Tracker {
    /// What begins because a channel joined a bridge. `front` is the number the channel was after before.
    pub(in crate::tracker) fn meetings_in_bridge(
        &mut self,
        cx: &mut Context<'_>,
        key: ChannelKey,
        meeting: Meeting,
        dialled: &str,
        front: &str,
    ) {
        if meeting == Meeting::Room {
            return self.ordered_into_room(cx, key, dialled, front);
        }
        let members = self.others_in_bridge(key).into_iter().chain([key]);
        let members: Vec<ChannelKey> = members.filter(|member| !self.is_machine(*member)).collect();
        for member in &members {
            if self.channels.get(*member).is_some_and(|channel| channel.agent.is_some()) {
                self.agent_meets(cx, *member, false);
            }
        }
        // The helper of an announcement may be in the room before its phone has it.
        if members.iter().any(|member| self.leads_into_room(*member)) {
            return;
        }
        if let [one, two] = members[..] {
            for (member, other) in [(one, two), (two, one)] {
                let phone = self.phone_behind_dialler(member).filter(|_| self.is_helper(member));
                self.meet(cx, phone.unwrap_or(member), other);
            }
        }
    }

    /// A feature code's channel that dialled nobody meets somebody: a pickup or a retrieval, of which the PBX has no
    /// other word (scenario `04: a code's channel`).
    fn fetches(&mut self, cx: &mut Context<'_>, key: ChannelKey, other: ChannelKey) {
        let is_with_somebody =
            self.real_party(other).is_some_and(|party| self.is_real(party) && party != key);
        if is_with_somebody && let Some(channel) = self.channels.get_mut(key) {
            channel.caller = Caller::Channel(other);
            self.took_over(cx, key, cx.at, false);
        }
    }

    /// A phone that a program rang, for whom was not known, meets somebody (scenarios 08).
    fn meet(&mut self, cx: &mut Context<'_>, key: ChannelKey, other: ChannelKey) {
        let Some(channel) = self.channels.get(key) else { return };
        let is_free = channel.is_phone() && channel.is_silent() && channel.agent.is_none();
        let dialled_nobody = channel.placed() && channel.dials.is_empty() && !channel.dialled.is_empty();
        if is_free && dialled_nobody && !self.is_number_placed(cx, key) {
            return self.fetches(cx, key, other);
        }
        if !is_free || channel.placed() || matches!(self.route_to(key), Route::Party { .. }) {
            return;
        }
        let Some(party) = self.real_party(other).filter(|party| self.is_real(*party) && *party != key) else {
            return;
        };
        let (Some(channel), Some(there)) = (self.channels.get(key), self.channels.get(party)) else { return };
        let began = channel.ringing_at.or(channel.up_at).unwrap_or(cx.at);
        let was_there = there.placed() || there.up_at.is_some_and(|up_at| up_at <= began);
        if was_there {
            let up_at = channel.up_at.unwrap_or(cx.at);
            if let Some(channel) = self.channels.get_mut(key) {
                channel.by_order = false;
                channel.caller = Caller::Channel(party);
            }
            self.begin_incoming(cx, key, Some(party), None, false);
            self.answer(cx, key, up_at);
        } else {
            let at = there.made_at.max(channel.up_at.unwrap_or(began));
            let number =
                [&*there.dialled, there.public_number()].into_iter().find(|number| !number.is_empty());
            let number = number.unwrap_or_default().to_owned();
            let answered_at = there.reached_at.or(there.up_at).map(|at| just(at, cx.at));
            self.open_outgoing(cx, key, &number, at, false);
            match answered_at {
                Some(at) => self.converse(cx, key, at, false),
                // It is in the bridge before it answers, so that it is heard how it rings.
                None => {
                    self.reaches(cx, key, party, "");
                    if let Some(there) = self.channels.get_mut(party) {
                        there.caller = Caller::Channel(key);
                    }
                }
            }
        }
    }

    /// A channel that placed a call takes the place of another in its bridge: a call that is up is taken over
    /// (INVITE with Replaces of a confirmed dialog). The same is said when a transfer or the end of a pair of
    /// helpers moves a channel; those have a leg already, or are no phones.
    pub(in crate::tracker) fn takes_the_place(
        &mut self,
        cx: &mut Context<'_>,
        key: ChannelKey,
        in_place_of: &str,
    ) -> bool {
        let Some(other) = self.channels.find(in_place_of) else { return false };
        let Some(channel) = self.channels.get(key) else { return false };
        let is_new =
            channel.is_phone() && channel.placed() && channel.is_silent() && channel.dials.is_empty();
        let is_up = self
            .channels
            .get(other)
            .and_then(Channel::open)
            .is_some_and(|open| matches!(open.state, State::Talking { .. } | State::Conversing { .. }));
        if !is_new || !is_up {
            return false;
        }
        let with =
            self.others_in_bridge(key).into_iter().find(|with| *with != other && !self.is_machine(*with));
        let Some(party) = with.and_then(|with| self.real_party(with)) else { return false };
        self.end(cx, other, cx.at, EndReason::PickedUp, None);
        if let Some(channel) = self.channels.get_mut(key) {
            channel.caller = Caller::Channel(party);
            channel.ringing_at = Some(cx.at);
            channel.up_at = Some(cx.at);
        }
        self.begin_incoming(cx, key, Some(party), None, false);
        self.answer(cx, key, cx.at);
        true
    }

    // Agents

    /// An agent is given a caller: a leg of its own, named by the helper's half that brought the caller, else by
    /// the agent's channel and the second.
    pub(in crate::tracker) fn agent_meets(&mut self, cx: &mut Context<'_>, agent: ChannelKey, assumed: bool) {
        let Some(channel) = self.channels.get(agent) else { return };
        // Who it talks with after a gap is found out when the gap is settled.
        if matches!(self.link, Link::Gap { .. } | Link::Settling { lost_at: Some(_), .. }) {
            return;
        }
        if channel.agent.as_ref().is_none_or(|agent| agent.talk.is_some()) {
            return;
        }
        let Party::Phone { endpoint, phone } = &channel.party else { return };
        let phone = cx.directory.phone(endpoint).unwrap_or_else(|| phone.clone());
        let others = self.others_in_bridge(agent);
        let met = others.into_iter().find_map(|other| Some((other, self.real_party(other)?)));
        let Some((other, party)) = met.filter(|(_, party)| self.is_real(*party) && *party != agent) else {
            return;
        };
        let id = if self.is_helper(other) { self.leg_id(other) } else { self.id_of_talk(agent, cx.at) };
        let (Some(id), Some(caller)) = (id, self.channels.get(party)) else { return };
        let transfer = caller.mark.as_ref().map(|mark| mark.transfer.clone());
        let group = caller.group.clone();
        let mut talk = self.incoming(id, phone, &group, Some(party), transfer);
        talk.begun_at = cx.at;
        talk.waiting_since = self.waits_since(party, cx.at);
        talk.assumed = assumed;
        cx.tell(talk.begin());
        cx.tell(talk.answer(cx.at));
        self.open_legs += 1;
        self.take(party);
        if let Some(agent) = self.channels.get_mut(agent).and_then(|channel| channel.agent.as_mut()) {
            agent.talk = Some(Box::new(talk));
        }
        if self.is_dialling(party) {
            self.converse(cx, party, cx.at, false);
        }
    }

    /// The agent an open line's caller talks with, or the agent itself, before one of them goes elsewhere.
    pub(in crate::tracker) fn talks_with(&self, key: ChannelKey) -> Option<ChannelKey> {
        let others = self.others_in_bridge(key);
        others.into_iter().find(|other| {
            self.channels.get(*other).and_then(|channel| channel.agent.as_ref()?.talk.as_ref()).is_some()
        })
    }

    /// A channel left its bridge: if it is an agent, its caller is gone, or was just before.
    pub(in crate::tracker) fn caller_left(&mut self, cx: &mut Context<'_>, key: ChannelKey) {
        let Some(channel) = self.channels.get(key) else { return };
        let is_there = channel.bridge.is_some_and(|bridge| {
            self.bridges.get(bridge).is_some_and(|bridge| bridge.meeting == Meeting::Talk)
        });
        if !is_there {
            self.talk_is_over(cx, key, self.who_ended_talk(key));
        }
    }

    /// Who ended the talk of an agent.
    fn who_ended_talk(&self, agent: ChannelKey) -> EndReason {
        let is_agent = self.channels.get(agent).is_some_and(|agent| agent.hanging_up);
        if is_agent { EndReason::HungUpByEmployee } else { EndReason::HungUpByCounterpart }
    }

    /// The talk of an agent is over, its line stays open.
    pub(in crate::tracker) fn talk_is_over(
        &mut self,
        cx: &mut Context<'_>,
        key: ChannelKey,
        reason: EndReason,
    ) {
        let Some(agent) = self.channels.get_mut(key).and_then(|channel| channel.agent.as_mut()) else {
            return;
        };
        if let Some(talk) = agent.talk.take() {
            self.open_legs -= 1;
            cx.tell(talk.end(cx.at, reason));
        }
    }

    /// The caller of an agent is gone, whether or not the agent has left the bridge.
    pub(in crate::tracker) fn caller_is_gone(&mut self, cx: &mut Context<'_>, key: ChannelKey) {
        let last_with = self.channels.get(key).and_then(|channel| channel.last_with);
        if let Some(agent) = self.talks_with(key).or(last_with)
            && self.open(agent).is_some_and(|open| open.party == Some(key))
        {
            self.talk_is_over(cx, agent, self.who_ended_talk(agent));
        }
    }
}
