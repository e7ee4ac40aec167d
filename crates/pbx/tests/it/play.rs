//! A session against a PBX that is played by the test.

use std::time::Duration;

use calls::Input;
use pbx::ami::Session;
use pbx::{Failure, Now, Output, Secret, Settings, Sign};

/// An endpoint, and what shows it to be a provider's line.
pub(crate) type Told = (String, Option<Sign>);

/// A session and what came out of it, in words.
pub(crate) struct Play {
    pub(crate) session: Session,
    pub(crate) now: Now,
    pub(crate) sent: String,
    pub(crate) said: Vec<String>,
    pub(crate) failure: Option<Failure>,
    /// Every endpoint that was told, and what shows it to be a provider's line.
    pub(crate) endpoints: Vec<Told>,
    /// Everything that was sent and answered.
    pub(crate) log: String,
}

impl Play {
    pub(crate) fn new() -> Self {
        Self::with(Settings::new("ringbud", Secret::new("s3cret")))
    }

    pub(crate) fn with(settings: Settings) -> Self {
        Self {
            session: Session::new(settings, None),
            now: Now { monotonic: Duration::from_secs(1000), wall_micros: 1_795_343_900_000_000 },
            sent: String::new(),
            said: Vec::new(),
            failure: None,
            endpoints: Vec::new(),
            log: String::new(),
        }
    }

    fn note(
        (sent, said, failure, endpoints): (
            &mut String,
            &mut Vec<String>,
            &mut Option<Failure>,
            &mut Vec<Told>,
        ),
        output: Output<'_>,
    ) {
        match output {
            Output::Send(bytes) => sent.push_str(std::str::from_utf8(bytes).expect("actions are text")),
            Output::Heard { input: Input::Snapshot { listed }, .. } => {
                said.push(format!("snapshot of {}", listed.len()));
            }
            Output::Heard { input, .. } => {
                let text = format!("{input:?}");
                said.push(text.split([' ', '(']).next().unwrap_or_default().to_owned());
            }
            Output::State(state) => said.push(state.name().to_owned()),
            Output::Notice(notice) => said.push(format!("{notice:?}")),
            Output::Endpoint(endpoint) => {
                endpoints.push((endpoint.name.to_owned(), endpoint.sign));
                said.extend(
                    endpoint.is_reachable.map(|is_reachable| format!("{} {is_reachable}", endpoint.name)),
                );
            }
            Output::Failed(why) => *failure = Some(why),
        }
    }

    pub(crate) fn connect(&mut self) -> &mut Self {
        let Self { session, now, sent, said, failure, endpoints, .. } = self;
        session.connected(*now, |output| Self::note((sent, said, failure, endpoints), output));
        self
    }

    pub(crate) fn disconnect(&mut self) -> &mut Self {
        let Self { session, sent, said, failure, endpoints, .. } = self;
        session.disconnected(|output| Self::note((sent, said, failure, endpoints), output));
        self
    }

    /// The PBX says this.
    pub(crate) fn hears(&mut self, text: &str) -> &mut Self {
        self.receives(text.replace('\n', "\r\n").as_bytes())
    }

    /// The PBX says this, byte for byte.
    pub(crate) fn receives(&mut self, bytes: &[u8]) -> &mut Self {
        let Self { session, now, sent, said, failure, endpoints, .. } = self;
        session.received(bytes, *now, |output| Self::note((sent, said, failure, endpoints), output));
        self
    }

    pub(crate) fn wait(&mut self, seconds: u64) -> &mut Self {
        let end = self.now.monotonic + Duration::from_secs(seconds);
        while let Some(deadline) = self.session.next_deadline().filter(|&deadline| deadline <= end) {
            self.advance_to(deadline.max(self.now.monotonic));
            let Self { session, now, sent, said, failure, endpoints, .. } = self;
            session.timed_out(*now, |output| Self::note((sent, said, failure, endpoints), output));
        }
        self.advance_to(end);
        self
    }

    pub(crate) fn advance_to(&mut self, monotonic: Duration) {
        let passed = monotonic.saturating_sub(self.now.monotonic).as_micros();
        self.now.wall_micros += i64::try_from(passed).expect("short");
        self.now.monotonic = monotonic;
    }

    /// Answers every action sent so far: `say` gives the rest of the answer for its name.
    pub(crate) fn answers(&mut self, say: impl Fn(&str) -> String) -> &mut Self {
        loop {
            let sent = std::mem::take(&mut self.sent);
            self.log.push_str(&sent);
            if sent.is_empty() {
                return self;
            }
            for action in sent.split("\r\n\r\n").filter(|action| !action.is_empty()) {
                let header = |name: &str| {
                    action
                        .lines()
                        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                        .unwrap_or_default()
                };
                let (name, id) = (header("Action"), header("ActionID"));
                let answer = say(name).replace("ID", &format!("ActionID: {id}"));
                self.hears(&answer);
            }
        }
    }

    pub(crate) fn takes_said(&mut self) -> Vec<String> {
        std::mem::take(&mut self.said)
    }
}

/// A PBX where everything is allowed and nothing goes on.
pub(crate) fn willing(action: &str) -> String {
    match action {
        "Challenge" => "Response: Success\nID\nChallenge: 168\n\n".to_owned(),
        "Login" => format!("Response: Success\nID\nMessage: Authentication accepted\n\n{BOOTED}"),
        "Ping" => "Response: Success\nID\nPing: Pong\nTimestamp: 1795343900.500000\n\n".to_owned(),
        "CoreSettings" => {
            "Response: Success\nID\nAsteriskVersion: 22.10.1\nSystemName: pbx-1\nCoreCDRenabled: Yes\n\n"
                .to_owned()
        }
        "CoreStatus" => {
            "Response: Success\nID\nCoreStartupDate: 2026-11-22\nCoreStartupTime: 10:46:48\n\n".to_owned()
        }
        "Filter" => "Response: Success\nID\nMessage: Filter Added\n\n".to_owned(),
        "Status" => empty_list("Status"),
        "CoreShowChannels" => empty_list("CoreShowChannels"),
        "PJSIPShowEndpoints" => "Response: Success\nID\nEventList: start\n\n\
             Event: EndpointList\nID\nObjectName: 1001-101\nDeviceState: Not in use\n\n\
             Event: EndpointList\nID\nObjectName: 1001-102\nDeviceState: Unavailable\n\n\
             Event: EndpointListComplete\nID\nEventList: Complete\n\n"
            .to_owned(),
        "SIPpeers"
        | "IAXpeerlist"
        | "BridgeList"
        | "SCCPListLines"
        | "SCCPShowLines"
        | "DAHDIShowChannels"
        | "PJSIPShowRegistrationsOutbound"
        | "SIPshowregistry" => UNKNOWN.to_owned(),
        other => panic!("nobody should say {other}"),
    }
}

pub(crate) const UNKNOWN: &str = "Response: Error\nID\nMessage: Invalid/unknown command: x. Use Action: ListCommands to show available commands.\n\n";

pub(crate) const BOOTED: &str =
    "Event: FullyBooted\nPrivilege: system,all\nUptime: 90\nStatus: Fully Booted\n\n";
pub(crate) const GREETING: &str = "Asterisk Call Manager/11.0.0\n";
pub(crate) const DENIED: &str = "Response: Error\nID\nMessage: Permission denied\n\n";

pub(crate) fn empty_list(name: &str) -> String {
    format!(
        "Response: Success\nID\nEventList: start\n\n\
         Event: {name}Complete\nID\nEventList: Complete\nListItems: 0\n\n"
    )
}
