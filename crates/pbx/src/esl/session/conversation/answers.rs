//! What FreeSWITCH's answers mean for the link.

use std::time::Duration;

use calls::PbxTime;

use super::endpoints::{is_plain, read_gateways, registered, seen_in_calls};
use super::{ANSWER_WITHIN, Conversation, Phase};
use crate::esl::listed;
use crate::esl::lists::Answer;
use crate::esl::session::asking::Question;
use crate::esl::session::hooks;
use crate::esl::translate::Translator;
use crate::esl::version;
use crate::link::pulse::Pulse;
use crate::link::{Ask, Failure, Kind, Missing, Notice, Now, Output};

/// How long the lists may take.
const LIST_WITHIN: Duration = Duration::from_secs(20);
/// How soon they are asked for again after their list could not be used.
const LIST_AGAIN_AFTER: Duration = Duration::from_secs(30);
/// About so many channels in doubt more is asked; the others are as the list has them.
const MAX_DUMPS: usize = 500;

impl Conversation {
    pub(super) fn replied(&mut self, said: &str, now: Now, out: &mut impl FnMut(Output<'_>)) {
        let is_success = said.starts_with("+OK");
        match self.asked.answered() {
            Some(Question::Login) if is_success => {
                self.pulse = Some(Pulse::new(self.settings.ping_every, self.settings.ping_within, now));
                self.enter(Phase::Settling { until: now.monotonic + ANSWER_WITHIN }, out);
                self.asked.ask(Question::Subscription, out);
                self.asked.filter(out);
                self.asked.ask(Question::Status, out);
                self.list(now, out);
            }
            Some(Question::Login) => {
                let username = self.settings.username.clone();
                let said = said.to_owned();
                self.fail(
                    Failure::LoginRefused {
                        product: self.settings.product(Kind::FreeSwitch),
                        username,
                        said,
                    },
                    out,
                );
            }
            Some(Question::Subscription) if !is_success => {
                out(Output::Notice(Notice::Missing(Missing::CallEvents)));
            }
            Some(Question::Filter) if !is_success => {
                out(Output::Notice(Notice::Missing(Missing::Filters)));
            }
            // A right that is missing is answered by a reply instead of an answer.
            Some(question) if !is_success => self.refused(&question, now, out),
            Some(_) | None => {}
        }
    }

    /// Asks for the channels: first which start of FreeSWITCH this is, so that a restart is told before.
    pub(super) fn list(&mut self, now: Now, out: &mut impl FnMut(Output<'_>)) {
        self.enter(Phase::Listing { until: now.monotonic + LIST_WITHIN }, out);
        for question in [Question::Core, Question::Channels, Question::Calls] {
            self.asked.ask(question, out);
        }
    }

    pub(super) fn answered(
        &mut self,
        body: &[u8],
        translator: &mut Translator,
        now: Now,
        out: &mut impl FnMut(Output<'_>),
    ) {
        let Some(question) = self.asked.answered() else { return };
        let heard = |at, input: calls::Input<'_>| {
            out(Output::Heard { at, input: &input, because: None });
        };
        match question {
            Question::Ping => {
                let clock = std::str::from_utf8(body).ok().and_then(|text| text.trim().parse().ok());
                let clock = clock.filter(|micros: &i64| *micros > 0).map(PbxTime::from_micros);
                if let Some(pulse) = &mut self.pulse {
                    pulse.ponged(clock, now);
                }
                if let Some(at) = clock {
                    translator.handle_timeout(at, heard);
                    self.read_clock(at, now);
                }
            }
            Question::Status => self.read_status(&String::from_utf8_lossy(body), out),
            Question::Core => {
                translator.answer(body, heard);
            }
            Question::Channels | Question::Calls => {
                let unusable = translator.counts().unusable_lists;
                let answer = translator.answer(body, heard);
                match (&question, answer) {
                    (Question::Calls, Answer::Calls) => {
                        let doubtful = translator.in_doubt();
                        for id in doubtful.into_iter().filter(|id| is_plain(id)).take(MAX_DUMPS) {
                            self.asked.ask(Question::Dump(id), out);
                        }
                        self.listed(translator, now, out);
                    }
                    (Question::Channels, Answer::Channels) => {
                        if self.settings.ask == Ask::All {
                            seen_in_calls(body, out);
                            self.look_for_hooks(body, out);
                        }
                    }
                    _ if translator.counts().unusable_lists > unusable => {
                        out(Output::Notice(Notice::UnusableList));
                        self.resync(LIST_AGAIN_AFTER, now);
                    }
                    _ => self.refused(&question, now, out),
                }
            }
            Question::Dump(id) => {
                if translator.answer(body, heard) != Answer::Dump {
                    translator.no_such_channel(&id);
                }
                self.listed(translator, now, out);
            }
            Question::Registrations => {
                for row in listed::rows(body) {
                    registered(listed::text(&row, "reg_user"), listed::text(&row, "realm"), true, out);
                }
            }
            Question::Gateways => read_gateways(&String::from_utf8_lossy(body), out),
            Question::Hook(variable, id) => hooks::told(variable, &id, body, out),
            Question::Login | Question::Subscription | Question::Filter => {}
        }
    }

    /// Asks for what FreeSWITCH does by itself: with all calls, and with some that are up.
    pub(super) fn look_for_hooks(&mut self, list: &[u8], out: &mut impl FnMut(Output<'_>)) {
        let rows = listed::rows(list);
        let ids =
            rows.iter().map(|row| listed::text(row, "uuid")).filter(|id| is_plain(id) && !id.is_empty());
        for id in std::iter::once("").chain(ids.take(hooks::MAX_CHANNELS)) {
            for variable in hooks::VARIABLES {
                self.asked.ask(Question::Hook(variable, id.to_owned()), out);
            }
        }
    }

    /// Both lists are there; the snapshot is told when nothing about it is in doubt any more.
    pub(super) fn listed(&mut self, translator: &mut Translator, now: Now, out: &mut impl FnMut(Output<'_>)) {
        if !self.asked.has_dumps() {
            translator.snapshot(|at, input| out(Output::Heard { at, input: &input, because: None }));
            self.go_live(now, out);
        }
    }

    pub(super) fn refused(&mut self, question: &Question, now: Now, out: &mut impl FnMut(Output<'_>)) {
        match question {
            Question::Channels => {}
            Question::Calls => {
                out(Output::Notice(Notice::Missing(Missing::Snapshot)));
                self.go_live(now, out);
            }
            Question::Status => out(Output::Notice(Notice::Missing(Missing::Status))),
            Question::Registrations => out(Output::Notice(Notice::Missing(Missing::Endpoints))),
            Question::Ping => {
                if let Some(pulse) = &mut self.pulse {
                    pulse.ponged(None, now);
                }
            }
            Question::Login
            | Question::Subscription
            | Question::Filter
            | Question::Core
            | Question::Dump(_)
            | Question::Gateways => {}
            Question::Hook(..) => out(Output::Notice(Notice::HooksNotTold)),
        }
    }

    pub(super) fn read_status(&mut self, said: &str, out: &mut impl FnMut(Output<'_>)) {
        let Some(found) = version::in_status(said) else {
            return out(Output::Notice(Notice::Missing(Missing::Status)));
        };
        self.about.version = found.to_owned();
        self.about.started = said.lines().next().unwrap_or_default().trim().to_owned();
        if let Some(failure) = version::too_old(found) {
            self.fail(failure, out);
        }
    }
}
