//! Agents with an open line, after a gap: whom each talks with now, and what becomes of the leg it had.
//!
//! The leg of an agent's caller bears the id of no channel the agent has, so after a restart of ours it is known by
//! its phone and its caller alone.

use crate::tracker::arena::ChannelKey;
use crate::tracker::channel::{Agent, Party, Presence};
use crate::tracker::leg::{Leg, Open, State};
use crate::tracker::state::{Context, Tracker};
use crate::{EndReason, LegId, PbxTime};

impl Tracker {
    /// A list says whether a channel is an agent's open line.
    pub(in crate::tracker) fn is_agent(&mut self, key: ChannelKey, is_agent: bool) {
        if let (true, Some(channel)) = (is_agent, self.channels.get_mut(key)) {
            channel.agent.get_or_insert_with(|| Box::new(Agent::default()));
        }
    }

    /// Puts the agents' talks together with who is in their bridges now: those that go on go on, those that are
    /// over ended when the link was lost, those that are new begin late.
    pub(in crate::tracker) fn settle_agents(&mut self, cx: &mut Context<'_>, lost_at: Option<PbxTime>) {
        for agent in self.channels.keys() {
            let Some(channel) = self.channels.get(agent).filter(|channel| channel.agent.is_some()) else {
                continue;
            };
            if matches!(channel.presence, Presence::Unconfirmed) {
                continue;
            }
            let others = self.others_in_bridge(agent);
            let with = others.iter().find_map(|other| self.real_party(*other)).filter(|with| *with != agent);
            let with = with.filter(|with| self.is_real(*with));
            self.adopt_talk(agent, with, &others);
            let party = self.channels.get(agent).and_then(|channel| channel.agent.as_ref()?.talk.as_ref());
            let party = party.map(|talk| talk.counterpart.clone());
            let is_over = party.is_some_and(|party| party != with.and_then(|with| self.leg_id(with)));
            if let (true, Some(lost_at)) = (is_over, lost_at) {
                if let Some(open) = self.channels.get_mut(agent).and_then(|channel| channel.open_mut()) {
                    open.assumed = true;
                }
                let at = std::mem::replace(&mut cx.at, lost_at);
                self.talk_is_over(cx, agent, EndReason::LinkLost);
                cx.at = at;
            }
            self.agent_meets(cx, agent, true);
        }
    }

    /// The leg that an earlier run of ours began for the caller whom the agent talks with still.
    fn adopt_talk(&mut self, agent: ChannelKey, with: Option<ChannelKey>, others: &[ChannelKey]) {
        let Some(channel) = self.channels.get(agent) else { return };
        let (Party::Phone { phone, .. }, Some(line)) = (&channel.party, &channel.agent) else { return };
        let Some(caller) = with.and_then(|with| self.leg_id(with)).filter(|_| line.talk.is_none()) else {
            return;
        };
        let is_it = |open: &Open| {
            matches!(open.state, State::Talking { .. })
                && open.counterpart.as_ref() == Some(&caller)
                && (&open.phone.account, &open.phone.number) == (&phone.account, &phone.number)
        };
        let kept = self.channels.keys().into_iter().find(|key| {
            let is_kept = |one: &crate::tracker::channel::Channel| {
                let is_left = matches!(one.presence, Presence::Unconfirmed) || others.contains(key);
                is_left && matches!(&one.leg, Leg::Open(open) if is_it(open))
            };
            *key != agent && self.channels.get(*key).is_some_and(is_kept)
        });
        let Some(kept) = kept else { return };
        let leg = self.channels.get_mut(kept).map(|one| std::mem::replace(&mut one.leg, Leg::Silent));
        if self.channels.get(kept).is_some_and(|one| matches!(one.presence, Presence::Unconfirmed)) {
            self.drop_unseen(kept);
        }
        if let (Some(Leg::Open(mut talk)), Some(channel)) = (leg, self.channels.get_mut(agent)) {
            talk.party = with;
            if let Some(agent) = &mut channel.agent {
                agent.talk = Some(talk);
            }
        }
    }

    /// The name of an agent's talk with whoever is in its bridge without a helper.
    pub(in crate::tracker) fn id_of_talk(&self, agent: ChannelKey, at: PbxTime) -> Option<LegId> {
        let second = at.as_micros().div_euclid(1_000_000);
        self.leg_id(agent).map(|id| LegId::new(format!("{id}-{second}")))
    }
}
