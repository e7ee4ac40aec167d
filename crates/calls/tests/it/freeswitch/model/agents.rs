//! A phone that keeps its line open: a fifo's consumer who waits, or a queue's agent on standby.

use super::super::wire::BEGIN_US;
use super::{TICK_MS, Teller};
use crate::known::{Side, Tells, Told};

impl Teller {
    pub(super) fn keeps_line_open(&mut self) {
        let agent = self.phone();
        let by_code = self.known.chance.one_in(2);
        self.places(&agent, if by_code { "*90" } else { "900" });
        let channel = &agent.channel;
        self.say(format!("media {channel}"));
        if !by_code {
            self.begin(&agent, 'O', "900", &agent.number);
        }
        self.say(format!("answer {channel}"));
        self.known.now += 200;
        let is_consumer = self.known.chance.one_in(2);
        if is_consumer {
            self.say(format!(
                "custom fifo::info {channel} FIFO-Action=consumer_start FIFO-Name=line current_application_data=line~out~wait"
            ));
        } else {
            self.say(format!("park {channel}"));
        }
        for _ in 0..1 + self.known.chance.below(3) {
            // The next one's talk is named by another second.
            self.known.now += 1_000;
            self.wait();
            self.is_given_a_caller(&agent, is_consumer);
        }
        self.wait();
        self.say(format!("hangup {channel} NORMAL_CLEARING"));
    }

    /// The caller ends the talk, or the agent with it its line.
    fn is_given_a_caller(&mut self, agent: &Side, is_consumer: bool) {
        let caller = self.outside();
        self.places(&caller, "210");
        let answers = self.answers(&caller);
        self.say_in_any_order(answers);
        let (channel, party) = (&agent.channel, &caller.channel);
        if is_consumer {
            self.say(format!("custom fifo::info {party} FIFO-Action=push FIFO-Name=line"));
            self.known.now += 300;
            self.say(format!("bridge {channel} {party}"));
        } else {
            self.say(format!("custom callcenter::info {party} CC-Action=member-queue-start CC-Queue=line CC-Member-Session-UUID={party}"));
            self.known.now += 300;
            self.say(format!("custom callcenter::info - CC-Action=agent-offering CC-Agent-Type=uuid-standby CC-Member-Session-UUID={party}"));
            self.say(format!("custom callcenter::info {channel} CC-Action=bridge-agent-start CC-Member-Session-UUID={party}"));
            self.say(format!("history {party} uuid_br:{channel}"));
            self.say(format!("history {channel} uuid_br:{party}"));
            self.say(format!("bridge {party} {channel}"));
        }
        let began = self.known.now / TICK_MS * TICK_MS;
        let second = (BEGIN_US / 1_000 + began) / 1_000;
        self.known.now += 300;
        self.wait();
        let told = Told {
            begun: 'I',
            with: party.clone(),
            from: caller.number.clone(),
            answered_with: Some(party.clone()),
            secs: (self.known.now - began) / 1_000,
            ..Told::default()
        };
        self.known.story.legs.insert(format!("{channel}-{second}"), told);
        let unbridges = if is_consumer {
            format!("unbridge {channel} {party}")
        } else {
            format!("unbridge {party} {channel}")
        };
        let lines = vec![format!("hangup {party} NORMAL_CLEARING"), unbridges];
        self.say_in_any_order(lines);
        if !is_consumer {
            self.say(format!("park {channel}"));
        }
    }
}
