//! What the session and the call logic say of what came in: taken in, kept, written down.

use std::time::Duration;

use calls::Output as Said;
use journal::settings::IntegrationId;
use journal::{Append, Grant};
use pbx::{Evidence, Missing, Output, Session, State};
use tokio::time::Instant;

use super::{HEARTBEAT, PbxTask, Running};
use crate::clock;
use crate::gateway::Heard;
use crate::gateway::notices::{notice_told, strangers_told};
use crate::link::{Fill, LinkState, LinkStatus, Piece, Trouble};

impl Running {
    /// Has the session do something and takes in what comes out.
    pub(super) fn session(&mut self, act: impl FnOnce(&mut Session, &mut dyn FnMut(Output<'_>))) {
        let PbxTask { pbx, session, follower, board, status, .. } = &mut self.task;
        let own = &mut self.own;
        let told = &mut self.told;
        act(session, &mut |output| match output {
            Output::Send(bytes) => own.to_send.extend_from_slice(bytes),
            Output::Heard { at, input, because } => {
                let unexpected = follower.handle(at, *input);
                for anomaly in unexpected {
                    own.anomalies.tell(anomaly, because.map_or("", Evidence::text), Instant::now());
                }
                board.heard(&pbx.name, at, input, |channel| follower.is_withheld(channel));
            }
            Output::State(state) => {
                tracing::debug!(pbx = %pbx.name, state = state.name(), "link");
                match state {
                    State::LoggingIn => {
                        own.hears_calls = false;
                        // What is missing is found out anew; that a link is deaf takes longer than that.
                        status.change(|status| {
                            status.missing.retain(|missing| *missing == Missing::CallEvents)
                        });
                    }
                    State::Offline | State::Connecting => {}
                    State::Synchronising => status.enter(LinkState::Synchronising, clock::wall()),
                    State::Live => {
                        *told = None;
                        own.heartbeat_at = Some(Instant::now() + HEARTBEAT);
                        status.enter(LinkState::Live, clock::wall());
                        tracing::info!(pbx = %pbx.name, address = %pbx.address, "the PBX is followed");
                    }
                }
            }
            Output::Notice(notice) => notice_told(pbx, status, &notice),
            Output::Endpoint(endpoint) => {
                follower.phones().learn(&endpoint);
                status.endpoint(&endpoint);
                if let (Some(is_reachable), Some(phone)) =
                    (endpoint.is_reachable, follower.phones().whose(endpoint.name))
                    && status.phone(endpoint.name, phone, is_reachable)
                {
                    board.changed();
                }
            }
            Output::Failed(failure) => own.failure = Some(failure),
        });
    }

    /// Hands what the call logic said to the event writer; now and then that the PBX was heard.
    pub(super) async fn keep(&mut self) {
        let is_heartbeat = self.own.heartbeat_at.is_some_and(|due| due <= Instant::now());
        if !is_heartbeat && !self.task.follower.has_outputs() {
            return;
        }
        self.own.heartbeat_at = self.own.heartbeat_at.map(|_| Instant::now() + HEARTBEAT);
        let Some(last_heard) = self.task.session.last_heard() else { return };
        let heard_at = self.task.follower.unsure_since().map_or(last_heard, |since| since.min(last_heard));
        let mut moment = Append {
            // The event writer knows.
            grant: Grant::ALONE,
            pbx: self.task.pbx.name.clone(),
            events: Vec::new(),
            notes: Vec::new(),
            heard_at,
            received_at: clock::wall(),
            // The event writer knows.
            age: Duration::ZERO,
        };
        let at = Instant::now();
        let pbx_message = self.task.session.counts().messages;
        for said in self.task.follower.take_outputs() {
            match said {
                Said::Event(event) => {
                    tracing::debug!(pbx = %moment.pbx, pbx_message, event_id = %event.id(), "the PBX said");
                    let to: Vec<IntegrationId> = self.task.routes.of(event.account(), event.kind());
                    moment.events.push((*event, to));
                }
                Said::Note(note) => moment.notes.push(note),
                Said::Anomaly(_) => {}
            }
        }
        if moment.events.is_empty() && moment.notes.is_empty() && !is_heartbeat {
            return;
        }
        // Only an event writer that gave up, counting and saying so, is not there any more.
        let _ = self.task.moments.send(Heard { moment, at }).await;
    }

    /// Writes down how the link is doing.
    pub(super) fn look(&mut self, piece: &Piece, fill: &Fill) {
        let PbxTask { pbx, session, follower, status, .. } = &self.task;
        let health = session.health();
        if health.hears_calls && !std::mem::replace(&mut self.own.hears_calls, true) {
            status.change(|status| status.missing.retain(|missing| *missing != Missing::CallEvents));
        }
        let (channels, legs) = follower.counts();
        let strangers = follower.phones().take_strangers();
        strangers_told(pbx, status, strangers);
        status.change(|status| {
            status.lag = health.lag.map(|lag| lag + piece.arrived.elapsed());
            // Until it is measured on this connection it is as it was on the last.
            status.clock_ahead_micros = health.clock_ahead_micros.or(status.clock_ahead_micros);
            status.queued_bytes = fill.queued_bytes();
            status.is_full = fill.is_full();
            status.times_full = fill.times_full();
            status.channels = channels;
            status.legs = legs;
            status.heard_at = Some(Instant::now());
            status.messages = session.counts().messages;
            status.anomalies = self.own.anomalies.count();
            if status.about != *session.about() {
                status.about = session.about().clone();
            }
        });
        if status.with(|status| status.state != LinkState::Live) {
            return;
        }
        let clock = status.with(LinkStatus::troubles).into_iter().find(|one| *one != Trouble::Deaf);
        let is_news = clock.is_some() && !self.own.clock_told;
        self.own.clock_told = clock.is_some();
        if let (Some(trouble), true) = (clock, is_news) {
            tracing::warn!(pbx = %pbx.name, code = trouble.code(), "{}", trouble.sentence(pbx.product));
        }
    }
}
