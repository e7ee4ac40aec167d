//! The session with a FreeSWITCH: what is said to it, in which order, and what its answers mean.

use std::time::Duration;

use pbx::esl::Session;
use pbx::{Failure, Missing, Notice, Now, Output, Product, Secret, Settings, State};

/// A session, what it sent, what it told and where it got to.
struct Play {
    session: Session,
    at: Duration,
    sent: Vec<String>,
    heard: Vec<String>,
    /// How many channels each snapshot had.
    listed: Vec<usize>,
    notices: Vec<Notice>,
    endpoints: Vec<(String, Option<bool>)>,
    failure: Option<Failure>,
}

impl Play {
    fn new(username: &str) -> Self {
        let settings = Settings::new(username, Secret::new("ClueCon\nexit"));
        let mut play = Self {
            session: Session::new(settings, None),
            at: Duration::from_secs(100),
            sent: Vec::new(),
            heard: Vec::new(),
            listed: Vec::new(),
            notices: Vec::new(),
            endpoints: Vec::new(),
            failure: None,
        };
        play.act(|session, now, out| session.connected(now, out));
        play
    }

    fn act(&mut self, act: impl FnOnce(&mut Session, Now, &mut dyn FnMut(Output<'_>))) {
        let Self { session, at, sent, heard, listed, notices, endpoints, failure } = self;
        let now = Now { monotonic: *at, wall_micros: i64::try_from(at.as_micros()).unwrap_or(0) };
        act(session, now, &mut |output| match output {
            Output::Send(bytes) => {
                let text = String::from_utf8_lossy(bytes).into_owned();
                sent.extend(text.split_terminator("\n\n").map(str::to_owned));
            }
            Output::Heard { input, .. } => {
                if let calls::Input::Snapshot { listed: rows } = input {
                    listed.push(rows.len());
                }
                let shown = format!("{input:?}");
                heard.push(shown.split([' ', '{']).next().unwrap_or_default().to_owned());
            }
            Output::Notice(notice) => notices.push(notice),
            Output::Endpoint(endpoint) => endpoints.push((endpoint.name.to_owned(), endpoint.is_reachable)),
            Output::Failed(why) => *failure = Some(why),
            Output::State(_) => {}
        });
    }

    fn says(&mut self, bytes: &str) {
        self.act(|session, now, out| session.received(bytes.as_bytes(), now, out));
    }

    fn replies(&mut self, said: &str) {
        self.says(&format!("Content-Type: command/reply\nReply-Text: {said}\n\n"));
    }

    fn answers(&mut self, body: &str) {
        self.says(&format!("Content-Type: api/response\nContent-Length: {}\n\n{body}", body.len()));
    }

    fn tells(&mut self, name: &str, more: &str) {
        let body = format!("Event-Name: {name}\nEvent-Date-Timestamp: 1700000000000000\n{more}\n\n");
        self.says(&format!("Content-Length: {}\nContent-Type: text/event-plain\n\n{body}", body.len()));
    }

    fn passes(&mut self, span: Duration) {
        let until = self.at + span;
        while let Some(due) = self.session.next_deadline().filter(|due| *due <= until) {
            self.at = self.at.max(due);
            self.act(|session, now, out| session.timed_out(now, out));
            if self.session.next_deadline().is_some_and(|next| next <= due) {
                break;
            }
        }
        self.at = until;
    }

    /// Up to the lists.
    fn logs_in(&mut self) {
        self.says("Content-Type: auth/request\n\n");
        self.replies("+OK accepted");
        let filters = self.sent.iter().filter(|sent| sent.starts_with("filter ")).count();
        self.replies("+OK event listener enabled plain");
        (0..filters).for_each(|_| self.replies("+OK filter added. [Event-Name]=[X]"));
        self.answers("UP 0 years\nFreeSWITCH (Version 1.11.1-release  64bit) is ready\n");
        self.answers("c4edce35-1f0c-4c7c-bbad-06063be6398e");
    }
}

const ROW: &str = r#"{"row_count":1,"rows":[{"uuid":"t","direction":"inbound","created_epoch":"1700000000",
    "name":"sofia/external/x","cid_num":"+49","dest":"101","presence_id":"","callstate":"ACTIVE","call_uuid":"t"}]}"#;
const NONE: &str = r#"{"row_count":0}"#;

#[test]
fn it_logs_in_subscribes_asks_for_the_channels_and_is_live() {
    let mut play = Play::new("");
    play.says("Content-Type: auth/request\n\n");
    assert_eq!(play.sent, ["auth ClueConexit"], "a line break in a secret is no second command");
    play.logs_in();
    assert!(play.sent[1].starts_with("event plain CHANNEL_CREATE "), "{:?}", play.sent);
    assert!(play.sent[1].ends_with("sofia::expire"), "subclasses come last");
    assert_eq!(play.session.about().version, "1.11.1-release");
    assert_eq!(play.session.state(), State::Synchronising);
    play.answers(NONE);
    play.answers(NONE);
    assert_eq!(play.session.state(), State::Live);
    assert_eq!(play.heard, ["Snapshot"]);
    assert_eq!(play.sent.last().unwrap(), "api sofia status");
    play.answers(r#"{"row_count":1,"rows":[{"reg_user":"101","realm":"a.test","token":"x"}]}"#);
    play.answers(
        "Name\tType\tData\tState\n===\nexternal::provider\tgateway\tsip:x\tREGED\n internal\tprofile\t…\n",
    );
    play.tells(
        "CUSTOM",
        "Event-Subclass: sofia%3A%3Aunregister\nfrom-user: 102\nfrom-host: a.test\nAction: unregister",
    );
    // One that nobody took back has names of its own for the same.
    play.tells(
        "CUSTOM",
        "Event-Subclass: sofia%3A%3Aexpire\nprofile-name: internal\nuser: 103\nhost: a.test",
    );
    let expected = [
        ("101@a.test", Some(true)),
        ("gateway/provider", Some(true)),
        ("102@a.test", Some(false)),
        ("103@a.test", Some(false)),
    ];
    assert_eq!(play.endpoints, expected.map(|(name, is)| (name.to_owned(), is)));
    assert_eq!((play.notices, play.failure), (Vec::new(), None));
}

#[test]
fn a_name_logs_in_by_userauth() {
    let mut play = Play::new("ringbud@a.test");
    play.says("Content-Type: auth/request\n\n");
    assert_eq!(play.sent, ["userauth ringbud@a.test:ClueConexit"]);
}

/// What goes wrong.
type Happens<'a> = &'a dyn Fn(&mut Play);

#[test]
fn what_cannot_be_followed_is_refused_in_words() {
    let failures: [(&str, Happens<'_>); 7] = [
        ("not_this_pbx", &|play| {
            play.tells("CHANNEL_CREATE", "Unique-ID: a");
            assert!(play.heard.is_empty(), "nobody showed a password yet");
        }),
        ("address_refused", &|play| {
            play.says("Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n");
        }),
        ("login_refused", &|play| {
            play.says("Content-Type: auth/request\n\n");
            play.replies("-ERR invalid");
        }),
        ("not_this_pbx", &|play| play.says("Asterisk Call Manager/9.0.0\r\n")),
        ("not_this_pbx", &|play| play.says("SSH-2.0-OpenSSH_9.2p1\r\n")),
        ("no_greeting", &|play| play.passes(Duration::from_secs(11))),
        ("too_old", &|play| {
            play.says("Content-Type: auth/request\n\n");
            play.replies("+OK accepted");
            play.replies("+OK event listener enabled plain");
            let filters = play.sent.iter().filter(|sent| sent.starts_with("filter ")).count();
            (0..filters).for_each(|_| play.replies("+OK"));
            play.answers("UP 0 years\nFreeSWITCH (Version 1.8.7 64bit) is ready\n");
        }),
    ];
    for (code, happens) in failures {
        let mut play = Play::new("");
        happens(&mut play);
        let failure = play.failure.unwrap_or_else(|| panic!("{code}"));
        assert_eq!(failure.code(), code);
        assert!(failure.to_string().len() > 40, "{failure}");
        assert_eq!(play.session.state(), State::Offline);
    }
}

#[test]
fn rights_that_are_missing_are_named_and_calls_are_followed_all_the_same() {
    let mut play = Play::new("");
    play.says("Content-Type: auth/request\n\n");
    play.replies("+OK accepted");
    let questions = play.sent.len() - 1;
    (0..questions).for_each(|_| play.replies("-ERR permission denied"));
    assert_eq!(play.session.state(), State::Live);
    let missing = |what| play.notices.contains(&Notice::Missing(what));
    for what in [Missing::CallEvents, Missing::Filters, Missing::Status, Missing::Snapshot] {
        assert!(missing(what), "{what:?}");
        assert!(what.sentence(Product::FreeSwitch).len() > 40);
    }
}

#[test]
fn what_a_list_leaves_in_doubt_is_asked_for_before_it_is_told() {
    let mut play = Play::new("");
    play.logs_in();
    play.answers(ROW);
    play.answers(NONE);
    assert_eq!(play.sent.last().unwrap(), "api uuid_dump t json");
    assert!(play.heard.is_empty());
    play.answers("-ERR No such channel!\n");
    assert_eq!(play.heard, ["Snapshot"], "a channel that is gone is in no list");
}

#[test]
fn an_end_that_waits_for_a_word_is_told_when_none_comes() {
    let mut play = Play::new("");
    play.logs_in();
    play.answers(NONE);
    play.answers(NONE);
    let channel = |id: &str, more: &str| format!("Unique-ID: {id}\nAnswer-State: answered\n{more}");
    play.tells("CHANNEL_CREATE", &channel("t", "Call-Direction: inbound\nChannel-Name: sofia/external/x"));
    play.tells(
        "CHANNEL_CREATE",
        &channel("a", "Call-Direction: outbound\nChannel-Presence-ID: 101@a.test\nvariable_originator: t"),
    );
    play.tells("CHANNEL_PROGRESS", &channel("a", ""));
    play.tells("CHANNEL_ANSWER", &channel("a", ""));
    play.tells("CHANNEL_BRIDGE", &channel("t", "Bridge-A-Unique-ID: t\nBridge-B-Unique-ID: a"));
    play.heard.clear();
    play.tells("CHANNEL_HANGUP", &channel("a", "Hangup-Cause: NORMAL_CLEARING"));
    assert!(play.heard.is_empty(), "t may still say that it was transferred");
    play.passes(Duration::from_millis(1_100));
    assert_eq!(play.heard, ["HangingUp", "Gone"]);
}

#[test]
fn another_start_of_freeswitch_is_a_restart_and_a_silent_one_is_given_up() {
    let mut play = Play::new("");
    play.logs_in();
    play.answers(NONE);
    play.answers(NONE);
    play.heard.clear();
    play.act(|session, _, out| session.disconnected(out));
    assert_eq!(play.heard, ["LinkLost"]);
    play.act(|session, now, out| session.connected(now, out));
    play.sent.clear();
    play.says("Content-Type: auth/request\n\n");
    play.replies("+OK accepted");
    let filters = play.sent.iter().filter(|sent| sent.starts_with("filter ")).count();
    (0..=filters).for_each(|_| play.replies("+OK"));
    play.answers("UP\nFreeSWITCH (Version 1.11.1) is ready\n");
    play.answers("00000000-1f0c-4c7c-bbad-06063be6398e");
    assert_eq!(play.heard, ["LinkLost", "Restarted"]);
    play.answers(NONE);
    play.answers(NONE);
    play.passes(Duration::from_secs(30));
    assert_eq!(play.failure.map(|failure| failure.code()), Some("frozen"));
}

#[test]
fn half_lines_bad_lengths_and_floods_do_not_end_a_session() {
    let mut play = Play::new("");
    play.logs_in();
    play.answers(NONE);
    play.answers(NONE);
    play.says("Content-Length: -5\nContent-Type: text/event-plain\n\n");
    play.says("Content-Length: 99999999999\nContent-Type: text/event-plain\n\nx");
    assert_eq!(play.notices.len(), 2, "{:?}", play.notices);
    assert_eq!((play.session.state(), &play.failure), (State::Live, &None));
}

/// The list lags behind the events, both ways: what was heard while it was asked for is newer.
#[test]
fn what_is_heard_while_a_list_is_asked_for_is_newer_than_the_list() {
    let mut play = Play::new("");
    play.logs_in();
    play.tells("CHANNEL_CREATE", "Unique-ID: t\nCall-Direction: inbound\nChannel-Name: sofia/external/x");
    play.tells("CHANNEL_PROGRESS", "Unique-ID: t");
    play.tells("CHANNEL_HANGUP", "Unique-ID: t\nHangup-Cause: NORMAL_CLEARING");
    play.answers(ROW);
    play.answers(NONE);
    assert_eq!(play.listed, [0], "it was hung up while the list was written");
    play.tells("CHANNEL_CREATE", "Unique-ID: u\nCall-Direction: inbound\nChannel-Name: sofia/external/x");
    play.tells("CHANNEL_PROGRESS", "Unique-ID: u");
    play.passes(Duration::from_secs(1));
    play.heard.clear();
    play.answers(NONE);
    assert!(play.heard.is_empty(), "and nothing ends that no list was asked about: {:?}", play.heard);
}

#[test]
fn a_link_lost_in_the_middle_of_the_lists_asks_anew_and_tells_one_snapshot() {
    let mut play = Play::new("");
    play.logs_in();
    play.answers(ROW);
    play.says("Content-Type: text/disconnect-notice\nContent-Length: 10\n\nDisconnect");
    play.act(|session, _, out| session.disconnected(out));
    assert_eq!(play.heard, ["LinkLost"], "half a list tells nothing");
    play.act(|session, now, out| session.connected(now, out));
    play.sent.clear();
    play.logs_in();
    play.answers(NONE);
    play.answers(NONE);
    assert_eq!(play.heard, ["LinkLost", "Snapshot"]);
    assert_eq!(play.listed, [0], "the row of the lost link is not in it");
    assert_eq!(play.session.state(), State::Live);
}

/// A FreeSWITCH that says goodbye closes the connection behind it, or keeps it open: neither is waited for.
#[test]
fn a_disconnect_notice_ends_the_link_whatever_is_said_behind_it() {
    let goodbye = "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n";
    let with_body =
        format!("Content-Length: {}\nContent-Disposition: disconnect\n\n{goodbye}", goodbye.len());
    let lingering = "Controlled-Session-UUID: t\nContent-Disposition: linger\nChannel-Name: sofia/x\n\
                     Linger-Time: -1\nContent-Length: 0\n\n";
    let notice = |rest: &str| format!("Content-Type: text/disconnect-notice\n{rest}");
    let appears = "Event-Name: CHANNEL_CREATE\nEvent-Date-Timestamp: 1700000000000000\nUnique-ID: u\n\
                   Call-Direction: outbound\nChannel-Name: sofia/external/x\n\n";
    let event = format!("Content-Length: {}\nContent-Type: text/event-plain\n\n{appears}", appears.len());
    for notice in [notice(&with_body), notice(lingering), notice("\n")] {
        // In the middle of the login, of the lists, and while calls are followed.
        for answered in 0..4 {
            let mut play = Play::new("");
            match answered {
                0 => play.says("Content-Type: auth/request\n\n"),
                _ => play.logs_in(),
            }
            (1..answered).for_each(|_| play.answers(NONE));
            if answered == 3 {
                play.says(&event);
                assert_eq!(play.heard, ["Snapshot", "Appeared", "DialBegan"]);
            }
            play.heard.clear();
            play.says(&format!("{notice}{event}"));
            assert_eq!(play.failure, Some(Failure::Dismissed), "{notice}");
            assert!(Failure::Dismissed.is_transient());
            assert_eq!((play.session.state(), play.session.next_deadline()), (State::Offline, None));
            assert!(play.heard.is_empty(), "{:?}", play.heard);
            play.act(|session, _, out| session.disconnected(out));
            let lost: &[&str] = if answered == 0 { &[] } else { &["LinkLost"] };
            assert_eq!(play.heard, lost);
        }
    }
}
