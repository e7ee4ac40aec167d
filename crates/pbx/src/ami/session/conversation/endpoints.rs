//! Which endpoints the PBX has, by whatever lists it knows, and what shows that one is a provider's line.
//!
//! A module that is not loaded does not know its list; that is no error to anybody.

use std::collections::{BTreeSet, VecDeque};

use super::Conversation;
use super::questions::For;
use crate::ami::channel;
use crate::ami::message::Message;
use crate::link::{Ask, Endpoint, Output, Sign};

/// The lists, by technology: PJSIP, SIP, IAX2, SCCP (by its old and its new name), DAHDI.
const LISTS: [&str; 6] =
    ["PJSIPShowEndpoints", "SIPpeers", "IAXpeerlist", "SCCPListLines", "SCCPShowLines", "DAHDIShowChannels"];
/// With whom the PBX registers itself. After the lists, for a registration says nothing of an endpoint that is none.
const REGISTRATIONS: [&str; 2] = ["PJSIPShowRegistrationsOutbound", "SIPshowregistry"];
/// So many endpoints are asked about one by one.
const MAX_ASKED: usize = 5_000;

/// What was asked, and what is to be asked.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    is_asked: bool,
    /// Those of the lists.
    known: BTreeSet<Box<str>>,
    /// To be asked about one by one, so that a PBX is not flooded.
    waiting: VecDeque<Box<str>>,
    is_asking: bool,
}

impl Conversation {
    /// Asks for the lists, once a connection.
    pub(super) fn ask_endpoints(&mut self, out: &mut impl FnMut(Output<'_>)) {
        if std::mem::replace(&mut self.endpoints.is_asked, true) {
            return;
        }
        for list in LISTS {
            self.send(For::Endpoints, list, &[], out);
        }
        for list in REGISTRATIONS {
            self.send(For::Registrations, list, &[], out);
        }
        if self.settings.ask == Ask::All {
            self.send(For::Commands, "ListCommands", &[], out);
        }
    }

    /// An entry of a list. Whether it was one.
    pub(super) fn endpoint_event(
        &mut self,
        event: &str,
        message: &Message<'_>,
        out: &mut impl FnMut(Output<'_>),
    ) -> bool {
        match event {
            "EndpointList" => self.pjsip_listed(message, out),
            "PeerEntry" => self.peer_listed(message, out),
            "SCCPLineEntry" => {
                let name = format!("SCCP/{}", message.value("Exten"));
                let is_reachable = !matches!(message.value("Device"), "" | "--" | "(null)");
                self.tell(Endpoint { is_reachable: Some(is_reachable), ..Endpoint::named(&name) }, out);
            }
            "DAHDIShowChannels" => self.port_listed(message, out),
            "OutboundRegistrationDetail" => {
                let endpoint = message.get("Endpoint").filter(|name| !name.is_empty());
                let name = format!("PJSIP/{}", endpoint.unwrap_or(message.value("ObjectName")));
                self.is_registered_with(&name, out);
            }
            "RegistryEntry" => self.is_registered_with(&format!("SIP/{}", message.value("Username")), out),
            "PeerStatus" => {
                let is_away =
                    matches!(message.value("PeerStatus"), "Unreachable" | "Unregistered" | "Rejected");
                let name = message.value("Peer");
                if !name.is_empty() {
                    self.tell(Endpoint { is_reachable: Some(!is_away), ..Endpoint::named(name) }, out);
                }
            }
            "EndpointDetail" => {
                let name = format!("PJSIP/{}", message.value("ObjectName"));
                self.detail(&name, message, out);
            }
            "IdentifyDetail" => {
                let name = format!("PJSIP/{}", message.value("Endpoint"));
                self.tell(Endpoint { sign: Some(Sign::Address), ..Endpoint::named(&name) }, out);
            }
            "EndpointDetailComplete" => self.ask_next(out),
            _ => return false,
        }
        true
    }

    /// The answer to a question about one endpoint.
    pub(super) fn endpoint_answered(
        &mut self,
        is_success: bool,
        message: &Message<'_>,
        out: &mut impl FnMut(Output<'_>),
    ) {
        // Of PJSIP the answer is a list; of SIP it is all in this one message.
        if !is_success {
            self.ask_next(out);
        } else if message.value("EventList") != "start" {
            let name = format!("SIP/{}", message.value("ObjectName"));
            self.detail(&name, message, out);
            self.ask_next(out);
        }
    }

    fn pjsip_listed(&mut self, message: &Message<'_>, out: &mut impl FnMut(Output<'_>)) {
        let name = format!("PJSIP/{}", message.value("ObjectName"));
        let is_reachable = !matches!(message.value("DeviceState"), "Unavailable" | "Invalid" | "Unknown");
        let logs_in = message.get("OutboundAuths").is_some_and(|auths| !auths.is_empty());
        let sign = logs_in.then_some(Sign::Login);
        // Whoever has to prove who he is, is no provider known by its address.
        let in_doubt = message.get("Auths").is_none_or(str::is_empty);
        self.tell(Endpoint { is_reachable: Some(is_reachable), sign, ..Endpoint::named(&name) }, out);
        self.may_be_asked(&name, in_doubt, out);
    }

    fn peer_listed(&mut self, message: &Message<'_>, out: &mut impl FnMut(Output<'_>)) {
        let technology = match message.value("Channeltype") {
            "IAX" | "IAX2" => "IAX2",
            other => other,
        };
        let name = format!("{technology}/{}", message.value("ObjectName"));
        let has_address = !matches!(message.value("IPaddress"), "" | "-none-" | "(null)" | "(Unspecified)");
        let status = message.value("Status");
        let is_reachable =
            has_address && !status.starts_with("UNREACHABLE") && !status.starts_with("UNKNOWN");
        let in_doubt = message.get("Dynamic").is_none_or(|dynamic| dynamic.eq_ignore_ascii_case("no"));
        self.tell(Endpoint { is_reachable: Some(is_reachable), ..Endpoint::named(&name) }, out);
        if technology == "SIP" {
            self.may_be_asked(&name, in_doubt, out);
        }
    }

    fn port_listed(&mut self, message: &Message<'_>, out: &mut impl FnMut(Output<'_>)) {
        let port = message.get("DAHDIChannel").unwrap_or(message.value("Channel"));
        if port.is_empty() || port == "pseudo" {
            return;
        }
        let name = format!("DAHDI/{port}");
        let context = message.value("Context");
        // A port that is signalled to as a phone would be is a line of the exchange.
        let is_line = message.value("Signalling").starts_with("FXS");
        let sign = by_context(context).or_else(|| is_line.then_some(Sign::Port));
        self.tell(Endpoint { context, sign, ..Endpoint::named(&name) }, out);
    }

    fn is_registered_with(&self, name: &str, out: &mut impl FnMut(Output<'_>)) {
        if self.endpoints.known.contains(name) {
            out(Output::Endpoint(Endpoint { sign: Some(Sign::Registration), ..Endpoint::named(name) }));
        }
    }

    fn detail(&mut self, name: &str, message: &Message<'_>, out: &mut impl FnMut(Output<'_>)) {
        let context = message.value("Context");
        let number = caller_id(message.get("Callerid").unwrap_or_default());
        self.tell(Endpoint { context, sign: by_context(context), number, ..Endpoint::named(name) }, out);
    }

    fn tell(&mut self, endpoint: Endpoint<'_>, out: &mut impl FnMut(Output<'_>)) {
        if endpoint.name.ends_with('/') {
            return;
        }
        if self.endpoints.known.len() < MAX_ASKED {
            self.endpoints.known.insert(endpoint.name.into());
        }
        out(Output::Endpoint(endpoint));
    }

    /// A name of digits may be a provider's number; what the PBX knows of it decides.
    fn may_be_asked(&mut self, name: &str, in_doubt: bool, out: &mut impl FnMut(Output<'_>)) {
        let is_number =
            name.split_once('/').is_some_and(|(_, name)| name.bytes().all(|byte| byte.is_ascii_digit()));
        let wanted = self.settings.ask == Ask::All || is_number && in_doubt;
        if wanted && self.endpoints.waiting.len() < MAX_ASKED {
            self.endpoints.waiting.push_back(name.into());
            if !self.endpoints.is_asking {
                self.ask_next(out);
            }
        }
    }

    fn ask_next(&mut self, out: &mut impl FnMut(Output<'_>)) {
        let next = self.endpoints.waiting.pop_front();
        self.endpoints.is_asking = next.is_some();
        let Some(next) = next else { return };
        match next.split_once('/') {
            Some(("PJSIP", name)) => {
                self.send(For::Endpoint, "PJSIPShowEndpoint", &[("Endpoint", name)], out)
            }
            Some((_, name)) => self.send(For::Endpoint, "SIPshowpeer", &[("Peer", name)], out),
            None => {}
        }
    }
}

fn by_context(context: &str) -> Option<Sign> {
    channel::takes_calls_from_outside(context).then_some(Sign::Context)
}

/// `"Anna Ash" <101>` and `101` are 101.
fn caller_id(text: &str) -> &str {
    let number = text.rsplit_once('<').map_or(text, |(_, number)| number.trim_end_matches('>')).trim();
    if number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'+') { number } else { "" }
}
